"""The files that the example workflows name are given once, and nothing of the user's is touched."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def give(pack: ModuleType) -> object:
    return sys.modules[f"{pack.__name__}.nodes.example_inputs"].give_example_inputs


def test_given_once_and_never_over_a_user_s_file(give: object, tmp_path: Path) -> None:
    (tmp_path / "kmc_music.mp3").write_bytes(b"mine")
    give(tmp_path)
    shipped = {path.name for path in (ROOT / "example_inputs").glob("kmc_*")}
    assert shipped and shipped <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "kmc_music.mp3").read_bytes() == b"mine"
    (tmp_path / "kmc_character.jpg").unlink()
    give(tmp_path)
    assert not (tmp_path / "kmc_character.jpg").exists()


def test_a_new_file_of_a_later_version_is_added(give: object, tmp_path: Path) -> None:
    shipped, folder = tmp_path / "shipped", tmp_path / "input"
    shipped.mkdir()
    folder.mkdir()
    (shipped / "kmc_a.jpg").write_bytes(b"a")
    give(folder, shipped)
    (folder / "kmc_a.jpg").unlink()
    (shipped / "kmc_b.jpg").write_bytes(b"b")
    give(folder, shipped)
    assert {path.name for path in folder.glob("kmc_*")} == {"kmc_b.jpg"}


def test_a_folder_that_cannot_be_written_to_stops_nothing(give: object, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    give(tmp_path / "missing")
    assert "were not copied" in caplog.text


def test_small_enough_to_be_shipped() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "example_inputs").iterdir()) < 1_000_000
