"""Guidance inside the network: one evaluation stands for the two branches; files and bits of before stay what they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kmc_core.dit.conditions import Conditions, Guidance, text_bytes
from kmc_core.dit.config import PRESETS, KMCDiTConfig
from kmc_core.dit.head import Edits
from kmc_core.dit.model import KMCDiT
from kmc_core.dit.weights_file import load_network
from kmc_core.sampling.guidance import GuidedNetwork
from kmc_core.sampling.sampler import sample_window
from kmc_core.sampling.schedule import bridge_levels

SHIPPED = Path(__file__).resolve().parents[2] / "kmc_core" / "weights" / "kmc_nano.safetensors"


def conditions_of(config: KMCDiTConfig, words: str, seed: int = 1) -> Conditions:
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    return Conditions(
        maps=rand(1, len(config.map_channels), 2, 32, 48) * 2 - 1, joints=rand(1, 2, 19, 4), hands=rand(1, 2, 2, 21, 4),
        face=rand(1, 2, len(config.face_features)), references=rand(1, 1, 4, 32, 16), text=text_bytes([words], config.text_bytes),
    )  # fmt: skip


def perturbed(config: KMCDiTConfig, amount: float, only: tuple[str, ...] = ("",)) -> KMCDiT:
    """A network whose zero-initialised layers (or those named) have left zero."""
    torch.manual_seed(0)
    network = KMCDiT(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith(only):
                parameter += amount * torch.randn_like(parameter)
    return network.eval().requires_grad_(False)


def answers(network: KMCDiT, weight: float, negative: str = "") -> tuple[Edits, Edits, Edits]:
    """(two branches, one evaluation, words as said) at level 0.7."""
    told, untold = (conditions_of(network.config, words) for words in ("at night, blue background", negative))
    x, level = told.maps[:, :3], torch.full((1, 2), 0.7)
    with torch.no_grad():
        both = GuidedNetwork(network, untold, told, weight).edits(x, level)
        return both, GuidedNetwork(network, untold, told, weight, folded=True).edits(x, level), network.edits(x, level, told)


def difference(one: Edits, other: Edits) -> float:
    return max(float((getattr(one, name) - getattr(other, name)).abs().max()) for name in ("flow", "residual", "mask", "colour"))


@pytest.mark.parametrize("weight", [0.3, 1.0, 1.7])
def test_colours_fold_exactly_also_those_the_pixels_choose(weight: float) -> None:
    network = perturbed(PRESETS["tiny"], 0.2, ("text_colour", "decoder.colour", "decoder.residual"))
    both, folded, said = answers(network, weight)
    assert difference(both, folded) < 1e-5 and both.colour.abs().max() > 0.1
    assert weight == 1 or difference(both, said) > 0.05


def test_a_negative_prompt_folds_exactly_where_words_alone_choose_the_colour() -> None:
    network = perturbed(PRESETS["tiny"], 0.2, ("text_colour", "decoder.residual"))
    both, folded, _ = answers(network, 1.7, negative="warm light")
    assert difference(both, folded) < 1e-5
    assert difference(both, answers(network, 1.7)[0]) > 0.05


@pytest.mark.parametrize("weight", [0.4, 1.6])
def test_words_that_reach_the_blocks_fold_to_first_order(weight: float) -> None:
    network = perturbed(PRESETS["tiny"], 0.04)
    both, folded, said = answers(network, weight)
    assert difference(both, folded) < 0.3 * difference(both, said)


@pytest.mark.parametrize("negative", ["", "dark"])
def test_the_shipped_network_needs_no_second_branch(negative: str) -> None:
    network, _ = load_network(SHIPPED)
    both, folded, said = answers(network, 1.8, negative)
    assert difference(both, folded) < 1e-3 < 0.2 < difference(both, said)


def test_a_taught_network_is_asked_once_and_silence_takes_no_weight() -> None:
    network = perturbed(replace(PRESETS["tiny"], one_evaluation=True), 0.1)
    asked = []
    network.decoder.register_forward_hook(lambda *_: asked.append(1))
    told, silent = (conditions_of(network.config, words) for words in ("red light", ""))
    x, level = told.maps[:, :3], torch.ones(1, 2)
    guided = GuidedNetwork(network, silent, told, 1.5).edits(x, level)
    assert len(asked) == 1
    assert difference(guided, network.edits(x, level, told)) > 1e-3
    assert difference(GuidedNetwork(network, silent, None, 1.5).edits(x, level), network.edits(x, level, silent)) == 0


def test_weight_one_is_the_words_as_said() -> None:
    network = perturbed(PRESETS["tiny"], 0.1)
    told = conditions_of(network.config, "red light")
    x, level, guidance = told.maps[:, :3], torch.ones(1, 2), Guidance(torch.ones(1), text_bytes([""], 64))
    assert difference(network.edits(x, level, told, guidance), network.edits(x, level, told)) < 1e-5


def test_no_weight_was_added_and_old_headers_still_fit() -> None:
    plain, taught = (KMCDiT(replace(PRESETS["tiny"], one_evaluation=flag)) for flag in (False, True))
    assert plain.state_dict().keys() == taught.state_dict().keys()
    old = {name: value for name, value in PRESETS["nano"].to_dict().items() if name != "one_evaluation"}
    assert KMCDiTConfig.from_dict(old) == PRESETS["nano"] and not KMCDiTConfig.from_dict(old).one_evaluation


def test_words_colour_the_picture_once_however_many_steps_are_walked() -> None:
    network, _ = load_network(SHIPPED)
    told, silent = (conditions_of(network.config, words) for words in ("at night", ""))
    guided, brightness = GuidedNetwork(network, silent, told, 1.0), []
    with torch.no_grad():
        for steps in (1, 4):
            x0, _ = sample_window(guided, bridge_levels(steps))
            brightness.append(float((x0 + 1).mean()))
    assert brightness[0] < 0.6 * float((told.maps[:, :3] + 1).mean())  # it is night
    assert brightness[1] == pytest.approx(brightness[0], rel=0.05)
