"""Colours: what every material looks like at a point of the surface, before light.

Not here: light (shading.py), face features (paint_face.py). All colours are linear-free display RGB 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .surface import MATERIAL

PATTERNS = ("solid", "stripes", "checks", "dots", "print", "denim", "noise", "wide_stripes", "zigzag")


@dataclass(frozen=True)
class Fabric:
    """colour and second colour (RGB 0..1), pattern name, size in metres, emblem for "print" ("star", "circle", "heart", "ring")."""

    colour: tuple[float, float, float] = (0.3, 0.4, 0.6)
    second: tuple[float, float, float] = (0.9, 0.9, 0.9)
    pattern: str = "solid"
    size: float = 0.05
    emblem: str = "star"


@dataclass(frozen=True)
class Palette:
    """Colours of a character."""

    skin: tuple[float, float, float] = (0.87, 0.69, 0.58)
    lips: tuple[float, float, float] = (0.72, 0.40, 0.38)
    hair: tuple[float, float, float] = (0.22, 0.14, 0.09)
    brow: tuple[float, float, float] = (0.18, 0.11, 0.08)
    iris: tuple[float, float, float] = (0.30, 0.42, 0.35)
    blush: float = 0.5
    beard: float = 0.0
    makeup: float = 0.0
    freckles: float = 0.0
    top: Fabric = Fabric()
    bottom: Fabric = Fabric((0.2, 0.25, 0.38), (0.3, 0.36, 0.5), "denim")
    skirt: Fabric = Fabric((0.55, 0.2, 0.3))
    coat: Fabric = Fabric((0.35, 0.3, 0.25))
    shoe: Fabric = Fabric((0.85, 0.85, 0.85))
    sole: tuple[float, float, float] = (0.92, 0.92, 0.90)


def rgb(colour: tuple[float, float, float]) -> np.ndarray:
    """A colour as float32 [3]."""
    return np.array(colour, np.float32)


def smooth_step(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below low, 1 above high, smooth between (low > high reverses)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@lru_cache(maxsize=1)
def _noise_table() -> np.ndarray:
    """Tileable smooth noise 0..1, [512,512] uint8, one feature every 8 cells."""
    coarse = np.random.default_rng(11).random((64, 64)).astype(np.float32)
    fine = np.empty((512, 512), np.float32)
    u = np.arange(512) / 8.0
    k, f = np.floor(u).astype(int), (u % 1.0).astype(np.float32)
    f = f * f * (3 - 2 * f)
    rows = coarse[k] * (1 - f)[:, None] + coarse[(k + 1) % 64] * f[:, None]
    fine = rows[:, k] * (1 - f) + rows[:, (k + 1) % 64] * f
    return (255 * (fine - fine.min()) / np.ptp(fine)).astype(np.uint8)


def surface_noise(x: np.ndarray, y: np.ndarray, z: np.ndarray | float = 0.0, seed: int = 0) -> np.ndarray:
    """Smooth pseudo-random values 0..1 with one feature per unit, float32; looked up in a tile of 64 units."""
    u = (x * 8.0 + (0.0 if np.isscalar(z) else z * 5.5) + seed * 131).astype(np.int32) & 511
    v = (y * 8.0 + (0.0 if np.isscalar(z) else z * 6.0) + seed * 57).astype(np.int32) & 511
    return _noise_table()[v, u].astype(np.float32) * np.float32(1 / 255)


def fabric_colour(fabric: Fabric, p: np.ndarray) -> np.ndarray:
    """RGB [P,3] of cloth at pattern coordinates p [P,4] (across, along, depth, limb share), metres."""
    first, second = rgb(fabric.colour), rgb(fabric.second)
    across, along, depth = p[:, 0], p[:, 1], p[:, 2]
    size = fabric.size
    edge = 0.10
    wave = lambda v: smooth_step(-edge, edge, np.sin(2 * np.pi * v / size))  # noqa: E731
    if fabric.pattern in ("stripes", "wide_stripes"):
        mix = wave(along) if fabric.pattern == "stripes" else smooth_step(-edge, edge, np.sin(2 * np.pi * along / (size * 2.5)) - 0.3)
    elif fabric.pattern == "checks":
        mix = 0.5 * wave(along) + 0.5 * wave(np.where(np.abs(depth) > 2 * np.abs(across), depth, across))
    elif fabric.pattern == "dots":
        u, v = across / size, along / size
        u = u + 0.5 * (np.floor(v) % 2)
        r = np.hypot(u - np.floor(u) - 0.5, v - np.floor(v) - 0.5)
        mix = smooth_step(0.27, 0.21, r)
    elif fabric.pattern == "zigzag":
        mix = wave(along + 0.35 * size * np.abs(((across / size) % 2) - 1))
    elif fabric.pattern == "print":
        mix = _emblem(fabric, across, along) * (depth > 0.0) * (p[:, 3] < 0.25)
    elif fabric.pattern == "denim":
        mix = 0.55 * surface_noise(across * 160, along * 420, depth * 160) + 0.35 * surface_noise(across * 18, along * 14, depth * 18, 3)
    elif fabric.pattern == "noise":
        mix = smooth_step(0.42, 0.58, 0.6 * surface_noise(across / size, along / size, depth / size) + 0.4 * surface_noise(across * 2.3 / size, along * 2.3 / size, depth * 2.3 / size, 5))
    else:
        mix = np.zeros(len(p))
    return first + (second - first) * mix[:, None]


def _emblem(fabric: Fabric, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """A chest print about four sizes wide; `along` is measured from the middle of the chest."""
    u, v = across / (fabric.size * 2.0), (along - 0.02) / (fabric.size * 2.0)
    r, angle = np.hypot(u, v), np.arctan2(v, u)
    if fabric.emblem == "circle":
        return smooth_step(0.80, 0.77, r) - 0.8 * smooth_step(0.50, 0.47, r) * (np.abs(v) < 0.22)
    if fabric.emblem == "heart":
        w = v - 0.62 * np.sqrt(np.abs(u))
        return smooth_step(0.78, 0.74, np.hypot(u * 1.05, w + 0.12))
    if fabric.emblem == "ring":
        return smooth_step(0.80, 0.77, r) * smooth_step(0.50, 0.53, r)
    wedge = np.abs((angle - np.pi / 2 + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)
    tip, notch_x, notch_y = 0.85, 0.36 * np.cos(np.pi / 5), 0.36 * np.sin(np.pi / 5)
    edge = notch_y * tip / (notch_y * np.cos(wedge) + (tip - notch_x) * np.sin(wedge))
    return smooth_step(edge + 0.03, edge - 0.03, r)


def hair_colour(palette: Palette, p: np.ndarray) -> np.ndarray:
    """Strands that run down from the crown; p [P,4] head units."""
    azimuth = np.arctan2(p[:, 0], p[:, 2] + 0.03)
    strand = 0.6 * surface_noise(azimuth * 22, p[:, 1] * 14, seed=1) + 0.4 * surface_noise(azimuth * 60, p[:, 1] * 30, seed=2)
    return rgb(palette.hair) * (0.78 + 0.44 * strand)[:, None]


Painter = Callable[[np.ndarray], np.ndarray]


def surface_colour(palette: Palette, material: np.ndarray, p: np.ndarray, face_colour: Painter, eye_colour: Painter) -> np.ndarray:
    """RGB [P,3] for materials [P] and paint coordinates [P,4]; face_colour, eye_colour: functions of p."""
    colour = np.empty((len(p), 3), np.float32)
    fabrics = {"top": palette.top, "bottom": palette.bottom, "skirt": palette.skirt, "coat": palette.coat, "shoe": palette.shoe}
    present = np.unique(material)
    for k in present:
        chosen = np.flatnonzero(material == k)
        q = p[chosen]
        name = next(n for n, value in MATERIAL.items() if value == k)
        if name in fabrics:
            colour[chosen] = fabric_colour(fabrics[name], q)
            if name == "shoe":
                rubber = smooth_step(0.0225, 0.0205, q[:, 3])[:, None]
                colour[chosen] += (rgb(palette.sole) - colour[chosen]) * rubber
        elif name == "skin":
            colour[chosen] = rgb(palette.skin) * (0.97 + 0.06 * surface_noise(q[:, 0] * 40, q[:, 1] * 40, q[:, 2] * 40))[:, None]
        elif name == "face":
            colour[chosen] = face_colour(q)
        elif name == "eye":
            colour[chosen] = eye_colour(q)
        elif name == "hair":
            colour[chosen] = hair_colour(palette, q)
        elif name == "teeth":
            colour[chosen] = rgb((0.93, 0.91, 0.87)) * (0.90 + 0.10 * smooth_step(0.02, 0.12, np.abs(np.sin(q[:, 0] * 420))))[:, None]
        elif name == "mouth":
            colour[chosen] = np.where(q[:, 3:4] > 0.5, (0.72, 0.36, 0.36), (0.22, 0.07, 0.07))
        else:
            colour[chosen] = palette.sole
    return colour
