"""A small byte-level text encoder: it knows only the words it was trained on (light, background, camera, style).

Bytes -> strided convolution -> a few transformer layers -> tokens. Not here: prompt limits (media/limits.py).
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .attention import Attention, normalised
from .blocks import SwiGLU
from .conditions import TEXT_PADDING
from .config import KMCDiTConfig
from .rope import Rotary, rotary


class TextTokens(NamedTuple):
    """tokens [B,L,D]; visible bool [B,L]; summary [B,D], exactly zero where there is no text;
    loudness [B]: factor on what is read out of the tokens (None: 1)."""

    tokens: Tensor
    visible: Tensor
    summary: Tensor
    loudness: Tensor | None = None


class TextLayer(nn.Module):
    """Pre-norm self-attention and SwiGLU over text tokens [B,L,D']."""

    def __init__(self, width: int, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None) -> None:
        super().__init__()
        place = {"operations": operations, "device": device, "dtype": dtype}
        self.attention_norm = operations.RMSNorm(width, eps=1e-6, device=device, dtype=dtype)
        self.attention = Attention(width, max(1, width // 32), **place)
        self.feed_norm = operations.RMSNorm(width, eps=1e-6, device=device, dtype=dtype)
        self.feed_forward = SwiGLU(width, **place)

    def forward(self, x: Tensor, positions: Rotary, attendable: Tensor) -> Tensor:
        x = x + self.attention(normalised(self.attention_norm, x), positions, mask=attendable)
        return x + self.feed_forward(normalised(self.feed_norm, x))


class ByteEncoder(nn.Module):
    """Text [B,L] int64 (conditions.text_bytes) -> TextTokens, one token per `text_stride` bytes."""

    def __init__(
        self, config: KMCDiTConfig, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        width = config.text_width
        self.config = config
        self.bytes = operations.Embedding(TEXT_PADDING + 1, width, **place)
        self.join = operations.Conv1d(width, width, 2 * config.text_stride - 1, stride=config.text_stride,
                                      padding=config.text_stride - 1, **place)  # fmt: skip
        self.layers = nn.ModuleList(TextLayer(width, operations=operations, **place) for _ in range(config.text_depth))
        self.norm = operations.RMSNorm(width, eps=1e-6, **place)
        self.out = operations.Linear(width, config.width, **place)
        nn.init.normal_(self.bytes.weight, std=0.5)

    def forward(self, text: Tensor) -> TextTokens:
        stride = self.config.text_stride
        text = nn.functional.pad(text[:, : self.config.text_bytes], (0, -text.shape[1] % stride), value=TEXT_PADDING)
        visible = (text != TEXT_PADDING).unflatten(1, (-1, stride)).any(dim=2)
        x = self.join(self.bytes(text).transpose(1, 2)).transpose(1, 2)
        head_width = x.shape[-1] // self.layers[0].attention.heads
        positions = rotary(torch.arange(x.shape[1], device=x.device)[:, None], head_width, self.config.rope_theta)
        attendable = visible.clone()
        attendable[:, 0] = True  # an empty prompt still needs one token to attend to; it is invisible outside
        for layer in self.layers:
            x = layer(x, positions, attendable)
        tokens = self.out(normalised(self.norm, x))
        weight = visible.to(tokens.dtype)[..., None]
        return TextTokens(tokens, visible, (tokens * weight).sum(1) / weight.sum(1).clamp(min=1))


class TextColour(nn.Module):
    """Words -> two colour transforms [B,24] (character, background), as head.Edits.colour has them, the same everywhere.

    Every token adds its own share, so that words which name no light change nothing however long the prompt is.
    Starts at zero.
    """

    def __init__(
        self, config: KMCDiTConfig, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        self.shares = operations.Linear(config.width, 24, bias=False, device=device, dtype=dtype)
        nn.init.zeros_(self.shares.weight)

    def forward(self, text: TextTokens) -> Tensor:
        return (self.shares(text.tokens) * text.visible.to(text.tokens.dtype)[..., None]).sum(1)


def guided_words(told: TextTokens, untold: TextTokens, weight: Tensor) -> TextTokens:
    """Words said with a guidance weight [B]: the summary goes from untold through told (1) and beyond, tokens speak louder.

    What attention reads out of a token is linear in it (blocks.py), so this is the dual branch to first order, without
    a weight of its own; training/distill teaches the rest. Conditioning on w: Meng et al., arXiv 2210.03142.
    """
    summary = untold.summary + weight[:, None].to(told.summary.dtype) * (told.summary - untold.summary)
    return TextTokens(told.tokens, told.visible, summary, weight)


def guided_colour(own: Tensor, told: Tensor, untold: Tensor, weight: Tensor, untold_has_text: Tensor) -> Tensor:
    """Dual-branch colour [F,24,h,w] out of one evaluation; own [F,24,h,w] of the pixels, told / untold [F,24] of the words, weight [F].

    Exact for the words, and for the pixels' own where the other branch is silent: its colour grid is closed (head.py).
    """
    kept = torch.where(untold_has_text, torch.ones_like(weight), weight)[:, None, None, None]
    words = untold.float() + weight[:, None] * (told.float() - untold.float())
    return kept * own.float() + words[:, :, None, None]
