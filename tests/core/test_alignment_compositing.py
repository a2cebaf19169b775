"""Sparse compositing against a dense loop over pixels."""

from __future__ import annotations

import numpy as np
import torch

from kmc_core.alignment.compositing import draw_parts
from kmc_core.alignment.deform import MovedPart
from kmc_core.alignment.layers import Layer
from kmc_core.alignment.prepared_view import Texture
from kmc_core.types import Canvas


def square(part: int, x0: float, y0: float, x1: float, y1: float, z: float) -> MovedPart:
    source = np.array([[0.0, 0], [16, 0], [16, 16], [0, 16]])
    target = np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]])
    return MovedPart(part, source, target, np.array([[0, 1, 2], [0, 2, 3]]), np.full(4, 0.5))


def plain(part: int, colour: tuple[float, float, float], alpha: float) -> Texture:
    texture = np.zeros((16, 16, 5), np.float32)
    texture[..., :3], texture[..., 3], texture[..., 4] = np.array(colour) * alpha, alpha, part % 2
    return Texture.of(Layer(part, (0, 0), texture))


def test_layers_are_laid_over_one_another_by_depth() -> None:
    canvas = Canvas(24, 32)
    squares = [(2.0, 3.0, 18.0, 19.0, 5.0), (8.0, 6.0, 24.0, 22.0, 1.0), (6.0, 1.0, 14.0, 23.0, 3.0)]
    colours, alphas = [(1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)], [1.0, 0.5, 0.7]
    parts = [square(number, *box) for number, box in enumerate(squares)]
    textures = [plain(number, colours[number], alphas[number]) for number in range(3)]
    pixels = draw_parts(parts, textures, [1.0] * 3, canvas)
    colour = torch.zeros(3, 24 * 32)
    colour[:, pixels.pixel] = pixels.colour
    alpha = torch.zeros(24 * 32)
    alpha[pixels.pixel] = pixels.alpha
    part = torch.full((24 * 32,), -1, dtype=torch.int16)
    part[pixels.pixel] = pixels.part
    for y in range(24):
        for x in range(32):
            expected, opacity, shares = np.zeros(3), 0.0, {}
            for number in sorted(range(3), key=lambda index: squares[index][4]):
                x0, y0, x1, y1, _ = squares[number]
                # the textures fade over the outermost half pixel: look at pixels clear of every border
                if x0 < x + 0.5 < x1 and y0 < y + 0.5 < y1:
                    share = alphas[number] * (1 - opacity)
                    expected += np.array(colours[number]) * share
                    opacity += share
                    shares[number] = share
            clear = all(min(abs(x + 0.5 - e) for e in (b[0], b[2])) > 1.5 for b in squares)
            clear &= all(min(abs(y + 0.5 - e) for e in (b[1], b[3])) > 1.5 for b in squares)
            if clear:
                place = y * 32 + x
                assert np.allclose(colour[:, place], expected, atol=1e-3), (x, y)
                assert abs(float(alpha[place]) - opacity) < 1e-3
                assert int(part[place]) == (max(shares, key=shares.get) if shares else -1)


def test_source_places_and_stretch() -> None:
    pixels = draw_parts([square(0, 4, 4, 36, 20, 0.0)], [plain(0, (1, 1, 1), 1.0)], [1.0], Canvas(24, 40))
    x, y = (pixels.pixel % 40).float() + 0.5, torch.div(pixels.pixel, 40, rounding_mode="floor").float() + 0.5
    assert torch.allclose(pixels.source[0], (x - 4) / 2, atol=1e-3) and torch.allclose(pixels.source[1], y - 4, atol=1e-3)
    assert torch.allclose(pixels.stretch, torch.full_like(pixels.stretch, float(np.log(2))), atol=1e-4)
    assert torch.allclose(pixels.confidence, torch.full_like(pixels.confidence, 0.5), atol=1e-5)


def test_opacity_zero_and_parts_outside_draw_nothing() -> None:
    hidden = MovedPart(**{**square(0, 2, 2, 10, 10, 0).__dict__, "opacity": 0.0})
    outside = square(1, 100, 100, 120, 120, 0)
    textures = [plain(0, (1, 0, 0), 1.0), plain(1, (0, 1, 0), 1.0)]
    assert len(draw_parts([hidden, outside], textures, [1.0, 1.0], Canvas(20, 20)).pixel) == 0
