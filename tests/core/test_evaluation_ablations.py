"""The ablation tables on a tiny network and tiny pairs: what is taken away is really away, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pose_weights import pose_weights  # noqa: F401  (a fixture)
from test_training_parts import pair_clip

from kmc_core.dit.config import PRESETS
from kmc_core.dit.model import KMCDiT
from kmc_core.dit.weights_file import save_network
from kmc_core.evaluation.ablation_mattes import MATTES, matte_rows
from kmc_core.evaluation.ablations import METHODS, WHOLE, ablation_rows, means
from kmc_core.evaluation.ablations_command import ablations_command
from kmc_core.pose.extractor import HolisticExtractor
from kmc_core.pose.matte_network import load_matte_network
from kmc_core.pose.matte_refinement import BUILT_IN_MATTE
from kmc_core.training.shards import save_pair_clip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    for number in (10, 20, 21):  # 21 is no held-out one
        save_pair_clip(folder / f"clip_{number:05d}.safetensors", pair_clip(frames=3, seed=number), {})
    return folder


def lively_network() -> KMCDiT:
    """Tiny, with weights that let every input reach the picture."""
    torch.manual_seed(0)
    network = KMCDiT(PRESETS["tiny"])
    for name, parameter in network.named_parameters():
        if "modulation" in name or name.startswith(("decoder.residual", "decoder.flow")):
            torch.nn.init.normal_(parameter, std=0.3)
    return network.eval().requires_grad_(False)


def test_every_part_that_is_taken_away_changes_the_picture(pairs: Path) -> None:
    rows = ablation_rows(pairs, lively_network(), clips=5, frames=2)
    assert list(rows) == ["alignment", "blur", *METHODS] and all(len(found) == 2 for found in rows.values())
    table = means(rows)
    assert table[WHOLE]["change"] == table[WHOLE]["subject_less"] == 0
    unchanged = [name for name in METHODS if name != WHOLE and not table[name]["change"] > 0]
    assert not unchanged
    assert table["from noise"]["change"] > 2 * table["bridge with its noise"]["change"]
    assert table["alignment"]["subject"] > table["alignment"]["subject_less"] == pytest.approx(
        table["alignment"]["subject"] - table[WHOLE]["subject"], abs=1e-6
    )


def test_an_untrained_network_is_the_alignment_whatever_is_taken_away(pairs: Path) -> None:
    rows = ablation_rows(pairs, KMCDiT(PRESETS["tiny"]).eval(), clips=1, frames=2)
    for name in METHODS:
        assert rows[name][0]["subject"] == pytest.approx(rows["alignment"][0]["subject"], abs=1e-3), name
        assert rows[name][0]["change"] == pytest.approx(0, abs=1e-3), name


def test_the_command_prints_tables_or_what_is_wrong(pairs: Path, tmp_path: Path) -> None:
    network = lively_network()
    weights, rows = tmp_path / "w.safetensors", tmp_path / "out" / "rows.json"
    save_network(weights, network.config, network.state_dict(), {}, torch.float32)
    common = ["--weights", str(weights), "--clips", "1", "--matte-clips", "0", "--json", str(rows)]
    status, text = ablations_command([*common, "--pairs", str(pairs)])
    assert status == 0 and "| without reference tokens |" in text and rows.exists()
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1
    status, text = ablations_command([*common, "--pairs", str(tmp_path / "none")])
    assert status == 2 and "pairs first" in text


def test_mattes_are_judged_by_the_aligned_picture(pose_weights: Path) -> None:  # noqa: F811
    rows = matte_rows(HolisticExtractor(pose_weights, workers=1), load_matte_network(BUILT_IN_MATTE)[0], clips=1, frames=1)
    assert tuple(rows) == MATTES
    exact, person, _, corrected = (rows[name][0] for name in MATTES)
    assert exact["sad"] == 0 < corrected["sad"] < person["sad"]
    assert exact["behind"] > person["behind"] and all(10 < row[0]["subject"] < 60 for row in rows.values())
