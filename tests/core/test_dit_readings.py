"""What is read once and kept gives the bits of reading it anew, and the sampler really reads it once."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

import pytest
import torch
from test_dit_model import shaken, some_conditions

from kmc_core.dit.conditions import Guidance, text_bytes
from kmc_core.dit.head import Edits, apply_edits
from kmc_core.dit.model import KMCDiT
from kmc_core.sampling.guidance import GuidedNetwork
from kmc_core.sampling.sampler import sample_window
from kmc_core.sampling.schedule import bridge_levels
from kmc_core.sampling.step import bridge_state, bridge_step


def same(one: Edits, other: Edits) -> bool:
    return all(torch.equal(getattr(one, entry.name), getattr(other, entry.name)) for entry in fields(Edits))


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("guided", [False, True])
def test_kept_readings_give_the_bits_of_fresh_ones(autocast: bool, guided: bool) -> None:
    network, conditions = shaken(), some_conditions(height=37, width=51)
    guidance = Guidance(torch.tensor([1.6, 0.3]), text_bytes(["blue", ""], 64)) if guided else None
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        look, told = network.look(conditions.maps), network.listen(conditions, guidance)
        for seed, level in enumerate((1.0, 0.6, 0.2)):
            x = torch.rand(2, 3, 3, 37, 51, generator=torch.Generator().manual_seed(seed)) * 2 - 1
            levels = torch.full((2,), level)
            fresh = network.edits(x, levels, conditions, guidance)
            seen = network.see(x, look)
            assert same(network.answer(seen, levels, look, told), fresh)
            later = network.answer(seen, levels, look, told, first=2)
            for entry in fields(Edits):  # other sizes of batch may be summed in another order
                tolerance = 2e-2 if autocast else 1e-5
                assert (getattr(later, entry.name) - getattr(fresh, entry.name)[:, :, 2:]).abs().max() < tolerance, entry.name


def plainly_walked(network: KMCDiT, guided: GuidedNetwork, steps: int, history: torch.Tensor) -> torch.Tensor:
    """The bridge with everything computed anew at every step and for every frame."""
    silent, told, weight = guided.without_text, guided.with_text, guided.weight
    aligned, alpha = network.aligned(silent)
    given = history.shape[2]
    clean = torch.arange(aligned.shape[2])[None] < given
    x = torch.cat((history, bridge_state(aligned, aligned, torch.ones(1, aligned.shape[2]))[:, :, given:]), dim=2)
    levels = bridge_levels(steps)
    for level, after in zip(levels[:-1], levels[1:], strict=True):
        now, then = (torch.where(clean, torch.zeros_like(value), value) for value in (level, after))
        a, b = network.edits(x, now, silent), network.edits(x, now, told)
        edits = a.combined(b, lambda one, two: one + weight * (two - one))
        x0 = torch.cat((history, apply_edits(aligned, alpha, edits).clamp(-1, 1)[:, :, given:]), dim=2)
        colourless = replace(edits, colour=torch.zeros_like(edits.colour))
        own_colours = torch.cat((history, apply_edits(aligned, alpha, colourless).clamp(-1, 1)[:, :, given:]), dim=2)
        x = bridge_step(x, own_colours, now, then)
    return x0


def test_the_sampler_reads_a_window_once_and_comes_to_the_same_frames() -> None:
    network, conditions = shaken(), some_conditions(batch=1, frames=4)
    guided = GuidedNetwork(network, conditions.without("text"), conditions, 1.4)
    history = torch.rand(1, 3, 1, 32, 48)
    with torch.no_grad():
        expected = plainly_walked(network, guided, 3, history)
        calls: Counter[str] = Counter()
        parts = {"text": network.text, "motion": network.motion, "references": network.identity, "stem": network.stem.to_half}
        parts |= {"keys": network.blocks[0].context.key_value, "blocks": network.blocks[0], "decoder": network.decoder}
        for name, part in parts.items():
            part.register_forward_hook(lambda *_, name=name: calls.update([name]))
        clean, edits = sample_window(guided, bridge_levels(3), history=history)
    assert (clean - expected).abs().max() < 1e-5 and torch.equal(clean[:, :, :1], history)
    assert edits.residual.shape[2] == 3, "nothing is decoded for frames that were shown before"
    once_per_branch, once_per_step, each = 2, 3, 6
    assert calls == {"text": once_per_branch, "motion": once_per_branch, "references": once_per_branch, "keys": once_per_branch,
                     "stem": once_per_step, "blocks": each, "decoder": each}  # fmt: skip
