"""AdamW with weight decay on matrices only, a warm-up and a cosine that follows the run's progress.

Sources: Loshchilov and Hutter, arXiv 1711.05101 (AdamW), arXiv 1608.03983 (cosine).
"""

from __future__ import annotations

import math

import torch
from torch import nn


def build_optimiser(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Two groups: parameters with two or more axes decay, norms and biases do not."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95))


def learning_rate_factor(step: int, progress: float, warm_up_steps: int, flat_share: float = 0.3, floor: float = 0.02) -> float:
    """Factor on the base rate: linear warm-up, flat until `flat_share` of the run, then cosine down to `floor`.

    progress 0..1 is the share of the run that is done, by whatever ends it first.
    """
    warm = min(1.0, (step + 1) / max(1, warm_up_steps))
    fall = min(1.0, max(0.0, (progress - flat_share) / (1 - flat_share)))
    return warm * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fall)))


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the same rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
