"""Camera estimation on a picture moved by known similarities, with a performer who moves differently."""

from __future__ import annotations

import cv2
import numpy as np

from kmc_core.pose.camera import estimate_camera, luma_thumbnail, subtract_camera
from kmc_core.types import Canvas
from test_pose_smoothing import make_motion

CANVAS = Canvas(288, 512)


def _scenery() -> np.ndarray:
    noise = np.random.default_rng(0).uniform(0, 255, (60, 90, 3)).astype(np.float32)
    return cv2.GaussianBlur(cv2.resize(noise, (900, 600), interpolation=cv2.INTER_CUBIC), (0, 0), 2)


def _matrix(t: int) -> np.ndarray:
    """First frame's pixels to frame t's: slow pan, zoom and roll."""
    scale, angle = 1 + 0.003 * t, 0.002 * t
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([256, 144])
    return np.c_[linear, middle + (2.5 * t, -1.0 * t) - linear @ middle]


def _clip(frames: int = 20, moving: bool = True) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    scenery = _scenery()
    body = np.zeros((frames, 33, 2), np.float32)
    confidence = np.zeros((frames, 33), np.float32)
    confidence[:, [0, 11, 12, 23, 24]] = 1
    thumbnails = []
    for t in range(frames):
        x = 180 + 8 * t
        body[t, :11], body[t, [11, 23]], body[t, [12, 24]] = (x, 70), (x + 15, 0), (x - 15, 0)
        body[t, [11, 12], 1], body[t, [23, 24], 1] = 110, 180
        # scenery lies 150 px beyond every side of the first frame
        matrix = _matrix(t if moving else 0)
        shifted = np.c_[matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ (-150.0, -150.0)]
        index_matrix = np.c_[shifted[:, :2], shifted[:, 2] + shifted[:, :2] @ (0.5, 0.5) - 0.5]
        frame = cv2.warpAffine(scenery, index_matrix, CANVAS[::-1], flags=cv2.INTER_LINEAR)
        cv2.rectangle(frame, (x - 25, 60), (x + 25, 190), (255, 0, 0), -1)
        thumbnails.append(luma_thumbnail(frame.clip(0, 255).astype(np.uint8)))
    return thumbnails, body, confidence


def test_pan_zoom_and_roll_are_found_despite_a_performer_walking_the_other_way():
    thumbnails, body, confidence = _clip()
    assert thumbnails[0].shape == (144, 256)
    found = estimate_camera(thumbnails, CANVAS, body, confidence)
    corners = np.array([[0, 0, 1], [512, 0, 1], [0, 288, 1], [512, 288, 1]], float)
    for t in (1, 10, 19):
        error = np.linalg.norm(corners @ found.matrices[t].T - corners @ _matrix(t).T, axis=-1)
        assert error.max() < 1.0, (t, error)
    assert not found.notes


def test_a_still_camera_gives_exactly_the_identity():
    thumbnails, body, confidence = _clip(8, moving=False)
    found = estimate_camera(thumbnails, CANVAS, body, confidence)
    np.testing.assert_array_equal(found.matrices, np.tile(np.eye(2, 3, dtype=np.float32), (8, 1, 1)))


def test_flat_background_and_full_frame_person_fall_back_to_a_still_camera():
    flat = [np.full((144, 256), 90, np.uint8)] * 6
    _, body, confidence = _clip(6)
    assert (estimate_camera(flat, CANVAS, body, confidence).matrices == np.eye(2, 3)).all()
    thumbnails, body, confidence = _clip(6)
    filled = np.full((6, 144, 256), 255, np.uint8)
    found = estimate_camera(thumbnails, CANVAS, body, confidence, matte=filled)
    assert (found.matrices == np.eye(2, 3)).all() and len(found.notes) == 1


def test_every_scene_starts_at_the_identity():
    thumbnails, body, confidence = _clip(12)
    found = estimate_camera(thumbnails, CANVAS, body, confidence, cuts=(6,))
    np.testing.assert_array_equal(found.matrices[6], np.eye(2, 3))
    expected = _matrix(11) @ np.linalg.inv(np.vstack([_matrix(6), [0, 0, 1]]))
    np.testing.assert_allclose(found.matrices[11], expected, atol=1.0)


def test_subtracting_the_camera_stands_the_background_still():
    motion = make_motion(20)
    world = motion.body.copy()
    seen = np.stack([world[t] @ _matrix(t)[:, :2].T + _matrix(t)[:, 2] for t in range(20)]).astype(np.float32)
    camera = np.stack([_matrix(t) for t in range(20)]).astype(np.float32)
    object.__setattr__(motion, "body", seen)
    object.__setattr__(motion, "camera", camera)
    still = subtract_camera(motion)
    np.testing.assert_allclose(still.body, world, atol=0.02)
    assert (still.camera == np.eye(2, 3)).all() and still.hands.shape == motion.hands.shape
