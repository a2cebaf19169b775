"""A motion in words: facing, camera, action; the user's words come first and stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from procedural_body import picture_keypoints, subject_of, walking_motion

from kmc_core.motion.library import load_library_motion
from kmc_core.motion.prompt import MotionWords, camera_phrase, facing_phrase, motion_words, prompt_with_motion
from kmc_core.motion.retarget import retarget
from kmc_core.types import CameraDirective, Canvas, Orientation

CANVAS = Canvas(480, 640)


def still(frames: int = 30) -> np.ndarray:
    return np.repeat(np.eye(2, 3)[None], frames, axis=0)


def about_centre(zoom: np.ndarray) -> np.ndarray:
    """Similarities that enlarge about the canvas's centre."""
    camera = still(len(zoom))
    camera[:, 0, 0] = camera[:, 1, 1] = zoom
    camera[:, :, 2] = (1 - zoom)[:, None] * np.array([CANVAS.width / 2, CANVAS.height / 2])
    return camera


@pytest.mark.parametrize(("degrees", "words"), [
    (0, "facing the camera"), (-25, "facing the camera"), (45, "turned half to the right"), (-50, "turned half to the left"),
    (90, "seen from the side, facing right"), (-90, "seen from the side, facing left"), (135, "seen from behind, turned to the right"),
    (180, "seen from behind"), (-178, "seen from behind"), (360, "facing the camera"),
])  # fmt: skip
def test_facing(degrees: float, words: str) -> None:
    assert facing_phrase(np.full(20, np.deg2rad(degrees))) == words


def test_turning() -> None:
    assert facing_phrase(np.deg2rad(np.linspace(0, 360, 60))) == "turning all the way round"
    assert facing_phrase(np.deg2rad(np.linspace(0, 90, 60))) == "first facing the camera, then seen from the side, facing right"
    assert facing_phrase(np.deg2rad(np.r_[np.linspace(150, 180, 30), np.linspace(-180, -150, 30)])).startswith("seen from behind")
    assert facing_phrase(np.zeros(0)) == ""


def test_camera() -> None:
    ramp = np.linspace(0, 1, 40)
    assert camera_phrase(still(), CANVAS) == camera_phrase(still(1), CANVAS) == "stays still"
    assert camera_phrase(about_centre(1 + 0.3 * ramp), CANVAS) == "moves closer"
    assert camera_phrase(about_centre(1 / (1 + 0.3 * ramp)), CANVAS) == "moves back"
    content_left, content_down = still(40), still(40)
    content_left[:, 0, 2], content_down[:, 1, 2] = -200 * ramp, 150 * ramp
    assert camera_phrase(content_left, CANVAS) == "pans to the right"
    assert camera_phrase(content_down, CANVAS) == "tilts up"
    both = about_centre(1 + 0.3 * ramp)
    both[:, 0, 2] += 200 * ramp
    assert camera_phrase(both, CANVAS) == "moves closer and pans to the left"


def test_a_shaking_camera_is_no_pan() -> None:
    shaken = still(60)
    shaken[:, 0, 2] = 20 * np.sin(np.linspace(0, 20 * np.pi, 60, endpoint=False))
    assert camera_phrase(shaken, CANVAS) == "moves slightly, as if held in the hand"


def test_the_longest_scene_is_described() -> None:
    camera = np.concatenate([about_centre(1 + np.linspace(0, 1, 10)), still(40)])
    assert camera_phrase(camera, CANVAS, cuts=(10,)) == "stays still"


def test_words_are_added_after_the_user_s() -> None:
    words = MotionWords("waving with the right hand", "facing the camera", "stays still")
    told = "The character is waving with the right hand, facing the camera. The camera stays still."
    assert words.sentence == told
    assert prompt_with_motion("  a red robot, dusk ", words) == f"a red robot, dusk. {told}"
    assert prompt_with_motion("A red robot!", words) == f"A red robot! {told}"
    assert prompt_with_motion("", words) == told
    assert prompt_with_motion("a red robot", MotionWords("", "", "")) == "a red robot"


def test_a_camera_in_the_user_s_words_is_not_contradicted() -> None:
    words = MotionWords("walking", "", "stays still")
    assert prompt_with_motion("a knight, slow zoom in", words) == "a knight, slow zoom in. The character is walking."
    assert prompt_with_motion("a knight with a camera bag", words).endswith("The camera stays still.")


def test_a_library_motion_names_its_action() -> None:
    words = motion_words(load_library_motion("wave"))
    assert "wav" in words.action and words.facing == "facing the camera" and words.camera == "stays still"


def test_a_directed_camera_and_the_character_s_own_facing_are_told() -> None:
    subject = subject_of(picture_keypoints(), Canvas(720, 720))
    orientation = Orientation("image", CameraDirective(zoom=1.3))
    motion = retarget(replace(walking_motion(frames=24), cuts=()), subject, orientation)
    words = motion_words(motion)
    assert words.camera == "moves closer" and words.facing == facing_phrase(motion.character.body_yaw)
