"""KMCDiT from and to its weights file. The file's header holds the network's config, so no size is ever guessed.

Not here: the file format itself (checkpoints/format.py). Called by nodes, sampling's callers and training.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from ..checkpoints.format import load_checkpoint, save_checkpoint
from ..errors import CheckpointError
from .config import KMCDiTConfig
from .model import KMCDiT

FORMAT, VERSION = "kmc-dit", 1
RECOMMENDED_STRENGTH = "recommended_strength"


def save_network(
    path: str | Path, config: KMCDiTConfig, weights: Mapping[str, Tensor], facts: Mapping[str, object], dtype: torch.dtype
) -> None:
    """Write weights as `dtype`. facts: plain JSON about the training, kept under "training" (recommended_strength 0..1 among them)."""
    header = {"format": FORMAT, "version": VERSION, "config": config.to_dict(), "training": dict(facts)}
    save_checkpoint(path, {name: tensor.to(dtype) for name, tensor in weights.items()}, header)


def load_network(
    path: str | Path,
    operations: ModuleType = nn,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> tuple[KMCDiT, dict[str, object]]:
    """Build the network its file describes, in evaluation mode -> (network, training facts). dtype None = float32.

    Raises CheckpointError if a tensor is missing, left over, of another shape or not finite.
    """
    weights, header = load_checkpoint(path, FORMAT, VERSION)
    config = KMCDiTConfig.from_dict(header.get("config"))
    expected = KMCDiT(config, nn, torch.device("meta")).state_dict()  # its shapes alone: the header may promise anything
    wrong = sorted(set(weights) ^ set(expected))
    wrong += [name for name in weights if name in expected and weights[name].shape != expected[name].shape]
    wrong += [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if wrong:
        raise CheckpointError(
            "The weights do not fit the network their header describes",
            got=f"{len(wrong)} wrong tensors, first {wrong[0]}",
            expected=f"{len(expected)} finite tensors",
            remedy="Fetch the weights file again",
        )
    network = KMCDiT(config, operations, device, dtype or torch.float32)
    network.load_state_dict(weights, strict=True)
    training = header.get("training")
    return network.eval().requires_grad_(False), dict(training) if isinstance(training, dict) else {}
