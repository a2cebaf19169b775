"""Crops of stills, in other colours, and what a camera adds to the photograph alone. Order is a function of seed and step.

Called by train.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from ...errors import CheckpointError
from ..matting.backdrops import clouds

HELD_OUT = 10
"""every so-manieth still is kept for judging"""
DRAWN_ALREADY = 0.1
"""share of crops that show the toon itself, which is to stay as it is"""


class StyleBatch(NamedTuple):
    """photos [B,3,H,W] in -1..1; drawn [B,S,3,H,W] in -1..1; counts [B,S] 1 where that style is judged."""

    photos: Tensor
    drawn: Tensor
    counts: Tensor


class StyleStills:
    """The stills of a folder; `refresh` sees new ones. Raises CheckpointError when there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self.held_out: list[Path] = []
        self.refresh()
        if not self.files:
            raise CheckpointError(
                "There are no stills to learn from", got=str(folder), expected="rendered stills", remedy="Ask for more characters"
            )

    def refresh(self) -> None:
        """Look for stills written since."""
        found = sorted(self.folder.glob("*.npy"))
        self.held_out = [path for path in found if int(path.stem) % HELD_OUT == 0]
        self.files = [path for path in found if int(path.stem) % HELD_OUT]

    def batch(self, generator: np.random.Generator, size: int, crop_px: int) -> StyleBatch:
        """Random crops of one still each."""
        return _stacked([self._crop(generator, crop_px) for _ in range(size)])

    def judged(self, count: int) -> list[StyleBatch]:
        """Whole held-out pictures, as rendered, one a batch."""
        return [_stacked([_shown(_still(path)[:, number % 3])]) for number, path in enumerate(self.held_out[:count])]

    def _crop(self, generator: np.random.Generator, crop_px: int) -> tuple[list[np.ndarray], bool]:
        path = self.files[int(generator.integers(len(self.files)))]
        parts = _still(path)
        view, shape = int(generator.integers(parts.shape[1])), parts.shape[2:4]
        side = min(round(crop_px * float(np.exp(generator.uniform(-0.22, 0.22)))), *shape)
        top, left = (int(generator.integers(length - side + 1)) for length in shape)
        cut = [np.ascontiguousarray(part[view, top : top + side, left : left + side]) for part in parts]
        way = cv2.INTER_AREA if side > crop_px else cv2.INTER_CUBIC
        pictures = [cv2.resize(part, (crop_px, crop_px), interpolation=way).astype(np.float32) / 255 for part in cut]
        if generator.random() < 0.5:
            pictures = [picture[:, ::-1] for picture in pictures]
        pictures = recoloured(pictures, generator)
        drawn_already = generator.random() < DRAWN_ALREADY
        if drawn_already:
            pictures[0] = pictures[1]
        pictures[0] = photographed(pictures[0], generator, not drawn_already)
        return pictures, drawn_already


def recoloured(pictures: list[np.ndarray], generator: np.random.Generator) -> list[np.ndarray]:
    """The same other colours for all [H,W,3] 0..1: exchanged channels, light of another colour, contrast."""
    if generator.random() < 0.35:
        order = generator.permutation(3)
        pictures = [picture[..., order] for picture in pictures]
    if generator.random() < 0.7:
        gain = np.exp(generator.normal(0, 0.14, 3) + generator.normal(-0.05, 0.25)).astype(np.float32)
        contrast, gamma = float(generator.uniform(0.7, 1.25)), float(np.exp(generator.normal(0, 0.15)))
        pictures = [(0.5 + contrast * (picture.clip(0, 1) ** gamma * gain - 0.5)) for picture in pictures]
    if generator.random() < 0.15:
        grey = float(generator.uniform(0, 1))
        pictures = [picture + grey * (picture.mean(-1, keepdims=True) - picture) for picture in pictures]
    return [picture.clip(0, 1) for picture in pictures]


def photographed(picture: np.ndarray, generator: np.random.Generator, textured: bool) -> np.ndarray:
    """What only the photograph [H,W,3] 0..1 has: grain of surfaces, blur, noise, JPEG."""
    shape = picture.shape[:2]
    if textured and generator.random() < 0.65:
        rough = clouds(shape, generator, float(generator.uniform(0.4, 1.6))) - 0.5
        here = np.clip(4 * clouds(shape, generator, 0.3) - 1.2, 0, 1)
        picture = picture * (1 + float(generator.uniform(0.2, 1.2)) * rough * here)[..., None]
    if generator.random() < 0.35:
        picture = cv2.GaussianBlur(picture, (0, 0), float(generator.uniform(0.3, 1.3)))
    if generator.random() < 0.5:
        picture = picture + generator.normal(0, generator.uniform(0.5, 8.0) / 255, (*shape, int(generator.choice([1, 3]))))
    image = (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    if generator.random() < 0.4:
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(50, 96))])[1]
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return image.astype(np.float32) / 255


def _still(path: Path) -> np.ndarray:
    """uint8 [3,V,H,W,3] on the disk: only what is looked at is read."""
    return np.load(path, mmap_mode="r")


def _shown(pictures: np.ndarray) -> tuple[list[np.ndarray], bool]:
    return [picture.astype(np.float32) / 255 for picture in pictures], False


def _stacked(examples: list[tuple[list[np.ndarray], bool]]) -> StyleBatch:
    pictures = torch.from_numpy(np.stack([np.stack(parts) for parts, _ in examples]).astype(np.float32)) * 2 - 1
    pictures = pictures.permute(0, 1, 4, 2, 3)
    counts = torch.tensor([[1.0, 0.0 if drawn else 1.0] for _, drawn in examples])
    return StyleBatch(pictures[:, 0].contiguous(memory_format=torch.channels_last), pictures[:, 1:].contiguous(), counts)
