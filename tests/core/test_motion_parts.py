"""Parts of the motion room: camera words and mathematics, hands in gaps, faces, trimming, strength, mirrors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from procedural_body import HUMAN, Body, picture_keypoints, subject_of, walking_motion
from scipy.spatial.transform import Rotation

from kmc_core.errors import MotionError
from kmc_core.motion.camera_words import parse_camera_directive
from kmc_core.motion.contacts import reach
from kmc_core.motion.face_motion import UPPER_OVAL, face_motion
from kmc_core.motion.facing import turn_to_picture
from kmc_core.motion.framing import soft_limits
from kmc_core.motion.hand_motion import hand_motion
from kmc_core.motion.lift import Scene, lift_scene, reference_frames
from kmc_core.motion.mirror import face_mirror_order
from kmc_core.motion.orientation import (
    about_vertical,
    apply_camera,
    camera_on_canvas,
    directive_camera,
    followed_camera,
    inverse_camera,
)
from kmc_core.motion.posing import mix_directions
from kmc_core.motion.retarget import RetargetSettings, retarget
from kmc_core.motion.strength import with_strength
from kmc_core.motion.trimming import trim_motion
from kmc_core.pose.skeleton_layouts import torso_yaw
from kmc_core.types import CameraDirective, Canvas, Orientation


def scene_of(motion):
    return Scene(
        motion.canvas, motion.body, motion.body_confidence, motion.body_world, motion.hands, motion.hands_confidence,
        motion.face, motion.face_confidence,
    )  # fmt: skip


@pytest.fixture(scope="module")
def subject():
    return subject_of(picture_keypoints(HUMAN), Canvas(720, 720))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", CameraDirective()),
        ("static", CameraDirective()),
        ("pan right 10, zoom 1.2", CameraDirective(pan_deg=10, zoom=1.2)),
        ("Pan left 15 degrees; tilt up 5", CameraDirective(pan_deg=-15, tilt_deg=5)),
        ("tilt down", CameraDirective(tilt_deg=-6)),
        ("zoom in", CameraDirective(zoom=1.2)),
        ("zoom out 1.5x", CameraDirective(zoom=1 / 1.5)),
        ("zoom 80%", CameraDirective(zoom=0.8)),
        ("zooming in 30 %", CameraDirective(zoom=1.3)),
        ("orbit left by 30", CameraDirective(orbit_deg=-30)),
        ("pan -12.5 orbit right", CameraDirective(pan_deg=-12.5, orbit_deg=20)),
        ("pan 400, tilt 90", CameraDirective(pan_deg=45, tilt_deg=45)),
    ],
)
def test_camera_words_become_numbers(text, expected):
    np.testing.assert_allclose(parse_camera_directive(text), expected, atol=1e-6)


def test_unknown_camera_words_are_refused():
    with pytest.raises(MotionError, match="pan, tilt, zoom or orbit"):
        parse_camera_directive("fly through the window")


def test_turning_about_the_vertical_raises_yaw():
    joints = np.zeros((19, 3))
    joints[3], joints[7] = [1, -1, 0], [-1, -1, 0]
    for angle in (-1.0, 0.3, 2.0):
        assert torso_yaw(joints @ about_vertical(angle).T) == pytest.approx(angle)


def test_image_orientation_keeps_the_picture_s_facing_in_every_frame():
    image, spin = Orientation("image"), np.linspace(-3.0, 9.0, 120)
    seen = spin + turn_to_picture(spin, 0.4, image, 24)
    assert np.degrees(np.abs(np.angle(np.exp(1j * (seen - 0.4))))).max() < 5
    steps = 1.2 + np.radians(2) * np.sin(np.linspace(0, 30, 120))
    swaying = steps + turn_to_picture(steps, 0.4, image, 24) - 0.4
    assert 0.9 < np.degrees(np.abs(swaying[20:-20]).max()) < 2.0  # steps of one a second are still seen
    assert not turn_to_picture(spin, 0.4, Orientation("video"), 24).any()


def test_cameras_invert_and_move_as_named():
    canvas = Canvas(400, 600)
    camera = directive_camera(CameraDirective(pan_deg=5, tilt_deg=3, zoom=1.5), canvas, 9)
    points = np.random.default_rng(0).uniform(0, 400, (9, 7, 2))
    there = apply_camera(camera, points)
    np.testing.assert_allclose(apply_camera(inverse_camera(camera), there), points, atol=1e-3)
    np.testing.assert_allclose(there[0], points[0], atol=1e-3)
    centre = np.tile([[300.0, 200.0]], (9, 1))[:, None]
    moved = apply_camera(camera, centre)[-1, 0] - [300, 200]
    np.testing.assert_allclose(moved, [-600 * np.tan(np.radians(5)), 600 * np.tan(np.radians(3))], atol=0.01)


def test_a_camera_keeps_its_meaning_on_another_canvas():
    camera = directive_camera(CameraDirective(zoom=1.3), Canvas(200, 400), 5)
    np.testing.assert_allclose(
        camera_on_canvas(camera, Canvas(200, 400), Canvas(800, 600)),
        directive_camera(CameraDirective(zoom=1.3), Canvas(800, 600), 5), atol=1e-3,
    )  # fmt: skip


def test_still_and_tracking_cameras_are_not_followed():
    canvas = Canvas(400, 600)
    still = np.tile(np.eye(2, 3), (10, 1, 1))
    assert followed_camera(still, canvas) is None
    tracking = still.copy()
    tracking[:, 0, 2] = np.linspace(0, 500, 10)
    assert followed_camera(tracking, canvas) is None
    tracking[:, 0, 2] = np.linspace(0, 50, 10)
    assert followed_camera(tracking, canvas) is not None


def test_directions_mix_on_the_arc():
    own, driver = np.array([[[2.0, 0, 0]]]), np.array([[[0, 1.0, 0]]])
    half = mix_directions(own, driver, np.full((1, 1), 0.5))[0, 0]
    np.testing.assert_allclose(half, 1.5 * np.array([0.5, 0.5, 0]) * np.sqrt(2), atol=1e-9)
    np.testing.assert_allclose(mix_directions(own, driver, np.zeros((1, 1))), own, atol=1e-12)
    np.testing.assert_allclose(mix_directions(own, driver, np.ones((1, 1))), driver, atol=1e-12)
    assert np.isfinite(mix_directions(own, -own, np.full((1, 1), 0.5))).all()


def test_soft_limits_saturate_and_keep_small_ways():
    way = np.array([-1000.0, -1, 0, 1, 1000])
    limited = soft_limits(way, 10, 50)
    np.testing.assert_allclose(limited[[0, 4]], [-10, 50], atol=1e-6)
    np.testing.assert_allclose(limited[1:4], way[1:4], atol=0.01)


def test_hands_are_held_and_fade_in_gaps():
    motion = walking_motion(frames=48)
    confidence = motion.hands_confidence.copy()
    confidence[10:40, 0] = 0
    scene = scene_of(replace(motion, hands_confidence=confidence, hands=np.where(confidence[..., None, None] > 0, motion.hands, 0)))
    lifted = lift_scene(scene)
    turn = np.tile(np.eye(3), (48, 1, 1))
    hands, found = hand_motion(scene, lifted, turn, 24.0)
    full, _ = hand_motion(scene_of(motion), lift_scene(scene_of(motion)), turn, 24.0)
    assert found[25, 0] < found[11, 0] < 1
    assert found[25, 1] == 1
    # the waving hand keeps pointing with the forearm although it was not seen
    assert np.abs(hands[12:38, 0, 9, :2] - full[12:38, 0, 9, :2]).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(full[:, :, 9, :2], axis=-1), 1, atol=0.02)


def test_hands_of_a_character_that_is_the_driver_have_the_drivers_own_size():
    motion = walking_motion()
    scene = scene_of(motion)
    lifted = lift_scene(scene)
    hands, _ = hand_motion(scene, lifted, np.tile(np.eye(3), (24, 1, 1)), 24.0, palm_px=10.0)
    shown = hands[12, 1] * 10.0 * lifted.relative_scale[12]
    np.testing.assert_allclose(shown, scene.hands[12, 1] - scene.hands[12, 1, :1], atol=1.5)


def test_never_seen_hands_have_no_confidence():
    motion = walking_motion()
    scene = scene_of(replace(motion, hands_confidence=motion.hands_confidence * 0))
    _, found = hand_motion(scene, lift_scene(scene), np.tile(np.eye(3), (24, 1, 1)), 24.0)
    assert found.max() == 0


def test_face_moves_relative_to_its_own_rest():
    motion = walking_motion(frames=48, head_turn=0.5)
    face = face_motion(scene_of(motion), np.zeros(48), reference_frames(48))
    assert np.abs(face.displacement[:, list(UPPER_OVAL)]).max() == 0
    opened = motion.face[:, 14, 1] - motion.face[:, 13, 1]
    assert np.corrcoef(face.mouth_gap, opened)[0, 1] > 0.98
    turns = np.arctan2(face.head_rotation[:, 2, 0], face.head_rotation[:, 0, 0])
    expected = 0.5 * np.sin(2 * np.pi * np.arange(48) / 24)
    np.testing.assert_allclose(turns - turns.mean(), expected - expected.mean(), atol=0.12)
    np.testing.assert_allclose(face.head_yaw[3:-3], expected[3:-3], atol=0.08)
    np.testing.assert_allclose(face.eye_openness, 1, atol=0.05)


def test_head_turns_are_limited_to_forty_degrees():
    motion = walking_motion(frames=48, head_turn=1.2)
    rotation = face_motion(scene_of(motion), np.zeros(48), reference_frames(48)).head_rotation
    yaw = np.arctan2(rotation[:, 2, 0], rotation[:, 0, 0])
    assert np.degrees(np.abs(yaw)).max() < 40.5


def test_strength_on_a_retargeted_motion_is_the_same_as_in_retarget(subject):
    motion = walking_motion(walk_m=0.1)
    one = with_strength(retarget(motion, subject), subject, 0.4)
    other = retarget(motion, subject, settings=RetargetSettings(strength=0.4))
    np.testing.assert_array_equal(one.character.joints, other.character.joints)
    np.testing.assert_array_equal(one.body, other.body)
    full = retarget(motion, subject)
    assert with_strength(full, subject, 1.0) is full
    with pytest.raises(MotionError, match="Retarget the motion"):
        with_strength(motion, subject, 0.5)


def test_trimming_cuts_everything_to_length(subject):
    motion = replace(retarget(walking_motion(), subject), cuts=(5, 15))
    short = trim_motion(motion, 10)
    assert short.frame_count == len(short.character.joints) == len(short.face) == 10
    assert short.cuts == (5,)
    assert trim_motion(motion, 99) is motion
    with pytest.raises(MotionError):
        trim_motion(motion, 0)


def test_face_mirror_is_its_own_inverse():
    order = face_mirror_order()
    np.testing.assert_array_equal(order[order], np.arange(478))
    assert order[33] == 263 and order[61] == 291 and order[468] == 473 and order[1] == 1


def touching_motion(frames=24):
    """A driver whose left hand comes up to the mouth and stays there."""
    motion = walking_motion(frames=frames, wave=0.2, walk=0.0)
    body, world = motion.body.copy(), motion.body_world.copy()
    head = body[:, [7, 8]].mean(1)
    share = np.clip((np.arange(frames) - 4) / 6, 0, 1)[:, None]
    wrist = body[:, 15] * (1 - share) + (head + [6.0, 45.0]) * share
    elbow = body[:, 13] * (1 - share) + (body[:, 11] + [40.0, 70.0]) * share
    for points, target in (((13,), elbow), ((15,), wrist), ((17, 19, 21), wrist + [-2.0, -20.0])):
        for point in points:
            body[:, point] = target
    world[..., :2] = (body - body[:, [23, 24]].mean(1, keepdims=True)) / 300
    world[:, [13, 15, 17, 19, 21], 2] = 0
    return replace(motion, body=body, body_world=world)


def test_a_hand_at_the_mouth_stays_at_the_mouth_on_long_arms():
    arms = Body(HUMAN.proportions * np.where(np.isin(np.arange(18), [3, 4, 7, 8]), 1.35, 1.0))
    keypoints = picture_keypoints(arms, canvas=Canvas(900, 900), px_per_metre=400, centre=(450, 420))
    subject = subject_of(keypoints, Canvas(900, 900))
    motion = touching_motion()
    character = retarget(motion, subject).character
    from kmc_core.pose.skeleton_layouts import rig_joints

    driver = rig_joints(motion.body)
    there = (character.joints[-4:, 5, :2] - character.joints[-4:, 2, :2]) / character.scale[-4:, None] / 400
    expected = (driver[-4:, 5] - driver[-4:, 2]) / 300
    np.testing.assert_allclose(there, expected, atol=0.03)
    upper = np.linalg.norm(character.joints[:, 4] - character.joints[:, 3], axis=-1) / character.scale
    assert np.ptp(upper[-8:]) < 0.15 * upper.mean()


def test_reach_keeps_bone_lengths_and_unmoved_arms():
    arm = np.array([[[0.0, 0, 0], [0, 30, 5], [20, 50, 0], [25, 55, 0]]]).repeat(3, 0)
    shift = np.array([[0.0, 0, 0], [10, -20, 0], [500, 0, 0]])
    moved = reach(arm, shift)
    np.testing.assert_array_equal(moved[0], arm[0])
    for bone in range(3):
        before, after = (np.linalg.norm(a[:, bone + 1] - a[:, bone], axis=-1) for a in (arm, moved))
        np.testing.assert_allclose(after, before, rtol=1e-6)
    np.testing.assert_allclose(moved[1, 2], arm[1, 2] + shift[1], atol=1e-6)


def test_a_bowed_start_bows_the_picture_in_video_orientation_only(subject):
    motion = walking_motion()
    tilt = Rotation.from_euler("x", 25, degrees=True).as_matrix()
    centre = motion.face.mean(1, keepdims=True)
    bowed = replace(motion, face=((motion.face - centre) @ tilt.T + centre).astype(np.float32))
    video = retarget(bowed, subject, Orientation("video")).character.head_rotation
    image = retarget(bowed, subject, Orientation("image")).character.head_rotation
    angle = np.degrees(Rotation.from_matrix(video).magnitude())
    assert 10 < angle.mean() < 22
    assert np.degrees(Rotation.from_matrix(image).magnitude()).max() < 3
