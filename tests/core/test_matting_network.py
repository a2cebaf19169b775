"""The cut-out network at tiny size: untrained it changes nothing, training lowers its loss, runs go on with the same bits."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pose_weights import pose_weights  # noqa: F401  (a fixture)

from kmc_core.errors import CheckpointError
from kmc_core.evaluation.matte import matte_measures
from kmc_core.pose.extractor import HolisticExtractor
from kmc_core.pose.matte_network import MatteNetwork, load_matte_network, save_matte_network
from kmc_core.pose.matte_refinement import BUILT_IN_MATTE, network_alpha
from kmc_core.training.matting.backdrops import dead_leaves, random_backdrop
from kmc_core.training.matting.composition import composed, with_obstacle
from kmc_core.training.matting.dataset import Example, StillFolder
from kmc_core.training.matting.rough_masks import damaged_cut, damaged_person
from kmc_core.training.matting.run_config import MattingConfig, read_config, write_config
from kmc_core.training.matting.stills import make_still
from kmc_core.training.matting.train import train

SIZE = 96


def painted_still(seed: int) -> dict[str, np.ndarray]:
    """A disc with a stem before leaves, whose cut-out lost the stem and whose segmentation is soft: what a still's file holds."""
    generator = np.random.default_rng(seed)
    alpha = np.zeros((SIZE, SIZE), np.float32)
    cv2.circle(alpha, (48, 36), 24, 1.0, -1, cv2.LINE_AA)
    cut = alpha.copy()
    cv2.line(alpha, (48, 40), (48, 90), 1.0, 9, cv2.LINE_AA)
    colours = np.full((SIZE, SIZE, 3), generator.random(3), np.float32)
    layer = np.dstack([colours * alpha[..., None], alpha])
    shade = np.ones((SIZE, SIZE), np.float32)
    picture = composed(layer, random_backdrop((SIZE, SIZE), generator), shade)
    single = {"alphas": alpha, "colours": colours, "pictures": picture, "persons": cv2.GaussianBlur(alpha, (0, 0), 3), "analytics": cut}
    arrays = {name: np.stack([(value * 255 + 0.5).astype(np.uint8)] * 2) for name, value in single.items()}
    masks = np.zeros((2, SIZE, SIZE), np.uint8)
    return arrays | {"bones": masks, "reaches": masks, "layer": (layer * 255).astype(np.uint8), "shade": (shade * 255).astype(np.uint8)}


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stills")
    for seed in range(3):
        np.savez(folder / f"{seed:06d}.npz", **painted_still(seed))
    return folder


def run_folder(tmp_path: Path, stills: Path, name: str, **options: object) -> Path:
    values = {"steps": 40, "batch": 2, "crop_px": 64, "warm_up_steps": 5, "ema": 0.9} | options
    write_config(tmp_path / name / "config.json", MattingConfig(stills=str(stills), **values))
    return tmp_path / name


def test_an_untrained_network_hands_back_the_cut_out_of_any_size():
    inputs = np.random.default_rng(0).random((75, 50, 7), np.float32)
    np.testing.assert_allclose(network_alpha(MatteNetwork(), inputs), inputs[..., 4], atol=1e-6)


def test_weights_come_back_and_foreign_files_are_refused(tmp_path: Path):
    network = MatteNetwork()
    torch.nn.init.normal_(network.out.weight, std=0.01)
    save_matte_network(tmp_path / "matte.safetensors", network, {"steps": 3}, torch.float16)
    again, facts = load_matte_network(tmp_path / "matte.safetensors")
    assert facts == {"steps": 3} and (tmp_path / "matte.safetensors").stat().st_size < 5e6
    torch.testing.assert_close(again.out.weight, network.out.weight, atol=1e-3, rtol=0)
    (tmp_path / "other.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError):
        load_matte_network(tmp_path / "other.safetensors")


def test_training_lowers_the_loss_and_leaves_weights_that_cut_better(tmp_path: Path, stills: Path):
    folder = run_folder(tmp_path, stills, "run", fresh=0.0, learning_rate=2e-3)
    assert train(folder).step == 40
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 and float(rows[1]["loss"]) < 0.95 * float(rows[0]["loss"])
    network, facts = load_matte_network(folder / "weights.safetensors")
    assert facts["crops"] == 80
    truth = StillFolder(stills).whole(0, 0)
    found = network_alpha(network, truth.inputs)
    assert np.abs(found - truth.alpha).mean() < 0.95 * np.abs(truth.inputs[..., 4] - truth.alpha).mean()


def test_a_continued_run_equals_an_uninterrupted_one(tmp_path: Path, stills: Path):
    whole = run_folder(tmp_path, stills, "whole", steps=4)
    train(whole)
    parted = run_folder(tmp_path, stills, "parted", steps=4)
    stops = iter([False, False, True])
    assert train(parted, lambda: next(stops)).step == 2
    train(parted)
    first, second = (load_matte_network(path / "weights.safetensors")[0].state_dict() for path in (whole, parted))
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=1e-5), name


def test_settings_of_another_kind_are_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"stils": "typo"}')
    with pytest.raises(CheckpointError, match="stils"):
        read_config(tmp_path / "config.json")
    with pytest.raises(CheckpointError):
        StillFolder(tmp_path)


def test_pictures_are_made_of_what_they_say_and_the_same_seed_gives_the_same_bits():
    shape = (40, 30)
    layer = np.zeros((*shape, 4), np.float32)
    layer[10:30, 10:20] = (0.2, 0.1, 0.3, 0.5)
    backdrop = random_backdrop(shape, np.random.default_rng(3))
    picture = composed(layer, backdrop, np.full(shape, 0.5, np.float32))
    np.testing.assert_allclose(picture[15, 15], (0.2, 0.1, 0.3) + 0.25 * backdrop[15, 15], atol=1e-6)
    front, covered = with_obstacle(np.ones((*shape, 4), np.float32), picture, np.random.default_rng(1))
    assert (np.abs(covered - picture).max(-1)[front[..., 3] > 0.99] < 1e-5).all()
    for make in (
        lambda g: dead_leaves(shape, g.random((4, 3)).astype(np.float32), g),
        lambda g: damaged_person(layer[..., 3], g),
        lambda g: damaged_cut(layer[..., 3], layer[..., 3], g),
    ):
        first, second = (make(np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(first).all() and first.shape[:2] == shape


def test_measures_are_zero_for_the_truth_and_grow_with_the_error():
    still = painted_still(1)
    truth = Example(np.zeros((SIZE, SIZE, 7), np.float32), still["alphas"][0] / np.float32(255), still["colours"][0] / np.float32(255))
    right = matte_measures(truth.alpha, still["colours"][0], truth)
    assert all(value < 1e-3 for value in right.values())
    wrong = matte_measures(cv2.GaussianBlur(truth.alpha, (0, 0), 2), 255 - still["colours"][0], truth)
    assert all(wrong[name] > right[name] for name in right)
    assert wrong["sad"] == pytest.approx(np.abs(cv2.GaussianBlur(truth.alpha, (0, 0), 2) - truth.alpha).sum() / 1000, rel=1e-5)


def test_shipped_weights_beat_the_person_mask_on_pictures_they_never_saw(pose_weights: Path, tmp_path: Path):  # noqa: F811
    network, _ = load_matte_network(BUILT_IN_MATTE)
    extractor = HolisticExtractor(pose_weights, workers=1)
    for seed in (900_100, 900_107):
        np.savez(tmp_path / f"{seed}.npz", **make_still(seed, extractor))
    held_out = StillFolder(tmp_path)
    person, corrected = 0.0, 0.0
    for index in range(2):
        for variant in range(2):
            truth = held_out.whole(index, variant)
            person += np.abs(truth.inputs[..., 3] - truth.alpha).sum()
            corrected += np.abs(network_alpha(network, truth.inputs) - truth.alpha).sum()
    assert corrected < 0.7 * person
