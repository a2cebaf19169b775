"""Keypoints a user has put right by hand, as JSON text that is saved with a workflow.

Form: {"1": {"picture": "<mark>", "joints": {"left_elbow": [0.41, 0.52]}}}. Keys are numbers of pictures from 1, places are
fractions of the picture's width and height; `picture` is optional and keeps a correction from being used on another picture.
Not here: finding keypoints (pose), judging the rig (gate.py). Called by library.py and nodes.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ..errors import SubjectError
from ..pose.skeleton_layouts import RIG_JOINTS, rig_joints
from ..types import Canvas, PictureKeypoints
from .rig import joint_confidence, pixels_per_metre

Place = tuple[float, float]

# Joint -> (BlazePose points it is the mean of, points that move along). Parents stand before what hangs on them.
JOINT_POINTS = {
    "head": ((7, 8), (0, 1, 2, 3, 4, 5, 6, 9, 10)),
    "left_shoulder": ((11,), ()), "left_elbow": ((13,), ()), "left_wrist": ((15,), (17, 19, 21)), "left_knuckles": ((17, 19), (21,)),
    "right_shoulder": ((12,), ()), "right_elbow": ((14,), ()), "right_wrist": ((16,), (18, 20, 22)), "right_knuckles": ((18, 20), (22,)),
    "left_hip": ((23,), ()), "left_knee": ((25,), ()), "left_ankle": ((27,), (29, 31)), "left_toe": ((31,), ()),
    "right_hip": ((24,), ()), "right_knee": ((26,), ()), "right_ankle": ((28,), (30, 32)), "right_toe": ((32,), ()),
}  # fmt: skip
TORSO = frozenset({"left_shoulder", "right_shoulder", "left_hip", "right_hip"})
OUTSIDE = 0.25
"""places may lie this far outside the picture, in its widths and heights"""
MARK_FIELDS = 8
FACE_REACH = 0.5


@dataclass(frozen=True)
class ViewCorrections:
    """Corrected joints of one picture: place of each in fractions of the picture; mark of the picture, or "" for any."""

    joints: Mapping[str, Place] = field(default_factory=dict)
    picture: str = ""

    @property
    def rig_indices(self) -> frozenset[int]:
        """Places of the corrected joints in RIG_JOINTS."""
        return frozenset(RIG_JOINTS.index(name) for name in self.joints)


def read_corrections(text: str, most_views: int = 7) -> dict[int, ViewCorrections]:
    """Number of the picture (from 1) -> its corrections. Raises SubjectError that says which entry is wrong, and how."""
    if not text.strip():
        return {}
    try:
        loaded = json.loads(text)
    except ValueError as error:
        raise _malformed("not JSON", f"{error}") from None
    if not isinstance(loaded, dict):
        raise _malformed("not an object of pictures", json.dumps(loaded)[:60])
    result = {}
    for key, entry in loaded.items():
        if not (key.isdecimal() and 1 <= int(key) <= most_views):
            raise _malformed(f"a picture has a number from 1 to {most_views}", f'"{key}"')
        if not isinstance(entry, dict) or not set(entry) <= {"joints", "picture"} or not isinstance(entry.get("joints"), dict):
            raise _malformed(f'picture {key} needs "joints" and may have "picture"', json.dumps(entry)[:60])
        joints = {name: _place(key, name, place) for name, place in entry["joints"].items()}
        result[int(key)] = ViewCorrections(joints, str(entry.get("picture", "")))
    return result


def assign_corrections(corrections: Mapping[int, ViewCorrections], pictures: Sequence[np.ndarray]) -> list[int | None]:
    """For each picture uint8 [H,W,3|4] the number of the corrections to use, or None.

    A correction with a mark follows its picture to another socket, and is left out where its picture is gone.
    """
    marks = [picture_mark(picture) for picture in pictures] if corrections else []
    used: list[int | None] = [None] * len(pictures)
    for number, correction in corrections.items():
        own = number - 1
        fitting = [view for view, mark in enumerate(marks) if not correction.picture or same_picture(mark, correction.picture)]
        places = [view for view in ([own] if own in fitting else fitting if correction.picture else []) if used[view] is None]
        if places:
            used[places[0]] = number
    return used


def correct_keypoints(keypoints: PictureKeypoints, joints: Mapping[str, Place], canvas: Canvas) -> PictureKeypoints:
    """The keypoints with the named joints at their places, trusted fully; what hangs on a joint moves along.

    A hand follows its wrist. A face that no longer surrounds the head belonged to something else and is dropped. With the
    four corners of the torso given, the character counts as found.
    """
    if not joints:
        return keypoints
    body, confidence = keypoints.body.astype(np.float64), keypoints.body_confidence.copy()
    hands = keypoints.hands.copy()
    for name, (own, following) in JOINT_POINTS.items():
        if name in joints:
            target = np.array(joints[name]) * (canvas.width, canvas.height)
            shift = target - body[list(own)].mean(0)
            body[[*own, *following]] += shift
            confidence[list(own)] = 1.0
            if name.endswith("_wrist"):
                hands[int(name.startswith("right")), :, :2] += shift
    face_is_lost = "head" in joints and not _surrounds(keypoints.face[:, :2], body[[7, 8]].mean(0))
    return replace(
        keypoints,
        body=body.astype(np.float32),
        body_confidence=confidence,
        body_world=_moved_world(keypoints, body, canvas),
        hands=hands,
        face_confidence=0.0 if face_is_lost else keypoints.face_confidence,
        detection=1.0 if set(joints) >= TORSO else keypoints.detection,
    )


def picture_mark(picture: np.ndarray) -> str:
    """A mark of uint8 [H,W,3|4] that another decoder or a resize leaves alone: its colours in 8 x 8 fields, 16 steps each."""
    fields = cv2.resize(np.ascontiguousarray(picture[..., :3]), (MARK_FIELDS, MARK_FIELDS), interpolation=cv2.INTER_AREA)
    return "".join(f"{level:x}" for level in (fields // 16).ravel())


def same_picture(one: str, other: str) -> bool:
    """Whether two marks are of the same picture: every field within one step. Anything that is no mark equals nothing."""
    if len(one) != len(other) or len(one) != 3 * MARK_FIELDS**2:
        return False
    try:
        return all(abs(int(first, 16) - int(second, 16)) <= 1 for first, second in zip(one, other, strict=True))
    except ValueError:
        return False


def _place(view: str, name: str, place: object) -> Place:
    if name not in JOINT_POINTS:
        near = difflib.get_close_matches(name, JOINT_POINTS, n=1)
        meant = f"Use {near[0]}" if near else "Use one of " + ", ".join(JOINT_POINTS)
        raise SubjectError(f"Picture {view} has a correction of an unknown joint", got=name, expected="a joint of the rig", remedy=meant)
    numbers = isinstance(place, list) and len(place) == 2 and all(type(value) in (int, float) for value in place)
    if not numbers or not all(math.isfinite(value) and -OUTSIDE <= value <= 1 + OUTSIDE for value in place):
        raise SubjectError(
            f"The correction of {name} in picture {view} is no place", got=json.dumps(place)[:60],
            expected="[x, y] in fractions of the picture, 0 to 1", remedy="Drag the joint again, or remove its correction",
        )  # fmt: skip
    return float(place[0]), float(place[1])


def _malformed(expected: str, got: str) -> SubjectError:
    return SubjectError(
        "The corrections cannot be read", got=got, expected=expected, remedy="Clear the corrections, and drag the joints again"
    )


def _surrounds(face: np.ndarray, point: np.ndarray) -> bool:
    low, high = face.min(0), face.max(0)
    reach = FACE_REACH * (high - low)
    return bool(((point >= low - reach) & (point <= high + reach)).all())


def _moved_world(keypoints: PictureKeypoints, body: np.ndarray, canvas: Canvas) -> np.ndarray:
    """The metric skeleton with its points moved as far as those of the picture; depths stay."""
    world = keypoints.body_world.astype(np.float64)
    if np.ptp(world) <= 0.02:
        return keypoints.body_world
    trust = joint_confidence(keypoints.body, keypoints.body_confidence, canvas)
    scale = float(pixels_per_metre(rig_joints(keypoints.body.astype(np.float64)), rig_joints(world), trust))
    world[:, :2] += (body - keypoints.body) / scale
    return world.astype(np.float32)
