"""Feet and the ground: the ground line, the lowest foot, how far a jump lifts it.

Not here: the horizontal path (framing.py). Called by framing.py.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import LEFT_LEG, RIGHT_LEG

FOOT_JOINTS = (LEFT_LEG[2], LEFT_LEG[3], RIGHT_LEG[2], RIGHT_LEG[3])


def lowest_foot(joints: np.ndarray) -> np.ndarray:
    """Picture y of the lowest ankle or toe [...] of joints [...,19,2|3]."""
    return joints[..., list(FOOT_JOINTS), 1].max(-1)


def foot_displacement(joints: np.ndarray, reference: slice) -> np.ndarray:
    """How far the lowest foot is below (+) or above (-) where it starts [T]; a jump is a negative excursion."""
    low = lowest_foot(joints)
    return low - start_of(low, reference)


def start_of(path: np.ndarray, reference: slice) -> np.ndarray:
    """Where a path [T,...] starts: the first value of the straight line through its reference frames."""
    head = path[reference]
    if len(head) < 3:
        return head[0]
    frames = np.arange(len(head)) - (len(head) - 1) / 2
    slope = np.tensordot(frames, head, axes=1) / (frames**2).sum()
    return head.mean(0) + slope * frames[0]


def stand_on(joints: np.ndarray, ground_px: np.ndarray | float) -> np.ndarray:
    """Move every frame of joints [T,19,3] vertically so that its lowest foot is at ground_px ([T] or one value)."""
    moved = joints.copy()
    moved[..., 1] += (ground_px - lowest_foot(joints))[:, None]
    return moved
