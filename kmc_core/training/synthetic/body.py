"""The naked body: solids of trunk and limbs, the seamless mesh they blend into, and the skin weights every garment shares.

Not here: hands (hands.py), head (head.py), clothes (clothes.py). Model axes: x subject's left, y up, z front; metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .implicit import DistanceGrid, Ellipsoid, Stack, Tube
from .skeleton import BONE, BONES, BodyShape, rest_joints
from .surface import HEAD, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, TORSO, Surface


@dataclass(frozen=True)
class BodySolids:
    """trunk: the Stack from crotch to neck base; limbs: Tubes by name; lumps: shoulders, their slopes, buttocks, bust."""

    shape: BodyShape
    joints: np.ndarray
    trunk: Stack
    limbs: dict[str, Tube]
    lumps: tuple[Ellipsoid | Tube, ...]
    feet: dict[str, tuple[Ellipsoid, ...]]


def body_solids(shape: BodyShape) -> BodySolids:
    """The solids of a body of these proportions at rest."""
    joints = rest_joints(shape)
    return BodySolids(shape, joints, _trunk(shape, joints), _limbs(shape, joints), _lumps(shape, joints), _feet(shape, joints))


def _trunk(shape: BodyShape, joints: np.ndarray) -> Stack:
    hip_y, length, t = shape.ankle + shape.leg, shape.torso, shape.thickness
    chest_w, hip_w = shape.shoulder * 0.80, shape.hip + 0.064 * t * shape.hips
    waist_w = 0.5 * (chest_w + hip_w) * 0.86 * shape.waist
    belly = shape.belly
    table = [  # height, half width, front, back, centre z
        (-0.16, hip_w * 0.50, 0.060, 0.070, -0.008),
        (-0.06, hip_w * 0.93, 0.085, 0.100, -0.008),
        (0.04, hip_w * 1.00, 0.092, 0.105, -0.006),
        (0.22, hip_w * 0.5 + waist_w * 0.5, 0.092, 0.088, 0.0),
        (0.38, waist_w, 0.090, 0.080, 0.002),
        (0.55, waist_w * 0.45 + chest_w * 0.55, 0.100, 0.090, -0.002),
        (0.72, chest_w, 0.108 * shape.chest, 0.102, -0.008),
        (0.85, chest_w * 0.93, 0.092 * shape.chest, 0.098, -0.014),
        (0.94, chest_w * 0.62, 0.062, 0.080, -0.018),
        (1.00, chest_w * 0.34, 0.045, 0.060, -0.020),
    ]
    rows = np.array(table)
    bulge = np.exp(-(((rows[:, 0] - 0.30) / 0.22) ** 2)) * belly
    rows[:, 1] += 0.055 * bulge
    rows[:, 2] = rows[:, 2] * (0.6 + 0.4 * t) + 0.13 * bulge
    rows[:, 3] = rows[:, 3] * (0.6 + 0.4 * t) + 0.02 * bulge
    scale = (length / 0.50) ** 0.35  # depth follows the size of the body, less than its height
    rows[:, 2:] *= scale
    rows[:, 0] = hip_y + rows[:, 0] * length
    dense = np.linspace(rows[0, 0], rows[-1, 0], 40)
    return Stack(np.column_stack([dense] + [_smooth(dense, rows[:, 0], rows[:, k]) for k in range(1, 5)]), BONE["spine"])


def _smooth(where: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(places, values)(where)


def _limbs(shape: BodyShape, joints: np.ndarray) -> dict[str, Tube]:
    t = shape.thickness
    arm_scale, leg_scale = (shape.arm / 0.53) ** 0.5 * t, (shape.leg / 0.80) ** 0.5 * t
    limbs = {}
    neck = joints[BONE["neck"]]
    head = joints[BONE["head"]]
    r = 0.054 * (0.5 + 0.5 * t) * (0.55 + 0.45 * shape.head)
    limbs["neck"] = Tube(neck + [0, -0.035, 0.0], head + np.array([0.0, 0.02, 0.012]) * shape.head, (r * 1.18, r * 1.0, r * 0.97, r * 0.97), BONE["neck"])
    wrist_scale = 0.6 * arm_scale + 0.4 * shape.hand
    for side in ("left", "right"):
        at = lambda name, side=side: joints[BONE[f"{side}_{name}"]]  # noqa: E731
        limbs[f"{side}_upper_arm"] = Tube(
            at("upper_arm"), at("forearm"), tuple(arm_scale * np.array([0.053, 0.050, 0.047, 0.043, 0.039])), BONE[f"{side}_upper_arm"]
        )
        limbs[f"{side}_forearm"] = Tube(
            at("forearm"), at("hand"), (*(arm_scale * np.array([0.039, 0.042, 0.038, 0.031])), 0.0255 * wrist_scale), BONE[f"{side}_forearm"]
        )
        limbs[f"{side}_thigh"] = Tube(
            at("thigh") + [0, 0.01, 0], at("shin"), tuple(leg_scale * np.array([0.078, 0.082, 0.073, 0.062, 0.053])), BONE[f"{side}_thigh"]
        )
        limbs[f"{side}_shin"] = Tube(
            at("shin"), at("foot"), tuple(leg_scale * np.array([0.053, 0.056, 0.053, 0.042, 0.035])), BONE[f"{side}_shin"]
        )
    return limbs


def _lumps(shape: BodyShape, joints: np.ndarray) -> tuple[Ellipsoid | Tube, ...]:
    t, lumps = shape.thickness, []
    hip_y = shape.ankle + shape.leg
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder = joints[BONE[f"{side}_upper_arm"]]
        r = 0.054 * t * (shape.arm / 0.53) ** 0.5
        lumps.append(Ellipsoid(shoulder + [-sign * 0.010, -0.006, 0], (r, r * 0.95, r), BONE[f"{side}_upper_arm"]))
        neck = joints[BONE["neck"]]
        lumps.append(Tube(neck + [sign * 0.012, 0.022, -0.004], shoulder + [-sign * 0.012, 0.012, -0.006], (0.038 * t, 0.036 * t, 0.036 * t), BONE[f"{side}_clavicle"]))
        size = 0.088 * t * shape.hips * (shape.torso / 0.5) ** 0.5
        lumps.append(Ellipsoid(np.array([sign * shape.hip * 0.82, hip_y - 0.03, -0.055]), (size * 0.9, size, size * 0.85), BONE["pelvis"]))
        if shape.bust > 0.02:
            b = 0.068 * shape.bust**0.5
            lumps.append(Ellipsoid(np.array([sign * shape.shoulder * 0.46, hip_y + 0.71 * shape.torso, 0.075 + 0.02 * shape.bust]), (b, b, b * 0.9), BONE["chest"]))
    return tuple(lumps)


def _feet(shape: BodyShape, joints: np.ndarray) -> dict[str, tuple[Ellipsoid, ...]]:
    feet, f = {}, shape.foot
    for side, sign in (("left", 1.0), ("right", -1.0)):
        ankle, bone = joints[BONE[f"{side}_foot"]], BONE[f"{side}_foot"]
        feet[side] = (
            Ellipsoid(ankle + np.array([0, -0.045, -0.022]) * f, (0.034 * f, 0.034 * f, 0.044 * f), bone),
            Ellipsoid(ankle + np.array([0, -0.040, 0.050]) * f, (0.037 * f, 0.036 * f, 0.080 * f), bone),
            Ellipsoid(ankle + np.array([sign * 0.003, -0.052, 0.118]) * f, (0.045 * f, 0.026 * f, 0.062 * f), bone),
        )
    return feet


def skin_weights(solids: BodySolids, points: np.ndarray, spread: float = 0.020) -> np.ndarray:
    """Weights [N,B] of points [N,3] near the body: a soft choice of the nearest solid, trunk split by height.

    spread: metres over which neighbours mix; garments pass the same value so that they move with the skin.
    """
    x, y, z = (points[:, k].astype(np.float32) for k in range(3))
    shape, joints = solids.shape, solids.joints
    names, distances = ["trunk"], [solids.trunk.distance(x, y, z) + 0.004]
    for name, tube in solids.limbs.items():
        names.append(name)
        distances.append(tube.distance(x, y, z))
    for side in ("left", "right"):
        names.append(f"{side}_foot")
        distances.append(np.min([e.distance(x, y, z) for e in solids.feet[side]], axis=0))
    table = np.stack(distances)
    soft = np.array([spread * (1.9 if n == "trunk" or "thigh" in n else 1.5 if "upper_arm" in n else 1.0) for n in names])[:, None]
    table = (table - table.min(0)) / soft
    for k, name in enumerate(names):  # a thigh never pulls the other leg's side
        if name.startswith(("left", "right")):
            sign = 1.0 if name.startswith("left") else -1.0
            table[k] += np.maximum(-sign * x - 0.004, 0.0) / 0.010
    strength = np.exp(-np.minimum(table, 40.0) ** 1.5)
    strength /= strength.sum(0)
    weights = np.zeros((len(points), len(BONES)), np.float32)
    for k, name in enumerate(names[1:], start=1):
        weights[:, BONE[name]] += strength[k]
    low, high = joints[BONE["spine"]][1], joints[BONE["chest"]][1]
    step = lambda a, b: (lambda u: u * u * (3 - 2 * u))(np.clip((y - a) / (b - a), 0, 1))  # noqa: E731
    above_spine = step(low - 0.16 * shape.torso, low + 0.16 * shape.torso)
    above_chest = step(high - 0.15 * shape.torso, high + 0.20 * shape.torso)
    clavicle = step(high + 0.22 * shape.torso, high + 0.45 * shape.torso) * np.clip(np.abs(x) / shape.shoulder - 0.25, 0, 0.75) / 0.75
    trunk = strength[0]
    weights[:, BONE["pelvis"]] += trunk * (1 - above_spine)
    weights[:, BONE["spine"]] += trunk * above_spine * (1 - above_chest)
    weights[:, BONE["chest"]] += trunk * above_chest * (1 - clavicle)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        weights[:, BONE[f"{side}_clavicle"]] += trunk * above_chest * clavicle * (sign * x > 0)
        tube, forearm = solids.limbs[f"{side}_forearm"], BONE[f"{side}_forearm"]
        share = np.clip(tube.along(x, y, z), 0, 1) ** 1.5
        weights[:, BONE[f"{side}_forearm_twist"]] += weights[:, forearm] * share
        weights[:, forearm] *= 1 - share
    head_share = step(joints[BONE["head"]][1] - 0.03, joints[BONE["head"]][1] + 0.03)
    weights[:, BONE["head"]] += weights[:, BONE["neck"]] * head_share
    weights[:, BONE["neck"]] *= 1 - head_share
    return weights


def part_of(weights: np.ndarray) -> np.ndarray:
    """Part id [N] of vertices by their strongest group of bones."""
    groups = {
        TORSO: ("pelvis", "spine", "chest", "left_clavicle", "right_clavicle"), HEAD: ("neck", "head"),
        LEFT_ARM: ("left_upper_arm", "left_forearm", "left_forearm_twist", "left_hand"), RIGHT_ARM: ("right_upper_arm", "right_forearm", "right_forearm_twist", "right_hand"),
        LEFT_LEG: ("left_thigh", "left_shin", "left_foot"), RIGHT_LEG: ("right_thigh", "right_shin", "right_foot"),
    }  # fmt: skip
    return np.argmax(np.stack([weights[:, [BONE[b] for b in groups[g]]].sum(1) for g in range(6)], axis=1), axis=1)


def body_field(solids: BodySolids, step: float) -> DistanceGrid:
    """The distance field of the whole body without hands and head."""
    low, high = solids.joints.min(0) - [0.12, 0.12, 0.25], solids.joints.max(0) + [0.12, 0.10, 0.30]
    low[1] = -0.03
    low[2], high[2] = min(low[2], -0.24 - 0.1 * solids.shape.belly), max(high[2], 0.24 + 0.14 * solids.shape.belly)
    grid = DistanceGrid(low, high, step)
    grid.add(solids.trunk, 0.01)
    for lump in solids.lumps:
        grid.add(lump, 0.035)
    for name, tube in solids.limbs.items():
        if "thigh" not in name and "shin" not in name:
            grid.add(tube, 0.040 if "upper_arm" in name or name == "neck" else 0.007)
    add_legs(grid, {n: t for n, t in solids.limbs.items() if "thigh" in n or "shin" in n})
    for side in ("left", "right"):
        for lump in solids.feet[side]:
            grid.add(lump, 0.020)
    return grid


def add_legs(grid: DistanceGrid, legs: dict[str, Tube], thigh_blend: float = 0.035) -> None:
    """Adds each leg to its own copy of the trunk, so that the two legs never melt into each other."""
    trunk, sides = grid.values, []
    for side in ("left", "right"):
        grid.values = trunk.copy()
        for name, tube in legs.items():
            if name.startswith(side):
                grid.add(tube, thigh_blend if "thigh" in name else 0.007)
        sides.append(grid.values)
    grid.values = np.minimum(*sides)


def body_surface(solids: BodySolids, grid: DistanceGrid) -> Surface:
    """The skin of the body without hands and head."""
    vertices, triangles = grid.mesh()
    weights = skin_weights(solids, vertices)
    return Surface.build(vertices, triangles, weights, "skin", part_of(weights)[triangles[:, 0]])
