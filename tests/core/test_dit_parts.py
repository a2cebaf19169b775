"""Attention, rotary positions, edits and config of the network, each against a plain reference."""

from __future__ import annotations

import math

import pytest
import torch

from kmc_core.dit.attention import Attention
from kmc_core.dit.conditions import TEXT_PADDING, text_bytes
from kmc_core.dit.config import PRESETS, KMCDiTConfig
from kmc_core.dit.head import Edits, apply_edits, colour_change, edit_mask, warp
from kmc_core.dit.rope import grid_positions, rotary, rotate
from kmc_core.errors import CheckpointError


def test_attention_equals_plain_softmax() -> None:
    torch.manual_seed(0)
    layer = Attention(16, 2, context_width=12)
    x, context = torch.randn(3, 5, 16), torch.randn(3, 7, 12)
    mask = torch.rand(3, 7) > 0.4
    mask[:, 0] = True
    places, context_places = torch.rand(5, 2) * 9, torch.rand(3, 1, 7, 2) * 9
    table, context_table = rotary(places, 8, 100.0), rotary(context_places, 8, 100.0)

    query = layer.query_norm(layer.query(x).view(3, 5, 2, 8).transpose(1, 2))
    key_value = layer.key_value(context).view(3, 7, 2, 2, 8)
    key, value = layer.key_norm(key_value[:, :, 0].transpose(1, 2)), key_value[:, :, 1].transpose(1, 2)
    scores = rotate(query, table) @ rotate(key, context_table).transpose(-1, -2) / math.sqrt(8)
    weights = scores.masked_fill(~mask[:, None, None], -math.inf).softmax(-1)
    expected = layer.out((weights @ value).transpose(1, 2).reshape(3, 5, 16))

    got = layer(x, table, context, context_table, mask)
    assert (got - expected).abs().max() < 1e-5


def test_rotary_scores_depend_on_the_distance_only() -> None:
    torch.manual_seed(1)
    query, key = torch.randn(6, 16), torch.randn(6, 16)
    places = torch.rand(6, 2) * 10
    shift = torch.tensor([13.0, -4.5])

    def scores(offset: torch.Tensor) -> torch.Tensor:
        table = rotary(places + offset, 16, 100.0)
        return rotate(query, table) @ rotate(key, table).T

    assert (scores(shift) - scores(torch.zeros(2))).abs().max() < 1e-4
    assert (rotate(query, rotary(places, 16, 100.0)).norm(dim=-1) - query.norm(dim=-1)).abs().max() < 1e-5


def test_grid_positions_run_row_by_row() -> None:
    assert grid_positions(2, 3).tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_warp_by_whole_pixels_is_a_shift_and_zero_flow_is_exact() -> None:
    picture = torch.rand(1, 3, 9, 11)
    flow = torch.zeros(1, 2, 9, 11)
    assert torch.equal(warp(picture, flow), picture)
    flow[:, 0], flow[:, 1] = 2, -1
    assert (warp(picture, flow)[..., 1:, :-2] - picture[..., :-1, 2:]).abs().max() < 1e-5


def test_edit_mask_reaches_its_dilation_and_no_further() -> None:
    config = KMCDiTConfig(mask_dilation_px=6)
    maps = torch.zeros(1, len(config.map_channels), 64, 64)
    assert edit_mask(maps, config).max() == 0
    for name in ("alpha", "plate_invented", "pose_raster", "hole"):
        seeded = maps.clone()
        seeded[0, config.channel(name), 32, 32] = 1
        mask = edit_mask(seeded, config)[0, 0]
        assert mask[32, 32 + 4] == 1 and mask[32 - 4, 32] == 1
        assert mask[32, 32 + 9] == 0 and mask[32 + 9, 32] == 0
        assert 0 < mask[32, 32 + 7] < 1


def test_nothing_changes_outside_the_mask_without_a_colour_grid() -> None:
    torch.manual_seed(2)
    aligned, alpha = torch.rand(2, 3, 3, 16, 16) * 2 - 1, torch.rand(2, 1, 3, 16, 16)
    mask = torch.zeros(2, 1, 3, 16, 16)
    mask[..., 4:9, 5:12] = 1
    edits = Edits(torch.randn(2, 2, 3, 16, 16), torch.randn(2, 3, 3, 16, 16), mask, torch.zeros(2, 24, 3, 1, 1))
    changed = (apply_edits(aligned, alpha, edits) != aligned).any(1, keepdim=True)
    assert not changed[mask == 0].any()
    assert changed[mask == 1].all()


def test_colour_grid_equals_a_loop_over_pixels() -> None:
    torch.manual_seed(3)
    pictures, alpha = torch.rand(1, 3, 4, 4), torch.rand(1, 1, 4, 4)
    colour = torch.randn(1, 24, 1, 1)
    got = colour_change(pictures, colour, alpha)
    subject, background = colour[0, :12, 0, 0].view(3, 4), colour[0, 12:, 0, 0].view(3, 4)
    for y in range(4):
        for x in range(4):
            point = torch.cat((pictures[0, :, y, x], torch.ones(1)))
            a = alpha[0, 0, y, x]
            assert torch.allclose(got[0, :, y, x], a * (subject @ point) + (1 - a) * (background @ point), atol=1e-5)


def test_text_bytes_are_utf8_padded_and_cut() -> None:
    rows = text_bytes(["é", "", "warm light"], 6)
    assert rows.shape == (3, 6)
    assert rows[0].tolist() == [0xC3, 0xA9] + [TEXT_PADDING] * 4
    assert (rows[1] == TEXT_PADDING).all()
    assert bytes(rows[2].tolist()) == b"warm l"


def test_config_round_trip_and_unknown_key() -> None:
    for preset in PRESETS.values():
        assert KMCDiTConfig.from_dict(preset.to_dict()) == preset
    with pytest.raises(CheckpointError, match="widht"):
        KMCDiTConfig.from_dict({"widht": 3})
    with pytest.raises(CheckpointError, match="rotary heads"):
        KMCDiTConfig(width=100, heads=3)
