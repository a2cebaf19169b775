"""Stages of training: each is one JSON of choices that ships with the pack and one command; what came before is kept.

base, then faces_and_hands from its weights, then windows and own_walk from those. A run folder is one stage; origin.json in it says which,
from which weights, and what had been spent on these. Not here: the loop (train.py), the choices (run_config.py).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from torch import Tensor

from ..dit.config import KMCDiTConfig
from ..dit.weights_file import load_network
from ..errors import CheckpointError
from .run_config import RunConfig, read_run_config, write_run_config
from .state import RunProgress

STAGE_FOLDER = Path(__file__).resolve().parent / "stages"
STAGES = ("base", "faces_and_hands", "windows", "own_walk")
ORIGIN_NAME, START_NAME, WEIGHTS_NAME = "origin.json", "start.safetensors", "weights.safetensors"
SPENT = tuple(entry.name for entry in dataclasses.fields(RunProgress))


def stage_config(stage: str) -> RunConfig:
    """The choices that ship for a stage. Raises CheckpointError for an unknown name."""
    if stage not in STAGES:
        raise CheckpointError("Unknown stage of training", got=stage, expected=", ".join(STAGES))
    return read_run_config(STAGE_FOLDER / f"{stage}.json")


def begin_stage(folder: Path, stage: str, source: Path | None = None, **given: object) -> None:
    """Make `folder` a run of `stage` that starts from `source` (a run folder, a weights file, None: untrained).

    given: choices (fields of RunConfig) that differ from what ships for the stage.
    A folder that already is that run is left to go on. Raises CheckpointError if it is another, or if `source` holds no weights.
    """
    weights = source / WEIGHTS_NAME if source is not None and source.is_dir() else source
    config = dataclasses.replace(stage_config(stage), **given)
    if (folder / "config.json").exists():
        _check_same(folder, stage, weights)
        return
    origin: dict[str, object] = {"stage": stage, "earlier": []}
    if weights is not None:
        network, facts = load_network(weights)
        _check_fits(network.config, config.network)
        origin = {"stage": stage, "weights": weights.as_posix(), "sha256": _sha256(weights), "earlier": spent_so_far(facts)}
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, folder / START_NAME)
    write_run_config(folder / "config.json", config)
    (folder / ORIGIN_NAME).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def start_weights(path: Path, config: KMCDiTConfig) -> dict[str, Tensor]:
    """Weights a run begins with, float32. Raises CheckpointError if they are of a network of other sizes."""
    network, _ = load_network(path)
    _check_fits(network.config, config)
    return network.state_dict()


def spent_so_far(facts: dict[str, object]) -> list[dict[str, object]]:
    """Facts of a weights file -> its stages, first one first: {"stage", "step", "windows", "frames", "seconds"} each."""
    own = {name: facts[name] for name in SPENT if name in facts}
    return [*facts.get("earlier", []), {"stage": facts.get("stage", STAGES[0]), **own}]


def facts_of_run(folder: Path, progress: RunProgress) -> dict[str, object]:
    """What a run's weights file says: its own progress, its stage and the stages before it."""
    origin = _origin(folder)
    stages = {"stage": origin["stage"], "earlier": origin["earlier"]} if origin else {}
    return {**vars(progress), **stages}


def _origin(folder: Path) -> dict[str, object]:
    path = folder / ORIGIN_NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _check_same(folder: Path, stage: str, weights: Path | None) -> None:
    origin = _origin(folder)
    if origin.get("stage", STAGES[0]) != stage:
        raise CheckpointError(
            "The run folder is of another stage", got=str(origin.get("stage", STAGES[0])), expected=stage,
            remedy=f"Name a new folder and begin it with --from {folder.as_posix()}",
        )  # fmt: skip
    if weights is not None and weights.as_posix() != origin.get("weights"):
        raise CheckpointError(
            "The run began with other weights", got=str(origin.get("weights", "none")), expected=weights.as_posix(),
            remedy="Leave --from out to go on, or name a new folder",
        )  # fmt: skip


def _check_fits(found: KMCDiTConfig, wanted: KMCDiTConfig) -> None:
    if found != wanted:
        other = [entry.name for entry in dataclasses.fields(wanted) if getattr(found, entry.name) != getattr(wanted, entry.name)]
        raise CheckpointError(
            "These weights are of another network", got=f"{other[0]} {getattr(found, other[0])!r}"[:120],
            expected=f"{getattr(wanted, other[0])!r}"[:120], remedy="Choose weights of the run's preset",
        )  # fmt: skip


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
