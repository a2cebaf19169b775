"""A camera directed after retargeting: what a prompt asks for, on a motion that is on its character already.

Not here: reading words (camera_words.py), the mathematics (orientation.py), cameras known while retargeting (retarget.py).
Called by the samplers.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..errors import MotionError
from ..pose.skeleton_layouts import PELVIS
from ..types import CameraDirective, CharacterMotion, HolisticMotion
from .camera_words import camera_of_prompt, describe_camera
from .on_canvas import ATTACHED_TO
from .orientation import about_vertical, apply_camera, directive_camera, directive_progress, inverse_camera, wrapped


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
    """A retargeted motion seen by a directed camera on top of its own; an orbit turns the figure about its hips.

    Raises MotionError without a character.
    """
    if motion.character is None:
        raise MotionError(
            "A camera needs a retargeted motion", got="a motion without a character", expected="the output of a retarget",
            remedy="Retarget the motion onto the subject first",
        )  # fmt: skip
    before = motion.character
    turn = -math.radians(directive.orbit_deg) * directive_progress(motion.frame_count)
    after = _orbited(before, turn) if turn.any() else before
    directed = directive_camera(directive, before.canvas, motion.frame_count)
    camera = np.concatenate(
        [directed[:, :, :2] @ before.camera[:, :, :2], apply_camera(directed, before.camera[:, None, :, 2])[:, 0, :, None]], axis=-1
    )
    points = {name: apply_camera(inverse_camera(before.camera), getattr(motion, name)) for name in ("body", "hands", "face")}
    if turn.any():
        points = _points_orbited(points, before, after, turn)
    return replace(
        motion,
        **{name: apply_camera(camera, values.astype(np.float32)) for name, values in points.items()},
        head_pose=(motion.head_pose + turn[:, None] * np.array([1, 0, 0])).astype(np.float32),
        root_yaw=after.body_yaw,
        camera=camera,
        character=replace(after, camera=camera),
    )


def _orbited(character: CharacterMotion, turn: np.ndarray) -> CharacterMotion:
    around = about_vertical(turn)
    hips = character.joints[:, PELVIS : PELVIS + 1].astype(np.float64)
    joints = np.einsum("tij,tnj->tni", around, character.joints - hips) + hips
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
    face[..., :2] += (after.joints - before.joints)[:, 2:3, :2]
    return {"body": body, "hands": hands, "face": face}
