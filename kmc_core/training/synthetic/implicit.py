"""Smooth solids as signed distance fields on a grid, turned into meshes.

Not here: what a body looks like (body.py, hands.py, hair.py, clothes.py call this). Model axes: x subject's left, y up, z front; metres.
Sources: smooth minimum (Quilez, "smooth minimum", polynomial form); naive surface nets (Gibson 1998).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

FAR = 1e3


def smooth_minimum(first: np.ndarray, second: np.ndarray, blend: float) -> np.ndarray:
    """Polynomial smooth minimum of two distance fields; blend in metres (0 = plain minimum)."""
    if blend <= 0:
        return np.minimum(first, second)
    mix = np.maximum(blend - np.abs(first - second), 0.0) / blend
    return np.minimum(first, second) - mix * mix * (blend * 0.25)


@dataclass(frozen=True)
class Tube:
    """A limb: a line from `start` to `end` with radii at equal steps along it, flattened along `flat_axis` by `flat` (1 = round)."""

    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, ...]
    bone: int = 0
    flat: float = 1.0
    flat_axis: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def along(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Position along the tube, 0 at start, 1 at end, unclipped."""
        axis = np.asarray(self.end, float) - self.start
        a = self.start
        return ((x - a[0]) * axis[0] + (y - a[1]) * axis[1] + (z - a[2]) * axis[2]) / max(float(axis @ axis), 1e-9)

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, offset: float = 0.0) -> np.ndarray:
        """Signed distance in metres (negative inside) at broadcastable coordinates; offset thickens."""
        a, axis = np.asarray(self.start, np.float32), np.asarray(self.end, np.float32) - np.asarray(self.start, np.float32)
        t = np.clip(self.along(x, y, z), 0.0, 1.0).astype(np.float32)
        radius = np.interp(t, np.linspace(0.0, 1.0, len(self.radii)), self.radii).astype(np.float32) + offset
        dx, dy, dz = x - a[0] - t * axis[0], y - a[1] - t * axis[1], z - a[2] - t * axis[2]
        squared = dx * dx + dy * dy + dz * dz
        if self.flat != 1.0:
            f = self.flat_axis
            across = dx * f[0] + dy * f[1] + dz * f[2]
            squared = squared + across * across * (1.0 / self.flat**2 - 1.0)
        return np.sqrt(squared) - radius

    def bounds(self, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner of a box holding the tube and a margin."""
        reach = max(self.radii) * max(self.flat, 1.0) + margin
        return np.minimum(self.start, self.end) - reach, np.maximum(self.start, self.end) + reach


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid; `rotation` holds its axes as columns."""

    centre: np.ndarray
    radius: tuple[float, float, float]
    bone: int = 0
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, offset: float = 0.0) -> np.ndarray:
        """Approximate signed distance in metres (first-order, exact at the surface)."""
        dx, dy, dz = x - self.centre[0], y - self.centre[1], z - self.centre[2]
        first, second = 0.0, 0.0
        for k in range(3):
            axis, size = self.rotation[:, k], self.radius[k] + offset
            p = (dx * axis[0] + dy * axis[1] + dz * axis[2]) / size
            first = first + p * p
            second = second + (p / size) ** 2
        length = np.sqrt(first)
        return (length * (length - 1.0) / np.maximum(np.sqrt(second), 1e-6)).astype(np.float32)

    def bounds(self, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner of a box holding the ellipsoid and a margin."""
        reach = max(self.radius) + margin
        return np.asarray(self.centre) - reach, np.asarray(self.centre) + reach


@dataclass(frozen=True)
class Stack:
    """A trunk: horizontal superellipse sections. rows [R,5]: height (ascending), half width, half depth in front, behind, centre z."""

    rows: np.ndarray
    bone: int = 0
    exponent: float = 2.4
    centre_x: float = 0.0

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, offset: float = 0.0) -> np.ndarray:
        """Approximate signed distance in metres."""
        width, front, back, centre = (np.interp(y, self.rows[:, 0], self.rows[:, k]).astype(np.float32) for k in (1, 2, 3, 4))
        dz, dx = z - centre, x - self.centre_x
        depth = np.where(dz > 0, front, back) + offset
        width = width + offset
        n = self.exponent
        rho = (np.abs(dx / width) ** n + np.abs(dz / depth) ** n) ** (1.0 / n)
        radial = (rho - 1.0) * np.sqrt(dx * dx + dz * dz) / np.maximum(rho, 1e-3)
        radial = np.where(rho < 0.05, -np.minimum(width, depth), radial)
        cap = np.maximum(y - self.rows[-1, 0], self.rows[0, 0] - y) - offset
        outside = np.sqrt(np.maximum(radial, 0.0) ** 2 + np.maximum(cap, 0.0) ** 2)
        return (outside + np.minimum(np.maximum(radial, cap), 0.0)).astype(np.float32)

    def bounds(self, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner of a box holding the trunk and a margin."""
        width, depth = self.rows[:, 1].max() + margin, self.rows[:, 2:4].max() + np.abs(self.rows[:, 4]).max() + margin
        return (
            np.array([self.centre_x - width, self.rows[0, 0] - margin, -depth]),
            np.array([self.centre_x + width, self.rows[-1, 0] + margin, depth]),
        )


Solid = Tube | Ellipsoid | Stack


class DistanceGrid:
    """A distance field sampled on a regular grid; solids are added one after the other."""

    def __init__(self, low: np.ndarray, high: np.ndarray, step: float) -> None:
        """low, high: corners in metres; step: grid spacing in metres."""
        self.low, self.step = np.asarray(low, np.float32), float(step)
        self.shape = tuple(int(n) for n in np.ceil((np.asarray(high) - low) / step) + 1)
        self.values = np.full(self.shape, FAR, np.float32)

    def _coordinates(self, box: tuple[slice, slice, slice]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        axes = [(self.low[k] + self.step * np.arange(box[k].start, box[k].stop)).astype(np.float32) for k in range(3)]
        return axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :]

    def _box(self, low: np.ndarray, high: np.ndarray) -> tuple[slice, slice, slice]:
        first = np.clip(np.floor((low - self.low) / self.step).astype(int), 0, np.array(self.shape) - 1)
        last = np.clip(np.ceil((high - self.low) / self.step).astype(int) + 1, first + 1, self.shape)
        return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))

    def add(self, solid: Solid, blend: float = 0.02, offset: float = 0.0) -> DistanceGrid:
        """Smooth union with a solid, thickened by `offset` metres."""
        box = self._box(*solid.bounds(blend + max(offset, 0.0) + 2 * self.step))
        self.values[box] = smooth_minimum(self.values[box], solid.distance(*self._coordinates(box), offset), blend)
        return self

    def carve(self, solid: Solid, blend: float = 0.005) -> DistanceGrid:
        """Smooth subtraction of a solid."""
        box = self._box(*solid.bounds(blend + 2 * self.step))
        self.values[box] = -smooth_minimum(-self.values[box], solid.distance(*self._coordinates(box)), blend)
        return self

    def merge(self, other: DistanceGrid, blend: float) -> DistanceGrid:
        """Smooth union with another field on the same grid."""
        self.values = smooth_minimum(self.values, other.values, blend)
        return self

    def like(self) -> DistanceGrid:
        """An empty field on the same grid."""
        return DistanceGrid(self.low, self.low + self.step * (np.array(self.shape) - 1.5), self.step)

    def cut(self, point: np.ndarray, normal: np.ndarray, low: np.ndarray | None = None, high: np.ndarray | None = None, blend: float = 0.008) -> DistanceGrid:
        """Removes everything on the side of the plane the normal points to, only inside the box low..high when given; rounded by `blend`."""
        box = self._box(self.low if low is None else low, self.low + self.step * np.array(self.shape) if high is None else high)
        x, y, z = self._coordinates(box)
        plane = (x - point[0]) * normal[0] + (y - point[1]) * normal[1] + (z - point[2]) * normal[2]
        self.values[box] = -smooth_minimum(-self.values[box], -plane.astype(np.float32), blend)
        return self

    def sample(self, points: np.ndarray) -> np.ndarray:
        """Trilinear values [N] at points [N,3]; FAR outside the grid."""
        place = (points - self.low) / self.step
        index = np.floor(place).astype(int)
        inside = np.all((index >= 0) & (index < np.array(self.shape) - 1), axis=1)
        index = np.clip(index, 0, np.array(self.shape) - 2)
        part = np.clip(place - index, 0.0, 1.0)
        result = np.zeros(len(points), np.float32)
        for corner in range(8):
            bits = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
            weight = np.prod(np.where(bits == 1, part, 1.0 - part), axis=1)
            result += (weight * self.values[tuple((index + bits).T)]).astype(np.float32)
        return np.where(inside, result, FAR)

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Surface nets of the zero level: vertices [N,3] float32, triangles [M,3] int32, counter-clockwise seen from outside."""
        return surface_nets(self.values, self.low, self.step)


_CORNERS = np.array([[c >> 2 & 1, c >> 1 & 1, c & 1] for c in range(8)])
_EDGES = np.array([(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1])


def surface_nets(values: np.ndarray, low: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Zero level of values [X,Y,Z] (negative inside) -> vertices [N,3], triangles [M,3]. Source: Gibson 1998."""
    inside = values < 0
    cells = np.zeros(tuple(n - 1 for n in values.shape), np.uint8)
    for c in _CORNERS:
        cells += inside[tuple(slice(b, b + n) for b, n in zip(c, cells.shape, strict=True))]
    active = np.argwhere((cells > 0) & (cells < 8))
    number = np.full(cells.shape, -1, np.int32)
    number[tuple(active.T)] = np.arange(len(active))
    corner = values[tuple((active[:, None] + _CORNERS).transpose(2, 0, 1))]
    total, count = np.zeros((len(active), 3), np.float32), np.zeros(len(active), np.float32)
    for a, b in _EDGES:
        crossed = (corner[:, a] < 0) != (corner[:, b] < 0)
        t = np.where(crossed, corner[:, a] / np.where(crossed, corner[:, a] - corner[:, b], 1.0), 0.0)
        total += np.where(crossed[:, None], _CORNERS[a] + t[:, None] * (_CORNERS[b] - _CORNERS[a]), 0.0)
        count += crossed
    vertices = (low + step * (active + total / count[:, None])).astype(np.float32)
    triangles = []
    for axis in range(3):
        triangles.append(_quads(inside, number, axis))
    return vertices, np.concatenate(triangles).astype(np.int32)


def _quads(inside: np.ndarray, number: np.ndarray, axis: int) -> np.ndarray:
    other = [(axis + 1) % 3, (axis + 2) % 3]
    first = [slice(None)] * 3
    second = [slice(None)] * 3
    first[axis], second[axis] = slice(0, -1), slice(1, None)
    for o in other:
        first[o] = second[o] = slice(1, -1)
    leaves = inside[tuple(first)] & ~inside[tuple(second)]
    enters = ~inside[tuple(first)] & inside[tuple(second)]
    result = []
    for mask, order in ((leaves, (0, 1, 2, 3)), (enters, (0, 3, 2, 1))):
        place = np.argwhere(mask)
        place[:, other] += 1
        ring = []
        for du, dv in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
            cell = place.copy()
            cell[:, other[0]] += du
            cell[:, other[1]] += dv
            ring.append(number[tuple(cell.T)])
        q = [ring[k] for k in order]
        result += [np.stack([q[0], q[1], q[2]], 1), np.stack([q[0], q[2], q[3]], 1)]
    return np.concatenate(result)
