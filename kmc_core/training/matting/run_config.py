"""One JSON file per training run of the cut-out network: every choice, and nothing else. Unknown keys are errors."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import CheckpointError


@dataclass(frozen=True)
class MattingConfig:
    """stills: folder; the run ends at `minutes` of training or `steps`, whichever first; crop_px: side of a training crop.

    fresh: share of crops whose picture is composed anew; the weights of the losses are for the mean over pixels.
    """

    stills: str = "runs/matting/stills"
    minutes: float = 30.0
    steps: int = 1_000_000
    batch: int = 8
    crop_px: int = 224
    fresh: float = 0.35
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.01
    warm_up_steps: int = 60
    clip_norm: float = 1.0
    ema: float = 0.995
    save_minutes: float = 3.0
    threads: int = 1
    seed: int = 0
    laplacian: float = 1.0
    composition: float = 1.0
    colours: float = 0.5


def read_config(path: Path) -> MattingConfig:
    """Read a run's JSON; keys left out take the defaults. Raises CheckpointError for unknown keys or no JSON."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError("The run's config cannot be read", got=f"{path.name}: {error}", expected="a JSON object") from error
    names = [entry.name for entry in dataclasses.fields(MattingConfig)]
    unknown = sorted(set(values) - set(names)) if isinstance(values, dict) else ["(not an object)"]
    if unknown:
        raise CheckpointError("Unknown keys in the run's config", got=", ".join(unknown), expected=", ".join(names))
    return MattingConfig(**values)


def write_config(path: Path, config: MattingConfig) -> None:
    """Write every key, defaults included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")
