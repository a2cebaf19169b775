"""Garments as thickened, flared and cut copies of the body's own solids, skinned with the body's weights.

Not here: cloth patterns (paint.py). Model axes, metres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .body import BodySolids, add_legs, part_of, skin_weights
from .implicit import DistanceGrid, Ellipsoid, Stack, Tube
from .skeleton import BONE, BodyShape
from .surface import LEFT_LEG, RIGHT_LEG, SKIRT, Surface


@dataclass(frozen=True)
class Outfit:
    """Lengths are shares: sleeve 0 (none) .. 1 (wrist); leg 0.15 (shorts) .. 1 (ankle); skirt 0 (none) .. 1 (floor)."""

    sleeve: float = 0.35
    leg: float = 0.98
    skirt: float = 0.0
    dress: bool = False
    coat: float = 0.0
    loose: float = 1.0
    leg_loose: float = 0.5
    flare: float = 0.0
    collar: bool = False
    shoe: str = "sneaker"

    @property
    def untucked(self) -> bool:
        """The top hangs over the trousers."""
        return self.loose > 0.8 and not self.dress and self.skirt == 0

    def tucked_leg(self, shape: BodyShape) -> float:
        """Longest trouser leg: boots swallow the end."""
        return 1.0 - 0.15 * shape.foot / shape.leg if self.shoe == "boot" and self.flare < 0.3 else 1.0

    @property
    def top_offset(self) -> float:
        """How far the top stands off the skin, metres."""
        return 0.006 + 0.010 * self.loose


def garments(solids: BodySolids, outfit: Outfit, step: float) -> list[tuple[Surface, DistanceGrid, float]]:
    """Surfaces with the field each covers (skin deeper than the last number inside the field is hidden)."""
    made = []
    if not outfit.dress and outfit.skirt == 0:
        made.append((*_trousers(solids, outfit, step), 0.003))
    if outfit.skirt > 0:  # nothing beneath it: the bell is closed below
        made.append((*_skirt(solids, outfit, step), 0.003))
    made.append((*_top(solids, outfit, step), 0.003))
    if outfit.coat > 0:
        made.append((*_coat(solids, outfit, step), 0.004))
    made.append((*_shoes(solids, outfit, step * 0.75), 0.002))
    return made


def _bounds(solids: BodySolids) -> tuple[np.ndarray, np.ndarray]:
    low, high = solids.joints.min(0) - [0.10, 0.12, 0.30], solids.joints.max(0) + [0.10, 0.0, 0.34]
    high[1] = solids.joints[BONE["neck"]][1] + 0.08
    return low, high


def _sleeves(grid: DistanceGrid, solids: BodySolids, length: float, offset: float, flare: float) -> None:
    """Adds both sleeves, each cut square at `length` of the arm."""
    for side in ("left", "right"):
        upper, lower = solids.limbs[f"{side}_upper_arm"], solids.limbs[f"{side}_forearm"]
        sleeve = grid.like()
        sleeve.add(replace(upper, radii=tuple(np.array(upper.radii) + offset * np.linspace(0.9, 1 + 0.6 * flare, len(upper.radii)))), 0.0)
        if length > 0.5:
            radii = np.array(lower.radii) + offset * np.linspace(1.0, 0.8 + 2.2 * flare, len(lower.radii))
            sleeve.add(replace(lower, radii=tuple(np.maximum(radii, lower.radii[-1] + offset * 0.7))), 0.006)
        shoulder, wrist = upper.start, lower.end
        sleeve.cut(shoulder + (wrist - shoulder) * length, (wrist - shoulder) / np.linalg.norm(wrist - shoulder))
        grid.merge(sleeve, 0.030)


def _top(solids: BodySolids, outfit: Outfit, step: float) -> tuple[Surface, DistanceGrid]:
    shape, joints = solids.shape, solids.joints
    grid = DistanceGrid(*_bounds(solids), step)
    offset = outfit.top_offset
    grid.add(solids.trunk, 0.01, offset)
    for lump in solids.lumps:
        grid.add(lump, 0.035, offset * (0.8 if lump.bone in (BONE["left_upper_arm"], BONE["right_upper_arm"]) else 1.0))
    if outfit.loose > 0.8:
        rows = solids.trunk.rows.copy()
        waist = joints[BONE["spine"]][1]
        inside = rows[:, 0] > waist - 0.16 * shape.torso
        hang = rows[inside][:, [0, 1, 2, 3, 4]].copy()
        hang[:, 1:4] = np.maximum(hang[:, 1:4], 0.90 * rows[rows[:, 0] < joints[BONE["chest"]][1] + 0.2 * shape.torso][:, 1:4].max(0) * [1, 0.9, 0.8] * np.clip((joints[BONE["neck"]][1] - hang[:, :1]) / (0.4 * shape.torso), 0, 1))
        grid.add(Stack(hang, exponent=2.4), 0.03, offset * 0.5)
    untucked = outfit.untucked
    if untucked:
        for side in ("left", "right"):
            thigh = solids.limbs[f"{side}_thigh"]
            grid.add(replace(thigh, radii=tuple(np.array(thigh.radii) + offset + 0.002)), 0.03)
    if outfit.sleeve > 0.05:
        _sleeves(grid, solids, outfit.sleeve, offset * 0.9, outfit.flare)
    hem = shape.ankle + shape.leg + (-0.10 if untucked else 0.16) * shape.torso
    neck_y = joints[BONE["neck"]][1]
    box_low, box_high = _bounds(solids)
    inner = shape.shoulder * 1.35
    grid.cut(np.array([0, hem, 0]), np.array([0, -1.0, 0]), box_low * [0, 1, 1] + [-inner, 0, 0], box_high * [0, 1, 1] + [inner, 0, 0])
    size = 0.45 + 0.55 * shape.head / 1.12
    grid.carve(Ellipsoid(np.array([0, neck_y + 0.030, 0.022]), (0.079 * size, 0.080 * size, 0.084 * size)), 0.003)
    if outfit.sleeve <= 0.05:
        for sign in (1.0, -1.0):
            place = joints[BONE["left_upper_arm" if sign > 0 else "right_upper_arm"]]
            grid.cut(place + [-sign * 0.030, 0, 0], np.array([sign, 0.12, 0.0]), np.array([sign * shape.shoulder * 0.6 if sign > 0 else -1.5, place[1] - 0.16, -1]), np.array([1.5 if sign > 0 else -shape.shoulder * 0.6, place[1] + 0.2, 1]))
    return _cloth(solids, grid, "top"), grid


def _cloth(solids: BodySolids, grid: DistanceGrid, material: str, spread: float = 0.024) -> Surface:
    vertices, triangles = grid.mesh()
    weights = skin_weights(solids, vertices, spread)
    paint = leg_coordinates(solids, vertices) if material == "bottom" else pattern_coordinates(solids, vertices, weights)
    return Surface.build(vertices, triangles, weights, material, part_of(weights)[triangles[:, 0]], paint)


def _round(x: np.ndarray, z: np.ndarray, half: float, deep: float) -> np.ndarray:
    """Way round an ellipse from the middle of its front to the side seam, metres; the back mirrors the front."""
    return np.arctan2(x / half, np.abs(z) / deep) * float(np.hypot(half, deep) / 2**0.5)


def pattern_coordinates(solids: BodySolids, points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Cloth coordinates [N,4]: across (round the body), along (up from the middle of the chest, down a limb), depth, limb share; metres."""
    middle = solids.joints[BONE["chest"]][1] + 0.20 * solids.shape.torso
    half, deep = (float(v) for v in solids.trunk.rows[8:36, 1:3].mean(0))
    across, along, depth = _round(points[:, 0], points[:, 2], half, deep), points[:, 1] - middle, points[:, 2]
    limb = np.zeros(len(points))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        tube = solids.limbs[f"{side}_upper_arm"]
        axis = (tube.end - tube.start) / np.linalg.norm(tube.end - tube.start)
        arm = part_of(weights) == (2 if sign > 0 else 3)
        share = weights[:, [BONE[f"{side}_{b}"] for b in ("upper_arm", "forearm", "forearm_twist", "hand")]].sum(1)
        offset = points - tube.start
        t = offset @ axis
        side_axis = np.cross(axis, [0, 0, 1.0])
        along = along * (1 - share) + share * (tube.start[1] - middle - t)
        radius = float(np.mean(tube.radii)) + 0.012
        across = np.where(arm, _round(offset @ side_axis, offset @ np.cross(axis, side_axis), radius, radius) * share + across * (1 - share), across)
        limb = np.maximum(limb, share)
    return np.column_stack([across, along, depth, limb])


def leg_coordinates(solids: BodySolids, points: np.ndarray) -> np.ndarray:
    """Cloth coordinates [N,4] of trousers and skirts: across (round the hips, further down round each leg), up from the waistband, depth, 0."""
    shape = solids.shape
    hip_y, row = shape.ankle + shape.leg, solids.trunk.rows[8]
    hips = _round(points[:, 0], points[:, 2], float(row[1]), float(row[2]))
    thigh = solids.limbs["left_thigh"]
    radius = float(np.mean(thigh.radii)) + 0.01
    leg = np.sign(points[:, 0]) * _round(np.abs(points[:, 0]) - float(thigh.start[0]), points[:, 2], radius, radius)
    share = np.clip((hip_y - 0.04 - points[:, 1]) / 0.12, 0, 1)
    return np.column_stack([hips * (1 - share) + leg * share, points[:, 1] - hip_y - 0.20 * shape.torso, points[:, 2], np.zeros(len(points))])


def _trousers(solids: BodySolids, outfit: Outfit, step: float) -> tuple[Surface, DistanceGrid]:
    """Trousers or shorts; ends tucked into boots."""
    shape, joints = solids.shape, solids.joints
    low, high = _bounds(solids)
    high[1] = joints[BONE["spine"]][1] + 0.12
    span = shape.hip + 0.20 * shape.thickness + 0.08 * shape.belly
    low[0], high[0] = -span, span
    grid = DistanceGrid(low, high, step)
    offset = 0.004 + 0.008 * outfit.leg_loose
    grid.add(solids.trunk, 0.01, offset * 0.9 if outfit.untucked else outfit.top_offset + 0.005)
    for lump in solids.lumps:
        if lump.bone == BONE["pelvis"]:
            grid.add(lump, 0.035, offset * 0.7 if outfit.untucked else outfit.top_offset + 0.004)
    legs = {}
    for side in ("left", "right"):
        thigh, shin = solids.limbs[f"{side}_thigh"], solids.limbs[f"{side}_shin"]
        legs[f"{side}_thigh"] = replace(thigh, radii=tuple(np.array(thigh.radii) + offset * np.linspace(0.8, 0.8 + 0.7 * outfit.leg_loose, len(thigh.radii))))
        if outfit.leg > 0.45:
            widen = np.linspace(0.8 + 0.7 * outfit.leg_loose, 1.0 + outfit.leg_loose + 2.5 * outfit.flare, len(shin.radii))
            legs[f"{side}_shin"] = replace(shin, radii=tuple(np.array(shin.radii) + offset * widen + [0, 0, 0.002, 0.006, 0.006]))
    add_legs(grid, legs)
    grid.cut(np.array([0, shape.ankle + shape.leg * (1 - min(outfit.leg, outfit.tucked_leg(shape))) - 0.01, 0]), np.array([0, -1.0, 0]))
    grid.cut(np.array([0, shape.ankle + shape.leg + 0.20 * shape.torso, 0]), np.array([0, 1.0, 0]))
    return _cloth(solids, grid, "bottom"), grid


def _skirt(solids: BodySolids, outfit: Outfit, step: float) -> tuple[Surface, DistanceGrid]:
    """A bell from the waist; its lower part follows both thighs."""
    shape = solids.shape
    hip_y = shape.ankle + shape.leg
    waist, hem = hip_y + 0.22 * shape.torso, hip_y - shape.leg * (0.12 + 0.80 * outfit.skirt)
    rows = solids.trunk.rows
    at = lambda y: np.array([np.interp(y, rows[:, 0], rows[:, k]) for k in range(1, 5)])  # noqa: E731
    heights = np.linspace(hem, waist, 24)
    hips = at(hip_y + 0.02)
    hips[0] = max(hips[0], shape.hip + max(solids.limbs["left_thigh"].radii) + outfit.top_offset)
    table = []
    for y in heights:
        fall = np.clip((hip_y + 0.03 - y) / shape.leg, 0, 1)
        body = at(max(y, hip_y)) + np.array([1, 1, 1, 0]) * (outfit.top_offset + 0.006)
        spread = (0.10 + 0.30 * outfit.flare) * fall
        thigh = max(max(solids.limbs["left_thigh"].radii) ** 2 - max(y - hip_y - 0.01, 0.0) ** 2, 0.0) ** 0.5 + outfit.top_offset + 0.018
        table.append((y, max(body[0], hips[0] * (y < hip_y), shape.hip + thigh) + spread, max(body[1], thigh - body[3]) + spread * 0.85, max(body[2], hips[2] * 1.25 * (y < hip_y + 0.03)) + spread * 0.8, body[3]))
    stack = Stack(np.array(table), exponent=2.15)
    reach = stack.rows[:, 1:4].max() + 0.05
    grid = DistanceGrid(np.array([-reach, hem - 0.04, -reach]), np.array([reach, waist + 0.04, reach]), step)
    grid.add(stack, 0.0)
    for lump in solids.lumps:
        if lump.bone == BONE["pelvis"]:
            grid.add(lump, 0.04, outfit.top_offset + 0.006)
    grid.cut(np.array([0, hem, 0]), np.array([0, -1.0, 0]))
    vertices, triangles = grid.mesh()
    weights = skirt_weights(solids, vertices)
    across = _round(vertices[:, 0], vertices[:, 2], float(hips[0]), float(hips[1]))
    return Surface.build(vertices, triangles, weights, "skirt", SKIRT, np.column_stack([across, vertices[:, 1] - waist, vertices[:, 2], 0 * across])), grid


def skirt_weights(solids: BodySolids, points: np.ndarray) -> np.ndarray:
    """Pelvis at the waist, both thighs (mixed across the middle) further down, some shin below the knees."""
    weights = skin_weights(solids, points)
    shape = solids.shape
    hip_y = shape.ankle + shape.leg
    down = np.clip((hip_y + 0.03 - points[:, 1]) / (0.42 * shape.leg), 0, 1)
    down = 0.92 * down * down * (3 - 2 * down)
    left = np.clip(0.5 + points[:, 0] / (2.6 * shape.hip), 0, 1)
    shin = 0.5 * np.clip((shape.ankle + 0.47 * shape.leg - points[:, 1]) / (0.3 * shape.leg), 0, 1)
    weights[:, [BONE[f"{s}_{b}"] for s in ("left", "right") for b in ("thigh", "shin", "foot")]] = 0
    total = weights.sum(1, keepdims=True)
    weights[:, BONE["pelvis"]] += np.where(total[:, 0] < 1e-3, 1.0, 0.0)
    weights = weights / weights.sum(1, keepdims=True) * (1 - down)[:, None]
    for side, share in (("left", left), ("right", 1 - left)):
        weights[:, BONE[f"{side}_thigh"]] += down * share * (1 - shin)
        weights[:, BONE[f"{side}_shin"]] += down * share * shin
    return weights


def _coat(solids: BodySolids, outfit: Outfit, step: float) -> tuple[Surface, DistanceGrid]:
    """An open coat: a shell outside the top, cut free along the front."""
    shape, joints = solids.shape, solids.joints
    hip_y = shape.ankle + shape.leg
    low, high = _bounds(solids)
    grid = DistanceGrid(low, high, step)
    offset = outfit.top_offset + (0.022 if outfit.untucked else 0.014)
    grid.add(solids.trunk, 0.01, offset)
    for lump in solids.lumps:
        grid.add(lump, 0.05, offset)
    hem = hip_y - shape.leg * (0.05 + 0.6 * outfit.coat)
    hips = np.array([np.interp(hip_y + 0.02, solids.trunk.rows[:, 0], solids.trunk.rows[:, k]) for k in range(1, 5)])
    heights = np.linspace(hem, hip_y + 0.08, 12)
    fall = (hip_y + 0.08 - heights) / shape.leg
    grid.add(Stack(np.column_stack([heights, hips[0] + offset + 0.12 * fall, hips[1] + offset + 0.10 * fall, hips[2] * 1.2 + offset + 0.10 * fall, np.full(12, hips[3])])), 0.03)
    _sleeves(grid, solids, 0.97, offset * 0.85, 0.25)
    grid.cut(np.array([0, hem, 0]), np.array([0, -1.0, 0]), low * [0, 1, 1] + [-0.4, 0, 0], high * [0, 1, 1] + [0.4, 0, 0])
    opening = Tube(np.array([0, hem - 0.1, 0.26]), np.array([0, joints[BONE["neck"]][1] + 0.05, 0.16]), (0.13, 0.115, 0.10, 0.085))
    grid.carve(replace(opening, flat=1.9, flat_axis=(0, 0, 1)), 0.004)
    grid.carve(Tube(np.array([0, joints[BONE["neck"]][1] - 0.01, 0.02]), np.array([0, joints[BONE["neck"]][1] + 0.15, 0.02]), (0.062, 0.10)), 0.004)
    vertices, triangles = grid.mesh()
    weights = skin_weights(solids, vertices, 0.026)
    below = np.clip((hip_y + 0.02 - vertices[:, 1]) / 0.12, 0, 1)[:, None] * (np.abs(vertices[:, :1]) < shape.shoulder * 1.6)
    weights = weights * (1 - below) + skirt_weights(solids, vertices) * below
    return Surface.build(vertices, triangles, weights, "coat", part_of(weights)[triangles[:, 0]], pattern_coordinates(solids, vertices, weights)), grid


def _shoes(solids: BodySolids, outfit: Outfit, step: float) -> tuple[Surface, DistanceGrid]:
    f, joints = solids.shape.foot, solids.joints
    ankles = [joints[BONE[f"{side}_foot"]] for side in ("left", "right")]
    high_top = outfit.shoe == "boot"
    top = 0.20 * f if high_top else 0.012 * f
    low = np.array([ankles[1][0] - 0.10 * f, -0.01, ankles[0][2] - 0.11 * f])
    high = np.array([ankles[0][0] + 0.10 * f, ankles[0][1] + top + 0.04, ankles[0][2] + 0.24 * f])
    grid = DistanceGrid(low, high, step)
    for ankle, sign, side in ((ankles[0], 1.0, "left"), (ankles[1], -1.0, "right")):
        bone = BONE[f"{side}_foot"]
        for centre, radius in (
            ((0, -0.040, -0.026), (0.043, 0.046, 0.052)), ((sign * 0.002, -0.044, 0.045), (0.046, 0.044, 0.085)),
            ((sign * 0.004, -0.052, 0.115), (0.053, 0.034, 0.070)), ((0, -0.008, -0.012), (0.045, 0.050, 0.052)),
        ):  # fmt: skip
            grid.add(Ellipsoid(ankle + np.array(centre) * f, tuple(np.array(radius) * f), bone), 0.022 * f)
        if high_top:
            shin = solids.limbs[f"{side}_shin"]
            grid.add(replace(shin, radii=tuple(np.array(shin.radii) + 0.026)), 0.03)
    grid.cut(np.array([0, ankles[0][1] + top, 0]), np.array([0, 1.0, 0]))
    grid.cut(np.array([0, 0.002, 0]), np.array([0, -1.0, 0]))
    vertices, triangles = grid.mesh()
    weights = skin_weights(solids, vertices)
    foot = np.clip((solids.shape.ankle + 0.03 - vertices[:, 1]) / 0.05, 0, 1)[:, None]
    rigid = np.zeros_like(weights)
    rigid[np.arange(len(vertices)), np.where(vertices[:, 0] > 0, BONE["left_foot"], BONE["right_foot"])] = 1.0
    weights = weights * (1 - foot) + rigid * foot
    part = np.where(vertices[triangles[:, 0], 0] > 0, LEFT_LEG, RIGHT_LEG)
    return Surface.build(vertices, triangles, weights, "shoe", part, np.column_stack([vertices, vertices[:, 1] / f])), grid
