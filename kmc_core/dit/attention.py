"""Multi-head attention with normalised queries and keys and rotary positions: one class for self- and cross-attention.

Not here: modulation and residuals (blocks.py). Source: qk-norm of ViT-22B, arXiv 2302.05442; softmax(q k / sqrt(d)) v.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .rope import Rotary, rotate


def normalised(norm: nn.RMSNorm, x: Tensor) -> Tensor:
    """norm(x) in the norm's own dtype: under autocast a mixed pair of dtypes would take a slow path."""
    return norm(x.to(norm.weight.dtype))


class Remembered(NamedTuple):
    """key and value [B,heads,M,d] of what is attended to, normalised and turned: a context that stays is read once."""

    key: Tensor
    value: Tensor


class Attention(nn.Module):
    """x [B,N,D] attends to `context` [B,M,D'] (or to itself). Output [B,N,D].

    query_rotary / key_rotary: tables broadcastable to [B,1,N,d] / [B,1,M,d]; None = no position.
    mask: bool [B,M], True = may be attended to. At least one token of every row must be True.
    remembered: what `remember` made of the context before, instead of it; the same bits.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        context_width: int | None = None,
        *,
        operations: ModuleType = nn,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.heads = heads
        self.query = operations.Linear(width, width, bias=False, **place)
        self.key_value = operations.Linear(context_width or width, 2 * width, bias=False, **place)
        self.query_norm = operations.RMSNorm(width // heads, eps=1e-6, **place)
        self.key_norm = operations.RMSNorm(width // heads, eps=1e-6, **place)
        self.out = operations.Linear(width, width, **place)

    def remember(self, source: Tensor, rotary: Rotary | None = None) -> Remembered:
        """source [B,M,D'] as keys and values, to be handed to `forward` any number of times."""
        key, value = self.key_value(source).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        key = normalised(self.key_norm, key)
        return Remembered((key if rotary is None else rotate(key, rotary)).to(value.dtype), value)

    def forward(
        self,
        x: Tensor,
        query_rotary: Rotary | None = None,
        context: Tensor | None = None,
        key_rotary: Rotary | None = None,
        mask: Tensor | None = None,
        remembered: Remembered | None = None,
    ) -> Tensor:
        if remembered is None:
            remembered = self.remember(x, query_rotary) if context is None else self.remember(context, key_rotary)
        key, value = remembered
        query = normalised(self.query_norm, self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2))
        if query_rotary is not None:
            query = rotate(query, query_rotary)
        bias = None if mask is None else mask[:, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query.to(value.dtype), key, value, attn_mask=bias)
        return self.out(mixed.transpose(1, 2).flatten(2))
