"""Crops for the cut-out network: as the pipeline saw them, or the same figure composed anew. Order is a function of seed and step.

Called by train.py and by evaluation (whole pictures).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from ...errors import CheckpointError
from .backdrops import random_backdrop
from .composition import composed, developed, hiding_palette, recoloured, softened
from .rough_masks import damaged_cut, damaged_person

VARIANTS = 2


class Example(NamedTuple):
    """float32 0..1: inputs [H,W,7] as matte_network.INPUTS; alpha [H,W]; colours [H,W,3] of the character alone."""

    inputs: np.ndarray
    alpha: np.ndarray
    colours: np.ndarray


class Batch(NamedTuple):
    """inputs [B,7,H,W], alpha [B,1,H,W], colours [B,3,H,W]."""

    inputs: Tensor
    alpha: Tensor
    colours: Tensor


class StillFolder:
    """The stills of a folder; call `refresh` to see new ones. Raises CheckpointError when there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self.refresh()
        if not self.files:
            raise CheckpointError("There are no stills", got=str(folder), remedy="Run the stills command first")

    def refresh(self) -> None:
        """Look for stills written since."""
        self.files = sorted(self.folder.glob("*.npz"))

    def whole(self, index: int, variant: int) -> Example:
        """A still's picture as the pipeline saw it, uncropped."""
        with np.load(self.files[index]) as still:
            return _seen(still, variant)

    def batch(self, generator: np.random.Generator, size: int, crop_px: int, fresh: float) -> Batch:
        """Random crops; `fresh`: share whose picture is composed anew."""
        return stacked([self.crop(generator, crop_px, fresh) for _ in range(size)])

    def crop(self, generator: np.random.Generator, crop_px: int, fresh: float) -> Example:
        """One augmented crop [crop_px, crop_px]."""
        with np.load(self.files[int(generator.integers(len(self.files)))]) as still:
            variant = int(generator.integers(VARIANTS))
            seen = _seen(still, variant)
            place = _place(seen, crop_px, generator)
            if generator.random() < fresh:
                layer = still["layer"].astype(np.float32) / 255
                shade = still["shade"].astype(np.float32) / 255
                example = _composed(_cut(layer, place, crop_px), _cut(shade, place, crop_px), _cut_example(seen, place, crop_px), generator)
            else:
                example = _cut_example(seen, place, crop_px)
        return _augmented(example, generator)


def stacked(examples: list[Example]) -> Batch:
    """Examples of one size as tensors."""
    inputs, alpha, colours = (np.stack([example[k] for example in examples]) for k in range(3))
    return Batch(
        torch.from_numpy(inputs).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last),
        torch.from_numpy(alpha)[:, None],
        torch.from_numpy(colours).permute(0, 3, 1, 2),
    )


def _seen(still: dict[str, np.ndarray], variant: int) -> Example:
    unit = lambda name: still[name][variant].astype(np.float32) / 255  # noqa: E731
    masks = [unit("persons"), unit("analytics"), *(still[name][variant].astype(np.float32) for name in ("bones", "reaches"))]
    return Example(np.dstack([unit("pictures"), *masks]), unit("alphas"), unit("colours"))


def _place(seen: Example, crop_px: int, generator: np.random.Generator) -> tuple[int, int, int]:
    """Top, left and side of the square to cut; most squares lie where the present cut-out is wrong or on the outline."""
    height, width = seen.alpha.shape
    side = min(round(crop_px / float(np.exp(generator.uniform(-0.45, 0.3)))), height, width)
    dice = generator.random()
    wrong = np.abs(seen.inputs[..., 4] - seen.alpha)
    where = np.argwhere(wrong > 0.3) if dice < 0.45 else np.argwhere((seen.alpha > 0.05) & (seen.alpha < 0.95)) if dice < 0.85 else []
    y, x = where[int(generator.integers(len(where)))] if len(where) else generator.random(2) * (height, width)
    shift = generator.uniform(0.15, 0.85, 2) * side
    top, left = np.clip((y - shift[0], x - shift[1]), 0, (height - side, width - side)).astype(int)
    return int(top), int(left), int(side)


def _cut(values: np.ndarray, place: tuple[int, int, int], crop_px: int) -> np.ndarray:
    top, left, side = place
    part = values[top : top + side, left : left + side]
    if side == crop_px:
        return np.ascontiguousarray(part)
    method = cv2.INTER_AREA if side > crop_px else cv2.INTER_LINEAR
    groups = np.split(part, range(3, part.shape[2], 3), 2) if part.ndim == 3 else [part]  # cv2 resizes at most four channels
    resized = [cv2.resize(np.ascontiguousarray(group), (crop_px, crop_px), interpolation=method) for group in groups]
    return np.dstack(resized).reshape(crop_px, crop_px, *values.shape[2:])


def _cut_example(seen: Example, place: tuple[int, int, int], crop_px: int) -> Example:
    return Example(*(_cut(values, place, crop_px) for values in seen))


def _composed(layer: np.ndarray, shade: np.ndarray, seen: Example, generator: np.random.Generator) -> Example:
    """The figure in other colours before another backdrop; masks stay as they were."""
    figure = recoloured(layer, generator)
    palette = hiding_palette(figure, generator) if generator.random() < 0.35 else None
    figure = softened(figure, generator)
    alpha = figure[..., 3]
    picture = composed(figure, random_backdrop(alpha.shape, generator, palette), shade)
    near = cv2.GaussianBlur(figure, (0, 0), 3.0)
    colours = np.where(
        figure[..., 3:] > 0.02, figure[..., :3] / np.maximum(figure[..., 3:], 0.02), near[..., :3] / np.maximum(near[..., 3:], 1e-3)
    )
    image = developed(picture, generator).astype(np.float32) / 255
    return Example(np.dstack([image, seen.inputs[..., 3:]]), np.ascontiguousarray(alpha), colours.clip(0, 1).astype(np.float32))


def _augmented(example: Example, generator: np.random.Generator) -> Example:
    """Mirror, exchanged channels, gamma, grain, and rough masks made worse."""
    inputs, alpha, colours = example.inputs.copy(), example.alpha, example.colours
    if generator.random() < 0.35:
        inputs[..., 3] = damaged_person(inputs[..., 3], generator)
    if generator.random() < 0.4:
        inputs[..., 4] = damaged_cut(inputs[..., 4], inputs[..., 3], generator)
    if generator.random() < 0.15:
        inputs[..., 5:] = 0
    if generator.random() < 0.4:
        order = generator.permutation(3)
        inputs[..., :3], colours = inputs[..., order], colours[..., order]
    if generator.random() < 0.5:
        gamma = float(np.exp(generator.normal(0, 0.2)))
        inputs[..., :3], colours = inputs[..., :3] ** gamma, colours**gamma
    if generator.random() < 0.2:
        noise = generator.normal(0, generator.uniform(0.002, 0.02), inputs.shape[:2])
        inputs[..., :3] = (inputs[..., :3] + noise[..., None]).clip(0, 1)
    if generator.random() < 0.5:
        inputs, alpha, colours = inputs[:, ::-1], alpha[:, ::-1], colours[:, ::-1]
    return Example(*(np.ascontiguousarray(values, np.float32) for values in (inputs, alpha, colours)))
