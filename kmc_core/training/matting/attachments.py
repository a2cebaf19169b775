"""What characters wear and hold that the renderer does not draw: loose strands of hair, hats, held things, tails and wings.

Each is painted onto a figure's layer and belongs to the character. Called by stills.py.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...types import PictureKeypoints
from .backdrops import clouds, random_palette

FINE = 3
"""samples per pixel side of thin strands"""


def attach_things(layer: np.ndarray, keypoints: PictureKeypoints, generator: np.random.Generator) -> np.ndarray:
    """Layer float32 [H,W,4], premultiplied, 0..1 -> the same with whatever the dice say; most stills stay as they are."""
    head = _head(keypoints)
    if generator.random() < 0.10:
        layer = _under(layer, _appendage(layer.shape[:2], keypoints, generator))
    if head is not None and generator.random() < 0.65:
        layer = _under(layer, _strands(layer, head, generator))
    if head is not None and generator.random() < 0.28:
        layer = _over(layer, _hat(layer.shape[:2], head, generator))
    if generator.random() < 0.22:
        layer = _over(layer, _held(layer.shape[:2], keypoints, generator))
    return layer.clip(0, 1)


def textured(layer: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The figure with cloth-like grain and soft shadows multiplied onto its colours."""
    shape = layer.shape[:2]
    grain = 1 + generator.uniform(0, 0.35) * (clouds(shape, generator, 1.35) - 0.5)
    shadow = 1 + generator.uniform(0, 0.7) * (clouds(shape, generator, 0.25) - 0.5)
    colours = layer[..., :3] * (grain * shadow)[..., None]
    return np.concatenate([np.minimum(colours, layer[..., 3:]), layer[..., 3:]], -1).astype(np.float32)


def _head(keypoints: PictureKeypoints) -> tuple[np.ndarray, float] | None:
    """Centre and radius px of the skull, from ears, nose and shoulders."""
    ears = keypoints.body[[7, 8]]
    radius = max(float(np.linalg.norm(ears[0] - ears[1])) * 0.55, 0.2 * float(np.linalg.norm(keypoints.body[11] - keypoints.body[12])))
    return (ears.mean(0), radius) if np.isfinite(radius) and radius > 4 else None


def _strands(layer: np.ndarray, head: tuple[np.ndarray, float], generator: np.random.Generator) -> np.ndarray:
    """Thin curves that leave the outline near the head, in the colour they start from."""
    height, width = layer.shape[:2]
    alpha = (layer[..., 3] > 0.95).astype(np.uint8)
    rim = alpha - cv2.erode(alpha, np.ones((3, 3), np.uint8))
    centre, radius = head
    y, x = np.nonzero(rim)
    reach = np.hypot(x - centre[0], (y - centre[1]) * 0.8)
    y, x = y[reach < 2.2 * radius], x[reach < 2.2 * radius]
    canvas = np.zeros((height * FINE, width * FINE, 4), np.float32)
    if not len(x):
        return canvas[::FINE, ::FINE]
    for _ in range(int(np.exp(generator.uniform(1.5, 5.0)))):
        k = int(generator.integers(len(x)))
        start = np.array([x[k], y[k]], float)
        outward = start - centre
        outward = outward / max(np.linalg.norm(outward), 1e-3)
        length = radius * float(generator.uniform(0.15, 1.1))
        side = np.array([-outward[1], outward[0]]) * generator.normal(0, 1.2)
        t = np.linspace(0, 1, 9)[:, None]
        curve = start - 2 * outward + length * (t * (outward + side) + t * t * (np.array([0, 0.8]) - 0.8 * side))
        strength = float(generator.uniform(0.3, 1.0))
        colour = np.append(layer[y[k], x[k], :3] * generator.uniform(0.8, 1.25), 1.0) * strength
        cv2.polylines(
            canvas,
            [np.round(curve * FINE * 16).astype(np.int32)],
            False,
            colour.tolist(),
            int(generator.choice([1, 1, 2, 3])),
            cv2.LINE_AA,
            4,
        )
    return cv2.resize(canvas.clip(0, 1), (width, height), interpolation=cv2.INTER_AREA)


def _hat(shape: tuple[int, int], head: tuple[np.ndarray, float], generator: np.random.Generator) -> np.ndarray:
    """A cap, a brimmed hat, a crown, horns or animal ears."""
    centre, r = head
    top = centre + np.array([0, -0.75 * r])
    kind = generator.choice(["cap", "brim", "crown", "ears"])
    wide, tall = r * generator.uniform(1.1, 1.5), r * generator.uniform(0.6, 1.8)
    rings = []
    if kind == "crown":
        teeth = int(generator.integers(3, 8))
        x = np.linspace(-wide, wide, 2 * teeth + 1)
        up = np.where(np.arange(2 * teeth + 1) % 2 == 0, -tall, -0.5 * tall)
        rings.append(np.concatenate([np.stack([x, up], 1), [[wide, 0.3 * r], [-wide, 0.3 * r]]]))
    elif kind == "ears":
        for sign in (-1, 1):
            rings.append(_ellipse(0.35 * r, tall * 0.7, generator.normal(0, 0.3)) + np.array([sign * 0.8 * r, -0.6 * r]))
    else:
        rings.append(_ellipse(wide, tall, 0.0) * [1, 0.8])
        if kind == "brim":
            rings.append(_ellipse(wide * generator.uniform(1.2, 2.0), 0.3 * r, generator.normal(0, 0.1)) + np.array([0, 0.15 * r]))
    return _painted(shape, [ring + top for ring in rings], generator)


def _held(shape: tuple[int, int], keypoints: PictureKeypoints, generator: np.random.Generator) -> np.ndarray:
    """A ball, a stick, a sign or a bag at one hand."""
    side = int(generator.integers(2))
    wrist, elbow = keypoints.body[15 + side], keypoints.body[13 + side]
    if not np.isfinite(wrist).all() or keypoints.body_confidence[15 + side] < 0.5:
        return np.zeros((*shape, 4), np.float32)
    unit = max(float(np.linalg.norm(wrist - elbow)), 6.0)
    place = wrist + (wrist - elbow) * 0.35
    kind = generator.choice(["ball", "stick", "box"])
    if kind == "stick":
        ring = _ellipse(unit * generator.uniform(0.8, 2.2), unit * generator.uniform(0.03, 0.09), generator.uniform(0, np.pi))
    elif kind == "ball":
        ring = _ellipse(*(unit * generator.uniform(0.2, 0.5) * np.ones(2)), 0.0)
    else:
        a, b = unit * generator.uniform(0.2, 0.7, 2)
        ring = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) + np.array([0, b])
    return _painted(shape, [ring + place], generator)


def _appendage(shape: tuple[int, int], keypoints: PictureKeypoints, generator: np.random.Generator) -> np.ndarray:
    """A cape, wing, tail or backpack behind the trunk: a smooth blob that starts inside the body."""
    trunk = keypoints.body[[11, 12, 23, 24]]
    centre, size = trunk.mean(0), max(float(np.linalg.norm(trunk[:2].mean(0) - trunk[2:].mean(0))), 10.0)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    wave = 1 + 0.35 * sum(generator.normal() / k * np.cos(k * angle + generator.random() * 6) for k in range(1, 6))
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) * wave[:, None] * size * generator.uniform(0.2, 0.55, 2)
    return _painted(shape, [ring + centre + generator.normal(0, 0.45, 2) * size], generator)


def _ellipse(a: float, b: float, turn: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    ring = np.stack([a * np.cos(angle), b * np.sin(angle)], 1)
    return ring @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def _painted(shape: tuple[int, int], rings: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """Polygons filled with one colour, a little texture and light from one side -> premultiplied float32 [H,W,4]."""
    mask = np.zeros(shape, np.float32)
    for ring in rings:
        cv2.fillPoly(mask, [np.round(ring.clip(-4000, 4000) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    light = 1 + 0.5 * (clouds(shape, generator, float(generator.uniform(0.2, 1.2))) - 0.5)
    colours = random_palette(generator, 1)[0] * light[..., None]
    return np.dstack([colours.clip(0, 1) * mask[..., None], mask]).astype(np.float32)


def _under(layer: np.ndarray, other: np.ndarray) -> np.ndarray:
    return layer + other * (1 - layer[..., 3:])


def _over(layer: np.ndarray, other: np.ndarray) -> np.ndarray:
    return other + layer * (1 - other[..., 3:])
