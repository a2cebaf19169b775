"""Which levels of the bridge training visits, which frames are given as clean history, how much noise is mixed in, and the
state of the bridge that the network is then shown.

Not here: the bridge itself (sampling/step.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..dit.head import warp
from ..sampling.step import bridge_state


@dataclass(frozen=True)
class LevelSettings:
    """start: share of examples at level 1 (one-step sampling lives there); history: share of windows whose first frames
    are given clean; noiseless: share without noise, the rest has uniform 0..1 of the network's bridge noise.

    given: how many frames of history, one of these (none named: any number that leaves one frame to solve);
    registered_history: whether examples judged after registration get history too (truth moved onto their alignment);
    history_error: history frames are up to this share their alignment again, as a sampler's own frames are not the truth;
    regions: share of windows in which a block of tokens is given clean, a bridge level per token;
    from_noise: the far end of the bridge is noise instead of the aligned frame (an ablation);
    walked: share of windows that go on from what the network itself has made of the start, as a sampler of several steps
    does. Levels below 1 otherwise show the truth's share of the picture, and a network that trusts it overdoes its own.
    """

    start: float = 0.6
    history: float = 0.3
    noiseless: float = 0.7
    given: tuple[int, ...] = ()
    registered_history: bool = False
    history_error: float = 0.0
    regions: float = 0.0
    from_noise: bool = False
    walked: float = 0.0


class Levels(NamedTuple):
    """level [B,T] (0 for history), noise amount [B], frame_weight [B,T] (0 for history)."""

    level: Tensor
    noise: Tensor
    frame_weight: Tensor


class Shown(NamedTuple):
    """What the network is shown: x [B,3,T,H,W] the state of the bridge, level [B,T], frame_weight [B,T] of the losses."""

    x: Tensor
    level: Tensor
    frame_weight: Tensor


def draw_levels(generator: np.random.Generator, batch: int, frames: int, settings: LevelSettings) -> Levels:
    """Random levels for a batch; every window keeps at least one frame to solve."""
    level = np.where(generator.random(batch) < settings.start, 1.0, generator.uniform(0.05, 1.0, batch))
    noise = np.where(generator.random(batch) < settings.noiseless, 0.0, generator.random(batch))
    levels = np.repeat(level[:, None], frames, axis=1)
    weight = np.ones((batch, frames))
    choices = [number for number in settings.given if 0 < number < frames]
    for row in range(batch):
        if frames > 1 and generator.random() < settings.history:
            given = int(generator.choice(choices)) if choices else int(generator.integers(1, frames))
            levels[row, :given] = 0
            weight[row, :given] = 0
    return Levels(*(torch.from_numpy(values).float() for values in (levels, noise, weight)))


def shown_state(
    generator: np.random.Generator, truth: Tensor, aligned: Tensor, true_flow: Tensor, registered: Tensor, drawn: Levels,
    noise: Tensor, settings: LevelSettings,
) -> Shown:  # fmt: skip
    """The bridge between truth and aligned [B,3,T,H,W] at the drawn levels; noise [B,3,1,H,W] is already scaled.

    Examples judged after registration (`registered` bool [B]) solve from the start only: anything further along would show
    where the truth lies. true_flow [B,2,T,H,W] px: truth(p) = aligned(p + true_flow).
    """
    level, frame_weight, clean = drawn.level.clone(), drawn.frame_weight.clone(), truth
    if settings.registered_history or settings.regions:
        clean = torch.where(registered.view(-1, 1, 1, 1, 1), _moved(truth, -true_flow), truth)
    if settings.registered_history:
        level = torch.where(registered[:, None] & (frame_weight > 0), torch.ones_like(level), level)
    else:
        level[registered], frame_weight[registered] = 1.0, 1.0
    if settings.from_noise:
        aligned, noise = torch.zeros_like(aligned), torch.randn_like(aligned[:, :, :1])
    x = bridge_state(clean, aligned, level, noise)
    if settings.history_error:
        share = torch.from_numpy(generator.uniform(0, settings.history_error, len(level))).to(level)
        x = torch.where((frame_weight == 0)[:, None, :, None, None], clean + share.view(-1, 1, 1, 1, 1) * (aligned - clean), x)
    if settings.regions:
        x = torch.where(_blocks(generator, x, settings.regions).to(x.device), clean, x)
    return Shown(x, level, frame_weight)


def walked_state(generator: np.random.Generator, shown: Shown, made: Tensor, aligned: Tensor, share: float) -> Shown:
    """In `share` of the windows, frames still at level 1 are moved along the bridge from aligned to `made`, the network's own
    answer [B,3,T,H,W] to `shown`."""
    rows = torch.from_numpy(generator.random(len(made)) < share)
    reached = torch.from_numpy(generator.uniform(0.1, 0.9, len(made))).float()
    moves = rows.to(made.device)[:, None] & (shown.level == 1) & (shown.frame_weight > 0)
    level = torch.where(moves, reached.to(made.device)[:, None], shown.level)
    x = torch.where(moves[:, None, :, None, None], bridge_state(made, aligned, level), shown.x)
    return Shown(x, level, shown.frame_weight)


def _moved(pictures: Tensor, flow: Tensor) -> Tensor:
    """Pictures [B,C,T,H,W] at p + flow(p)."""
    found = warp(pictures.transpose(1, 2).flatten(0, 1), flow.transpose(1, 2).flatten(0, 1))
    return found.unflatten(0, (len(pictures), -1)).transpose(1, 2).clamp(-1, 1)


def _blocks(generator: np.random.Generator, x: Tensor, share: float, token_px: int = 16) -> Tensor:
    """bool [B,1,1,H,W]: in `share` of the rows a block of whole tokens, a quarter to a half of each side long."""
    rows, columns = -(-x.shape[-2] // token_px), -(-x.shape[-1] // token_px)
    blocks = torch.zeros(len(x), 1, 1, rows, columns, dtype=torch.bool)
    for row in range(len(x)):
        if generator.random() < share:
            height, width = (max(1, round(side * generator.uniform(0.25, 0.5))) for side in (rows, columns))
            top, left = int(generator.integers(rows - height + 1)), int(generator.integers(columns - width + 1))
            blocks[row, 0, 0, top : top + height, left : left + width] = True
    return blocks.repeat_interleave(token_px, 3).repeat_interleave(token_px, 4)[..., : x.shape[-2], : x.shape[-1]]
