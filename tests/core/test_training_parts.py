"""Losses, averages, levels, shards, augmentation and captions against closed forms and loops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kmc_core.alignment.maps import MAP_CHANNELS
from kmc_core.dit.config import FACE_FEATURE_NAMES, PRESETS
from kmc_core.dit.head import Edits
from kmc_core.errors import CheckpointError
from kmc_core.training.augment import in_window, mirrored, plain_colour, rebacked, recoloured, resized
from kmc_core.training.bridge_levels import LevelSettings, draw_levels
from kmc_core.training.captions import COLOURS, LIGHT_EDITS, draw_edit
from kmc_core.training.dataset import DataSettings, PairFolder, is_held_out
from kmc_core.training.ema import AveragedWeights
from kmc_core.training.losses import (
    LossWeights,
    charbonnier,
    flow_loss,
    gradient_loss,
    refinement_loss,
    registered_target,
    texture_loss,
)
from kmc_core.training.measures import gaussian, gradient_energy, psnr, ssim
from kmc_core.training.optimiser import build_optimiser, learning_rate_factor
from kmc_core.training.registration import registration_flow
from kmc_core.training.run_config import RunConfig, read_run_config, write_run_config
from kmc_core.training.shards import PairClip, Shard, load_pair_clip, save_pair_clip


def pair_clip(frames: int = 5, height: int = 64, width: int = 48, seed: int = 0) -> PairClip:
    """Noise with a box for a subject; aligned = truth a little darker."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand(frames, 3, height, width, generator=generator) * 1.6 - 0.8
    truth = torch.nn.functional.avg_pool2d(truth, 5, 1, 2)
    maps = torch.rand(frames, len(MAP_CHANNELS), height, width, generator=generator)
    subject = torch.zeros(frames, 1, height, width)
    subject[..., 16:48, 12:36] = 1
    maps[:, :3] = truth - 0.15 * subject
    maps[:, 3:4] = subject
    points = torch.rand(frames, 19, 4, generator=generator)
    hands = torch.rand(frames, 2, 21, 4, generator=generator)
    face = torch.rand(frames, len(FACE_FEATURE_NAMES), generator=generator)
    references = torch.rand(1, 4, 32, 16, generator=generator)
    return PairClip(maps, truth, truth, subject, points, hands, face, references, "a person in grey")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(1, 13):
        save_pair_clip(tmp_path / f"clip_{number:05d}.safetensors", pair_clip(seed=number), {"seed": number})
    return tmp_path


def test_shard_round_trip_is_within_a_byte(tmp_path: Path) -> None:
    clip = pair_clip()
    save_pair_clip(tmp_path / "clip_1.safetensors", clip, {})
    back = load_pair_clip(tmp_path / "clip_1.safetensors")
    for name in ("maps", "truth", "subject", "references"):
        assert (getattr(back, name) - getattr(clip, name)).abs().max() <= 1 / 127, name
    assert back.caption == clip.caption and (back.joints - clip.joints).abs().max() < 1e-3
    shard = Shard(tmp_path / "clip_1.safetensors")
    part = shard.read([3, 4, 4], (slice(8, 40), slice(4, 20)))
    assert torch.equal(part.maps, back.maps[[3, 4, 4], :, 8:40, 4:20])
    assert torch.equal(part.joints, back.joints[[3, 4, 4]])


def test_mirroring_twice_is_the_identity_and_swaps_sides() -> None:
    clip = pair_clip()
    twice = mirrored(mirrored(clip))
    for name in ("maps", "truth", "joints", "hands", "face", "references"):
        assert torch.allclose(getattr(twice, name), getattr(clip, name), atol=1e-6), name
    once = mirrored(clip)
    assert torch.allclose(once.joints[:, 3, 0], 1 - clip.joints[:, 7, 0])
    assert torch.allclose(once.hands[:, 0, :, 1], clip.hands[:, 1, :, 1])
    left, right = FACE_FEATURE_NAMES.index("mouthSmileLeft"), FACE_FEATURE_NAMES.index("mouthSmileRight")
    assert torch.equal(once.face[:, left], clip.face[:, right])
    yaw = FACE_FEATURE_NAMES.index("head_yaw")
    assert torch.equal(once.face[:, yaw], -clip.face[:, yaw])


def test_recolouring_treats_every_picture_alike() -> None:
    clip = pair_clip()
    clip = replace(clip, maps=clip.maps.clone(), registered=clip.truth)
    clip.maps[:, :3] = clip.truth
    changed = recoloured(clip, np.random.default_rng(3))
    assert torch.equal(changed.maps[:, :3], changed.truth) and torch.equal(changed.truth, changed.registered)
    assert torch.equal(changed.maps[:, 3:14], clip.maps[:, 3:14])
    assert not torch.equal(changed.truth, clip.truth)


def test_a_background_is_exchanged_in_input_and_truth_alike() -> None:
    clip = pair_clip()
    clip = replace(clip, truth=clip.truth / 4, maps=clip.maps / 4, subject=(clip.maps[:, 3:4] / 4).round())
    swapped = rebacked(clip, torch.tensor([0.2, 0.1, 0.0]))
    assert torch.allclose(swapped.maps[:, 14:17, 5, 5], torch.tensor([0.2, 0.1, 0.0])) and swapped.maps[:, 17].max() == 0
    kept = rebacked(clip, torch.tensor([0.2, 0.1, 0.0]), is_known=False)
    assert torch.equal(kept.maps[:, 17], clip.maps[:, 17]) and torch.equal(kept.maps[:, :17], swapped.maps[:, :17])
    alpha = clip.maps[:, 3:4]
    expected = (1 - alpha) * (swapped.maps[:, 14:17] - clip.maps[:, 14:17])
    assert torch.allclose(swapped.maps[:, :3], clip.maps[:, :3] + expected, atol=1e-5)
    assert torch.allclose(swapped.truth - clip.truth, (1 - clip.subject) * (swapped.maps[:, 14:17] - clip.maps[:, 14:17]), atol=1e-5)


def test_plain_backgrounds_are_often_as_bright_as_a_studio() -> None:
    generator = np.random.default_rng(5)
    colours = torch.stack([plain_colour(generator) for _ in range(200)])
    assert colours.abs().max() <= 1
    assert 0.25 < float((colours > 0.5).all(1).float().mean()) < 0.7  # of colours drawn evenly one in 64 would be


def test_window_fractions_point_at_the_same_pixel() -> None:
    clip = pair_clip()
    region = (slice(16, 48), slice(12, 36))
    part = in_window(clip, region, 64, 48)
    assert torch.allclose(part.joints[..., 0] * 24 + 12, clip.joints[..., 0] * 48, atol=1e-4)
    assert torch.allclose(part.joints[..., 1] * 32 + 16, clip.joints[..., 1] * 64, atol=1e-4)
    assert torch.equal(part.joints[..., 2:], clip.joints[..., 2:])
    assert resized(clip, 32, 24).maps.shape[-2:] == (32, 24)


def test_charbonnier_and_losses_are_zero_only_for_the_truth() -> None:
    assert charbonnier(torch.zeros(3)).abs().max() == 0
    assert torch.allclose(charbonnier(torch.tensor([-2.0, 2.0])), torch.tensor(1.99), atol=1e-3)
    truth = torch.rand(1, 3, 2, 24, 16)
    zeros = Edits(torch.zeros(1, 2, 2, 24, 16), torch.zeros_like(truth), torch.ones(1, 1, 2, 24, 16), torch.zeros(1, 24, 2, 1, 1))
    subject, frames = torch.ones(1, 1, 2, 24, 16), torch.ones(1, 2)
    weights = LossWeights()
    assert refinement_loss(truth, truth, zeros, subject, frames, weights) == 0
    history = refinement_loss(truth + 1, truth, zeros, subject, torch.tensor([[0.0, 0.0]]), weights)
    assert history == 0
    assert refinement_loss(truth + 0.1, truth, zeros, subject, frames, weights) > 0
    dearer = replace(weights, square=2.0)
    for off in (0.1, 0.5):  # the square joins in as PSNR counts it: the large error pays 25 times as much as the small one
        extra = refinement_loss(truth + off, truth, zeros, subject, frames, dearer) - refinement_loss(
            truth + off, truth, zeros, subject, frames, weights
        )
        assert float(extra) == pytest.approx(2.0 * off**2 * float(frames.mean()) * weights.subject, rel=0.02)
    priced = replace_residual(zeros, 0.2)
    assert refinement_loss(truth, truth, priced, subject, frames, weights) > 0


def replace_residual(edits: Edits, value: float) -> Edits:
    return Edits(edits.flow, torch.full_like(edits.residual, value), edits.mask, edits.colour)


def test_gradient_and_texture_terms_punish_a_blur() -> None:
    torch.manual_seed(0)
    truth, weight = torch.rand(1, 3, 48, 48), torch.ones(1, 1, 48, 48)
    assert gradient_loss(gaussian(truth, 1.2) - truth, weight) > 0.1
    assert texture_loss(gaussian(truth, 1.2), truth, weight) > 10 * texture_loss(truth.roll(1, -1), truth, weight)


def test_flow_is_taught_and_registration_moves_truth_to_it() -> None:
    torch.manual_seed(0)
    aligned = gaussian(torch.rand(1, 3, 64, 64) * 6 - 3, 3).clamp(-1, 1)
    truth = aligned.roll(3, -1)
    flow = registration_flow(aligned, truth).transpose(0, 1)[None]
    assert torch.allclose(flow[0, 0, 0, 12:-12, 12:-12].mean(), torch.tensor(-3.0), atol=0.3)
    zeros = torch.zeros(1, 2, 1, 64, 64)
    edits = Edits(zeros, zeros[:, :1].expand(-1, 3, -1, -1, -1), zeros[:, :1], torch.zeros(1, 24, 1, 1, 1))
    clip_truth, subject, frames = truth.transpose(0, 1)[None], torch.ones(1, 1, 1, 64, 64), torch.ones(1, 1)
    moved = registered_target(clip_truth, flow, edits, torch.tensor([True]))
    inner = (..., slice(12, -12), slice(12, -12))
    assert (moved[0, :, 0] - aligned[0])[inner].abs().mean() < 0.2 * (truth - aligned)[inner].abs().mean()
    assert torch.equal(registered_target(clip_truth, flow, edits, torch.tensor([False])), clip_truth)
    right = replace(edits, flow=flow)
    assert torch.equal(registered_target(clip_truth, flow, right, torch.tensor([True])), clip_truth)
    assert flow_loss(right, flow, subject, frames) < 0.11 < 2 < flow_loss(edits, flow, subject, frames)


def test_average_equals_its_closed_form() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.0)
    average, expected = AveragedWeights(layer, 0.9), 0.0
    for number in range(40):
        layer.weight.data.fill_(float(number))
        average.update(layer)
        decay = min(0.9, (number + 1) / (number + 10))
        expected = decay * expected + (1 - decay) * number
        assert abs(float(average.weights["weight"]) - expected) < 1e-4


def test_levels_keep_something_to_solve() -> None:
    drawn = draw_levels(np.random.default_rng(0), 400, 4, LevelSettings(start=0.5, history=0.5))
    assert drawn.level.shape == (400, 4) and (drawn.level[:, -1] > 0).all()
    assert torch.equal(drawn.frame_weight == 0, drawn.level == 0)
    assert 0.3 < float((drawn.level[:, 0] == 0).float().mean()) < 0.7
    assert 0.4 < float((drawn.level[:, -1] == 1).float().mean()) < 0.6
    assert draw_levels(np.random.default_rng(0), 50, 1, LevelSettings(history=1.0)).level.min() > 0


def test_learning_rate_rises_then_falls() -> None:
    values = [learning_rate_factor(step, step / 1000, 50) for step in range(1001)]
    assert values[0] < 0.05 and max(values) == 1 and abs(values[-1] - 0.02) < 1e-6
    assert all(a >= b - 1e-9 for a, b in zip(values[300:], values[301:], strict=False))
    groups = build_optimiser(torch.nn.Linear(3, 2), 1e-3, 0.1).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.1, 1), (0.0, 1)]


def test_measures_agree_with_their_definitions() -> None:
    torch.manual_seed(1)
    truth = torch.rand(3, 40, 40)
    assert abs(psnr(truth + 0.1, truth) - 20) < 1e-3
    assert abs(ssim(truth, truth) - 1) < 1e-6 and ssim(gaussian(truth[None], 1.2)[0], truth) < 0.9
    weight = torch.ones(1, 40, 40)
    assert gradient_energy(gaussian(truth[None], 1.2)[0], weight) < gradient_energy(truth, weight)
    ramp = torch.arange(40.0).expand(3, 40, 40)
    assert abs(gradient_energy(ramp, weight) - 1) < 1e-6


def test_every_text_edit_changes_the_picture_and_has_words() -> None:
    pictures, subject = torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    for phrases, edit in LIGHT_EDITS.values():
        assert phrases and (edit(pictures, subject) - pictures).abs().mean() > 0.01, phrases
    seen = set()
    for seed in range(60):
        words, edit = draw_edit(np.random.default_rng(seed))
        seen.add(words)
        subject_only = edit(pictures, torch.ones_like(subject))
        if any(f"{colour} background" in words for colour in COLOURS) and not _names_light(words):
            assert torch.allclose(subject_only, pictures, atol=1e-6)
    assert len(seen) > 30


def _names_light(words: str) -> bool:
    return any(phrase in words.lower() for phrases, _ in LIGHT_EDITS.values() for phrase in phrases)


def test_batches_are_reproducible_and_well_formed(folder: Path) -> None:
    pairs = PairFolder(folder)
    assert len(pairs.shards) == 11 and len(PairFolder(folder, held_out=True).shards) == 1
    assert is_held_out(Path("clip_00010.safetensors"))
    settings, config = DataSettings(crop=(48, 32), frames=((3, 1.0),)), PRESETS["tiny"]
    batches = [pairs.batch(np.random.default_rng(7), 4, settings, config) for _ in range(2)]
    assert torch.equal(batches[0].truth, batches[1].truth)
    assert torch.equal(batches[0].conditions.text, batches[1].conditions.text)
    assert batches[0].truth.shape == (4, 3, 3, 48, 32) and batches[0].conditions.maps.shape == (4, 21, 3, 48, 32)
    assert batches[0].truth.abs().max() <= 1 and batches[0].subject.shape == (4, 1, 3, 48, 32)
    save_pair_clip(folder / "clip_00099.safetensors", pair_clip(), {})
    assert pairs.refresh() == 12


def test_run_config_is_strict(tmp_path: Path) -> None:
    config = RunConfig(minutes=3, data=DataSettings(crop=(32, 32)))
    write_run_config(tmp_path / "config.json", config)
    assert read_run_config(tmp_path / "config.json") == config
    (tmp_path / "config.json").write_text('{"data": {"corp": [3, 3]}}')
    with pytest.raises(CheckpointError, match="corp"):
        read_run_config(tmp_path / "config.json")
