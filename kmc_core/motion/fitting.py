"""Keeps a placed motion inside its canvas: long walks are shortened, then everything is shifted and shrunk a little.

Not here: choosing the anchor and placing (framing.py). Called by retarget.py for framing "fit".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HEAD, PELVIS
from ..types import SubjectView
from .framing import ANKLES, HEAD_RADIUS, Placement
from .ground import lowest_foot
from .lift import SEEN

LARGEST_SHRINK = 0.15
LARGEST_SHIFT = 0.30  # of the canvas' side
SHRINK_STEPS = 6
OUTSIDE_ALLOWED = 0.005  # share of joint positions that may lie outside before anything is fitted
OUTSIDE_WORTH_A_NOTE = 0.02
LEAST_ROOM = 0.10  # of the canvas' width: a walk keeps at least this much of a path
ARMS_BELOW_SHOULDER = (4, 5, 6, 8, 9, 10)


class _Watched(NamedTuple):
    """points [T,N,2] px that should stay in view, counted [T,N] 0/1, limits [2] px, whether the lower edge counts too."""

    points: np.ndarray
    counted: np.ndarray
    limits: np.ndarray
    lower_edge: bool


def fit_into_canvas(joints: np.ndarray, scale: np.ndarray, confidence: np.ndarray, view: SubjectView) -> Placement:
    """Shorten, shift and shrink (at most 15 %) a whole motion whose joints would leave the canvas; one value for the scene.

    joints [T,19,3] on the canvas, scale [T], confidence [T,19]. Only joints that the picture itself shows inside count.
    The pivot is the ground line, or the lower edge when the picture cuts the body, so feet stay on the ground and no gap
    opens below. Arms of a cut-off body may leave the picture, as they do in any half-length shot.
    """
    watched = _watched(joints, scale, confidence, view)
    if watched is None or _outside(watched.points, watched) <= OUTSIDE_ALLOWED:
        return Placement(joints, scale, ())
    joints, notes = _shortened_walk(joints, watched)
    watched = _watched(joints, scale, confidence, view)
    ground = lowest_foot(view.joints.astype(np.float64)) if watched.lower_edge else watched.limits[1]
    pivot = np.array([joints[:, PELVIS, 0].mean(), ground])

    best: tuple[float, float, np.ndarray] | None = None
    for size in np.linspace(1.0, 1.0 - LARGEST_SHRINK, SHRINK_STEPS):
        points = pivot + (watched.points - pivot) * size
        shift = _shift_inside(points, watched)
        missed = _outside(points + shift, watched)
        if best is None or missed < best[0] - 1e-9:
            best = missed, float(size), shift
        if missed <= OUTSIDE_ALLOWED:
            break
    missed, size, shift = best
    fitted = joints * size
    fitted[..., :2] = pivot + (joints[..., :2] - pivot) * size + shift
    if size < 1 or np.abs(shift).max() >= 1:
        note = f"To stay in view the motion is drawn at {size:.0%} and moved by {np.abs(shift).max():.0f} px"
        notes += (note + (f"; {missed:.0%} of the joints still leave it." if missed > OUTSIDE_WORTH_A_NOTE else "."),)
    return Placement(fitted, scale * size, notes)


def _watched(joints: np.ndarray, scale: np.ndarray, confidence: np.ndarray, view: SubjectView) -> _Watched | None:
    limits = np.array([view.canvas.width, view.canvas.height], np.float64)
    own = view.joints[:, :2]
    inside = ((own >= 0) & (own < limits)).all(-1) & (view.joint_confidence > SEEN)
    if not inside.any():
        return None
    on_feet = bool(view.joint_confidence[list(ANKLES)].max() > SEEN)
    chosen = [joint for joint in np.flatnonzero(inside) if on_feet or joint not in ARMS_BELOW_SHOULDER]
    points, counted = joints[:, chosen, :2], (confidence[:, chosen] > SEEN).astype(float)
    if inside[HEAD]:
        top = joints[:, HEAD, :2] - np.stack([np.zeros_like(scale), HEAD_RADIUS * view.torso_px * scale], axis=-1)
        points = np.concatenate([points, top[:, None]], axis=1)
        counted = np.concatenate([counted, np.ones((len(joints), 1))], axis=1)
    return _Watched(points, counted, limits, on_feet)


def _outside(points: np.ndarray, watched: _Watched) -> float:
    """Share of the counted points [T,N,2] that lie outside."""
    right, bottom = watched.limits
    left = (points[..., 0] < 0) | (points[..., 0] > right) | (points[..., 1] < 0)
    left |= (points[..., 1] > 1.02 * bottom) & watched.lower_edge
    return float((left * watched.counted).sum() / max(watched.counted.sum(), 1.0))


def _shift_inside(points: np.ndarray, watched: _Watched) -> np.ndarray:
    """The shift [2] that brings most points inside, within limits; never upwards for a body cut off below."""
    largest = LARGEST_SHIFT * watched.limits * [1.0, float(watched.lower_edge)]
    low, high = (np.percentile(points, share, axis=(0, 1)) for share in (0.5, 99.5))
    wanted = np.maximum(0.0, -low) - np.maximum(0.0, high - watched.limits)
    return np.clip(wanted, -largest, largest)


def _shortened_walk(joints: np.ndarray, watched: _Watched) -> tuple[np.ndarray, tuple[str, ...]]:
    """Compress the sideways path [T] of the body about its middle when it is longer than the canvas has room for."""
    path = joints[:, PELVIS, 0]
    low, high = np.percentile(path, [1, 99])
    breadth = float(np.percentile(np.ptp(watched.points[..., 0], axis=1), 90))
    room = max(watched.limits[0] - breadth, LEAST_ROOM * watched.limits[0])
    if high - low <= room:
        return joints, ()
    share = room / (high - low)
    middle = (low + high) / 2
    start = np.clip(middle, breadth / 2, max(watched.limits[0] - breadth / 2, breadth / 2))
    out = joints.copy()
    out[..., 0] += (start + share * (path - middle) - path)[:, None]
    return out, (f"The way is longer than the picture is wide: it is drawn at {share:.0%} of its length.",)
