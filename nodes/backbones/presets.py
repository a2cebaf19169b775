"""Steps, guidance and shift for every backbone, in one table.

Not here: which backbone a model is (recognise.py), the denoising itself (sampling.py).
"""

from __future__ import annotations

from .protocol import SamplingPlan
from .recognise import KnownBackbone

PRESETS_OFFERED = ["auto", "base", "few steps", "as set"]
PLANS = {
    ("Wan2.2-Animate", "base"): SamplingPlan(steps=20, cfg=1.0, shift=5.0),
    ("Wan2.2-Animate", "few steps"): SamplingPlan(steps=6, cfg=1.0, shift=5.0),
}


def sampling_plan(known: KnownBackbone, model: object, preset: str, steps: int, cfg_scale: float) -> SamplingPlan:
    """The plan for a preset's name; "as set" takes the sampler's own steps, and cfg = 1 + 8 cfg_scale."""
    if preset == "as set":
        return SamplingPlan(steps=steps, cfg=1 + 8 * cfg_scale)
    return PLANS[known.name, "base" if preset == "auto" else preset]
