"""What the network has read of a window, kept between its calls: nothing that stays is computed twice.

Per window: Look (the maps) and, for each guidance branch, Told (motion, references, words). Per step: Seen (the bridge state
through the pixel stem), which both branches share. Made and used by model.py; the sampler only carries them.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from .attention import Remembered
from .conditions import Guidance
from .patches import PixelFeatures
from .rope import Rotary
from .text import TextTokens


class Look(NamedTuple):
    """B clips, T frames of H x W, padded to whole patches.

    halves [B*T,4C,H'/2,W'/2] the maps as the stem takes them; mask [B*T,1,H',W'] where may be written; size (H, W);
    space, time: places of video tokens in the picture and in the window.
    """

    halves: Tensor
    mask: Tensor
    batch: int
    size: tuple[int, int]
    space: Rotary
    time: Rotary


class Told(NamedTuple):
    """context: the keys and values of every block; visible bool [B,T,M]; summary [B,1,C] of the words; text as said, untold
    and guidance as in conditions.Guidance (None without it); has_text bool [B] of either."""

    context: tuple[Remembered, ...]
    visible: Tensor
    summary: Tensor
    text: TextTokens
    untold: TextTokens | None
    guidance: Guidance | None
    has_text: Tensor


class Seen(NamedTuple):
    """features of B*T frames for the decoder; tokens [B,T,N,D]."""

    features: PixelFeatures
    tokens: Tensor
