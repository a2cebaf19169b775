"""One step along the bridge, and the noise it may carry. Not here: the levels (schedule.py), the network (dit).

The bridge is x(l) = clean + l (aligned - clean) + l s u n: straight between two pictures (stochastic interpolants,
arXiv 2303.08797), with noise n only where the uncertainty u says that alignment has no evidence.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..dit.config import KMCDiTConfig

UNCERTAIN_MAPS = {"hole": 1.0, "plate_invented": 0.7, "hands": 0.5}


def bridge_state(clean: Tensor, aligned: Tensor, level: Tensor, noise: Tensor | None = None) -> Tensor:
    """x(level): clean, aligned and noise broadcast to [B,3,T,H,W]; level [B,T]. noise is already scaled by s u."""
    weight = level[:, None, :, None, None]
    end = aligned if noise is None else aligned + noise
    return clean + weight * (end - clean)


def bridge_step(x: Tensor, x0: Tensor, level: Tensor, next_level: Tensor) -> Tensor:
    """Euler step on dx/dl = (x - x0) / l from `level` to `next_level`, both [B,T]; frames at level 0 are already clean."""
    ratio = torch.where(level > 0, next_level / level.clamp(min=1e-6), torch.ones_like(level))
    return x0 + ratio[:, None, :, None, None] * (x - x0)


def uncertainty(maps: Tensor, channels: tuple[str, ...]) -> Tensor:
    """Where alignment has no evidence: maps [B,C,T,H,W] -> [B,1,T,H,W] 0..1 (holes, invented plate, drawn hands, filled texture)."""
    found = [weight * maps[:, channels.index(name)] for name, weight in UNCERTAIN_MAPS.items()]
    filled = maps[:, channels.index("alpha")] * (1 - maps[:, channels.index("real")])
    return torch.stack((*found, filled), dim=1).amax(dim=1, keepdim=True).clamp(0, 1)


def uncertain_noise(maps: Tensor, config: KMCDiTConfig, amount: float, seed: int) -> Tensor:
    """The noise a window starts with [B,3,T,H,W]: `amount` 0..1 of what the network was trained with, where alignment is uncertain.

    maps [B,C,T,H,W].
    """
    field = shared_noise(*maps.shape[-2:], seed).to(maps.device)
    return amount * config.bridge_noise * uncertainty(maps, config.map_channels) * field


def shared_noise(height: int, width: int, seed: int) -> Tensor:
    """One normal field [1,3,1,H,W] for a whole clip: new noise in every frame would flicker. Same seed, same bits."""
    return torch.randn(1, 3, 1, height, width, generator=torch.Generator().manual_seed(seed))
