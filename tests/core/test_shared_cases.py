"""Tables that JavaScript reads too (tests/web/lib.test.mjs), held against the Python that decides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kmc_core.errors import LimitError
from kmc_core.media.clip import open_clip
from kmc_core.media.limits import check_clip
from kmc_core.media.writer import VideoWriter
from kmc_core.motion.orientation import directive_camera
from kmc_core.types import CameraDirective, Canvas

CASES = Path(__file__).resolve().parents[1] / "web" / "cases"
FPS = 10


def table(name):
    return json.loads((CASES / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def clip_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")

    def make(seconds):
        path = folder / f"{seconds}.mp4"
        if not path.exists():
            with VideoWriter(path, Canvas(16, 16), FPS) as writer:
                for index in range(seconds * FPS):
                    writer.write(np.full((16, 16, 3), index % 250, np.uint8))
        return path

    return make


def used(clip_of, case):
    clip = open_clip(clip_of(case["total"]), start_s=case["start"], duration_s=case["duration"])
    return check_clip(clip, "video", case.get("overrides", False))


@pytest.mark.parametrize("case", table("trim")["used"], ids=lambda case: case["name"])
def test_trim_handles_show_the_part_that_is_used(clip_of, case):
    clip = used(clip_of, case)
    assert clip.start_s == pytest.approx(case["from"], abs=1 / FPS)
    assert clip.start_s + clip.seconds == pytest.approx(case["to"], abs=1 / FPS)


@pytest.mark.parametrize("case", table("trim")["short"], ids=str)
def test_what_the_handles_call_short_is_refused(clip_of, case):
    with pytest.raises(LimitError, match="short"):
        used(clip_of, case)


@pytest.mark.parametrize("case", table("camera")["similarities"], ids=lambda case: str(case["directive"]))
def test_the_sketch_shows_the_camera_that_is_used(case):
    directive = case["directive"]
    camera = CameraDirective(directive["pan"], directive["tilt"], directive["zoom"], directive["orbit"])
    last = directive_camera(camera, Canvas(case["height"], case["width"]), 12)[-1]
    expected = case["expected"]
    np.testing.assert_allclose(last, [[expected["zoom"], 0, expected["x"]], [0, expected["zoom"], expected["y"]]], atol=1e-3)
