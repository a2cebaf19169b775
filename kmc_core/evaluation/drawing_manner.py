"""How a character is drawn, in three numbers: dark lines, flat area, fine texture. Called by prompts.py."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

LUMA = np.array((0.299, 0.587, 0.114), np.float32)
INSIDE = 0.05
LINE_PX = 7
"""lines are what is narrower than this"""
FAINTEST_LINE = 0.06
"""depth of a line that counts (luma where the mean is 0.5): less is grain"""
FLAT_SLOPE, EDGE_SLOPE = 0.008, 0.05
"""change of luma (0..1) per pixel below which a place is flat, above which it is an edge"""


class Manner(NamedTuple):
    """lines: mean depth of dark lines beyond the faintest (luma 0..1); flat: share of flat area 0..1;
    texture: mean fine relief away from edges (luma)."""

    lines: float
    flat: float
    texture: float


def manner_of(picture: np.ndarray, coverage: np.ndarray) -> Manner:
    """Of the covered part: picture float32 [H,W,3] 0..1, coverage [H,W] 0..1.

    Lightness is relative to the part's own mean, so that a darker picture is drawn no differently.
    """
    covered = coverage > INSIDE
    if not covered.any():
        return Manner(0.0, 0.0, 0.0)
    luma = picture @ LUMA
    luma = 0.5 * luma / max(float(luma[covered].mean()), 1e-3)
    lines = cv2.morphologyEx(luma, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (LINE_PX, LINE_PX)))
    soft, nearly = (cv2.GaussianBlur(luma, (0, 0), spread) for spread in (1.0, 0.6))
    fine = np.abs(luma - soft)[covered & (_slope(soft) < EDGE_SLOPE)]
    flat = (_slope(nearly) < FLAT_SLOPE)[covered].mean()
    return Manner(float((lines - FAINTEST_LINE).clip(0)[covered].mean()), float(flat), float(fine.mean()) if fine.size else 0.0)


def _slope(luma: np.ndarray) -> np.ndarray:
    """Change per pixel [H,W]."""
    return np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)) / 8
