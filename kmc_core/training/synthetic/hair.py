"""Hair styles as blended solids on the head. Head units (see head.py); the character scales and places them."""

from __future__ import annotations

import numpy as np

from .implicit import DistanceGrid, Ellipsoid, Tube
from .locks import Lock

STYLES = ("none", "buzz", "short", "side_part", "curly", "spiky", "bob", "long", "bun", "ponytail", "afro", "pigtails")
_SKULL = ((0.0, 0.020, -0.012), (0.0785, 0.0945, 0.0935))


def hair_mesh(style: str, seed: int, step: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices and triangles of one style, or None for "none"; step: grid spacing in head units."""
    if style == "none":
        return None
    rng = np.random.default_rng(seed)
    low, high = np.array([-0.16, -0.18 if style == "long" else -0.13, -0.22]), np.array([0.16, 0.235, 0.15])
    grid = DistanceGrid(low, high, step)
    thick = {"buzz": 0.0035, "afro": 0.045, "curly": 0.016, "spiky": 0.009, "bun": 0.008, "ponytail": 0.008, "pigtails": 0.009}.get(style, 0.012)
    if style not in ("bob", "long"):
        _cap(grid, thick)
    {
        "short": _short, "side_part": _side_part, "curly": _curly, "spiky": _spiky, "bob": _bob, "long": _long, "bun": _bun,
        "ponytail": _ponytail, "afro": _afro, "pigtails": _pigtails,
    }.get(style, lambda grid, rng: None)(grid, rng)  # fmt: skip
    return grid.mesh()


def _cap(grid: DistanceGrid, thick: float) -> None:
    """A shell over the skull, cut free of the face."""
    centre, radius = _SKULL
    grid.add(Ellipsoid(np.array(centre), tuple(r + thick for r in radius)), 0.0)
    front, back = np.array([0.0, 0.072, 0.080]), np.array([0.0, -0.058, -0.055])
    along = back - front
    normal = np.array([0.0, along[2], -along[1]])
    normal = normal / np.linalg.norm(normal)
    grid.cut(front, normal if normal[2] > 0 else -normal, blend=0.004)


def _helmet(grid: DistanceGrid, rng: np.random.Generator, thick: float) -> None:
    """A full round volume with a window for the face: a fringe, or a parting with both sides swept away."""
    centre, radius = np.array(_SKULL[0]), np.array(_SKULL[1])
    grid.add(Ellipsoid(centre + [0, 0.002, -0.004], tuple(radius + [thick, thick * 1.1, thick * 1.15])), 0.012)
    if rng.random() < 0.5:
        top = rng.uniform(0.046, 0.056)
        grid.carve(Ellipsoid(np.array([0, top - 0.100, 0.115]), (0.0660, 0.100, 0.085)), 0.005)
        for x in rng.uniform(-0.045, 0.045, 3):  # gaps between the locks of the fringe
            grid.carve(Tube(np.array([x * 1.1, top - 0.02, 0.125]), np.array([x, top + rng.uniform(0.006, 0.016), 0.110]), (0.010, 0.002)), 0.003)
    else:
        part = rng.choice([-0.022, 0.0, 0.022])
        for sign in (1.0, -1.0):
            lean = np.array([[1.0, sign * 0.30, 0], [-sign * 0.30, 1.0, 0], [0, 0, 1]]) / np.array([1.044, 1.044, 1.0])
            grid.carve(Ellipsoid(np.array([sign * 0.019 + part * 0.6, -0.030, 0.115]), (0.047, 0.112, 0.085), 0, lean), 0.005)


def _lock(grid: DistanceGrid, points: list[tuple[float, float, float]], radii: list[float], flat: float = 1.0, axis: tuple[float, float, float] = (0, 0, 1), blend: float = 0.008) -> None:
    for k in range(len(points) - 1):
        grid.add(Tube(np.array(points[k], float), np.array(points[k + 1], float), (radii[k], radii[k + 1]), 0, flat, axis), blend)


def _fringe(grid: DistanceGrid, rng: np.random.Generator, part: float, drop: float, volume: float = 0.006) -> None:
    """A forelock: a second shell over the front of the head, its edge a soft arch with a few gaps; drop: how far down, head units."""
    centre, radius = np.array(_SKULL[0]), np.array(_SKULL[1])
    top = 0.074 - drop
    front = grid.like()
    front.add(Ellipsoid(centre + [0, 0.003, 0.0], tuple(radius + 0.012 + volume)), 0.0)
    front.cut(np.array([0.0, 0.060, 0.010]), np.array([0.0, -0.25, -0.97]), blend=0.02)
    front.carve(Ellipsoid(np.array([part * 0.5, top - 0.110, 0.110]), (0.070, 0.110, 0.080)), 0.006)
    front.cut(np.array([0.0, top - 0.035, 0.0]), np.array([0.0, -1.0, 0.0]), blend=0.012)
    for x in (part + rng.uniform(-0.012, 0.012), rng.uniform(-0.05, -0.02), rng.uniform(0.02, 0.05)):
        front.carve(Tube(np.array([x * 1.1, top - 0.025, 0.125]), np.array([x, top + rng.uniform(0.008, 0.018), 0.112]), (0.010, 0.002)), 0.004)
    grid.merge(front, 0.010)


def _short(grid: DistanceGrid, rng: np.random.Generator) -> None:
    _fringe(grid, rng, rng.choice([-0.03, 0.0, 0.03]), rng.uniform(-0.002, 0.014), rng.uniform(0.003, 0.010))


def _side_part(grid: DistanceGrid, rng: np.random.Generator) -> None:
    side = rng.choice([-1.0, 1.0])
    for k in range(6):
        u = k / 5
        _lock(grid, [(side * 0.038, 0.098, 0.058 - 0.05 * u), (-side * 0.02, 0.118 - 0.01 * u, 0.066 - 0.06 * u), (-side * 0.070, 0.075 - 0.02 * u, 0.055 - 0.05 * u)], [0.012, 0.020, 0.010], 0.8, (0, 0, 1))  # fmt: skip
    _lock(grid, [(side * 0.04, 0.095, 0.062), (side * 0.068, 0.060, 0.045)], [0.013, 0.008])


def _curly(grid: DistanceGrid, rng: np.random.Generator) -> None:
    centre, radius = np.array(_SKULL[0]), np.array(_SKULL[1]) + 0.014
    for _ in range(90):
        d = rng.normal(size=3)
        d /= np.linalg.norm(d)
        p = centre + d * radius
        if p[1] > 0.055 + 0.9 * max(p[2], 0) - 0.02 or (p[2] < -0.01 and p[1] > -0.05):
            r = rng.uniform(0.012, 0.019)
            grid.add(Ellipsoid(p, (r, r, r)), 0.003)


def _spiky(grid: DistanceGrid, rng: np.random.Generator) -> None:
    centre, radius = np.array(_SKULL[0]), np.array(_SKULL[1])
    for k in range(26):
        azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 1.0)
        d = np.array([np.cos(azimuth) * np.sqrt(1 - height**2), height, np.sin(azimuth) * np.sqrt(1 - height**2) * 0.8 - 0.15])
        root = centre + d * radius * 0.9
        tip = root + (d + [0, 0.25, 0.1 * rng.normal()]) * rng.uniform(0.035, 0.06)
        grid.add(Tube(root, tip, (0.021, 0.012, 0.002)), 0.006)
    _fringe(grid, rng, 0.0, 0.018)


def _bob(grid: DistanceGrid, rng: np.random.Generator) -> None:
    end = rng.uniform(-0.118, -0.080)
    for sign in (1.0, -1.0):
        for z, width in ((0.026, 0.019), (0.0, 0.025), (-0.030, 0.029), (-0.060, 0.031)):
            x = sign * np.sqrt(max(1 - ((z + 0.012) / 0.10) ** 2, 0.16)) * 0.082
            _lock(grid, [(x * 0.95, 0.05, z - 0.006), (x * 1.08, -0.01, z - 0.004), (x * 1.07, end + 0.03, z + 0.002), (x * 0.97, end, z + 0.006)], [0.020, width * 0.80, width * 0.86, 0.010], 1.0, blend=0.014)
    _lock(grid, [(0, 0.05, -0.090), (0, -0.03, -0.100), (0, end + 0.012, -0.080)], [0.036, 0.042, 0.024], 1.0, blend=0.014)
    _helmet(grid, rng, 0.014)


def _long(grid: DistanceGrid, rng: np.random.Generator) -> None:
    """The hair under the locks, down to the nape."""
    for sign in (1.0, -1.0):
        for z, length in ((0.016, -0.06), (-0.010, -0.11), (-0.042, -0.13), (-0.072, -0.13)):
            x = sign * np.sqrt(max(1 - ((z + 0.012) / 0.10) ** 2, 0.12)) * 0.080
            _lock(grid, [(x * 0.94, 0.05, z - 0.006), (x * 1.04, -0.02, z - 0.004), (x * 1.0, length, z - 0.012)], [0.019, 0.020, 0.008], 1.0, blend=0.014)
    for x in (-0.03, 0.0, 0.03):
        _lock(grid, [(x, 0.05, -0.086), (x * 1.2, -0.06, -0.096), (x * 1.2, -0.14, -0.086)], [0.032, 0.030, 0.014], 1.0, blend=0.014)
    _helmet(grid, rng, 0.013)


def hair_locks(style: str, seed: int) -> list[Lock]:
    """The locks of a style that hang free, head units; none of most styles."""
    rng = np.random.default_rng([seed, 71])
    make = {"long": _long_locks, "ponytail": _tail_locks, "pigtails": _pigtail_locks}.get(style)
    return make(rng) if make is not None else []


def _made(path: list[tuple[float, float, float]], radius: float, rng: np.random.Generator) -> Lock:
    """A lock with a wave, a length, a tone and a swing of its own."""
    points = np.array(path, float)
    points[-1] += (points[-1] - points[-2]) * rng.uniform(-0.25, 0.25)
    points[2:, ::2] += 0.0045 * rng.normal(size=(len(points) - 2, 2))
    return Lock(points, radius * float(rng.uniform(0.85, 1.15)), 0.65, float(rng.uniform(0.80, 1.08)), float(rng.uniform(1.1, 2.1)))


def _long_locks(rng: np.random.Generator) -> list[Lock]:
    locks, end = [], rng.uniform(-0.31, -0.22)
    for sign in (1.0, -1.0):
        for azimuth in np.deg2rad(np.linspace(74, 176, 10) + rng.uniform(-3, 3, 10)):
            across, ahead = sign * np.sin(azimuth), np.cos(azimuth)
            at = lambda y, x, z, back=0.0, u=across, v=ahead: (u * x, y, v * z - 0.012 - back)  # noqa: E731
            low = end + 0.06 * max(ahead, 0.0) + 0.05 * (ahead > 0)
            locks.append(_made([at(0.062, 0.070, 0.082), at(0.0, 0.089, 0.105), at(-0.08, 0.092, 0.106), at(0.45 * low - 0.07, 0.097, 0.116, 0.006), at(low, 0.092, 0.122, 0.008)], 0.0185, rng))
    return locks


def _tail_locks(rng: np.random.Generator) -> list[Lock]:
    """A tail from the band at the back of the head."""
    locks, end = [], rng.uniform(-0.26, -0.16)
    for angle in np.linspace(0, 2 * np.pi, 7, endpoint=False):
        x, z = 0.013 * np.sin(angle), 0.011 * np.cos(angle)
        locks.append(_made([(0.3 * x, 0.068, -0.118 + 0.3 * z), (x, 0.062, -0.150 + z), (1.5 * x, -0.01, -0.172 + 1.3 * z), (1.8 * x, -0.11, -0.156 + 1.5 * z), (1.2 * x, end, -0.150 + z)], 0.0165, rng))
    return locks


def _pigtail_locks(rng: np.random.Generator) -> list[Lock]:
    locks, end = [], rng.uniform(-0.20, -0.11)
    for sign in (1.0, -1.0):
        for angle in np.linspace(0, 2 * np.pi, 5, endpoint=False):
            x, z = 0.011 * np.sin(angle), 0.012 * np.cos(angle)
            locks.append(_made([(sign * 0.082 + 0.3 * x, 0.058, -0.042 + 0.3 * z), (sign * 0.108 + x, 0.058, -0.045 + z), (sign * 0.130 + 1.3 * x, -0.01, -0.038 + 1.4 * z), (sign * 0.126 + 1.3 * x, -0.08, -0.030 + 1.4 * z), (sign * 0.116 + x, end, -0.024 + z)], 0.0155, rng))
    return locks


def _bun(grid: DistanceGrid, rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        grid.add(Ellipsoid(np.array([0, 0.135, -0.045]), (0.043, 0.040, 0.043)), 0.008)
    else:
        grid.add(Ellipsoid(np.array([0, 0.045, -0.135]), (0.045, 0.043, 0.042)), 0.008)
    _fringe(grid, rng, 0.02, 0.004)


def _ponytail(grid: DistanceGrid, rng: np.random.Generator) -> None:
    """The knot of the tail."""
    _lock(grid, [(0, 0.075, -0.105), (0, 0.064, -0.146)], [0.020, 0.026], 1.0)
    _fringe(grid, rng, 0.02, 0.012)


def _pigtails(grid: DistanceGrid, rng: np.random.Generator) -> None:
    """The knots of both tails."""
    for sign in (1.0, -1.0):
        _lock(grid, [(sign * 0.070, 0.055, -0.04), (sign * 0.108, 0.057, -0.044)], [0.020, 0.024], 1.0)
    _fringe(grid, rng, 0.0, 0.022)


def _afro(grid: DistanceGrid, rng: np.random.Generator) -> None:
    centre = np.array([0.0, 0.055, -0.030])
    for _ in range(120):
        d = rng.normal(size=3)
        d /= np.linalg.norm(d)
        p = centre + d * [0.112, 0.105, 0.105]
        if p[2] < 0.045 + 0.7 * (p[1] - 0.05):
            r = rng.uniform(0.014, 0.022)
            grid.add(Ellipsoid(p, (r, r, r)), 0.004)
