"""Light on painted pixels: soft, toon with outlines, or painterly. Works on the visible pixels of one view.

Sources: wrapped diffuse light (Valve 2006, half Lambert), unsharp-masked depth buffer (Luft et al. 2006) for soft occlusion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .noise import surface_noise
from .surface import MATERIAL, MATERIALS, among

STYLES = ("soft", "toon", "painterly")


@dataclass(frozen=True)
class Light:
    """direction [3] toward the light (camera axes: x right, y up, z to the viewer); colours RGB; ambient 0..1;
    hardness: share of the direct light that a shadow takes."""

    direction: tuple[float, float, float] = (-0.45, 0.62, 0.64)
    colour: tuple[float, float, float] = (1.0, 0.97, 0.92)
    sky: tuple[float, float, float] = (0.92, 0.96, 1.0)
    ground: tuple[float, float, float] = (0.80, 0.74, 0.70)
    ambient: float = 0.54
    strength: float = 0.62
    hardness: float = 0.75
    words: str = "soft daylight"


def random_light(seed: int) -> Light:
    """A seeded light: daylight, warm evening, cool night or hard spot."""
    rng = np.random.default_rng([seed, 3])
    azimuth, height = rng.uniform(-1.3, 1.3), rng.uniform(0.25, 1.1)
    direction = (float(np.sin(azimuth) * np.cos(height)), float(np.sin(height)), float(np.cos(azimuth) * np.cos(height)))
    kind = int(rng.choice(4, p=[0.5, 0.2, 0.15, 0.15]))
    colour, sky, ambient, strength, words = (
        ((1.0, 0.98, 0.94), (0.93, 0.97, 1.0), 0.56, 0.60, "soft daylight"), ((1.0, 0.86, 0.68), (0.95, 0.85, 0.85), 0.50, 0.64, "warm evening light"),
        ((0.75, 0.85, 1.0), (0.62, 0.72, 0.95), 0.46, 0.62, "cool blue light"), ((1.0, 0.98, 0.95), (0.85, 0.85, 0.9), 0.38, 0.78, "a hard spotlight"),
    )[kind]  # fmt: skip
    hardness = (0.70, 0.80, 0.70, 0.95)[kind] * float(rng.uniform(0.7, 1.0))
    return Light(direction, colour, sky, (0.8, 0.74, 0.7), ambient, strength, hardness, words)


def shade(colour: np.ndarray, normal: np.ndarray, material: np.ndarray, occlusion: np.ndarray, light: Light, style: str, shadow: np.ndarray | None = None) -> np.ndarray:
    """Lit RGB [P,3] from painted RGB [P,3], camera-axis normals [P,3], ambient light left [P] and direct light left [P]."""
    direction = np.asarray(light.direction, np.float32)
    direction = direction / np.linalg.norm(direction)
    facing = normal @ direction
    diffuse = np.clip((facing + 0.28) / 1.28, 0, 1) ** 1.25
    if style == "toon":
        diffuse = 0.38 + 0.62 * _step(facing, 0.10, 0.05)
        occlusion = 0.86 + 0.14 * _step(occlusion, 0.42, 0.12)
    if shadow is not None:
        diffuse = diffuse * (_step(shadow, 0.5, 0.10) if style == "toon" else shadow)
    up = (normal[:, 1] * 0.5 + 0.5)[:, None]
    around = np.asarray(light.ground, np.float32) * (1 - up) + np.asarray(light.sky, np.float32) * up
    direct = (light.strength * diffuse)[:, None] * np.asarray(light.colour, np.float32)
    skin = among(material, ("skin", "face")) * np.clip((colour[:, 0] - colour[:, 2]) * 8, 0, 1)  # blood shines through, metal does not
    bleed = (skin * np.exp(-(((facing - 0.05) / 0.30) ** 2)) * (0.10 if style != "toon" else 0.04))[:, None] * np.array([1.0, 0.28, 0.18], np.float32)
    lit = colour * (light.ambient * around * occlusion[:, None] + direct * (0.55 + 0.45 * occlusion)[:, None] + bleed)
    return lit + _shine(normal, direction, material, light, style)


def _step(value: np.ndarray, at: float, soft: float) -> np.ndarray:
    t = np.clip((value - at + soft) / (2 * soft), 0, 1)
    return t * t * (3 - 2 * t)


def _shine(normal: np.ndarray, direction: np.ndarray, material: np.ndarray, light: Light, style: str) -> np.ndarray:
    """Highlights: wet eyes, hair sheen, a trace on skin and shoes, light round the rim."""
    half = direction + [0, 0, 1]
    half = half / np.linalg.norm(half)
    near = np.clip(normal @ half.astype(np.float32), 0, 1)
    strength = np.zeros(len(MATERIALS), np.float32)
    power = np.full(len(MATERIALS), 20.0, np.float32)
    for name, s, p in (("skin", 0.05, 14), ("face", 0.08, 16), ("hair", 0.16, 26), ("shoe", 0.10, 24), ("teeth", 0.2, 40), ("coat", 0.03, 10), ("accessory", 0.12, 22), ("shell", 0.34, 30), ("fur", 0.02, 6)):
        strength[MATERIAL[name]], power[MATERIAL[name]] = s, p
    value = strength[material] * near ** power[material]
    if style == "toon":
        value = np.where(material == MATERIAL["hair"], 0.14 * _step(near, 0.94, 0.012), 0.0).astype(np.float32)
    rim = (1 - np.clip(normal[:, 2], 0, 1)) ** 4 * (0.0 if style == "toon" else 0.10)
    rim = np.where(material == MATERIAL["eye"], 0.0, rim)
    result = value[:, None] * np.asarray(light.colour, np.float32) + rim[:, None] * np.asarray(light.sky, np.float32)
    eye = np.flatnonzero(material == MATERIAL["eye"])
    if len(eye):
        spot = np.array([0.28 * np.sign(direction[0] or 1.0), 0.34], np.float32)
        distance = np.hypot(normal[eye, 0] - spot[0], normal[eye, 1] - spot[1])
        result[eye] += (_step(-distance, -0.15, 0.04) * 0.95)[:, None]
    return result


def soft_occlusion(depth: np.ndarray, covered: np.ndarray, radius: int) -> np.ndarray:
    """Ambient light left 0..1 [H,W]: darker where the neighbourhood is nearer to the camera (unsharp-masked depth). depth metres."""
    far = float(depth[covered].max()) + 0.3 if covered.any() else 1.0
    filled = np.where(covered, depth, far).astype(np.float32)
    result = np.ones_like(filled)
    for scale, weight in ((1, 0.55), (3, 0.45)):
        size = 2 * radius * scale + 1
        result -= weight * np.clip((filled - cv2.blur(filled, (size, size))) / 0.10, 0, 1)
    return result


def outline(group: np.ndarray, depth: np.ndarray, width: int, jump: float) -> np.ndarray:
    """True on pixels beside another group or a depth jump (metres): an ink line of about `width` pixels inside the figure."""
    edge = np.zeros(group.shape, bool)
    for axis in (0, 1):
        a = [slice(None)] * 2
        b = [slice(None)] * 2
        a[axis], b[axis] = slice(0, -1), slice(1, None)
        a, b = tuple(a), tuple(b)
        differs = (group[a] != group[b]) | (np.abs(depth[a] - depth[b]) > jump)
        edge[a] |= differs
        edge[b] |= differs
    if width > 1:
        edge = cv2.dilate(edge.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))) > 0
    return edge & (group >= 0)


def brush(picture: np.ndarray, alpha: np.ndarray, seed: int) -> np.ndarray:
    """A painterly touch on RGB [H,W,3] 0..1: softened tones and canvas strokes where alpha is set."""
    soft = cv2.medianBlur((np.clip(picture, 0, 1) * 255).astype(np.uint8), 3).astype(np.float32) / 255
    h, w = alpha.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    stroke = surface_noise(x * 0.09 + y * 0.05, y * 0.30 - x * 0.10, seed=seed % 7) - 0.5
    grain = surface_noise(x * 0.7, y * 0.7, seed=3) - 0.5
    return np.clip(soft * (1 + (0.16 * stroke + 0.05 * grain) * alpha)[..., None], 0, 1)
