"""Which way pictures face, as a user states it: words or degrees, one for each picture; it overrules what was detected.

Not here: detecting it (rig.py). Called by library.py and the node. Detectors read people: the back of a toy or a drawing
in profile may come out the wrong way round, with left and right exchanged.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ..errors import SubjectError
from ..pose.skeleton_layouts import BODY_OTHER_SIDE, rig_joints, torso_yaw
from ..types import PictureKeypoints
from .rig import Rig

WORDS = {
    "front": 0.0, "front right": 45.0, "right": 90.0, "back right": 135.0, "back": 180.0, "back left": -135.0, "left": -90.0,
    "front left": -45.0,
}  # fmt: skip
DETECTED = ("", "auto")
SEES_NO_FACE = np.radians(120.0)
HEAD_WITH_BODY = np.radians(75.0)  # a head that seems turned farther than this from the stated facing was misread


def read_facings(text: str, count: int) -> tuple[float | None, ...]:
    """"front, left, back, 45" -> radians per picture (positive: the character looks to the picture's right), None where not stated.

    count: number of pictures; what is left out at the end is detected. Raises SubjectError for a word it does not know and
    for more facings than pictures.
    """
    entries = [" ".join(entry.lower().replace("-", " -").split()) for entry in re.split(r"[,;\n]", text)] if text.strip() else []
    if len(entries) > count:
        raise SubjectError(
            "More facings than pictures", got=f"{len(entries)} for {count}", expected="one for each picture, separated by commas",
            remedy="Leave out what is too much",
        )  # fmt: skip
    return tuple(_angle(entry) for entry in entries) + (None,) * (count - len(entries))


def _angle(entry: str) -> float | None:
    if entry in DETECTED:
        return None
    words = entry.replace(" -", " ") if entry.replace(" -", " ") in WORDS else entry
    if words in WORDS:
        return float(np.radians(WORDS[words]))
    if re.fullmatch(r"-?\d{1,3}(\.\d+)?", entry) and abs(float(entry)) <= 180:
        return float(np.radians(float(entry)))
    raise SubjectError(
        "Unknown facing", got=repr(entry), expected=f"{', '.join(WORDS)}, auto, or degrees from -180 to 180",
        remedy="Left and right are the picture's: a character that looks to the picture's left faces left",
    )  # fmt: skip


def turned_as_stated(keypoints: PictureKeypoints, facing: float) -> PictureKeypoints:
    """Left and right exchanged where they were read the wrong way round; no face on the back of a head."""
    detected = float(torso_yaw(rig_joints(keypoints.body_world.astype(np.float64))))
    if np.cos(detected - facing) < 0:
        names = ("body", "body_confidence", "body_world")
        keypoints = replace(
            keypoints, **{name: getattr(keypoints, name)[list(BODY_OTHER_SIDE)] for name in names},
            hands=keypoints.hands[::-1].copy(), hands_confidence=keypoints.hands_confidence[::-1].copy(),
        )  # fmt: skip
    return replace(keypoints, face_confidence=0.0) if np.cos(facing) < np.cos(SEES_NO_FACE) else keypoints


def facing_as_stated(rig: Rig, facing: float) -> Rig:
    """The rig with the stated facing; the head keeps its own unless that contradicts it."""
    head = rig.head_yaw if np.cos(rig.head_yaw - facing) > np.cos(HEAD_WITH_BODY) else facing
    return rig._replace(yaw=facing, head_yaw=head)
