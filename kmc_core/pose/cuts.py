"""Where a clip cuts to another scene, from tiny thumbnails collected while the clip streams.

Not here: tracking across cuts (the tracker resets itself). Called by the extractor; smoothing and camera take the ranges.
Source: chi-square distance of 8x8x8 RGB histograms gated by the mean difference, thresholds measured on 26 real clips.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

THUMBNAIL_SIZE = (64, 36)
"""width, height of a cut thumbnail in pixels"""
HISTOGRAM_DISTANCE = 0.12
MEAN_DIFFERENCE = 0.05
LONGEST_FLASH_FRAMES = 13
SAME_LOOK = 0.5
"""share of both thresholds below which a look counts as having come back"""


def cut_thumbnail(frame: np.ndarray) -> np.ndarray:
    """Shrink a frame uint8 [H,W,3] to the uint8 [36,64,3] that `scene_cuts` compares (aspect is not kept)."""
    return cv2.resize(frame, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA)


def scene_cuts(thumbnails: Sequence[np.ndarray]) -> tuple[int, ...]:
    """First frames of every scene but the first.

    thumbnails: uint8 [36,64,3] per frame, see `cut_thumbnail`. A change after which a look from just before it comes back
    within about half a second (a flash, a sun that flickers through leaves) is not a cut.
    """
    histograms = [_histogram(thumbnail) for thumbnail in thumbnails]
    cuts: list[int] = []
    for frame in range(1, len(thumbnails)):
        if _differs(thumbnails, histograms, frame - 1, frame):
            before = range(max(cuts[-1] if cuts else 0, frame - LONGEST_FLASH_FRAMES), frame)
            after = range(frame, min(frame + LONGEST_FLASH_FRAMES, len(thumbnails)))
            alike = (
                not _differs(thumbnails, histograms, one, other, strictness=SAME_LOOK) for one in before for other in after
            )
            if not any(alike):
                cuts.append(frame)
    return tuple(cuts)


def scene_ranges(cuts: Sequence[int], frame_count: int) -> list[tuple[int, int]]:
    """[(first, past the last)] of every scene; cuts outside 1 .. frame_count - 1 are ignored."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < frame_count}), frame_count]
    return [(first, stop) for first, stop in zip(edges[:-1], edges[1:], strict=True) if stop > first]


def _histogram(thumbnail: np.ndarray) -> np.ndarray:
    level = thumbnail.reshape(-1, 3).astype(np.int64) >> 5
    counts = np.bincount(level[:, 0] * 64 + level[:, 1] * 8 + level[:, 2], minlength=512)
    return counts / counts.sum()


def _differs(
    thumbnails: Sequence[np.ndarray], histograms: Sequence[np.ndarray], one: int, other: int, strictness: float = 1.0
) -> bool:
    """Whether two frames differ in both measures; strictness < 1 scales the thresholds and then either measure suffices."""
    first, second = histograms[one], histograms[other]
    chi_square = float(((first - second) ** 2 / (first + second + 1e-9)).sum() / 2)
    difference = np.abs(thumbnails[one].astype(np.int16) - thumbnails[other].astype(np.int16))
    measures = chi_square > strictness * HISTOGRAM_DISTANCE, float(difference.mean()) / 255 > strictness * MEAN_DIFFERENCE
    return any(measures) if strictness < 1 else all(measures)
