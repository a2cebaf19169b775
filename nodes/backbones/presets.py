"""Steps, guidance, shift and sampler for every backbone in one table, and whether a MODEL has been distilled.

Recognised is what can be known: the files the MODEL came from (its checkpoint, the LoRA loaders before the sampler) and what a
LoRA file says about itself. A LoRA's numbers do not tell what it was trained for, so nothing is guessed from them.
Not here: which backbone a model is (recognise.py), the denoising itself (sampling.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from .protocol import SamplingPlan
from .recognise import KnownBackbone

AUTO, BASE, FEW_STEPS, AS_SET = PRESETS_OFFERED = ["auto", "base", "few steps", "as set"]
LARGEST_CFG = 9.0

PLANS = {
    # Wan2.2 repository, configs/wan_animate_14B: 20 steps, guide scale 1, shift 5, dpm++ (ComfyUI's dpmpp_2m).
    ("Wan2.2-Animate", BASE): SamplingPlan(steps=20, cfg=1.0, sampler_name="dpmpp_2m", scheduler="simple", shift=5.0),
    # lightx2v step and guidance distillation (trained for 4 steps, guidance 1, shift 5), with the 6 steps of the row for SCAIL-2.
    ("Wan2.2-Animate", FEW_STEPS): SamplingPlan(steps=6, cfg=1.0, sampler_name="euler", scheduler="simple", shift=5.0),
    # ComfyUI 0.30, blueprint "Character Replacement (SCAIL-2 Base)": both settings of its switch for the distillation LoRA.
    ("SCAIL-2", BASE): SamplingPlan(steps=40, cfg=5.0, sampler_name="euler", scheduler="simple", shift=5.0),
    ("SCAIL-2", FEW_STEPS): SamplingPlan(steps=6, cfg=1.0, sampler_name="euler", scheduler="simple", shift=5.0),
}
"""(backbone, preset) -> plan; each row names where its numbers were published."""

DISTILLED = re.compile(
    r"light_?x2v|distill|lightning|turbo|causvid|fastwan|self[-_ ]?forcing|(?<![a-z])(rcm|dmd2?|lcm)(?![a-z])"
    r"|(?<!\d)[2-8][-_ ]?steps?(?![a-z])",
    re.IGNORECASE,
)
LORA_SAYS = ("modelspec.title", "modelspec.description", "modelspec.tags", "ss_output_name", "ss_training_comment")
MODEL_FILES = (".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".sft")


def sampling_plan(
    known: KnownBackbone, model: object, preset: str, steps: int, cfg_scale: float, files: Sequence[str] = ()
) -> SamplingPlan:
    """The plan for a preset's name, with a note on how it was chosen.

    "auto" is "few steps" for a MODEL recognised as distilled, else "base"; "as set" takes the sampler's own steps and
    cfg = 1 + 8 cfg_scale with the base row's sampler, scheduler and shift. files: of `files_before`.
    """
    if preset == AS_SET:
        cfg = 1 + (LARGEST_CFG - 1) * cfg_scale
        return replace(PLANS[known.name, BASE], steps=steps, cfg=cfg, note=f"Preset {AS_SET}: steps and cfg_scale of the sampler.")
    evidence = distillation_evidence(model, files)
    if preset == AUTO:
        chosen = FEW_STEPS if evidence else BASE
        if evidence:
            why = f"auto, because of {evidence}"
        elif getattr(model, "patches", None):
            why = f'auto; choose "{FEW_STEPS}" if a LoRA on the model is a distillation LoRA'
        else:
            why = "auto"
        return replace(PLANS[known.name, chosen], note=f"Preset {chosen} ({why}).")
    note = f"Preset {preset}."
    if preset == FEW_STEPS and not evidence:
        note += " No distillation LoRA was recognised on the model: without one, few steps give unfinished frames."
    if preset == BASE and evidence:
        note += f" The model seems to be distilled ({evidence}): guidance above 1 may be too much for it."
    return replace(PLANS[known.name, preset], note=note)


def distillation_evidence(model: object, files: Sequence[str] = ()) -> str:
    """What shows that a MODEL takes few steps without guidance: a file's name or a LoRA's own words; "" if nothing does.

    A LoRA that is not on the MODEL (strength 0) does not count.
    """
    source = getattr(model, "cached_patcher_init", None)
    path = source[1][0] if source and source[1] and isinstance(source[1][0], (str, PurePath)) else ""
    if DISTILLED.search(PurePath(path).name):
        return PurePath(path).name
    if not getattr(model, "patches", None) and not getattr(model, "injections", None):
        return ""
    for name in files:
        if DISTILLED.search(PurePath(name).name):
            return PurePath(name).name
    said = _attached(model, "lora_metadata")
    for key in LORA_SAYS:
        if DISTILLED.search(str(said.get(key, ""))):
            return f"the LoRA's own description ({str(said[key])[:60]})"
    return ""


def files_before(prompt: Mapping[str, object] | None, node_id: str | None, input_name: str = "model") -> tuple[str, ...]:
    """Names of model files chosen in the nodes from which a node's input comes, nearest first; read from the queued prompt."""
    nodes = prompt or {}
    start = _linked(nodes.get(str(node_id), {}), input_name)
    waiting, seen, found = [start] if start else [], set(), []
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        inputs = nodes[name].get("inputs", {})
        found += [text for value in inputs.values() for text in _file_names(value)]
        waiting += [value[0] for key, value in inputs.items() if _is_link(value) and "clip" not in key and "vae" not in key]
    return tuple(dict.fromkeys(found))


def _linked(node: Mapping[str, object], input_name: str) -> str | None:
    value = node.get("inputs", {}).get(input_name) if node else None
    return value[0] if _is_link(value) else None


def _is_link(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def _file_names(value: object) -> Iterator[str]:
    """Model files named by an input, also in the nested values some LoRA loaders use; rows switched off are passed by."""
    if isinstance(value, str) and value.lower().endswith(MODEL_FILES):
        yield value
    elif isinstance(value, Mapping) and value.get("on", True):
        for part in value.values():
            yield from _file_names(part)


def _attached(model: object, name: str) -> Mapping[str, object]:
    get = getattr(model, "get_attachment", None)
    found = get(name) if get is not None else None
    return found if isinstance(found, Mapping) else {}
