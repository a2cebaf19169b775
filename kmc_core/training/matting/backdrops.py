"""Busy backdrops made of nothing: dead leaves, clouds, blurred lights, stripes. They have a photograph's statistics.

Not here: the renderer's own rooms (synthetic/background.py). Called by stills.py and composition.py.
Source: Lee, Mumford, Huang 2001, "Occlusion models for natural images" (dead leaves); learning from them: Baradad et al. 2021.
"""

from __future__ import annotations

import colorsys

import cv2
import numpy as np


def random_backdrop(shape: tuple[int, int], generator: np.random.Generator, palette: np.ndarray | None = None) -> np.ndarray:
    """float32 [H,W,3] in 0..1. palette [N,3]: colours to draw mostly from (to hide a character in its surroundings)."""
    colours = random_palette(generator) if palette is None else palette
    kind = generator.choice(["leaves", "clouds", "lights", "flat"], p=[0.5, 0.2, 0.12, 0.18])
    if kind == "leaves":
        picture = dead_leaves(shape, colours, generator)
    elif kind == "clouds":
        picture = _mixed(colours, clouds(shape, generator, float(generator.uniform(0.6, 1.4))))
    elif kind == "lights":
        picture = _lights(shape, colours, generator)
    else:
        picture = _mixed(colours[:2], _slope(shape, generator))
    if generator.random() < 0.5:
        picture = picture + 0.12 * generator.random() * (clouds(shape, generator, 0.7)[..., None] - 0.5)
    if generator.random() < 0.35:  # out of focus
        picture = cv2.GaussianBlur(picture, (0, 0), float(np.exp(generator.uniform(0, 2.2))))
    return picture.clip(0, 1).astype(np.float32)


def random_palette(generator: np.random.Generator, count: int = 7) -> np.ndarray:
    """Colours float32 [count,3] that belong together: one or two hues, several tones."""
    hue, spread = generator.random(), generator.choice([0.03, 0.12, 0.5])
    rows = [
        colorsys.hls_to_rgb((hue + generator.normal(0, spread)) % 1, generator.uniform(0.08, 0.95), generator.uniform(0, 0.8))
        for _ in range(count)
    ]
    return np.array(rows, np.float32)


def clouds(shape: tuple[int, int], generator: np.random.Generator, roughness: float) -> np.ndarray:
    """Fractal noise float32 [H,W] in 0..1; roughness: weight of an octave relative to the next coarser one."""
    total, weight = np.zeros(shape, np.float32), 0.0
    for octave in range(1, 8):
        size = (min(2**octave + 1, shape[1]), min(2**octave + 1, shape[0]))
        layer = generator.random(size[::-1]).astype(np.float32)
        share = (0.5 * roughness + 0.15) ** octave
        total += share * cv2.resize(layer, shape[::-1], interpolation=cv2.INTER_CUBIC)
        weight += share
    low, high = total.min(), total.max()
    return (total - low) / max(high - low, 1e-6)


def dead_leaves(shape: tuple[int, int], colours: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Overlapping discs, boxes, sticks and polygons with sizes by a power law, each with its own texture or shade."""
    height, width = shape
    side = max(shape)
    picture = _mixed(colours, clouds(shape, generator, 0.8))
    texture = clouds(shape, generator, 1.3) - 0.5
    for _ in range(int(generator.integers(20, 160))):
        size = side * min(0.5, 0.015 / max(generator.random(), 0.02) ** 0.9)
        shade = colours[int(generator.integers(len(colours)))] + generator.normal(0, 0.05, 3)
        box, mask = _leaf((height, width), size, generator)
        if mask.size:
            patch = shade + generator.choice([0.0, 0.15, 0.5]) * texture[box][..., None]
            picture[box] = picture[box] * (1 - mask[..., None]) + patch * mask[..., None]
    return picture


def _leaf(shape: tuple[int, int], size: float, generator: np.random.Generator) -> tuple[tuple[slice, slice], np.ndarray]:
    """One shape: where it lies, and its coverage float32 [h,w]."""
    centre = generator.random(2) * (shape[1], shape[0])
    kind = generator.choice(["disc", "polygon", "stick"], p=[0.35, 0.45, 0.2])
    angle = np.sort(generator.random(int(generator.integers(3, 9)))) * 2 * np.pi if kind == "polygon" else np.linspace(0, 6.28, 24)
    stretch = (3.0, 0.12) if kind == "stick" else (1.0, float(generator.uniform(0.4, 1)))
    ring = np.stack([np.cos(angle) * size * stretch[0], np.sin(angle) * size * stretch[1]], 1)
    turn = generator.random() * np.pi
    ring = ring @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) + centre
    low = np.clip(np.floor(ring.min(0)).astype(int) - 1, 0, (shape[1], shape[0]))
    high = np.clip(np.ceil(ring.max(0)).astype(int) + 2, 0, (shape[1], shape[0]))
    mask = np.zeros((max(high[1] - low[1], 0), max(high[0] - low[0], 0)), np.float32)
    if mask.size:
        cv2.fillPoly(mask, [np.round((ring - low) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return (slice(low[1], high[1]), slice(low[0], high[0])), mask.clip(0, 1)


def _lights(shape: tuple[int, int], colours: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Blurred lamps and windows: what lies behind a portrait."""
    picture = _mixed(colours * 0.5, clouds(shape, generator, 0.3))
    for _ in range(int(generator.integers(5, 30))):
        centre = tuple(int(v) for v in generator.random(2) * (shape[1], shape[0]))
        light = tuple(float(v) for v in (colours[int(generator.integers(len(colours)))] * 0.5 + 0.5))
        cv2.circle(picture, centre, int(max(shape) * generator.uniform(0.005, 0.06)), light, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), max(shape) * float(generator.uniform(0.004, 0.02)))


def _slope(shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    angle = generator.random() * 2 * np.pi
    along = (x / shape[1] - 0.5) * np.cos(angle) + (y / shape[0] - 0.5) * np.sin(angle)
    return (along * generator.choice([0.0, 0.4, 1.0]) + 0.5).clip(0, 1).astype(np.float32)


def _mixed(colours: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Colours along a palette; share float32 [H,W] in 0..1 -> float32 [H,W,3]."""
    place = share * (len(colours) - 1)
    lower = np.clip(place.astype(int), 0, len(colours) - 2)
    rest = (place - lower)[..., None]
    return np.ascontiguousarray(colours[lower] * (1 - rest) + colours[lower + 1] * rest, np.float32)
