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
    corners, z = np.ascontiguousarray(triangles.T), depth.astype(np.float32)
    x, y = (np.take(points[:, k].astype(np.float32), corners) for k in (0, 1))
    area = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    keep = (area < -1e-9) if two_sided is None else ((area < -1e-9) | (two_sided & (area > 1e-9)))
    kept = np.flatnonzero(keep)
    z = np.take(z, corners[:, kept])
    if z.size and float(z.min()) <= 0.02:  # behind the camera
        ahead = np.minimum(np.minimum(z[0], z[1]), z[2]) > 0.02
        kept, z = kept[ahead], z[:, ahead]
    x, y, area = np.take(x, kept, axis=1), np.take(y, kept, axis=1), area[kept]
    first = np.maximum(np.ceil(np.minimum(np.minimum(y[0], y[1]), y[2]) - 0.5), 0).astype(np.int32)
    last = np.minimum(np.ceil(np.maximum(np.maximum(y[0], y[1]), y[2]) - 0.5), height).astype(np.int32)
    aside = (np.maximum(np.maximum(x[0], x[1]), x[2]) <= 0) | (np.minimum(np.minimum(x[0], x[1]), x[2]) >= width)
    row_triangle, row_y = _expand(np.arange(len(kept), dtype=np.int32), first, np.where(aside, 0, np.maximum(last - first, 0)))
    if not len(row_triangle):
        return Visible(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), np.zeros(0, np.float32))
    left, right = _spans(x, y, row_triangle, row_y)
    start = np.maximum(np.ceil(left - 0.5), 0).astype(np.int32)
    stop = np.minimum(np.ceil(right - 0.5), width).astype(np.int32)
    number, pixel_x = _expand(np.arange(len(row_triangle), dtype=np.int32), start, np.maximum(stop - start, 0))
    slope = _slopes(x, y, area)
    tilt = slope[:, 0] * (z[1] - z[0]) + slope[:, 1] * (z[2] - z[0])
    own_x, own_y = x[0] - np.float32(0.5), y[0] - np.float32(0.5)  # own origin: no cancellation on tiny triangles
    along_row = (row_y - own_y[row_triangle]) * tilt[1][row_triangle] + z[0][row_triangle]
    value = (pixel_x - own_x[row_triangle][number]) * tilt[0][row_triangle][number] + along_row[number]
    key = (np.clip(value * 1e7, 0, 2**31).astype(np.int64) << 32) | row_triangle[number]
    buffer = np.full(height * width, _NOTHING, np.int64)
    np.minimum.at(buffer, (row_y.astype(np.int64) * width)[number] + pixel_x, key)
    pixel = np.flatnonzero(buffer != _NOTHING)
    found = buffer[pixel]
    triangle = (found & 0xFFFFFFFF).astype(np.int32)
    right_by, down_by = (pixel % width).astype(np.float32) - own_x[triangle], (pixel // width).astype(np.float32) - own_y[triangle]
    second, third = (np.clip(right_by * slope[0, k][triangle] + down_by * slope[1, k][triangle], 0, 1) for k in (0, 1))
    weights = np.stack([np.maximum(1 - second - third, 0), second, third], axis=1)
    return Visible(pixel, kept[triangle].astype(np.int32), weights.astype(np.float32), (found >> 32).astype(np.float32) * 1e-7)


def _expand(owner: np.ndarray, start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Repeats every owner count times beside start, start + 1, ..."""
    end = np.cumsum(count)
    total = int(end[-1]) if len(end) else 0
    return np.repeat(owner, count), (np.arange(total, dtype=np.int64) - np.repeat(end - count - start, count)).astype(np.int32)


def _spans(x: np.ndarray, y: np.ndarray, triangle: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's centre line enters and leaves its triangle, pixels; x, y [3,M] corners."""
    order = np.argsort(y, axis=0)
    x, y = np.take_along_axis(x, order, 0), np.take_along_axis(y, order, 0)
    slope = [(x[b] - x[a]) / np.maximum(y[b] - y[a], np.float32(1e-9)) for a, b in ((0, 2), (0, 1), (1, 2))]
    line = row + np.float32(0.5)
    top = line - y[0][triangle]
    long_edge = x[0][triangle] + top * slope[0][triangle]
    lower = (line >= y[1][triangle]).astype(np.int32)  # beside the long edge lies the upper short edge, then the lower one
    flat = lower * x.shape[1] + triangle
    short_edge = x[:2].reshape(-1)[flat] + (line - y[:2].reshape(-1)[flat]) * np.concatenate(slope[1:])[flat]
    return np.minimum(long_edge, short_edge), np.maximum(long_edge, short_edge)


def _slopes(x: np.ndarray, y: np.ndarray, area: np.ndarray) -> np.ndarray:
    """How the second and third corner's weights grow with x and y from the first corner: [x or y, corner, M]."""
    safe = np.where(np.abs(area) < 1e-9, np.float32(1e-9), area)
    bx, by, cx, cy = x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]
    return np.stack([np.stack([cy, -by]) / safe, np.stack([-cx, bx]) / safe])
