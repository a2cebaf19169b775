"""A procedural hand: 24 shaded, tapered capsules around the 21 hand landmarks.

Not here: which hands are drawn and in which colour (aligner.py). Right gesture every time, at any size; the network
gives it skin. Depths let it pass behind the body.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HAND_EDGES
from ..types import Canvas

PALM_EDGES = ((0, 1), (0, 5), (0, 9), (0, 13), (0, 17), (5, 9), (9, 13), (13, 17))
CAPSULES = tuple(HAND_EDGES) + ((0, 9), (0, 13), (1, 5))
# from the knuckle outwards; index 0 (a knuckle itself) never ends a finger capsule
PHALANX_RADII = ((0.115, 0.115), (0.115, 0.105), (0.1, 0.09), (0.092, 0.072))
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
    rgb = np.clip(colour.astype(np.float32) * shade[..., None], 0, 1)
    return HandPatch(int(x0), int(y0), rgb, alpha, np.where(alpha > 0, depth, points[0, 2]).astype(np.float32))


def _radii(first: int, second: int) -> tuple[float, float]:
    """Radii of a capsule at both ends, in palm lengths."""
    if (first, second) in PALM_EDGES or (first, second) in CAPSULES[-3:]:
        if first == 0:
            return 0.16, 0.135
        return (0.14, 0.135) if first != 1 else (0.13, 0.13)
    if second <= 4:  # thumb
        return {2: (0.135, 0.12), 3: (0.12, 0.105), 4: (0.105, 0.08)}[second]
    slim = 0.9 if second >= 17 else 1.0
    near, far = PHALANX_RADII[(second - 1) % 4]
    return near * slim, far * slim


def _surface(
    points: np.ndarray, palm: np.float32, x0: int, y0: int, x1: int, y1: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest capsule surface at each pixel -> depth [h,w], alpha [h,w], unit normal [h,w,3]."""
    start = points[[edge[0] for edge in CAPSULES]]
    end = points[[edge[1] for edge in CAPSULES]]
    radius = np.array([_radii(*edge) for edge in CAPSULES], np.float32) * palm
    flat = np.array([0.55 if edge in PALM_EDGES else 1.0 for edge in CAPSULES], np.float32)  # a palm is not a cylinder
    x = np.arange(x0, x1, dtype=np.float32) + 0.5
    y = np.arange(y0, y1, dtype=np.float32) + 0.5
    best_depth = np.full((len(y), len(x)), 1e9, np.float32)
    alpha = np.zeros_like(best_depth)
    normal = np.zeros((len(y), len(x), 3), np.float32)
    for a, b, (ra, rb), flatness in zip(start, end, radius, flat, strict=True):
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
        z = a[2] + (b[2] - a[2]) * t - r * bulge * flatness
        cover = np.clip(r - distance + 0.5, 0, 1)
        window = (rows, columns)
        nearer = (cover > 0.5) & (z < best_depth[window])
        best_depth[window] = np.where(nearer, z, best_depth[window])
        direction = np.stack([ox / r, oy / r, -bulge], -1)
        normal[window] = np.where(nearer[..., None], direction, normal[window])
        alpha[window] = np.maximum(alpha[window], cover)
    return best_depth, alpha, normal


def _shade(depth: np.ndarray, alpha: np.ndarray, normal: np.ndarray, palm_px: float) -> np.ndarray:
    """Soft light, darker rims, and a dark crease where one finger lies over another -> factor [h,w]."""
    facing = normal @ (LIGHT / np.linalg.norm(LIGHT))
    shade = 0.80 + 0.22 * np.clip(facing, -0.4, 1) + 0.06 * np.clip(-normal[..., 2], 0, 1)
    solid = np.where(alpha > 0.5, depth, np.nan)
    step = np.abs(np.nan_to_num(np.diff(solid, axis=1, append=solid[:, -1:])))
    step = step + np.abs(np.nan_to_num(np.diff(solid, axis=0, append=solid[-1:])))
    return shade * (1 - 0.22 * np.clip(step / (0.12 * palm_px) - 0.5, 0, 1))
