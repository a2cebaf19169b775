"""More pictures of one character against one, on a rendered turn: the turn, the libraries, the rows."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.evaluation import views
from kmc_core.evaluation.views import STARTS_DEG, Turn, compare_views, head_mask, library_of, means, rendered_turn
from kmc_core.evaluation.views_command import parser
from kmc_core.types import Canvas

CANVAS = Canvas(168, 120)


@pytest.fixture(scope="module")
def turn() -> Turn:
    return rendered_turn(9001, CANVAS, frames=2)


def test_a_turn_begins_where_it_should_and_has_its_stills(turn: Turn) -> None:
    facing = np.degrees(turn.clip.motion.root_yaw)
    assert facing[0] == pytest.approx(-STARTS_DEG[9001 % 3], abs=15) and facing[1] < facing[0] - 2
    assert set(turn.stills) == {0, 90, 180, -90}
    for still in turn.stills.values():
        assert still.picture.shape == (*CANVAS, 3) and (still.alpha > 128).mean() > 0.02


def test_libraries_know_where_each_picture_faces(turn: Turn) -> None:
    subject = library_of(turn, (0, 90, 180, -90), None)
    gaps = np.degrees([view.yaw for view in subject.views]) - [0, 90, 180, -90]
    assert np.abs((gaps + 180) % 360 - 180).max() < 25 and subject.primary == 0


def test_rows_measure_every_set_of_views_and_four_beat_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "VIEW_SETS", {name: views.VIEW_SETS[name] for name in ("front", "front, sides, back")})
    sheets: list[np.ndarray] = []
    rows = list(compare_views([9001], None, canvas=CANVAS, frames=2, on_sheet=sheets.append))
    assert [row["views"] for row in rows] == ["front", "front, sides, back"] and len(sheets) == 1 and sheets[0].ndim == 3
    one, four = (float(row["psnr_subject"]) for row in rows)
    assert four > one + 0.3 and all(row["identity"] is None for row in rows)
    mean = means(rows)
    assert [row["psnr_subject"] for row in mean] == [one, four]


def test_the_head_is_measured_where_it_is(turn: Turn) -> None:
    still, body = turn.stills[0], turn.stills[0].keypoints.body
    inside = head_mask(body, CANVAS)
    assert inside[tuple(body[[7, 8]].mean(0)[::-1].astype(int))] and not inside[tuple(body[23][::-1].astype(int))]
    assert (still.alpha[inside] > 128).mean() > 0.5


def test_the_command_reads_pictures_as_users_do_unless_told() -> None:
    options = parser().parse_args([])
    assert options.read == "detector" and options.characters == 6 and not options.no_network
