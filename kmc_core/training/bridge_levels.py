"""Which levels of the bridge training visits, which frames are given as clean history, and how much noise is mixed in.

Not here: the bridge itself (sampling/step.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class LevelSettings:
    """start: share of examples at level 1 (one-step sampling lives there); history: share of windows whose first frames
    are given clean; noiseless: share without noise, the rest has uniform 0..1 of the network's bridge noise."""

    start: float = 0.6
    history: float = 0.3
    noiseless: float = 0.7


class Levels(NamedTuple):
    """level [B,T] (0 for history), noise amount [B], frame_weight [B,T] (0 for history)."""

    level: Tensor
    noise: Tensor
    frame_weight: Tensor


def draw_levels(generator: np.random.Generator, batch: int, frames: int, settings: LevelSettings) -> Levels:
    """Random levels for a batch; every window keeps at least one frame to solve."""
    level = np.where(generator.random(batch) < settings.start, 1.0, generator.uniform(0.05, 1.0, batch))
    noise = np.where(generator.random(batch) < settings.noiseless, 0.0, generator.random(batch))
    levels = np.repeat(level[:, None], frames, axis=1)
    weight = np.ones((batch, frames))
    for row in range(batch):
        if frames > 1 and generator.random() < settings.history:
            given = int(generator.integers(1, frames))
            levels[row, :given] = 0
            weight[row, :given] = 0
    return Levels(*(torch.from_numpy(values).float() for values in (levels, noise, weight)))
