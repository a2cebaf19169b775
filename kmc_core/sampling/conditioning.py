"""From motion and subject to what the network is told (dit.Conditions), apart from the alignment maps.

Not here: rendering (frames.py) and encoding (dit). Called by reenact and by training, so both speak the same numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from ..errors import MotionError
from ..motion.orientation import apply_camera
from ..pose.expression import EXPRESSION_NAMES
from ..types import CharacterMotion, HolisticMotion, SubjectLibrary, SubjectView

REFERENCE_LONG_SIDE_PX = 160
REFERENCE_MARGIN = 0.05


class MotionArrays(NamedTuple):
    """Motion of a clip as the network reads it, float32; x, y are fractions of the canvas (0 left/top, 1 right/bottom).

    joints [T,19,4] (x, y, z in torso lengths, confidence); hands [T,2,21,4] (z in palm lengths); face [T,F]
    """

    joints: np.ndarray
    hands: np.ndarray
    face: np.ndarray


def motion_arrays(motion: HolisticMotion, subject: SubjectLibrary) -> MotionArrays:
    """Read a retargeted motion. Raises MotionError if it has no character or an expression of another layout."""
    character = motion.character
    if character is None:
        raise MotionError("The motion is not on a character yet", remedy="Retarget it to a subject first")
    if motion.expression.shape[1:] != (len(EXPRESSION_NAMES),):
        raise MotionError("Unknown expression layout", got=str(motion.expression.shape), expected=f"[T,{len(EXPRESSION_NAMES)}]")
    return MotionArrays(_joints(character, subject), _hands(motion), _face(motion, character))


def _joints(character: CharacterMotion, subject: SubjectLibrary) -> np.ndarray:
    points = apply_camera(character.camera, character.joints.astype(np.float64))
    torso_px = np.maximum(subject.primary_view.torso_px * character.scale, 1e-3)[:, None]
    x, y = points[..., 0] / character.canvas.width, points[..., 1] / character.canvas.height
    depth = (character.joints[..., 2] - character.joints[:, :1, 2]) / torso_px
    return _finite(np.stack((x, y, depth, character.joint_confidence), axis=-1))


def _hands(motion: HolisticMotion) -> np.ndarray:
    points, seen = motion.hands.astype(np.float64), motion.hands_confidence
    palm = np.maximum(np.linalg.norm(points[:, :, 9, :2] - points[:, :, 0, :2], axis=-1), 1e-3)[..., None]
    x, y = points[..., 0] / motion.canvas.width, points[..., 1] / motion.canvas.height
    depth = np.clip(points[..., 2] / palm, -2, 2)
    return _finite(np.stack((x, y, depth, np.broadcast_to(seen[..., None], x.shape)), axis=-1))


def _face(motion: HolisticMotion, character: CharacterMotion) -> np.ndarray:
    """In the order of dit.config.FACE_FEATURE_NAMES."""
    parts = (
        motion.head_pose,
        character.eye_openness - 1,
        character.mouth_gap[:, None],
        character.gaze.reshape(-1, 4),
        motion.expression,
        motion.face_confidence[:, None],
    )
    return _finite(np.concatenate(parts, axis=1))


def _finite(values: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(values), -4, 4).astype(np.float32)


def reference_tensor(subject: SubjectLibrary, max_views: int) -> Tensor:
    """The library's cut-outs -> [1,V,4,h,w]: RGB -1..1, alpha 0..1, each fitted into one common size of multiples of 16.

    The primary view comes first; every view is cropped to its character.
    """
    order = [subject.primary] + [number for number in range(len(subject.views)) if number != subject.primary]
    cut_outs = [_cut_out(subject.views[number]) for number in order[:max_views]]
    side = REFERENCE_LONG_SIDE_PX
    fitted = [_fitted(picture, side) for picture in cut_outs]
    height = -(-max(picture.shape[0] for picture in fitted) // 16) * 16
    width = -(-max(picture.shape[1] for picture in fitted) // 16) * 16
    tensors = np.zeros((1, len(fitted), 4, height, width), np.float32)
    for number, picture in enumerate(fitted):
        top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
        tensors[0, number, :, top : top + picture.shape[0], left : left + picture.shape[1]] = picture.transpose(2, 0, 1)
    return torch.from_numpy(tensors)


def _cut_out(view: SubjectView) -> np.ndarray:
    """float32 [h,w,4] around the character, RGB in -1..1."""
    rows, columns = np.nonzero(view.alpha > 0.1)
    height, width = view.alpha.shape
    if not len(rows):
        return np.zeros((16, 16, 4), np.float32)
    margin = int(REFERENCE_MARGIN * max(height, width))
    y = slice(max(0, rows.min() - margin), min(height, rows.max() + margin + 1))
    x = slice(max(0, columns.min() - margin), min(width, columns.max() + margin + 1))
    return np.dstack((view.foreground[y, x].astype(np.float32) / 127.5 - 1, view.alpha[y, x]))


def _fitted(picture: np.ndarray, side: int) -> np.ndarray:
    ratio = side / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * ratio)), max(1, round(picture.shape[0] * ratio)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
