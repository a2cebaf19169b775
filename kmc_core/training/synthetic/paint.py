"""Colours: what every material looks like at a point of the surface, before light.

Not here: light (shading.py), face features (paint_face.py). All colours are linear-free display RGB 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .fabrics import Fabric, fabric_colour
from .noise import rgb, smooth_step, surface_noise
from .surface import MATERIAL


@dataclass(frozen=True)
class Palette:
    """Colours of a character. furry: its face is fur too, with a muzzle of the second colour and hardly any lines."""

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
    accessory: tuple[float, float, float] = (0.70, 0.20, 0.18)
    sclera: tuple[float, float, float] = (0.95, 0.945, 0.94)
    shell: tuple[tuple[float, float, float], ...] = ((0.85, 0.86, 0.88), (0.85, 0.42, 0.16), (0.15, 0.16, 0.18), (0.45, 1.4, 1.6))
    fur: tuple[tuple[float, float, float], ...] = ((0.62, 0.42, 0.26), (0.88, 0.76, 0.60))
    furry: bool = False


def hair_colour(palette: Palette, p: np.ndarray) -> np.ndarray:
    """Strands that run down from the crown; p [P,4] head units."""
    azimuth = np.arctan2(p[:, 0], p[:, 2] + 0.03)
    strand = 0.6 * surface_noise(azimuth * 22, p[:, 1] * 14, seed=1) + 0.4 * surface_noise(azimuth * 60, p[:, 1] * 30, seed=2)
    return rgb(palette.hair) * (0.78 + 0.44 * strand)[:, None]


def shell_colour(palette: Palette, p: np.ndarray, pixel_m: float) -> np.ndarray:
    """A robot's panels; p [P,4]: rest place and which of palette.shell. Grooves between panels are at least a pixel wide."""
    tone = np.rint(p[:, 3]).astype(int)
    colour = np.array(palette.shell, np.float32)[tone] * (0.97 + 0.06 * surface_noise(p[:, 0] * 12, p[:, 1] * 12, p[:, 2] * 12))[:, None]
    width = max(0.0022, 0.6 * pixel_m)
    groove = np.abs((p[:, 1] / 0.17 + 0.37) % 1.0 - 0.5) * 0.17 < width
    groove |= (np.abs(p[:, 0]) < width) & (p[:, 2] > 0)
    return np.where((groove & (tone < 2))[:, None], colour * (1 - 0.55 * min(1.0, 0.0022 / width)), colour)


def fur_colour(palette: Palette, p: np.ndarray, pixel_m: float) -> np.ndarray:
    """Plush with tufts that run down, finer than a pixel only as their mean; p [P,4]: rest place and share of the second colour."""
    first, second = (rgb(colour) for colour in palette.fur)
    seen = float(smooth_step(0.012, 0.003, np.array(pixel_m)))
    tufts = 0.6 * surface_noise(p[:, 0] * 110, p[:, 1] * 60, p[:, 2] * 110) + 0.4 * surface_noise(p[:, 0] * 260, p[:, 1] * 150, p[:, 2] * 260, seed=2)
    return (first + (second - first) * np.clip(p[:, 3:4], 0, 1)) * (1 + 0.5 * seen * (tufts - 0.5))[:, None]


Painter = Callable[[np.ndarray], np.ndarray]


def surface_colour(palette: Palette, material: np.ndarray, p: np.ndarray, face_colour: Painter, eye_colour: Painter, pixel_m: float = 0.002) -> np.ndarray:
    """RGB [P,3] for materials [P] and paint coordinates [P,4]; face_colour, eye_colour: functions of p; pixel_m: metres a pixel shows."""
    colour = np.empty((len(p), 3), np.float32)
    fabrics = {"top": palette.top, "bottom": palette.bottom, "skirt": palette.skirt, "coat": palette.coat, "shoe": palette.shoe}
    present = np.unique(material)
    for k in present:
        chosen = np.flatnonzero(material == k)
        q = p[chosen]
        name = next(n for n, value in MATERIAL.items() if value == k)
        if name in fabrics:
            colour[chosen] = fabric_colour(fabrics[name], q, pixel_m)
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
        elif name == "shell":
            colour[chosen] = shell_colour(palette, q, pixel_m)
        elif name == "fur":
            colour[chosen] = fur_colour(palette, q, pixel_m)
        elif name == "teeth":
            colour[chosen] = rgb((0.93, 0.91, 0.87)) * (0.90 + 0.10 * smooth_step(0.02, 0.12, np.abs(np.sin(q[:, 0] * 420))))[:, None]
        elif name == "mouth":
            colour[chosen] = np.where(q[:, 3:4] > 0.5, (0.72, 0.36, 0.36), (0.22, 0.07, 0.07))
        elif name == "accessory":
            colour[chosen] = np.where(q[:, 3:4] > 0.5, rgb(palette.accessory), rgb((0.07, 0.07, 0.08)))
        else:
            colour[chosen] = palette.sole
    return colour
