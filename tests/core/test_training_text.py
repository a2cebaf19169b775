"""The text stage: edits as exact colour transforms, words learnt from words, silence where nothing is named."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from kmc_core.dit.config import PRESETS, KMCDiTConfig
from kmc_core.dit.head import colour_change
from kmc_core.dit.model import KMCDiT
from kmc_core.errors import CheckpointError
from kmc_core.training.captions import COLOURS, LIGHT_EDITS, draw_edit, draw_meaningless
from kmc_core.training.text_stage import colour_error, draw_examples, text_error, told, train_text, transforms


def test_transforms_do_to_pictures_what_the_edit_does() -> None:
    pictures, subject = torch.rand(2, 3, 8, 6), (torch.rand(2, 1, 8, 6) > 0.5).float()
    for seed in range(40):
        words, edit = draw_edit(np.random.default_rng(seed))
        colour = transforms(edit)[None, :, None, None].expand(2, -1, 1, 1)
        signed = pictures * 2 - 1
        made = (signed + colour_change(signed, colour, subject) + 1) / 2
        assert torch.allclose(made, edit(pictures, subject), atol=1e-5), words


def test_meaningless_prompts_name_no_edit() -> None:
    told_of = {word for phrases, _ in LIGHT_EDITS.values() for word in phrases}
    for seed in range(200):
        words = draw_meaningless(np.random.default_rng(seed)).lower()
        assert words and not any(re.search(rf"\b{phrase}\b", words) for phrase in told_of), words  # a knight is no night
        assert not any(f"{colour} background" in words or f"{colour} wall" in words for colour in COLOURS)


def test_words_are_learnt_from_words() -> None:
    torch.manual_seed(0)
    network = KMCDiT(replace(PRESETS["tiny"], text_width=64, text_bytes=256))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    untaught = text_error(network, 128)
    assert train_text(network, minutes=3, batch=16, steps=600, learning_rate=2e-3) < 0.95 * untaught
    for name, value in network.state_dict().items():
        assert name.startswith("text") or torch.equal(value, before[name]), name


def test_error_is_the_mean_difference_of_colours() -> None:
    wanted, probes = torch.zeros(1, 24), torch.rand(5, 3)
    found = wanted.clone()
    found[0, [3, 7, 11]] = 0.3  # the character's shift alone: half of all answers are off by 0.3
    assert colour_error(found, wanted, probes).item() == pytest.approx(0.15)


def test_long_prompts_and_silence() -> None:
    network = KMCDiT(PRESETS["tiny"])
    torch.nn.init.normal_(network.text_colour.shares.weight)
    assert told(network, ["night " * 400]).isfinite().all()
    assert not told(network, [""]).any()


def test_a_network_without_the_head_is_refused() -> None:
    config = KMCDiTConfig(**{**vars(PRESETS["tiny"]), "text_colour": False})
    with pytest.raises(CheckpointError, match="no colour head"):
        train_text(KMCDiT(config), minutes=0.01)


def test_examples_are_reproducible() -> None:
    first, second = (draw_examples(np.random.default_rng(3), 20) for _ in range(2))
    assert first[0] == second[0] and torch.equal(first[1], second[1])
