"""Colour difference as eyes see it, and how far a character's colours drift over a clip."""

from __future__ import annotations

import numpy as np

# sRGB primaries and D65 white, IEC 61966-2-1
RGB_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = RGB_TO_XYZ.sum(1)


def lab_from_srgb(rgb: np.ndarray) -> np.ndarray:
    """sRGB 0..255 [...,3] -> CIE L*a*b* (D65) float64 [...,3]."""
    values = np.asarray(rgb, np.float64) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    ratio = linear @ RGB_TO_XYZ.T / WHITE
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], -1)


def ciede2000(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """CIEDE2000 colour difference of L*a*b* colours [...,3] -> [...]; 1 is about what an eye can just see.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula: implementation notes", 2005.
    """
    lightness, a, b = (np.stack([first[..., i], second[..., i]]).astype(np.float64) for i in range(3))
    mean_chroma = np.hypot(a, b).mean(0)
    a = a * (1 + 0.5 * (1 - np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))))
    chroma = np.hypot(a, b)
    hue = np.degrees(np.arctan2(b, a)) % 360
    grey = chroma.prod(0) == 0
    step = hue[1] - hue[0]
    step = np.where(grey, 0.0, (step + 180) % 360 - 180)
    step = np.where(~grey & (np.abs(hue[1] - hue[0]) == 180), hue[1] - hue[0], step)
    difference = (lightness[1] - lightness[0], chroma[1] - chroma[0], 2 * np.sqrt(chroma.prod(0)) * np.sin(np.radians(step / 2)))
    mean_lightness, mean_chroma = lightness.mean(0), chroma.mean(0)
    mean_hue = np.where(grey, hue.sum(0), np.where(np.abs(hue[1] - hue[0]) <= 180, hue.mean(0), (hue.mean(0) + 180) % 360))
    tone = (
        1
        - 0.17 * np.cos(np.radians(mean_hue - 30))
        + 0.24 * np.cos(np.radians(2 * mean_hue))
        + 0.32 * np.cos(np.radians(3 * mean_hue + 6))
        - 0.20 * np.cos(np.radians(4 * mean_hue - 63))
    )
    offset = (mean_lightness - 50) ** 2
    scale = (1 + 0.015 * offset / np.sqrt(20 + offset), 1 + 0.045 * mean_chroma, 1 + 0.015 * mean_chroma * tone)
    turn = 60 * np.exp(-(((mean_hue - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7)) * np.sin(np.radians(turn))
    l_part, c_part, h_part = (part / size for part, size in zip(difference, scale, strict=True))
    return np.sqrt(l_part**2 + c_part**2 + h_part**2 + rotation * c_part * h_part)


def mean_lab(picture: np.ndarray, where: np.ndarray) -> np.ndarray | None:
    """Mean L*a*b* [3] of a uint8 [H,W,3] picture inside a bool mask [H,W]; None for an empty mask."""
    return lab_from_srgb(picture[where]).mean(0) if where.any() else None


def colour_drift(colours: np.ndarray, control: np.ndarray | None = None) -> float | None:
    """CIEDE2000 between a character's mean colour [T,3] in the first and in the last eighth of a clip.

    control [T,3]: the same of a picture sequence that cannot drift (the alignment): its change comes from the pose, and is
    taken off. None when there are fewer than two frames.
    """
    if len(colours) < 2:
        return None
    share = max(1, len(colours) // 8)
    start, end = colours[:share].mean(0), colours[-share:].mean(0)
    if control is not None:
        end = end - (control[-share:].mean(0) - control[:share].mean(0))
    return float(ciede2000(start, end))
