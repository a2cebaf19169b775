"""The directed camera on a motion that is on its character: pan, tilt, zoom, orbit, from numbers or from a prompt.

Not here: reading words (camera_words.py), the mathematics (orientation.py), the driver's own camera (retarget.py).
Called by retarget.py and by the samplers.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..errors import MotionError
from ..pose.skeleton_layouts import HEAD, NECK, PELVIS
from ..types import CameraDirective, CharacterMotion, HolisticMotion
from .camera_words import camera_of_prompt, describe_camera
from .on_canvas import ATTACHED_TO
from .orientation import (
    about_vertical,
    apply_camera,
    camera_zoom,
    directive_camera,
    directive_progress,
    focal_px,
    inverse_camera,
    wrapped,
)

SLIDE_OF_DISTANCE, SLIDE_OF_GROUND = 0.08, 0.04
"""share of an endlessly far background's movement that the picture's background makes: a hint of depth"""
LARGEST_SLIDE = 0.05  # of the long side: further, the filled hole behind the character would come to light


def with_prompt_camera(motion: HolisticMotion, prompt: str) -> tuple[HolisticMotion, tuple[str, ...]]:
    """A retargeted motion with the camera its prompt asks for ("slow zoom in, pan left"), and a sentence about it.

    Only orientation "image" leaves the camera to the prompt, and a camera that was directed before stays.
    """
    directive = camera_of_prompt(prompt)
    if directive is None or directive == CameraDirective():
        return motion, ()
    said = f"camera of the prompt ({describe_camera(directive)})"
    if motion.provenance.get("orientation") != "image":
        return motion, (f"The {said} is not obeyed: with orientation video the camera follows the clip.",)
    if not np.allclose(motion.character.camera, np.eye(2, 3), atol=1e-5):
        return motion, (f"The {said} is not obeyed: the camera is directed by KMC Orientation Mode already.",)
    return with_camera(motion, directive), (f"The {said} is obeyed.",)


def with_camera(motion: HolisticMotion, directive: CameraDirective) -> HolisticMotion:
    """A retargeted motion seen by a directed camera on top of its own.

    Zooms stay on the character's face; one below 1 begins closer and ends with the whole picture, because there is nothing
    beyond its edges to show. An orbit turns the figure about its hips and slides the background a little behind it, less
    where the figure stands on the ground. Raises MotionError without a character.
    """
    if motion.character is None:
        raise MotionError(
            "A camera needs a retargeted motion", got="a motion without a character", expected="the output of a retarget",
            remedy="Retarget the motion onto the subject first",
        )  # fmt: skip
    if directive == CameraDirective():
        return motion
    before = motion.character
    turn = -math.radians(directive.orbit_deg) * directive_progress(motion.frame_count)
    focus = _focus(before)
    closer = 1.0 / min(max(directive.zoom, 1e-3), 1.0)
    directed = closer * directive_camera(directive, before.canvas, motion.frame_count, focus)
    directed[:, :, 2] += (1.0 - closer) * np.array(focus, np.float32)
    slide = _slide_px(before, turn)
    directed[:, 0, 2] += slide
    camera = np.concatenate(
        [directed[:, :, :2] @ before.camera[:, :, :2], apply_camera(directed, before.camera[:, None, :, 2])[:, 0, :, None]], axis=-1
    )
    points = {name: apply_camera(inverse_camera(before.camera), getattr(motion, name)) for name in ("body", "hands", "face")}
    after = before
    if turn.any():
        after = _orbited(before, turn, slide / camera_zoom(camera))
        points = _points_orbited(points, before, after, turn)
    return replace(
        motion,
        **{name: apply_camera(camera, values.astype(np.float32)) for name, values in points.items()},
        head_pose=(motion.head_pose + turn[:, None] * np.array([1, 0, 0])).astype(np.float32),
        root_yaw=after.body_yaw,
        camera=camera,
        character=replace(after, camera=camera),
    )


def _focus(character: CharacterMotion) -> tuple[float, float]:
    """What zooms stay on: head and neck as they start, inside the canvas."""
    middle = character.joints[0, [HEAD, NECK], :2].mean(0)
    return float(np.clip(middle[0], 0, character.canvas.width)), float(np.clip(middle[1], 0, character.canvas.height))


def _slide_px(character: CharacterMotion, turn: np.ndarray) -> np.ndarray:
    """How far the background moves behind the figure [T] while the camera goes round it by -turn [T]."""
    feet = character.joints[0, [13, 17], 1].max()
    grounded = feet < character.canvas.height and character.joint_confidence[0, [13, 17]].min() > 0.4
    share = SLIDE_OF_GROUND if grounded else SLIDE_OF_DISTANCE
    limit = LARGEST_SLIDE * focal_px(character.canvas)
    return limit * np.tanh(-share * focal_px(character.canvas) * np.tan(np.clip(turn, -1.2, 1.2)) / limit)


def _orbited(character: CharacterMotion, turn: np.ndarray, slide: np.ndarray) -> CharacterMotion:
    """The figure turned by turn [T], and held in its place against a background that slides by `slide` [T] canvas px."""
    around = about_vertical(turn)
    hips = character.joints[:, PELVIS : PELVIS + 1].astype(np.float64)
    joints = np.einsum("tij,tnj->tni", around, character.joints - hips) + hips
    joints[..., 0] -= slide[:, None]
    return replace(
        character,
        joints=joints.astype(np.float32),
        head_rotation=(around @ character.head_rotation).astype(np.float32),
        head_yaw=wrapped(character.head_yaw + turn).astype(np.float32),
        body_yaw=wrapped(character.body_yaw + turn).astype(np.float32),
        hands=np.einsum("tij,tsnj->tsni", around, character.hands).astype(np.float32),
    )


def _points_orbited(
    points: dict[str, np.ndarray], before: CharacterMotion, after: CharacterMotion, turn: np.ndarray
) -> dict[str, np.ndarray]:
    """Keypoints for drawing that follow their joints: narrowed as the turn narrows them, hands turned about the wrists."""
    narrow = np.stack([np.cos(turn), np.ones_like(turn)], axis=-1)
    offset = points["body"] - before.joints[:, ATTACHED_TO, :2]
    body = after.joints[:, ATTACHED_TO, :2] + offset * narrow[:, None]
    around = about_vertical(turn)
    wrists = points["hands"][:, :, :1] * [1, 1, 0]
    hands = np.einsum("tij,tsnj->tsni", around, points["hands"] - wrists)
    hands[..., :2] += body[:, [15, 16], None]
    middle = points["face"].mean(1, keepdims=True)
    face = np.einsum("tij,tnj->tni", around, points["face"] - middle) + middle
    face[..., :2] += (after.joints - before.joints)[:, HEAD : HEAD + 1, :2]
    return {"body": body, "hands": hands, "face": face}
