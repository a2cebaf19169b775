"""Finds frames whose body cannot be the neighbours' body: a collapsed or turned-over reading between good ones.

Not here: filling the holes this leaves (smoothing.py). Called by assembly.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HALF_WINDOW_S = 0.2
SHORTEST_HALF_WINDOW = 2
LARGEST_DEVIATION = 0.3
"""mean distance of shoulders and hips from their median over the window, in body extents"""
_TORSO = [11, 12, 23, 24]


def implausible_bodies(body: np.ndarray, found: np.ndarray, scenes: Sequence[tuple[int, int]], fps: float) -> np.ndarray:
    """bool [T]: frames to disbelieve. body [T,33,2] px, found bool [T], scenes (first, past the last).

    A steady or fast movement lies near the median of a window centred on it; a wrong reading does not. Runs longer than
    half the window (0.2 s) are believed.
    """
    half = max(SHORTEST_HALF_WINDOW, round(HALF_WINDOW_S * fps))
    wrong = np.zeros(len(body), bool)
    for start, stop in scenes:
        frames = np.flatnonzero(found[start:stop]) + start
        if len(frames) < 2 * SHORTEST_HALF_WINDOW + 1:
            continue
        torso = body[frames][:, _TORSO].astype(np.float64)
        extent = np.linalg.norm(np.ptp(body[frames], axis=1), axis=-1)
        for k, frame in enumerate(frames):
            near = np.abs(frames - frame) <= half
            if near.sum() <= SHORTEST_HALF_WINDOW:
                continue
            usual, size = np.median(torso[near], axis=0), max(float(np.median(extent[near])), 1.0)
            wrong[frame] = np.linalg.norm(torso[k] - usual, axis=-1).mean() > LARGEST_DEVIATION * size
    return wrong
