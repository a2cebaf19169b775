"""Reference views as context tokens: who the character is where the aligned picture has no texture to show.

Their rotary places are shifted beyond the picture, one strip per view, so that no reference token shares a place with a
video token (shifted RoPE as in One-to-All and SCAIL-2). Not here: the aligned picture itself, which enters as pixels.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .config import KMCDiTConfig
from .rope import grid_positions

VIEW_SHIFT_TOKENS = 48.0


class IdentityTokens(NamedTuple):
    """tokens [B,R,D]; places [R,2] = (y, x) in tokens; visible bool [B,R]."""

    tokens: Tensor
    places: Tensor
    visible: Tensor


class IdentityEncoder(nn.Module):
    """References [B,V,4,h,w] -> IdentityTokens, R = V (h/16)(w/16). Tokens of transparent patches are invisible."""

    def __init__(
        self, config: KMCDiTConfig, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.to_bottleneck = operations.Conv2d(4, config.bottleneck, config.patch, stride=config.patch, **place)
        self.to_tokens = operations.Conv2d(config.bottleneck, config.width, 1, **place)
        self.views = operations.Embedding(config.max_views, config.width, **place)
        self.out = operations.Linear(config.width, config.width, **place)
        self.patch = config.patch
        nn.init.normal_(self.views.weight, std=0.1)

    def forward(self, references: Tensor) -> IdentityTokens:
        batch, views = references.shape[:2]
        alpha = references[:, :, 3:]
        pictures = torch.cat((references[:, :, :3] * alpha, alpha), dim=2).flatten(0, 1)
        grid = self.to_tokens(nn.functional.silu(self.to_bottleneck(pictures)))
        rows, columns = grid.shape[-2:]
        tokens = grid.flatten(2).transpose(1, 2).unflatten(0, (batch, views))
        names = self.views(torch.arange(views, device=references.device))
        tokens = self.out(nn.functional.silu(tokens + names[:, None]))
        shift = VIEW_SHIFT_TOKENS * (1 + torch.arange(views, device=references.device))
        places = grid_positions(rows, columns, references.device)[None] + torch.stack((shift * 0, shift), dim=-1)[:, None]
        visible = nn.functional.max_pool2d(alpha.flatten(0, 1), self.patch).flatten(1).unflatten(0, (batch, views)) > 0.05
        return IdentityTokens(tokens.flatten(1, 2), places.flatten(0, 1), visible.flatten(1, 2))
