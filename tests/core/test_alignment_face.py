"""Expressions on a face mesh: rest is rest, lids really close, gaze moves the iris, the mouth is painted only when it opens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alignment_figures import standing_view, still_motion

from kmc_core.alignment.face import EYES, IVORY, FaceModel, build_face, express, front_triangles, mouth_paint
from kmc_core.alignment.head import yaw_rotation
from kmc_core.pose.skeleton_layouts import INNER_LIPS, LEFT_EYE_RING, RIGHT_EYE_RING
from kmc_core.types import Canvas, CharacterMotion


@pytest.fixture(scope="module")
def face() -> FaceModel:
    """A drawn face whose lids, irises and lips lie where a real one's do."""
    view = standing_view(Canvas(768, 576), with_face=True)
    points = view.keypoints.face.copy()
    for ring, centre, iris in ((LEFT_EYE_RING, 0.4, range(473, 478)), (RIGHT_EYE_RING, -0.4, range(468, 473))):
        radius = (points[263, 0] - points[33, 0]) / 1.2
        middle = points[[33, 263]].mean(0) + [centre * radius, 0, 0]
        sign = 1 if centre > 0 else -1
        for number, index in enumerate(ring):
            angle = np.pi * number / 8
            points[index] = middle + [sign * 0.2 * radius * np.cos(angle), -0.08 * radius * np.sin(angle), 0]
        for index in iris:
            points[index] = middle
    built = build_face(replace(view, keypoints=replace(view.keypoints, face=points)))
    assert built is not None
    return built


def moving(**changes: np.ndarray) -> CharacterMotion:
    view = standing_view(Canvas(768, 576))
    rest = replace(still_motion(view), face_displacement=np.zeros((1, 478, 3), np.float32))
    return replace(rest, **changes)


def test_a_resting_driver_leaves_the_picture_s_face(face: FaceModel) -> None:
    rest = moving(gaze=np.stack([[[face.gaze[side, 0], 0.0] for side in range(2)]]).astype(np.float32))
    assert np.allclose(express(face, rest, 0), face.points, atol=1e-6)


def test_lids_close_one_eye_at_a_time(face: FaceModel) -> None:
    winking = express(face, moving(eye_openness=np.array([[0.0, 1.0]], np.float32)), 0)
    for side, eye in enumerate(EYES):
        gap = np.abs(winking[list(eye.upper), 1] - winking[list(eye.lower), 1]).max()
        before = np.abs(face.points[list(eye.upper), 1] - face.points[list(eye.lower), 1]).max()
        assert gap < 0.05 * before if side == 0 else abs(gap - before) < 1e-6


def test_gaze_moves_the_iris_within_the_eye(face: FaceModel) -> None:
    looking = moving(gaze=np.full((1, 2, 2), 0.3, np.float32))
    moved = express(face, looking, 0)
    for side, eye in enumerate(EYES):
        half = np.linalg.norm(face.points[eye.corners[0], :2] - face.points[eye.corners[1], :2]) / 2
        shift = moved[list(eye.iris), 0].mean() - face.points[list(eye.iris), 0].mean()
        assert shift == pytest.approx((0.3 - face.gaze[side, 0]) * half, abs=0.15 * half)


def test_the_mouth_is_painted_only_when_it_opens(face: FaceModel) -> None:
    lips = np.array([0.6, 0.2, 0.2])
    assert mouth_paint(face, face.points, lips, (768, 576)) is None
    opened = face.points.copy()
    opened[[78, 308], 1] += 2
    width = np.linalg.norm(opened[78, :2] - opened[308, :2])
    angle = np.linspace(np.pi, -np.pi, 20, endpoint=False)
    for index, turn in zip(INNER_LIPS, angle, strict=True):
        opened[index, :2] = face.points[13, :2] + [width / 2 * np.cos(turn), 0.3 * width * np.sin(turn)]
    paint = mouth_paint(face, opened, lips, (768, 576))
    assert paint is not None and paint.alpha.max() > 0.9 and np.isfinite(paint.rgb).all()
    centre = paint.rgb[paint.rgb.shape[0] * 2 // 3, paint.rgb.shape[1] // 2]
    assert centre.mean() < 0.35


def test_teeth_the_picture_shows_keep_their_colour() -> None:
    view = standing_view(Canvas(768, 576), with_face=True)
    points, white = view.keypoints.face.copy(), np.array([250, 244, 235], np.uint8)
    middle = points[[78, 308], :2].mean(0)
    half = np.linalg.norm(points[78, :2] - points[308, :2]) / 2
    for index, turn in zip(INNER_LIPS, np.linspace(np.pi, -np.pi, 20, endpoint=False), strict=True):
        points[index, :2] = middle + [half * np.cos(turn), 0.4 * half * np.sin(turn)]
    foreground = view.foreground.copy()
    rows, columns = (slice(int(middle[axis] - half), int(middle[axis] + half) + 1) for axis in (1, 0))
    foreground[rows, columns] = white
    smiling = replace(view, keypoints=replace(view.keypoints, face=points))
    np.testing.assert_allclose(build_face(replace(smiling, foreground=foreground)).teeth, white / 255, atol=0.01)
    np.testing.assert_array_equal(build_face(replace(smiling, foreground=np.zeros_like(foreground))).teeth, IVORY)


def test_triangles_that_turn_away_are_dropped(face: FaceModel) -> None:
    assert len(front_triangles(face, face.points)) == len(face.triangles)
    turned = face.points @ yaw_rotation(1.2).T
    assert len(front_triangles(face, turned)) < len(face.triangles)


def test_a_tiny_face_stays_rigid() -> None:
    assert build_face(standing_view(Canvas(96, 72), with_face=True)) is None
