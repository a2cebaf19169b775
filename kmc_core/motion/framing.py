"""Where the character stands: anchor, root path, driver's framing or the picture's.

Not here: directions of bones (posing.py), the ground line (ground.py), staying in view (fitting.py). Called by retarget.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HEAD, NECK, PELVIS
from ..types import Canvas, SubjectView
from .ground import foot_displacement, lowest_foot, stand_on, start_of
from .lift import SEEN, LiftedMotion

ANKLES = (13, 17)
RISE_LIMIT = 0.05  # torso lengths: how far a body cut off by the picture's lower edge may rise
SINK_LIMITS = (0.10, 0.80)  # torso lengths it may always sink, may sink at most; between, its head must stay in view
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
    """Way of a joint in driver px since its start [T,2]."""
    path = lifted.joints[:, joint, :2]
    return path - start_of(path, lifted.reference)


def sideways_way(lifted: LiftedMotion, joint: int, turn: np.ndarray) -> np.ndarray:
    """Sideways way of a joint in driver px since its start [T], every step of it turned by turn [T]."""
    steps = np.diff(lifted.joints[:, joint, 0], prepend=lifted.joints[:1, joint, 0])
    way = np.cumsum(steps * np.cos(turn))
    return way - start_of(way, lifted.reference)


def place_in_picture(
    joints: np.ndarray,
    own: np.ndarray,
    lifted: LiftedMotion,
    view: SubjectView,
    anchor: str,
    px_ratio: float,
    turn: np.ndarray,
) -> np.ndarray:
    """"fit": the character starts at its own place in its picture and moves as the driver does since its start.

    joints [T,19,3] pelvis-rooted; own [19,3]: the picture's joints, seen from as far away; px_ratio: primary px per
    driver px; turn [T]: yaw added to the driver, which also
    turns its sideways path. Returns joints on the canvas.
    """
    placed = joints.copy()
    if anchor == "feet":
        placed[:, :, 0] += (own[PELVIS, 0] + px_ratio * sideways_way(lifted, PELVIS, turn))[:, None]
        drop = foot_displacement(lifted.joints, lifted.reference) * px_ratio
        return stand_on(placed, lowest_foot(own) + drop)
    if anchor == "pelvis":
        ground = lowest_foot(own)
        placed[:, :, 0] += own[PELVIS, 0]
        return stand_on(placed, ground)
    joint = NECK if anchor == "neck" else HEAD
    way = px_ratio * np.stack([sideways_way(lifted, joint, turn), displacement(lifted, joint)[:, 1]], axis=-1)
    if cut_off_below(view):
        room = np.array([own[HEAD, 0], view.canvas.width - own[HEAD, 0]]) - HEAD_RADIUS * view.torso_px
        left, right = np.maximum(room, SMALLEST_SWAY * view.torso_px)
        way[:, 0] = soft_limits(way[:, 0], left, right)
        below = view.canvas.height - own[HEAD, 1] - HEAD_RADIUS * view.torso_px
        sink = np.clip(below, *(limit * view.torso_px for limit in SINK_LIMITS))
        way[:, 1] = soft_limits(way[:, 1], RISE_LIMIT * view.torso_px, float(sink))
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
