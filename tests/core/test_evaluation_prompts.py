"""Prompts measured: closed forms of the measures, and the shipped network on three real frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pose_weights import pose_weights  # noqa: F401  (a fixture)

from kmc_core.dit.weights_file import load_network
from kmc_core.evaluation.case import self_case
from kmc_core.evaluation.command_line import BUILT_IN_NETWORK
from kmc_core.evaluation.drawing_manner import Manner, manner_of
from kmc_core.evaluation.prompts import BRIGHT, FLAT, MEASURES, SATURATED, TO_BLUE, UNCHANGED, WARM, Look, Question, ask, sheet
from kmc_core.media.clip import open_clip
from kmc_core.pose.extractor import HolisticExtractor

PLAIN = Look(np.array((0.4, 0.4, 0.4)), np.array((0.5, 0.5, 0.5)), 0.2)


def test_measures_are_closed_forms() -> None:
    dimmed = Look(PLAIN.subject / 2, PLAIN.background, 0.05)
    assert MEASURES[BRIGHT](PLAIN, dimmed) == pytest.approx(0.5)
    assert MEASURES[SATURATED](PLAIN, dimmed) == pytest.approx(0.25)
    assert MEASURES[UNCHANGED](PLAIN, dimmed) == pytest.approx(0.2)
    warm = PLAIN._replace(subject=np.array((0.8, 0.4, 0.4)))
    assert MEASURES[WARM](PLAIN, warm) == pytest.approx(np.log(2))
    blue = PLAIN._replace(background=np.array((0.15, 0.30, 0.80)))
    assert MEASURES[TO_BLUE](PLAIN, blue) == pytest.approx(0) and MEASURES[TO_BLUE](PLAIN, PLAIN) > 0.2


def test_manner_tells_lines_flats_and_texture_apart_and_not_brightness() -> None:
    generator, coverage = np.random.default_rng(0), np.ones((90, 90), np.float32)
    picture = np.full((90, 90, 3), 0.7, np.float32)
    picture[30:60, 20:70] = 0.4
    rough = picture + generator.normal(0, 0.02, (90, 90, 1)).astype(np.float32)
    lined = rough.copy()
    lined[28:31, 20:70] = lined[59:62, 20:70] = 0.1
    plain, drawn, calm, dark = (manner_of(shown, coverage) for shown in (rough, lined, picture, rough * 0.5))
    assert drawn.lines > 1.3 * plain.lines
    assert calm.flat > 1.1 * plain.flat and calm.texture < 0.3 * plain.texture
    assert tuple(dark) == pytest.approx(tuple(plain), rel=0.02)
    assert manner_of(picture, 0 * coverage) == Manner(0, 0, 0)


def test_the_shipped_network_does_what_prompts_name(
    shared_clips: Path, pose_weights: Path, tmp_path: Path  # noqa: F811
) -> None:
    extractor = HolisticExtractor(pose_weights, workers=1)
    clip = open_clip(shared_clips / "driving" / "d05_dance_studio.mp4", duration_s=0.12)
    case = self_case(clip, extractor.track(clip), extractor, 192)
    questions = (
        Question("a person dancing at night", BRIGHT, 0.2, 0.7),
        Question("blue background", TO_BLUE, 0.0, 0.12),
        Question("a knight in a red dress", UNCHANGED, 0.0, 0.04),
        Question("a cartoon of someone dancing", FLAT, 1.1, 9.0),
    )
    network, _ = load_network(BUILT_IN_NETWORK)
    rows = list(ask(case, network, extractor, tmp_path, questions=questions))
    assert [row["met"] for row in rows] == [True] * 4, rows
    assert rows[1]["elsewhere"] < 0.06, "a background prompt leaves the character alone"
    assert rows[0]["pose_shift"] < 0.02 + rows[0]["pose_control"] and rows[2]["pose_shift"] < 0.02, rows
    assert rows[3]["pose_shift"] < 0.06, "a drawing 192 px high moves no joint far"
    assert all(0 <= row["pose_control"] < 0.1 for row in rows) and rows[2]["pose_control"] == 0, "words of nothing leave the driver alone"
    assert sheet(tmp_path, case, len(questions)).shape[0] == 300
    assert sheet(tmp_path, case, len(questions), columns=3).shape[0] == 600
