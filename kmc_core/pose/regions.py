"""Rules that turn points into regions of interest: where to look next for the body, a hand or the face.

Not here: cutting the crop (crops.py). Called by person_track.py, clip_tracking.py, picture_tracking.py.
Every rule works on arrays with any leading axes; an ROI is [...,4] = centre x, centre y, side, rotation (crops.py).
Source: MediaPipe graphs pose_landmark, hand_recrop, hand_landmark, face_landmark (RectTransformation constants).
"""

from __future__ import annotations

import numpy as np

_PALM_AND_KNUCKLES = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
_UPRIGHT, _DOWN = np.pi / 2, -np.pi / 2


def wrap_angle(angle: np.ndarray) -> np.ndarray:
    """Radians -> -pi..pi."""
    return angle - 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi))


def _rotation(start: np.ndarray, end: np.ndarray, target: float) -> np.ndarray:
    """How far a crop must be turned so that the line start -> end points to `target` (mathematical, y up)."""
    line = end - start
    return wrap_angle(target - np.arctan2(-line[..., 1], line[..., 0]))


def _roi(centre: np.ndarray, width: np.ndarray, height: np.ndarray, rotation: np.ndarray, scale: float, shift_y: float) -> np.ndarray:
    """A box, shifted along its own y axis by a share of its (unscaled) height, then squared and enlarged."""
    x = centre[..., 0] - height * shift_y * np.sin(rotation)
    y = centre[..., 1] + height * shift_y * np.cos(rotation)
    return np.stack([x, y, np.maximum(width, height) * scale, rotation], -1)


def _around_line(centre: np.ndarray, end: np.ndarray, target: float, scale: float, shift_y: float = 0.0) -> np.ndarray:
    """A square around `centre` reaching to `end`, turned so that the line points to `target`."""
    side = 2 * np.linalg.norm(end - centre, axis=-1)
    return _roi(centre, side, side, _rotation(centre, end, target), scale, shift_y)


def _box(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, width, height of points [...,K,2]."""
    low, high = points.min(-2), points.max(-2)
    return (low + high) / 2, high[..., 0] - low[..., 0], high[..., 1] - low[..., 1]


def pose_roi(hip_centre: np.ndarray, scale_point: np.ndarray) -> np.ndarray:
    """Body ROI from the two alignment points that detector and landmark network both give."""
    return _around_line(hip_centre, scale_point, _UPRIGHT, 1.25)


def hand_roi_from_body(wrist: np.ndarray, pinky: np.ndarray, index: np.ndarray) -> np.ndarray:
    """First guess of a hand from three body points."""
    middle = (2 * index + pinky) / 3
    side = 2 * np.linalg.norm(middle - wrist, axis=-1)
    return _roi(middle, side, side, _rotation(wrist, middle, _UPRIGHT), 2.7, -0.1)


def hand_roi_from_recrop(points: np.ndarray) -> np.ndarray:
    """Hand ROI from the recrop network's centre and direction point [...,2,2]."""
    return _around_line(points[..., 0, :], points[..., 1, :], _DOWN, 1.0, -0.1)


def hand_roi_from_landmarks(hand: np.ndarray) -> np.ndarray:
    """Hand ROI from 21 landmarks [...,21,2+]: the palm's own turned box."""
    palm = hand[..., _PALM_AND_KNUCKLES, :2]
    knuckles = ((palm[..., 4, :] + palm[..., 8, :]) / 2 + palm[..., 6, :]) / 2
    rotation = _rotation(palm[..., 0, :], knuckles, _UPRIGHT)
    pivot, _, _ = _box(palm)
    cosine, sine = np.cos(rotation)[..., None], np.sin(rotation)[..., None]
    x, y = np.moveaxis(palm - pivot[..., None, :], -1, 0)
    centre, width, height = _box(np.stack([x * cosine + y * sine, y * cosine - x * sine], -1))
    cosine, sine = cosine[..., 0], sine[..., 0]
    turned_back = np.stack([centre[..., 0] * cosine - centre[..., 1] * sine, centre[..., 0] * sine + centre[..., 1] * cosine], -1)
    return _roi(pivot + turned_back, width, height, rotation, 2.0, -0.1)


def hand_roi_from_palm(box_low: np.ndarray, box_high: np.ndarray, wrist: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Hand ROI from the palm detector's box corners, wrist and middle-finger knuckle."""
    width, height = np.moveaxis(box_high - box_low, -1, 0)
    return _roi((box_low + box_high) / 2, width, height, _rotation(wrist, middle, _UPRIGHT), 2.6, -0.5)


def face_roi_from_body(body: np.ndarray) -> np.ndarray:
    """Where to run the face detector: around the 11 head points of the body [...,11+,2]; turned upright by the eyes."""
    head = body[..., :11, :2]
    return _roi(*_box(head), _rotation(head[..., 5, :], head[..., 2, :], 0.0), 3.0, 0.0)


def face_roi_from_detector(points: np.ndarray) -> np.ndarray:
    """Face ROI from the face detector's six points [...,6,2] (right eye, left eye, nose, mouth, ears)."""
    return _roi(*_box(points), _rotation(points[..., 0, :], points[..., 1, :], 0.0), 2.0, -0.1)


def face_roi_from_mesh(face: np.ndarray) -> np.ndarray:
    """Face ROI from the mesh [...,468+,2+] of an earlier pass."""
    return _roi(*_box(face[..., :468, :2]), _rotation(face[..., 33, :2], face[..., 263, :2], 0.0), 1.5, 0.0)


def fill_and_smooth(
    rois: np.ndarray, found: np.ndarray, scenes: list[tuple[int, int]], reach: int, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give frames near a found one an ROI too, and smooth over time, inside every scene.

    rois [T,4], found bool [T], scenes [(first, one past last)], reach: frames a finding counts forward and backward,
    sigma: Gaussian in frames, 0 = none. Returns (rois [T,4], usable bool [T]).
    A frame's result depends only on frames within reach + 3 sigma of it, so that clips can be read in pieces.
    """
    filled, usable = rois.copy(), np.zeros(len(rois), bool)
    for start, stop in scenes:
        known = np.flatnonzero(found[start:stop]) + start
        if not len(known):
            continue
        frames = np.arange(start, stop)
        place = np.searchsorted(known, frames)
        before, after = known[np.maximum(place - 1, 0)], known[np.minimum(place, len(known) - 1)]
        before = np.where((frames - before > reach) | (before > frames), after, before)
        after = np.where((after - frames > reach) | (after < frames), before, after)
        distance = np.minimum(np.abs(frames - before), np.abs(frames - after))
        usable[start:stop] = distance <= reach
        share = np.where(after == before, 0.0, (frames - before) / np.maximum(after - before, 1))[:, None]
        logs = np.column_stack([rois[:, :2], np.log(np.maximum(rois[:, 2], 1e-3)), np.cos(rois[:, 3]), np.sin(rois[:, 3])])
        values = logs[before] * (1 - share) + logs[after] * share
        if sigma > 0:
            values = _gaussian(values, usable[start:stop], sigma)
        filled[start:stop] = np.column_stack([values[:, :2], np.exp(values[:, 2]), np.arctan2(values[:, 4], values[:, 3])])
    return filled, usable


def _gaussian(values: np.ndarray, usable: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian over time [T,C] that ignores unusable frames."""
    offsets = np.arange(-int(3 * sigma + 0.5), int(3 * sigma + 0.5) + 1)
    total, weight = np.zeros_like(values), np.zeros((len(values), 1))
    for offset in offsets:
        source = np.arange(len(values)) + offset
        inside = (source >= 0) & (source < len(values))
        share = np.exp(-0.5 * (offset / sigma) ** 2) * (inside & usable[np.clip(source, 0, len(values) - 1)])[:, None]
        total += share * values[np.clip(source, 0, len(values) - 1)]
        weight += share
    return np.where(weight > 0, total / np.maximum(weight, 1e-9), values)
