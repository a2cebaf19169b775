"""Rotary position embedding for any number of axes and for positions that are not integers (a joint lies between tokens).

Not here: who sits where (model.py). Called by attention and model. Source: RoFormer, arXiv 2104.09864; axial form as in
k-diffusion's image transformer v2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Rotary(NamedTuple):
    """cos and sin, each [..., N, head_width / 2]; the leading axes broadcast against a batch of heads."""

    cos: Tensor
    sin: Tensor


def rotary(positions: Tensor, head_width: int, theta: float) -> Rotary:
    """Angles for tokens at `positions` [..., N, A] (tokens or frames); head_width / 2 frequencies are shared out over A axes.

    Frequencies fall from 1 to about 1 / theta. head_width must be a multiple of 2 A. float32 always.
    """
    axes = positions.shape[-1]
    count = head_width // (2 * axes)
    frequencies = theta ** (-torch.arange(count, dtype=torch.float32, device=positions.device) / count)
    angles = (positions.float()[..., None] * frequencies).flatten(-2)
    return Rotary(angles.cos(), angles.sin())


def rotate(x: Tensor, table: Rotary) -> Tensor:
    """Turn pairs of features of x [..., N, head_width] by the table's angles. Keeps dtype."""
    first, second = x.float().chunk(2, dim=-1)
    turned = torch.cat((first * table.cos - second * table.sin, first * table.sin + second * table.cos), dim=-1)
    return turned.to(x.dtype)


def grid_positions(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """(y, x) of every token of a grid, row by row -> float32 [height * width, 2]."""
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack((y, x), dim=-1).reshape(-1, 2).float()
