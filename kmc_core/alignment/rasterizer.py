"""A layered z-buffer for triangle meshes in plain torch: no extension to compile, same result on every device.

Not here: colours (compositing.py) and geometry (deform.py). Called by the aligner and by the synthetic renderer.

Method: triangles are sorted into buckets by the side of their bounding box, all pixels of a bucket's boxes are tested
at once, and `scatter_reduce(amin)` over the key (depth << 24 | triangle) keeps the nearest triangle per layer and pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..types import Canvas

TRIANGLE_BITS = 24
DEPTH_LEVELS = 1 << 30
EMPTY = torch.iinfo(torch.int64).max
BUCKET_GROWTH = 1.45
CANDIDATES_PER_STEP = 4_000_000  # bounds the memory of one step to about 100 MB


class RasterHits(NamedTuple):
    """The nearest triangle at each covered (layer, pixel); P entries sorted by layer, then pixel.

    layer, pixel, triangle  int64 [P]; pixel = y * width + x
    barycentric             float32 [P,3], weights of the triangle's three corners, summing to 1
    depth                   float32 [P], interpolated z
    """

    layer: Tensor
    pixel: Tensor
    triangle: Tensor
    barycentric: Tensor
    depth: Tensor


def rasterize(vertices: Tensor, triangles: Tensor, layer: Tensor, canvas: Canvas) -> RasterHits:
    """Find the front triangle for every pixel centre (x + 0.5, y + 0.5), separately in each layer.

    vertices  float [N,3]: x, y in px (origin top-left), z increasing away from the camera
    triangles int64 [M,3], M < 2**24; layer int64 [M]
    Triangles of either winding are drawn; degenerate ones are skipped. Ties in depth go to the lower triangle index.
    """
    if len(triangles) >= 1 << TRIANGLE_BITS:
        raise ValueError(f"at most {1 << TRIANGLE_BITS} triangles, got {len(triangles)}")
    corners = vertices.float()[triangles]  # [M,3,3]
    layers = int(layer.max()) + 1 if len(layer) else 0
    keys = torch.full((layers * canvas.height * canvas.width,), EMPTY, dtype=torch.int64, device=vertices.device)
    if layers:
        nearest, span = _depth_range(corners)
        for members, side in _buckets(corners, canvas):
            step = max(1, CANDIDATES_PER_STEP // (side * side))
            for part in members.split(step):
                _scatter_keys(keys, corners[part], layer[part], part, side, canvas, nearest, span)
    return _gather_hits(keys, corners, canvas)


def _depth_range(corners: Tensor) -> tuple[Tensor, Tensor]:
    depth = corners[..., 2]
    nearest = depth.min()
    return nearest, (depth.max() - nearest).clamp(min=1e-6)


def _buckets(corners: Tensor, canvas: Canvas) -> list[tuple[Tensor, int]]:
    """Group visible triangles by box side, so that little work is wasted on empty box pixels."""
    low = corners[..., :2].amin(1)
    high = corners[..., :2].amax(1)
    area = _signed_area(corners)
    size = torch.tensor([canvas.width, canvas.height], device=corners.device)
    on_canvas = ((high > 0) & (low < size)).all(1) & (area.abs() > 1e-6) & torch.isfinite(corners).flatten(1).all(1)
    low, high = low.clamp(min=0), torch.minimum(high, size.to(high))
    side = (high.floor() - low.floor() + 1).amax(1)
    groups: list[tuple[Tensor, int]] = []
    limit, previous = 4, 0
    largest = max(canvas) + 1
    while previous < largest:
        members = torch.nonzero(on_canvas & (side > previous) & (side <= limit))[:, 0]
        if len(members):
            groups.append((members, min(limit, largest)))
        previous, limit = limit, int(limit * BUCKET_GROWTH) + 1
    return groups


def _signed_area(corners: Tensor) -> Tensor:
    """Twice the signed area of each triangle [...,3,>=2] -> [...]."""
    first, second = corners[..., 1, :2] - corners[..., 0, :2], corners[..., 2, :2] - corners[..., 0, :2]
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _barycentric(corners: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weights of the corners [M,3,3] at points x, y [M,...] (broadcast over the trailing axes)."""
    shape = (-1,) + (1,) * (x.dim() - 1)
    ax, ay, bx, by, cx, cy = (corners[:, i, j].view(shape) for i in range(3) for j in range(2))
    inverse = 1.0 / _signed_area(corners).view(shape)
    second = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
    third = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
    return 1.0 - second - third, second, third


def _scatter_keys(
    keys: Tensor, corners: Tensor, layer: Tensor, index: Tensor, side: int, canvas: Canvas, nearest: Tensor, span: Tensor
) -> None:
    origin = corners[..., :2].amin(1).clamp(min=0).floor()
    offset = torch.arange(side, device=corners.device, dtype=torch.float32)
    x = (origin[:, 0, None] + offset)[:, None, :]  # [M,1,S] pixel columns
    y = (origin[:, 1, None] + offset)[:, :, None]  # [M,S,1] pixel rows
    first, second, third = _barycentric(corners, x + 0.5, y + 0.5)
    inside = (torch.minimum(torch.minimum(first, second), third) >= -1e-5) & (x < canvas.width) & (y < canvas.height)
    hit, row, column = torch.nonzero(inside, as_tuple=True)
    if not len(hit):
        return
    weights = torch.stack([first[hit, row, column], second[hit, row, column], third[hit, row, column]], 1)
    depth = (weights * corners[hit, :, 2]).sum(1)
    level = ((depth - nearest) / span * (DEPTH_LEVELS - 1)).clamp(0, DEPTH_LEVELS - 1).long()
    pixel = (origin[hit, 1].long() + row) * canvas.width + origin[hit, 0].long() + column
    slot = layer[hit] * (canvas.height * canvas.width) + pixel
    keys.scatter_reduce_(0, slot, (level << TRIANGLE_BITS) | index[hit], "amin")


def _gather_hits(keys: Tensor, corners: Tensor, canvas: Canvas) -> RasterHits:
    slot = torch.nonzero(keys != EMPTY)[:, 0]
    triangle = keys[slot] & ((1 << TRIANGLE_BITS) - 1)
    pixels = canvas.height * canvas.width
    layer, pixel = torch.div(slot, pixels, rounding_mode="floor"), slot % pixels
    chosen = corners[triangle]
    x = (pixel % canvas.width).float() + 0.5
    y = torch.div(pixel, canvas.width, rounding_mode="floor").float() + 0.5
    weights = torch.stack(_barycentric(chosen, x, y), 1) if len(slot) else chosen.new_zeros(0, 3)
    return RasterHits(layer, pixel, triangle, weights, (weights * chosen[..., 2]).sum(1))
