"""Training state on disk: weights, their average, the optimiser's moments and where the run stood. Written atomically."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from ..checkpoints.format import load_checkpoint, save_checkpoint
from ..errors import CheckpointError
from .ema import AveragedWeights
from .optimiser import Descent

FORMAT, VERSION = "kmc-training", 1


class Aids(Protocol):
    """Networks that only help to train; all they need to go on is in flat tensors named PART.REST or moments.REST."""

    @property
    def names(self) -> set[str]: ...

    def state_dict(self) -> dict[str, Tensor]: ...

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None: ...


@dataclass
class RunProgress:
    """step, windows and frames seen, seconds trained (pauses not counted)."""

    step: int = 0
    windows: int = 0
    frames: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, network: nn.Module, average: AveragedWeights, optimiser: Descent, progress: RunProgress, aids: Aids | None = None
) -> None:
    """Everything a run needs to go on exactly where it stood (data order is a function of seed and step)."""
    tensors: dict[str, Tensor] = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.weights.items()}
    for index, slots in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{slot}": value for slot, value in slots.items()}
    if aids is not None:
        tensors |= {f"aids.{name}": value for name, value in aids.state_dict().items()}
    header = {
        "format": FORMAT, "version": VERSION, "progress": vars(progress), "updates": average.updates, "optimiser": type(optimiser).__name__,
    }  # fmt: skip
    save_checkpoint(path, {name: value.detach().clone() for name, value in tensors.items()}, header)


def load_state(
    path: Path, network: nn.Module, average: AveragedWeights, optimiser: Descent, aids: Aids | None = None
) -> RunProgress:
    """Put a saved state back. Raises CheckpointError if the file, its network, optimiser or aids are others."""
    tensors, header = load_checkpoint(path, FORMAT, VERSION)

    def part(prefix: str) -> dict[str, Tensor]:
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    saved = part("network.")
    if saved.keys() != network.state_dict().keys():
        raise CheckpointError("The saved run has another network", got=path.name, remedy="Start a new run folder")
    if header.get("optimiser", "AdamW") != type(optimiser).__name__:
        raise CheckpointError(
            "The saved run has another optimiser", got=str(header["optimiser"]), expected=type(optimiser).__name__,
            remedy="Put the old one back into config.json, or start a new run folder from these weights",
        )  # fmt: skip
    had = {name.split(".")[0] for name in part("aids.")} - {"moments"}
    wanted = aids.names if aids is not None else set()
    if had != wanted:
        raise CheckpointError(
            "The saved run has other losses", got=", ".join(sorted(had)) or "no aids", expected=", ".join(sorted(wanted)) or "no aids",
            remedy="Put the old losses back into config.json, or start a new run folder from these weights",
        )  # fmt: skip
    network.load_state_dict(saved)
    if aids is not None:
        aids.load_state_dict(part("aids."))
    average.weights = part("average.")
    average.updates = int(header["updates"])
    state = optimiser.state_dict()
    for key, value in part("optimiser.").items():
        index, slot = key.split(".")
        state["state"].setdefault(int(index), {})[slot] = value
    optimiser.load_state_dict(state)
    return RunProgress(**header["progress"])
