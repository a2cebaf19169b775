"""What words are taught: edits of the truth that a caption names, so that text has a meaning the network can learn.

Each edit changes the target picture only; the aligned input stays as it was, so the network must read the words.
The words are the vocabulary of the built-in text encoder. Called by dataset.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Edit = Callable[[Tensor, Tensor], Tensor]
"""edit(pictures [T,3,H,W] 0..1, subject [T,1,H,W]) -> pictures"""

COLOURS = {
    "red": (0.80, 0.13, 0.12), "green": (0.15, 0.60, 0.22), "blue": (0.15, 0.30, 0.80), "yellow": (0.92, 0.80, 0.20),
    "orange": (0.92, 0.50, 0.12), "purple": (0.48, 0.20, 0.66), "pink": (0.94, 0.55, 0.70), "white": (0.95, 0.95, 0.95),
    "grey": (0.50, 0.50, 0.50), "black": (0.05, 0.05, 0.06),
}  # fmt: skip
LUMA = (0.299, 0.587, 0.114)


def _colour(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values)[:, None, None]


def _gain(red: float, green: float, blue: float, lift: float = 0.0) -> Edit:
    return lambda pictures, subject: pictures * _colour((red, green, blue)) + lift


def _saturation(amount: float) -> Edit:
    def edit(pictures: Tensor, subject: Tensor) -> Tensor:
        grey = (pictures * _colour(LUMA)).sum(-3, keepdim=True)
        return grey + amount * (pictures - grey)

    return edit


def _contrast(amount: float) -> Edit:
    return lambda pictures, subject: 0.5 + amount * (pictures - 0.5)


def _then(first: Edit, second: Edit) -> Edit:
    return lambda pictures, subject: second(first(pictures, subject), subject)


def _background_colour(name: str) -> Edit:
    return lambda pictures, subject: subject * pictures + (1 - subject) * (0.15 * pictures + 0.85 * _colour(COLOURS[name]))


def _behind(edit: Edit) -> Edit:
    return lambda pictures, subject: subject * pictures + (1 - subject) * edit(pictures, subject)


LIGHT_EDITS: dict[str, tuple[tuple[str, ...], Edit]] = {
    "warm": (("warm light", "warm evening light", "golden hour", "sunset"), _gain(1.12, 0.98, 0.76)),
    "cold": (("cold light", "cool light", "winter light"), _gain(0.82, 0.97, 1.14)),
    "night": (("night", "at night", "moonlight"), _gain(0.34, 0.42, 0.66)),
    "bright": (("bright light", "sunny", "bright day"), _gain(1.18, 1.18, 1.14, 0.03)),
    "dark": (("dark", "dim light", "low light"), _gain(0.52, 0.52, 0.52)),
    "grey": (("black and white", "monochrome", "greyscale"), _saturation(0.0)),
    "faded": (("faded colours", "muted colours"), _saturation(0.45)),
    "vivid": (("vivid colours", "saturated colours"), _saturation(1.6)),
    "contrast": (("high contrast", "dramatic light"), _contrast(1.35)),
    "soft": (("soft light", "low contrast", "misty"), _then(_contrast(0.65), _gain(1, 1, 1, 0.05))),
    "sepia": (("sepia", "old photograph"), _then(_saturation(0.0), _gain(1.10, 0.92, 0.70))),
    "dark background": (("dark background",), _behind(_gain(0.35, 0.35, 0.38))),
    "bright background": (("bright background",), _behind(_gain(1.3, 1.3, 1.3, 0.08))),
}
FILLERS = ("", "", "a person, ", "a character moving, ", "video, ", "full body, ")


def draw_edit(generator: np.random.Generator) -> tuple[str, Edit]:
    """A random edit and words for it. One in three names a background colour."""
    if generator.random() < 0.34:
        name = str(generator.choice(list(COLOURS)))
        words = str(generator.choice([f"{name} background", f"{name} wall behind", f"a {name} backdrop"]))
        return str(generator.choice(FILLERS)) + words, _background_colour(name)
    phrases, edit = LIGHT_EDITS[str(generator.choice(list(LIGHT_EDITS)))]
    return str(generator.choice(FILLERS)) + str(generator.choice(phrases)), edit
