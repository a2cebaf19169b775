"""Cloth colours: woven, knitted and printed patterns, and what is sewn on garments: plackets, buttons, pockets, belts, seams.

Everything finer than a pixel fades out, so that patterns do not shimmer. Not here: folds (folds.py), light (shading.py).
Pattern coordinates p [P,4] are clothes.pattern_coordinates: across (round the body from the middle of its front), along, depth, limb share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from .noise import rgb, smooth_step, surface_noise

PATTERNS = (
    "solid", "stripes", "checks", "dots", "print", "denim", "noise", "wide_stripes", "zigzag",
    "plaid", "knit", "pinstripe", "floral", "quilted", "melange", "lace",
)  # fmt: skip
EMBLEMS = ("star", "circle", "heart", "ring", "words")
DETAILS = ("", "shirt", "zip", "lanyard", "jeans", "track")
_WORDS = ("HELLO", "NORTH 84", "COFFEE", "RUN", "OCEAN", "JAZZ CLUB", "TEAM 7", "SUMMER", "No. 12", "ATLAS")


@dataclass(frozen=True)
class Fabric:
    """colour and second colour (RGB 0..1), pattern (PATTERNS), size in metres, emblem for "print" (EMBLEMS), details (DETAILS), seed."""

    colour: tuple[float, float, float] = (0.3, 0.4, 0.6)
    second: tuple[float, float, float] = (0.9, 0.9, 0.9)
    pattern: str = "solid"
    size: float = 0.05
    emblem: str = "star"
    details: str = ""
    seed: int = 0


def fabric_colour(fabric: Fabric, p: np.ndarray, pixel_m: float = 0.002) -> np.ndarray:
    """RGB [P,3] of cloth at pattern coordinates p [P,4]; pixel_m: metres that one pixel shows."""
    colour = _woven(fabric, p, pixel_m)
    if fabric.details:
        _sewn(fabric, p, pixel_m, colour)
    return colour


def _mixture(fabric: Fabric, p: np.ndarray, pixel_m: float) -> np.ndarray:
    """Share 0..1 of the second colour [P]."""
    across, along, depth, size = p[:, 0], p[:, 1], p[:, 2], fabric.size
    edge = 0.10 + 3.0 * pixel_m / size
    wave = lambda v, s=size: smooth_step(-edge, edge, np.sin(2 * np.pi * v / s))  # noqa: E731
    if fabric.pattern == "stripes":
        return wave(along)
    if fabric.pattern == "wide_stripes":
        return smooth_step(-edge, edge, np.sin(2 * np.pi * along / (size * 2.5)) - 0.3)
    if fabric.pattern == "pinstripe":
        return 0.7 * _line((across + 0.25 * size) % (0.5 * size) - 0.25 * size, 0.0025, pixel_m)
    if fabric.pattern == "checks":
        return 0.5 * wave(along) + 0.5 * wave(across)
    if fabric.pattern == "dots":
        u, v = across / size, along / size
        u = u + 0.5 * (np.floor(v) % 2)
        return smooth_step(0.24 + edge / 3, 0.24 - edge / 3, np.hypot(u - np.floor(u) - 0.5, v - np.floor(v) - 0.5))
    if fabric.pattern == "zigzag":
        return wave(along + 0.35 * size * np.abs(((across / size) % 2) - 1))
    if fabric.pattern == "print":
        return emblem_share(fabric, across, along, pixel_m) * (depth > 0.0) * (p[:, 3] < 0.25)
    if fabric.pattern == "floral":
        petals = surface_noise(across / size, along / size, depth / size, fabric.seed)
        return smooth_step(0.60 - edge, 0.60 + edge, petals) * (0.65 + 0.35 * np.sin(40 * petals))
    if fabric.pattern == "noise":
        fine = surface_noise(across * 2.3 / size, along * 2.3 / size, depth * 2.3 / size, 5)
        return smooth_step(0.42, 0.58, 0.6 * surface_noise(across / size, along / size, depth / size) + 0.4 * fine)
    return np.zeros(len(p), np.float32)


def _woven(fabric: Fabric, p: np.ndarray, pixel_m: float) -> np.ndarray:
    """RGB [P,3] of the cloth itself."""
    first, second = rgb(fabric.colour), rgb(fabric.second)
    across, along, depth, size = p[:, 0], p[:, 1], p[:, 2], fabric.size
    seen = lambda feature: float(smooth_step(0.5, 2.0, np.float32(feature / pixel_m)))  # noqa: E731  how much of a feature a pixel leaves
    if fabric.pattern == "plaid":
        tint = 0.5 * first + 0.5 * np.roll(second, 1)
        u, v = across / (1.8 * size), along / (1.8 * size)
        band = lambda t, at, half: smooth_step(half + 2 * pixel_m / size, half - pixel_m / size, np.abs((t - at + 0.5) % 1 - 0.5))  # noqa: E731
        broad = 0.45 * (band(u, 0.0, 0.20) + band(v, 0.0, 0.20))[:, None]
        thin = 0.5 * seen(0.06 * size) * np.maximum(band(u, 0.5, 0.035), band(v, 0.5, 0.035))[:, None]
        colour = first + (second - first) * broad
        return colour + (tint - colour) * thin
    if fabric.pattern == "denim":
        grain = 0.55 * seen(0.006) * (surface_noise(across * 160, along * 420, depth * 160) - 0.5) + 0.35 * surface_noise(across * 18, along * 14, depth * 18, 3)
        worn = 0.5 * np.exp(-(((np.abs(across) - 0.05) / 0.05) ** 2)) * (depth > 0) * surface_noise(along * 6 + fabric.seed, across * 3)
        return first + (second - first) * (0.28 + grain + worn)[:, None]
    colour = first + (second - first) * _mixture(fabric, p, pixel_m)[:, None]
    if fabric.pattern == "knit":
        rib = np.abs(np.sin(np.pi * across / 0.014)) * seen(0.010) + 0.5 * np.abs(np.sin(np.pi * (along + 0.3 * across) / 0.011)) * seen(0.008)
        return colour * (0.80 + 0.18 * rib + 0.16 * surface_noise(across * 40, along * 40, depth * 40, 4))[:, None]
    if fabric.pattern == "quilted":
        height = np.abs(np.sin(np.pi * along / (1.6 * size)))
        return colour * (0.62 + 0.42 * np.minimum(height * 1.6, 1) ** 0.6)[:, None]
    if fabric.pattern == "melange":
        return colour + (second - first) * (0.5 * (0.3 + 0.7 * seen(0.010)) * surface_noise(across * 70, along * 220, depth * 70, 6))[:, None]
    if fabric.pattern == "lace":
        hole = smooth_step(-0.2, 0.3, np.sin(2 * np.pi * across / 0.022) * np.sin(2 * np.pi * along / 0.022)) * seen(0.012)
        return colour * (1 - 0.35 * hole)[:, None]
    return colour


def _line(distance: np.ndarray, width: float, pixel_m: float) -> np.ndarray:
    """Coverage 0..1 of a line of a width in metres at signed distances [P]; thinner than a pixel: paler, not lost."""
    half = 0.5 * max(width, pixel_m)
    return smooth_step(half + 0.6 * pixel_m, half - 0.4 * pixel_m, np.abs(distance)) * min(1.0, width / pixel_m)


def _sewn(fabric: Fabric, p: np.ndarray, pixel_m: float, colour: np.ndarray) -> None:
    """Darkens and tints `colour` [P,3] in place where something is sewn on."""
    across, along, front = p[:, 0], p[:, 1], (p[:, 2] > 0) & (p[:, 3] < 0.3)
    dark, metal = rgb(fabric.colour) * 0.45, rgb((0.80, 0.78, 0.72))
    blend = lambda share, tone: np.add(colour, (tone - colour) * np.asarray(share, np.float32)[:, None], out=colour)  # noqa: E731
    outline = lambda x, y, w, h: np.maximum(  # noqa: E731
        _line(np.abs(across - x) - w, 0.003, pixel_m) * (np.abs(along - y) < h), _line(np.abs(along - y) - h, 0.003, pixel_m) * (np.abs(across - x) < w)
    )
    if fabric.details in ("shirt", "zip"):
        lines = _line(np.abs(across) - 0.015, 0.0025, pixel_m) if fabric.details == "shirt" else _line(across, 0.007, pixel_m)
        blend(0.6 * lines * front, dark)
    if fabric.details == "shirt":
        v = (along / 0.085 + 0.5) % 1 - 0.5
        blend(0.9 * smooth_step(0.0075 + 0.5 * pixel_m, 0.0055, np.hypot(across, v * 0.085)) * front * min(1.0, 0.012 / pixel_m), rgb(fabric.second))
        blend(0.6 * outline(0.080, 0.0, 0.040, 0.045) * front, dark)
    elif fabric.details == "lanyard":
        ribbon = _line(np.abs(across) - np.clip(0.012 + 0.55 * (along + 0.02), 0, 0.12), 0.012, pixel_m) * (along > -0.02)
        blend(ribbon * front, rgb(fabric.second) * 0.6)
        blend(((np.abs(across) < 0.028) & (np.abs(along + 0.055) < 0.038)) * front, rgb((0.92, 0.93, 0.95)))
        blend(0.8 * ((np.abs(across) < 0.012) & (np.abs(along + 0.045) < 0.014)) * front, rgb((0.45, 0.38, 0.35)))
    elif fabric.details == "jeans":  # along is 0 at the waistband
        blend(0.85 * smooth_step(-0.038 - pixel_m, -0.038, along), rgb((0.20, 0.13, 0.09)) if fabric.seed % 2 else dark)
        blend(((np.abs(across) < 0.020) & (along > -0.034)) * front, metal)
        blend(0.6 * _line(across - 0.004, 0.004, pixel_m) * (along < -0.038) * (along > -0.17) * front, dark)
        pocket = along + 0.05 + 0.9 * (np.abs(across) - 0.06)
        blend(0.55 * _line(pocket, 0.004, pixel_m) * (np.abs(across) > 0.055) * (np.abs(across) < 0.13) * front, dark)
        blend(0.45 * outline(0.0, -0.15, 0.055, 0.06) * (p[:, 2] < 0), dark)
        blend(0.5 * _line(p[:, 2], 0.005, pixel_m), dark)
    elif fabric.details == "track":
        blend(0.9 * np.maximum(_line(p[:, 2] - 0.012, 0.010, pixel_m), _line(p[:, 2] + 0.012, 0.010, pixel_m)), rgb(fabric.second))


def emblem_share(fabric: Fabric, across: np.ndarray, along: np.ndarray, pixel_m: float) -> np.ndarray:
    """Coverage [P] of a chest print about four sizes wide; `along` is measured from the middle of the chest."""
    scale = fabric.size * 2.0
    u, v = across / scale, (along - 0.02) / scale
    soft = 0.02 + 0.7 * pixel_m / scale
    r, angle = np.hypot(u, v), np.arctan2(v, u)
    if fabric.emblem == "words":
        picture = _printed_words(fabric.seed)
        h, w = picture.shape
        x, y = (0.5 + u / 2.2) * w, (0.5 - v / 2.2 * w / h) * h
        inside = (x >= 0) & (y >= 0) & (x < w) & (y < h)
        return np.where(inside, picture[np.clip(y, 0, h - 1).astype(np.int32), np.clip(x, 0, w - 1).astype(np.int32)], 0.0).astype(np.float32)
    if fabric.emblem == "circle":
        return smooth_step(0.80 + soft, 0.80 - soft, r) - 0.8 * smooth_step(0.50, 0.47, r) * (np.abs(v) < 0.22)
    if fabric.emblem == "heart":
        w = v - 0.62 * np.sqrt(np.abs(u))
        return smooth_step(0.76 + soft, 0.76 - soft, np.hypot(u * 1.05, w + 0.12))
    if fabric.emblem == "ring":
        return smooth_step(0.80 + soft, 0.80 - soft, r) * smooth_step(0.50 - soft, 0.50 + soft, r)
    wedge = np.abs((angle - np.pi / 2 + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)
    tip, notch_x, notch_y = 0.85, 0.36 * np.cos(np.pi / 5), 0.36 * np.sin(np.pi / 5)
    edge = notch_y * tip / (notch_y * np.cos(wedge) + (tip - notch_x) * np.sin(wedge))
    return smooth_step(edge + soft, edge - soft, r)


@lru_cache(maxsize=64)
def _printed_words(seed: int) -> np.ndarray:
    """One or two lines of print, float32 [H,240] 0..1, a little soft."""
    rng = np.random.default_rng([seed, 71])
    lines = [str(rng.choice(_WORDS)) for _ in range(int(rng.integers(1, 3)))]
    picture = np.zeros((90 * len(lines), 240), np.uint8)
    for k, line in enumerate(lines):
        font = int(rng.choice([cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SIMPLEX]))
        (wide, _), _ = cv2.getTextSize(line, font, 1.0, 4)
        scale = min(2.2, 225 / wide)
        cv2.putText(picture, line, (int(120 - 0.5 * wide * scale), 90 * k + 65), font, scale, 255, max(3, round(4 * scale)), cv2.LINE_AA)
    return cv2.GaussianBlur(picture.astype(np.float32) / 255, (0, 0), 1.2)
