"""Cut-outs on painted characters whose true alpha and colours are known, and on drawings with annotated masks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from kmc_core.errors import PoseError
from kmc_core.pose.closed_form_matting import solve_alpha
from kmc_core.pose.foreground_colours import foreground_colours
from kmc_core.pose.picture_matte import picture_matte
from kmc_core.types import PictureKeypoints

SIZE = (360, 240)


def nobody() -> PictureKeypoints:
    return PictureKeypoints(
        body=np.zeros((33, 2), np.float32),
        body_confidence=np.zeros(33, np.float32),
        body_world=np.zeros((33, 3), np.float32),
        hands=np.zeros((2, 21, 3), np.float32),
        hands_confidence=np.zeros(2, np.float32),
        face=np.zeros((478, 3), np.float32),
        face_confidence=0.0,
        detection=0.0,
    )


def somebody() -> PictureKeypoints:
    body = np.full((33, 2), 120, np.float32)
    body[:11] = (120, 60)
    body[[11, 13, 15]], body[[12, 14, 16]] = [(150, 110), (185, 140), (205, 180)], [(90, 110), (55, 140), (35, 180)]
    body[[23, 25, 27, 29, 31]] = [(138, 210), (140, 260), (142, 320), (142, 328), (146, 330)]
    body[[24, 26, 28, 30, 32]] = [(102, 210), (100, 260), (98, 320), (98, 328), (94, 330)]
    return nobody().__class__(**{**vars(nobody()), "body": body, "body_confidence": np.ones(33), "detection": 0.9})


def painted_alpha() -> np.ndarray:
    """A figure with raised elbows: two gaps between arms and trunk are background."""
    big = np.zeros((SIZE[0] * 4, SIZE[1] * 4), np.uint8)
    keypoints = somebody().body * 4
    for a, b, width in ((11, 12, 30), (11, 13, 22), (13, 15, 20), (12, 14, 22), (14, 16, 20), (23, 25, 34), (25, 27, 28)):
        cv2.line(big, *[tuple(int(v) for v in keypoints[i]) for i in (a, b)], 255, width * 4)
    for a, b, width in ((24, 26, 34), (26, 28, 28), (27, 31, 20), (28, 32, 20)):
        cv2.line(big, *[tuple(int(v) for v in keypoints[i]) for i in (a, b)], 255, width * 4)
    cv2.fillConvexPoly(big, np.int32([(420, 400), (540, 400), (560, 900), (400, 900)]), 255)
    cv2.circle(big, (480, 260), 130, 255, -1)
    return cv2.resize(big, SIZE[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _textured(seed: int, low: int, high: int, channel: int) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(low, high, (24, 16, 3)).astype(np.float32)
    noise[..., channel] *= 0.3
    return cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255)


def _composite(foreground: np.ndarray, background: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    mixed = foreground * alpha[..., None] + background * (1 - alpha[..., None])
    return (mixed + np.random.default_rng(9).normal(0, 1.5, mixed.shape)).clip(0, 255).astype(np.uint8)


def _segmentation(alpha: np.ndarray) -> np.ndarray:
    """What a coarse network says: blurred, gaps half filled."""
    return cv2.GaussianBlur(cv2.dilate(alpha, np.ones((5, 5))), (0, 0), 4).clip(0, 1)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one > 0.5, other > 0.5
    return float((a & b).sum() / (a | b).sum())


def test_a_character_on_a_shaded_backdrop_is_cut_exactly_and_its_floor_shadow_left_behind():
    alpha = painted_alpha()
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    backdrop = np.dstack([200 - 0.10 * y + 0.05 * x] * 3) * (1.0, 0.98, 0.95)
    shadow = np.exp(-(((x - 120) / 60) ** 2) - ((y - 332) / 7) ** 2)[..., None]
    picture = _composite(_textured(1, 30, 200, 2), backdrop * (1 - 0.35 * shadow), alpha)
    found = picture_matte(picture, nobody(), np.zeros(SIZE, np.float32))
    assert found.method == "backdrop" and not found.problems
    assert _overlap(found.alpha, alpha) > 0.97
    assert found.alpha[339:, 60:180].mean() < 0.02
    gap = found.alpha[150:175, 62:72]
    assert gap.mean() < 0.1, "the gap between arm and body is background"


def test_a_character_in_a_scene_is_cut_with_help_of_the_skeleton():
    alpha = painted_alpha()
    picture = _composite(_textured(1, 60, 255, 2), _textured(5, 0, 200, 0), alpha)
    found = picture_matte(picture, somebody(), _segmentation(alpha))
    assert found.method == "scene" and found.alpha.dtype == np.float32
    assert _overlap(found.alpha, alpha) > 0.93


def test_the_old_background_leaves_no_rim():
    alpha = cv2.GaussianBlur(painted_alpha(), (0, 0), 1.2)
    truth = np.full((*SIZE, 3), (40, 60, 160), np.float32)
    picture = _composite(truth, np.full((*SIZE, 3), (250, 250, 250), np.float32), alpha)
    colours = foreground_colours(picture, alpha).astype(np.float32)
    edge = (alpha > 0.02) & (alpha < 0.98)
    assert np.abs(colours - truth)[edge].mean() < 8
    assert np.abs(picture - truth)[edge].mean() > 60
    inside = cv2.erode((alpha > 0.999).astype(np.uint8), np.ones((7, 7))) > 0
    np.testing.assert_array_equal(colours[inside], picture[inside])


def test_closed_form_alpha_of_two_plain_colours_is_the_mixture():
    alpha = cv2.GaussianBlur(painted_alpha(), (0, 0), 1.5)
    picture = alpha[..., None] * np.float32((0.9, 0.3, 0.1)) + (1 - alpha[..., None]) * np.float32((0.1, 0.5, 0.6))
    known = np.full(SIZE, 0.5, np.float32)
    known[cv2.erode(alpha, np.ones((5, 5))) > 0.99] = 1
    known[cv2.dilate(alpha, np.ones((5, 5))) < 0.01] = 0
    guess = np.full(SIZE, 0.5, np.float32)
    solved = solve_alpha(picture.astype(np.float32), known, guess)
    assert np.abs(solved - alpha)[known == 0.5].mean() < 0.02
    np.testing.assert_array_equal(solved[known != 0.5], known[known != 0.5])
    np.testing.assert_array_equal(solve_alpha(picture, (known > 0.5).astype(np.float32), guess), known > 0.5)


def test_the_users_mask_and_the_alpha_channel_win():
    picture = _textured(3, 0, 255, 1).astype(np.uint8)
    alpha = painted_alpha()
    rgba = np.dstack([picture, (alpha * 255).astype(np.uint8)])
    from_channel = picture_matte(rgba, nobody(), None)
    assert from_channel.method == "alpha channel"
    np.testing.assert_allclose(from_channel.alpha, alpha, atol=0.003)
    mask = np.zeros((180, 120), np.float32)
    mask[40:120, 30:90] = 1
    from_user = picture_matte(rgba, nobody(), None, user_mask=mask)
    assert from_user.method == "user mask" and from_user.alpha.shape == SIZE
    assert from_user.alpha[100:220, 80:160].min() > 0.99 and from_user.alpha[:70].max() == 0


def test_an_opaque_alpha_channel_is_ignored_and_an_empty_picture_is_a_problem():
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    opaque = np.dstack([noise, np.full((200, 200), 255, np.uint8)])
    found = picture_matte(opaque, nobody(), np.zeros((200, 200), np.float32))
    assert found.method == "none" and not found.alpha.any() and "mask" in found.problems[0]
    with pytest.raises(PoseError):
        picture_matte(noise.astype(np.float32), nobody(), None)


def test_other_people_are_left_out():
    alpha = painted_alpha()
    wide = np.hstack([alpha, alpha])
    picture = np.hstack([_composite(_textured(1, 60, 255, 2), _textured(5, 0, 200, 0), alpha)] * 2)
    found = picture_matte(picture, somebody(), _segmentation(wide))
    assert found.alpha[:, 240:].mean() < 0.02 and found.alpha[:, :240].mean() > 0.1


@pytest.mark.parametrize(("name", "least"), [("c22_drawing_char1", 0.93), ("c23_drawing_char3", 0.93)])
def test_drawings_on_paper_agree_with_their_annotated_masks(shared_clips, name, least):
    folder = shared_clips / "characters"
    picture = cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_COLOR)[..., ::-1]
    truth = cv2.imread(str(folder / "annotations" / f"{name}.mask.png"), cv2.IMREAD_GRAYSCALE) / 255.0
    found = picture_matte(np.ascontiguousarray(picture), nobody(), np.zeros(picture.shape[:2], np.float32))
    assert found.method == "backdrop" and _overlap(found.alpha, truth) > least


def test_the_same_picture_gives_the_same_cut_out_whatever_was_cut_before():
    alpha = painted_alpha()
    picture = _composite(_textured(1, 60, 255, 2), _textured(5, 0, 200, 0), alpha)
    first, again = (picture_matte(picture, somebody(), _segmentation(alpha)).alpha for _ in range(2))
    assert np.array_equal(first, again)
