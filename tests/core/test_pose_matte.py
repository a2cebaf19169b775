"""Clip mattes: regions pasted back to their place, the rule that chooses maps, and the guided filter."""

from __future__ import annotations

import numpy as np

from kmc_core.pose import matte
from kmc_core.pose.matte import Region
from kmc_core.types import Canvas

CANVAS = Canvas(400, 300)


def test_a_pasted_region_lies_where_it_was_cut():
    probability = np.zeros((64, 64), np.float32)
    probability[:32, 32:] = 1  # upper right quarter of the crop
    size = matte.matte_size(CANVAS, 200)
    assert size == Canvas(200, 150)
    pasted, inside = matte.paste_region(probability, Region(150, 200, 100), CANVAS, size)
    ys, xs = np.nonzero(pasted > 0.5)
    np.testing.assert_allclose([xs.min(), xs.max() + 1, ys.min(), ys.max() + 1], [75, 100, 75, 100], atol=1)
    assert abs(inside.sum() - 50 * 50) < 200
    turned, _ = matte.paste_region(probability, Region(150, 200, 100, np.pi / 2), CANVAS, size)
    ys, xs = np.nonzero(turned > 0.5)  # a quarter turn clockwise: right lower quarter
    assert ys.min() >= 99 and xs.min() >= 74


def test_the_box_reaches_the_bottom_when_the_legs_are_out_of_the_picture():
    body = np.full((33, 2), 150, np.float32)
    body[:, 1] = 200
    body[[11, 12], 1], body[[23, 24], 1] = 180, 300
    confidence = np.zeros(33)
    confidence[[0, 11, 12, 13, 14]] = 1
    assert matte.person_box(body, confidence, CANVAS)[3] == 400
    confidence[[23, 24, 27]] = 1
    body[27] = (150, 340)
    assert matte.person_box(body, confidence, CANVAS)[3] < 400
    assert matte.person_box(body, np.zeros(33), CANVAS) is None


def test_full_frame_rule():
    assert matte.fills_frame((0, 0, 300, 250), CANVAS) and matte.fills_frame(None, CANVAS)
    assert not matte.fills_frame((0, 0, 100, 250), CANVAS)


def test_maps_are_averaged_in_their_regions_and_empty_without_any():
    frame = np.zeros((400, 300, 3), np.uint8)
    ones, zeros = np.ones((32, 32), np.float32), np.zeros((32, 32), np.float32)
    region = Region(150, 200, 200)
    both = matte.frame_matte(frame, selfie=(ones, region), pose=(zeros, region))
    assert both.shape == (256, 192) and both.dtype == np.uint8
    assert abs(int(both[128, 96]) - 128) <= 1 and both[5, 5] == 0
    assert (matte.frame_matte(frame, full=ones) == 255).all()
    assert not matte.frame_matte(frame).any()


def test_guided_filter_snaps_a_blurred_edge_to_the_pictures():
    guide = np.full((60, 60, 3), (0.2, 0.5, 0.3), np.float32)
    guide[:, 30:] = (0.7, 0.4, 0.6)
    guide += np.random.default_rng(0).normal(0, 0.01, guide.shape).astype(np.float32)
    soft = np.clip((np.arange(60) - 18) / 24, 0, 1).astype(np.float32)[None].repeat(60, 0)
    out = matte.colour_guided_filter(guide, soft, 6, 1e-4)
    assert out[:, 31].mean() - out[:, 28].mean() > 2.5 * (soft[:, 31].mean() - soft[:, 28].mean())


def test_guided_filter_agrees_with_the_textbook_loop():
    rng = np.random.default_rng(1)
    guide, values = rng.uniform(0, 1, (12, 14, 3)), rng.uniform(0, 1, (12, 14))
    radius, epsilon = 2, 1e-2
    padded = np.pad(guide, ((radius, radius), (radius, radius), (0, 0)), "symmetric")
    padded_values = np.pad(values, radius, "symmetric")
    slope, offset = np.zeros((12, 14, 3)), np.zeros((12, 14))
    for y in range(12):
        for x in range(14):
            colours = padded[y : y + 5, x : x + 5].reshape(-1, 3)
            inside = padded_values[y : y + 5, x : x + 5].reshape(-1)
            covariance = np.cov(colours.T, bias=True) + epsilon * np.eye(3)
            slope[y, x] = np.linalg.solve(covariance, ((colours - colours.mean(0)) * (inside - inside.mean())[:, None]).mean(0))
            offset[y, x] = inside.mean() - slope[y, x] @ colours.mean(0)
    ours = matte.colour_guided_filter(guide.astype(np.float32), values.astype(np.float32), radius, epsilon)
    for y in range(2, 10):  # away from the border, where the second averaging reflects differently
        for x in range(2, 12):
            area = np.s_[y - 2 : y + 3, x - 2 : x + 3]
            expected = slope[area].mean((0, 1)) @ guide[y, x] + offset[area].mean()
            assert abs(ours[y, x] - expected) < 1e-4
