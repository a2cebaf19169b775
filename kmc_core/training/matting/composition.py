"""A figure's layer over a backdrop as a camera would have taken it: shadow, soft edges, grain, JPEG, people behind, things in front.

Called by stills.py (once per still) and dataset.py (new pictures from old layers).
"""

from __future__ import annotations

import cv2
import numpy as np

from .backdrops import clouds, random_backdrop


def recoloured(layer: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Other clothes, hair and skin for free: channels exchanged, gain and gamma. Premultiplied float32 [H,W,4] in and out."""
    alpha = layer[..., 3:]
    colours = layer[..., :3] / np.maximum(alpha, 1e-3)
    if generator.random() < 0.5:
        colours = colours[..., generator.permutation(3)]
    colours = (colours * np.exp(generator.normal(0, 0.15, 3))).clip(0, 1) ** float(np.exp(generator.normal(0, 0.25)))
    return np.concatenate([colours * alpha, alpha], -1).astype(np.float32)


def softened(layer: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Lens blur of the figure; truth goes with it."""
    sigma = float(generator.choice([0.0, 0.45, 0.8, 1.3], p=[0.3, 0.35, 0.25, 0.1]))
    return layer if sigma == 0 else cv2.GaussianBlur(layer, (0, 0), sigma)


def hiding_palette(layer: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Five colours of the figure itself [5,3]: a backdrop in which its outline is hard to see."""
    rows = np.argwhere(layer[..., 3] > 0.95)
    if len(rows) < 20:
        return generator.random((5, 3)).astype(np.float32)
    chosen = rows[generator.integers(len(rows), size=5)]
    return (layer[chosen[:, 0], chosen[:, 1], :3] + generator.normal(0, 0.04, (5, 3))).clip(0, 1).astype(np.float32)


def composed(layer: np.ndarray, backdrop: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """float32 [H,W,3]: premultiplied layer [H,W,4] over backdrop [H,W,3], on which `shade` [H,W] light is left."""
    return layer[..., :3] + backdrop * shade[..., None] * (1 - layer[..., 3:])


def with_company(backdrop: np.ndarray, other: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The backdrop with somebody else standing in it, moved to one side and of another size."""
    height, width = backdrop.shape[:2]
    scale = float(generator.uniform(0.5, 1.1))
    x = (1 if generator.random() < 0.5 else -1) * generator.uniform(0.28, 0.55) * width + width / 2 * (1 - scale)
    matrix = np.float32([[scale, 0, x], [0, scale, height * (1 - scale) * generator.uniform(0.3, 1.0)]])
    source = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    moved = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return moved[..., :3] + backdrop * (1 - moved[..., 3:])


def with_obstacle(layer: np.ndarray, picture: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Something that is not the character in front of its lower part (a table, a hedge): layer and picture without it there."""
    height, width = layer.shape[:2]
    x = np.linspace(0, 1, width)
    edge = height * (generator.uniform(0.68, 0.95) + 0.04 * np.sin(x * generator.uniform(1, 12) + generator.random() * 6))
    y = np.arange(height)[:, None]
    cover = np.clip(y - edge[None], 0, 1).astype(np.float32)
    left, right = np.sort(generator.uniform(-0.3, 1.3, 2)) * width
    cover = cover * ((np.arange(width) > left) & (np.arange(width) < right))[None]
    front = random_backdrop((height, width), generator)
    return layer * (1 - cover[..., None]), picture * (1 - cover[..., None]) + front * cover[..., None]


def developed(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """uint8 [H,W,3] of float32 0..1: gain and gamma of the whole, grain, JPEG."""
    out = picture
    if generator.random() < 0.3:
        out = out.clip(0, 1) ** float(np.exp(generator.normal(0, 0.2)))
    if generator.random() < 0.25:
        out = out * (0.6 + 0.4 * clouds(out.shape[:2], generator, 0.1))[..., None]
    if generator.random() < 0.6:
        out = out + generator.normal(0, generator.uniform(0.3, 4.0) / 255, (*out.shape[:2], int(generator.choice([1, 3]))))
    image = (out.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    if generator.random() < 0.5:
        done, packed = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(60, 97))])
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1] if done else image
    return np.ascontiguousarray(image)
