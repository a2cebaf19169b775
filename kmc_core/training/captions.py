"""What words are taught: edits of the truth that a prompt names, among words that name none, so that text has a meaning.

Each edit changes the target picture only; the aligned input stays as it was, so the network must read the words.
Every edit is an affine change of colours, one for the character and one for what is behind, which is what the colour grid
can say exactly. The words are the vocabulary of the built-in text encoder. Called by dataset.py and text_stage.py.
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
    "grey": (0.50, 0.50, 0.50), "black": (0.05, 0.05, 0.06), "brown": (0.42, 0.27, 0.16), "beige": (0.88, 0.81, 0.68),
    "turquoise": (0.20, 0.75, 0.72), "magenta": (0.85, 0.15, 0.60), "navy": (0.08, 0.12, 0.35),
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
    "warm": (("warm light", "warm evening light", "golden hour", "sunset", "sunrise", "at sunset", "warm colours", "warm tones"),
             _gain(1.12, 0.98, 0.76)),
    "cold": (("cold light", "cool light", "winter light", "cold colours", "cool tones", "icy light"), _gain(0.82, 0.97, 1.14)),
    "candle": (("candlelight", "firelight", "by the fire", "torchlight"), _gain(0.98, 0.68, 0.42)),
    "night": (("night", "at night", "moonlight", "midnight", "by moonlight", "nighttime"), _gain(0.34, 0.42, 0.66)),
    "dusk": (("dusk", "blue hour", "twilight", "at dusk"), _gain(0.58, 0.62, 0.86)),
    "bright": (("bright light", "sunny", "bright day", "sunlight", "daylight", "midday", "in the sun"), _gain(1.18, 1.18, 1.14, 0.03)),
    "dark": (("dark", "dim light", "low light", "darkness", "in the dark"), _gain(0.52, 0.52, 0.52)),
    "grey": (("black and white", "monochrome", "greyscale", "grayscale"), _saturation(0.0)),
    "noir": (("film noir", "noir"), _then(_saturation(0.0), _contrast(1.4))),
    "faded": (("faded colours", "muted colours", "desaturated"), _saturation(0.45)),
    "vivid": (("vivid colours", "saturated colours", "vibrant colours", "colourful"), _saturation(1.6)),
    "contrast": (("high contrast", "dramatic light", "dramatic lighting", "hard light"), _contrast(1.35)),
    "soft": (("soft light", "low contrast", "misty", "foggy", "overcast", "in the mist"), _then(_contrast(0.65), _gain(1, 1, 1, 0.05))),
    "sepia": (("sepia", "old photograph"), _then(_saturation(0.0), _gain(1.10, 0.92, 0.70))),
    "vintage": (("vintage film", "vintage", "retro look"), _then(_saturation(0.7), _gain(1.0, 0.92, 0.78, 0.05))),
    "pastel": (("pastel colours", "pastel"), _then(_saturation(0.7), _gain(0.72, 0.72, 0.72, 0.28))),
    "cinematic": (("cinematic", "cinematic light", "movie look"),
                  _then(_contrast(1.15), _behind(_gain(0.72, 0.88, 0.98)))),
    "underwater": (("underwater", "under the sea"), _gain(0.5, 0.92, 1.02)),
    "stage": (("stage light", "spotlight", "on stage"), _then(_contrast(1.15), _behind(_gain(0.22, 0.22, 0.26)))),
    "neon": (("neon light", "neon lights", "cyberpunk"), _then(_contrast(1.15), _gain(0.98, 0.62, 1.18))),
    "red light": (("red light",), _gain(1.1, 0.42, 0.40)),
    "green light": (("green light",), _gain(0.48, 1.08, 0.52)),
    "blue light": (("blue light",), _gain(0.42, 0.58, 1.15)),
    "purple light": (("purple light",), _gain(0.86, 0.50, 1.12)),
    "dark background": (("dark background", "dark behind"), _behind(_gain(0.35, 0.35, 0.38))),
    "bright background": (("bright background", "light background"), _behind(_gain(1.3, 1.3, 1.3, 0.08))),
}  # fmt: skip
BACKGROUND_WORDS = (
    "{} background", "{} wall behind", "a {} backdrop", "{} backdrop", "in front of a {} wall", "on a {} background",
    "{} studio", "plain {} background",
)  # fmt: skip
PEOPLE = ("a person", "a woman", "a man", "a girl", "a boy", "a robot", "a cartoon character", "a dancer", "someone", "a knight", "the hero")
DOING = ("dancing", "walking", "waving", "talking", "jumping", "running", "moving", "in motion", "turning round", "sitting", "smiling")
PLACES = ("in a park", "on the beach", "in the city", "in a room", "on a street", "in a forest", "in the kitchen", "in the mountains",
          "under a tree", "under an umbrella", "under the bridge")
OTHER = ("video", "full body", "best quality", "high quality", "realistic", "detailed", "4k", "close-up", "natural", "smooth motion")
WORN = ("{} dress", "{} shirt", "{} hair", "{} eyes", "{} jacket", "{} shoes", "{} hat", "with a {} car", "holding a {} ball")


def draw_edit(generator: np.random.Generator) -> tuple[str, Edit]:
    """A random edit and words for it among words that mean nothing here. One in three names a background colour."""
    parts, edit = [], None
    if generator.random() < 0.36:
        words, edit = _draw_background(generator)
        parts.append(words)
    if edit is None or generator.random() < 0.25:
        phrases, light = LIGHT_EDITS[str(generator.choice(list(LIGHT_EDITS)))]
        said = 2 if generator.random() < 0.15 else 1  # the same thing in two ways is still said once
        parts += [str(phrase) for phrase in generator.choice(phrases, min(said, len(phrases)), replace=False)]
        edit = light if edit is None else _then(edit, light)
    return _among_others(generator, parts), edit


def draw_meaningless(generator: np.random.Generator) -> str:
    """A prompt that names no light and no background."""
    return _among_others(generator, []) or str(generator.choice(PEOPLE))


def _draw_background(generator: np.random.Generator) -> tuple[str, Edit]:
    name = str(generator.choice(list(COLOURS)))
    return str(generator.choice(BACKGROUND_WORDS)).format(name), _background_colour(name)


def _among_others(generator: np.random.Generator, parts: list[str]) -> str:
    """Parts and some filler in a random order, as people write prompts."""
    filler = []
    if generator.random() < 0.5:
        who = [str(generator.choice(PEOPLE))]
        who += [str(generator.choice(options)) for options in (DOING, PLACES) if generator.random() < 0.6]
        filler.append(" ".join(who))
    if generator.random() < 0.3:
        filler.append(str(generator.choice(WORN)).format(generator.choice(list(COLOURS))))
    filler += [str(generator.choice(OTHER)) for _ in range(int(generator.integers(3))) if generator.random() < 0.4]
    words = [*parts, *filler]
    words = [words[place] for place in generator.permutation(len(words))] if generator.random() < 0.5 else [*filler, *parts]
    text = str(generator.choice((", ", " ", ". ", ", "))).join(words)
    return text.capitalize() if generator.random() < 0.3 else text.upper() if generator.random() < 0.03 else text
