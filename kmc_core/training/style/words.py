"""What words ask for which drawing style, and which sound like it and do not. Prompts for the reader, by seed, without pictures.

Called by train.py. Not here: words of light and background (captions.py), among which these stand.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ...dit.conditions import text_bytes
from ...dit.style import MOST_BYTES, STYLES, StyleReader
from ..captions import DOING, OTHER, PEOPLE, PLACES, draw_edit
from ..optimiser import build_optimiser, learning_rate_factor, set_learning_rate

LOGGER = logging.getLogger(__name__)
ASKING: dict[str, tuple[str, ...]] = {
    "toon": (
        "toon", "cartoon", "cartoons", "cartoonish", "toon style", "cartoon style", "toon shaded", "toon shading", "anime",
        "anime style",
        "manga", "manga style", "cel shaded", "cel-shaded", "cel shading", "cell shaded", "comic", "comic book", "comic style",
        "comics",
        "comic strip", "2d animation", "animated film", "flat shading", "flat shaded", "ink outlines", "inked", "line art",
        "a cartoon drawing",
    ),
    "painting": (
        "painting", "paintings", "painterly", "painterly style", "a painting", "oil painting", "oil paint", "oil on canvas",
        "painted in oil",
        "watercolour", "watercolor", "water colour", "watercolour painting", "watercolor painting", "gouache", "acrylic painting",
        "brush strokes", "brushstrokes", "impressionist", "impressionism", "impasto", "hand painted", "hand-painted",
        "digital painting",
    ),
}  # fmt: skip
LESS = ("slightly", "slight", "a little", "a bit", "subtle", "a hint of", "half", "somewhat", "lightly", "a touch of")
NOT = ("not a", "no", "not", "never", "without", "instead of", "not like a", "anything but")
FORMS = (
    "{}", "{}", "a {}", "an {}", "in the style of {}", "in the style of an {}", "as {}", "as a {}", "{} of {}", "an {} of {}", "make it {}", "{} look",
    "{} with {}", "like {}", "like an {}",
)  # fmt: skip
PLAIN = (
    "photo", "photograph", "photorealistic", "realistic", "real", "realism", "a real photo", "film still", "raw photo", "live action",
    "3d render", "hyperrealistic", "documentary", "natural look", "dslr",
)  # fmt: skip
LOOKALIKES = (
    "platoon", "pontoon", "spittoon", "raccoon", "cocoon", "balloon", "saloon", "moon", "monsoon", "tool", "tone", "town", "tooth",
    "carton", "car",
    "cart", "carpet", "comical", "comedy", "comet", "coming", "comma", "command", "cosmic", "animal", "animals", "anima", "anthem",
    "antique", "mango",
    "manage", "manager", "magma", "painter", "painters", "painted wall", "paint", "paint bucket", "face paint", "spain", "pain",
    "painful", "pointing",
    "printing", "panting", "parting", "pasting", "oil", "oil lamp", "oil field", "boiling", "canvas shoes", "canvas bag",
    "tent canvas", "water",
    "watermelon", "waterfall", "waterproof", "water bottle", "colour", "colours", "toothbrush", "brush", "brushing hair",
    "hairbrush", "stroke", "strokes",
    "swimming strokes", "impressive", "impression", "cellar", "cell phone", "celery", "celebrity", "celtic", "shade",
    "shaded street", "shades",
    "in the shade", "flat", "flat shoes", "line", "line dance", "ink", "drink", "pink", "think", "link", "sinking", "outline",
    "art", "artist", "artful",
    "party", "style", "stylish", "hand", "handsome", "handheld", "gauche", "acrylic nails", "quality", "animated talk", "lively",
    "movie", "stripes",
)  # fmt: skip
MINDS = (
    "dancer", "king", "bird", "market", "window", "summer", "river", "happy", "bread",
    "garden", "winter", "coffee", "guitar", "stone", "silver", "castle",
)  # fmt: skip


def draw_prompt(generator: np.random.Generator) -> tuple[str, tuple[float, ...]]:
    """A prompt and how much of each style (STYLES) it asks for: 0, 0.5 or 1."""
    asked = dict.fromkeys(STYLES, 0.0)
    parts = []
    dice = generator.random()
    named = [str(generator.choice(STYLES))] if dice < 0.52 else list(STYLES) if dice < 0.56 else []
    for style in named:
        words, manner = str(generator.choice(ASKING[style])), generator.random()
        if manner < 0.10:
            words, asked[style] = f"{generator.choice(LESS)} {words}", 0.5
        elif manner < 0.18:
            words = f"{generator.choice(NOT)} {words}"
        else:
            asked[style] = 1.0
        parts.append(_framed(words, generator))
    for _ in range(int(generator.integers(0, 4))):
        parts.append(_other(generator))
    if generator.random() < 0.35:
        parts.append(draw_edit(generator)[0].lower().replace("cartoon character", "character"))
    text = str(generator.choice((", ", ", ", " ", ". ", "; ", "\n"))).join(parts[place] for place in generator.permutation(len(parts)))
    return text.lower(), tuple(asked.values())


def draw_words_without_colour(generator: np.random.Generator) -> str:
    """Words of style, or words that only sound like them: whatever follows colours must not follow these."""
    if generator.random() < 0.5:
        return _framed(str(generator.choice(ASKING[str(generator.choice(STYLES))])), generator)
    return _other(generator)


def _framed(words: str, generator: np.random.Generator) -> str:
    """As people say it."""
    form = str(generator.choice(FORMS))
    who = str(generator.choice([*PEOPLE, *MINDS])).replace("cartoon character", "character")
    return form.format(words, who)


def _other(generator: np.random.Generator) -> str:
    """Words that ask for no style."""
    kind = generator.random()
    if kind < 0.3:
        return str(generator.choice(LOOKALIKES))
    if kind < 0.42:
        return str(generator.choice(PLAIN))
    if kind < 0.62:
        return " ".join(_invented(generator) for _ in range(int(generator.integers(1, 5))))
    if kind < 0.75:
        return " ".join(str(word) for word in generator.choice(MINDS, 2))
    who = str(generator.choice(PEOPLE)).replace("cartoon character", "character")
    return " ".join((who, *(str(generator.choice(options)) for options in (DOING, PLACES, OTHER) if generator.random() < 0.6)))


def _invented(generator: np.random.Generator) -> str:
    """A word nobody knows: syllables, or a styled word with letters changed."""
    if generator.random() < 0.55:
        pick = lambda letters: str(generator.choice(list(letters)))  # noqa: E731
        count = int(generator.integers(1, 5))
        ends = [pick("nrtlms") if generator.random() < 0.4 else "" for _ in range(count)]
        return "".join(pick("bcdfghjklmnprstvwz") + pick("aeiou") + end for end in ends)
    style = str(generator.choice(STYLES))
    word = list(str(generator.choice([word for word in ASKING[style] if " " not in word])))
    for place in generator.choice(len(word), min(len(word), 3), replace=False):
        word[place] = str(generator.choice(list("abcdefghijklmnoprstuvwy")))
    return "".join(word)


def draw_prompts(generator: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
    """Bytes [count,L] as StyleNetwork.asked makes them, and what they ask for [count,S]."""
    prompts, wanted = zip(*(draw_prompt(generator) for _ in range(count)), strict=True)
    return text_bytes([f" {prompt} " for prompt in prompts], MOST_BYTES), torch.tensor(wanted)


def train_words(
    reader: StyleReader, steps: int, *, batch: int = 96, learning_rate: float = 3e-3, seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> float:  # fmt: skip
    """Teach the reader in place; returns the share of new prompts it reads wrong (off by more than a quarter)."""
    optimiser = build_optimiser(reader.requires_grad_(True), learning_rate, 0.01)
    started = time.monotonic()
    for step in range(steps):
        if should_stop is not None and should_stop():
            break
        generator = np.random.default_rng([seed, step, 61])
        text, wanted = draw_prompts(generator, batch)
        set_learning_rate(optimiser, learning_rate * learning_rate_factor(step, step / steps, 50))
        loss = binary_cross_entropy_with_logits(reader.logits(text), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimiser.step()
        if step % 200 == 199:
            LOGGER.info("words step %d: loss %.4f, %.0f s", step + 1, float(loss.detach()), time.monotonic() - started)
    return words_misread(reader)


def words_misread(reader: StyleReader, count: int = 2000, seed: int = 999) -> float:
    """Share of prompts training never drew (their seed is apart) of which a style is read off by more than a quarter."""
    text, wanted = draw_prompts(np.random.default_rng([seed, 67]), count)
    with torch.no_grad():
        return float(((reader(text) - wanted).abs() > 0.25).any(1).float().mean())
