"""The figure as one anti-aliased layer: visible samples are painted, lit and averaged into pixels.

Pixels whose samples all show the same material at the same depth are shaded once; edges, faces and ink lines sample by sample.
Called by renderer.py. Not here: posing, background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...types import Canvas
from .folds import CLOTH, bend
from .head import HeadGrid
from .paint import surface_colour
from .paint_face import paint_eyes, paint_face
from .raster import Visible
from .shading import Light, outline, shade, soft_occlusion
from .shadows import light_left
from .skeleton import BONE
from .surface import MATERIAL, among

if TYPE_CHECKING:
    from .camera import Camera
    from .character import Character
    from .renderer import Posed


class Samples(NamedTuple):
    """What is shaded. mixed [S,9] of _vertex_table; material [S]; soft [S] occlusion; cloth [K]: which are cloth; folds [K,7] or None."""

    mixed: np.ndarray
    material: np.ndarray
    soft: np.ndarray
    cloth: np.ndarray
    folds: np.ndarray | None


_DETAILED = ("face", "eye", "teeth", "mouth")


def paint_figure(character: Character, posed: Posed, camera: Camera, light: Light, outline_px: float, visible: Visible, canvas: Canvas, oversample: int) -> tuple[np.ndarray, np.ndarray]:
    """Premultiplied RGBA float32 [H,W,4] and depth [H,W] metres (0 = nothing) from samples of a canvas `oversample` times finer."""
    fine = Canvas(canvas.height * oversample, canvas.width * oversample)
    material_of = character.surface.material[visible.triangle]
    depth = np.zeros(fine.height * fine.width, np.float32)
    depth[visible.pixel] = visible.depth
    depth = depth.reshape(fine)
    group = np.full(fine.height * fine.width, -1, np.int16)
    group[visible.pixel] = np.where(among(material_of, _DETAILED), MATERIAL["face"], material_of)
    group = group.reshape(fine)
    ink = None
    if character.design.style == "toon":
        skin = np.where((group == MATERIAL["face"]) | (group == MATERIAL["fur"]), MATERIAL["skin"], group)
        ink = outline(skin, depth, max(1, round(oversample * outline_px)), 0.035)
    whole = _whole_pixels(group, depth, ink, oversample)
    coarse = depth[oversample // 2 :: oversample, oversample // 2 :: oversample]
    metre_px = camera.focal * canvas.height / camera.distance
    soft = soft_occlusion(coarse, coarse > 0, max(1, round(metre_px * 0.018)))
    number = np.full(fine.height * fine.width, -1, np.int32)
    number[visible.pixel] = np.arange(len(visible.pixel))
    first, second, pixel, weight = _samples(number.reshape(fine), whole, oversample)
    table = _vertex_table(character, posed, camera, light)
    mixed = _interpolate(table, character, visible, first)
    pairs = len(second)
    mixed[:pairs] = 0.5 * (mixed[:pairs] + _interpolate(table, character, visible, second))
    bare = character.design.style == "toon"
    cloth = np.flatnonzero(among(material_of[first], () if bare else CLOTH))
    folds = _interpolate(character.folds.at(posed.vertices, camera.axes), character, visible, first[cloth]) if len(cloth) else None
    samples = Samples(mixed, material_of[first], soft.reshape(-1)[pixel], cloth, folds)
    lit = _light(character, camera, light, samples, canvas, 1.0 if oversample < 3 else 0.6)
    if ink is not None:
        line = ink.reshape(-1)[visible.pixel[first]]
        lit[0][line] = lit[1][line] * 0.22
    layer = np.empty((canvas.height * canvas.width, 4), np.float32)
    colour = np.clip(lit[0], 0, 1)
    for channel in range(3):
        layer[:, channel] = np.bincount(pixel, weight * colour[:, channel], len(layer))
    layer[:, 3] = np.bincount(pixel, weight, len(layer))
    return layer.reshape(*canvas, 4), coarse


def _whole_pixels(group: np.ndarray, depth: np.ndarray, ink: np.ndarray | None, oversample: int) -> np.ndarray:
    """True [H,W] where one shading sample stands for the whole pixel."""
    blocks = lambda a: a.reshape(a.shape[0] // oversample, oversample, -1, oversample).transpose(1, 3, 0, 2).reshape(oversample**2, a.shape[0] // oversample, -1)  # noqa: E731
    kinds, depths = blocks(group), blocks(depth)
    whole = (kinds == kinds[0]).all(0) & (kinds[0] >= 0) & (kinds[0] != MATERIAL["face"]) & (np.ptp(depths, axis=0) < 0.03)
    return whole if ink is None else whole & ~blocks(ink).any(0)


def _samples(number: np.ndarray, whole: np.ndarray, oversample: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Visible samples to shade, partners to average the first of them with, the pixel each belongs to and its share of that pixel."""
    h, w = whole.shape
    a, b = (oversample - 1) // 2, oversample // 2
    y, x = np.nonzero(whole)
    first, second = number[y * oversample + a, x * oversample + a], number[y * oversample + b, x * oversample + b]
    pixels = y * w + x
    rest = np.where(np.repeat(np.repeat(whole, oversample, 0), oversample, 1), -1, number)
    fy, fx = np.nonzero(rest >= 0)
    single = rest[fy, fx]
    share = np.float32(1.0 / oversample**2)
    return (
        np.concatenate([first, single]), second, np.concatenate([pixels, (fy // oversample) * w + fx // oversample]),
        np.concatenate([np.ones(len(first), np.float32), np.full(len(single), share, np.float32)]),
    )  # fmt: skip


def _vertex_table(character: Character, posed: Posed, camera: Camera, light: Light) -> np.ndarray:
    """Normal (camera axes), paint coordinates, occlusion and direct light left [N,9] of every vertex."""
    surface = character.surface
    toward = camera.axes.T @ np.asarray(light.direction) / np.linalg.norm(light.direction)
    direct = light_left(posed.vertices, posed.normals, toward)
    normals = calmed_normals(character.head, character.head_range, character.design.style, posed)
    return np.concatenate([normals @ camera.axes.T, surface.paint, surface.shade[:, None], direct[:, None]], axis=1).astype(np.float32)


def _interpolate(table: np.ndarray, character: Character, visible: Visible, chosen: np.ndarray) -> np.ndarray:
    """Rows of a vertex table mixed at chosen visible samples [S,C]."""
    corners, weights = character.surface.triangles[visible.triangle[chosen]], visible.weights[chosen]
    mixed = np.take(table, corners[:, 0], axis=0) * weights[:, :1]
    for k in (1, 2):
        row = np.take(table, corners[:, k], axis=0)
        row *= weights[:, k : k + 1]
        mixed += row
    return mixed


def _light(character: Character, camera: Camera, light: Light, samples: Samples, canvas: Canvas, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Lit and unlit RGB [S,3]."""
    design, mixed, material, soft = character.design, samples.mixed, samples.material, samples.soft
    normal, paint = mixed[:, :3], mixed[:, 3:7]
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    normal = np.where(normal[:, 2:] < -0.05, -normal, normal)
    softness = sharpness * camera.distance / (camera.focal * canvas.height * design.shape.head)  # one pixel in head units
    colour = surface_colour(
        design.palette, material, paint,
        lambda q: paint_face(design.face, design.palette, q, 0.7 * softness),
        lambda q: paint_eyes(design.palette, q, character.iris, 0.7 * softness / character.head.eye_radius),
        camera.distance / (camera.focal * canvas.height),
    )  # fmt: skip
    occlusion = mixed[:, 7] * (0.35 + 0.65 * soft)
    if samples.folds is not None:
        cloth = samples.cloth
        normal[cloth], valleys = bend(normal[cloth], samples.folds, paint[cloth], character.wave[material[cloth]])
        occlusion[cloth] *= valleys
    shadow = 1 - light.hardness * (1 - mixed[:, 8])
    lit = shade(colour, normal, material, occlusion, light, design.style, shadow)
    eye = np.flatnonzero(material == MATERIAL["eye"])
    if len(eye):  # the upper lid's shadow
        lit[eye] *= (1 - 0.42 * np.clip((paint[eye, 1] - 0.10) / 0.28, 0, 1))[:, None]
    return lit, colour


def calmed_normals(grid: HeadGrid, head_range: slice, style: str, posed: Posed) -> np.ndarray:
    """Normals with the face's bent toward those of a plain egg: drawn styles want large calm planes of light."""
    share = {"soft": 0.30, "toon": 0.80, "painterly": 0.45}[style]
    normals = posed.normals.copy()
    egg = (grid.vertices - [0.0, -0.005, -0.020]) / np.array([0.085, 0.125, 0.105]) ** 2
    egg /= np.linalg.norm(egg, axis=1, keepdims=True)
    mixed = (1 - share) * normals[head_range] + share * egg @ posed.turns[BONE["head"]].T
    normals[head_range] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return normals
