"""Reads FACE_LANDMARKS, what core ComfyUI's MediaPipe node says of faces.

Not here: POSE_KEYPOINT (interchange.py). Called by nodes.
FACE_LANDMARKS: {"frames": [[face, ...], ...], "image_size": (H, W)}; face: landmarks_xy [478,2] px, landmarks_3d [478,3] in
units of its own crop, blendshapes (ARKit names), score. Same 478-point topology as ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import PoseError
from ..types import Canvas, HolisticMotion
from .expression import EXPRESSION_NAMES, canonical_face, expression_coefficients, head_pose

FACE_POINTS = 478


class FaceTrack(NamedTuple):
    """face [T,478,3] px, confidence [T], expression [T,E] or None (no blendshapes given)."""

    face: np.ndarray
    confidence: np.ndarray
    expression: np.ndarray | None


def from_face_landmarks(landmarks: Mapping, canvas: Canvas | None = None) -> FaceTrack:
    """FACE_LANDMARKS -> the largest face's track, scaled to `canvas` (default: the landmarks' own picture).

    Raises PoseError for a malformed value. Blendshapes become coefficients minus their median (per-clip neutral).
    """
    try:
        frames, (height, width) = landmarks["frames"], landmarks["image_size"]
    except (TypeError, KeyError, ValueError) as error:
        raise PoseError(
            "The face landmarks cannot be read",
            got=type(landmarks).__name__,
            expected='{"frames", "image_size"}',
            remedy="Connect the output of Detect Face Landmarks",
        ) from error
    ratio = np.ones(2) if canvas is None else np.array([canvas.width / width, canvas.height / height])
    face, confidence = np.zeros((len(frames), FACE_POINTS, 3), np.float32), np.zeros(len(frames), np.float32)
    shapes = np.zeros((len(frames), len(EXPRESSION_NAMES)), np.float32)
    before: np.ndarray | None = None
    for index, faces in enumerate(frames):
        usable = [one for one in faces or [] if np.shape(one.get("landmarks_xy")) == (FACE_POINTS, 2)]
        if not usable:
            continue
        best = _largest_or_nearest(usable, before)
        before = np.asarray(best["landmarks_xy"], np.float32)
        face[index] = _face_points(best, ratio)
        confidence[index] = float(np.clip(best.get("score", 1.0), 0.01, 1))
        shapes[index] = [float((best.get("blendshapes") or {}).get(name, 0)) for name in EXPRESSION_NAMES]
    seen = confidence > 0
    if not shapes.any():
        return FaceTrack(face, confidence, None)
    shapes[seen] -= np.median(shapes[seen], axis=0)
    return FaceTrack(face, confidence, shapes.clip(0, 1) * seen[:, None])


def merge_face_landmarks(motion: HolisticMotion, landmarks: Mapping) -> HolisticMotion:
    """Replace face, head pose and expression of a motion by FACE_LANDMARKS where a face was given (frame counts must agree)."""
    track = from_face_landmarks(landmarks, motion.canvas)
    if len(track.face) != motion.frame_count:
        raise PoseError(
            "The face landmarks do not belong to this clip",
            got=f"{len(track.face)} frames",
            expected=f"{motion.frame_count} frames",
            remedy="Detect faces on the same frames that are connected as the clip",
        )
    given = track.confidence > 0
    face = np.where(given[:, None, None], track.face, motion.face)
    confidence = np.where(given, track.confidence, motion.face_confidence).astype(np.float32)
    expression = track.expression
    if expression is None:
        expression = expression_coefficients(face, confidence)
    rotation = canonical_face(face, confidence).rotation
    seen = confidence > 0
    return replace(
        motion,
        face=face,
        face_confidence=confidence,
        expression=np.where(given[:, None], expression, motion.expression).astype(np.float32),
        head_pose=np.where(seen[:, None], head_pose(rotation), motion.head_pose).astype(np.float32),
        provenance={**motion.provenance, "face": "FACE_LANDMARKS input"},
    )


def _largest_or_nearest(faces: Sequence[Mapping], before: np.ndarray | None) -> Mapping:
    if before is None:
        return max(faces, key=lambda face: float(np.prod(np.ptp(np.asarray(face["landmarks_xy"]), axis=0))))
    return min(faces, key=lambda face: float(np.linalg.norm(np.mean(face["landmarks_xy"], axis=0) - before.mean(0))))


def _face_points(face: Mapping, ratio: np.ndarray) -> np.ndarray:
    """x, y px; z of the crop-unit landmarks scaled to the same pixels."""
    points = np.asarray(face["landmarks_xy"], np.float32) * ratio.astype(np.float32)
    depth = np.zeros(FACE_POINTS, np.float32)
    solid = np.asarray(face.get("landmarks_3d"), np.float32) if face.get("landmarks_3d") is not None else None
    if solid is not None and solid.shape == (FACE_POINTS, 3):
        spread = np.linalg.norm(solid[:, :2] - solid[:, :2].mean(0), axis=-1).mean()
        depth = solid[:, 2] * np.linalg.norm(points - points.mean(0), axis=-1).mean() / max(spread, 1e-6)
    return np.c_[points, depth]
