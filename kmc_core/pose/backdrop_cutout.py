"""Cuts a character off a nearly uniform backdrop: studio shots, renders, drawings on paper.

Not here: busy scenes (scene_cutout.py). Called by picture_matte.py.
The backdrop is a colour polynomial of order 2 fitted to the picture's border; what differs from it and hangs together is
the character. Soft edges come from the colour line between the backdrop and the character's nearest own colour.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .body_capsules import SkeletonMasks

BORDER_SHARE = 1 / 60
INLIER = 16.0
"""grey levels from the polynomial within which a border pixel belongs to the backdrop"""
LEAST_INLIERS = 0.72
FLOOR = 6.0
"""smallest difference, in grey levels, that can be the character; rises with the backdrop's own noise"""


class Backdrop(NamedTuple):
    """colours float32 [H,W,3] in 0..255 behind the character; difference [H,W] largest channel difference; noise level."""

    colours: np.ndarray
    difference: np.ndarray
    noise: float


def find_backdrop(picture: np.ndarray) -> Backdrop | None:
    """The backdrop of uint8 [H,W,3], or None if the border is not uniform enough."""
    height, width = picture.shape[:2]
    band = max(4, round(max(height, width) * BORDER_SHARE))
    border = np.zeros((height, width), bool)
    border[:band] = border[:, :band] = border[:, -band:] = True
    border[-band:] = True
    values = picture.astype(np.float32)
    terms = _terms(height, width)
    used = border & (np.abs(values - np.median(values[border], axis=0)).max(-1) < 60)
    for _ in range(4):
        if used.sum() < 0.3 * border.sum():
            return None
        fit, *_ = np.linalg.lstsq(terms[used], values[used], rcond=None)
        difference = np.abs(values - terms @ fit).max(-1)
        used = border & (difference < INLIER)
    if used.sum() < LEAST_INLIERS * border.sum():
        return None
    noise = float(np.percentile(difference[used], 95))
    return Backdrop((terms @ fit).clip(0, 255).astype(np.float32), difference, noise)


def cut_from_backdrop(picture: np.ndarray, backdrop: Backdrop, skeleton: SkeletonMasks, probability: np.ndarray) -> np.ndarray:
    """Hard mask bool [H,W] of the character at picture size."""
    threshold = max(FLOOR, 1.6 * backdrop.noise)
    difference = cv2.GaussianBlur(backdrop.difference, (0, 0), 0.7)
    weak = difference > threshold
    weak &= ~_shadow(picture, backdrop, skeleton, probability)
    unit = max(round(max(picture.shape[:2]) / 250), 1)
    closed = cv2.morphologyEx(weak.astype(np.uint8), cv2.MORPH_CLOSE, _disc(unit))
    filled = _fill_holes(closed > 0, backdrop, threshold)
    opened = cv2.morphologyEx(filled.astype(np.uint8), cv2.MORPH_OPEN, _disc(max(unit // 2, 1)))
    return keep_main_parts(opened > 0, skeleton, probability)


def backdrop_alpha(picture: np.ndarray, backdrop: Backdrop, mask: np.ndarray) -> np.ndarray:
    """Soft alpha float32 [H,W]: how far each pixel of the edge lies on the way from backdrop to the character's colour."""
    radius = max(round(max(mask.shape) / 300), 2)
    core = cv2.erode(mask.astype(np.uint8), _disc(radius)) > 0
    far = cv2.dilate(mask.astype(np.uint8), _disc(radius)) == 0
    values = picture.astype(np.float32)
    weight = core.astype(np.float32)
    sigma = 1.5 * radius
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    own = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma) / np.maximum(total, 1e-4)[..., None]
    line = own - backdrop.colours
    length = (line**2).sum(-1)
    along = ((values - backdrop.colours) * line).sum(-1) / np.maximum(length, 1.0)
    # Where the core is far or as pale as the backdrop the line says nothing: keep the mask, softened by a pixel.
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    trust = np.clip((np.sqrt(length) - 12) / 24, 0, 1) * np.clip(total / 0.02, 0, 1)
    alpha = trust * along.clip(0, 1) + (1 - trust) * soft
    # a thin dark line in a pale character lies beyond the line's end: inside the mask it is solid
    alpha = np.where(mask & (backdrop.difference > 60), np.maximum(alpha, soft), alpha)
    alpha[core], alpha[far] = 1, 0
    return alpha.clip(0, 1).astype(np.float32)


def keep_main_parts(mask: np.ndarray, skeleton: SkeletonMasks, probability: np.ndarray) -> np.ndarray:
    """The largest part and every part of some size that the skeleton or the segmentation claims."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    claimed = np.bincount(labels[(skeleton.bones > 0) | (probability > 0.6)], minlength=count)[1:]
    score = areas * (1.0 + 4.0 * (claimed > 0.05 * areas))
    main = 1 + int(np.argmax(score))
    kept = [
        index
        for index in range(1, count)
        if index == main or (areas[index - 1] > 0.003 * areas[main - 1] and claimed[index - 1] > 0.15 * areas[index - 1])
    ]
    return np.isin(labels, kept)


def _terms(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)


def _shadow(picture: np.ndarray, backdrop: Backdrop, skeleton: SkeletonMasks, probability: np.ndarray) -> np.ndarray:
    """Floor and wall shadows: the backdrop's hue, darker, smooth, and not where bones run."""
    values = picture.astype(np.float32)
    ratio = values / np.maximum(backdrop.colours, 1)
    brightness = ratio.mean(-1)
    is_same_hue = np.abs(ratio - brightness[..., None]).max(-1) < 0.05
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(grey, cv2.CV_32F, 0, 1) / 8)
    radius = max(round(max(picture.shape[:2]) / 200), 2)
    is_smooth = cv2.dilate(slope, _disc(radius)) < 5.0
    return is_same_hue & (brightness > 0.45) & (brightness < 1.0) & is_smooth & (skeleton.bones == 0)


def _fill_holes(mask: np.ndarray, backdrop: Backdrop, threshold: float) -> np.ndarray:
    """Fills enclosed areas, except large ones that look exactly like the backdrop (between arm and body)."""
    outside = cv2.copyMakeBorder((~mask).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    filled = mask.copy()
    labels = labels[1:-1, 1:-1]
    for index in range(1, count):
        inside = labels == index
        if not inside.any() or stats[index, cv2.CC_STAT_AREA] >= outside.size * 0.9 or _touches_border(inside):
            continue
        is_backdrop = float(np.median(backdrop.difference[inside])) < 0.6 * threshold
        if not (is_backdrop and inside.sum() > 2e-4 * mask.size):
            filled |= inside
    return filled


def _touches_border(mask: np.ndarray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
