"""Where the character stands: anchor, root path, driver's framing or the picture's, and the fit that keeps it in view.

Not here: directions of bones (posing.py), the ground line (ground.py). Called by retarget.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HEAD, NECK, PELVIS
from ..types import Canvas, SubjectView
from .ground import foot_displacement, lowest_foot, stand_on
from .lift import SEEN, LiftedMotion

ANKLES = (13, 17)
ARMS_BELOW_SHOULDER = (4, 5, 6, 8, 9, 10)
LARGEST_SHRINK = 0.15
LARGEST_SHIFT = 0.12  # of the canvas' width
OUTSIDE_ALLOWED = 0.005  # share of joint positions that may lie outside before anything is fitted
RISE_LIMIT, SINK_LIMIT = 0.05, 0.20  # torso lengths: how far a body cut off by the picture's lower edge may rise, sink
SMALLEST_SWAY = 0.08  # torso lengths a held body may always move sideways
HEAD_RADIUS = 0.30  # torso lengths from between the ears to the top of the hair


class Placement(NamedTuple):
    """joints [T,19,3] on the canvas; scale [T] canvas px per primary px; notes."""

    joints: np.ndarray
    scale: np.ndarray
    notes: tuple[str, ...]


def choose_anchor(lifted: LiftedMotion, view: SubjectView) -> str:
    """What holds the character in its picture: "feet" when both show legs, "pelvis" (feet stay put) when only the picture
    does, else "neck", or "head" when the driver is a mere face."""
    driver_stands = min(lifted.presence[list(ANKLES)].min(), lifted.presence[PELVIS]) > SEEN
    if stands(view):
        return "feet" if driver_stands else "pelvis"
    return "neck" if lifted.presence[NECK] > SEEN else "head"


def stands(view: SubjectView) -> bool:
    """True when the picture shows the character down to its feet."""
    return bool(min(view.joint_confidence[list(ANKLES)].min(), view.joint_confidence[PELVIS]) > SEEN)


def displacement(lifted: LiftedMotion, joint: int) -> np.ndarray:
    """Way of a joint in driver px since the reference frames [T,2]."""
    path = lifted.joints[:, joint, :2]
    return path - path[lifted.reference].mean(0)


def place_in_picture(
    joints: np.ndarray,
    lifted: LiftedMotion,
    view: SubjectView,
    anchor: str,
    px_ratio: float,
    turn: np.ndarray,
) -> np.ndarray:
    """"fit": the character starts at its own place in its picture and moves as the driver does since its start.

    joints [T,19,3] pelvis-rooted; px_ratio: primary px per driver px; turn [T]: yaw added to the driver, which also
    turns its sideways path. Returns joints on the canvas.
    """
    own = view.joints.astype(np.float64)
    sideways = px_ratio * np.cos(turn)
    placed = joints.copy()
    if anchor == "feet":
        placed[:, :, 0] += (own[PELVIS, 0] + displacement(lifted, PELVIS)[:, 0] * sideways)[:, None]
        drop = foot_displacement(lifted.joints, lifted.reference) * px_ratio
        return stand_on(placed, lowest_foot(own) + drop)
    if anchor == "pelvis":
        ground = lowest_foot(own)
        placed[:, :, 0] += own[PELVIS, 0]
        return stand_on(placed, ground)
    joint = NECK if anchor == "neck" else HEAD
    way = displacement(lifted, joint) * np.stack([sideways, np.full_like(sideways, px_ratio)], axis=-1)
    if cut_off_below(view):
        room = np.array([own[HEAD, 0], view.canvas.width - own[HEAD, 0]]) - HEAD_RADIUS * view.torso_px
        left, right = np.maximum(room, SMALLEST_SWAY * view.torso_px)
        way[:, 0] = soft_limits(way[:, 0], left, right)
        way[:, 1] = soft_limits(way[:, 1], RISE_LIMIT * view.torso_px, SINK_LIMIT * view.torso_px)
    placed[:, :, :2] += (own[joint, :2] + way - placed[:, joint, :2])[:, None]
    return placed


def place_as_driver(joints: np.ndarray, lifted: LiftedMotion, view: SubjectView, source: Canvas) -> np.ndarray:
    """"keep": the character starts at the driver's place in the frame (as a share of its width) and has its size and way;
    heights of the canvases correspond."""
    canvas = view.canvas
    ratio = canvas.height / source.height
    start = lifted.joints[lifted.reference, PELVIS, 0].mean() / source.width * canvas.width
    placed = joints.copy()
    placed[:, :, 0] += (start + displacement(lifted, PELVIS)[:, 0] * ratio)[:, None]
    return stand_on(placed, lowest_foot(lifted.joints) * ratio)


def cut_off_below(view: SubjectView) -> bool:
    """True when the picture's lower edge cuts the character: it must not rise, or a gap would open."""
    reaches = bool((view.alpha[-max(2, view.canvas.height // 100) :] > 0.5).any())
    return reaches and view.joint_confidence[list(ANKLES)].max() <= SEEN


def soft_limits(way: np.ndarray, backward: float, forward: float) -> np.ndarray:
    """Ways [T] that saturate softly: negative ones at -backward, positive ones at +forward."""
    bound = np.where(way < 0, backward, forward)
    return bound * np.tanh(way / np.maximum(bound, 1e-6))


def fit_into_canvas(joints: np.ndarray, scale: np.ndarray, confidence: np.ndarray, view: SubjectView) -> Placement:
    """Shrink (at most 15 %) and shift the whole motion when joints would leave the canvas; one value for the clip.

    Only joints that the picture itself shows inside count. The pivot is the ground line, or the lower edge when the
    picture cuts the body, so feet stay on the ground and no gap opens below. Arms of a cut-off body may leave the
    picture, as they do in any half-length shot.
    """
    canvas = view.canvas
    own = view.joints[:, :2]
    inside = ((own >= 0) & (own < [canvas.width, canvas.height])).all(-1) & (view.joint_confidence > SEEN)
    if not inside.any():
        return Placement(joints, scale, ())
    on_feet = view.joint_confidence[list(ANKLES)].max() > SEEN
    pivot = np.array([joints[:, PELVIS, 0].mean(), lowest_foot(own) if on_feet else canvas.height])
    radius = HEAD_RADIUS * view.torso_px * float(scale.mean())
    watched = [joint for joint in np.flatnonzero(inside) if on_feet or joint not in ARMS_BELOW_SHOULDER]

    counted = (confidence[:, watched] > SEEN).astype(float)
    counted = np.concatenate([counted, counted[:, :1] * 0 + 1], axis=1) if inside[HEAD] else counted

    size_px, largest = np.array([canvas.width, canvas.height]), LARGEST_SHIFT * np.array([canvas.width, canvas.height * on_feet])

    def moved(size: float) -> tuple[np.ndarray, np.ndarray]:
        points = pivot + (joints[:, watched, :2] - pivot) * size
        top = pivot + (joints[:, HEAD, :2] - pivot) * size - [0.0, radius * size]
        points = np.concatenate([points, top[:, None]] if inside[HEAD] else [points], axis=1)
        low, high = (np.percentile(points, share, axis=(0, 1)) for share in (0.5, 99.5))
        wanted = np.maximum(0.0, -low) - np.maximum(0.0, high - size_px)
        return points, np.clip(wanted, -largest, largest)

    def outside(size: float, with_shift: bool = True) -> float:
        points, shift = moved(size)
        x, y = np.moveaxis(points + shift * with_shift, -1, 0)
        left = (x < 0) | (x > canvas.width) | (y < 0) | ((y > canvas.height * 1.02) & on_feet)
        return float((left * counted).sum() / max(counted.sum(), 1.0))

    if outside(1.0, with_shift=False) <= OUTSIDE_ALLOWED:
        return Placement(joints, scale, ())
    sizes = np.linspace(1.0, 1.0 - LARGEST_SHRINK, 6)
    misses = [outside(size) for size in sizes]
    chosen = next((i for i, miss in enumerate(misses) if miss <= OUTSIDE_ALLOWED), int(np.argmin(misses)))
    size, shift = float(sizes[chosen]), moved(float(sizes[chosen]))[1]
    fitted = joints * size
    fitted[..., :2] = pivot + (joints[..., :2] - pivot) * size + shift
    note = f"The motion is wider than the picture: drawn at {size:.0%} and moved by {np.abs(shift).max():.0f} px to stay in view"
    if misses[chosen] > 0.02:
        note += f"; {misses[chosen]:.0%} of the joints still leave it"
    return Placement(fitted, scale * size, (note + ".",))
