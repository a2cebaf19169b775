"""How a draughtsman and a painter treat what the renderer has no drawn version of: flat shades with ink, and strokes of oil.

Pure functions of the picture, so that a network that only sees the picture can learn them. Called by stills.py.
Sources: mean shift and soft quantisation (Winnemoeller et al. 2006, "Real-time video abstraction"); generalised Kuwahara
filter (Papari et al. 2007).
"""

from __future__ import annotations

import cv2
import numpy as np

SHADES = 7
"""levels of lightness a drawn background has"""
INK = 0.20
"""what is left of the colour under a line"""
SECTORS = 8
RELIEF, SLOPE = 0.28, 0.16
"""how much the thickness of the paint catches the light, and the steepest slope that counts"""


def flat_shades(picture: np.ndarray) -> np.ndarray:
    """Few flat shades without texture: uint8 [H,W,3] RGB -> float32 [H,W,3] 0..1."""
    calm = cv2.pyrMeanShiftFiltering(cv2.medianBlur(picture, 5), 10, 26)
    lab = cv2.cvtColor(calm.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    step = 100 / SHADES
    lightness = cv2.GaussianBlur(lab[..., 0], (0, 0), 1.0) / step
    nearest = np.floor(lightness) + 0.5
    lab[..., 0] = step * (nearest + 0.5 * np.tanh(6.0 * (lightness - nearest)) * (lightness - nearest) ** 2 * 4)
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1)


def ink_lines(picture: np.ndarray, width_px: float) -> np.ndarray:
    """Where ink goes, 0..1 [H,W]: along clear edges of colour of a float32 [H,W,3] 0..1 picture."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) / 100
    soft = cv2.GaussianBlur(lab, (0, 0), 0.5 * width_px)
    x, y = (cv2.Scharr(soft, cv2.CV_32F, *way) / 32 for way in ((1, 0), (0, 1)))
    strength = np.sqrt((x**2 + y**2).sum(-1)) * width_px
    return np.clip((strength - 0.07) / 0.06, 0, 1)


def inked(picture: np.ndarray, width_px: float = 1.6) -> np.ndarray:
    """A picture 0..1 with lines along its edges."""
    return picture * (1 - (1 - INK) * ink_lines(picture, width_px))[..., None]


def painted(picture: np.ndarray, fine: np.ndarray, radius: int = 5) -> np.ndarray:
    """Oil strokes: uint8 [H,W,3] -> float32 [H,W,3] 0..1.

    radius: half a stroke's width in px; fine [H,W] 0..1: where a painter takes the small brush (faces, hands).
    """
    start = picture.astype(np.float32) / 255
    broad = _kuwahara(_kuwahara(start, radius), max(2, radius // 2))
    narrow = _kuwahara(start, 2)
    colour = broad + (narrow - broad) * fine[..., None]
    grey = colour.mean(-1, keepdims=True)
    vivid = grey + 1.25 * (colour - grey)
    thickness = cv2.GaussianBlur(colour.mean(-1), (0, 0), 0.8)
    slope = cv2.Sobel(thickness, cv2.CV_32F, 1, 0) + cv2.Sobel(thickness, cv2.CV_32F, 0, 1)
    return (vivid + RELIEF * np.clip(slope, -SLOPE, SLOPE)[..., None]).clip(0, 1)


def _kuwahara(picture: np.ndarray, radius: int) -> np.ndarray:
    """Every pixel takes the mean of those sectors round it that vary least; float32 [H,W,3] 0..1."""
    total, weights = np.zeros_like(picture), np.zeros((*picture.shape[:2], 1), np.float32)
    for sector in _sectors(radius):
        mean = cv2.filter2D(picture, -1, sector, borderType=cv2.BORDER_REFLECT)
        square = cv2.filter2D(picture * picture, -1, sector, borderType=cv2.BORDER_REFLECT)
        spread = np.sqrt(np.clip(square - mean * mean, 0, None)).sum(-1, keepdims=True)
        weight = 1 / (1 + (60 * spread) ** 8) + 1e-12
        total += weight * mean
        weights += weight
    return total / weights


def _sectors(radius: int) -> list[np.ndarray]:
    """Smooth kernels, one for each direction, that sum to 1."""
    reach = 2 * radius
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    near = np.exp(-(x**2 + y**2) / (2 * (0.8 * radius) ** 2))
    kernels = []
    for turn in np.arange(SECTORS) * (2 * np.pi / SECTORS):
        along, across = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
        inside = np.clip(along + 0.5, 0, None) - 0.9 * np.abs(across) + 0.5
        kernel = near * np.clip(inside, 0, 1) ** 2
        kernels.append(kernel / kernel.sum())
    return kernels
