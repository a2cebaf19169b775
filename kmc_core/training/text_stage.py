"""The text stage: teaches the byte encoder and TextColour what light and background words mean, without any pictures.

Every edit of captions.py is affine in colour, so its two transforms are known exactly and the words can be fitted to them
alone: minutes on one core. The rest of the network stays as it is. Called by `python -m kmc_core.training text`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..dit.conditions import text_bytes
from ..dit.model import KMCDiT
from ..errors import CheckpointError
from .captions import Edit, draw_edit, draw_meaningless
from .optimiser import build_optimiser, learning_rate_factor, set_learning_rate
from .style.words import draw_words_without_colour

LOGGER = logging.getLogger(__name__)
MEANINGLESS, STYLED = 0.2, 0.4  # shares of prompts without any colour, and with words that another reader answers (style/words.py)
PROBES = 32  # colours a transform is judged on


def transforms(edit: Edit) -> Tensor:
    """The edit as Edits.colour [24]: two 3x4 affine changes minus identity, on colours in -1..1; character first."""
    probes = torch.cat((torch.zeros(1, 3), torch.eye(3)))[:, :, None, None]
    parts = []
    for subject in (1.0, 0.0):
        found = edit(probes, torch.full((4, 1, 1, 1), subject))[:, :, 0, 0]
        matrix, offset = (found[1:] - found[0]).T, found[0]
        shift = matrix.sum(1) + 2 * offset - 1  # from 0..1 to -1..1
        parts.append(torch.cat((matrix - torch.eye(3), shift[:, None]), dim=1).flatten())
    return torch.cat(parts)


def colour_error(found: Tensor, wanted: Tensor, probes: Tensor) -> Tensor:
    """Mean absolute difference [B] two sets of transforms [B,24] make on colours [P,3] in -1..1."""
    difference = (found - wanted).view(-1, 2, 3, 4)
    return (torch.einsum("bkij,pj->bkpi", difference[..., :3], probes) + difference[:, :, None, :, 3]).abs().mean((1, 2, 3))


def draw_examples(generator: np.random.Generator, count: int) -> tuple[list[str], Tensor]:
    """Prompts and the transforms [count,24] they name."""
    prompts, wanted = [], []
    for _ in range(count):
        if generator.random() < MEANINGLESS:
            words, asked = draw_meaningless(generator), torch.zeros(24)
        else:
            words, edit = draw_edit(generator)
            asked = transforms(edit)
        if generator.random() < STYLED:
            parts = [words, draw_words_without_colour(generator)]
            words = ", ".join(parts[place] for place in generator.permutation(2))
        prompts.append(words)
        wanted.append(asked)
    return prompts, torch.stack(wanted)


def told(network: KMCDiT, prompts: list[str]) -> Tensor:
    """Transforms [B,24] the network reads out of prompts."""
    device = next(network.parameters()).device
    return network.text_colour(network.text(text_bytes(prompts, network.config.text_bytes).to(device)))


def train_text(
    network: KMCDiT, minutes: float, *, batch: int = 64, learning_rate: float = 2e-3, seed: int = 0,
    should_stop: Callable[[], bool] | None = None, steps: int = 1_000_000,
) -> float:  # fmt: skip
    """Fit the network's words in place; returns the mean colour error (of the -1..1 range) on new prompts.

    Raises CheckpointError for a network without TextColour.
    """
    if network.text_colour is None:
        raise CheckpointError("This network has no colour head for words", got="text_colour: false", expected="text_colour: true")
    words = torch.nn.ModuleList((network.text, network.text_colour)).requires_grad_(True)
    optimiser = build_optimiser(words, learning_rate, 0.01)
    started, share, step = time.monotonic(), 0.0, 0
    while share < 1 and not (should_stop is not None and should_stop()):
        generator = np.random.default_rng([seed, step, 53])
        prompts, wanted = draw_examples(generator, batch)
        probes = torch.from_numpy(generator.uniform(-1, 1, (PROBES, 3))).float()
        set_learning_rate(optimiser, learning_rate * learning_rate_factor(step, share, 100))
        loss = colour_error(told(network, prompts), wanted, probes).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(words.parameters(), 1.0)
        optimiser.step()
        step += 1
        share = max((time.monotonic() - started) / (60 * minutes), step / steps)
        if step % 200 == 0:
            LOGGER.info("text step %d: colour error %.4f", step, float(loss.detach()))
    return text_error(network)


def text_error(network: KMCDiT, count: int = 512, seed: int = 999) -> float:
    """Mean colour error on prompts training never drew (their seed is apart)."""
    generator = np.random.default_rng([seed, 59])
    prompts, wanted = draw_examples(generator, count)
    probes = torch.from_numpy(generator.uniform(-1, 1, (PROBES, 3))).float()
    with torch.no_grad():
        return float(colour_error(told(network, prompts), wanted, probes).mean())
