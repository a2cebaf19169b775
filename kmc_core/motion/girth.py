"""How thick a character is around hips and thighs, read from its matte: that is how far its hands stay from its bones.

Not here: what touches (touches.py). Called by contacts.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG
from ..subject.rig import SEEN
from ..types import SubjectView

USUAL_HIP, USUAL_THIGH = 0.110, 0.129  # of the torso: from hip joint or thigh bone to the outside of a usual adult, as measured here
BELIEVED = (0.55, 1.9)  # in usual girths of a body of this torso
FRONTAL = np.radians(40.0)
ABOVE_HIP, DOWN_THIGH = 0.14, 0.60  # torso lengths above the hip joint; share of the thigh
LONGEST_WALK = 0.6  # torso lengths
ARM_THICKNESS = 0.14  # torso lengths from an arm's bones within which the matte's edge is the arm's


class Girth(NamedTuple):
    """Distance from the bone to the outside in px of the picture, of the hips and of the thighs."""

    hip: float
    thigh: float


def measure_girth(view: SubjectView, torso_px: float) -> Girth:
    """Girth of a character from its picture; a usual one for a body with this torso where the matte does not tell."""
    usual = Girth(USUAL_HIP * torso_px, USUAL_THIGH * torso_px)
    if abs(view.yaw) > FRONTAL:
        return usual
    found: tuple[list[float], list[float]] = ([], [])
    for side, (leg, other) in enumerate(((LEFT_LEG, RIGHT_LEG), (RIGHT_LEG, LEFT_LEG))):
        if view.joint_confidence[[*leg[:2], other[0]]].min() <= SEEN:
            continue
        hip, knee, across = (view.joints[joint, :2].astype(np.float64) for joint in (leg[0], leg[1], other[0]))
        thigh = knee - hip
        outward = np.array([thigh[1], -thigh[0]]) / max(float(np.linalg.norm(thigh)), 1e-6)
        outward *= np.sign(outward @ (hip - across)) or 1.0
        up = ABOVE_HIP * torso_px * thigh / max(float(np.linalg.norm(thigh)), 1e-6)
        arm = view.joints[list((LEFT_ARM, RIGHT_ARM)[side]), :2].astype(np.float64)
        for place, widths in ((hip - up, found[0]), (hip + DOWN_THIGH * thigh, found[1])):
            width = _to_edge(view.alpha, place, outward, LONGEST_WALK * torso_px)
            if width is not None and _distance(place + width * outward, arm) > ARM_THICKNESS * torso_px:
                widths.append(width)
    return Girth(*(_believed(widths, plain) for widths, plain in zip(found, usual, strict=True)))


def _believed(widths: list[float], usual: float) -> float:
    return float(np.clip(min(widths), BELIEVED[0] * usual, BELIEVED[1] * usual)) if widths else usual


def _to_edge(alpha: np.ndarray, start: np.ndarray, direction: np.ndarray, longest: float) -> float | None:
    """Way from a point inside a matte to its edge along a unit direction; None when it starts outside or finds none."""
    steps = np.arange(0.0, longest, 0.5)
    x, y = (start[:, None] + direction[:, None] * steps).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < alpha.shape[1]) & (y < alpha.shape[0])
    covered = inside & (alpha[np.clip(y, 0, alpha.shape[0] - 1), np.clip(x, 0, alpha.shape[1] - 1)] > 0.5)
    if not covered.size or not covered[0] or covered.all():
        return None
    edge = int(np.argmin(covered))
    return float(steps[edge]) if inside[edge] else None


def _distance(point: np.ndarray, line: np.ndarray) -> float:
    """From a point [2] to a chain of points [N,2]."""
    start, way = line[:-1], np.diff(line, axis=0)
    share = np.clip(((point - start) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-9), 0.0, 1.0)
    return float(np.linalg.norm(start + share[:, None] * way - point, axis=-1).min())
