"""Levels of the bridge from the aligned frame (1) to the clean frame (0). Not here: what is done at a level (step.py)."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import KMCError


def bridge_levels(steps: int, bend: float = 1.0) -> Tensor:
    """float32 [steps + 1], strictly decreasing from 1 to 0. bend > 1 spends more steps near the clean end.

    Raises KMCError unless steps >= 1 and bend > 0.
    """
    if steps < 1 or bend <= 0:
        raise KMCError(
            "No bridge can be walked", got=f"{steps} steps, bend {bend}", expected="at least 1 step and a positive bend",
            remedy="Raise the number of steps",
        )  # fmt: skip
    return torch.linspace(1, 0, steps + 1) ** bend
