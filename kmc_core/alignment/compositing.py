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
from .rasterizer import rasterize

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
    """One entry per (part, pixel) hit. slot: which part; pixel: of the canvas; value [Q,5]: premultiplied colour, alpha,
    real; triangle: numbered over all parts."""

    slot: Tensor
    pixel: Tensor
    value: Tensor
    depth: Tensor
    source: Tensor
    triangle: Tensor


def draw_parts(parts: list[MovedPart], textures: list[Texture], scale: list[float], canvas: Canvas) -> SparsePixels:
    """Draw moved parts (each with its own texture and its canvas px per picture px) on a canvas."""
    found, stretches, confidences, numbers = [], [], [], []
    triangles = 0
    for part, texture, part_scale in zip(parts, textures, scale, strict=True):
        box = _box(part, canvas)
        if box is None:
            continue
        found.append(_fragments(part, texture, part_scale, box, canvas, len(numbers), triangles))
        stretches.append(_stretch(part, part_scale))
        confidences.append(part.confidence[part.triangles].mean(1))
        numbers.append(part.part)
        triangles += len(part.triangles)
    if not found:
        return _nothing()
    fragments = _Fragments(*(torch.cat(column) for column in zip(*found, strict=True)))
    chosen, pixel, colour, alpha = _over(fragments, len(numbers), canvas.height * canvas.width)
    triangle = fragments.triangle[chosen]
    return SparsePixels(
        pixel,
        colour.clamp_(0, 1),
        alpha.clamp_(0, 1),
        torch.tensor(numbers, dtype=torch.int16)[fragments.slot[chosen]],
        fragments.depth[chosen],
        fragments.source[chosen].T,
        torch.from_numpy(np.concatenate(stretches).astype(np.float32))[triangle],
        fragments.value[chosen, REAL].clamp(0, 1),
        torch.from_numpy(np.concatenate(confidences).astype(np.float32))[triangle].clamp(0, 1),
    )


def _box(part: MovedPart, canvas: Canvas) -> tuple[int, int, int, int] | None:
    """The part's window (x0, y0, x1, y1) on the canvas, or None where there is nothing to draw."""
    if not len(part.triangles) or part.opacity <= FAINT:
        return None
    used = part.target[np.unique(part.triangles), :2]
    if not np.isfinite(used).all():
        return None
    low = np.maximum(np.floor(used.min(0)), 0)
    high = np.minimum(np.ceil(used.max(0)) + 1, (canvas.width, canvas.height))
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _stretch(part: MovedPart, scale: float) -> np.ndarray:
    """Log of each triangle's area ratio, canvas over picture, against the body's own scale."""
    ratio = np.abs(_doubled_areas(part.target, part.triangles))
    ratio = ratio / np.maximum(np.abs(_doubled_areas(part.source, part.triangles)) * scale**2, 1e-6)
    return np.log(np.maximum(ratio, 1e-3))


def _doubled_areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, corner], :2] for corner in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def _fragments(
    part: MovedPart,
    texture: Texture,
    scale: float,
    box: tuple[int, int, int, int],
    canvas: Canvas,
    slot: int,
    first_triangle: int,
) -> _Fragments:
    """Rasterise one part in its own window and sample its texture in a single row; invisible hits are dropped."""
    x0, y0, x1, y1 = box
    target = torch.from_numpy((part.target - [x0, y0, 0]).astype(np.float32))
    triangles = torch.from_numpy(part.triangles)
    window = Canvas(y1 - y0, x1 - x0)
    hits = rasterize(target, triangles, torch.zeros(len(triangles), dtype=torch.int64), window)
    corners = torch.from_numpy(part.source.astype(np.float32)[part.triangles].reshape(-1, 6))[hits.triangle]
    source = (corners.view(-1, 3, 2) * hits.barycentric[:, :, None]).sum(1)
    height, width = texture.size
    place = (source - source.new_tensor(texture.origin)) * source.new_tensor([2 / width, 2 / height]) - 1
    value = F.grid_sample(texture.at_scale(scale)[None], place[None, None], mode="bicubic", align_corners=False)[0, :, 0]
    value[ALPHA].clamp_(0, 1)  # a cubic overshoots beside edges
    value[PREMULTIPLIED] = torch.minimum(value[PREMULTIPLIED], value[ALPHA]).clamp_(min=0)
    value[: ALPHA + 1] *= part.opacity
    seen = torch.nonzero(value[ALPHA] > FAINT)[:, 0]
    pixel = hits.pixel[seen]
    row = torch.div(pixel, window.width, rounding_mode="floor")
    return _Fragments(
        torch.full((len(seen),), slot),
        (row + y0) * canvas.width + (pixel - row * window.width) + x0,
        value.T[seen],
        hits.depth[seen],
        source[seen],
        hits.triangle[seen] + first_triangle,
    )


def _over(fragments: _Fragments, slots: int, pixels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Combine the fragments of each pixel from near to far.

    Returns, per covered pixel: the fragment that shows most, the pixel, premultiplied colour [3,P], alpha [P].
    Most pixels have one fragment and need no sorting.
    """
    count = torch.bincount(fragments.pixel, minlength=pixels)
    alone = count[fragments.pixel] == 1
    single = torch.nonzero(alone)[:, 0]
    several = torch.nonzero(~alone)[:, 0]
    value = fragments.value[single]
    chosen, pixel, colour, alpha = _over_several(fragments, several, count, slots)
    return (
        torch.cat([single, chosen]),
        torch.cat([fragments.pixel[single], pixel]),
        torch.cat([value[:, PREMULTIPLIED].T, colour], 1),
        torch.cat([value[:, ALPHA], alpha]),
    )


def _over_several(
    fragments: _Fragments, several: Tensor, count: Tensor, slots: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`_over` for the pixels that more than one part covers; `several`: their fragments."""
    pixel = torch.nonzero(count > 1)[:, 0]
    column_of = torch.zeros(len(count), dtype=torch.int64)
    column_of[pixel] = torch.arange(len(pixel))
    column, slot = column_of[fragments.pixel[several]], fragments.slot[several]
    depth = torch.full((slots, len(pixel)), FAR)
    entry = torch.zeros((slots, len(pixel)), dtype=torch.int64)
    depth[slot, column] = fragments.depth[several]
    entry[slot, column] = several
    columns = torch.arange(len(pixel))
    colour, alpha = torch.zeros(3, len(pixel)), torch.zeros(len(pixel))
    strongest, chosen = torch.full((len(pixel),), -1.0), torch.zeros(len(pixel), dtype=torch.int64)
    for _ in range(min(MOST_OVERLAPPING_LAYERS, slots, int(count.max()) if len(pixel) else 0)):
        nearest, number = depth.min(0)
        present = nearest < FAR
        index = entry[number, columns]
        value = fragments.value[index]
        share = (1 - alpha) * present
        colour += value[:, PREMULTIPLIED].T * share
        shown = value[:, ALPHA] * share
        alpha += shown
        better = present & (shown > strongest)
        strongest, chosen = torch.where(better, shown, strongest), torch.where(better, index, chosen)
        depth[number, columns] = FAR
    return chosen, pixel, colour, alpha


def _nothing() -> SparsePixels:
    empty, whole = torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    return SparsePixels(
        whole, torch.zeros(3, 0), empty, torch.zeros(0, dtype=torch.int16), empty, torch.zeros(2, 0), empty, empty, empty
    )
