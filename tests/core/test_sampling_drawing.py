"""Words of drawing style in sampling: finished frames and previews are drawn, and nothing else changes."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_dit_model import shaken
from test_sampling_reenact import SMALL, frames_of, scene  # noqa: F401

from kmc_core.sampling.drawing import drawing_of

reenact_room = importlib.import_module("kmc_core.sampling.reenact")
TOON = replace(SMALL, prompt="a dancer, toon style")


def previewed(scene: tuple) -> tuple[list[np.ndarray], list[np.ndarray]]:  # noqa: F811
    """Frames and previews under TOON."""
    previews: list[np.ndarray] = []
    frames = frames_of(scene, TOON, network=shaken(), on_preview=lambda _, rgb: previews.append(rgb))
    return [frame.rgb for frame in frames], previews


def test_frames_and_previews_are_what_they_were_and_then_drawn(scene: tuple, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    drawn, drawn_previews = previewed(scene)
    again, _ = previewed(scene)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True)), "same seed, same bits"
    monkeypatch.setattr(reenact_room, "drawing_of", lambda *words: None)
    plain, plain_previews = previewed(scene)
    drawing = drawing_of(TOON.prompt, "", TOON.cfg_scale, 1.0)
    for before, after in zip([*plain, *plain_previews], [*drawn, *drawn_previews], strict=True):
        picture = torch.from_numpy(before).permute(2, 0, 1).float() / 127.5 - 1
        expected = ((drawing(picture) + 1) * 127.5).permute(1, 2, 0).numpy()
        assert np.abs(after - expected).mean() < 1.5, "rounding before drawing is all that differs"
        assert np.abs(after.astype(int) - before).mean() > 2


def test_other_words_and_no_network_keep_every_bit(scene: tuple, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    words = replace(SMALL, prompt="a woman at night, photo", negative_prompt="cartoon, painting")
    told = frames_of(scene, words, network=shaken())
    alone = frames_of(scene, TOON)
    monkeypatch.setattr(reenact_room, "drawing_of", lambda *given: None)
    for found, expected in ((told, frames_of(scene, words, network=shaken())), (alone, frames_of(scene, SMALL))):
        assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(found, expected, strict=True))
