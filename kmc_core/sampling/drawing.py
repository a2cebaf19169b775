"""The drawing style a prompt names, put on finished frames one by one. Without such words, or without its weights: nothing.

Words of style go by the same formula as all others (guidance.py): w (asked by the prompt - asked by the negative prompt).
Called by reenact.py. Not here: the network (dit/style.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from ..dit.style import BUILT_IN_STYLE, StyleNetwork, load_style
from .arithmetic import fast_arithmetic
from .guidance import guidance_weight

FAINTEST = 0.15
"""A request fainter than this is none: frames keep their bits."""


@dataclass(frozen=True)
class Drawing:
    """network; amounts [S] 0..1 of its styles, of sum 1 at most."""

    network: StyleNetwork
    amounts: Tensor

    def __call__(self, picture: Tensor) -> Tensor:
        """A finished frame [3,H,W] in -1..1 in the style asked for, on the device it is on."""
        network = self.network.to(picture.device)
        with torch.no_grad(), fast_arithmetic(picture.device):
            return network.drawn(picture[None].float(), self.amounts.to(picture.device))[0]


def drawing_of(prompt: str, negative_prompt: str, cfg_scale: float, strength: float, weights: Path = BUILT_IN_STYLE) -> Drawing | None:
    """The drawing style the words ask for; None if none, or where the weights are not installed.

    strength 0..1: of the network's edits as a whole. Raises CheckpointError for damaged weights.
    """
    if not prompt.strip() or not weights.is_file():
        return None
    network = _network(weights)
    with torch.no_grad():
        told, untold = network.asked([prompt, negative_prompt])
    amounts = (strength * guidance_weight(cfg_scale) * (told - untold)).clamp(0, 1)
    amounts = torch.where(amounts < FAINTEST, 0, amounts)
    return Drawing(network, amounts / amounts.sum().clamp(min=1)) if amounts.any() else None


@lru_cache(maxsize=2)
def _network(path: Path) -> StyleNetwork:
    return load_style(path)[0]
