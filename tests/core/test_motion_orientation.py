"""Facing and camera on turns that are known exactly: "image" keeps the picture's facing, "video" follows the performer."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints, subject_of, walking_motion
from turning_performer import turned_performer

from kmc_core.errors import MotionError
from kmc_core.motion.camera_words import camera_of_prompt, combined, describe_camera, parse_camera_directive
from kmc_core.motion.directed_camera import with_camera, with_prompt_camera
from kmc_core.motion.library import load_library_motion
from kmc_core.motion.orientation import apply_camera, directive_camera
from kmc_core.motion.retarget import RetargetSettings, retarget
from kmc_core.pose.skeleton_layouts import bone_vectors, torso_yaw
from kmc_core.types import CameraDirective, Canvas, Orientation

library_motion = lru_cache(maxsize=None)(load_library_motion)

IMAGE, VIDEO = Orientation("image"), Orientation("video")
TURNS = {
    "front": lambda t: 0 * t,
    "side": lambda t: 0 * t + np.pi / 2,
    "from behind": lambda t: 0 * t + np.pi,
    "half turn": lambda t: np.pi * np.clip((t - 0.2) / 0.5, 0, 1),
    "spin": lambda t: 4 * np.pi * t,
    "to and fro": lambda t: 1.4 * np.sin(4 * np.pi * t),
}


def apart_deg(one, other) -> np.ndarray:
    return np.degrees(np.abs(np.angle(np.exp(1j * (np.asarray(one, np.float64) - other)))))


def subject_facing(yaw: float):
    return subject_of(picture_keypoints(HUMAN, yaw=yaw), Canvas(720, 720))


@pytest.mark.parametrize("name", list(TURNS))
@pytest.mark.parametrize("facing", [0.0, 0.5])
def test_image_keeps_the_picture_s_facing_and_video_the_performer_s(name, facing):
    motion = library_motion("talk")
    yaw = TURNS[name](np.linspace(0, 1, motion.frame_count))
    driver = turned_performer(motion, yaw)
    subject = subject_facing(facing)
    still = retarget(driver, subject, IMAGE).character
    assert apart_deg(torso_yaw(still.joints), subject.primary_view.yaw).max() < 5
    assert apart_deg(still.body_yaw, subject.primary_view.yaw).max() < 5
    followed = retarget(driver, subject, VIDEO).character
    assert apart_deg(followed.body_yaw, yaw).max() < 10


@pytest.mark.parametrize("name", ["spin", "half turn", "from behind"])
def test_noisy_landmarks_are_turned_as_surely(name):
    motion = library_motion("walk")
    yaw = TURNS[name](np.linspace(0, 1, motion.frame_count))
    driver = turned_performer(motion, yaw, noise_m=0.015)
    subject = subject_facing(0.0)
    assert apart_deg(retarget(driver, subject, IMAGE).character.body_yaw, 0).max() < 6
    assert apart_deg(retarget(driver, subject, VIDEO).character.body_yaw, yaw).max() < 14


@pytest.mark.parametrize("name", ["spin", "half turn", "side", "from behind"])
def test_limbs_and_head_move_against_the_torso_as_without_the_turn(name):
    """With "image" a turning performer gives nearly the motion that the same performance without a turn gives."""
    motion = library_motion("wave")
    subject = subject_facing(0.0)
    plain = retarget(replace(motion, provenance={}), subject, IMAGE).character
    yaw = TURNS[name](np.linspace(0, 1, motion.frame_count))
    turned = retarget(turned_performer(motion, yaw), subject, IMAGE).character
    torso = subject.primary_view.torso_px
    limbs = [bone for bone in range(18) if bone not in (0, 1)]
    difference = np.linalg.norm((bone_vectors(plain.joints) - bone_vectors(turned.joints))[:, limbs], axis=-1)
    assert difference.mean() < 0.06 * torso and np.percentile(difference, 95) < 0.2 * torso
    angles = np.arccos(np.clip((np.einsum("tij,tij->t", plain.head_rotation, turned.head_rotation) - 1) / 2, -1, 1))
    assert np.degrees(np.percentile(angles, 95)) < 20
    assert apart_deg(turned.head_yaw, plain.head_yaw).max() < 40


def test_a_walk_past_in_profile_becomes_steps_on_the_spot():
    motion = library_motion("walk")
    body = motion.body + np.linspace(0, 200, motion.frame_count, dtype=np.float32)[:, None, None] * np.array([1, 0], np.float32)
    driver = turned_performer(replace(motion, body=body), np.full(motion.frame_count, np.pi / 2))
    subject = subject_facing(0.0)
    still, followed = (retarget(driver, subject, orientation).character.joints for orientation in (IMAGE, VIDEO))
    assert np.ptp(still[:, 0, 0]) < 0.35 * np.ptp(followed[:, 0, 0])


def test_the_camera_of_the_clip_is_kept_or_removed():
    frames = 24
    pan = np.tile(np.eye(2, 3), (frames, 1, 1))
    pan[:, 0, 2] = np.linspace(0, 60, frames)
    motion = walking_motion(frames=frames, walk=0.0)
    motion = replace(motion, camera=pan.astype(np.float32), body=apply_camera(pan, motion.body), face=apply_camera(pan, motion.face))
    subject = subject_facing(0.0)
    kept = retarget(motion, subject, VIDEO).character
    removed = retarget(motion, subject, Orientation("video", keep_camera=False)).character
    assert kept.camera[-1, 0, 2] > 40 and np.allclose(removed.camera, np.eye(2, 3), atol=1e-5)
    np.testing.assert_allclose(removed.joints, kept.joints, atol=1e-3)
    directed = retarget(motion, subject, Orientation("video", CameraDirective(zoom=1.3), keep_camera=False)).character
    assert directed.camera[-1, 0, 0] == pytest.approx(1.3, rel=1e-3)


def test_directed_cameras_move_plate_and_character_together():
    subject = subject_facing(0.0)
    directive = CameraDirective(pan_deg=8, tilt_deg=4, zoom=1.3)
    moved = retarget(walking_motion(frames=24), subject, Orientation("image", directive))
    plain = retarget(walking_motion(frames=24), subject, IMAGE)
    np.testing.assert_array_equal(moved.character.joints, plain.character.joints)
    focus = plain.character.joints[0, [1, 2], :2].mean(0)
    np.testing.assert_allclose(moved.character.camera, directive_camera(directive, Canvas(720, 720), 24, tuple(focus)), atol=1e-3)
    np.testing.assert_allclose(moved.body, apply_camera(moved.character.camera, plain.body), atol=0.01)


def test_an_orbit_turns_body_and_head_alike():
    subject = subject_facing(0.0)
    orbit = retarget(walking_motion(frames=36, walk=0.0), subject, Orientation("image", CameraDirective(orbit_deg=25))).character
    plain = retarget(walking_motion(frames=36, walk=0.0), subject, IMAGE).character
    assert np.degrees(orbit.body_yaw[-1] - plain.body_yaw[-1]) == pytest.approx(-25, abs=3)
    assert np.degrees(orbit.head_yaw[-1] - plain.head_yaw[-1]) == pytest.approx(-25, abs=3)
    forward = (orbit.head_rotation @ np.swapaxes(plain.head_rotation, 1, 2))[-1, :, 2]
    assert np.degrees(np.arctan2(-forward[0], forward[2])) == pytest.approx(-25, abs=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slow zoom in, pan left", CameraDirective(pan_deg=-10, zoom=1.2**0.6)),
        ("The camera slowly pans to the right and tilts up 5 degrees", CameraDirective(pan_deg=6, tilt_deg=5)),
        ("push in", CameraDirective(zoom=1.2)),
        ("pull out 1.5", CameraDirective(zoom=1 / 1.5)),
        ("camera orbits around the dancer to the left 25 degrees", CameraDirective(orbit_deg=-25)),
        ("fast pan right", CameraDirective(pan_deg=17)),
        ("Zoom in very slowly", CameraDirective(zoom=1.2**0.35)),
        ("a street at night. dolly out 1.5", CameraDirective(zoom=1 / 1.5)),
    ],
)
def test_words_mean_the_same_alone_and_in_a_prompt(text, expected):
    np.testing.assert_allclose(camera_of_prompt(text), expected, atol=1e-6)
    np.testing.assert_allclose(parse_camera_directive(text), expected, atol=1e-6)


@pytest.mark.parametrize(
    "prompt", ["", "a woman in a kitchen, frying pan left on the stove", "tilted head, zoom lens", "warm light", "he looks up"]
)
def test_other_prompts_move_no_camera(prompt):
    assert camera_of_prompt(prompt) is None


def test_a_still_camera_may_be_asked_for():
    assert camera_of_prompt("static camera, neon light") == CameraDirective()


def test_directives_add_up_and_are_described():
    both = combined(CameraDirective(pan_deg=5, zoom=1.2), CameraDirective(pan_deg=-15, orbit_deg=10, zoom=1.5))
    assert describe_camera(both) == "pan 10 degrees left, orbit 10 degrees right, zoom 1.8"
    assert describe_camera(CameraDirective()) == "still"


def test_a_prompt_directs_the_camera_of_a_picture_oriented_motion():
    subject = subject_facing(0.0)
    motion = walking_motion(frames=36)
    image = retarget(motion, subject, IMAGE)
    moved, notes = with_prompt_camera(image, "a beach at dusk, slow zoom in, camera pans left 8 degrees")
    directed = retarget(motion, subject, Orientation("image", CameraDirective(pan_deg=-8, zoom=1.2**0.6)))
    np.testing.assert_allclose(moved.character.camera, directed.character.camera, atol=1e-4)
    np.testing.assert_allclose(moved.body, directed.body, atol=0.05)
    assert "is obeyed" in notes[0] and "pan 8 degrees left" in notes[0]
    assert with_prompt_camera(image, "a beach at dusk") == (image, ())
    for settled in (retarget(motion, subject, VIDEO), directed):
        kept, notes = with_prompt_camera(settled, "slow zoom in")
        assert kept is settled and "not obeyed" in notes[0]


def test_zooms_stay_on_the_face_and_never_leave_the_picture():
    subject = subject_facing(0.0)
    corners = np.array([[0, 0], [720, 0], [0, 720], [720, 720]], float)
    for zoom, first, last in ((1.5, 1.0, 1.5), (0.7, 1 / 0.7, 1.0)):
        moved = retarget(walking_motion(frames=24), subject, Orientation("image", CameraDirective(zoom=zoom))).character
        np.testing.assert_allclose(moved.camera[[0, -1], 0, 0], [first, last], rtol=1e-5)
        shown = apply_camera(moved.camera, np.tile(corners, (24, 1, 1)))
        assert shown[:, 0].max() < 1e-2 and shown[:, 3].min() > 720 - 1e-2
        face = moved.joints[:1, [1, 2], :2].mean(1, keepdims=True)
        np.testing.assert_allclose(apply_camera(moved.camera[:1], face), face, atol=1e-2)


def test_the_background_slides_behind_an_orbited_figure_that_stays():
    subject = subject_facing(0.0)
    motion = walking_motion(frames=36, walk=0.0)
    plain, orbit = (retarget(motion, subject, Orientation("image", CameraDirective(orbit_deg=degrees))).character for degrees in (0, 25))
    hips = apply_camera(orbit.camera, orbit.joints)[:, 0, :2]
    np.testing.assert_allclose(hips, plain.joints[:, 0, :2], atol=0.1)
    slide = orbit.camera[:, 0, 2]
    assert slide[0] == 0 and 8 < slide[-1] < 0.05 * 720 and (np.diff(slide) >= 0).all()


def test_an_orbit_does_not_weaken_with_the_motion():
    subject = subject_facing(0.0)
    settings = RetargetSettings(strength=0.0)
    held = retarget(walking_motion(frames=36), subject, Orientation("image", CameraDirective(orbit_deg=-20)), settings).character
    assert np.degrees(held.body_yaw[-1] - held.body_yaw[0]) == pytest.approx(20, abs=2)


def test_an_orbit_afterwards_is_the_orbit_of_retargeting():
    subject = subject_facing(0.0)
    motion = walking_motion(frames=36, walk=0.0)
    before = retarget(motion, subject, Orientation("image", CameraDirective(orbit_deg=20))).character
    later = with_camera(retarget(motion, subject, IMAGE), CameraDirective(orbit_deg=20))
    np.testing.assert_allclose(later.character.body_yaw, before.body_yaw, atol=np.radians(3))
    np.testing.assert_allclose(later.character.head_yaw, before.head_yaw, atol=np.radians(3))
    torso = subject.primary_view.torso_px
    assert np.linalg.norm(later.character.joints - before.joints, axis=-1).mean() < 0.05 * torso
    assert all(np.isfinite(getattr(later, name)).all() for name in ("body", "hands", "face"))
    with pytest.raises(MotionError, match="Retarget the motion"):
        with_camera(motion, CameraDirective(zoom=2))
