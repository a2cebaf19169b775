"""Training of the drawing style: exact pairs, what a draughtsman does, words with known answers, a run that goes on bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from kmc_core.dit.style import BUILT_IN_STYLE, STYLES, StyleConfig, StyleReader, load_style
from kmc_core.errors import CheckpointError
from kmc_core.training.run_config import write_run_config
from kmc_core.training.style.dataset import StyleStills, photographed
from kmc_core.training.style.hand import flat_shades, ink_lines, painted
from kmc_core.training.style.stills import make_still
from kmc_core.training.style.train import StyleRunConfig, style_loss, train_style
from kmc_core.training.style.words import ASKING, LOOKALIKES, PLAIN, draw_prompt, draw_prompts, train_words, words_misread


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One character's still, twice: to learn from and to be judged on."""
    folder, still = tmp_path_factory.mktemp("stills"), make_still(7)
    for number in (7, 10):
        np.save(folder / f"{number:06d}.npy", still)
    return folder


def grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)


def test_the_three_pictures_of_a_still_lie_on_each_other(stills: Path) -> None:
    photo, toon, painting = np.load(stills / "000007.npy")
    assert photo.shape == toon.shape == painting.shape and len(photo) == 3 and photo.dtype == np.uint8

    def outlines(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(np.abs(cv2.Laplacian(cv2.GaussianBlur(grey(picture), (0, 0), 1.5), cv2.CV_32F)), (0, 0), 1.5)

    for view in range(3):
        for drawn in (toon[view], painting[view]):
            first, second = outlines(photo[view]), outlines(drawn)
            found = {shift: np.corrcoef(np.roll(first, shift, 1).ravel(), second.ravel())[0, 1] for shift in (-6, -3, 0, 3, 6)}
            assert max(found, key=found.get) == 0, found
    assert np.percentile(grey(toon[1]), 1) < np.percentile(grey(photo[1]), 1) + 3, "ink is dark"


def test_a_draughtsman_flattens_surfaces_and_inks_edges() -> None:
    generator = np.random.default_rng(0)
    scene = np.full((80, 120, 3), 180, np.float32)
    scene[:, 60:] = (60, 90, 160)
    rough = (scene + generator.normal(0, 9, scene.shape)).clip(0, 255).astype(np.uint8)
    calm = flat_shades(rough)
    inner = (slice(15, 65), slice(15, 45))
    assert calm[inner].std((0, 1)).max() < 0.4 * (rough[inner] / 255).std((0, 1)).max()
    lines = ink_lines(calm, 1.6)
    assert lines[20:60, 58:62].max(1).min() > 0.8 and lines[inner].max() < 0.1
    brushed = painted(rough, np.zeros((80, 120), np.float32))
    assert brushed[inner].std((0, 1)).max() < 0.5 * (rough[inner] / 255).std((0, 1)).max()
    assert np.abs(brushed[inner].mean((0, 1)) - scene[inner].mean((0, 1)) / 255).max() < 0.05
    small_brush = painted(rough, np.ones((80, 120), np.float32))
    assert small_brush[inner].std() > brushed[inner].std(), "faces and hands keep more"


def test_only_the_photograph_gets_what_a_camera_adds() -> None:
    picture = np.random.default_rng(1).random((32, 32, 3)).astype(np.float32)
    made = [photographed(picture, np.random.default_rng(seed), True) for seed in range(12)]
    assert len({frame.tobytes() for frame in made}) > 8 and all(frame.min() >= 0 and frame.max() <= 1 for frame in made)


def test_prompts_carry_their_answer() -> None:
    seen = set()
    for seed in range(400):
        prompt, wanted = draw_prompt(np.random.default_rng(seed))
        assert prompt == prompt.lower() and len(wanted) == len(STYLES)
        seen.add(wanted)
        for style, amount in zip(STYLES, wanted, strict=True):
            assert not amount or any(words in prompt for words in ASKING[style])
    assert seen >= {(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.0), (0.0, 0.5)}
    asking = {words for style in STYLES for words in ASKING[style]}
    assert not asking & {*LOOKALIKES, *PLAIN}


def test_words_are_learnt_from_words_and_the_shipped_reader_reads_new_prompts() -> None:
    torch.manual_seed(0)
    reader = StyleReader(StyleConfig())
    text, wanted = draw_prompts(np.random.default_rng(5), 200)
    by_frequency = binary_cross_entropy_with_logits(torch.logit(wanted.mean(0)).expand_as(wanted), wanted)
    assert binary_cross_entropy_with_logits(reader.logits(text), wanted) > by_frequency
    train_words(reader, 90, batch=32)
    assert binary_cross_entropy_with_logits(reader.logits(text), wanted) < 0.9 * by_frequency
    assert words_misread(load_style(BUILT_IN_STYLE)[0].words, 500) < 0.08


def test_a_run_learns_and_goes_on_bit_for_bit(stills: Path, tmp_path: Path) -> None:
    config = StyleRunConfig(str(stills), characters=0, steps=4, word_steps=2, batch=2, crop_px=48, warm_up_steps=1)
    for name in ("whole", "halves"):
        write_run_config(tmp_path / name / "config.json", config)
    train_style(tmp_path / "whole")
    asked = iter([False, False, True, True])
    train_style(tmp_path / "halves", lambda: next(asked))
    assert train_style(tmp_path / "halves").step == 4
    whole, halves = (load_style(tmp_path / name / "weights.safetensors") for name in ("whole", "halves"))
    assert all(torch.equal(value, halves[0].state_dict()[name]) for name, value in whole[0].state_dict().items())
    assert whole[1]["steps"] == 4 and whole[1]["word_steps"] == 2 and whole[1]["toon"] > 0
    assert not torch.equal(whole[0].pictures.out.weight, torch.zeros_like(whole[0].pictures.out.weight))
    write_run_config(tmp_path / "none" / "config.json", replace(config, stills=str(tmp_path / "empty")))
    with pytest.raises(CheckpointError, match="no stills"):
        train_style(tmp_path / "none")


def test_the_loss_is_nothing_for_the_truth_and_ignores_what_does_not_count(stills: Path) -> None:
    batch = StyleStills(stills).batch(np.random.default_rng(2), 2, 48)
    assert style_loss(batch.drawn, batch, 1.5, 2.0) == 0
    wrong = batch.drawn.clone()
    wrong[:, 1] += 0.5
    assert style_loss(wrong, batch, 1.5, 2.0) > 0.1
    assert style_loss(wrong, batch._replace(counts=torch.tensor([[1.0, 0.0]] * 2)), 1.5, 2.0) == 0
