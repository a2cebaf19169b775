"""Keeping the colours of one window like those of the window before, measured on the frames both of them show.

Every window draws its history anew; where that came out lighter or tinted, the new frames did too. Gain and offset per
channel, found on the shared frames, undo it. Off by default: on clean models it has nothing to do.
"""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST_GAIN = 1.15
LARGEST_OFFSET = 0.08


def anchored(frames: Tensor, drawn_anew: Tensor, shown_before: Tensor, strength: float) -> Tensor:
    """`frames` [T,H,W,3] 0..1 with the change drawn_anew -> shown_before [n,H,W,3] applied at a strength of 0..1.

    Gains and offsets are bounded, so that a window that broke down is not stretched into another colour.
    """
    if strength <= 0 or len(drawn_anew) == 0:
        return frames
    was, wanted = (part.float().reshape(-1, 3) for part in (drawn_anew, shown_before.to(drawn_anew.device)))
    gain = (wanted.std(0) / was.std(0).clamp(min=1e-4)).clamp(1 / LARGEST_GAIN, LARGEST_GAIN)
    offset = (wanted.mean(0) - was.mean(0) * gain).clamp(-LARGEST_OFFSET, LARGEST_OFFSET)
    gain, offset = 1 + (gain - 1) * strength, offset * strength
    return torch.clamp(frames * gain.to(frames.dtype) + offset.to(frames.dtype), 0, 1)
