"""KMCDiT as a whole at tiny size: identity before training, every parameter learns, what is dropped has no effect."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kmc_core.dit.conditions import Conditions, text_bytes
from kmc_core.dit.config import PRESETS, KMCDiTConfig
from kmc_core.dit.model import KMCDiT

TINY = PRESETS["tiny"]


def some_conditions(batch: int = 2, frames: int = 3, height: int = 32, width: int = 48, seed: int = 0) -> Conditions:
    generator = torch.Generator().manual_seed(seed)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    return Conditions(
        maps=rand(batch, len(TINY.map_channels), frames, height, width) * 2 - 1,
        joints=rand(batch, frames, 19, 4),
        hands=rand(batch, frames, 2, 21, 4),
        face=rand(batch, frames, len(TINY.face_features)),
        references=rand(batch, 2, 4, 32, 16),
        text=text_bytes(["warm evening light"] * batch, TINY.text_bytes),
    )


def shaken(seed: int = 0) -> KMCDiT:
    """A tiny network whose zero-initialised layers have left zero."""
    torch.manual_seed(seed)
    network = KMCDiT(TINY)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network.eval()


def output(network: KMCDiT, conditions: Conditions, level: float = 1.0) -> torch.Tensor:
    with torch.no_grad():
        return network(conditions.maps[:, :3], torch.full((len(conditions.maps),), level), conditions)


def test_untrained_network_returns_the_aligned_picture_exactly() -> None:
    torch.manual_seed(0)
    network, conditions = KMCDiT(TINY), some_conditions()
    assert torch.equal(output(network, conditions), conditions.maps[:, :3])


def test_every_parameter_gets_a_finite_gradient() -> None:
    network, conditions = shaken().train(), some_conditions()
    network(conditions.maps[:, :3], torch.tensor([[1.0, 0.5, 0.0]] * 2), conditions).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_the_untrained_heads_can_start_to_learn() -> None:
    network, conditions = KMCDiT(TINY), some_conditions()
    network(conditions.maps[:, :3], torch.ones(2), conditions).square().sum().backward()
    for last in (network.decoder.flow, network.decoder.residual, network.decoder.colour):
        assert last.weight.grad.abs().max() > 0


def test_nano_is_within_its_parameter_budget() -> None:
    count = sum(parameter.numel() for parameter in KMCDiT(PRESETS["nano"], device=torch.device("meta")).parameters())
    assert 5e6 < count <= 15e6


def test_any_size_works_and_the_border_padding_stays_outside() -> None:
    network = shaken()
    assert output(network, some_conditions(height=37, width=51)).shape == (2, 3, 3, 37, 51)


@pytest.mark.parametrize("kind", ["body", "hands", "face", "identity", "text"])
def test_a_dropped_kind_has_no_influence_left(kind: str) -> None:
    network, one, other = shaken(), some_conditions(seed=0), some_conditions(seed=9)
    field = {"body": "joints", "identity": "references"}.get(kind, kind)
    swapped = Conditions(**{**vars(one), field: getattr(other, field)})
    if kind == "text":
        swapped = Conditions(**{**vars(one), "text": text_bytes(["cold blue studio night"] * 2, TINY.text_bytes)})
    if kind != "body":  # the head joint also places the face tokens
        assert torch.equal(output(network, one.without(kind)), output(network, swapped.without(kind)))
    assert not torch.equal(output(network, one), output(network, swapped))
    assert not torch.equal(output(network, one), output(network, one.without(kind)))


def test_dropping_some_rows_leaves_the_others() -> None:
    conditions = some_conditions()
    rows = torch.tensor([True, False])
    for kind in ("body", "hands", "face", "identity", "text"):
        dropped, whole = conditions.without(kind, rows=rows), conditions.without(kind)
        for name in vars(conditions):
            assert torch.equal(getattr(dropped, name)[1], getattr(conditions, name)[1])
            assert torch.equal(getattr(dropped, name)[0], getattr(whole, name)[0])


def test_without_text_nothing_outside_the_edit_mask_changes() -> None:
    network, conditions = shaken(), some_conditions(height=64, width=64)
    maps = conditions.maps.clone()
    for name in ("alpha", "plate_invented", "pose_raster", "hole"):
        maps[:, TINY.channel(name)] = -1
        maps[:, TINY.channel(name), :, 28:32, 28:32] = 1
    silent = Conditions(**{**vars(conditions), "maps": maps}).without("text")
    changed = (output(network, silent) != maps[:, :3]).any(1)
    assert changed[:, :, 30, 30].all() and not changed[:, :, :8].any() and not changed[:, :, :, :8].any()


def test_frames_influence_each_other_only_through_time_attention() -> None:
    network, conditions = shaken(), some_conditions()
    alone = Conditions(**{name: value[:, 1:2] if name in ("joints", "hands", "face") else value for name, value in vars(conditions).items()})
    alone = Conditions(**{**vars(alone), "maps": conditions.maps[:, :, 1:2]})
    together = output(network, conditions)[:, :, 1]
    assert not torch.allclose(together, output(network, alone)[:, :, 0], atol=1e-7)


def test_same_input_gives_the_same_bits() -> None:
    network, conditions = shaken(), some_conditions()
    assert torch.equal(output(network, conditions), output(network, conditions))


def test_layers_come_from_operations() -> None:
    made: list[str] = []

    class Operations:
        """Counts the layers it hands out, as a host's cast-on-use layers would be handed out."""

        def __getattr__(self, name: str) -> object:
            made.append(name)
            return getattr(nn, name)

    network = KMCDiT(TINY, operations=Operations())  # type: ignore[arg-type]
    leaves = [module for module in network.modules() if list(module.parameters(recurse=False))]
    assert len(leaves) == len(made)
    assert set(made) <= {"Linear", "Conv1d", "Conv2d", "Embedding", "RMSNorm"}


def test_a_tiny_network_overfits_one_window() -> None:
    torch.manual_seed(0)
    network, conditions = KMCDiT(KMCDiTConfig.from_dict(TINY.to_dict())), some_conditions(batch=1, frames=2)
    aligned = conditions.maps[:, :3]
    truth = aligned + 0.2 * torch.nn.functional.avg_pool3d(torch.randn_like(aligned), (1, 5, 5), 1, (0, 2, 2))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(80):
        loss = (network(aligned, torch.ones(1), conditions) - truth).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
