"""What sits in and on the head: eyeballs, teeth, the inside of the mouth, ears. Head units, see head.py."""

from __future__ import annotations

import numpy as np

from .head import MOUTH_Y, FaceShape, HeadGrid
from .implicit import DistanceGrid, Ellipsoid

Mesh = tuple[np.ndarray, np.ndarray]


def eyeball(grid: HeadGrid, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The visible cap of an eyeball looking straight ahead: vertices, triangles, paint (x, y in units of its radius)."""
    rings, around = 9, 28
    polar = np.linspace(0, np.deg2rad(66), rings)[1:, None]
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)[None]
    direction = np.stack([np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), np.cos(polar) + 0 * angle], axis=-1).reshape(-1, 3)
    direction = np.concatenate([[[0.0, 0.0, 1.0]], direction])
    number = 1 + np.arange((rings - 1) * around).reshape(rings - 1, around)
    fan = np.stack([np.zeros(around, int), number[0], np.roll(number[0], -1)], axis=1)
    a, b, c, d = number[:-1], np.roll(number[:-1], -1, 1), number[1:], np.roll(number[1:], -1, 1)
    band = np.concatenate([np.stack([a, c, d], -1).reshape(-1, 3), np.stack([a, d, b], -1).reshape(-1, 3)])
    vertices = grid.eye_centres[side] + direction * grid.eye_radius
    return vertices, np.concatenate([fan, band]), direction[:, :2]


def teeth(face: FaceShape, upper: bool) -> Mesh:
    """A curved row of teeth behind the lips."""
    angle = np.linspace(-1.15, 1.15, 17)
    radius_x, radius_z = face.mouth_width * 0.98, 0.026
    centre_z = 0.0785 - radius_z
    heights = np.array([0.0075, 0.0, -0.0045]) if upper else np.array([0.002, -0.004, -0.012])
    base = MOUTH_Y + (0.0015 if upper else -0.0045)
    rows = []
    for k, h in enumerate(heights):
        shrink = 1.0 - 0.05 * abs(k - 1)
        rows.append(np.stack([radius_x * np.sin(angle) * shrink, np.full_like(angle, base + h), centre_z + radius_z * np.cos(angle) * shrink], -1))
    return np.concatenate(rows), _strip(3, len(angle))


def mouth_cave(face: FaceShape) -> Mesh:
    """A dark bag behind the lips, open to the front."""
    angle = np.linspace(0, 2 * np.pi, 21)[:-1]
    rows = []
    for depth, size in ((0.0745, 1.25), (0.066, 1.25), (0.040, 0.9), (0.030, 0.05)):
        rows.append(np.stack([face.mouth_width * size * np.cos(angle), MOUTH_Y - 0.006 + 0.024 * size * np.sin(angle), np.full_like(angle, depth - 0.004)], -1))
    vertices = np.concatenate(rows)
    number = np.arange(len(vertices)).reshape(4, -1)
    a, b, c, d = number[:-1], np.roll(number[:-1], -1, 1), number[1:], np.roll(number[1:], -1, 1)
    return vertices, np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])


def tongue() -> Mesh:
    """A tongue that lies on the lower jaw."""
    grid = DistanceGrid(np.array([-0.025, -0.10, 0.03]), np.array([0.025, -0.06, 0.085]), 0.004)
    grid.add(Ellipsoid(np.array([0, MOUTH_Y - 0.016, 0.056]), (0.016, 0.007, 0.018)), 0.0)
    return grid.mesh()


def ear(side: int, size: float, step: float) -> Mesh:
    """One ear (0 left, 1 right)."""
    sign = 1.0 if side == 0 else -1.0
    lean = np.deg2rad(24.0)
    turn = np.array([[np.cos(lean) * 1.0, 0, np.sin(lean)], [0, 1, 0], [-np.sin(lean), 0, np.cos(lean)]])
    turn = turn * [[1, 1, sign], [1, 1, 1], [sign, 1, 1]]
    centre = np.array([sign * 0.0765, -0.006, -0.012])
    grid = DistanceGrid(centre - 0.045, centre + 0.045, step)
    grid.add(Ellipsoid(centre, (0.0090 * size, 0.031 * size, 0.0175 * size), 0, turn), 0.0)
    grid.add(Ellipsoid(centre + [0, -0.022 * size, 0.004], (0.0085, 0.012 * size, 0.010 * size), 0, turn), 0.006)
    grid.carve(Ellipsoid(centre + [sign * 0.009, 0.004, 0.004], (0.0075, 0.020 * size, 0.0095 * size), 0, turn), 0.004)
    return grid.mesh()


def _strip(rows: int, columns: int) -> np.ndarray:
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    return np.concatenate([np.stack([a, c, d], -1).reshape(-1, 3), np.stack([a, d, b], -1).reshape(-1, 3)])
