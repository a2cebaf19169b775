"""A procedural hand: a rounded palm and 16 shaded, tapered capsules around the 21 hand landmarks.

Not here: which hands are drawn and in which colour (aligner.py). Right gesture every time, at any size; the network
gives it skin. Depths let it pass behind the body.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ..pose.skeleton_layouts import HAND_EDGES
from ..types import Canvas

PALM_OUTLINE = (0, 1, 2, 5, 9, 13, 17)  # with the thumb's web: without it the background shows inside a loose hand
# finger capsules; the palm itself is a rounded polygon, capsules would leave grooves between its bones
FINGERS = tuple(edge for edge in HAND_EDGES if edge[1] > 1 and edge not in ((0, 5), (5, 9), (9, 13), (13, 17), (0, 17)))
THUMB_RADII = {2: (0.15, 0.125), 3: (0.12, 0.105), 4: (0.105, 0.08)}
PALM_RADIUS = 0.135
# from the knuckle outwards; index 0 (a knuckle itself) never ends a finger capsule
PHALANX_RADII = ((0.115, 0.115), (0.115, 0.105), (0.1, 0.09), (0.092, 0.072))
SHADOW_TINT = np.array([0.75, 1.1, 1.2], np.float32)  # exponents of the shade
LIGHT = np.array([-0.35, -0.6, -0.72], np.float32)  # towards the light: above, slightly left, from the camera


class HandPatch(NamedTuple):
    """A small picture to lay over the canvas at column x0, row y0.

    rgb float32 [h,w,3] 0..1; alpha float32 [h,w] 0..1; depth float32 [h,w] canvas px, away from the camera.
    """

    x0: int
    y0: int
    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray


def draw_hand(points: np.ndarray, palm_px: float, colour: np.ndarray, canvas: Canvas) -> HandPatch | None:
    """Draw one hand.

    points  [21,3]: x, y canvas px, z px away from the camera; palm_px: wrist to middle knuckle, unforeshortened
    colour  [3] skin colour 0..1
    Returns None when the hand lies outside the canvas or is smaller than about two pixels.
    """
    if palm_px < 2 or not np.isfinite(points).all():
        return None
    pad = 0.3 * palm_px + 2
    x0, y0 = np.maximum(np.floor(points[:, :2].min(0) - pad), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(points[:, :2].max(0) + pad), (canvas.width, canvas.height)).astype(int)
    if x1 <= x0 or y1 <= y0 or (x1 - x0) * (y1 - y0) > 4_000_000:
        return None
    depth, alpha, normal = _surface(points.astype(np.float32), np.float32(palm_px), x0, y0, x1, y1)
    shade = _shade(depth, alpha, normal, palm_px)
    rgb = lit_skin(colour, shade)
    return HandPatch(int(x0), int(y0), rgb, alpha, np.where(alpha > 0, depth, points[0, 2]).astype(np.float32))


def lit_skin(colour: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """Skin [3] 0..1 under a shade [h,w] (1 = as it is) -> [h,w,3]: light that enters skin comes out redder in the shadows."""
    return np.clip(colour * shade[..., None] ** SHADOW_TINT, 0, 1).astype(np.float32)


def _radii(last: int) -> tuple[float, float]:
    """Radii of the capsule that ends at landmark `last`, at both ends, in palm lengths."""
    if last <= 4:
        return THUMB_RADII[last]
    slim = 0.9 if last >= 17 else 1.0
    near, far = PHALANX_RADII[(last - 1) % 4]
    return near * slim, far * slim


def _surface(
    points: np.ndarray, palm: np.float32, x0: int, y0: int, x1: int, y1: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest surface at each pixel -> depth [h,w], alpha [h,w], unit normal [h,w,3]."""
    x = np.arange(x0, x1, dtype=np.float32) + 0.5
    y = np.arange(y0, y1, dtype=np.float32) + 0.5
    depth, alpha, normal = _palm(points, float(palm), x, y)
    for first, last in FINGERS:
        a, b = points[first], points[last]
        ra, rb = (radius * palm for radius in _radii(last))
        reach = max(ra, rb) + 1
        columns = slice(*np.searchsorted(x, (min(a[0], b[0]) - reach, max(a[0], b[0]) + reach)))
        rows = slice(*np.searchsorted(y, (min(a[1], b[1]) - reach, max(a[1], b[1]) + reach)))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            continue
        along = b[:2] - a[:2]
        dx, dy = x[None, columns] - a[0], y[rows, None] - a[1]
        t = np.clip((dx * along[0] + dy * along[1]) / max(float(along @ along), 1e-6), 0, 1)
        ox, oy = dx - t * along[0], dy - t * along[1]
        distance, r = np.sqrt(ox * ox + oy * oy), ra + (rb - ra) * t
        bulge = np.sqrt(np.maximum(1 - (distance / r) ** 2, 0))
        z = a[2] + (b[2] - a[2]) * t - r * bulge
        cover = np.clip(r - distance + 0.5, 0, 1)
        window = (rows, columns)
        nearer = (cover > 0.5) & (z < depth[window])
        depth[window] = np.where(nearer, z, depth[window])
        direction = np.stack([ox / r, oy / r, -bulge], -1)
        normal[window] = np.where(nearer[..., None], direction, normal[window])
        alpha[window] = np.maximum(alpha[window], cover)
    return depth, alpha, normal


def _palm(points: np.ndarray, palm: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A cushion over the palm's outline, on the plane through its six landmarks."""
    corners = points[list(PALM_OUTLINE)]
    hull = cv2.convexHull(np.ascontiguousarray(corners[:, :2], np.float32)).reshape(-1, 2)
    inside = np.zeros((len(y), len(x)), np.uint8)
    cv2.fillPoly(inside, [np.round((hull - (x[0], y[0])) * 8).astype(np.int32)], 1, shift=3)  # eighths of a pixel
    signed = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5) - cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    radius = PALM_RADIUS * palm
    cover = np.clip(radius - signed + 0.5, 0, 1)
    rise = np.clip((radius - signed) / (2.4 * radius), 0, 1)
    height = 0.6 * radius * np.sqrt(1 - (1 - rise) ** 2)
    design = np.c_[corners[:, :2], np.ones(len(corners))]
    plane = np.linalg.lstsq(design, corners[:, 2], rcond=None)[0]
    plane[:2] = np.clip(plane[:2], -2, 2)  # a palm seen edge-on has no stable plane
    plane[2] = (corners[:, 2] - corners[:, :2] @ plane[:2]).mean()
    depth = plane[0] * x[None] + plane[1] * y[:, None] + plane[2] - height
    smooth = cv2.GaussianBlur(height, (0, 0), max(0.08 * palm, 0.5))
    slope_y, slope_x = np.gradient(smooth) if min(smooth.shape) > 1 else (np.zeros_like(smooth), np.zeros_like(smooth))
    normal = np.stack([-slope_x, -slope_y, -np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.where(cover > 0.5, depth, 1e9).astype(np.float32), cover.astype(np.float32), normal.astype(np.float32)


def _shade(depth: np.ndarray, alpha: np.ndarray, normal: np.ndarray, palm_px: float) -> np.ndarray:
    """Soft light, darker rims, and a dark crease where one finger lies over another -> factor [h,w]."""
    facing = normal @ (LIGHT / np.linalg.norm(LIGHT))
    shade = 0.80 + 0.22 * np.clip(facing, -0.4, 1) + 0.06 * np.clip(-normal[..., 2], 0, 1)
    solid = np.where(alpha > 0.5, depth, np.nan)
    step = np.abs(np.nan_to_num(np.diff(solid, axis=1, append=solid[:, -1:])))
    step = step + np.abs(np.nan_to_num(np.diff(solid, axis=0, append=solid[-1:])))
    return shade * (1 - 0.22 * np.clip(step / (0.12 * palm_px) - 0.5, 0, 1))
