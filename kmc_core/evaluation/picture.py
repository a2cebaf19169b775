"""How near a picture is to the truth: PSNR, SSIM, both after registration, sharpness. One frame at a time, uint8 RGB.

Raw PSNR rewards blur, so it is never read alone: sharpness and the registered value stand beside it, and a blurred
control in every table. Called by picture_scores.py. Not here: motion (motion.py), colour over time (colour.py).
"""

from __future__ import annotations

import cv2
import numpy as np

SSIM_SIGMA_PX, SSIM_RADIUS_PX = 1.5, 5
SSIM_C1, SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
PERFECT_MSE = 1e-2
"""Squared error below which a match counts as perfect (68 dB): identical frames must not make a mean infinite."""
REGISTRATION_REACH, REGISTRATION_SIGMA_PX = 0.03, 3.0


def squared_error(truth: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Two pictures uint8 [H,W,3] -> mean squared error over the channels, float32 [H,W], grey levels squared."""
    difference = truth.astype(np.float32) - output
    return np.square(difference).mean(-1)


def decibels(mean_squared_error: float) -> float:
    """PSNR in dB of a mean squared error in grey levels squared; at most 68 dB."""
    return float(10 * np.log10(255.0**2 / max(mean_squared_error, PERFECT_MSE)))


def psnr(truth: np.ndarray, output: np.ndarray, where: np.ndarray | None = None) -> float | None:
    """Peak signal to noise ratio of two uint8 [H,W,3] pictures in dB, inside a bool mask [H,W]; None for an empty mask."""
    error = squared_error(truth, output)
    if where is not None:
        if not where.any():
            return None
        error = error[where]
    return decibels(float(error.mean()))


def ssim(truth: np.ndarray, output: np.ndarray) -> float:
    """Structural similarity -1..1 of two uint8 [H,W,3] pictures, mean over channels and pixels.

    Gaussian window of 11x11 px, sigma 1.5. Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004.
    """
    a, b = truth.astype(np.float64), output.astype(np.float64)
    size = (2 * SSIM_RADIUS_PX + 1,) * 2

    def windowed(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, size, SSIM_SIGMA_PX, borderType=cv2.BORDER_REFLECT_101)

    mean_a, mean_b = windowed(a), windowed(b)
    variance_a, variance_b = windowed(a * a) - mean_a**2, windowed(b * b) - mean_b**2
    covariance = windowed(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + SSIM_C1) * (2 * covariance + SSIM_C2)
    scale = (mean_a**2 + mean_b**2 + SSIM_C1) * (variance_a + variance_b + SSIM_C2)
    return float((likeness / scale).mean())


def registered(truth: np.ndarray, output: np.ndarray) -> np.ndarray:
    """`output` moved onto `truth` by a small smooth flow, uint8 [H,W,3]: forgives being some pixels off, not fog.

    Dense inverse search optical flow truth -> output, smoothed and clipped to 3 % of the long side.
    Source: Kroeger et al., "Fast optical flow using dense inverse search", 2016.
    """
    height, width = truth.shape[:2]
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY) for picture in (truth, output)]
    flow = cv2.GaussianBlur(finder.calc(grey[0], grey[1], None), (0, 0), REGISTRATION_SIGMA_PX)
    reach = REGISTRATION_REACH * max(height, width)
    flow = np.clip(flow, -reach, reach)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return cv2.remap(
        output, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )  # fmt: skip


def gradient_energy(picture: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute difference to the left and upper neighbour (both added) of a uint8 [H,W,3] picture inside a mask [H,W]."""
    values = picture.astype(np.float32)
    energy = np.abs(np.diff(values, axis=0))[:, 1:] + np.abs(np.diff(values, axis=1))[1:]
    inside = where[1:, 1:]
    return float(energy.mean(-1)[inside].mean()) if inside.any() else 0.0


def blurred(picture: np.ndarray) -> np.ndarray:
    """The blur control: sigma 1.2 px per 256 px of picture height."""
    return cv2.GaussianBlur(picture, (0, 0), 1.2 * picture.shape[0] / 256)
