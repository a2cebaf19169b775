"""What sets one network apart from another of the same sizes, as a small LoRA file that ComfyUI's loader takes on a KMC MODEL.

Every changed matrix becomes the best product of two thin ones (truncated singular values; Eckart and Young 1936). What a LoRA cannot
carry, biases, norms and embeddings, goes in whole: `diff_b` and `diff`, as ComfyUI's comfy/lora.py reads them. Source: LoRA,
Hu et al., arXiv 2106.09685. Not here: training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ...checkpoints.format import load_checkpoint, save_checkpoint
from ...dit.weights_file import load_network
from ...errors import CheckpointError

FORMAT, VERSION = "kmc-lora", 1
PREFIX = "diffusion_model."


@dataclass(frozen=True)
class LoRAFacts:
    """matrices: how many are products; whole: how many tensors go in as they are; kept: share 0..1 of the change (its norm) kept."""

    matrices: int
    whole: int
    kept: float


def extract_lora(teacher: Path, student: Path, rank: int, out: Path, dtype: torch.dtype = torch.float16) -> LoRAFacts:
    """Write student minus teacher to `out`. Raises CheckpointError for networks of other sizes or a rank below 1."""
    (before, _), (after, facts) = load_network(teacher), load_network(student)
    if replace(before.config, one_evaluation=True) != replace(after.config, one_evaluation=True):
        raise CheckpointError(
            "A LoRA cannot turn one network into another of other sizes", got=f"{teacher.name} and {student.name}",
            expected="a student distilled from this teacher", remedy="Choose the files of one distillation",
        )  # fmt: skip
    lora, found = lora_of(before.state_dict(), after.state_dict(), rank)
    header = {"format": FORMAT, "version": VERSION, "rank": rank, **vars(found), "distilled": facts.get("distilled", {})}
    save_checkpoint(out, {name: tensor.to(dtype) for name, tensor in lora.items()}, header)
    return found


def load_lora(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of `extract_lora`, by ComfyUI's key names."""
    return load_checkpoint(path, FORMAT, VERSION)[0]


def lora_of(before: Mapping[str, Tensor], after: Mapping[str, Tensor], rank: int) -> tuple[dict[str, Tensor], LoRAFacts]:
    """after - before by key names of ComfyUI. Unchanged tensors take no place; a product larger than its matrix is left whole."""
    if rank < 1:
        raise CheckpointError("A LoRA needs a rank", got=str(rank), expected="1 or more", remedy="Raise --rank")
    lora: dict[str, Tensor] = {}
    matrices, whole, square, lost = 0, 0, 0.0, 0.0
    for name, old in before.items():
        change = after[name].float() - old.float()
        if not change.any():
            continue
        square += float(change.square().sum())
        layer, _, kind = name.rpartition(".")
        flat = change.flatten(1) if change.ndim > 1 else change
        if kind == "weight" and change.ndim > 1 and rank * sum(flat.shape) < flat.numel():
            up, down = _product(flat, rank)
            lost += float((flat - up @ down).square().sum())
            lora[f"{PREFIX}{layer}.lora_A.weight"] = down.view(rank, *change.shape[1:])
            lora[f"{PREFIX}{layer}.lora_B.weight"] = up.view(-1, rank, *[1] * (change.ndim - 2))
            matrices += 1
        else:
            lora[f"{PREFIX}{layer}.{'diff_b' if kind == 'bias' else 'diff'}"] = change
            whole += 1
    return lora, LoRAFacts(matrices, whole, (1 - lost / square) ** 0.5 if square else 1.0)


def merged(weights: Mapping[str, Tensor], lora: Mapping[str, Tensor], strength: float = 1.0) -> dict[str, Tensor]:
    """weights + strength x what the LoRA holds, float32. Raises CheckpointError for a LoRA of another network."""
    result, used = {}, set()
    for name, tensor in weights.items():
        layer, _, kind = name.rpartition(".")
        whole, up, down = (
            f"{PREFIX}{layer}.{part}" for part in ("diff_b" if kind == "bias" else "diff", "lora_B.weight", "lora_A.weight")
        )
        change = None
        if whole in lora:
            change = lora[whole].float()
        elif kind == "weight" and up in lora:
            change = (lora[up].float().flatten(1) @ lora[down].float().flatten(1)).view_as(tensor)
        result[name] = tensor.float() if change is None else tensor.float() + strength * change
        used |= {whole} if whole in lora else {up, down} if change is not None else set()
    left = sorted(set(lora) - used)
    if left:
        raise CheckpointError("The LoRA is of another network", got=left[0], expected="layers of this network")
    return result


def _product(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """up [m,r], down [r,n] with equal shares of the singular values, so that both survive float16."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    root = values[:rank].sqrt()
    return left[:, :rank] * root, root[:, None] * right[:rank]
