"""Where the performer's face is in every frame of a clip, and a steady crop around it.

Called by motion.retarget (which moves the landmarks away from the clip) and by backbones that look at the driver's face.
Not here: the landmarks themselves (extractor.py).
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .cuts import scene_ranges
from .skeleton_layouts import IBUG_68

CENTRE_SMOOTHING_S, SIZE_SMOOTHING_S = 0.04, 0.2
"""The centre must keep up with a quick head; the size, which breathes with every word and glance, need not."""


def face_boxes(face: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Boxes [T,4] (left, top, right, bottom) around the 68 classic landmarks, in px of the landmarks; zeros where unseen.

    face [T,478,2|3], confidence [T]. The 68 points bound the face from brows to chin and from ear to ear.
    """
    points = np.asarray(face, np.float32)[:, list(IBUG_68), :2]
    boxes = np.concatenate([points.min(1), points.max(1)], axis=1)
    usable = (np.asarray(confidence) > 0) & (boxes[:, 2:] - boxes[:, :2] > 1).all(1)
    return np.where(usable[:, None], boxes, 0).astype(np.float32)


def steady_boxes(boxes: np.ndarray, cuts: tuple[int, ...], fps: float) -> np.ndarray:
    """Boxes [T,4] without gaps and jitter: held or drawn straight through gaps, centre and size smoothed, scene by scene.

    boxes: of `face_boxes`. A scene without any face keeps zeros.
    """
    steady = np.zeros_like(boxes, np.float32)
    for start, stop in scene_ranges(cuts, len(boxes)):
        part = boxes[start:stop].astype(np.float64)
        seen = np.flatnonzero((part[:, 2:] > part[:, :2]).all(1))
        if len(seen) == 0:
            continue
        filled = np.stack([np.interp(np.arange(len(part)), seen, part[seen, side]) for side in range(4)], axis=1)
        centre, size = (filled[:, :2] + filled[:, 2:]) / 2, filled[:, 2:] - filled[:, :2]
        centre = gaussian_filter1d(centre, CENTRE_SMOOTHING_S * fps, axis=0, mode="nearest")
        size = gaussian_filter1d(size, SIZE_SMOOTHING_S * fps, axis=0, mode="nearest")
        steady[start:stop] = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    return steady
