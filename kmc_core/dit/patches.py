"""From pixels to tokens and back: a pixel stem, a bottleneck patch embedding (16 px) and a decoder that ends at half resolution.

The stem's features at half and quarter resolution go round the transformer into the decoder, so that the patch grid
never shows. Not here: what the decoder's numbers mean (head.py). Sources: bottleneck embedding of JiT, arXiv 2511.13720;
pixel shuffle, arXiv 1609.05158.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, silu

from .attention import normalised
from .config import KMCDiTConfig


class PixelFeatures(NamedTuple):
    """half [F,C,H/2,W/2] and quarter [F,2C,H/4,W/4] features of F frames."""

    half: Tensor
    quarter: Tensor


def halves(pixels: Tensor) -> Tensor:
    """Pixels [F,C,H,W] as [F,4C,H/2,W/2] in the number type and memory order the stem computes in, so that none of it is
    done again at every step for maps that stay.
    """
    kind = pixels.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        pixels = pixels.to(torch.get_autocast_dtype(kind))
    return pixel_unshuffle(pixels, 2).contiguous(memory_format=torch.channels_last)


class PixelStem(nn.Module):
    """Pixels [F,in_channels,H,W] (H, W multiples of 16) -> features and tokens [F,(H/16)(W/16),D]."""

    def __init__(
        self, config: KMCDiTConfig, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        half, quarter = config.stem_channels, 2 * config.stem_channels
        self.to_half = operations.Conv2d(4 * config.in_channels, half, 3, padding=1, **place)
        self.to_quarter = operations.Conv2d(half, quarter, 3, stride=2, padding=1, **place)
        self.quarter_refine = operations.Conv2d(quarter, quarter, 3, padding=1, **place)
        self.to_bottleneck = operations.Conv2d(quarter, config.bottleneck, 4, stride=4, **place)
        self.to_tokens = operations.Conv2d(config.bottleneck, config.width, 1, **place)

    def forward(self, pixels: Tensor) -> tuple[PixelFeatures, Tensor]:
        return self.from_halves(halves(pixels))

    def from_halves(self, pixels: Tensor) -> tuple[PixelFeatures, Tensor]:
        """As `forward`, of what `halves` made of the pixels (its channels may be joined from several calls)."""
        half = silu(self.to_half(pixels))
        quarter = silu(self.to_quarter(half))
        quarter = quarter + silu(self.quarter_refine(quarter))
        tokens = self.to_tokens(self.to_bottleneck(quarter))
        return PixelFeatures(half, quarter), tokens.flatten(2).transpose(1, 2)


class RawEdits(NamedTuple):
    """What the decoder writes before head.py reads it; all zero while untrained.

    flow [F,2,H/4,W/4], residual [F,3,H,W], colour [F,24,H/16,W/16]
    """

    flow: Tensor
    residual: Tensor
    colour: Tensor


class PixelDecoder(nn.Module):
    """Tokens [F,N,D] and the stem's features -> RawEdits. The three last layers start at zero."""

    def __init__(
        self, config: KMCDiTConfig, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        half, quarter = config.stem_channels, 2 * config.stem_channels
        self.norm = operations.RMSNorm(config.width, eps=1e-6, **place)
        self.to_quarter = operations.Linear(config.width, 16 * quarter, **place)
        self.quarter_in = operations.Conv2d(2 * quarter, quarter, 3, padding=1, **place)
        self.quarter_refine = operations.Conv2d(quarter, quarter, 3, padding=1, **place)
        self.to_half = operations.Conv2d(quarter, 4 * half, 1, **place)
        self.half_in = operations.Conv2d(2 * half, half, 3, padding=1, **place)
        self.half_refine = operations.Conv2d(half, half, 3, padding=1, **place)
        self.flow = operations.Conv2d(quarter, 2, 3, padding=1, **place)
        self.residual = operations.Conv2d(half, 12, 3, padding=1, **place)
        self.colour = operations.Linear(config.width, 24, **place)
        for last in (self.flow, self.residual, self.colour):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, tokens: Tensor, features: PixelFeatures) -> RawEdits:
        rows, columns = features.quarter.shape[-2] // 4, features.quarter.shape[-1] // 4
        tokens = normalised(self.norm, tokens)

        def as_picture(values: Tensor) -> Tensor:
            return values.transpose(1, 2).unflatten(2, (rows, columns))

        quarter = pixel_shuffle(as_picture(self.to_quarter(tokens)), 4)
        quarter = silu(self.quarter_in(torch.cat((quarter, features.quarter), dim=1)))
        quarter = quarter + silu(self.quarter_refine(quarter))
        half = pixel_shuffle(self.to_half(quarter), 2)
        half = silu(self.half_in(torch.cat((half, features.half), dim=1)))
        half = half + silu(self.half_refine(half))
        return RawEdits(self.flow(quarter), pixel_shuffle(self.residual(half), 2), as_picture(self.colour(tokens)))
