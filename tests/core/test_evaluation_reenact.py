"""The whole comparison on a few real frames: every row complete, controls in their places, files written, failures told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pose_weights import pose_weights  # noqa: F401  (a fixture)

from kmc_core.evaluation.reenact import NUMBERS, Comparison, compare
from kmc_core.evaluation.table import table
from kmc_core.media.picture import read_picture
from kmc_core.pose.extractor import HolisticExtractor


@pytest.fixture(scope="module")
def rows(
    shared_clips: Path, pose_weights: Path, tmp_path_factory: pytest.TempPathFactory  # noqa: F811
) -> tuple[list[dict[str, object]], Path]:
    folder = tmp_path_factory.mktemp("sheets")
    comparison = Comparison(("repeat", "alignment", "blur", "kmc"), seconds=0.36, long_side=320, sheets=folder)
    bad = folder / "text.mp4"
    bad.write_text("no video")
    clips = [shared_clips / "driving" / "d05_dance_studio.mp4", bad]
    extractor = HolisticExtractor(pose_weights, workers=1)
    return list(compare(clips, [], comparison, extractor, None)), folder


def test_every_row_has_every_number(rows: tuple[list[dict[str, object]], Path]) -> None:
    measured, _ = rows
    assert [row["method"] for row in measured] == ["repeat", "alignment", "blur", "kmc"] * 2
    for row in measured[:3]:
        assert set(NUMBERS) <= set(row) and row["problem"] is None
        assert row["frames_in"] == row["frames_out"] == 9 and row["character"] == "first frame"
        for name in ("psnr", "ssim", "psnr_subject", "psnr_registered", "sharpness", "pose_median", "seconds", "flicker"):
            assert np.isfinite(row[name]), name
    json.dumps(measured)
    assert "alignment" in table(measured)


def test_controls_are_what_they_say(rows: tuple[list[dict[str, object]], Path]) -> None:
    repeat, alignment, blur = rows[0][:3]
    assert repeat["motion_energy"] == 0 and repeat["flicker"] == 0
    assert blur["sharpness"] < 0.8 * alignment["sharpness"]
    assert alignment["pose_median"] < 0.06 and alignment["psnr"] > 20


def test_what_fails_is_a_row_with_a_reason(rows: tuple[list[dict[str, object]], Path]) -> None:
    assert rows[0][3]["problem"] == "No network weights were given." and rows[0][3]["psnr"] is None
    assert all("cannot be read" in row["problem"] for row in rows[0][4:])


def test_sheet_is_written(rows: tuple[list[dict[str, object]], Path]) -> None:
    sheet = read_picture(rows[1] / "d05_dance_studio__first_frame.png")
    assert sheet.shape[0] > 4 * 200 and sheet.shape[1] <= 2500
