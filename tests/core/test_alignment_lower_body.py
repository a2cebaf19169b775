"""A coat over legs that cannot be told apart stays whole; splinters go with what they touch."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from alignment_figures import library_of, standing_view, still_motion

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.lower_body import join_loose_pieces, keep_coat_whole
from kmc_core.alignment.part_model import HEAD_PART, L_ARM, L_LEG, R_LEG, TORSO, build_part_model
from kmc_core.types import Canvas, SubjectView

CANVAS = Canvas(384, 288)


def coated_view() -> SubjectView:
    """The figure with a coat to the ground, and knees that the detector guessed beside the hips."""
    view = standing_view(CANVAS)
    joints, alpha = view.joints.copy(), view.alpha.copy()
    hips = joints[[11, 15], :2].mean(0)
    for chain, side in (((11, 12, 13, 14), 1.0), ((15, 16, 17, 18), -1.0)):
        for joint, (x, y) in zip(chain[1:], ((38, -8), (40, 30), (48, 45)), strict=True):
            joints[joint, :2] = joints[chain[0], :2] + [side * x, y]
    outline = hips + np.array([[-25, -40], [25, -40], [100, 150], [-100, 150]])
    cv2.fillConvexPoly(alpha, np.round(outline).astype(np.int32), 1.0)
    colours = view.foreground.copy()
    colours[alpha > view.alpha] = (70, 80, 100)
    return replace(view, joints=joints, alpha=alpha, picture=colours, foreground=colours)


def test_a_long_coat_goes_with_the_hips_and_legs_stay_legs() -> None:
    view = coated_view()
    model = build_part_model(view)
    assert keep_coat_whole(view, model)
    assert not np.isin(model.labels, (L_LEG, R_LEG)).any()
    plain = standing_view(CANVAS)
    model = build_part_model(plain)
    before = model.labels.copy()
    assert not keep_coat_whole(plain, model) and (model.labels == before).all()


def test_a_coat_over_striding_legs_is_one_piece() -> None:
    view = coated_view()
    motion = still_motion(view)
    for joint, move in ((12, (-40, 90)), (13, (-30, 130)), (14, (-30, 140)), (16, (40, 60)), (17, (60, 120)), (18, (60, 130))):
        motion.joints[0, joint, :2] = view.joints[joint, :2] + move
    aligned = Aligner(library_of(view), plate_method="pushpull").render(motion, 0, CANVAS)
    drawn, pictured = aligned.alpha.numpy() > 0.5, view.alpha > 0.5
    assert (drawn & pictured).sum() > 0.97 * (drawn | pictured).sum()  # the hips did not move, nor did the coat
    assert cv2.connectedComponents(drawn.astype(np.uint8))[0] == 2


def test_small_loose_pieces_join_what_they_touch_or_lie_next_to() -> None:
    view = standing_view(CANVAS)
    model = build_part_model(view)
    labels = model.labels
    head, chest = view.joints[2, :2].astype(int), (0.5 * (view.joints[0, :2] + view.joints[1, :2])).astype(int)
    elbow = view.joints[4, :2].astype(int)
    labels[chest[1] - 3 : chest[1] + 3, chest[0] - 3 : chest[0] + 3] = L_ARM
    labels[head[1] - 45 : head[1] - 41, head[0] - 3 : head[0] + 3] = R_LEG
    labels[elbow[1] + 6 : elbow[1] + 9, :][labels[elbow[1] + 6 : elbow[1] + 9, :] == L_ARM] = -1  # a gap in the forearm
    arm = int((labels == L_ARM).sum())
    join_loose_pieces(view, model)
    assert labels[chest[1], chest[0]] == TORSO
    assert labels[head[1] - 43, head[0]] == HEAD_PART
    assert (labels == L_ARM).sum() == arm - 36  # what lies on the arm's own bones stays, however the arm is parted
