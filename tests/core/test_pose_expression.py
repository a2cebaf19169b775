"""Head axes, head-fixed faces and coefficients on faces built to be known."""

from __future__ import annotations

import numpy as np

from kmc_core.pose import expression as E


def make_face(seed: int = 0) -> np.ndarray:
    """A mirror-symmetric, upright, frontal face [478,3]; outer eye corners 2 units apart, lips closed."""
    face = np.random.default_rng(seed).normal(0, 0.6, (478, 3))
    for right, left in (*E.SYMMETRIC_PAIRS, (61, 291), (70, 300), (107, 336), (105, 334), (66, 296), (63, 293), (55, 285)):
        face[right, 0] = -abs(face[right, 0]) - 0.3
        face[left] = face[right] * (-1, 1, 1)
    face[[10, 151, 9, 6, 168, 197, 195, 2, 94, 0, 13, 14, 17, 152], 0] = 0
    for index, y in ((10, -1.6), (151, -1.3), (2, 0.9), (94, 0.8), (0, 1.2), (13, 1.35), (14, 1.35), (17, 1.6), (152, 2.2)):
        face[index, 1:] = (y, 0)
    for side, mirror in ((E.RIGHT, -1), (E.LEFT, 1)):
        face[side.outer], face[side.inner] = (mirror, 0, 0), (0.4 * mirror, 0, 0)
        for upper, lower, x in zip(side.upper_lid, side.lower_lid, (0.85, 0.7, 0.55), strict=True):
            face[upper], face[lower] = (x * mirror, -0.1, 0), (x * mirror, 0.1, 0)
        face[side.iris] = (0.7 * mirror, 0, 0)
        face[side.mouth_corner] = (0.5 * mirror, 1.35, 0)
    return face.astype(np.float32)


def turn(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Head-to-picture rotation with the signs of types.py."""
    c, s = np.cos, np.sin
    about_y = np.array([[c(yaw), 0, -s(yaw)], [0, 1, 0], [s(yaw), 0, c(yaw)]])
    about_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
    about_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def test_head_pose_reads_known_rotations():
    for yaw, pitch, roll in ((0.5, 0, 0), (-0.7, 0, 0), (0, 0.3, 0), (0, -0.3, 0), (0, 0, 0.4)):
        face = make_face() @ turn(yaw, pitch, roll).T * 80 + (300, 200, 0)
        found = E.head_pose(E.head_axes(face))
        np.testing.assert_allclose(found, [yaw, pitch + E.PITCH_OFFSET, roll], atol=1e-4)


def test_a_face_turned_to_the_pictures_right_shows_its_nose_to_the_right():
    nose_tip = np.array([0, 0, -1.0])
    assert (turn(0.5) @ nose_tip)[0] > 0
    assert (turn(0, 0.3) @ nose_tip)[1] > 0  # looking down


def test_canonical_face_undoes_motion_and_can_be_put_back():
    neutral = make_face()
    angles = np.linspace(-0.6, 0.6, 15)
    scale = np.linspace(50, 90, 15)
    face = np.stack([neutral @ turn(a, a / 3, -a / 2).T * s + (300 + 100 * a, 200, 5) for a, s in zip(angles, scale, strict=True)])
    found = E.canonical_face(face)
    assert np.ptp(found.points, axis=0).max() < 1e-3
    back = found.centre[:, None] + found.scale[:, None, None] * np.einsum("tij,tnj->tni", found.rotation, found.points)
    np.testing.assert_allclose(back, face, atol=1e-2)
    width = np.linalg.norm(found.points[:, 33] - found.points[:, 263], axis=-1)
    np.testing.assert_allclose(width, 1, atol=1e-3)


def test_absent_frames_do_not_disturb_the_others():
    face = np.stack([make_face() @ turn(a).T * 60 for a in np.linspace(-0.4, 0.4, 9)])
    confidence = np.ones(9)
    confidence[[2, 5]] = 0
    face[[2, 5]] = 0
    found = E.canonical_face(face, confidence)
    assert np.ptp(found.points, axis=0).max() < 1e-3 and np.isfinite(found.rotation).all()
    assert not E.expression_coefficients(face, confidence)[[2, 5]].any()
    assert not E.expression_coefficients(face, np.zeros(9)).any()


def _acting(frames: int = 40) -> np.ndarray:
    face = make_face()[None].repeat(frames, 0)
    for upper, lower in zip(E.LEFT.upper_lid, E.LEFT.lower_lid, strict=True):
        face[30:34, upper, 1] = face[30:34, lower, 1] = 0.05
    face[20:26, 14, 1] += 0.7
    face[20:26, 17, 1] += 0.7
    face[20:26, 152, 1] += 0.8
    face[10:14, 291] += (0.15, -0.4, 0)
    return face * 70


def test_blink_jaw_and_smile_are_told_apart_and_sided():
    found = E.expression_coefficients(_acting())
    assert found.shape == (40, len(E.EXPRESSION_NAMES)) and found.min() >= 0 and found.max() <= 1
    value = {name: found[:, index] for index, name in enumerate(E.EXPRESSION_NAMES)}
    assert value["eyeBlinkLeft"][31] > 0.9 and value["eyeBlinkRight"][31] < 0.1
    assert value["jawOpen"][22] > 0.6 and value["jawOpen"][31] < 0.05
    assert value["mouthSmileLeft"][11] > 0.6 and value["mouthSmileRight"][11] < 0.3
    assert value["eyeBlinkLeft"][0] == 0


def test_each_scene_has_its_own_neutral():
    face = _acting()
    wider = face.copy()
    wider[:, [61, 291], 0] *= 1.4
    both = E.expression_coefficients(np.concatenate([face, wider]), scenes=[(0, 40), (40, 80)])
    pucker = both[:, E.EXPRESSION_NAMES.index("mouthPucker")]
    assert pucker[[0, 1, 2, 3]].max() < 0.05 and pucker[[40, 41, 42]].max() < 0.05


def test_gaze_and_openness_in_eye_widths():
    face = make_face()
    face[E.LEFT.iris, 0] += 0.15
    assert abs(E.gaze(face)[0, 0] - 0.5) < 1e-5 and abs(E.gaze(face)[1, 0]) < 1e-5
    np.testing.assert_allclose(E.eye_openness(face), 0.2 / 0.6, rtol=1e-5)
    assert E.mouth_gap(face) == 0
