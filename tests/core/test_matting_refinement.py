"""How far the cut-out network is believed: at the outline, piece by piece elsewhere, never against bones, masks or alpha channels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from test_pose_picture_matte import SIZE, _composite, _segmentation, _textured, painted_alpha, somebody

from kmc_core.pose.colour_evidence import alpha_bounds, bounded
from kmc_core.pose.matte_network import ANALYTIC, PERSON, MatteNetwork
from kmc_core.pose.matte_refinement import built_in_network, corrected_matte, trusted
from kmc_core.pose.picture_matte import picture_matte


def scene() -> tuple[np.ndarray, np.ndarray]:
    alpha = painted_alpha()
    return _composite(_textured(1, 60, 255, 2), _textured(5, 0, 200, 0), alpha), _segmentation(alpha)


def disc(x: int, y: int, radius: int) -> np.ndarray:
    mask = np.zeros((120, 120), np.float32)
    cv2.circle(mask, (x, y), radius, 1.0, -1)
    return mask


def as_inputs(analytic: np.ndarray, bones: np.ndarray | None = None) -> np.ndarray:
    inputs = np.zeros((*analytic.shape, 7), np.float32)
    inputs[..., ANALYTIC] = analytic
    inputs[..., 5] = 0 if bones is None else bones
    return inputs


def test_clear_answers_are_taken_and_doubtful_ones_are_not():
    body, stain, lost = disc(60, 60, 30), disc(15, 100, 8), disc(60, 60, 8)
    analytic = np.maximum(body, stain)
    gone = trusted(as_inputs(analytic), body)
    assert gone[100, 15] < 0.05, "a stain that the network is sure about goes"
    doubtful = trusted(as_inputs(analytic), np.clip(body - 0.5 * lost, 0, 1))
    np.testing.assert_allclose(doubtful[lost > 0], 1.0, atol=1e-3)
    holed = trusted(as_inputs(analytic), body - lost)
    assert holed[60, 60] < 0.05, "a clear hole is a hole"


def test_the_outline_follows_the_network_and_bones_stay():
    body, wider = disc(60, 60, 30), disc(60, 60, 31)
    result = trusted(as_inputs(body), wider)
    assert result[60, 90 + 1] > 0.5 > body[60, 90 + 1]
    bones = disc(60, 60, 5)
    kept = trusted(as_inputs(body, bones), body - disc(60, 60, 9))
    assert kept[bones > 0].min() == 1.0 and kept[60, 67] < 0.05
    np.testing.assert_allclose(trusted(as_inputs(body), np.zeros_like(body))[60, 60], 1.0)


def test_a_backdrop_taken_for_the_character_goes_when_segmentation_and_network_agree():
    body = disc(60, 60, 30)
    taken = np.ones_like(body)
    taken[:4] = taken[-4:] = taken[:, :4] = taken[:, -4:] = 0
    inputs = as_inputs(taken)
    inputs[..., PERSON] = 0.5
    assert trusted(inputs, body)[20, 20] > 0.95, "so large a piece is not given up on the network's word alone"
    inputs[..., PERSON] = body
    gone = trusted(inputs, body)
    assert gone[20, 20] < 0.05 and gone[60, 60] > 0.95
    inputs[..., PERSON] = 0
    assert trusted(inputs, 0 * body)[60, 60] > 0.95, "a segmentation that sees nobody says nothing"


def test_where_the_network_doubts_the_segmentation_decides_who_counts():
    body, held = disc(60, 60, 30), disc(60, 15, 12)
    analytic = np.maximum(body, held)
    doubtful = np.where(held > body, 0.3, body).astype(np.float32)
    inputs = as_inputs(analytic)
    inputs[..., PERSON] = analytic
    claimed = trusted(inputs, doubtful)[12, 60]
    inputs[..., PERSON] = body
    assert claimed > 0.9 and trusted(inputs, doubtful)[10, 60] < 0.7


def test_an_untrained_network_leaves_a_picture_of_any_size_as_it_was():
    picture, person = scene()
    analytic = picture_matte(picture, somebody(), person, network=None).alpha
    same = corrected_matte(picture, somebody(), person, analytic, MatteNetwork())
    assert same.shape == SIZE and np.abs(same - analytic).max() < 0.06
    large = [cv2.resize(part, (480, 720), interpolation=cv2.INTER_LINEAR) for part in (picture, person, analytic)]
    again = corrected_matte(large[0], somebody(), large[1], large[2], MatteNetwork())
    assert again.shape == (720, 480) and np.abs(again - large[2]).mean() < 0.01


def test_masks_and_alpha_channels_never_meet_the_network():
    picture, person = scene()
    eraser = MatteNetwork()
    torch.nn.init.constant_(eraser.out.bias, -1.0)
    mask = painted_alpha()
    for given in ({"user_mask": mask}, {"alpha": mask}):
        plain = picture_matte(picture, somebody(), person, network=None, **given)
        np.testing.assert_array_equal(picture_matte(picture, somebody(), person, network=eraser, **given).alpha, plain.alpha)
    assert picture_matte(picture, somebody(), person, network=eraser).alpha.sum() < 0.85 * mask.sum()


def test_without_weights_the_analytic_cut_out_is_used(tmp_path: Path):
    assert built_in_network(tmp_path / "nothing.safetensors") is None


def test_the_built_in_network_gives_the_same_cut_out_twice():
    picture, person = scene()
    first, second = (picture_matte(picture, somebody(), person).alpha for _ in range(2))
    np.testing.assert_array_equal(first, second)
    truth = painted_alpha()
    assert ((first > 0.5) == (truth > 0.5)).mean() > 0.97


def test_what_is_unlike_all_background_stays_and_what_is_just_like_it_is_not_added():
    picture = np.full((120, 120, 3), 0.6, np.float32) + np.random.default_rng(0).normal(0, 0.01, (120, 120, 3)).astype(np.float32)
    body, tip, empty = disc(60, 70, 25), disc(60, 42, 5), disc(60, 100, 6)
    picture[np.maximum(body, tip) > 0] = (0.8, 0.5, 0.1)
    analytic, answer = np.maximum(body, tip), np.maximum(body * (1 - tip), empty)
    least, most = alpha_bounds(picture, analytic, answer)
    assert least[42, 60] > 0.95 and most[102, 60] < 0.05
    held = bounded(answer.astype(np.float32), analytic, picture, analytic)
    assert held[42, 60] > 0.95 and held[102, 60] < 0.05 and held[70, 60] == 1.0
    assert bounded(answer.astype(np.float32), analytic, picture, body)[42, 60] < 0.05, "no part of any person: furniture"
    room = picture.copy()
    room[:20], room[-20:] = 0.05, 0.95
    assert bounded(answer.astype(np.float32), analytic, room, analytic)[42, 60] > 0.95, "nothing in this room has the body's colour"
    room[(tip > 0) & (body == 0)] = (0.1, 0.4, 0.2)
    assert bounded(answer.astype(np.float32), analytic, room, analytic)[42, 60] < 0.05, "what is of another colour may be furniture"
    shadow, pool = picture.copy(), disc(60, 97, 5) * (1 - body)
    shadow[pool > 0] = picture[0, 0] * 0.6
    shadowed = np.maximum(analytic, pool)
    assert bounded(body, shadowed, shadow, shadowed)[100, 60] < 0.05, "a shadow on the floor may go"


def test_a_character_the_segmentation_does_not_know_keeps_its_body():
    picture, _ = scene()
    alpha = painted_alpha()
    eraser = MatteNetwork()
    torch.nn.init.constant_(eraser.out.bias, -1.0)
    kept = corrected_matte(picture, somebody(), np.zeros(SIZE, np.float32), alpha, eraser)
    core = cv2.erode(alpha, np.ones((13, 13), np.uint8)) > 0.99
    assert core.any() and kept[core].min() > 0.95
