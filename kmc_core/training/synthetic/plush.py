"""Plush toys: a stuffed body with mittens and round feet, ears of a bear, a rabbit or a cat, a face of fur with button eyes.

Bones, hand points and face points are everybody's; the mitten closes round the fingers. Not here: colours and proportions of random
toys (creatures.py). Called by character.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .body import BodySolids, add_legs, body_field, part_of, skin_weights
from .hands import hand_surface
from .implicit import DistanceGrid, Ellipsoid, Tube
from .skeleton import BONE, BodyShape, rest_joints
from .surface import HEAD, TORSO, Surface, one_bone

KINDS = ("bear", "rabbit", "cat")
FUR, PATCH = 0.0, 1.0  # which of the toy's colours (paint.py); between them they mix


def plush_surfaces(solids: BodySolids, step: float, detail: float) -> list[Surface]:
    """Body with belly patch, paws and a scarf; step: grid spacing in metres; detail as in build_character."""
    shape = solids.shape
    vertices, triangles = stuffed_field(solids, step).mesh()
    weights = skin_weights(solids, vertices)
    paint = np.column_stack([vertices, _patches(solids, vertices)])
    body = Surface.build(vertices, triangles, weights, "fur", part_of(weights)[triangles[:, 0]], paint)
    paws = [hand_surface(shape, rest_joints(shape), side, solids.limbs["left_forearm"].radii[-1] + 0.014, 0.0055 * shape.hand / detail**0.8, mitten=True) for side in (0, 1)]
    return [body, *paws, _scarf(solids, step)]


def stuffed_field(solids: BodySolids, step: float) -> DistanceGrid:
    """The body's field with fuller limbs and feet."""
    grid = body_field(solids, step)
    for side in ("left", "right"):
        foot, f = solids.joints[BONE[f"{side}_foot"]], solids.shape.foot
        for centre, radius in (((0, -0.030, 0.02), (0.062, 0.056, 0.085)), ((0, -0.022, 0.085), (0.066, 0.062, 0.066))):
            grid.add(Ellipsoid(foot + np.array(centre) * f, tuple(np.array(radius) * f)), 0.02)
        for name in (f"{side}_upper_arm", f"{side}_forearm"):
            grid.add(solids.limbs[name], 0.03, 0.014 * solids.shape.thickness)
    legs = {name: tube for name, tube in solids.limbs.items() if "thigh" in name or "shin" in name}
    add_legs(grid, {name: replace(tube, radii=tuple(np.array(tube.radii) + 0.016)) for name, tube in legs.items()}, 0.05)
    grid.cut(np.array([0, 0.002, 0]), np.array([0, -1.0, 0]))
    return grid


def _patches(solids: BodySolids, points: np.ndarray) -> np.ndarray:
    """PATCH on the belly and the soles, FUR elsewhere [N]."""
    shape = solids.shape
    hip_y = shape.ankle + shape.leg
    wide = float(np.interp(hip_y + 0.3 * shape.torso, solids.trunk.rows[:, 0], solids.trunk.rows[:, 1]))
    egg = np.hypot(points[:, 0] / (0.68 * wide), (points[:, 1] - hip_y - 0.34 * shape.torso) / (0.36 * shape.torso))
    front = (points[:, 2] > 0.02) & (np.abs(points[:, 0]) < shape.shoulder)
    return np.where(front, np.clip((1.06 - egg) / 0.12, 0, 1), np.where(points[:, 1] < 0.02, PATCH, FUR))


def _scarf(solids: BodySolids, step: float) -> Surface:
    """A ring round the neck with one end hanging down."""
    neck, thick = solids.joints[BONE["neck"]], solids.shape.thickness
    wide = 0.082 * (0.5 + 0.5 * thick) * (0.55 + 0.45 * solids.shape.head)
    place = lambda a: neck + [wide * np.sin(a), 0.012 + 0.012 * np.cos(a), 0.9 * wide * np.cos(a) + 0.012]  # noqa: E731
    turn = np.linspace(0, 2 * np.pi, 13)
    low, high = neck - [wide + 0.07, 0.26, wide + 0.07], neck + [wide + 0.07, 0.10, wide + 0.09]
    grid = DistanceGrid(low, high, step * 0.8)
    for a, b in zip(turn[:-1], turn[1:], strict=True):
        grid.add(Tube(place(a), place(b), (0.030 * thick, 0.030 * thick)), 0.01)
    knot = place(0.5)
    grid.add(Tube(knot, knot + [0.015, -0.15 * solids.shape.torso / 0.4, 0.045], (0.030, 0.034, 0.036), 0, 0.5, (0, 0, 1)), 0.012)
    vertices, triangles = grid.mesh()
    return Surface.build(vertices, triangles, one_bone(len(vertices), BONE["chest"]), "accessory", TORSO, np.column_stack([vertices, np.ones(len(vertices))]))


def plush_head(shape: BodyShape, origin: np.ndarray, kind: str, detail: float) -> list[Surface]:
    """Fur round the face with the ears of a kind (KINDS), and a nose; origin: of the head at rest, metres."""
    tall = 0.28 if kind == "rabbit" else 0.20
    grid = DistanceGrid(np.array([-0.17, -0.14, -0.16]), np.array([0.17, tall, 0.13]), 0.0056 / detail**0.9)
    grid.add(Ellipsoid(np.array([0, 0.012, -0.016]), (0.108, 0.106, 0.108)), 0.0)
    grid.add(Ellipsoid(np.array([0, -0.060, -0.02]), (0.104, 0.068, 0.082)), 0.05)
    grid.carve(Ellipsoid(np.array([0, -0.034, 0.125]), (0.084, 0.094, 0.098)), 0.012)
    inner = grid.like()
    for sign in (1.0, -1.0):
        for field, swell in ((grid, 0.0), (inner, -0.35)):
            for ear in _ears(kind, sign):
                field.add(_shifted(ear, swell), 0.012 if field is grid else 0.0)
    made = []
    for field, tone in ((grid, FUR), (inner, PATCH)):
        vertices, triangles = field.mesh()
        made.append((vertices, triangles, "fur", np.column_stack([vertices, np.full(len(vertices), tone)])))
    nose = DistanceGrid(np.array([-0.03, -0.06, 0.07]), np.array([0.03, -0.01, 0.14]), 0.005)
    nose.add(Ellipsoid(np.array([0, -0.033, 0.104]), (0.0145, 0.0105, 0.0095)), 0.0)
    vertices, triangles = nose.mesh()
    made.append((vertices, triangles, "accessory", np.column_stack([vertices, np.zeros(len(vertices))])))
    return [Surface.build(origin + v * shape.head, t, one_bone(len(v), BONE["head"]), m, HEAD, p) for v, t, m, p in made]


def _ears(kind: str, sign: float) -> list[Ellipsoid | Tube]:
    if kind == "rabbit":
        return [Tube(np.array([sign * 0.040, 0.09, -0.01]), np.array([sign * 0.108, 0.198, -0.035]), (0.020, 0.032, 0.034, 0.018), 0, 0.55, (0, 0, 1))]
    if kind == "cat":
        return [Tube(np.array([sign * 0.055, 0.075, -0.01]), np.array([sign * 0.082, 0.158, -0.015]), (0.038, 0.026, 0.006), 0, 0.5, (0, 0, 1))]
    return [Ellipsoid(np.array([sign * 0.088, 0.092, -0.012]), (0.036, 0.036, 0.018))]


def _shifted(ear: Ellipsoid | Tube, shrink: float) -> Ellipsoid | Tube:
    """The ear itself, or (shrink < 0) the lining: smaller, and forward out of it."""
    if shrink == 0:
        return ear
    if isinstance(ear, Ellipsoid):
        return Ellipsoid(ear.centre + [0, 0, 0.0095], (ear.radius[0] * 0.62, ear.radius[1] * 0.62, ear.radius[2] * 0.62))
    way = ear.end - ear.start
    lift = np.array([0, 0, 0.010])
    return Tube(ear.start + 0.25 * way + lift, ear.end - 0.15 * way + lift, tuple(0.58 * r for r in ear.radii), 0, ear.flat, ear.flat_axis)
