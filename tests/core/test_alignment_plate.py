"""The background plate on pictures whose true background is known."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.alignment.plate import background_plate, grown_hole, push_pull


def textured_scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tiled wall, the same wall with a red blob on it, and the blob's matte."""
    rows, columns = np.mgrid[0:120, 0:160]
    tiles = 120 + 60 * ((rows // 12 + columns // 12) % 2) + np.random.default_rng(seed).normal(0, 3, (120, 160))
    truth = np.repeat(np.clip(tiles, 0, 255)[..., None], 3, 2).astype(np.uint8)
    alpha = (((rows - 60) / 30) ** 2 + ((columns - 80) / 18) ** 2 < 1).astype(np.float32)
    picture = np.where(alpha[..., None] > 0, np.array([220, 20, 20]), truth).astype(np.uint8)
    return truth, picture, alpha


def test_push_pull_keeps_known_pixels_and_extends_a_constant():
    image = np.full((33, 47, 3), 80, np.float32)
    weight = np.ones((33, 47), np.float32)
    weight[10:20, 10:30] = 0
    np.testing.assert_allclose(push_pull(image, weight), 80, atol=1e-3)


def test_plate_removes_the_character_entirely():
    _, picture, alpha = textured_scene()
    plate = background_plate(picture, alpha)
    redness = plate.rgb[..., 0].astype(int) - plate.rgb[..., 1]
    assert redness.max() < 12
    outside = ~grown_hole(alpha) & (plate.invented < 0.01)
    np.testing.assert_array_equal(plate.rgb[outside], picture[outside])


def test_patchmatch_restores_texture_better_than_push_pull():
    truth, picture, alpha = textured_scene()
    hole = alpha > 0
    error = {
        method: np.abs(background_plate(picture, alpha, method=method).rgb.astype(float) - truth)[hole].mean()
        for method in ("patchmatch", "pushpull")
    }
    assert error["patchmatch"] < 0.75 * error["pushpull"]


def test_plate_is_deterministic():
    _, picture, alpha = textured_scene()
    first, second = (background_plate(picture, alpha, seed=5).rgb for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("alpha_value", [0.0, 1.0])
def test_plate_survives_empty_and_full_mattes(alpha_value: float):
    _, picture, alpha = textured_scene()
    plate = background_plate(picture, np.full_like(alpha, alpha_value))
    assert plate.rgb.shape == picture.shape and np.isfinite(plate.invented).all()


def test_plain_backdrop_keeps_no_shape_of_legs_and_no_bright_line_between_them():
    rows, columns = np.mgrid[0:320, 0:240].astype(np.float32)
    truth = np.repeat((150 + 0.1 * rows + 0.15 * columns)[..., None], 3, 2)
    alpha = np.zeros((320, 240), np.float32)
    alpha[60:290, 90:112] = alpha[60:290, 127:149] = 1
    picture = np.where(alpha[..., None] > 0, 140, truth)
    picture[60:290, 112:127] += 14  # what sharpening leaves between two darker legs
    plate = background_plate(picture.astype(np.uint8), alpha)
    assert np.abs(plate.rgb[65:285, 85:155].astype(float) - truth[65:285, 85:155]).max() < 5
