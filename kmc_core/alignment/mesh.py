"""Triangle grids over the layers and the weights by which bones, torso, thighs and head move their vertices.

Not here: the movement itself (deform.py). Called once per view by the aligner.
Linear blend skinning (Magnenat-Thalmann et al. 1988); a limb's weights change across each joint's bisector plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pose.skeleton_layouts import PELVIS
from ..types import SubjectView
from .capsules import distance_to_segment, smoothstep, unit
from .layers import ALPHA, Layer
from .part_model import HIPS, L_ARM, L_LEG, LIMB_JOINTS, R_ARM, R_LEG, TORSO, PartModel
from .profile import in_profile

CELL_PX_AT_768 = 8.0
CELLS_PER_RADIUS = 3.0  # a folded elbow turns its cloth round within two radii: wide cells would cut its corner off
SHORTEST_IN_RADII = 2.0
MOST_OFF_CENTRE = 0.6  # half-widths of a limb that its middle may lie beside the joint


@dataclass(frozen=True)
class Mesh:
    """vertices: float64 [N,2] picture px; triangles: int64 [M,3]."""

    vertices: np.ndarray
    triangles: np.ndarray


@dataclass(frozen=True)
class LimbWeights:
    """bones [N,3] shares of a limb's three bones; torso [N] share of the torso's own movement (limb root);
    other_leg [N] share of the other leg's bones and other_bones [N,3] (cloth hanging between the legs);
    bend [2] px from the limb's middle joint (elbow, knee) to the middle of the limb there."""

    bones: np.ndarray
    torso: np.ndarray
    other_leg: np.ndarray
    other_bones: np.ndarray
    bend: np.ndarray


def grid_mesh(layer: Layer, longest_side_px: int, radius_px: float = np.inf) -> Mesh:
    """Square cells (8 px on a 768 px picture, a third of a limb's half-width), two triangles each, wherever the layer is not empty."""
    cell = max(2.0, min(CELL_PX_AT_768 * longest_side_px / 768, radius_px / CELLS_PER_RADIUS))
    occupied = cv2.dilate((layer.texture[..., ALPHA] > 0.02).astype(np.uint8), np.ones((3, 3), np.uint8))
    height, width = occupied.shape
    rows, columns = int(np.ceil(height / cell)), int(np.ceil(width / cell))
    y, x = np.nonzero(occupied)
    used = np.zeros((rows, columns), bool)
    used[(y / cell).astype(int), (x / cell).astype(int)] = True
    corner = np.arange((rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    quads = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], -1)[used]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    kept, triangles = np.unique(triangles, return_inverse=True)
    vertices = np.stack([kept % (columns + 1), kept // (columns + 1)], 1) * cell + np.array(layer.origin)
    return Mesh(vertices, triangles.reshape(-1, 3).astype(np.int64))


def limb_weights(
    view: SubjectView, model: PartModel, part: int, vertices: np.ndarray, skirt_is_cut: bool = False
) -> LimbWeights:
    """Weights of one arm or leg for vertices [N,2]; skirt_is_cut: the cloth between the legs belongs to the trunk (skirt.py)."""
    chain = view.joints[list(LIMB_JOINTS[part]), :2]
    radii = model.limb_radii[part]
    bones = chain_weights(vertices, chain, radii)
    is_arm = part in (L_ARM, R_ARM)
    along = (vertices - chain[0]) @ unit(chain[1] - chain[0])
    back, forth = (0.9, 0.35) if is_arm else (0.8, 0.5)
    torso = 1 - smoothstep(-back * radii[0], forth * radii[0], along)
    if is_arm:
        torso = torso * (np.linalg.norm(vertices - chain[0], axis=1) < 2.5 * radii[0])
    other_leg, other_bones = np.zeros(len(vertices)), np.zeros((len(vertices), 3))
    if not is_arm and not skirt_is_cut:
        other_leg, other_bones = _between_the_legs(view, model, part, vertices)
    return LimbWeights(bones, torso, other_leg, other_bones, bend_offset(model.labels == part, chain, float(radii[:2].mean())))


def bend_offset(own: np.ndarray, chain: np.ndarray, radius: float) -> np.ndarray:
    """From a limb's middle joint to the middle of the limb there, across it: [2] px, at most MOST_OFF_CENTRE radii.

    own: bool [H,W] pixels of the limb; chain [4,2] px. A bend turns the cloth about that middle: a joint found beside it
    would make one side of a folded elbow a thin tip and the other a hump.
    """
    joint = chain[1].astype(np.float64)
    along = unit(chain[1] - chain[0]) + unit(chain[2] - chain[1])
    across = unit(np.array([-along[1], along[0]]))
    steps = np.arange(0.0, max(2.2 * radius, 2.0))
    runs = []
    for side in (1.0, -1.0):
        column, row = np.floor(joint + side * steps[:, None] * across).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < own.shape[1]) & (row < own.shape[0])
        covered = inside & own[np.clip(row, 0, own.shape[0] - 1), np.clip(column, 0, own.shape[1] - 1)]
        runs.append(len(covered) if covered.all() else int(np.argmin(covered)))
    if not all(runs):
        return np.zeros(2)
    return across * np.clip((runs[0] - runs[1]) / 2, -MOST_OFF_CENTRE * radius, MOST_OFF_CENTRE * radius)


def chain_weights(points: np.ndarray, chain: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Shares [N,3] of a chain's three bones, changing smoothly over +-0.9 radii across each joint's bisector plane.

    points [N,2], chain [4,2] joints, radii [3].
    """
    found = [distance_to_segment(points, chain[i], chain[i + 1]) for i in range(3)]
    nearest = np.stack([found[i][0] / max(radii[i], 1.0) for i in range(3)], 1).argmin(1)
    weights = np.eye(3)[nearest]
    first_half = found[1][1] < 0.5
    lengths = np.linalg.norm(np.diff(chain, axis=0), axis=1)
    for joint in (1, 2):
        before, after = unit(chain[joint] - chain[joint - 1]), unit(chain[joint + 1] - chain[joint])
        normal = before + after
        normal = unit(normal) if np.linalg.norm(normal) > 0.2 else after
        reach = 0.45 * (radii[joint - 1] + radii[joint])
        near = (nearest == 2 * (joint - 1)) | ((nearest == 1) & (first_half == (joint == 1)))
        # no limit sideways, a hard change of weights tears the cell it falls in; but a bone seen end-on has no sides
        if (lengths[:2] < SHORTEST_IN_RADII * np.asarray(radii)[:2]).any():
            near = (np.linalg.norm(points - chain[joint], axis=1) < 2.2 * reach) & ((nearest == joint - 1) | (nearest == joint))
        share = smoothstep(-reach, reach, (points - chain[joint]) @ normal)[near]
        weights[near] = 0
        weights[near, joint - 1], weights[near, joint] = 1 - share, share
    return weights


def _between_the_legs(
    view: SubjectView, model: PartModel, part: int, vertices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cloth of a skirt follows both thighs: half and half on the mid-line, all of its own at the own leg."""
    skirt = skirt_rows(view, model)
    rows = np.clip(vertices[:, 1].astype(int), 0, len(skirt) - 1)
    own = leg_line(view, part, vertices[:, 1])
    other = leg_line(view, L_LEG + R_LEG - part, vertices[:, 1])
    span = own - other
    span = np.where(np.abs(span) < 4, 4 * np.sign(span + 1e-6), span)
    position = np.clip((vertices[:, 0] - (own + other) / 2) / span, -0.5, 1.0)
    share = 0.5 * (1 - smoothstep(0.0, 1.0, position)) * skirt[rows]
    knees = (view.joints[LIMB_JOINTS[L_LEG][1], 1] + view.joints[LIMB_JOINTS[R_LEG][1], 1]) / 2
    below = smoothstep(-0.15 * view.torso_px, 0.15 * view.torso_px, vertices[:, 1] - knees)
    return share, np.stack([1 - below, below, np.zeros_like(below)], 1)


def leg_line(view: SubjectView, part: int, y: np.ndarray) -> np.ndarray:
    """x of a leg's bone line at heights y (constant above the hip and below the ankle)."""
    joints = view.joints[list(LIMB_JOINTS[part][:3]), :2]
    return np.interp(y, joints[:, 1], joints[:, 0])


def skirt_rows(view: SubjectView, model: PartModel) -> np.ndarray:
    """Per picture row, 0..1: cloth closes the gap between both thighs and is wider than two legs -> float [H].

    Only for thighs within about 30 degrees of the vertical, not in profile; zero elsewhere.
    """
    height, width = view.canvas
    joints, rows = view.joints[:, :2], np.zeros(view.canvas.height)
    hips, knees, ankles = ([LIMB_JOINTS[leg][i] for leg in (L_LEG, R_LEG)] for i in range(3))
    drops = joints[knees] - joints[hips], joints[ankles] - joints[knees]
    upright = all((drop[:, 1] > 0).all() for drop in drops)
    if not upright or in_profile(view) or (np.abs(drops[0][:, 0]) > 0.55 * drops[0][:, 1]).any():
        return rows
    cloth = np.isin(model.labels, (TORSO, L_LEG, R_LEG))
    for y in range(int(max(0, joints[list(HIPS), 1].mean())), int(min(height - 1, joints[ankles, 1].mean()))):
        left, right = (float(leg_line(view, leg, np.array(y))) for leg in (L_LEG, R_LEG))
        middle = int((left + right) / 2)
        if not 3 <= middle < width - 3 or view.alpha[y, middle - 2 : middle + 3].min() < 0.5:
            break
        gaps = np.flatnonzero(~cloth[y])
        first = gaps[gaps <= middle].max(initial=0)
        last = gaps[gaps >= middle].min(initial=width - 1)
        rows[y] = last - first > abs(left - right) + 0.34 * view.torso_px
    if rows.sum() < 0.25 * view.torso_px:
        return np.zeros_like(rows)
    rows[int(max(0, joints[PELVIS, 1])) : np.flatnonzero(rows).max() + 1] = 1
    return np.convolve(rows, np.ones(9) / 9, "same")
