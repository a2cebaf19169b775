"""The performer's mask in a clip: which network map to trust, where, and how its edge is pulled onto the picture's.

Not here: running the networks (extractor.py), cut-outs of character pictures (picture_matte.py). Called by the extractor.
Sources: MediaPipe selfie segmentation and pose segmentation; guided filter (He, Sun, Tang 2010) on colour.
Regions are square crops (centre x, centre y, side, rotation) in canvas pixels, the ROI that crops.py cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..types import Canvas

LONG_SIDE_PX = 256
FULL_FRAME_SHARE = 0.6
"""a person box at least this share of the picture: segment the whole picture instead of a region"""
SEEN = 0.3
FILTER_RADIUS_PX = 6
FILTER_EPSILON = 1e-4
CONTRAST = 1.6


class Region(NamedTuple):
    """A square crop: centre and side in canvas pixels, rotation in radians (0 = upright)."""

    centre_x: float
    centre_y: float
    side: float
    rotation: float = 0.0


def matte_size(canvas: Canvas, long_side: int = LONG_SIDE_PX) -> Canvas:
    """Size of a clip's matte: the canvas shrunk to `long_side`, never enlarged."""
    factor = min(1.0, long_side / max(canvas))
    return Canvas(max(round(canvas.height * factor), 1), max(round(canvas.width * factor), 1))


def person_box(body: np.ndarray, confidence: np.ndarray, canvas: Canvas) -> tuple[float, float, float, float] | None:
    """x0, y0, x1, y1 px round the seen joints [33,2], grown to where head, hands and feet end; inside the canvas.

    A body whose hips or knees are unseen is taken to reach the picture's bottom edge. None if nobody is seen.
    """
    seen = confidence >= SEEN
    if seen.sum() < 3:
        return None
    low, high = body[seen].min(0), body[seen].max(0)
    torso = float(np.linalg.norm(body[[11, 12]].mean(0) - body[[23, 24]].mean(0)))
    margin = 0.25 * torso
    x0, y0, x1, y1 = low[0] - margin, low[1] - 2 * margin, high[0] + margin, high[1] + margin
    if not (seen[[23, 24]].any() and seen[[25, 26, 27, 28]].any()):
        y1 = canvas.height
    return (
        float(np.clip(x0, 0, canvas.width)),
        float(np.clip(y0, 0, canvas.height)),
        float(np.clip(x1, 0, canvas.width)),
        float(np.clip(y1, 0, canvas.height)),
    )


def fills_frame(box: tuple[float, float, float, float] | None, canvas: Canvas) -> bool:
    """Whether the segmentation should look at the whole (stretched) picture instead of a region round the person."""
    if box is None:
        return True
    x0, y0, x1, y1 = box
    return (x1 - x0) * (y1 - y0) >= FULL_FRAME_SHARE * canvas.height * canvas.width


def selfie_region(box: tuple[float, float, float, float]) -> Region:
    """The upright square round a person box, a tenth larger than its longer side."""
    x0, y0, x1, y1 = box
    return Region((x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0, 1.0) * 1.1)


def paste_region(
    probability: np.ndarray, region: Sequence[float] | np.ndarray, canvas: Canvas, size: Canvas
) -> tuple[np.ndarray, np.ndarray]:
    """Bring a crop's map [h,w] back to the picture, float32 [H,W] of `size`; second: bool [H,W], where the crop lies."""
    height, width = probability.shape
    centre_x, centre_y, side, rotation = (float(part) for part in region)
    cos, sin = np.cos(rotation) * side, np.sin(rotation) * side
    linear = np.array([[cos / width, -sin / height], [sin / width, cos / height]])
    corner = np.array([centre_x, centre_y]) - linear @ (width / 2, height / 2)
    shrink = np.array([size.width / canvas.width, size.height / canvas.height])
    linear, corner = linear * shrink[:, None], corner * shrink
    matrix = np.c_[linear, corner + linear @ (0.5, 0.5) - 0.5]
    target = (size.width, size.height)
    # A crop much larger than the matte is shrunk; warpAffine does not anti-alias, so blur to the step first.
    step = np.sqrt(abs(np.linalg.det(linear)))
    source = probability.astype(np.float32)
    if step < 0.7:
        source = cv2.GaussianBlur(source, (0, 0), 0.4 / step)
    pasted = cv2.warpAffine(source, matrix, target, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones_like(source), matrix, target, flags=cv2.INTER_LINEAR) > 0.99
    return np.where(inside, pasted, 0).astype(np.float32), inside


def frame_matte(
    frame: np.ndarray,
    *,
    full: np.ndarray | None = None,
    selfie: tuple[np.ndarray, Sequence[float] | np.ndarray] | None = None,
    pose: tuple[np.ndarray, Sequence[float] | np.ndarray] | None = None,
    long_side: int = LONG_SIDE_PX,
    sharpen: bool = False,
) -> np.ndarray:
    """One frame's matte uint8 [h,w] (long side <= `long_side`, person = 255) from what the networks said.

    frame: uint8 [H,W,3]. full: selfie probability [h,w] of the whole stretched picture; selfie, pose: probability and
    region of the selfie and pose segmentation. With `full` alone it is taken as it is; otherwise the mean of the given
    regional maps. sharpen: colour guided filter, which halves the boundary error (about 0.1 s at 512 px).
    Everything outside the regions is background. With no map at all the matte is empty.
    """
    canvas = Canvas(*frame.shape[:2])
    size = matte_size(canvas, long_side)
    maps = [paste_region(*given, canvas, size)[0] for given in (selfie, pose) if given is not None]
    if maps:
        probability = np.mean(maps, axis=0)
    elif full is not None:
        probability = cv2.resize(full.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    else:
        return np.zeros(size, np.uint8)
    if sharpen:
        guide = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        probability = colour_guided_filter(guide, probability, FILTER_RADIUS_PX, FILTER_EPSILON)
    probability = (probability - 0.5) * CONTRAST + 0.5
    return (probability.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def colour_guided_filter(guide: np.ndarray, values: np.ndarray, radius_px: int, epsilon: float) -> np.ndarray:
    """Guided filter with a colour guide: values [H,W] become locally linear in the guide's colours.

    guide float32 [H,W,3] in 0..1; epsilon: variance (of 0..1 colours) below which a window counts as flat.
    """
    window = (2 * radius_px + 1, 2 * radius_px + 1)

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, window, borderType=cv2.BORDER_REFLECT)

    guide, values = guide.astype(np.float64), values.astype(np.float64)
    guide_mean, values_mean = mean(guide), mean(values)
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    rr, rg, rb, gg, gb, bb = (
        mean(guide[..., i] * guide[..., j]) - guide_mean[..., i] * guide_mean[..., j] + (epsilon if i == j else 0)
        for i, j in pairs
    )
    covariance = mean(guide * values[..., None]) - guide_mean * values_mean[..., None]
    cr, cg, cb = cv2.split(covariance)
    # inverse of the symmetric 3x3 [[rr, rg, rb], [rg, gg, gb], [rb, gb, bb]] by cofactors
    i00, i01, i02 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    i11, i12, i22 = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * i00 + rg * i01 + rb * i02
    slope = np.dstack([i00 * cr + i01 * cg + i02 * cb, i01 * cr + i11 * cg + i12 * cb, i02 * cr + i12 * cg + i22 * cb])
    slope /= determinant[..., None]
    offset = values_mean - (slope * guide_mean).sum(-1)
    return ((mean(slope) * guide).sum(-1) + mean(offset)).astype(np.float32)
