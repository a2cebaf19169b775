"""Training state on disk: weights, their average, the optimiser's moments and where the run stood. Written atomically."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..checkpoints.format import load_checkpoint, save_checkpoint
from ..errors import CheckpointError
from .ema import AveragedWeights

FORMAT, VERSION = "kmc-training", 1


@dataclass
class RunProgress:
    """step, windows and frames seen, seconds trained (pauses not counted)."""

    step: int = 0
    windows: int = 0
    frames: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, network: nn.Module, average: AveragedWeights, optimiser: torch.optim.Optimizer, progress: RunProgress
) -> None:
    """Everything a run needs to go on exactly where it stood (data order is a function of seed and step)."""
    tensors: dict[str, Tensor] = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.weights.items()}
    for index, slots in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{slot}": value for slot, value in slots.items()}
    header = {"format": FORMAT, "version": VERSION, "progress": vars(progress), "updates": average.updates}
    save_checkpoint(path, {name: value.detach().clone() for name, value in tensors.items()}, header)


def load_state(path: Path, network: nn.Module, average: AveragedWeights, optimiser: torch.optim.Optimizer) -> RunProgress:
    """Put a saved state back. Raises CheckpointError if the file or its network is another."""
    tensors, header = load_checkpoint(path, FORMAT, VERSION)

    def part(prefix: str) -> dict[str, Tensor]:
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    saved = part("network.")
    if saved.keys() != network.state_dict().keys():
        raise CheckpointError("The saved run has another network", got=path.name, remedy="Start a new run folder")
    network.load_state_dict(saved)
    average.weights = part("average.")
    average.updates = int(header["updates"])
    state = optimiser.state_dict()
    for key, value in part("optimiser.").items():
        index, slot = key.split(".")
        state["state"].setdefault(int(index), {})[slot] = value
    optimiser.load_state_dict(state)
    return RunProgress(**header["progress"])
