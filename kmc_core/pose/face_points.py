"""Head pose and expression from 68 face points (and two pupils), when the 478-point mesh is missing.

Not here: the mesh's own measures (expression.py), reading dictionaries (interchange.py). Called by interchange.py.
Source: iBUG-68 layout; the same ratios as expression.py, taken at points 36-47 (eyes), 17-26 (brows), 48-67 (mouth).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .expression import EXPRESSION_NAMES, coefficients_from_measures, neutral_measures

RIGHT_EYE, LEFT_EYE = (36, 37, 38, 39, 40, 41), (45, 44, 43, 42, 47, 46)
"""outer corner, upper outer, upper inner, inner corner, lower inner, lower outer"""
RIGHT_BROW, LEFT_BROW = (17, 18, 19, 20, 21), (26, 25, 24, 23, 22)
PUPILS = {"R": 68, "L": 69}
# mesh proportions in outer-eye distances: how far the nose tip stands out, and where it sits on a frontal face
NOSE_DEPTH, NOSE_BELOW_EYES = 0.50, 0.42
LARGEST_ANGLE = np.radians(60)


class LandmarkFace(NamedTuple):
    """points [T,70,2] px (68 landmarks, subject's right pupil, left pupil), confidence [T] (0 = absent)."""

    points: np.ndarray
    confidence: np.ndarray


def pose_from_face_points(faces: LandmarkFace) -> np.ndarray:
    """Yaw, pitch, roll [T,3] in radians (signs of expression.head_pose), from where the nose tip lies between the eyes."""
    upright, roll = _upright(faces)
    nose = upright[:, 30]
    yaw = np.arcsin(np.clip(nose[:, 0] / NOSE_DEPTH, -0.95, 0.95))
    pitch = np.arcsin(np.clip((nose[:, 1] - NOSE_BELOW_EYES) / NOSE_DEPTH, -0.95, 0.95))
    angles = np.stack([yaw, pitch, roll], -1).clip(-LARGEST_ANGLE, LARGEST_ANGLE)
    angles[:, 2] = roll
    return (angles * (faces.confidence > 0)[:, None]).astype(np.float32)


def expression_from_face_points(faces: LandmarkFace) -> np.ndarray:
    """Coefficients [T,E] (expression.EXPRESSION_NAMES), neutral-relative over the clip; frames without a face are 0."""
    out = np.zeros((len(faces.points), len(EXPRESSION_NAMES)), np.float32)
    seen = faces.confidence > 0
    if seen.any():
        upright, _ = _upright(faces)
        measures = _measures(upright[seen], faces.points[seen, 68:])
        out[seen] = coefficients_from_measures(measures, neutral_measures(measures))
    return out


def _upright(faces: LandmarkFace) -> tuple[np.ndarray, np.ndarray]:
    """Points [T,70,2] with level eyes, origin between the eyes, in outer-eye distances; roll [T]."""
    across = faces.points[:, 45] - faces.points[:, 36]
    width = np.maximum(np.linalg.norm(across, axis=-1), 1e-6)
    roll = np.arctan2(across[:, 1], across[:, 0])
    cosine, sine = np.cos(roll), np.sin(roll)
    back = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], 1)
    middle = faces.points[:, [36, 45]].mean(1, keepdims=True)
    return np.einsum("tij,tnj->tni", back, faces.points - middle) / width[:, None, None], roll


def _measures(points: np.ndarray, pupils: np.ndarray) -> dict[str, np.ndarray]:
    """The keys of expression.face_measures; what 68 points cannot tell is constant."""
    measures: dict[str, np.ndarray] = {}
    sides = (("L", LEFT_EYE, LEFT_BROW, 54), ("R", RIGHT_EYE, RIGHT_BROW, 48))
    for letter, eye, brow, corner in sides:
        outer, upper_outer, upper_inner, inner, lower_inner, lower_outer = (points[:, index] for index in eye)
        width = np.linalg.norm(outer - inner, axis=-1) + 1e-6
        middle = (outer + inner) / 2
        heights = np.linalg.norm(upper_outer - lower_outer, axis=-1) + np.linalg.norm(upper_inner - lower_inner, axis=-1)
        measures["openness" + letter] = heights / 2 / width
        has_pupil = (pupils[:, PUPILS[letter] - 68] != 0).any(-1)
        gaze = (points[:, PUPILS[letter]] - middle) / (width / 2)[:, None] * has_pupil[:, None]
        gaze *= np.abs(gaze).max(-1, keepdims=True) < 1  # some detectors write the eye's body joint here
        measures["gazeX" + letter], measures["gazeY" + letter] = gaze[:, 0], gaze[:, 1]
        measures["lowerLid" + letter] = ((lower_outer + lower_inner) / 2 - middle)[:, 1] / width
        measures["browOuter" + letter] = outer[:, 1] - points[:, brow[1], 1]
        measures["browMiddle" + letter] = middle[:, 1] - points[:, brow[2], 1]
        measures["browInner" + letter] = inner[:, 1] - points[:, brow[4], 1]
        measures["cornerUp" + letter] = -points[:, corner, 1]
        measures["cornerOut" + letter] = np.abs(points[:, corner, 0] - points[:, 27, 0])
    measures["gap"] = points[:, 66, 1] - points[:, 62, 1]
    measures["jawDown"] = points[:, 8, 1] - points[:, 27, 1]
    measures["jawLeft"] = points[:, 8, 0] - points[:, 27, 0]
    measures["mouthWidth"] = np.linalg.norm(points[:, 48] - points[:, 54], axis=-1)
    measures["mouthMiddle"] = points[:, [48, 54], 0].mean(-1) - points[:, 27, 0]
    measures["noseToLip"] = points[:, 51, 1] - points[:, 33, 1]
    return measures
