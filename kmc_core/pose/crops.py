"""Cuts square, turned, anti-aliased crops out of a frame for the networks, and takes network points back to the frame.

Not here: where to crop (regions.py), what the networks answer (decoders.py). Called by networks.py and picture_tracking.py.
A region of interest (ROI) is float64 [4]: centre x, centre y, side length (pixels of the frame, pixel centres at
integer + 0.5) and rotation in radians (positive = clockwise on the picture).
Source: MediaPipe ImageToTensor (GPU path: pixel centres at half integers). Differs from MediaPipe: the frame is halved with
area averaging until a crop shrinks it less than twofold, because plain bilinear sampling aliases and jitters.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

_SMALLEST_SIDE_PX = 16


class Pyramid:
    """A frame and its lazily made halvings. frame: uint8 [H,W,3]."""

    def __init__(self, frame: np.ndarray) -> None:
        self.levels = [np.ascontiguousarray(frame)]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frame."""
        return self.levels[0].shape[:2]

    def level(self, number: int) -> np.ndarray:
        """The frame halved `number` times (or as often as its size allows)."""
        while len(self.levels) <= number:
            height, width = self.levels[-1].shape[:2]
            if min(height, width) < 2 * _SMALLEST_SIDE_PX:
                break
            half = ((width + 1) // 2, (height + 1) // 2)
            self.levels.append(cv2.resize(self.levels[-1], half, interpolation=cv2.INTER_AREA))
        return self.levels[min(number, len(self.levels) - 1)]

    def crop(self, roi: np.ndarray, side_px: int, zero_border: bool = False) -> np.ndarray:
        """One crop uint8 [side_px,side_px,3]; outside the frame: 0, or the nearest edge pixel."""
        height, width = self.size
        shrink = max(float(roi[2]) / side_px, 1e-3)
        picture = self.level(max(0, int(np.ceil(np.log2(shrink) + 1e-9)) - 1) if shrink >= 2 else 0)
        ratio_x, ratio_y = picture.shape[1] / width, picture.shape[0] / height
        cosine, sine = np.cos(roi[3]) * shrink, np.sin(roi[3]) * shrink
        half = side_px / 2 - 0.5
        # crop pixel index -> picture pixel index
        matrix = np.array(
            [
                [cosine * ratio_x, -sine * ratio_x, (roi[0] - (cosine - sine) * half) * ratio_x - 0.5],
                [sine * ratio_y, cosine * ratio_y, (roi[1] - (sine + cosine) * half) * ratio_y - 0.5],
            ]
        )
        return cv2.warpAffine(
            picture,
            matrix,
            (side_px, side_px),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT if zero_border else cv2.BORDER_REPLICATE,
        )

    def stretched(self, side_px: int) -> np.ndarray:
        """The whole frame squeezed to uint8 [side_px,side_px,3], aspect not kept."""
        return cv2.resize(self.levels[0], (side_px, side_px), interpolation=cv2.INTER_AREA)


def whole_frame(height: int, width: int, scale: float = 1.0) -> np.ndarray:
    """The upright square ROI that holds the whole frame, times `scale`."""
    return np.array([width / 2, height / 2, max(height, width) * scale, 0.0])


def crop_to_frame(points: np.ndarray, roi: np.ndarray) -> np.ndarray:
    """Points of a crop -> points of the frame.

    points: [...,K,2 or 3] with x, y in 0..1 of the crop, z in crop widths; roi [...,4]. Returns frame pixels, z in pixels.
    """
    x, y = points[..., 0] - 0.5, points[..., 1] - 0.5
    size, rotation = roi[..., 2][..., None], roi[..., 3][..., None]
    cosine, sine = np.cos(rotation), np.sin(rotation)
    placed = [
        (cosine * x - sine * y) * size + roi[..., 0][..., None],
        (sine * x + cosine * y) * size + roi[..., 1][..., None],
    ]
    if points.shape[-1] == 3:
        placed.append(points[..., 2] * size)
    return np.stack(placed, -1)


def turn_world(points: np.ndarray, roi: np.ndarray) -> np.ndarray:
    """Metric points [B,K,3] of turned crops -> upright picture axes."""
    cosine, sine = np.cos(roi[..., 3])[..., None], np.sin(roi[..., 3])[..., None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, points[..., 2]], -1)


def stack_crops(pyramids: Sequence[Pyramid], rois: Sequence[np.ndarray], side_px: int, zero_border: bool = False) -> np.ndarray:
    """One crop per (pyramid, roi) pair -> uint8 [B,side,side,3]."""
    return np.stack([pyramid.crop(roi, side_px, zero_border) for pyramid, roi in zip(pyramids, rois, strict=True)])
