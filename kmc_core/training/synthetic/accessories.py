"""Things people wear and hold: glasses, a watch, a cap, a phone, a cup, a ball, a book, a bag.

Each is a rigid mesh on one bone, its own colour in the paint coordinates' last number. Not here: who has what (designs.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .head import FaceShape
from .implicit import DistanceGrid, Ellipsoid, Tube
from .posing import PoseGoals
from .skeleton import BONE, BodyShape, hand_frame
from .surface import HEAD, LEFT_ARM, RIGHT_ARM, Surface, one_bone

HELD = ("phone", "cup", "ball", "book", "bag")
WORN = ("glasses", "watch", "cap")


def accessory_surfaces(names: tuple[str, ...], shape: BodyShape, face: FaceShape, rest: np.ndarray, head_origin: np.ndarray, side: int) -> list[Surface]:
    """Surfaces of the named things (WORN, HELD). side: hand that holds, wrist of the watch is the other; rest [B,3] joints; metres."""
    made = []
    for name in names:
        if name in ("glasses", "cap"):
            mesh = _glasses(face) if name == "glasses" else _cap()
            made.append(_surface(head_origin + mesh[0] * shape.head, mesh[1], "head", HEAD, name == "cap"))
        elif name == "watch":
            made.append(_watch(shape, rest, 1 - side))
        else:
            made.append(_held(name, shape, rest, side))
    return made


def _surface(vertices: np.ndarray, triangles: np.ndarray, bone: str, part: int, coloured: bool = True) -> Surface:
    """paint: rest position and 1 for coloured things, 0 for dark ones (glasses)."""
    paint = np.column_stack([vertices, np.full(len(vertices), float(coloured))])
    return Surface.build(vertices, triangles, one_bone(len(vertices), BONE[bone]), "accessory", part, paint)


def gripping(names: tuple[str, ...], side: int, goals: PoseGoals) -> PoseGoals:
    """The goals with the fingers of the holding hand closed round what it holds."""
    if not set(names) & set(HELD):
        return goals
    curls = goals.curls.copy()
    curls[side] = [0.25, 0.42, 0.46, 0.48, 0.50] if set(names) & {"cup", "bag"} else [0.20, 0.10, 0.12, 0.14, 0.16]
    return replace(goals, curls=curls)


def _glasses(face: FaceShape) -> tuple[np.ndarray, np.ndarray]:
    """Two rims, a bridge and temples, head units."""
    points, triangles = [], []

    def rod(path: np.ndarray, thick: float) -> None:
        """A square rod along points [K,3]."""
        first = sum(len(p) for p in points)
        way = np.gradient(path, axis=0)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        aside = np.cross(way, np.where(np.abs(way[:, 1:2]) > 0.9, [[0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]]))
        aside /= np.linalg.norm(aside, axis=1, keepdims=True)
        other = np.cross(way, aside)
        points.append(np.concatenate([path + thick * (a * aside + b * other) for a, b in ((1, 1), (-1, 1), (-1, -1), (1, -1))]))
        count = len(path)
        for k in range(4):
            a, b = first + k * count + np.arange(count - 1), first + (k + 1) % 4 * count + np.arange(count - 1)
            triangles.extend([np.stack([a, a + 1, b], 1), np.stack([b, a + 1, b + 1], 1)])

    half = face.eye_gap * 0.78
    turn = np.linspace(0, 2 * np.pi, 25)
    for sign in (1.0, -1.0):
        centre = np.array([sign * face.eye_gap, -0.004, 0.098])
        rod(centre + np.stack([half * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.7, 0.019 * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.7, 0 * turn], 1), 0.0017)
        rod(np.array([[sign * (face.eye_gap + half), 0.004, 0.097], [sign * 0.074 * face.width, 0.006, 0.055], [sign * 0.076 * face.width, 0.006, 0.0]]), 0.0016)
    rod(np.array([[-face.eye_gap + half, 0.0, 0.099], [0.0, 0.004, 0.104], [face.eye_gap - half, 0.0, 0.099]]), 0.0016)
    return np.concatenate(points), np.concatenate(triangles).astype(np.int32)


def _cap() -> tuple[np.ndarray, np.ndarray]:
    """A cap with its peak, head units."""
    grid = DistanceGrid(np.array([-0.13, 0.02, -0.15]), np.array([0.13, 0.17, 0.21]), 0.008)
    grid.add(Ellipsoid(np.array([0, 0.045, -0.012]), (0.094, 0.098, 0.112)), 0.0)
    grid.cut(np.array([0.0, 0.058, 0.0]), np.array([0.0, -1.0, 0.0]), blend=0.006)
    peak = grid.like().add(Ellipsoid(np.array([0, 0.060, 0.105]), (0.075, 0.011, 0.085)), 0.0)
    grid.merge(peak, 0.006)
    return grid.mesh()


def _watch(shape: BodyShape, rest: np.ndarray, side: int) -> Surface:
    name = "left" if side == 0 else "right"
    elbow, wrist = rest[BONE[f"{name}_forearm"]], rest[BONE[f"{name}_hand"]]
    way = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    middle, radius = wrist - 0.022 * shape.hand * way, 0.034 * (0.5 + 0.5 * shape.thickness) * shape.hand
    grid = DistanceGrid(middle - 0.07, middle + 0.07, 0.006).add(Tube(middle - 0.010 * way, middle + 0.010 * way, (radius, radius)), 0.0)
    for sign in (1.0, -1.0):
        grid.cut(middle + sign * 0.011 * way, sign * way)
    return _surface(*grid.mesh(), f"{name}_forearm_twist", LEFT_ARM if side == 0 else RIGHT_ARM)


def _held(name: str, shape: BodyShape, rest: np.ndarray, side: int) -> Surface:
    """A thing in the palm; hand axes: fingers, across, out of the palm."""
    arm = "left" if side == 0 else "right"
    frame, size = hand_frame(side), shape.hand
    grip = rest[BONE[f"{arm}_hand"]] + (0.075 * frame[:, 0] + 0.030 * frame[:, 2]) * size
    fingers, palm = frame[:, 0], frame[:, 2]
    across = np.cross(fingers, palm)
    reach = {"phone": 0.10, "cup": 0.09, "ball": 0.25, "book": 0.17, "bag": 0.30}[name] * max(size, 0.8)
    grid = DistanceGrid(grip - reach - 0.02, grip + reach + 0.02, max(0.006, reach / 22))
    if name == "ball":
        radius = 0.105 * max(size, 0.8)
        grid.add(Ellipsoid(grip + palm * (radius + 0.005), (radius,) * 3), 0.0)
    elif name == "cup":
        grid.add(Tube(grip - 0.055 * across + 0.025 * palm, grip + 0.055 * across + 0.025 * palm, (0.031, 0.036, 0.038)), 0.0)
        for sign in (1.0, -1.0):
            grid.cut(grip + sign * 0.057 * across, sign * across)
    else:
        half = {"phone": (0.075, 0.037, 0.006), "book": (0.12, 0.085, 0.014), "bag": (0.15, 0.05, 0.13)}[name]
        middle = grip + fingers * (0.16 if name == "bag" else 0.02) + palm * (0.0 if name == "bag" else 0.012)
        axes = (fingers, across, palm)
        grid.add(Ellipsoid(middle, (reach,) * 3), 0.0)
        for axis, length in zip(axes, half, strict=True):
            for sign in (1.0, -1.0):
                grid.cut(middle + sign * length * axis, sign * axis)
    vertices, triangles = grid.mesh()
    return _surface(vertices, triangles, f"{arm}_hand", LEFT_ARM if side == 0 else RIGHT_ARM)
