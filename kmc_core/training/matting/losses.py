"""What a good cut-out is: right alpha at every scale, and the right picture when it is laid over any colour.

Source: Xu et al. 2017, "Deep image matting" (composition); Hou and Liu 2019, "Context-aware image matting" (Laplacian).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from .dataset import Batch
from .run_config import MattingConfig

LEVELS = 4
EDGE_WEIGHT = 3.0


def matting_loss(alpha: Tensor, colours: Tensor, batch: Batch, config: MattingConfig, over: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Weighted sum and its parts. alpha [B,1,H,W], colours [B,3,H,W] predicted; over [B,3,1,1]: colour to lay the cut-out on."""
    truth = batch.alpha
    band = ((truth > 0.01) & (truth < 0.99)).to(alpha.dtype)
    weight = 1 + EDGE_WEIGHT * max_pool2d(band, 5, 1, 2)
    weight = weight / weight.mean()
    plain = (alpha - truth).abs()
    shown = alpha * colours + (1 - alpha) * over
    wanted = truth * batch.colours + (1 - truth) * over
    near_edge = max_pool2d(band, 7, 1, 3) * (truth > 0.01)
    parts = {
        "alpha": (weight * plain).mean(),
        "laplacian": config.laplacian * laplacian_difference(alpha, truth),
        "composition": config.composition * (shown - wanted).abs().mean(),
        "colours": config.colours * ((colours - batch.colours).abs() * near_edge).sum() / (3 * near_edge.sum() + 100),
    }
    values = {name: float(part.detach()) for name, part in parts.items()}
    values["plain"] = float(plain.detach().mean())
    return torch.stack(list(parts.values())).sum(), values


def laplacian_difference(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference of Laplacian pyramids, coarse levels weighing as much as fine ones."""
    difference, total = first - second, first.new_zeros(())
    for level in range(LEVELS):
        coarse = avg_pool2d(difference, 2)
        total = total + (difference - interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)).abs().mean() * 1.5**level
        difference = coarse
    return total + difference.abs().mean()
