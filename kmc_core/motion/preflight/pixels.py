"""One streaming pass over the clip's pixels at <= 256 px: brightness of performer and background, sharpness, camera proof.

Not here: judging them (clip_checks.py). Nothing but numbers is kept, so memory does not grow with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...media.clip import Clip
from ...pose.camera import background_mask
from ...types import HolisticMotion

LONG_SIDE_PX = 256
LOOKS_PER_S, LOOKS_PER_CAMERA_LOOK = 10, 2
"""frames between two looks repeat the numbers of the one before; they are decoded, but never turned into pixels"""
LEAST_AREA = 0.15
"""corners that agree must span this share of the picture: a second person's must not pass for the background"""
LEAST_CORNERS = 10
LEAST_PIXELS = 40


@dataclass(frozen=True)
class PixelStatistics:
    """Per frame [T], brightness 0..1 of full white.

    performer, bright_performer: median and 90th percentile of the performer's luma; background, bright_background: median
    and 97th percentile of the rest; spread: standard deviation of the performer's luma; edges: 95th percentile of the
    performer's gradient; camera_travel: mean way of the picture's corners since the scene's start, as a share of the long
    side, followed on background corners a few times a second; -1 where it was not looked at or could not be seen.
    """

    performer: np.ndarray
    bright_performer: np.ndarray
    background: np.ndarray
    bright_background: np.ndarray
    spread: np.ndarray
    edges: np.ndarray
    camera_travel: np.ndarray


def pixel_statistics(clip: Clip, motion: HolisticMotion) -> PixelStatistics:
    """Read the clip once. Clip and motion must show the same frames; surplus frames of either are left out."""
    count = min(clip.frame_count, motion.frame_count)
    values = np.zeros((count, 6))
    travel = np.full(count, -1.0)
    every = max(round(motion.fps / LOOKS_PER_S), 1)
    follower, scene = CameraFollower(), 0
    for look, frame in enumerate(clip.frames(0, count, long_side=LONG_SIDE_PX, step=every)):
        index = look * every
        luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        behind = _background(motion, index, luma.shape) > 0.5
        values[index : index + every] = _numbers(luma, _performer(motion, index, behind), behind)
        if look % LOOKS_PER_CAMERA_LOOK == 0:
            if scene != sum(cut <= index for cut in motion.cuts):
                follower, scene = CameraFollower(), sum(cut <= index for cut in motion.cuts)
            travel[index] = follower.look(luma, behind)
    return PixelStatistics(*values.T, travel)


class CameraFollower:
    """Follows background corners from look to look (pyramidal Lucas-Kanade, RANSAC similarity) and sums up the way."""

    def __init__(self) -> None:
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._path = np.eye(3)
        self._seen = False

    def look(self, luma: np.ndarray, free: np.ndarray) -> float:
        """luma uint8 [h,w], free bool [h,w] (background). Mean corner way so far / long side; -1 if it cannot be told."""
        before, self._before = self._before, (luma, free)
        if before is None:
            return -1.0
        step = _similarity(*before, luma, free)
        if step is None:
            return -1.0
        self._path = step @ self._path
        height, width = luma.shape
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
        way = (corners @ self._path.T - corners)[:, :2]
        return float(np.linalg.norm(way, axis=1).mean()) / max(height, width)


def _similarity(old: np.ndarray, old_free: np.ndarray, new: np.ndarray, new_free: np.ndarray) -> np.ndarray | None:
    """3x3 similarity of the background from `old` to `new`, or None where too few corners agree."""
    mask = cv2.erode((old_free & new_free).astype(np.uint8), np.ones((5, 5), np.uint8))
    corners = cv2.goodFeaturesToTrack(old, 120, 0.02, 5, mask=mask)
    if corners is None or len(corners) < LEAST_CORNERS:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(old, new, corners, None, winSize=(13, 13), maxLevel=3)
    kept = status[:, 0] > 0
    if kept.sum() < LEAST_CORNERS:
        return None
    matrix, inlier = cv2.estimateAffinePartial2D(corners[kept], moved[kept], method=cv2.RANSAC, ransacReprojThreshold=1.0)
    if matrix is None or inlier.sum() < LEAST_CORNERS or inlier.mean() < 0.5:
        return None
    hull = cv2.convexHull(corners[kept][inlier[:, 0] > 0])
    if cv2.contourArea(hull) < LEAST_AREA * old.size:
        return None
    return np.vstack([matrix, [0, 0, 1]])


def _background(motion: HolisticMotion, index: int, shape: tuple[int, int]) -> np.ndarray:
    matte = motion.matte[index] if motion.matte is not None else None
    return background_mask(shape, motion.canvas, motion.body[index], motion.body_confidence[index], matte)


def _performer(motion: HolisticMotion, index: int, behind: np.ndarray) -> np.ndarray:
    """The matte's inside, or everything near the skeleton where there is no matte. bool [h,w]."""
    if motion.matte is None:
        return ~behind
    return cv2.resize(motion.matte[index], behind.shape[::-1], interpolation=cv2.INTER_AREA) > 200


def _numbers(luma: np.ndarray, person: np.ndarray, behind: np.ndarray) -> tuple[float, ...]:
    """The first six fields of PixelStatistics for one frame."""
    if person.sum() < LEAST_PIXELS:
        person = ~behind if (~behind).sum() >= LEAST_PIXELS else np.ones_like(person)
    inside = luma[person]
    outside = luma[behind] if behind.sum() >= LEAST_PIXELS else inside
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, ksize=3, scale=0.25)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, ksize=3, scale=0.25)
    edges = float(np.percentile(np.abs(across[person]) + np.abs(down[person]), 95))
    middle, bright = np.percentile(inside, (50, 90))
    behind_middle, behind_bright = np.percentile(outside, (50, 97))
    return tuple(float(value) / 255 for value in (middle, bright, behind_middle, behind_bright, inside.std(), edges))
