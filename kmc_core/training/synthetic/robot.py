"""Robots: hard shells on the same bones as everybody, dark joints between them, a face of metal with lit eyes.

Every part is rigid on one bone, so nothing creases. The face is the ordinary head in other colours: its points and expressions
stay exact. Not here: colours and proportions of random robots (creatures.py). Called by character.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .body import BodySolids
from .hands import hand_surface
from .implicit import DistanceGrid, Ellipsoid, Solid, Stack, Tube
from .skeleton import BONE, BodyShape, rest_joints
from .surface import HEAD, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, TORSO, Surface, one_bone

MAIN, SECOND, DARK, LIT = 0.0, 1.0, 2.0, 3.0  # which of the shell's colours (paint.py)


def robot_surfaces(solids: BodySolids, step: float, detail: float) -> list[Surface]:
    """Trunk, limbs, feet and hands of a robot of these proportions; step: grid spacing in metres; detail as in build_character."""
    made = _trunk(solids, step)
    for side in ("left", "right"):
        made += _arm(solids, side, step) + _leg(solids, side, step)
    for side in (0, 1):
        radius = solids.limbs["left_forearm" if side == 0 else "right_forearm"].radii[-1]
        hand = hand_surface(solids.shape, rest_joints(solids.shape), side, radius, 0.0050 * solids.shape.hand / detail**0.8)
        paint = hand.paint.copy()
        paint[:, 3] = DARK
        made.append(Surface.build(hand.vertices, hand.triangles, hand.weights, "shell", hand.part, paint))
    return made


def _part(bone: str, part: int, tone: float, step: float, solids: list[tuple[Solid, float]], cuts: tuple[tuple[np.ndarray, np.ndarray], ...] = ()) -> Surface:
    """A rigid part: solids blended by so many metres, cut square at (place, outward normal)."""
    bounds = [solid.bounds(3 * step) for solid, _ in solids]
    grid = DistanceGrid(np.min([low for low, _ in bounds], axis=0), np.max([high for _, high in bounds], axis=0), step)
    for solid, blend in solids:
        grid.add(solid, blend)
    for place, normal in cuts:
        grid.cut(place, normal, blend=0.006)
    vertices, triangles = grid.mesh()
    paint = np.column_stack([vertices, np.full(len(vertices), tone)])
    return Surface.build(vertices, triangles, one_bone(len(vertices), BONE[bone]), "shell", part, paint)


def _trunk(solids: BodySolids, step: float) -> list[Surface]:
    shape, joints = solids.shape, solids.joints
    hip_y, rows = shape.ankle + shape.leg, solids.trunk.rows
    up, down = np.array([0, 1.0, 0]), np.array([0, -1.0, 0])
    boxy = lambda low, high, wide, bone: Stack(np.column_stack([rows[:, 0], rows[:, 1] * wide, rows[:, 2:4] * 1.12, rows[:, 4]])[(rows[:, 0] > low) & (rows[:, 0] < high)], BONE[bone], 4.5)  # noqa: E731
    at = lambda share: np.array([0, hip_y + share * shape.torso, 0])  # noqa: E731
    chest, pelvis = boxy(at(0.36)[1], at(0.97)[1], 1.12, "chest"), boxy(at(-0.15)[1], at(0.20)[1], 1.02, "pelvis")
    core = at(0.55)
    belly = float(np.interp(at(0.3)[1], rows[:, 0], rows[:, 1])) * 0.72
    rings = [_part("spine", TORSO, DARK, step, [(Tube(at(0.08 + 0.095 * k), at(0.12 + 0.095 * k), (belly, belly)), 0.0)]) for k in range(3)]
    front = float(np.interp(core[1], chest.rows[:, 0], chest.rows[:, 2] + chest.rows[:, 4]))
    lamp = Ellipsoid(core + [0, 0.06 * shape.torso, front], (0.11 * shape.torso, 0.11 * shape.torso, 0.05 * shape.torso))
    neck = solids.limbs["neck"]
    return [
        _part("chest", TORSO, MAIN, step, [(chest, 0.0)], ((at(0.40), down),)), *rings,
        _part("pelvis", TORSO, SECOND, step, [(pelvis, 0.0)], ((at(0.16), up),)),
        _part("chest", TORSO, LIT, 0.5 * step, [(lamp, 0.0)]),
        _part("neck", HEAD, DARK, step, [(replace(neck, radii=tuple(0.85 * np.array(neck.radii))), 0.0)]),
        _part("chest", TORSO, SECOND, step, [(Tube(joints[BONE["neck"]] - [0, 0.05, 0], joints[BONE["neck"]] + [0, 0.012, 0], (0.088 * shape.thickness, 0.074 * shape.thickness)), 0.0)]),
    ]  # fmt: skip


def _between(tube: Tube, first: float, last: float, radii: tuple[float, ...]) -> Tube:
    """The tube from one share of its length to another with other radii, factors of its own mean one."""
    way, mean = tube.end - tube.start, float(np.mean(tube.radii))
    return Tube(tube.start + first * way, tube.start + last * way, tuple(mean * r for r in radii), tube.bone)


def _shell(tube: Tube, bone: str, part: int, tone: float, step: float, first: float, last: float, radii: tuple[float, ...]) -> Surface:
    """A limb's shell, cut square at both ends."""
    solid = _between(tube, first, last, radii)
    way = (solid.end - solid.start) / np.linalg.norm(solid.end - solid.start)
    return _part(bone, part, tone, step, [(solid, 0.0)], ((solid.start, -way), (solid.end, way)))


def _ball(place: np.ndarray, radius: float, bone: str, part: int, tone: float, step: float) -> Surface:
    return _part(bone, part, tone, step, [(Ellipsoid(place, (radius,) * 3), 0.0)])


def _arm(solids: BodySolids, side: str, step: float) -> list[Surface]:
    upper, lower, part = solids.limbs[f"{side}_upper_arm"], solids.limbs[f"{side}_forearm"], LEFT_ARM if side == "left" else RIGHT_ARM
    thick = float(np.mean(upper.radii))
    return [
        _ball(upper.start, 1.75 * thick, f"{side}_upper_arm", part, SECOND, step),
        _shell(upper, f"{side}_upper_arm", part, DARK, step, 0.1, 0.95, (0.66, 0.66)),
        _shell(upper, f"{side}_upper_arm", part, MAIN, step, 0.30, 0.80, (1.12, 1.2, 1.05)),
        _ball(lower.start, 0.98 * thick, f"{side}_forearm", part, DARK, step),
        _shell(lower, f"{side}_forearm_twist", part, DARK, step, 0.05, 0.99, (0.62, 0.68)),
        _shell(lower, f"{side}_forearm_twist", part, MAIN, step, 0.20, 0.92, (1.15, 1.55, 1.45, 1.20)),
        _shell(lower, f"{side}_forearm_twist", part, SECOND, step, 0.80, 0.90, (1.50, 1.45)),
    ]  # fmt: skip


def _leg(solids: BodySolids, side: str, step: float) -> list[Surface]:
    thigh, shin, part = solids.limbs[f"{side}_thigh"], solids.limbs[f"{side}_shin"], LEFT_LEG if side == "left" else RIGHT_LEG
    thick, f = float(np.mean(shin.radii)), solids.shape.foot
    ankle, sign = solids.joints[BONE[f"{side}_foot"]], 1.0 if side == "left" else -1.0
    sole = np.array([ankle[0], 0.004, ankle[2]])
    block = [Ellipsoid(ankle + np.array([sign * 0.003, -0.055, z]) * f, (0.062 * f, 0.072 * f, 0.078 * f)) for z in (-0.01, 0.055, 0.105)]
    return [
        _ball(thigh.start, 1.08 * float(np.mean(thigh.radii)), f"{side}_thigh", part, DARK, step),
        _shell(thigh, f"{side}_thigh", part, DARK, step, 0.0, 0.98, (0.55, 0.6)),
        _shell(thigh, f"{side}_thigh", part, MAIN, step, 0.18, 0.84, (1.15, 1.12, 0.95)),
        _ball(shin.start, 1.18 * thick, f"{side}_shin", part, DARK, step),
        _ball(shin.start + [0, 0.005, 0.75 * thick], 0.80 * thick, f"{side}_shin", part, SECOND, step),
        _shell(shin, f"{side}_shin", part, DARK, step, 0.0, 1.0, (0.62, 0.62)),
        _shell(shin, f"{side}_shin", part, MAIN, step, 0.16, 0.88, (1.18, 1.30, 1.22, 1.35)),
        _part(f"{side}_foot", part, SECOND, step, [(b, 0.02 * f) for b in block], ((sole, np.array([0, -1.0, 0])),)),
    ]  # fmt: skip


def robot_head(shape: BodyShape, origin: np.ndarray, seed: int, detail: float) -> list[Surface]:
    """Helmet, ear pieces, and a crest or aerials; origin: of the head at rest, metres."""
    rng = np.random.default_rng([seed, 83])
    step, size = 0.0054 / detail**0.9, shape.head
    ears = [Tube(np.array([s * 0.070, -0.004, -0.010]), np.array([s * 0.094, -0.004, -0.010]), (0.030, 0.024)) for s in (1.0, -1.0)]
    parts: list[tuple[float, list[Solid]]] = [(DARK, list(ears))]
    kind = str(rng.choice(["aerials", "aerial", "crest", "plain"]))
    if kind in ("aerials", "aerial"):
        roots = [np.array([s * 0.080, 0.02, -0.012]) for s in (1.0, -1.0)] if kind == "aerials" else [np.array([0.0, 0.10, -0.012])]
        for root in roots:
            tip = root + [0.35 * root[0], 0.105 if kind == "aerials" else 0.075, -0.01]
            parts += [(DARK, [Tube(root, tip, (0.006, 0.0045))]), (LIT, [Ellipsoid(tip, (0.012,) * 3)])]
    elif kind == "crest":
        parts.append((SECOND, [Tube(np.array([0.0, 0.105, 0.060]), np.array([0.0, 0.112, -0.085]), (0.014, 0.024, 0.018), 0, 0.6, (1, 0, 0))]))
    made = [_helmet(step)] + [_solid_mesh(tone, solids, step) for tone, solids in parts]
    surfaces = []
    for vertices, triangles, tone in made:
        paint = np.column_stack([vertices, np.full(len(vertices), tone)])
        surfaces.append(Surface.build(origin + vertices * size, triangles, one_bone(len(vertices), BONE["head"]), "shell", HEAD, paint))
    return surfaces


def _solid_mesh(tone: float, solids: list[Solid], step: float) -> tuple[np.ndarray, np.ndarray, float]:
    grid = DistanceGrid(np.array([-0.17, -0.10, -0.16]), np.array([0.17, 0.26, 0.13]), step)
    for solid in solids:
        grid.add(solid, 0.0)
    return *grid.mesh(), tone


def _helmet(step: float) -> tuple[np.ndarray, np.ndarray, float]:
    """A shell round skull and nape with a window for the face."""
    grid = DistanceGrid(np.array([-0.13, -0.14, -0.16]), np.array([0.13, 0.17, 0.15]), step)
    grid.add(Ellipsoid(np.array([0, 0.022, -0.016]), (0.089, 0.104, 0.104)), 0.0)
    grid.add(Tube(np.array([0, 0.0, -0.05]), np.array([0, -0.085, -0.04]), (0.080, 0.066)), 0.02)
    grid.carve(Ellipsoid(np.array([0, -0.052, 0.120]), (0.0685, 0.112, 0.105)), 0.004)
    grid.cut(np.array([0, -0.088, 0.0]), np.array([0, -1.0, 0]), blend=0.006)
    return *grid.mesh(), MAIN
