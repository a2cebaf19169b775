"""The loop at tiny size: the loss falls, an interrupted run continues with the same bits, validation lists its controls."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from test_training_parts import pair_clip

from kmc_core.dit.weights_file import load_network
from kmc_core.errors import CheckpointError
from kmc_core.training.dataset import DataSettings
from kmc_core.training.run_config import RunConfig, write_run_config
from kmc_core.training.shards import save_pair_clip
from kmc_core.training.train import Run, train
from kmc_core.training.validate import MEASURES, validate


def run_folder(tmp_path: Path, name: str, **options: object) -> Path:
    pairs = tmp_path / "pairs"
    if not pairs.exists():
        for number in range(8, 13):
            save_pair_clip(pairs / f"clip_{number:05d}.safetensors", pair_clip(seed=number), {})
    data = DataSettings(crop=(32, 32), frames=((1, 0.5), (2, 0.5)), edited=0, captioned=0.2, recoloured=0)
    values = {"preset": "tiny", "steps": 60, "batch": 2, "learning_rate": 3e-3, "warm_up_steps": 5, "ema": 0.9} | options
    write_run_config(tmp_path / name / "config.json", RunConfig(pairs=str(pairs), data=data, **values))
    return tmp_path / name


def test_training_mends_a_shade_and_leaves_weights_and_log(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "run")
    progress = train(folder)
    assert progress.step == 60 and progress.windows == 120
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    network, facts = load_network(folder / "weights.safetensors")
    assert facts["step"] == 60
    table, sheet = validate(tmp_path / "pairs", network, steps=1, frames=3, strengths=(1.0, 0.5))
    assert list(table) == ["alignment", "blur", "net", "net@0.5"] and set(table["net"]) == set(MEASURES)
    assert table["net"]["psnr_subject"] > table["net@0.5"]["psnr_subject"] > table["alignment"]["psnr_subject"]
    assert sheet[0].shape == (3, 64, 4 * 48)


def test_a_continued_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = run_folder(tmp_path, "whole", steps=6)
    train(whole)
    parted = run_folder(tmp_path, "parted", steps=6)
    stops = iter([False, False, False, True])
    assert train(parted, lambda: next(stops)).step == 3
    train(parted)
    first, second = (load_network(path / "weights.safetensors")[0].state_dict() for path in (whole, parted))
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=1e-5), name


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "run", steps=1)
    train(folder)
    from kmc_core.training.state import load_state

    run = Run(folder)
    with pytest.raises(CheckpointError, match="another network"):
        load_state(folder / "state.safetensors", torch.nn.Linear(2, 2), run.average, run.optimiser)


def test_no_pairs_is_said(tmp_path: Path) -> None:
    write_run_config(tmp_path / "config.json", RunConfig(pairs=str(tmp_path / "none"), preset="tiny"))
    with pytest.raises(CheckpointError, match="pairs first"):
        train(tmp_path)
