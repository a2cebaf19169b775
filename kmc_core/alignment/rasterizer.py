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
BUCKET_GROWTH = 1.25
EDGE = 1e-5  # pixels on a shared edge belong to both triangles; the depth test picks one
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
    """Weights of the corners [M,3,3] at one point x, y [M] each."""
    ax, ay, bx, by, cx, cy = (corners[:, i, j] for i in range(3) for j in range(2))
    inverse = 1.0 / _signed_area(corners)
    second = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
    third = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
    return 1.0 - second - third, second, third


def _scatter_keys(
    keys: Tensor, corners: Tensor, layer: Tensor, index: Tensor, side: int, canvas: Canvas, nearest: Tensor, span: Tensor
) -> None:
    """Test all pixels of the triangles' boxes. Weights are linear in x and y, so each costs two multiplications a pixel."""
    origin = corners[..., :2].amin(1).clamp(min=0).floor()
    constant, slope = _linear_weights(corners, origin + 0.5)
    offset = torch.arange(side, device=corners.device, dtype=torch.float32)
    second = (constant[:, 0, None] + slope[:, 0, 1, None] * offset)[:, :, None] + (slope[:, 0, 0, None] * offset)[:, None, :]
    third = (constant[:, 1, None] + slope[:, 1, 1, None] * offset)[:, :, None] + (slope[:, 1, 0, None] * offset)[:, None, :]
    inside = (second >= -EDGE) & (third >= -EDGE) & (second + third <= 1 + EDGE)
    hit = torch.nonzero(inside.view(-1))[:, 0]
    triangle = torch.div(hit, side * side, rounding_mode="floor")
    place = hit - triangle * (side * side)
    row = torch.div(place, side, rounding_mode="floor")
    x = origin[:, 0].long()[triangle] + place - row * side
    y = origin[:, 1].long()[triangle] + row
    depth = corners[..., 2]
    base, rise = depth[:, 0], depth[:, 1:] - depth[:, :1]
    z = base[triangle] + second.view(-1)[hit] * rise[:, 0][triangle] + third.view(-1)[hit] * rise[:, 1][triangle]
    level = ((z - nearest) * ((DEPTH_LEVELS - 1) / span)).clamp_(0, DEPTH_LEVELS - 1).long()
    key = (level << TRIANGLE_BITS) | index[triangle]
    slot = layer[triangle] * (canvas.height * canvas.width) + y * canvas.width + x
    on_canvas = (x < canvas.width) & (y < canvas.height)
    if not bool(on_canvas.all()):
        slot, key = slot[on_canvas], key[on_canvas]
    keys.scatter_reduce_(0, slot, key, "amin")


def _linear_weights(corners: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Second and third corner weights as functions of the offset from `at` [M,2]: constants [M,2], slopes [M,2,(x,y)]."""
    first, second, third = corners[..., :2].unbind(1)
    inverse = 1.0 / _signed_area(corners)[:, None]
    second_slope = torch.stack([third[:, 1] - first[:, 1], first[:, 0] - third[:, 0]], 1) * inverse
    third_slope = torch.stack([first[:, 1] - second[:, 1], second[:, 0] - first[:, 0]], 1) * inverse
    slope = torch.stack([second_slope, third_slope], 1)
    return (slope * (at - first)[:, None]).sum(-1), slope


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
