"""The sampler: walk the bridge for one window. All it needs of the network is `GuidedNetwork.edits`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..dit.head import Edits, apply_edits
from ..errors import Cancelled
from .guidance import GuidedNetwork
from .step import bridge_state, bridge_step


def sample_window(
    guided: GuidedNetwork,
    levels: Tensor,
    *,
    noise: Tensor | None = None,
    history: Tensor | None = None,
    on_step: Callable[[int, Tensor], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Tensor, Edits]:
    """Clean estimate [1,3,T,H,W] in -1..1 of one window, and the edits that made its frames after the history.

    levels [S+1] from schedule.bridge_levels; noise scaled, [1,3,T,H,W] or None (none: the default, and the best at this size);
    history [1,3,h,H,W]: the window's first h frames as already shown; they stay clean (level 0) and only inform the rest.
    on_step(step, x0) after each step; should_stop is asked before each, and raises Cancelled.
    """
    aligned, alpha = guided.network.aligned(guided.without_text)
    given = 0 if history is None else history.shape[2]
    still_clean = torch.arange(aligned.shape[2], device=aligned.device)[None] < given
    x = bridge_state(aligned, aligned, torch.ones_like(still_clean, dtype=torch.float32), noise)
    if history is not None:
        x = torch.cat((history.to(x.dtype), x[:, :, given:]), dim=2)
    for index, (level, next_level) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        if should_stop is not None and should_stop():
            raise Cancelled
        now, then = (torch.where(still_clean, torch.zeros_like(value), value) for value in (level, next_level))
        edits = guided.edits(x, now, given)
        x0, uncoloured = (
            made if history is None else torch.cat((history.to(made.dtype), made), dim=2)
            for made in edited(aligned[:, :, given:], alpha[:, :, given:], edits)
        )
        x = bridge_step(x, uncoloured, now, then)
        if on_step is not None:
            on_step(index, x0)
    return x0, edits


def edited(aligned: Tensor, alpha: Tensor, edits: Edits) -> tuple[Tensor, Tensor]:
    """The edited picture within -1..1 as it is shown, and in the aligned picture's own colours.

    The bridge is walked in the latter: a state that already shows the colours would have them applied once more at every step.
    """
    shown = apply_edits(aligned, alpha, edits).clamp(-1, 1)
    if not edits.colour.any():
        return shown, shown
    return shown, apply_edits(aligned, alpha, replace(edits, colour=torch.zeros_like(edits.colour))).clamp(-1, 1)
