"""Moments into events: runs of frames, repeated swings, what covers what. No word of what they mean."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d
from scipy.signal import find_peaks


def runs(mask: np.ndarray, join: int = 1, shortest: int = 1) -> list[tuple[int, int]]:
    """[(first, past the last)] of True stretches in mask [T]; gaps up to `join` frames are closed, short ones dropped."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    stretches: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stretches and start - stretches[-1][1] <= join:
            stretches[-1] = (stretches[-1][0], int(stop))
        else:
            stretches.append((int(start), int(stop)))
    return [(start, stop) for start, stop in stretches if stop - start >= shortest]


def extent(values: np.ndarray, window: int) -> np.ndarray:
    """Highest minus lowest value in a window about every frame [T]."""
    return maximum_filter1d(values, window, mode="nearest") - minimum_filter1d(values, window, mode="nearest")


def swings(values: np.ndarray, smallest: float) -> np.ndarray:
    """Frames of the turning points of values [T] that rise or fall by at least `smallest` on both sides."""
    tops, _ = find_peaks(values, prominence=smallest)
    dips, _ = find_peaks(-values, prominence=smallest)
    return np.sort(np.concatenate([tops, dips]))


def rhythmic(values: np.ndarray, smallest: float, longest_gap: int, at_least: int) -> np.ndarray:
    """True where values [T] swing to and fro: `at_least` turning points, none further apart than longest_gap frames."""
    mask = np.zeros(len(values), bool)
    points = swings(values, smallest)
    if len(points) < at_least:
        return mask
    breaks = np.flatnonzero(np.diff(points) > longest_gap)
    for group in np.split(points, breaks + 1):
        if len(group) >= at_least:
            around = int(np.median(np.diff(group))) // 2
            mask[max(0, group[0] - around) : group[-1] + around + 1] = True
    return mask


def local_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean over a window about every frame [T]."""
    return uniform_filter1d(values.astype(np.float64), window, mode="nearest")


def margin(values: np.ndarray, limit: float, certain: float) -> float:
    """Confidence 0.5 at the limit to 1 at `certain`, of the middle value of values [n]."""
    value = float(np.median(values))
    return float(np.clip(0.5 + 0.5 * (value - limit) / (certain - limit), 0.3, 1.0))
