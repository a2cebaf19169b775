"""Checkpoints are strict: what is saved comes back, and everything else is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_dit_model import TINY, output, shaken, some_conditions

from kmc_core.checkpoints.format import load_checkpoint, save_checkpoint
from kmc_core.dit.weights_file import load_network, save_network
from kmc_core.errors import CheckpointError


def test_round_trip_keeps_tensors_and_header(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.safetensors"
    tensors = {"a": torch.arange(6).view(2, 3), "b": torch.rand(4).half()}
    save_checkpoint(path, tensors, {"format": "thing", "version": 2, "note": "hello"})
    back, header = load_checkpoint(path, "thing", 2)
    assert header == {"format": "thing", "version": 2, "note": "hello"}
    assert back.keys() == tensors.keys() and all(torch.equal(back[name], tensors[name]) for name in tensors)
    assert [entry.name for entry in path.parent.iterdir()] == ["x.safetensors"]


def test_unusable_headers_are_refused_before_writing(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for header in ({"version": 1}, {"format": "a", "version": "1"}, {"format": "a", "version": 1, "x": float("nan")}):
        with pytest.raises(CheckpointError):
            save_checkpoint(path, {}, header)
    assert not path.exists()


def test_foreign_damaged_missing_and_other_versions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(CheckpointError, match="missing"):
        load_checkpoint(path, "thing", 1)
    save_checkpoint(path, {"a": torch.zeros(2)}, {"format": "thing", "version": 1})
    for expected in (("thing", 2), ("other", 1)):
        with pytest.raises(CheckpointError, match="another kind"):
            load_checkpoint(path, *expected)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(path, "thing", 1)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="no KMC checkpoint"):
        load_checkpoint(path, "thing", 1)


def test_network_comes_back_from_its_file(tmp_path: Path) -> None:
    network, path = shaken(), tmp_path / "net.safetensors"
    save_network(path, network.config, network.state_dict(), {"steps": 3}, torch.float32)
    back, facts = load_network(path)
    assert facts == {"steps": 3} and back.config == network.config and not back.training
    conditions = some_conditions()
    assert torch.allclose(output(back, conditions), output(network, conditions), atol=1e-4)
    assert torch.equal(output(back, conditions), output(load_network(path)[0], conditions))
    save_network(path, network.config, network.state_dict(), {}, torch.float16)
    half, _ = load_network(path)
    assert half.stem.to_half.weight.dtype == torch.float32
    assert (output(half, conditions) - output(network, conditions)).abs().max() < 0.02


@pytest.mark.parametrize("damage", ["missing", "extra", "shape", "nan"])
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, damage: str) -> None:
    weights = dict(shaken().state_dict())
    name = "stem.to_half.bias"
    if damage == "missing":
        del weights[name]
    else:
        wrong = {"extra": torch.zeros(3), "shape": torch.zeros(3), "nan": torch.full((8,), torch.nan)}[damage]
        weights["surplus" if damage == "extra" else name] = wrong
    save_network(tmp_path / "net.safetensors", TINY, weights, {}, torch.float32)
    with pytest.raises(CheckpointError, match="1 wrong tensors"):
        load_network(tmp_path / "net.safetensors")
