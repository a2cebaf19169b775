"""Schedule, step, guidance, windows and fusion: each against its closed form."""

from __future__ import annotations

import pytest
import torch
from test_dit_model import TINY, shaken, some_conditions

from kmc_core.dit.head import Edits, apply_edits
from kmc_core.errors import Cancelled, KMCError
from kmc_core.sampling.fusion import fuse
from kmc_core.sampling.guidance import GuidedNetwork, guidance_weight
from kmc_core.sampling.output_size import MODE_AREAS, base_canvas, output_canvas
from kmc_core.sampling.sampler import sample_window
from kmc_core.sampling.schedule import bridge_levels
from kmc_core.sampling.step import bridge_state, bridge_step, shared_noise, uncertainty
from kmc_core.sampling.windows import plan_windows
from kmc_core.types import Canvas


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_levels_fall_strictly_from_one_to_zero(steps: int) -> None:
    for bend in (0.5, 1.0, 2.0):
        levels = bridge_levels(steps, bend)
        assert len(levels) == steps + 1 and levels[0] == 1 and levels[-1] == 0
        assert (levels.diff() < 0).all()
    with pytest.raises(KMCError):
        bridge_levels(0)


def test_steps_with_the_true_clean_frame_stay_on_the_bridge() -> None:
    torch.manual_seed(0)
    clean, aligned, noise = (torch.rand(2, 3, 4, 6, 5) for _ in range(3))
    x, levels = bridge_state(clean, aligned, torch.ones(2, 4), noise), bridge_levels(5)
    for level, after in zip(levels[:-1], levels[1:], strict=True):
        x = bridge_step(x, clean, level.expand(2, 4), after.expand(2, 4))
        assert torch.allclose(x, bridge_state(clean, aligned, after.expand(2, 4), noise), atol=1e-5)
    assert torch.allclose(x, clean)


@pytest.mark.parametrize(("length", "overlap"), [(16, 4), (5, 1), (4, 0), (8, 7)])
def test_windows_cover_any_length_exactly_once(length: int, overlap: int) -> None:
    for frame_count in range(1, 101):
        windows = plan_windows(frame_count, length, overlap)
        shown = [frame for window in windows for frame in range(window.first_new, window.stop)]
        assert shown == list(range(frame_count))
        for window in windows:
            assert 0 < window.stop - window.start <= length
            assert window.history == (overlap if window.start else 0)
    assert plan_windows(0, length, overlap) == []


def test_windows_refuse_a_complete_overlap() -> None:
    with pytest.raises(KMCError):
        plan_windows(10, 4, 4)


def test_uncertainty_is_high_in_holes_and_zero_on_real_texture() -> None:
    maps = torch.zeros(1, len(TINY.map_channels), 1, 1, 3)
    maps[:, TINY.channel("alpha")] = 1
    maps[:, TINY.channel("real")] = torch.tensor([1.0, 1.0, 0.0])
    maps[:, TINY.channel("hole"), 0, 0, 1] = 1
    assert uncertainty(maps, TINY.map_channels)[0, 0, 0, 0].tolist() == [0, 1, 1]


def test_dual_branch_formula() -> None:
    network, conditions = shaken(), some_conditions(batch=1)
    silent = conditions.without("text")
    x, level = conditions.maps[:, :3], torch.ones(1, 3)
    with torch.no_grad():
        a, b = network.edits(x, level, silent), network.edits(x, level, conditions)
        for weight in (0.0, 0.4, 1.0, 1.7):
            mixed = GuidedNetwork(network, silent, conditions, weight).edits(x, level)
            for name in ("flow", "residual", "colour"):
                one, two = getattr(a, name), getattr(b, name)
                assert torch.allclose(getattr(mixed, name), one + weight * (two - one), atol=1e-6), name
        skipped = GuidedNetwork(network, silent, None, 1.7).edits(x, level)
    assert torch.equal(skipped.residual, a.residual)
    assert [guidance_weight(scale) for scale in (-1, 0, 0.5, 1, 3)] == [0, 0, 1, 2, 2]


def test_one_step_equals_the_network_and_history_stays_as_shown() -> None:
    network, conditions = shaken(), some_conditions(batch=1).without("text")
    guided = GuidedNetwork(network, conditions, None, 0.0)
    with torch.no_grad():
        x0, edits = sample_window(guided, bridge_levels(1))
        expected = network(conditions.maps[:, :3], torch.ones(1), conditions).clamp(-1, 1)
        history = torch.rand(1, 3, 2, 32, 48)
        kept, _ = sample_window(guided, bridge_levels(3), history=history)
        other, _ = sample_window(guided, bridge_levels(3), history=history + 0.1)
    assert torch.equal(x0, expected) and edits.residual.shape == x0.shape
    assert torch.equal(kept[:, :, :2], history)
    assert not torch.equal(kept[:, :, 2], other[:, :, 2])


def test_same_seed_same_bits_and_cancel_between_steps() -> None:
    network, conditions = shaken(), some_conditions(batch=1)
    guided = GuidedNetwork(network, conditions.without("text"), conditions, 1.4)
    noise = 0.1 * shared_noise(32, 48, seed=3)
    steps: list[int] = []
    with torch.no_grad():
        first, _ = sample_window(guided, bridge_levels(2), noise=noise)
        again, _ = sample_window(guided, bridge_levels(2), noise=0.1 * shared_noise(32, 48, seed=3))
        with pytest.raises(Cancelled):
            sample_window(
                guided, bridge_levels(5), on_step=lambda step, _: steps.append(step), should_stop=lambda: len(steps) == 2
            )
    assert torch.equal(first, again) and steps == [0, 1]


def random_edits(height: int, width: int, colour: bool = False) -> Edits:
    torch.manual_seed(5)
    mask = torch.zeros(1, 1, 1, height, width)
    mask[..., height // 4 : height // 2, width // 3 : width - 2] = torch.rand(height // 2 - height // 4, width - 2 - width // 3)
    grid = 0.2 * torch.randn(1, 24, 1, 2, 3) * colour
    return Edits(2 * torch.randn(1, 2, 1, height, width), 0.3 * torch.randn(1, 3, 1, height, width), mask, grid)


@pytest.mark.parametrize("colour", [False, True])
def test_fusion_at_scale_one_equals_the_networks_output(colour: bool) -> None:
    edits = random_edits(24, 30, colour)
    aligned, alpha = torch.rand(3, 24, 30) * 2 - 1, torch.rand(1, 24, 30)
    expected = apply_edits(aligned[None, :, None], alpha[None, :, None], edits)[0, :, 0].clamp(-1, 1)
    assert torch.allclose(fuse(aligned, alpha, aligned, edits), expected, atol=1e-5)
    half = fuse(aligned, alpha, aligned, edits, strength=0.5)
    assert torch.allclose(half, aligned + 0.5 * (expected - aligned), atol=1e-5)
    assert torch.equal(fuse(aligned, alpha, aligned, edits, strength=0), aligned)


def test_fusion_keeps_a_residual_on_its_side_of_an_edge() -> None:
    base, full = torch.full((3, 16, 16), -0.8), torch.full((3, 64, 64), -0.8)
    base[:, :, 8:], full[:, :, 33:] = 0.8, 0.8  # the full-size edge lies a little off the base edge
    residual = torch.zeros(1, 3, 1, 16, 16)
    residual[..., 8:] = 0.2
    edits = Edits(torch.zeros(1, 2, 1, 16, 16), residual, torch.ones(1, 1, 1, 16, 16), torch.zeros(1, 24, 1, 1, 1))
    change = fuse(full, torch.ones(1, 64, 64), base, edits) - full
    assert change[:, :, :33].abs().max() < 0.01
    assert (change[:, :, 33:] - 0.2).abs().max() < 0.01


def test_fusion_scales_the_flow_with_the_canvas() -> None:
    ramp = torch.arange(80, dtype=torch.float32).expand(3, 40, 80) / 40 - 1
    flow = torch.zeros(1, 2, 1, 20, 40)
    flow[:, 0] = 1.5
    edits = Edits(flow, torch.zeros(1, 3, 1, 20, 40), torch.ones(1, 1, 1, 20, 40), torch.zeros(1, 24, 1, 1, 1))
    moved = fuse(ramp, torch.ones(1, 40, 80), ramp[:, ::2, ::2], edits) - ramp
    assert torch.allclose(moved[:, :, 4:70], torch.tensor(3 / 40), atol=1e-3)


def test_canvases_have_the_modes_area_and_the_subjects_aspect() -> None:
    for subject in (Canvas(1280, 720), Canvas(768, 768), Canvas(500, 1200)):
        for mode, area in MODE_AREAS.items():
            output = output_canvas(subject, mode)
            base = base_canvas(output)
            assert output.height % 2 == output.width % 2 == base.height % 2 == base.width % 2 == 0
            assert abs(output.height * output.width / area - 1) < 0.01
            assert abs(output.height / output.width / (subject.height / subject.width) - 1) < 0.01
            assert abs(base.height / base.width / (output.height / output.width) - 1) < 0.01
            assert base.height * base.width <= 512 * 288 * 1.01
    with pytest.raises(KMCError):
        output_canvas(Canvas(10, 10), "huge")
