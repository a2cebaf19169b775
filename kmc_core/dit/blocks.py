"""One transformer block: attention in space, attention in time, attention to context, SwiGLU; each gated by adaLN-zero.

Not here: where tokens come from (patches.py, motion_encoders.py, identity.py, text.py). Sources: DiT, arXiv 2212.09748
(adaLN-zero); SwiGLU, arXiv 2002.05202; factorised space-time attention as in Latte, arXiv 2401.03048.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor, nn

from .attention import Attention, Remembered, normalised
from .rope import Rotary


@dataclass(frozen=True)
class Context:
    """What the video tokens of each frame may look at.

    tokens [B,T,M,D]; rotary over [B*T,1,M,d]; visible bool [B,T,M] (its first token is always visible).
    """

    tokens: Tensor
    rotary: Rotary
    visible: Tensor


class SwiGLU(nn.Module):
    """Gated feed-forward of hidden width 8/3 D, rounded up to a multiple of 16."""

    def __init__(self, width: int, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None) -> None:
        super().__init__()
        hidden = -(-8 * width // 3 // 16) * 16
        self.rise = operations.Linear(width, 2 * hidden, bias=False, device=device, dtype=dtype)
        self.fall = operations.Linear(hidden, width, bias=False, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.rise(x).chunk(2, dim=-1)
        return self.fall(nn.functional.silu(gate) * value)


class SpaceTimeBlock(nn.Module):
    """x [B,T,N,D] -> [B,T,N,D]. Frames see themselves, then equal places through time, then their own context.

    condition: the vector of each frame [B,T,C]; its projection starts at zero, so an untrained block passes x through.
    context: of `remember`; visible bool [B,T,M], Context.visible.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        condition_width: int,
        *,
        operations: ModuleType = nn,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        place = {"operations": operations, "device": device, "dtype": dtype}
        self.space = Attention(width, heads, **place)
        self.time = Attention(width, heads, **place)
        self.context = Attention(width, heads, **place)
        self.feed_forward = SwiGLU(width, **place)
        self.norms = nn.ModuleList(operations.RMSNorm(width, eps=1e-6, device=device, dtype=dtype) for _ in range(4))
        self.modulation = operations.Linear(condition_width, 12 * width, device=device, dtype=dtype)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def remember(self, context: Context) -> Remembered:
        """The context as this block's keys and values [B*T,heads,M,d]: neither x nor the level changes them."""
        return self.context.remember(context.tokens.flatten(0, 1), context.rotary)

    def forward(self, x: Tensor, condition: Tensor, space: Rotary, time: Rotary, context: Remembered, visible: Tensor) -> Tensor:
        batch, frames, places, _ = x.shape
        parts = self.modulation(nn.functional.silu(condition))[:, :, None].chunk(12, dim=-1)
        scales, shifts, gates = parts[0:4], parts[4:8], parts[8:12]

        def prepared(index: int, tokens: Tensor) -> Tensor:
            return normalised(self.norms[index], tokens) * (1 + scales[index]) + shifts[index]

        within = self.space(prepared(0, x).flatten(0, 1), space).unflatten(0, (batch, frames))
        x = x + gates[0] * within
        if frames > 1:
            # contiguous: a strided input would make every linear layer copy its weight once per place
            paths = prepared(1, x).transpose(1, 2).flatten(0, 1).contiguous()
            x = x + gates[1] * self.time(paths, time).unflatten(0, (batch, places)).transpose(1, 2)
        seen = self.context(prepared(2, x).flatten(0, 1), space, mask=visible.flatten(0, 1), remembered=context)
        x = x + gates[2] * seen.unflatten(0, (batch, frames))
        return x + gates[3] * self.feed_forward(prepared(3, x))
