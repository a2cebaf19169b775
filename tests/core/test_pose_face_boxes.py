"""Face boxes: around the classic points, held through gaps, steady in size, and never behind a quick head."""

from __future__ import annotations

import numpy as np
from procedural_body import face_points

from kmc_core.pose.face_boxes import face_boxes, steady_boxes
from kmc_core.pose.skeleton_layouts import IBUG_68


def moving_face(frames: int, px_per_frame: float) -> np.ndarray:
    centre = np.stack([100 + px_per_frame * np.arange(frames), np.full(frames, 80.0), np.zeros(frames)], -1)
    return face_points(centre, 20.0, np.zeros(frames), np.zeros(frames)).astype(np.float32)


def test_boxes_hold_the_points_of_seen_faces_only() -> None:
    face, confidence = moving_face(4, 3.0), np.array([1, 0, 1, 1], np.float32)
    boxes = face_boxes(face, confidence)
    assert not boxes[1].any() and boxes.dtype == np.float32
    points = face[0, list(IBUG_68), :2]
    np.testing.assert_allclose(boxes[0], [*points.min(0), *points.max(0)])


def test_gaps_are_bridged_and_scenes_kept_apart() -> None:
    boxes = np.zeros((12, 4), np.float32)
    boxes[0], boxes[4] = (0, 0, 10, 10), (40, 0, 50, 10)
    steady = steady_boxes(boxes, (6,), 24.0)
    assert (np.diff(steady[:5, 0]) > 0).all() and abs(steady[2, 0] - 20) < 3
    assert steady[5, 0] > 38 and not steady[6:].any()


def test_the_size_is_calm_and_the_centre_keeps_up() -> None:
    frames, fps = 24, 24.0
    left = 30.0 * np.arange(frames)  # a head that crosses a frame in a second
    width = 60 + np.random.default_rng(0).normal(0, 6, frames)
    boxes = np.stack([left - width / 2, np.zeros(frames), left + width / 2, width], 1).astype(np.float32)
    steady = steady_boxes(boxes, (), fps)
    size, centre = steady[:, 2] - steady[:, 0], (steady[:, 0] + steady[:, 2]) / 2
    assert size.std() < width.std() / 2
    assert np.abs(centre - left)[3:-3].max() < 4, "less than a fifteenth of the face"
