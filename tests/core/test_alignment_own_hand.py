"""The picture's own hand stands in for a drawn one where the driver's is like it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alignment_figures import library_of, standing_view, still_motion
from test_alignment_hands import open_hand

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.deform import MovedPart
from kmc_core.alignment.layers import ALPHA, Layer, split_hand
from kmc_core.alignment.own_hand import fit_own_hand, follow_points
from kmc_core.alignment.part_model import L_ARM, L_HAND
from kmc_core.motion.hand_motion import own_hands
from kmc_core.types import SubjectView


def view_with_hand() -> SubjectView:
    """The figure with a left hand found at its wrist."""
    view = standing_view()
    hands, confidence = np.zeros((2, 21, 3), np.float32), np.array([1.0, 0.0], np.float32)
    hands[0] = open_hand(tuple(view.joints[5, :2]), 14.0)
    return replace(view, keypoints=replace(view.keypoints, hands=hands, hands_confidence=confidence))


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner(library_of(view_with_hand()), plate_method="pushpull")


def turned(points: np.ndarray, degrees: float, size: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points.copy()
    moved[:, :2] = (points[:, :2] - points[0, :2]) @ turn.T * size + [150.0, 90.0]
    return moved


def test_a_turned_hand_is_the_same_hand_and_its_fingertips_go_where_they_should(aligner: Aligner) -> None:
    view = aligner.view(0)
    own = view.subject.keypoints.hands[0].astype(np.float64)
    target = turned(own, 70, 1.2)
    target[8, :2] += 1.0  # one fingertip a little elsewhere
    fit = fit_own_hand(view, 0, target, 14 * 1.2, 1.2)
    assert fit is not None and fit.share == 1
    source = own[[8, 12, 20], :2]
    part = MovedPart(L_HAND, source, np.zeros((3, 3)), np.array([[0, 1, 2]]), np.ones(3))
    assert np.abs(follow_points(part, fit).target[:, :2] - target[[8, 12, 20], :2]).max() < 0.6


def test_a_mirrored_hand_a_fist_and_a_hand_that_is_not_there_are_drawn(aligner: Aligner) -> None:
    view = aligner.view(0)
    own = view.subject.keypoints.hands[0].astype(np.float64)
    mirrored, fist = own.copy(), own.copy()
    mirrored[:, 0] = 2 * own[0, 0] - own[:, 0]
    mirrored[1:5, :2] += [12, 0]
    fist[[6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20], :2] = own[0, :2] + [0, -6]
    for target in (mirrored, fist):
        assert fit_own_hand(view, 0, target, 14.0, 1.0) is None
    assert fit_own_hand(view, 1, own, 14.0, 1.0) is None  # no right hand was found
    assert fit_own_hand(view, 0, turned(own, 0, 0.5), 7.0, 1.0) is None  # half the body's size: seen along its fingers


def test_in_the_pictures_own_pose_nothing_is_drawn(aligner: Aligner) -> None:
    view = view_with_hand()
    motion = still_motion(view)
    shapes, confidence = own_hands(library_of(view))
    motion.hands[0], motion.hand_confidence[0] = shapes, confidence
    frame = aligner.render(motion, 0, view.canvas)
    tip = view.keypoints.hands[0, 5, :2].astype(int)
    own = view.foreground[tip[1], tip[0]] / 255
    assert frame.part[tip[1], tip[0]] == L_HAND and frame.real[tip[1], tip[0]] > 0.5
    assert np.abs(frame.rgb[:, tip[1], tip[0]].numpy() - own).max() < 0.1
    drawn = Aligner(library_of(view), plate_method="pushpull", hands="procedural").render(motion, 0, view.canvas)
    assert drawn.real[tip[1], tip[0]] < 0.5  # whoever asks for drawn hands gets them


def test_only_what_lies_about_the_fingers_is_hand() -> None:
    view = view_with_hand()
    wrist = view.keypoints.hands[0, 0, :2]
    texture = np.ones((90, 90, 5), np.float32)
    origin = tuple(int(v) - 45 for v in wrist)
    arm, hand = split_hand(Layer(L_ARM, origin, texture), view)
    tip, aside = view.keypoints.hands[0, 12, :2] - origin, wrist + [-26, -18] - origin  # two palms from the wrist, one from the thumb
    for place, of_hand in ((tip, 1.0), (aside, 0.0)):
        column, row = place.astype(int)
        assert hand.texture[row, column, ALPHA] == of_hand and arm.texture[row, column, ALPHA] == 1 - of_hand
