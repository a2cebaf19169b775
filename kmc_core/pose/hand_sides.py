"""When both sides were read off the same physical hand, decides which side it is.

Not here: finding hands. Called by clip_tracking.py and picture_tracking.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .clip_tracking import RawTracks

SAME_HAND = 0.12
"""mean distance of the two hands' points, in ROI sides, below which they are one hand"""
CLEAR_MARGIN = 0.1
TOGETHER, BOTH_SEEN = 0.45, 0.8
"""body wrists so near each other (in ROI sides) and both so visible: two hands pressed together, not one read twice"""
TOGETHER_CONFIDENCE = 0.5
_WRISTS = (15, 16)


def is_same_hand(left: np.ndarray, right: np.ndarray, side_px: float) -> bool:
    """left, right: points [21,2+]; side_px: mean ROI side."""
    return float(np.linalg.norm(left[:, :2] - right[:, :2], axis=-1).mean()) < SAME_HAND * side_px


def are_together(body_wrists: np.ndarray, visibility: np.ndarray, side_px: float) -> bool:
    """Whether the body says that two hands lie on each other (praying, clapping): then both readings are right enough."""
    apart = float(np.linalg.norm(body_wrists[0] - body_wrists[1]))
    return apart < TOGETHER * side_px and float(visibility.min()) > BOTH_SEEN


def true_side(wrists: np.ndarray, body_wrists: np.ndarray, visibility: np.ndarray, right_handed: float, side_px: float) -> int:
    """0 left or 1 right. wrists, body_wrists [2,2] px of (left, right); visibility [2]; right_handed: mean of both readings.

    The body's wrist decides by distance and visibility; only where it leaves doubt does the handedness output,
    which flips on fists and on the back of the hand.
    """
    cost = np.linalg.norm(wrists - body_wrists, axis=-1) / max(side_px, 1e-3) - 0.5 * visibility
    if abs(cost[0] - cost[1]) > CLEAR_MARGIN:
        return int(cost[1] < cost[0])
    return int(right_handed > 0.5)


def drop_duplicates(tracks: RawTracks, start: int, stop: int) -> int:
    """Remove the wrong one of two readings of the same hand in frames start..stop-1; returns how many were removed.

    Of hands that lie on each other the hidden one stays, with half its confidence.
    """
    left, right = tracks.hands
    dropped = 0
    for frame in np.flatnonzero(left.found[start:stop] & right.found[start:stop]) + start:
        side_px = (left.rois[frame, 2] + right.rois[frame, 2]) / 2
        if not is_same_hand(left.points[frame], right.points[frame], side_px):
            continue
        wrists = np.stack([left.points[frame, 0, :2], right.points[frame, 0, :2]])
        bodies = tracks.body.points[frame, list(_WRISTS), :2]
        visible = tracks.visibility[frame, list(_WRISTS)]
        side = true_side(wrists, bodies, visible, float(tracks.right_handed[frame].mean()), side_px)
        wrong = tracks.hands[1 - side]
        if are_together(bodies, visible, side_px):
            wrong.presence[frame] *= TOGETHER_CONFIDENCE
            continue
        wrong.found[frame], wrong.presence[frame] = False, 0.0
        dropped += 1
    return dropped
