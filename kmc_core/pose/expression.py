"""What a face does, whoever's it is: head axes, head-fixed face, neutral-relative expression coefficients.

Not here: detection of the mesh, moving a character's face (motion/face_motion). Called by pose, subject, motion, evaluation.
Points are MediaPipe Face Mesh-478 in pixels (z in pixels, negative = nearer); sides are the subject's.
Coefficients follow ARKit's names; formulas are geometric, checked against MediaPipe's face_blendshapes on 18 clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# (subject's right, subject's left)
SYMMETRIC_PAIRS = ((33, 263), (133, 362), (127, 356), (234, 454), (54, 284), (67, 297), (129, 358))
UPPER_MIDLINE, LOWER_MIDLINE = (10, 151), (2, 94)
# bridge, forehead, eye corners, temples, nose wings: points that hardly move when a face acts
RIGID_POINTS = (
    6, 168, 197, 195, 10, 151, 9, 33, 133, 263, 362, 127, 356, 234, 454, 54, 284, 67, 297, 143, 372, 129, 358,
)  # fmt: skip
RIGHT_OUTER_EYE, LEFT_OUTER_EYE = 33, 263
PITCH_OFFSET = np.radians(9.6)
"""angle between the axis through brow and nose base and the vertical, on MediaPipe's canonical face"""
SHORTEST_SCENE_FRAMES = 12
"""scenes with fewer seen faces use the whole clip's neutral"""

EXPRESSION_NAMES = (
    "eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeLookDownLeft", "eyeLookDownRight",
    "browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight", "browInnerUp",
    "jawOpen", "jawLeft", "jawRight", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthPucker", "mouthFunnel", "mouthUpperUp", "mouthLowerDown",
)  # fmt: skip


class CanonicalFace(NamedTuple):
    """A face with the head's motion taken out: picture point = centre + scale * rotation @ point.

    points [T,478,3] in outer-eye distances (x to the subject's left, y down, z away); rotation [T,3,3] head to picture
    axes; centre [T,3] px; scale [T] px per outer-eye distance. Frames without a face: the neutral face, identity, 0, 1.
    """

    points: np.ndarray
    rotation: np.ndarray
    centre: np.ndarray
    scale: np.ndarray


class _Side(NamedTuple):
    outer: int
    inner: int
    upper_lid: tuple[int, ...]
    lower_lid: tuple[int, ...]
    iris: int
    brow: tuple[int, ...]
    brow_inner: tuple[int, ...]
    brow_outer: tuple[int, ...]
    mouth_corner: int
    to_outside: int


LEFT = _Side(263, 362, (387, 386, 385), (373, 374, 380), 473, (334, 296, 336), (336, 285), (300, 293), 291, 1)
RIGHT = _Side(33, 133, (160, 159, 158), (144, 145, 153), 468, (105, 66, 107), (107, 55), (70, 63), 61, -1)


def head_axes(face: np.ndarray) -> np.ndarray:
    """Rotation [...,3,3] from head axes to picture axes of faces [...,478,3]: its columns are x (to the subject's left),
    y (down) and z (away from the camera) of the head. Degenerate faces give the identity."""
    right, left = (list(side) for side in zip(*SYMMETRIC_PAIRS, strict=True))
    across = (face[..., left, :] - face[..., right, :]).astype(np.float64).mean(-2)
    down = face[..., list(LOWER_MIDLINE), :].mean(-2) - face[..., list(UPPER_MIDLINE), :].mean(-2)
    x = _normalised(across)
    y = _normalised(down - (down * x).sum(-1, keepdims=True) * x)
    axes = np.stack([x, y, np.cross(x, y)], axis=-1)
    degenerate = np.abs(np.linalg.det(axes) - 1) > 1e-3
    axes[degenerate] = np.eye(3)
    return axes.astype(np.float32)


def head_pose(rotation: np.ndarray) -> np.ndarray:
    """Yaw (> 0: turned to the picture's right), pitch (> 0: looking down), roll (> 0: clockwise) in radians, [...,3].

    rotation [...,3,3]: head to picture axes, from `head_axes` or `canonical_face`.
    """
    x, z = rotation[..., 0], rotation[..., 2]
    yaw = np.arctan2(-z[..., 0], z[..., 2])
    pitch = np.arctan2(-z[..., 1], np.hypot(z[..., 0], z[..., 2])) + PITCH_OFFSET
    return np.stack([yaw, pitch, np.arctan2(x[..., 1], x[..., 0])], axis=-1).astype(np.float32)


def canonical_face(face: np.ndarray, confidence: np.ndarray | None = None, rounds: int = 3) -> CanonicalFace:
    """Take head motion out of a clip's face: similarity Procrustes of 23 quasi-rigid points onto the median face.

    face [T,478,3] px; confidence [T] (0 = absent, default all present).
    """
    face = np.asarray(face, np.float64)
    present = np.ones(len(face), bool) if confidence is None else np.asarray(confidence) > 0
    seen = face[present]
    seen = seen[np.ptp(seen[..., 0], axis=-1) > 1e-3] if len(seen) else seen
    points = np.zeros_like(face)
    rotation, centre, scale = np.tile(np.eye(3), (len(face), 1, 1)), np.zeros((len(face), 3)), np.ones(len(face))
    if not len(seen):
        return CanonicalFace(*(part.astype(np.float32) for part in (points, rotation, centre, scale)))
    present &= np.ptp(face[..., 0], axis=-1) > 1e-3
    axes = head_axes(seen).astype(np.float64)
    rigid = list(RIGID_POINTS)
    own = np.einsum("tji,tnj->tni", axes, seen - seen[:, rigid].mean(1, keepdims=True))
    own /= np.linalg.norm(own[:, RIGHT_OUTER_EYE] - own[:, LEFT_OUTER_EYE], axis=-1)[:, None, None] + 1e-9
    median = np.median(own, axis=0)
    for _ in range(rounds):
        median = median @ head_axes(median).astype(np.float64)
        median /= np.linalg.norm(median[RIGHT_OUTER_EYE] - median[LEFT_OUTER_EYE])
        turn, size, middle = _similarity(seen[:, rigid], median[rigid])
        own = np.einsum("tji,tnj->tni", turn, seen - middle[:, None]) / size[:, None, None]
        median = np.median(own, axis=0)
    points[:] = median
    points[present], rotation[present], centre[present], scale[present] = own, turn, middle, size
    return CanonicalFace(*(part.astype(np.float32) for part in (points, rotation, centre, scale)))


def eye_openness(points: np.ndarray) -> np.ndarray:
    """Lid distance / eye width [...,2] (left, right) of canonical or picture faces [...,478,3]."""
    return np.stack([_openness(points, side) for side in (LEFT, RIGHT)], axis=-1)


def gaze(points: np.ndarray) -> np.ndarray:
    """Iris offset from the middle of the eye corners [...,2,2]: (left, right) x (x to the subject's left, y down), in half
    eye widths, of canonical faces [...,478,3]."""
    offsets = []
    for side in (LEFT, RIGHT):
        middle = (points[..., side.outer, :2] + points[..., side.inner, :2]) / 2
        offsets.append((points[..., side.iris, :2] - middle) / (_eye_width(points, side)[..., None] / 2))
    return np.stack(offsets, axis=-2)


def mouth_gap(points: np.ndarray) -> np.ndarray:
    """Height of the gap between the inner lips [...] of canonical faces [...,478,3], in outer-eye distances."""
    return points[..., 14, 1] - points[..., 13, 1]


def neutral_face(points: np.ndarray) -> np.ndarray:
    """The resting face [478,3] of a clip: median over the 40 % of canonical frames [T,478,3] with the smallest lip gap."""
    gap = mouth_gap(points)
    return np.median(points[gap <= np.percentile(gap, 40)], axis=0).astype(np.float32)


def face_measures(points: np.ndarray) -> dict[str, np.ndarray]:
    """The lengths the coefficients are made of, [T] each, from canonical faces [T,478,3]. Keys end in L or R for a side."""
    measures: dict[str, np.ndarray] = {}
    offset = gaze(points)
    for index, (letter, side) in enumerate((("L", LEFT), ("R", RIGHT))):
        middle = (points[:, side.outer] + points[:, side.inner]) / 2
        measures["openness" + letter] = _openness(points, side)
        measures["gazeX" + letter] = offset[:, index, 0]
        measures["gazeY" + letter] = offset[:, index, 1]
        measures["lowerLid" + letter] = (_mean_y(points, side.lower_lid) - middle[:, 1]) / _eye_width(points, side)
        measures["browInner" + letter] = points[:, side.inner, 1] - _mean_y(points, side.brow_inner)
        measures["browOuter" + letter] = points[:, side.outer, 1] - _mean_y(points, side.brow_outer)
        measures["browMiddle" + letter] = middle[:, 1] - _mean_y(points, side.brow)
        measures["cornerUp" + letter] = -points[:, side.mouth_corner, 1]
        measures["cornerOut" + letter] = np.abs(points[:, side.mouth_corner, 0] - points[:, 168, 0])
    measures["gap"] = mouth_gap(points)
    measures["jawDown"] = points[:, 152, 1] - points[:, 168, 1]
    measures["jawLeft"] = points[:, 152, 0] - points[:, 168, 0]
    measures["mouthWidth"] = np.linalg.norm(points[:, 61] - points[:, 291], axis=-1)
    measures["mouthMiddle"] = (points[:, 61, 0] + points[:, 291, 0]) / 2 - points[:, 168, 0]
    measures["noseToLip"] = points[:, 0, 1] - points[:, 2, 1]
    return measures


def neutral_measures(measures: dict[str, np.ndarray], frames: Sequence[int] | None = None) -> dict[str, float]:
    """The resting value of every measure. frames: those the user calls neutral; default: robust statistics of the clip."""
    if frames is not None:
        return {name: float(np.median(values[list(frames)])) for name, values in measures.items()}
    calm = measures["gap"] <= np.percentile(measures["gap"], 40)
    neutral = {name: float(np.median(values[calm])) for name, values in measures.items()}
    for name, percentile in (("opennessL", 70), ("opennessR", 70), ("gap", 15), ("jawDown", 20)):
        neutral[name] = float(np.percentile(measures[name], percentile))
    return neutral


def expression_coefficients(
    face: np.ndarray,
    confidence: np.ndarray | None = None,
    *,
    scenes: Sequence[tuple[int, int]] | None = None,
    neutral: dict[str, float] | None = None,
) -> np.ndarray:
    """Coefficients float32 [T,E] in 0..1, named by EXPRESSION_NAMES, of faces [T,478,3] px; absent frames are 0.

    scenes: (first, past the last) frames that each get their own neutral; neutral: measures of a known resting face
    (`neutral_measures` of another clip or of a picture of the same person) used instead.
    """
    seen = np.ones(len(face), bool) if confidence is None else np.asarray(confidence) > 0
    out = np.zeros((len(face), len(EXPRESSION_NAMES)), np.float32)
    if not seen.any():
        return out
    measures = face_measures(canonical_face(face, confidence).points)
    whole = neutral or neutral_measures({name: values[seen] for name, values in measures.items()})
    for first, stop in scenes or [(0, len(face))]:
        inside = np.flatnonzero(seen[first:stop]) + first
        if not len(inside):
            continue
        part = {name: values[inside] for name, values in measures.items()}
        own = whole if neutral or len(inside) < SHORTEST_SCENE_FRAMES else neutral_measures(part)
        out[inside] = coefficients_from_measures(part, own)
    return out


def coefficients_from_measures(measures: dict[str, np.ndarray], neutral: dict[str, float]) -> np.ndarray:
    """Coefficients float32 [T,E] from `face_measures` and their resting values."""
    delta = {name: values - neutral[name] for name, values in measures.items()}
    found: dict[str, np.ndarray] = {}
    for letter, side in (("L", "Left"), ("R", "Right")):
        outward = measures["gazeX" + letter] * (1 if letter == "L" else -1)
        openness = measures["openness" + letter] / max(neutral["openness" + letter], 1e-6)
        corner = delta["cornerUp" + letter] + delta["cornerOut" + letter] + 0.25 * delta["gap"]
        found["eyeBlink" + side] = (0.92 - openness) / 0.62
        found["eyeWide" + side] = (openness - 1.05) / 0.35
        found["eyeSquint" + side] = -delta["lowerLid" + letter] / 0.20
        found["eyeLookOut" + side] = outward / 0.45
        found["eyeLookIn" + side] = -outward / 0.45
        found["eyeLookUp" + side] = -delta["gazeY" + letter] / 0.70
        found["eyeLookDown" + side] = 0.5 * (1 - openness) + delta["gazeY" + letter] / 0.75
        found["browDown" + side] = -delta["browMiddle" + letter] / 0.15
        found["browOuterUp" + side] = delta["browOuter" + letter] / 0.10
        found["mouthSmile" + side] = corner / 0.30
        found["mouthStretch" + side] = (delta["cornerOut" + letter] - np.maximum(delta["cornerUp" + letter], 0)) / 0.08
    found["browInnerUp"] = (delta["browInnerL"] + delta["browInnerR"]) / 2 / 0.08
    found["jawOpen"] = (delta["gap"] + delta["jawDown"]) / 0.85
    found["jawLeft"], found["jawRight"] = delta["jawLeft"] / 0.08, -delta["jawLeft"] / 0.08
    found["mouthLeft"], found["mouthRight"] = delta["mouthMiddle"] / 0.06, -delta["mouthMiddle"] / 0.06
    found["mouthPucker"] = -delta["mouthWidth"] / 0.30
    found["mouthFunnel"] = np.clip(-delta["mouthWidth"] / 0.16, 0, 1) * np.clip(delta["gap"] / 0.1, 0, 1)
    found["mouthUpperUp"] = -delta["noseToLip"] / 0.15
    found["mouthLowerDown"] = delta["gap"] / 0.85
    return np.clip(np.stack([found[name] for name in EXPRESSION_NAMES], axis=-1), 0, 1).astype(np.float32)


def _normalised(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _eye_width(points: np.ndarray, side: _Side) -> np.ndarray:
    return np.linalg.norm(points[..., side.outer, :] - points[..., side.inner, :], axis=-1) + 1e-9


def _openness(points: np.ndarray, side: _Side) -> np.ndarray:
    lids = points[..., list(side.upper_lid), :] - points[..., list(side.lower_lid), :]
    return np.linalg.norm(lids, axis=-1).mean(-1) / _eye_width(points, side)


def _mean_y(points: np.ndarray, indices: tuple[int, ...]) -> np.ndarray:
    return points[:, list(indices), 1].mean(-1)


def _similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """rotation [T,3,3], scale [T], centre [T,3] with source = centre + scale * rotation @ target, least squares (Umeyama 1991)."""
    source_mean, target_mean = source.mean(1), target.mean(0)
    a, b = source - source_mean[:, None], target - target_mean
    u, strength, vt = np.linalg.svd(np.einsum("tni,nj->tij", a, b))
    sign = np.ones((len(source), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = np.einsum("tij,tj,tjk->tik", u, sign, vt)
    scale = np.maximum((strength * sign).sum(1) / (b**2).sum(), 1e-9)
    centre = source_mean - scale[:, None] * np.einsum("tij,j->ti", rotation, target_mean)
    return rotation, scale, centre
