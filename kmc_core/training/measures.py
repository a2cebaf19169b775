"""PSNR, SSIM, sharpness and the blur control, for held-out pairs. The full table of real clips lives in evaluation.

Sources: Wang et al. 2004 (SSIM, Gaussian window of sigma 1.5).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

BLUR_SIGMA_PX_PER_256 = 1.2


def psnr(picture: Tensor, truth: Tensor, weight: Tensor | None = None) -> float:
    """dB of [3,H,W] pictures in 0..1; weight [1,H,W] counts some pixels more (None: all alike)."""
    square = (picture - truth).square().mean(0, keepdim=True)
    error = square.mean() if weight is None else (square * weight).sum() / weight.sum().clamp(min=1e-6)
    return float(10 * torch.log10(1 / error.clamp(min=1e-9)))


def ssim(picture: Tensor, truth: Tensor, weight: Tensor | None = None) -> float:
    """Mean structural similarity of [3,H,W] pictures in 0..1."""
    a, b = picture[:, None], truth[:, None]
    mean_a, mean_b = gaussian(a, 1.5), gaussian(b, 1.5)
    variance_a, variance_b = gaussian(a * a, 1.5) - mean_a**2, gaussian(b * b, 1.5) - mean_b**2
    covariance = gaussian(a * b, 1.5) - mean_a * mean_b
    value = ((2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)) / (
        (mean_a**2 + mean_b**2 + 1e-4) * (variance_a + variance_b + 9e-4)
    )
    value = value[:, 0].mean(0, keepdim=True)
    return float(value.mean() if weight is None else (value * weight).sum() / weight.sum().clamp(min=1e-6))


def gradient_energy(picture: Tensor, weight: Tensor) -> float:
    """Mean absolute forward difference of [3,H,W] where weight [1,H,W] is; sharpness is its ratio to the truth's."""
    down = (picture[:, 1:, :-1] - picture[:, :-1, :-1]).abs()
    across = (picture[:, :-1, 1:] - picture[:, :-1, :-1]).abs()
    weight = weight[:, :-1, :-1]
    return float(((down + across).mean(0, keepdim=True) * weight).sum() / weight.sum().clamp(min=1e-6))


def gaussian(pictures: Tensor, sigma: float) -> Tensor:
    """Gaussian filter of [F,C,H,W] with mirrored borders."""
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=pictures.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(pictures.shape[1], 1, -1)
    padded = pad(pictures, (radius,) * 4, mode="reflect")
    rows = conv2d(padded, kernel[:, :, None, :], groups=pictures.shape[1])
    return conv2d(rows, kernel[..., None], groups=pictures.shape[1])


def blurred(pictures: Tensor) -> Tensor:
    """The control every gain has to beat: [F,C,H,W] with sigma 1.2 px per 256 px of height."""
    return gaussian(pictures, BLUR_SIGMA_PX_PER_256 * pictures.shape[-2] / 256)
