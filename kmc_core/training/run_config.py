"""One JSON file per training run: every choice that made a network, and nothing else. Unknown keys are errors."""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..dit.config import PRESETS, KMCDiTConfig
from ..errors import CheckpointError
from .bridge_levels import LevelSettings
from .dataset import DataSettings
from .losses import LossWeights


@dataclass(frozen=True)
class RunConfig:
    """pairs: folder of shards; preset: name in dit PRESETS; the run ends at `minutes` of training or `steps`, whichever first.

    learning rate warms up over `warm_up_steps`, then falls by a cosine over the run's progress; ema: decay of the average;
    save_minutes: how often state and weights are written; threads: of the CPU; seed: of weights and data order;
    optimiser: "adamw" or "muon" (for the blocks' matrices; the rest stays with AdamW).
    """

    pairs: str = "runs/pairs"
    preset: str = "nano"
    minutes: float = 60.0
    steps: int = 1_000_000
    batch: int = 8
    learning_rate: float = 8e-4
    weight_decay: float = 0.01
    warm_up_steps: int = 100
    clip_norm: float = 1.0
    ema: float = 0.998
    save_minutes: float = 5.0
    threads: int = 1
    seed: int = 0
    data: DataSettings = field(default_factory=DataSettings)
    levels: LevelSettings = field(default_factory=LevelSettings)
    losses: LossWeights = field(default_factory=LossWeights)
    optimiser: str = "adamw"

    @property
    def network(self) -> KMCDiTConfig:
        """The sizes named by the preset. Raises CheckpointError for an unknown name."""
        if self.preset not in PRESETS:
            raise CheckpointError("Unknown network preset", got=self.preset, expected=", ".join(PRESETS))
        return PRESETS[self.preset]


def read_run_config(path: Path, kind: type = RunConfig) -> RunConfig:
    """Read a run's JSON as a record of `kind`; keys left out take the defaults. Raises CheckpointError for unknown keys or no JSON."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise CheckpointError("The run's config cannot be read", got=f"{path.name}: {error}", expected="a JSON object") from error
    return _record(kind, values)


def write_run_config(path: Path, config: RunConfig) -> None:
    """Write every key, defaults included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")


def _record(kind: type, values: object) -> object:
    types = typing.get_type_hints(kind)
    names = [entry.name for entry in dataclasses.fields(kind)]
    unknown = sorted(set(values) - set(names)) if isinstance(values, dict) else ["(not an object)"]
    if unknown:
        raise CheckpointError(f"Unknown keys in {kind.__name__}", got=", ".join(unknown), expected=", ".join(names))
    return kind(**{name: _value(types[name], value) for name, value in values.items()})


def _value(kind: object, value: object) -> object:
    if dataclasses.is_dataclass(kind):
        return _record(kind, value)
    return _tuple(value) if isinstance(value, list) else value


def _tuple(value: object) -> object:
    return tuple(_tuple(entry) for entry in value) if isinstance(value, list) else value
