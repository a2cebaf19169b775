"""The bucketed rasteriser against a plain loop over triangles and pixels."""

from __future__ import annotations

import torch

from kmc_core.alignment.rasterizer import rasterize
from kmc_core.types import Canvas


def loop_rasterize(vertices, triangles, layer, canvas):
    """Nearest triangle per layer and pixel centre, one triangle and one pixel at a time."""
    nearest = {}
    for index, corner in enumerate(triangles.tolist()):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = vertices[corner].double().tolist()
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        for y in range(canvas.height):
            for x in range(canvas.width):
                px, py = x + 0.5, y + 0.5
                second = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
                third = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
                first = 1 - second - third
                if min(first, second, third) < 0:
                    continue
                depth = first * az + second * bz + third * cz
                slot = (int(layer[index]), y * canvas.width + x)
                if slot not in nearest or depth < nearest[slot][0]:
                    nearest[slot] = (depth, index)
    return nearest


def test_rasterize_agrees_with_a_plain_loop():
    generator = torch.Generator().manual_seed(3)
    canvas = Canvas(37, 53)
    vertices = torch.rand(60, 3, generator=generator) * torch.tensor([70.0, 50.0, 9.0]) - torch.tensor([8.0, 6.0, 0.0])
    triangles = torch.stack([torch.randperm(60, generator=generator)[:3] for _ in range(40)])
    layer = torch.randint(0, 3, (40,), generator=generator)
    hits = rasterize(vertices, triangles, layer, canvas)
    expected = loop_rasterize(vertices, triangles, layer, canvas)
    got = {(int(a), int(b)): int(c) for a, b, c in zip(hits.layer, hits.pixel, hits.triangle)}
    differing = [slot for slot in set(got) | set(expected) if got.get(slot) != expected.get(slot, (0, None))[1]]
    assert len(differing) <= 2, differing  # only pixels that lie on an edge within rounding
    torch.testing.assert_close(hits.barycentric.sum(1), torch.ones(len(hits.pixel)))


def test_rasterize_covers_a_quad_once_and_interpolates_depth():
    vertices = torch.tensor([[2.0, 2.0, 0.0], [10.0, 2.0, 8.0], [10.0, 6.0, 8.0], [2.0, 6.0, 0.0]])
    triangles = torch.tensor([[0, 1, 2], [2, 3, 0]])
    hits = rasterize(vertices, triangles, torch.zeros(2, dtype=torch.int64), Canvas(8, 12))
    assert len(hits.pixel) == 8 * 4
    x = (hits.pixel % 12).float() + 0.5
    torch.testing.assert_close(hits.depth, x - 2.0, atol=1e-4, rtol=0)


def test_rasterize_ignores_triangles_off_canvas_and_degenerate_ones():
    vertices = torch.tensor([[-9.0, -9.0, 0.0], [-5.0, -9.0, 0.0], [-5.0, -4.0, 0.0], [3.0, 3.0, 0.0]])
    triangles = torch.tensor([[0, 1, 2], [3, 3, 3]])
    assert len(rasterize(vertices, triangles, torch.zeros(2, dtype=torch.int64), Canvas(8, 8)).pixel) == 0
    nothing = rasterize(vertices, triangles[:0], torch.zeros(0, dtype=torch.int64), Canvas(8, 8))
    assert len(nothing.pixel) == 0
