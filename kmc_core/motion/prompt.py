"""A motion in words for models that read prompts: what the character does, which way it faces, what the camera does.

The user's words come first and are never changed. Not here: recognising actions (semantics.py), encoding text (nodes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..types import Canvas, HolisticMotion
from .camera_words import camera_of_prompt
from .orientation import camera_zoom
from .semantics import motion_events, motion_sentence

ENDS_SHARE = 0.1
"""Share of the clip at either end whose mean is taken as where the camera or the body begins and ends."""
PAN_SHARE, ZOOM_RATIO, ROLL_DEG, UNSTEADY_SHARE = 0.08, 1.08, 6.0, 0.03
FACINGS = ((30.0, "facing the camera"), (70.0, "turned half to the {side}"), (115.0, "seen from the side, facing {side}"),
           (155.0, "seen from behind, turned to the {side}"), (181.0, "seen from behind"))  # fmt: skip
FULL_TURN_DEG, QUARTER_TURN_DEG = 300.0, 60.0


class MotionWords(NamedTuple):
    """Plain English phrases without capital or full stop; "" where there is nothing to say."""

    action: str
    facing: str
    camera: str

    @property
    def sentence(self) -> str:
        """All of it as one or two sentences, "" for nothing."""
        person = ", ".join(filter(None, (self.action, self.facing)))
        parts = [f"The character is {person}." if person else "", f"The camera {self.camera}." if self.camera else ""]
        return " ".join(filter(None, parts))


def motion_words(motion: HolisticMotion) -> MotionWords:
    """Words for a motion; facing and camera are those of its character once it has been retargeted."""
    character = motion.character
    yaw, camera, canvas = motion.root_yaw, motion.camera, motion.canvas
    if character is not None:
        yaw, camera, canvas = character.body_yaw, character.camera, character.canvas
    return MotionWords(motion_sentence(motion_events(motion)), facing_phrase(yaw), camera_phrase(camera, canvas, motion.cuts))


def prompt_with_motion(prompt: str, words: MotionWords) -> str:
    """The user's prompt, then what the motion says: "a red robot. The character is waving, facing the camera. ..."

    A prompt that speaks of the camera itself is not contradicted: then nothing is said of it.
    """
    if camera_of_prompt(prompt) is not None:
        words = words._replace(camera="")
    prompt, told = prompt.strip(), words.sentence
    if not prompt or not told:
        return prompt or told
    return f"{prompt} {told}" if prompt[-1] in ".!?" else f"{prompt}. {told}"


def facing_phrase(yaw: np.ndarray) -> str:
    """Which way the torso faces: yaw [T] radians, 0 = towards the camera, positive = to the picture's right."""
    if not len(yaw):
        return ""
    degrees = np.rad2deg(np.unwrap(np.asarray(yaw, np.float64)))
    start, end = _ends(degrees)
    turned = end - start
    if abs(turned) >= FULL_TURN_DEG:
        return "turning all the way round"
    first, last = _facing(start), _facing(end)
    if abs(turned) < QUARTER_TURN_DEG or first == last:
        return _facing(float(np.median(degrees)))
    return f"first {first}, then {last}"


def _facing(degrees: float) -> str:
    wrapped = (degrees + 180) % 360 - 180
    side = "right" if wrapped > 0 else "left"
    return next(words for limit, words in FACINGS if abs(wrapped) < limit).format(side=side)


def camera_phrase(camera: np.ndarray, canvas: Canvas, cuts: Sequence[int] = ()) -> str:
    """What the camera does: similarities [T,2,3] that move the picture's content, px of the canvas. Said of the longest scene."""
    scene = _longest_scene(camera, cuts)
    if len(scene) < 2:
        return "stays still"
    centre = np.array([canvas.width / 2, canvas.height / 2])
    shift = (scene[:, :, :2] @ centre + scene[:, :, 2] - centre) / np.array([canvas.width, canvas.height])
    zoom = np.log(np.maximum(camera_zoom(scene), 1e-3))
    roll = np.rad2deg(np.unwrap(np.arctan2(scene[:, 1, 0], scene[:, 0, 0])))
    x, y, nearer, turned = (end - start for start, end in map(_ends, (shift[:, 0], shift[:, 1], zoom, roll)))
    least = max(PAN_SHARE, abs(np.expm1(nearer)) / 2)  # a zoom towards any place in the picture moves its middle this far by itself
    said = []
    if abs(nearer) >= np.log(ZOOM_RATIO):
        said.append("moves closer" if nearer > 0 else "moves back")
    if abs(x) >= least:
        said.append("pans to the right" if x < 0 else "pans to the left")
    if abs(y) >= least:
        said.append("tilts up" if y > 0 else "tilts down")
    if abs(turned) >= ROLL_DEG:
        said.append("rolls")
    if said:
        return " and ".join(said)
    return "moves slightly, as if held in the hand" if np.ptp(shift, axis=0).max() >= UNSTEADY_SHARE else "stays still"


def _ends(values: np.ndarray) -> tuple[float, float]:
    count = max(1, round(len(values) * ENDS_SHARE))
    return float(np.mean(values[:count])), float(np.mean(values[-count:]))


def _longest_scene(camera: np.ndarray, cuts: Sequence[int]) -> np.ndarray:
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(camera)), len(camera)]
    start, stop = max(zip(edges[:-1], edges[1:], strict=True), key=lambda span: span[1] - span[0])
    return np.asarray(camera[start:stop], np.float64)
