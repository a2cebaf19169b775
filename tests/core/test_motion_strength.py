"""Strengths of single parts: each weakens its own part and leaves the others alone."""

from __future__ import annotations

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints, subject_of, walking_motion
from scipy.spatial.transform import Rotation

from kmc_core.errors import MotionError
from kmc_core.motion.orientation import about_vertical
from kmc_core.motion.retarget import RetargetSettings, retarget
from kmc_core.motion.strength import PartStrengths, with_strength
from kmc_core.pose.skeleton_layouts import bone_vectors
from kmc_core.types import Canvas


@pytest.fixture(scope="module")
def subject():
    return subject_of(picture_keypoints(HUMAN), Canvas(720, 720))


@pytest.fixture(scope="module")
def full(subject):
    return retarget(walking_motion(frames=48, head_turn=0.4, walk_m=0.2), subject)


def changed(one, other) -> set[str]:
    """Parts in which two retargeted motions differ."""
    before, after = one.character, other.character
    differences = {
        "body": np.abs(np.delete(before.joints, 2, axis=1) - np.delete(after.joints, 2, axis=1)).max() > 0.5,
        "hands": np.abs(np.linalg.norm(before.hands, axis=-1) - np.linalg.norm(after.hands, axis=-1)).max() > 0.01,
        "face": np.abs(before.face_displacement - after.face_displacement).max() > 0.01,
        "gaze": np.abs(before.gaze - after.gaze).max() > 0.01,
        "head": np.abs(before.head_rotation - after.head_rotation).max() > 0.01,
        "lips": np.abs(before.mouth_gap - after.mouth_gap).max() > 0.01,
    }
    return {name for name, differs in differences.items() if differs}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (PartStrengths(body=0.3), {"body"}),
        (PartStrengths(hands=0.0), {"hands"}),
        (PartStrengths(head=0.0), {"head"}),
        (PartStrengths(face=0.0), {"face", "lips"}),
        (PartStrengths(expression=2.0), {"face", "lips"}),
    ],
)
def test_a_part_changes_alone(subject, full, parts, expected):
    assert changed(full, with_strength(full, subject, 1.0, parts)) - {"gaze"} == expected


def test_parts_in_the_settings_are_the_same_as_afterwards(subject, full):
    parts = PartStrengths(body=0.5, head=0.5, expression=1.5)
    inside = retarget(walking_motion(frames=48, head_turn=0.4, walk_m=0.2), subject, settings=RetargetSettings(parts=parts))
    np.testing.assert_array_equal(inside.character.joints, with_strength(full, subject, 1.0, parts).character.joints)


def test_all_parts_at_zero_hold_the_picture(subject, full):
    held = with_strength(full, subject, 1.0, PartStrengths(0, 0, 0, 0)).character
    view = subject.primary_view
    np.testing.assert_allclose(held.joints[:, :, :2], np.broadcast_to(view.joints[None, :, :2], held.joints[:, :, :2].shape), atol=1.0)
    np.testing.assert_allclose(held.head_rotation, np.broadcast_to(np.eye(3), held.head_rotation.shape), atol=1e-5)
    assert not held.face_displacement.any() and np.all(held.eye_openness == 1)


def test_bones_keep_their_lengths_at_every_strength(subject, full):
    lengths = np.linalg.norm(bone_vectors(full.character.joints), axis=-1)
    half = with_strength(full, subject, 1.0, PartStrengths(body=0.5, head=0.2)).character
    limbs = [bone for bone in range(18) if bone != 1]
    np.testing.assert_allclose(np.linalg.norm(bone_vectors(half.joints), axis=-1)[:, limbs], lengths[:, limbs], rtol=0.05)


def test_the_picture_s_own_hands_turn_with_the_arms(subject, full):
    held = with_strength(full, subject, 1.0, PartStrengths(hands=0.0)).character
    view = subject.primary_view
    for side, (elbow, wrist) in enumerate(((4, 5), (8, 9))):
        shape, forearm = held.hands[:, side, 9], held.joints[:, wrist] - held.joints[:, elbow]
        own = view.keypoints.hands[side, 9] - view.keypoints.hands[side, 0]
        own_forearm = view.joints[wrist] - view.joints[elbow]

        def cosine(one, other):
            return (one * other).sum(-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1))

        np.testing.assert_allclose(cosine(shape, forearm), cosine(own, own_forearm), atol=0.02)


def test_the_gain_doubles_what_the_face_does(subject, full):
    double = with_strength(full, subject, 1.0, PartStrengths(expression=2.0)).character
    np.testing.assert_allclose(double.face_displacement, 2 * full.character.face_displacement, atol=1e-5)
    np.testing.assert_allclose(double.mouth_gap, 2 * full.character.mouth_gap, atol=1e-5)
    np.testing.assert_array_equal(double.gaze, full.character.gaze)
    assert double.eye_openness.min() >= 0


def test_a_still_head_turns_with_a_turning_body(subject):
    """Head strength 0 means no movement against the torso, not a head that stays behind."""
    motion = retarget(walking_motion(frames=48), subject)
    turn = np.linspace(0, np.radians(30), 48)
    turning = with_turn(motion, turn)
    still = with_strength(turning, subject, 1.0, PartStrengths(head=0.0)).character
    yaw = Rotation.from_matrix(still.head_rotation).as_rotvec()[:, 1]
    np.testing.assert_allclose(np.abs(yaw[-1]) - np.abs(yaw[0]), turn[-1], atol=np.radians(5))
    np.testing.assert_allclose(still.head_yaw - still.body_yaw, still.head_yaw[0] - still.body_yaw[0], atol=1e-4)


def with_turn(motion, turn):
    """A retargeted motion whose whole figure turns."""
    from dataclasses import replace

    character = motion.character
    around = about_vertical(turn)
    middle = character.joints[:, :1]
    joints = np.einsum("tij,tnj->tni", around, character.joints - middle) + middle
    return replace(
        motion,
        character=replace(
            character, joints=joints.astype(np.float32), body_yaw=(character.body_yaw + turn).astype(np.float32),
            head_yaw=(character.head_yaw + turn).astype(np.float32),
            head_rotation=(around @ character.head_rotation).astype(np.float32),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("parts", [PartStrengths(body=1.2), PartStrengths(hands=-0.1), PartStrengths(expression=2.5)])
def test_strengths_out_of_range_are_refused(subject, full, parts):
    with pytest.raises(MotionError, match="strength is out of range"):
        with_strength(full, subject, 1.0, parts)
