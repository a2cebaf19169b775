"""Retargeting on exact walking bodies: angles, lengths, ground, facing, strength, missing parts."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from procedural_body import HUMAN, LONG_LEGS, picture_keypoints, subject_of, walking_motion

from kmc_core.errors import MotionError
from kmc_core.motion.ground import lowest_foot
from kmc_core.motion.retarget import RetargetSettings, retarget
from kmc_core.pose.skeleton_layouts import LEFT_ARM, NECK, PELVIS, bone_vectors, rig_joints, torso_yaw
from kmc_core.subject.rig import bone_lengths
from kmc_core.types import CameraDirective, Canvas, CharacterMotion, Orientation

LARGE = Canvas(1000, 1000)
LEG_AND_ARM = [3, 4, 7, 8, 11, 12, 15, 16]


@pytest.fixture(scope="module")
def tall_subject():
    return subject_of(picture_keypoints(LONG_LEGS, canvas=LARGE, px_per_metre=350, centre=(500, 420)), LARGE)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def driver_joints(motion, px_per_metre=300.0):
    depth = rig_joints(motion.body_world)[..., 2:] * px_per_metre
    return np.concatenate([rig_joints(motion.body), depth], -1)


def test_retarget_keeps_every_angle(tall_subject):
    motion = walking_motion()
    character = retarget(motion, tall_subject).character
    expected = bone_vectors(driver_joints(motion)) / bone_lengths(driver_joints(motion)).max(0)[:, None]
    there = bone_vectors(character.joints) / (tall_subject.bone_lengths * character.scale[:, None])[..., None]
    apart = np.abs(there - expected)[..., :2].max(axis=(0, 2))
    assert apart[[3, 4, 7, 8]].max() < 0.03
    assert apart[[11, 12, 15, 16]].max() < 0.06  # feet that stand are held
    assert np.abs(there - expected)[4:-4, LEG_AND_ARM].max() < 0.25  # depth is smoothed over time


def test_bone_lengths_become_the_subjects(tall_subject):
    character = retarget(walking_motion(), tall_subject).character
    ratio = bone_lengths(character.joints) / (tall_subject.bone_lengths * character.scale[:, None])
    assert np.median(np.abs(ratio - 1), axis=0).max() < 0.03


def test_strength_zero_is_the_picture_and_one_the_driver(tall_subject):
    motion = walking_motion(walk_m=0.3, head_turn=0.5)
    still = retarget(motion, tall_subject, settings=RetargetSettings(strength=0.0))
    view = tall_subject.primary_view
    np.testing.assert_allclose(still.character.joints, np.broadcast_to(view.joints, (24, 19, 3)), atol=0.05)
    np.testing.assert_allclose(still.body, np.broadcast_to(view.keypoints.body, (24, 33, 2)), atol=0.05)
    np.testing.assert_allclose(still.character.head_rotation, np.broadcast_to(np.eye(3), (24, 3, 3)), atol=1e-5)
    assert np.abs(still.character.face_displacement).max() == 0
    full = retarget(motion, tall_subject).character
    half = retarget(motion, tall_subject, settings=RetargetSettings(strength=0.5)).character
    wrist = LEFT_ARM[2]
    way = np.linalg.norm(full.joints[:, wrist] - view.joints[wrist], axis=-1)
    half_way = np.linalg.norm(half.joints[:, wrist] - view.joints[wrist], axis=-1)
    assert (half_way < way).mean() > 0.9


def test_feet_keep_to_the_ground_and_jumps_leave_it(tall_subject):
    jumping = walking_motion(jump_m=0.25)
    character = retarget(jumping, tall_subject).character
    ratio = 350 * 1.4 / 300  # paths go by the legs, which are 1.4 times as long
    lift = lowest_foot(driver_joints(jumping)) - lowest_foot(driver_joints(jumping))[:3].mean()
    ground = lowest_foot(tall_subject.primary_view.joints)
    np.testing.assert_allclose(lowest_foot(character.joints) - ground, lift * ratio * character.scale.mean(), atol=3)
    walking = retarget(walking_motion(), tall_subject).character
    np.testing.assert_allclose(lowest_foot(walking.joints), ground, atol=0.5)


def test_stance_feet_do_not_slide_on_longer_legs(tall_subject):
    """A driver whose stance foot stands still: so does the character's, though its legs are longer."""
    motion = walking_motion(yaw=1.2, walk=1.0)
    joints = driver_joints(motion)
    shift = joints[:, 13, :1] - joints[0, 13, :1]
    pinned = replace(motion, body=motion.body - np.pad(shift, ((0, 0), (0, 1)))[:, None])
    ankle = retarget(pinned, tall_subject).character.joints[:, 13, 0]
    assert np.ptp(ankle) < 3
    assert np.ptp(joints[:, 13, 0]) > 30


def test_image_orientation_turns_about_the_vertical_and_video_does_not(tall_subject):
    sideways = walking_motion(yaw=1.2)
    kept = retarget(sideways, tall_subject, Orientation("video")).character
    turned = retarget(sideways, tall_subject, Orientation("image")).character
    assert np.abs(kept.body_yaw - 1.2).max() < 0.05
    assert np.abs(turned.body_yaw).max() < 0.05
    before, after = bone_vectors(kept.joints), bone_vectors(turned.joints)
    np.testing.assert_allclose(before[:, :11, 1], after[:, :11, 1], atol=2.0)
    np.testing.assert_allclose(before[..., 1], after[..., 1], atol=9.0)  # standing feet are held in either picture
    nearly = walking_motion(yaw=0.2)
    assert np.abs(retarget(nearly, tall_subject, Orientation("image")).character.body_yaw).max() < 0.05


def test_mirrored_twice_is_the_same_motion(tall_subject):
    """Retargeting the mirrored driver to the mirrored subject mirrors the result."""
    from kmc_core.motion.mirror import mirror_motion, mirror_picture_keypoints

    motion = walking_motion(walk_m=0.1, head_turn=0.3)
    twice = mirror_motion(mirror_motion(motion))
    for entry in fields(motion):
        value = getattr(motion, entry.name)
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(getattr(twice, entry.name), value, atol=1e-3, err_msg=entry.name)
    keypoints = tall_subject.primary_view.keypoints
    other_hand = subject_of(mirror_picture_keypoints(keypoints, LARGE), LARGE)
    one = mirror_motion(retarget(motion, tall_subject))
    other = retarget(mirror_motion(motion), other_hand)
    np.testing.assert_allclose(one.body, other.body, atol=0.5)
    np.testing.assert_allclose(one.character.joints, other.character.joints, atol=0.5)
    np.testing.assert_allclose(one.character.head_rotation, other.character.head_rotation, atol=0.02)


def test_every_field_is_filled_and_finite(tall_subject):
    motion = walking_motion()
    character = retarget(motion, tall_subject).character
    for entry in fields(CharacterMotion):
        value = getattr(character, entry.name)
        if isinstance(value, np.ndarray):
            assert len(value) == motion.frame_count, entry.name
            assert value.dtype == np.float32, entry.name
            assert np.isfinite(value).all(), entry.name


@pytest.mark.parametrize("lost", ["face", "hands", "legs", "all"])
def test_missing_parts_stay_finite(tall_subject, lost):
    motion = walking_motion()
    body_confidence, hands, face = motion.body_confidence.copy(), motion.hands_confidence.copy(), motion.face_confidence.copy()
    if lost in ("face", "all"):
        face[:] = 0
    if lost in ("hands", "all"):
        hands[:] = 0
    if lost == "legs":
        body_confidence[:, 23:] = 0
    if lost == "all":
        body_confidence[:] = 0
        motion = replace(motion, body=motion.body * 0, body_world=motion.body_world * 0, face=motion.face * 0)
    motion = replace(motion, body_confidence=body_confidence, hands_confidence=hands, face_confidence=face)
    result = retarget(motion, tall_subject)
    for record in (result, result.character):
        for entry in fields(record):
            value = getattr(record, entry.name)
            assert not isinstance(value, np.ndarray) or np.isfinite(value).all(), entry.name
    if lost == "all":
        own = tall_subject.primary_view.joints
        np.testing.assert_allclose(result.character.joints, np.broadcast_to(own, (24, 19, 3)), atol=1)


def test_without_legs_the_neck_holds_the_character():
    canvas = Canvas(400, 600)
    half = subject_of(picture_keypoints(HUMAN, canvas=canvas, px_per_metre=500, centre=(300, 420)), canvas)
    result = retarget(walking_motion(wave=0.2), half)
    character = result.character
    own = half.primary_view.joints
    np.testing.assert_allclose(character.joints[:3, NECK, 0], own[NECK, 0], atol=2)
    assert any("neck" in note for note in character.notes)


def test_unseen_limbs_keep_the_characters_own_pose(tall_subject):
    motion = walking_motion()
    confidence = motion.body_confidence.copy()
    confidence[:, [13, 15, 17, 19, 21]] = 0.1
    character = retarget(replace(motion, body_confidence=confidence), tall_subject).character
    own = unit(bone_vectors(tall_subject.primary_view.joints))
    np.testing.assert_allclose(unit(bone_vectors(character.joints))[:, [3, 4, 5]], np.broadcast_to(own[[3, 4, 5]], (24, 3, 3)), atol=1e-3)
    assert np.abs(unit(bone_vectors(character.joints))[:, 8] - unit(bone_vectors(driver_joints(motion)))[:, 8])[..., :2].max() < 0.03


def test_feet_stay_when_only_the_picture_has_legs(tall_subject):
    motion = walking_motion(walk_m=0.4)
    confidence = motion.body_confidence.copy()
    confidence[:, 23:] = 0
    character = retarget(replace(motion, body_confidence=confidence), tall_subject).character
    own = tall_subject.primary_view.joints
    ankles = character.joints[:, [13, 17], :2]
    np.testing.assert_allclose(ankles, np.broadcast_to(own[[13, 17], :2], ankles.shape), atol=1)
    assert character.joints[-1, NECK, 0] > own[NECK, 0] + 10


def test_direct_is_exactly_the_track():
    motion = walking_motion(walk_m=0.2)
    subject = subject_of(picture_keypoints(HUMAN), Canvas(720, 720))
    result = retarget(motion, subject, settings=RetargetSettings(direct=True))
    np.testing.assert_allclose(result.character.joints[..., :2], rig_joints(motion.body), atol=1e-3)
    np.testing.assert_allclose(result.character.scale, 1, atol=0.02)
    assert result.canvas == motion.canvas
    np.testing.assert_allclose(result.character.head_rotation[0], np.eye(3), atol=0.05)
    np.testing.assert_allclose(result.character.eye_openness[0], 1, atol=1e-4)


def test_first_frame_comes_out_as_its_picture_is_read_and_unseen_legs_stay_with_the_neck():
    motion = walking_motion(walk_m=0.2, walk=0.0, wave=0.3, frames=12)
    confidence = motion.body_confidence.copy()
    confidence[:, 23:] = 0.02
    shaky = motion.body.copy()
    shaky[:, 23:] += np.random.default_rng(0).normal(0, 5, shaky[:, 23:].shape).astype(np.float32)
    motion = replace(motion, body=shaky, body_confidence=confidence)
    still = picture_keypoints(HUMAN)
    read = replace(still, body=(still.body + np.float32([3, 6])).astype(np.float32), body_confidence=confidence[0])
    subject = subject_of(read, Canvas(720, 720))
    settings = RetargetSettings(direct=True, first_frame=True)
    joints = retarget(motion, subject, settings=settings).character.joints[..., :2]
    own = subject.primary_view.joints[:, :2]
    np.testing.assert_allclose(joints[0], own, atol=0.5)
    steps = np.diff(joints, axis=0)
    np.testing.assert_allclose(steps[:, PELVIS], steps[:, NECK], atol=0.5)
    tracked = rig_joints(motion.body)
    np.testing.assert_allclose(joints[:, NECK] - joints[0, NECK], tracked[:, NECK] - tracked[0, NECK], atol=1e-3)


def test_keep_framing_puts_the_character_where_the_driver_stands(tall_subject):
    motion = walking_motion(centre=(200, 340))
    character = retarget(motion, tall_subject, settings=RetargetSettings(framing="keep")).character
    ratio = 1000 / 720
    np.testing.assert_allclose(character.joints[:, PELVIS, 0], 200 / 720 * 1000, atol=2)
    np.testing.assert_allclose(lowest_foot(character.joints), lowest_foot(driver_joints(motion)) * ratio, atol=2)


def test_a_wide_motion_is_fitted_into_the_canvas():
    canvas = Canvas(900, 330)
    narrow = subject_of(picture_keypoints(HUMAN, canvas=canvas, px_per_metre=380, centre=(165, 380)), canvas)
    result = retarget(walking_motion(wave=1.0, walk_m=0.15), narrow)
    assert any("To stay in view" in note for note in result.character.notes)
    assert 0.85 - 1e-6 <= result.character.scale.min() < 1


def test_a_long_walk_is_shortened_to_the_picture(tall_subject):
    character = retarget(walking_motion(walk_m=4.0, centre=(100, 340)), tall_subject).character
    assert any("longer than the picture" in note for note in character.notes)
    assert character.joints[..., 0].min() > -20
    assert character.joints[..., 0].max() < 1050
    assert character.joints[-1, PELVIS, 0] > character.joints[0, PELVIS, 0] + 100


def test_a_camera_that_the_feet_deny_is_not_followed(tall_subject):
    motion = walking_motion(walk=0.0)
    wandering = motion.camera.copy()
    wandering[:, 0, 2] = 20 * np.sin(np.arange(24) / 4)
    result = retarget(replace(motion, camera=wandering), tall_subject).character
    np.testing.assert_allclose(result.camera, motion.camera)
    np.testing.assert_allclose(result.joints, retarget(motion, tall_subject).character.joints, atol=1e-3)


def test_cuts_start_again_at_the_characters_place(tall_subject):
    first, second = walking_motion(frames=12), walking_motion(frames=12, centre=(500, 200))
    names = ("body", "body_confidence", "body_world", "hands", "hands_confidence", "face", "face_confidence", "expression",
             "head_pose", "root_yaw", "camera")  # fmt: skip
    joined = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    result = retarget(replace(first, **joined, cuts=(12,)), tall_subject).character
    np.testing.assert_allclose(result.joints[:12], result.joints[12:], atol=0.5)


def test_virtual_camera_moves_the_keypoints_but_not_the_joints(tall_subject):
    motion = walking_motion()
    still = retarget(motion, tall_subject, Orientation("image"))
    panned = retarget(motion, tall_subject, Orientation("image", CameraDirective(pan_deg=10, zoom=1.2)))
    np.testing.assert_allclose(panned.character.joints, still.character.joints, atol=1e-3)
    assert panned.body[-1, :, 0].mean() < still.body[-1, :, 0].mean() - 50
    np.testing.assert_allclose(panned.body[0], still.body[0], atol=1e-2)
    spread = np.ptp(panned.body[-1, :, 1]) / np.ptp(still.body[-1, :, 1])
    assert abs(spread - 1.2) < 0.01


def test_a_moving_camera_is_taken_out_and_given_back(tall_subject):
    motion = walking_motion()
    camera = motion.camera.copy()
    camera[:, 0, 2] = np.linspace(0, 60, 24)
    shaken = replace(motion, camera=camera, body=motion.body + camera[:, None, :, 2], face=motion.face + np.pad(camera[:, None, :, 2], ((0, 0), (0, 0), (0, 1))))
    plain, moved = retarget(motion, tall_subject), retarget(shaken, tall_subject)
    assert np.abs(moved.character.joints - plain.character.joints)[3:-3].max() < 6
    assert moved.character.camera[-1, 0, 2] > 60
    removed = retarget(shaken, tall_subject, Orientation("image"))
    assert np.abs(removed.character.camera - np.eye(2, 3)).max() < 1e-6


@pytest.mark.parametrize("settings", [RetargetSettings(strength=1.5), RetargetSettings(framing="stretch")])
def test_wrong_settings_are_refused(tall_subject, settings):
    with pytest.raises(MotionError):
        retarget(walking_motion(), tall_subject, settings=settings)


def test_the_result_yaw_agrees_with_its_joints(tall_subject):
    result = retarget(walking_motion(yaw=0.6), tall_subject).character
    np.testing.assert_allclose(result.body_yaw, torso_yaw(result.joints), atol=0.1)
