"""Stated facings: words and degrees, what they overrule, left and right put right, and refusals that help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints
from test_subject_rig import person_alpha

from kmc_core.errors import SubjectError
from kmc_core.subject.facing import facing_as_stated, read_facings, turned_as_stated
from kmc_core.subject.library import build_subject
from kmc_core.subject.rig import build_rig
from kmc_core.types import Canvas

CANVAS = Canvas(720, 720)


def test_words_and_degrees_are_read_in_order() -> None:
    stated = read_facings("front, Left ,back, front-right,-30, auto", 8)
    assert [None if angle is None else round(float(np.degrees(angle))) for angle in stated] == [0, -90, 180, 45, -30, None, None, None]
    assert read_facings("  ", 2) == (None, None) and read_facings(",back", 2)[0] is None


@pytest.mark.parametrize(("text", "count", "words"), [("sideways", 1, "picture's left"), ("front, back", 1, "More facings"), ("270", 1, "-180")])
def test_what_cannot_be_read_is_refused_with_a_way_out(text: str, count: int, words: str) -> None:
    with pytest.raises(SubjectError, match=words):
        read_facings(text, count)


@pytest.mark.parametrize(("detected", "stated"), [(180, 0), (-90, 90), (10, 180), (100, -80)])
def test_a_body_read_the_wrong_way_round_is_turned(detected: int, stated: int) -> None:
    keypoints = picture_keypoints(HUMAN, yaw=np.radians(detected), px_per_metre=300)
    turned = turned_as_stated(keypoints, np.radians(stated))
    gap = build_rig(turned, CANVAS).yaw - np.radians(stated)
    assert np.cos(gap) > np.cos(np.radians(25))
    np.testing.assert_array_equal(turned.body[[11, 16]], keypoints.body[[12, 15]])
    again = turned_as_stated(turned, np.radians(detected))
    np.testing.assert_array_equal(again.body, keypoints.body)
    np.testing.assert_array_equal(again.body_world, keypoints.body_world)


def test_a_body_read_rightly_keeps_its_points_and_a_back_has_no_face() -> None:
    keypoints = replace(picture_keypoints(HUMAN, yaw=0.3), face_confidence=1.0)
    same = turned_as_stated(keypoints, np.radians(45))
    assert same is keypoints
    assert turned_as_stated(keypoints, np.pi).face_confidence == 0.0


def test_the_head_keeps_its_own_facing_unless_it_contradicts() -> None:
    rig = build_rig(picture_keypoints(HUMAN), CANVAS)
    looking = facing_as_stated(rig._replace(head_yaw=1.0), np.radians(45))
    assert looking.yaw == pytest.approx(np.radians(45)) and looking.head_yaw == 1.0
    assert facing_as_stated(rig._replace(head_yaw=3.0), np.radians(45)).head_yaw == pytest.approx(np.radians(45))


def test_a_library_takes_stated_facings_and_finds_the_others() -> None:
    front, other = picture_keypoints(HUMAN, px_per_metre=300), picture_keypoints(HUMAN, yaw=np.pi, px_per_metre=300)
    pictures = [np.full((*CANVAS, 3), 90, np.uint8)] * 2
    masks = [person_alpha(keypoints) for keypoints in (front, other)]
    subject = build_subject(pictures, None, masks=masks, keypoints=[front, other], facings=(None, np.radians(-90.0)))
    assert subject.views[0].yaw == pytest.approx(0.0, abs=0.05) and subject.views[1].yaw == pytest.approx(-np.pi / 2)
    assert any("side" in problem for problem in subject.views[1].problems) and subject.primary == 0
