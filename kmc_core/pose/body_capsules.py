"""Where a skeleton says the body certainly is, and where it may be: seeds for cut-outs.

Not here: the cut-outs (backdrop_cutout.py, scene_cutout.py). Called by picture_matte.py.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ..types import PictureKeypoints
from .skeleton_layouts import FACE_OVAL, HAND_EDGES

TRUNK = (11, 12, 24, 23)
TRUNK_INSET = 0.3
"""shoulders and hips are moved this far to the trunk's middle line, because waists are narrow"""
SEEN = 0.5
LEAST_DETECTION = 0.5
# (joints, diameter in torso lengths): thin enough to lie inside any clothes
BONES = (
    (11, 12, 0.12), (11, 13, 0.09), (13, 15, 0.07), (12, 14, 0.09), (14, 16, 0.07), (23, 24, 0.16), (23, 25, 0.14), (25, 27, 0.10), (24, 26, 0.14), (26, 28, 0.10), (27, 31, 0.07), (28, 32, 0.07),
    (27, 29, 0.06), (28, 30, 0.06),
)  # fmt: skip


class SkeletonMasks(NamedTuple):
    """bones uint8 [H,W]: certainly body; reach uint8 [H,W]: may be body; torso_px; head (x, y, radius px) or None."""

    bones: np.ndarray
    reach: np.ndarray
    torso_px: float
    head: tuple[float, float, float] | None


def skeleton_masks(keypoints: PictureKeypoints, shape: tuple[int, int], factor: float) -> SkeletonMasks:
    """Masks at [H,W] = picture size times `factor`. A skeleton that cannot be trusted gives empty masks."""
    bones, reach = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    body, seen = keypoints.body * factor, keypoints.body_confidence >= SEEN
    is_trusted = keypoints.user_supplied or keypoints.detection >= LEAST_DETECTION
    if not is_trusted or seen.sum() < 4:
        return SkeletonMasks(bones, reach, 0.0, None)
    torso = float(np.linalg.norm(body[[11, 12]].mean(0) - body[[23, 24]].mean(0)))
    for start, end, diameter in BONES:
        if seen[start] and seen[end]:
            _capsule(bones, body[start], body[end], diameter * torso)
            _capsule(reach, body[start], body[end], (diameter + 0.24) * torso)
    if seen[list(TRUNK)].all():
        trunk = body[list(TRUNK)]
        middle = trunk[[1, 0, 3, 2]] + trunk
        inset = (1 - TRUNK_INSET) * trunk + TRUNK_INSET * middle / 2
        if np.abs(inset).max() < 30_000:
            for mask in (bones, reach):
                cv2.fillConvexPoly(mask, np.round(inset).astype(np.int32), 1)
    for side in range(2):
        if keypoints.hands_confidence[side] > 0.5:
            hand = keypoints.hands[side, :, :2] * factor
            palm = float(np.linalg.norm(hand[9] - hand[0]))
            for start, end in HAND_EDGES:
                _capsule(bones, hand[start], hand[end], 0.10 * palm)
                _capsule(reach, hand[start], hand[end], 0.6 * palm)
    return SkeletonMasks(bones, reach, torso, _head(keypoints, bones, reach, factor, torso))


def _head(
    keypoints: PictureKeypoints, bones: np.ndarray, reach: np.ndarray, factor: float, torso: float
) -> tuple[float, float, float] | None:
    if keypoints.face_confidence > 0.5:
        oval = keypoints.face[list(FACE_OVAL), :2] * factor
        middle = oval.mean(0)
        inner = np.round(middle + (oval - middle) * 0.85).astype(np.int32)
        cv2.fillConvexPoly(bones, cv2.convexHull(inner), 1)
        radius = float(np.linalg.norm(oval - middle, axis=-1).max())
    elif (keypoints.body_confidence[[7, 8]] >= SEEN).all():
        middle = keypoints.body[[7, 8]].mean(0) * factor
        radius = 0.25 * torso
    else:
        return None
    if np.abs(middle).max() < 30_000:
        cv2.circle(reach, np.round(middle).astype(int).tolist(), max(int(1.8 * radius), 1), 1, -1)
    return float(middle[0]), float(middle[1]), radius


def _capsule(mask: np.ndarray, start: np.ndarray, end: np.ndarray, diameter: float) -> None:
    if np.isfinite([*start, *end]).all() and max(np.abs(start).max(), np.abs(end).max()) < 30_000:
        ends = [np.round(point).astype(int).tolist() for point in (start, end)]
        cv2.line(mask, *ends, 1, max(int(round(diameter)), 1))
