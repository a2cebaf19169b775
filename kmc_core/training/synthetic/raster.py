"""A depth-buffered triangle rasteriser over numpy spans: every row of every triangle becomes one run of pixels.

Not here: shading. Works on thousands of tiny triangles; cost grows with covered pixels. Called by renderer.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_NOTHING = np.iinfo(np.int64).max


class Visible(NamedTuple):
    """Covered pixels of one view, P of them. pixel: flat index; triangle [P]; corner weights [P,3]; depth [P]."""

    pixel: np.ndarray
    triangle: np.ndarray
    weights: np.ndarray
    depth: np.ndarray


def rasterise(points: np.ndarray, depth: np.ndarray, triangles: np.ndarray, height: int, width: int, two_sided: np.ndarray | None = None) -> Visible:
    """Nearest surface at every pixel centre.

    points [N,2] pixels (y down); depth [N] positive metres from the camera; triangles [M,3], front faces counter-clockwise
    in a y-up world (clockwise on screen); two_sided [M] keeps back faces of those triangles.
    """
    corner = points.astype(np.float32)[triangles]
    z = depth.astype(np.float32)[triangles]
    (ax, ay), (bx, by), (cx, cy) = corner[:, 0].T, corner[:, 1].T, corner[:, 2].T
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    keep = (area < -1e-9) if two_sided is None else ((area < -1e-9) | (two_sided & (area > 1e-9)))
    low_y, high_y = np.minimum(np.minimum(ay, by), cy), np.maximum(np.maximum(ay, by), cy)
    keep &= (np.minimum(np.minimum(z[:, 0], z[:, 1]), z[:, 2]) > 0.02) & (high_y > 0) & (low_y < height) & (np.maximum(np.maximum(ax, bx), cx) > 0) & (np.minimum(np.minimum(ax, bx), cx) < width)
    first = np.maximum(np.ceil(low_y - 0.5), 0).astype(np.int32)
    last = np.minimum(np.ceil(high_y - 0.5), height).astype(np.int32)
    rows = np.where(keep, np.maximum(last - first, 0), 0)
    kept = np.flatnonzero(rows)
    if not len(kept):
        return Visible(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), np.zeros(0, np.float32))
    corner, z, area = corner[kept], z[kept], area[kept]
    row_triangle, row_y = _expand(np.arange(len(kept), dtype=np.int32), first[kept], rows[kept])
    left, right = _spans(corner, row_triangle, row_y)
    start = np.maximum(np.ceil(left - 0.5), 0).astype(np.int32)
    stop = np.minimum(np.ceil(right - 0.5), width).astype(np.int32)
    count = np.maximum(stop - start, 0)
    number, pixel_x = _expand(np.arange(len(row_triangle), dtype=np.int32), start, count)
    triangle, pixel_y = row_triangle[number], row_y[number]
    slope = _slopes(corner, area)
    tilt = slope[:, 0] * (z[:, 1] - z[:, 0])[:, None] + slope[:, 1] * (z[:, 2] - z[:, 0])[:, None]
    table = np.column_stack([corner[:, 0] - np.float32(0.5), tilt, z[:, 0]])  # own origin: no cancellation on tiny triangles
    own = table[triangle]
    value = (pixel_x - own[:, 0]) * own[:, 2] + (pixel_y - own[:, 1]) * own[:, 3] + own[:, 4]
    key = (np.clip(value * 1e7, 0, 2**31).astype(np.int64) << 32) | triangle
    buffer = np.full(height * width, _NOTHING, np.int64)
    np.minimum.at(buffer, pixel_y.astype(np.int64) * width + pixel_x, key)
    pixel = np.flatnonzero(buffer != _NOTHING)
    found = buffer[pixel]
    triangle = (found & 0xFFFFFFFF).astype(np.int32)
    offset = np.stack([pixel % width, pixel // width], axis=1).astype(np.float32) - table[triangle, :2]
    second, third = (np.clip((offset * slope[triangle, k]).sum(1), 0, 1) for k in (0, 1))
    weights = np.stack([np.maximum(1 - second - third, 0), second, third], axis=1)
    return Visible(pixel, kept[triangle].astype(np.int32), weights.astype(np.float32), (found >> 32).astype(np.float32) * 1e-7)


def _expand(owner: np.ndarray, start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeats every owner count times beside start, start + 1, ..."""
    end = np.cumsum(count)
    total = int(end[-1]) if len(end) else 0
    return np.repeat(owner, count), (np.arange(total, dtype=np.int64) - np.repeat(end - count - start, count)).astype(np.int32)


def _spans(corner: np.ndarray, triangle: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the row's centre line enters and leaves its triangle, pixels."""
    y = row + np.float32(0.5)
    left, right = np.full(len(row), np.inf, np.float32), np.full(len(row), -np.inf, np.float32)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        first, second = corner[triangle, a], corner[triangle, b]
        fy, sy = first[:, 1], second[:, 1]
        crossed = (fy <= y) != (sy <= y)
        x = first[:, 0] + (y - fy) * (second[:, 0] - first[:, 0]) / np.where(crossed, sy - fy, 1.0)
        left = np.where(crossed, np.minimum(left, x), left)
        right = np.where(crossed, np.maximum(right, x), right)
    return np.where(np.isfinite(left), left, 0.0), np.where(np.isfinite(right), right, -1.0)


def _slopes(corner: np.ndarray, area: np.ndarray) -> np.ndarray:
    """How the second and third corner's weights grow with x and y from the first corner: [M,2,2]."""
    safe = np.where(np.abs(area) < 1e-9, 1e-9, area)
    b, c = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    second = np.stack([c[:, 1], -c[:, 0]], axis=1) / safe[:, None]
    third = np.stack([-b[:, 1], b[:, 0]], axis=1) / safe[:, None]
    return np.stack([second, third], axis=1)
