"""From moved meshes to pixels: rasterise, sample each layer's texture on the pixels it hits, lay them over one another.

Not here: geometry (deform.py). Called by the aligner.
Sparse: only covered (layer, pixel) pairs are ever touched, inside the subject's box. Per pixel the layers are taken from
near to far and combined with the "over" operator (Porter and Duff 1984) on premultiplied colours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Canvas
from .deform import MovedPart
from .layers import ALPHA, PREMULTIPLIED, REAL
from .prepared_view import Texture
from .rasterizer import RasterHits, rasterize

FAR = 1e9
MOST_OVERLAPPING_LAYERS = 5
FAINT = 1 / 256


class SparsePixels(NamedTuple):
    """The covered pixels [P] of a canvas. pixel int64 = y * width + x; colour [3,P] premultiplied; the other fields are of
    the layer that shows most there: part int16, depth canvas px, source [2,P] picture px, stretch, real, confidence."""

    pixel: Tensor
    colour: Tensor
    alpha: Tensor
    part: Tensor
    depth: Tensor
    source: Tensor
    stretch: Tensor
    real: Tensor
    confidence: Tensor


class _Fragments(NamedTuple):
    """One entry per (layer, pixel) hit. value [Q,5]: premultiplied colour, alpha, real."""

    slot: Tensor
    pixel: Tensor
    value: Tensor
    depth: Tensor
    source: Tensor
    stretch: Tensor
    confidence: Tensor


def draw_parts(parts: list[MovedPart], textures: list[Texture], scale: list[float], canvas: Canvas) -> SparsePixels:
    """Draw moved parts (each with its own texture and its canvas px per picture px) on a canvas."""
    parts, textures, scale, box = _visible(parts, textures, scale, canvas)
    if not parts:
        return _nothing()
    x0, y0, x1, y1 = box
    window = Canvas(y1 - y0, x1 - x0)
    geometry = _Geometry.of(parts, scale, (x0, y0))
    hits = rasterize(geometry.target, geometry.triangles, geometry.slot, window)
    fragments = _sample(hits, geometry, parts, textures, scale)
    numbers = torch.tensor([part.part for part in parts], dtype=torch.int16)
    pixels = _over(fragments, numbers, window.height * window.width)
    row, column = torch.div(pixels.pixel, window.width, rounding_mode="floor"), pixels.pixel % window.width
    return pixels._replace(pixel=(row + y0) * canvas.width + column + x0)


def _visible(
    parts: list[MovedPart], textures: list[Texture], scale: list[float], canvas: Canvas
) -> tuple[list[MovedPart], list[Texture], list[float], tuple[int, int, int, int]]:
    """Drop empty parts and those off the canvas; the box (x0, y0, x1, y1) of what is left."""
    kept, low, high = [], np.array([np.inf, np.inf]), np.array([-np.inf, -np.inf])
    for index, part in enumerate(parts):
        if not len(part.triangles) or part.opacity <= FAINT:
            continue
        first, last = part.target[:, :2].min(0), part.target[:, :2].max(0)
        if (last < 0).any() or first[0] > canvas.width or first[1] > canvas.height or not np.isfinite(first + last).all():
            continue
        kept.append(index)
        low, high = np.minimum(low, first), np.maximum(high, last)
    if not kept:
        return [], [], [], (0, 0, 0, 0)
    x0, y0 = (int(v) for v in np.maximum(np.floor(low), 0))
    x1, y1 = (int(v) for v in np.minimum(np.ceil(high) + 1, (canvas.width, canvas.height)))
    box = (min(x0, canvas.width - 1), min(y0, canvas.height - 1), max(x1, x0 + 1), max(y1, y0 + 1))
    return [parts[i] for i in kept], [textures[i] for i in kept], [scale[i] for i in kept], box


class _Geometry(NamedTuple):
    """All parts in one list. target [N,3], source_and_confidence [N,3], triangles [M,3], slot [M], stretch [M]."""

    target: Tensor
    source_and_confidence: Tensor
    triangles: Tensor
    slot: Tensor
    stretch: Tensor

    @classmethod
    def of(cls, parts: list[MovedPart], scale: list[float], origin: tuple[int, int]) -> _Geometry:
        target = np.concatenate([part.target for part in parts])
        source = np.concatenate([part.source for part in parts])
        confidence = np.concatenate([part.confidence for part in parts])
        first = np.cumsum([0] + [len(part.target) for part in parts[:-1]])
        triangles = np.concatenate([part.triangles + offset for part, offset in zip(parts, first, strict=True)])
        counts = [len(part.triangles) for part in parts]
        slot = np.repeat(np.arange(len(parts)), counts)
        ratio = np.abs(_doubled_areas(target, triangles)) / np.maximum(np.abs(_doubled_areas(source, triangles)), 1e-6)
        stretch = np.log(np.maximum(ratio / np.repeat(np.square(scale), counts), 1e-3))
        shifted = target - np.array([origin[0], origin[1], 0])
        return cls(
            torch.from_numpy(shifted.astype(np.float32)),
            torch.from_numpy(np.column_stack([source, confidence]).astype(np.float32)),
            torch.from_numpy(triangles),
            torch.from_numpy(slot),
            torch.from_numpy(stretch.astype(np.float32)),
        )


def _doubled_areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, corner], :2] for corner in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def _sample(
    hits: RasterHits, geometry: _Geometry, parts: list[MovedPart], textures: list[Texture], scale: list[float]
) -> _Fragments:
    """Texture values at every hit, one single-row grid_sample per layer; invisible hits are dropped."""
    corners = geometry.triangles[hits.triangle]
    attributes = geometry.source_and_confidence
    mixed = sum(attributes[corners[:, i]] * hits.barycentric[:, i : i + 1] for i in range(3))
    counts = torch.bincount(hits.layer, minlength=len(parts)).tolist()
    values = []
    for index, places in enumerate(mixed[:, :2].split(counts)):
        texture = textures[index]
        height, width = texture.size
        place = (places - places.new_tensor(texture.origin)) * places.new_tensor([2 / width, 2 / height]) - 1
        level = texture.at_scale(scale[index])[None]
        value = F.grid_sample(level, place[None, None], align_corners=False)[0, :, 0]
        value[: ALPHA + 1] *= parts[index].opacity
        values.append(value.T)
    value = torch.cat(values)
    seen = torch.nonzero(value[:, ALPHA] > FAINT)[:, 0]
    return _Fragments(
        hits.layer[seen],
        hits.pixel[seen],
        value[seen],
        hits.depth[seen],
        mixed[seen, :2],
        geometry.stretch[hits.triangle[seen]],
        mixed[seen, 2],
    )


def _over(fragments: _Fragments, part_numbers: Tensor, pixels: int) -> SparsePixels:
    """Combine the fragments of each pixel from near to far."""
    covered = torch.zeros(pixels, dtype=torch.bool)
    covered[fragments.pixel] = True
    pixel = torch.nonzero(covered)[:, 0]
    column_of = torch.empty(pixels, dtype=torch.int64)
    column_of[pixel] = torch.arange(len(pixel))
    depth = torch.full((len(part_numbers), len(pixel)), FAR)
    entry = torch.zeros((len(part_numbers), len(pixel)), dtype=torch.int64)
    column = column_of[fragments.pixel]
    depth[fragments.slot, column] = fragments.depth
    entry[fragments.slot, column] = torch.arange(len(column))
    columns = torch.arange(len(pixel))
    colour, alpha = torch.zeros(3, len(pixel)), torch.zeros(len(pixel))
    strongest, chosen = torch.zeros(len(pixel)), torch.zeros(len(pixel), dtype=torch.int64)
    for _ in range(min(MOST_OVERLAPPING_LAYERS, len(part_numbers))):
        nearest, slot = depth.min(0)
        present = nearest < FAR
        if not present.any():
            break
        index = entry[slot, columns]
        value = fragments.value[index]
        share = (1 - alpha) * present
        colour += value[:, PREMULTIPLIED].T * share
        shown = value[:, ALPHA] * share
        alpha += shown
        better = shown > strongest
        strongest, chosen = torch.where(better, shown, strongest), torch.where(better, index, chosen)
        depth[slot, columns] = FAR
    return SparsePixels(
        pixel,
        colour.clamp_(0, 1),
        alpha.clamp_(0, 1),
        part_numbers[fragments.slot[chosen]],
        fragments.depth[chosen],
        fragments.source[chosen].T,
        fragments.stretch[chosen],
        fragments.value[chosen, REAL].clamp(0, 1),
        fragments.confidence[chosen].clamp(0, 1),
    )


def _nothing() -> SparsePixels:
    empty, whole = torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    return SparsePixels(
        whole, torch.zeros(3, 0), empty, torch.zeros(0, dtype=torch.int16), empty, torch.zeros(2, 0), empty, empty, empty
    )
