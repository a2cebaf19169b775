"""What the networks' raw outputs mean: anchors, detections, landmarks, scores. Numpy only.

Not here: running networks (networks.py), choosing regions (regions.py). Called by networks.py.
Source: MediaPipe graphs and calculators: SsdAnchors, TensorsToDetections, NonMaxSuppression (weighted),
TensorsToLandmarks, RefineLandmarksFromHeatmap, face_landmark_with_attention (LandmarksRefinement).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .crops import crop_to_frame, turn_world

_HEATMAP_REACH, _HEATMAP_FLOOR = 3, 0.5
_HAND_Z_SCALE = 0.4

# mesh numbers of the refined points, in the order of the network's outputs
_LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409, 78, 95, 88, 178, 87, 14, 317,
    402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415, 76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74,
    73, 72, 11, 302, 303, 304, 408, 62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
)  # fmt: skip
_RIGHT_EYE = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173, 130, 25, 110, 24, 23, 22, 26, 112, 243, 247,
    30, 29, 27, 28, 56, 190, 226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189, 35, 124, 46, 53,
    52, 65, 143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
)  # fmt: skip
_LEFT_EYE = (
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398, 359, 255, 339, 254, 253, 252, 256, 341,
    463, 467, 260, 259, 257, 258, 286, 414, 446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
    265, 353, 276, 283, 282, 295, 372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
)  # fmt: skip
_EYE_CONTOUR_POINTS = 16


def sigmoid(value: np.ndarray) -> np.ndarray:
    """Logistic function without overflow."""
    return 1 / (1 + np.exp(-np.clip(value, -60, 60)))


@dataclass(frozen=True)
class AnchorGrid:
    """Detector geometry: input side in px, (stride, anchors per cell) per feature map."""

    side_px: int
    layers: tuple[tuple[int, int], ...]

    def centres(self) -> np.ndarray:
        """Anchor centres [N,2] in 0..1 of the input, in the network's order."""
        maps = []
        for stride, per_cell in self.layers:
            cells = self.side_px // stride
            row, column = np.mgrid[0:cells, 0:cells]
            grid = np.stack([(column + 0.5) / cells, (row + 0.5) / cells], -1).reshape(-1, 2)
            maps.append(np.repeat(grid, per_cell, axis=0))
        return np.concatenate(maps)


PERSON_ANCHORS = AnchorGrid(224, ((8, 2), (16, 2), (32, 6)))
FACE_ANCHORS = AnchorGrid(128, ((8, 2), (16, 6)))
WIDE_FACE_ANCHORS = AnchorGrid(192, ((4, 1),))
PALM_ANCHORS = AnchorGrid(192, ((8, 2), (16, 6)))


class Detection(NamedTuple):
    """One found thing. box [2,2] corners (low, high) and points [K,2], both 0..1 of the network's input."""

    score: float
    box: np.ndarray
    points: np.ndarray


def decode_detections(
    boxes: np.ndarray, logits: np.ndarray, grid: AnchorGrid, threshold: float = 0.5, overlap: float = 0.3, limit: int = 10
) -> list[Detection]:
    """Weighted non-maximum suppression of one picture's raw boxes [N,4+2K] and logits [N,1], best first."""
    scores = sigmoid(logits[:, 0])
    likely = np.flatnonzero(scores >= threshold)
    likely = likely[np.argsort(-scores[likely], kind="stable")]
    if not len(likely):
        return []
    scores, raw, anchors = scores[likely], boxes[likely].astype(np.float64) / grid.side_px, grid.centres()[likely]
    centre, half = raw[:, :2] + anchors, raw[:, 2:4] / 2
    low, high = centre - half, centre + half
    points = raw[:, 4:].reshape(len(raw), -1, 2) + anchors[:, None]
    area = np.prod(np.maximum(high - low, 0), 1)
    left, found = np.arange(len(scores)), []
    while len(left) and len(found) < limit:
        best = left[0]
        shared = np.prod(np.maximum(np.minimum(high[left], high[best]) - np.maximum(low[left], low[best]), 0), 1)
        is_same = shared > overlap * np.maximum(area[left] + area[best] - shared, 1e-9)
        is_same[0] = True
        same = left[is_same]
        weight = scores[same] / scores[same].sum()
        box = np.stack([np.tensordot(weight, low[same], 1), np.tensordot(weight, high[same], 1)])
        found.append(Detection(float(scores[best]), box, np.tensordot(weight, points[same], 1)))
        left = left[~is_same]
    return found


class BodyLandmarks(NamedTuple):
    """B bodies. points [B,33,2] px, visibility [B,33], world [B,33,3] m, anchors [B,2,2] px (hip centre, scale point),
    presence [B], segmentation [B,256,256] probability in the crop, or None."""

    points: np.ndarray
    visibility: np.ndarray
    world: np.ndarray
    anchors: np.ndarray
    presence: np.ndarray
    segmentation: np.ndarray | None


def decode_body(
    landmarks: np.ndarray, presence: np.ndarray, heatmap: np.ndarray, world: np.ndarray, rois: np.ndarray,
    segmentation: np.ndarray | None = None,
) -> BodyLandmarks:  # fmt: skip
    """Raw outputs of pose_landmark (landmarks [B,195], presence [B,1], heatmap [B,64,64,39], world [B,117])."""
    raw = landmarks.reshape(-1, 39, 5).astype(np.float64)
    points = crop_to_frame(refine_by_heatmap(raw[..., :2] / 256, heatmap), rois)
    return BodyLandmarks(
        points=points[:, :33],
        visibility=sigmoid(raw[:, :33, 3]),
        world=turn_world(world.reshape(-1, 39, 3)[:, :33].astype(np.float64), rois),
        anchors=points[:, 33:35],
        presence=presence.reshape(-1).astype(np.float64),
        segmentation=None if segmentation is None else sigmoid(segmentation[..., 0]),
    )


def refine_by_heatmap(points: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Move each point to the centroid of the sigmoid heat-map in a 7x7 window where that peaks at 0.5 or more.

    points [B,K,2] in 0..1, heatmap logits [B,H,W,K].
    """
    batch, height, width, count = heatmap.shape
    column = np.floor(points[..., 0] * width).astype(int)
    row = np.floor(points[..., 1] * height).astype(int)
    is_inside = (points >= 0).all(-1) & (column < width) & (row < height)
    reach = np.arange(-_HEATMAP_REACH, _HEATMAP_REACH + 1)
    rows, columns = row[..., None, None] + reach[:, None], column[..., None, None] + reach[None, :]
    on_map = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    sample = heatmap[
        np.arange(batch)[:, None, None, None],
        np.clip(rows, 0, height - 1),
        np.clip(columns, 0, width - 1),
        np.arange(count)[None, :, None, None],
    ]
    weight = np.where(on_map, sigmoid(sample.astype(np.float64)), 0.0)
    total = np.maximum(weight.sum((-1, -2)), 1e-9)
    centroid = np.stack([(weight * columns).sum((-1, -2)) / total / width, (weight * rows).sum((-1, -2)) / total / height], -1)
    is_peaked = is_inside & (weight.max((-1, -2)) >= _HEATMAP_FLOOR)
    return np.where(is_peaked[..., None], centroid, points)


class HandLandmarks(NamedTuple):
    """B hands. points [B,21,3] px (z relative to the wrist, negative = nearer), presence [B],
    right_handed [B] (> 0.5 = the subject's right hand in an unmirrored picture)."""

    points: np.ndarray
    presence: np.ndarray
    right_handed: np.ndarray


def decode_hand(landmarks: np.ndarray, presence: np.ndarray, handedness: np.ndarray, rois: np.ndarray) -> HandLandmarks:
    """Raw outputs of hand_landmark (landmarks [B,63], presence [B,1], handedness [B,1])."""
    raw = landmarks.reshape(-1, 21, 3).astype(np.float64) / 224
    raw[..., 2] /= _HAND_Z_SCALE
    return HandLandmarks(crop_to_frame(raw, rois), presence.reshape(-1).astype(np.float64), handedness.reshape(-1))


class FaceLandmarks(NamedTuple):
    """B faces. points [B,478,3] px (z negative = nearer), presence [B]."""

    points: np.ndarray
    presence: np.ndarray


def decode_face(outputs: list[np.ndarray], rois: np.ndarray) -> FaceLandmarks:
    """Raw outputs of face_landmark_with_attention: mesh, lips, both eyes, both irises, presence logit."""
    mesh, lips, right_eye, left_eye, right_iris, left_iris, logit = outputs
    batch = len(mesh)
    points = np.zeros((batch, 478, 3))
    points[:, :468] = mesh.reshape(batch, 468, 3)
    for numbers, values in (
        (_LIPS, lips), (_RIGHT_EYE, right_eye), (_LEFT_EYE, left_eye),
        (range(468, 473), right_iris), (range(473, 478), left_iris),
    ):  # fmt: skip
        points[:, list(numbers), :2] = values.reshape(batch, -1, 2)
    for first, contour in ((468, _RIGHT_EYE), (473, _LEFT_EYE)):
        points[:, first : first + 5, 2] = points[:, contour[:_EYE_CONTOUR_POINTS], 2].mean(1, keepdims=True)
    return FaceLandmarks(crop_to_frame(points / 192, rois), sigmoid(logit.reshape(-1).astype(np.float64)))
