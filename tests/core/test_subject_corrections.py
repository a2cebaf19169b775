"""Joints put right by hand: the text, what moves along, whose doubts they end. Rules are shared with the browser by a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints
from test_subject_library import drawn_picture
from test_subject_rig import person_alpha

from kmc_core.errors import SubjectError
from kmc_core.pose.skeleton_layouts import RIG_JOINTS
from kmc_core.subject.corrections import (
    TORSO,
    ViewCorrections,
    assign_corrections,
    correct_keypoints,
    picture_mark,
    read_corrections,
    same_picture,
)
from kmc_core.subject.library import build_subject
from kmc_core.types import Canvas, PictureKeypoints

CANVAS = Canvas(720, 720)
CASES = json.loads((Path(__file__).resolve().parents[1] / "web" / "cases" / "corrections.json").read_text())


def bare_keypoints(points: dict[str, list[float]], canvas: Canvas) -> PictureKeypoints:
    """Keypoints without a world skeleton, hands or face; points [x, y, confidence] in fractions, by index."""
    table = np.zeros((33, 3), np.float32)
    for index, point in points.items():
        table[int(index)] = point
    body = (table[:, :2] * (canvas.width, canvas.height)).astype(np.float32)
    zeros = np.zeros
    return PictureKeypoints(
        body, table[:, 2].copy(), zeros((33, 3), np.float32), zeros((2, 21, 3), np.float32), zeros(2, np.float32),
        zeros((478, 3), np.float32), 0.0, 0.0,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES["moved"], ids=lambda case: case["name"])
def test_what_a_correction_moves(case):
    canvas = Canvas(200, 100)
    text = json.dumps({"1": {"joints": case["joints"]}})
    moved = correct_keypoints(bare_keypoints(case["points"], canvas), read_corrections(text)[1].joints, canvas)
    for index, (x, y, confidence) in case["expected"].items():
        np.testing.assert_allclose(moved.body[int(index)], (x * 100, y * 200), atol=1e-3)
        assert moved.body_confidence[int(index)] == pytest.approx(confidence)


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["text"])
def test_a_text_that_is_wrong_is_refused_with_a_remedy(case):
    with pytest.raises(SubjectError, match=case["words"]):
        read_corrections(case["text"])


def test_no_text_corrects_nothing():
    assert read_corrections("") == read_corrections(" \n") == read_corrections("{}") == {}


@pytest.fixture(scope="module")
def person():
    keypoints = picture_keypoints(HUMAN)
    return drawn_picture(keypoints), person_alpha(keypoints), keypoints


def with_wrong_elbow(keypoints):
    body = keypoints.body.copy()
    body[13] += (150, -200)
    return replace(keypoints, body=body, user_supplied=False, detection=0.3)


def test_a_wrong_elbow_is_mended_and_passes_the_gate(person):
    picture, alpha, truth = person
    wrong = with_wrong_elbow(truth)
    doubted = build_subject([picture], None, masks=[alpha], keypoints=[wrong]).primary_view
    assert any("left upper arm" in problem for problem in doubted.problems)
    place = tuple(truth.body[13] / 720)
    corrections = {0: ViewCorrections({"left_elbow": (float(place[0]), float(place[1]))})}
    mended = build_subject([picture], None, masks=[alpha], keypoints=[wrong], corrections=corrections).primary_view
    joint = RIG_JOINTS.index("left_elbow")
    np.testing.assert_allclose(mended.joints[joint, :2], truth.body[13], atol=0.5)
    assert mended.joint_confidence[joint] == 1 and mended.keypoints.body_confidence[13] == 1
    assert not any("left upper arm" in problem or "low confidence" in problem for problem in mended.problems)


def test_the_metric_skeleton_and_the_hand_move_along(person):
    _, _, truth = person
    place = truth.body[15] / 720 + 0.05
    moved = correct_keypoints(truth, {"left_wrist": tuple(place)}, CANVAS)
    np.testing.assert_allclose(moved.hands[0, :, :2] - truth.hands[0, :, :2], 36, atol=0.01)
    np.testing.assert_array_equal(moved.hands[1], truth.hands[1])
    step = moved.body_world[15] - truth.body_world[15]
    assert step[0] == pytest.approx(36 / 300, rel=0.1) and step[0] == pytest.approx(step[1]) and step[2] == 0


def test_a_face_far_from_the_head_is_dropped(person):
    _, _, truth = person
    head = truth.body[[7, 8]].mean(0) / 720
    face = np.concatenate([truth.body[7:9], truth.body[7:9] + 30]).repeat(120, 0)[:478]
    seen = replace(truth, face=np.pad(face, ((0, 0), (0, 1))).astype(np.float32), face_confidence=0.9)
    assert correct_keypoints(seen, {"head": tuple(head + 0.005)}, CANVAS).face_confidence == 0.9
    assert correct_keypoints(seen, {"head": tuple(head + 0.4)}, CANVAS).face_confidence == 0


def test_a_rig_can_be_drawn_where_nobody_was_found(person):
    picture, alpha, truth = person
    nobody = bare_keypoints({}, CANVAS)
    with pytest.raises(SubjectError, match="Nobody"):
        build_subject([picture], None, masks=[alpha], keypoints=[nobody])
    points = {"left_shoulder": 11, "right_shoulder": 12, "left_hip": 23, "right_hip": 24, "left_elbow": 13}
    joints = {name: tuple(truth.body[index] / 720) for name, index in points.items()}
    assert set(joints) > TORSO
    view = build_subject([picture], None, masks=[alpha], keypoints=[nobody], corrections={0: ViewCorrections(joints)}).primary_view
    np.testing.assert_allclose(view.joints[RIG_JOINTS.index("neck"), :2], truth.body[[11, 12]].mean(0), atol=0.5)
    assert np.isfinite(view.joints).all()


def test_corrections_follow_their_picture(person, shared_pictures):
    first, second = person[0], shared_pictures
    marked = {1: ViewCorrections({"left_elbow": (0.5, 0.5)}, picture_mark(second))}
    assert assign_corrections(marked, [first, second]) == [None, 1]
    assert assign_corrections(marked, [second, first]) == [1, None]
    assert assign_corrections(marked, [first]) == [None]
    assert assign_corrections({2: ViewCorrections({})}, [first, second]) == [None, 2]
    assert assign_corrections({2: ViewCorrections({})}, [first]) == [None]
    assert assign_corrections({}, [first]) == [None]


@pytest.fixture(scope="module")
def shared_pictures():
    rows, columns = np.mgrid[:300, :300]
    return np.stack([(rows * 7 + columns * 3) % 256, (columns * 5) % 256, (rows * 2) % 256], -1).astype(np.uint8)


def test_a_mark_survives_compression_and_resizing(person):
    picture = person[0]
    mark = picture_mark(picture)
    stored = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_COLOR)
    assert same_picture(mark, picture_mark(stored))
    assert same_picture(mark, picture_mark(cv2.resize(picture, (500, 500), interpolation=cv2.INTER_AREA)))
    assert not same_picture(mark, picture_mark(picture[:, ::-1]))
    assert not same_picture(mark, "no mark") and not same_picture("", "")
