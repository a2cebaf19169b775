"""What colour the character itself has under its soft edges: no rim of the old background survives.

Not here: alpha (picture_matte.py). Called by picture_matte.py.
Source: Germer, Uelwer, Conrad, Harmeling 2020, "Fast multi-level foreground estimation"; Jacobi steps instead of
Gauss-Seidel, and at the finest size one closed-form correction of the enlarged result.
"""

from __future__ import annotations

import cv2
import numpy as np

LONG_SIDE_PX = 640
"""largest size at which the system is relaxed; above it the result is enlarged and corrected"""
REGULARISATION = 1e-3
GRADIENT_WEIGHT = 1.0
SMALL_SIDE_PX = 32
SMALL_ITERATIONS, LARGE_ITERATIONS = 10, 3
SOLID = 0.995
RIM_PX_PER = 700
"""picture side per pixel of rim that is recoloured from inside"""
RIM_TRUST = 0.25


def foreground_colours(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """uint8 [H,W,3]: the picture where alpha is 1, elsewhere the character's colours continued outwards.

    picture uint8 [H,W,3], alpha float32 [H,W]. With an empty alpha the picture comes back unchanged.
    """
    if not (alpha > 0.5).any():
        return picture.copy()
    height, width = alpha.shape
    colours, alpha = picture.astype(np.float32) / 255, alpha.astype(np.float32)
    trust = _trust(alpha)
    factor = min(1.0, LONG_SIDE_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (colours, alpha, trust)]
    foreground, background = _relax(*small)
    if factor < 1:
        foreground = cv2.resize(foreground, (width, height), interpolation=cv2.INTER_LINEAR)
        background = cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR)
    a = alpha[..., None]
    # towards the smallest change of both colours that explains the pixel exactly
    error = colours - a * foreground - (1 - a) * background
    foreground = foreground + trust[..., None] * a * error / (a * a + (1 - a) ** 2 + 0.05 * (1 - a))
    is_solid = ((trust > 0.99) & (alpha >= SOLID))[..., None]
    foreground = np.where(is_solid, colours, foreground)
    return (foreground.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _trust(alpha: np.ndarray) -> np.ndarray:
    """How far a pixel's own colour counts: the outermost solid pixels often hold a trace of the old background."""
    rim = 2 * max(round(max(alpha.shape) / RIM_PX_PER), 1) + 1
    inner = cv2.erode(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (rim, rim)), borderValue=1)
    return np.where((inner >= SOLID) | (alpha <= 1 - SOLID), 1.0, RIM_TRUST).astype(np.float32)


def _relax(colours: np.ndarray, alpha: np.ndarray, trust: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Foreground and background colours [H,W,3] at the size given, coarse to fine."""
    height, width = alpha.shape
    levels = max(int(np.ceil(np.log2(max(height, width)))), 1)
    foreground = _weighted_mean(colours, alpha)
    background = _weighted_mean(colours, 1 - alpha)
    for level in range(levels + 1):
        share = level / levels
        size = (max(round(width**share), 1), max(round(height**share), 1))
        picture = cv2.resize(colours, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
        cover = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
        counts = cv2.resize(trust, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0])
        foreground = cv2.resize(foreground, size, interpolation=cv2.INTER_NEAREST).reshape(picture.shape)
        background = cv2.resize(background, size, interpolation=cv2.INTER_NEAREST).reshape(picture.shape)
        is_small = max(size) <= SMALL_SIDE_PX
        for _ in range(SMALL_ITERATIONS if is_small else LARGE_ITERATIONS):
            foreground, background = _jacobi_step(picture, cover, counts, foreground, background)
    return foreground, background


def _weighted_mean(colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return ((colours * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)).reshape(1, 1, 3).astype(np.float32)


def _jacobi_step(
    picture: np.ndarray, alpha: np.ndarray, trust: np.ndarray, foreground: np.ndarray, background: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every pixel's best F, B given its four neighbours': composite error plus differences weighted by alpha's gradient."""
    weight_sum = np.zeros(alpha.shape, np.float32)
    f_sum, b_sum = np.zeros_like(foreground), np.zeros_like(background)
    padded = [cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_REPLICATE) for part in (alpha, foreground, background)]
    height, width = alpha.shape
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbour_alpha, f, b = (part[dy : dy + height, dx : dx + width] for part in padded)
        weight = REGULARISATION + GRADIENT_WEIGHT * np.abs(alpha - neighbour_alpha)
        weight_sum += weight
        f_sum += weight[..., None] * f.reshape(picture.shape)
        b_sum += weight[..., None] * b.reshape(picture.shape)
    a, w, t = alpha[..., None], weight_sum[..., None], trust[..., None]
    # [t a a + w, t a (1-a); t a (1-a), t (1-a)(1-a) + w] (F, B) = (t a I + f_sum, t (1-a) I + b_sum)
    right_f, right_b = t * a * picture + f_sum, t * (1 - a) * picture + b_sum
    ff, fb, bb = t * a * a + w, t * a * (1 - a), t * (1 - a) ** 2 + w
    determinant = ff * bb - fb * fb
    new_f = (bb * right_f - fb * right_b) / determinant
    new_b = (ff * right_b - fb * right_f) / determinant
    return new_f.clip(0, 1), new_b.clip(0, 1)
