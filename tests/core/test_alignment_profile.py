"""Pictures in profile: the trunk is the trunk, the arm lies on it, what is hidden is copied, skirts end at their hem."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from alignment_figures import library_of, standing_view, still_motion

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.part_model import L_ARM, L_HAND, L_LEG, R_ARM, R_HAND, R_LEG, TORSO
from kmc_core.alignment.prepared_view import hidden_parts, prepare_view
from kmc_core.alignment.profile import hem_row, hidden_limbs, in_profile, side_polygon, with_hidden_limbs
from kmc_core.types import Canvas, SubjectView

CANVAS = Canvas(384, 288)
SKIN, CLOTH, TROUSERS, SHOE = (220, 170, 140), (190, 50, 50), (40, 60, 150), (70, 50, 30)


def profile_view(yaw_deg: float = 90.0, skirt: bool = False) -> SubjectView:
    """A figure drawn from the side: an oval trunk, the near arm before it, one leg before the other."""
    front = standing_view(CANVAS)
    forward = 1.0 if yaw_deg > 0 else -1.0
    middle = CANVAS.width / 2
    joints = front.joints.copy()
    places = {0: (0, 200), 1: (0, 104), 2: (6, 64)}
    for first in (3, 7):
        places |= {first: (0, 104), first + 1: (-6, 150), first + 2: (8, 192), first + 3: (12, 206)}
    for first in (11, 15):
        places |= {first: (0, 200), first + 1: (4, 268), first + 2: (0, 334), first + 3: (26, 350)}
    for joint, (x, y) in places.items():
        joints[joint] = middle + forward * x, y, 0
    far, near = (3, 7) if yaw_deg > 0 else (7, 3)
    joints[far, 2], joints[near, 2], joints[far + 8, 2], joints[near + 8, 2] = 30, -30, 20, -20
    joints[far + 2 : far + 4, :2] = middle + forward * 40, 90  # where no arm is: the detector guessed
    confidence = np.ones(19, np.float32)
    confidence[far + 1 : far + 4], confidence[far + 9 : far + 12] = 0.1, 0.1

    picture, alpha = np.full((*CANVAS, 3), 128, np.uint8), np.zeros(CANVAS, np.uint8)

    def line(chain: list[int], width: int, colour: tuple[int, int, int]) -> None:
        points = np.round(joints[chain, :2]).astype(np.int32)
        for target, shade in ((picture, colour), (alpha, 255)):
            cv2.polylines(target, [points], False, shade, width)

    for target, trunk, head in ((picture, CLOTH, SKIN), (alpha, 255, 255)):
        cv2.ellipse(target, (int(middle), 152), (30, 60), 0, 0, 360, trunk, -1)
        cv2.ellipse(target, (int(middle + 6 * forward), 60), (24, 30), 0, 0, 360, head, -1)
        cv2.line(target, (int(middle), 104), (int(middle + 4 * forward), 80), head, 18)
    legs = [near + 8, near + 9, near + 10]
    line(legs, 34, TROUSERS)
    line([near + 10, near + 11], 14, SHOE)
    if skirt:
        corners = np.array([[middle - 30, 190], [middle + 30, 190], [middle + 52, 282], [middle - 52, 282]], np.int32)
        for target, shade in ((picture, CLOTH), (alpha, 255)):
            cv2.fillPoly(target, [corners], shade)
    line([near, near + 1, near + 2, near + 3], 20, SKIN)
    return replace(
        front, picture=picture, foreground=picture.copy(), alpha=alpha.astype(np.float32) / 255, joints=joints, joint_confidence=confidence,
        torso_px=96.0, yaw=np.radians(yaw_deg), head_yaw=np.radians(yaw_deg),
    )  # fmt: skip


@pytest.mark.parametrize(("yaw", "near_arm", "near_leg"), [(90.0, R_ARM, R_LEG), (-90.0, L_ARM, L_LEG)])
def test_trunk_arm_and_leg_are_told_apart(yaw: float, near_arm: int, near_leg: int) -> None:
    view = profile_view(yaw)
    labels = prepare_view(view).model.labels
    forward = 1 if yaw > 0 else -1
    middle = CANVAS.width // 2
    assert labels[150, middle + 18 * forward] == TORSO and labels[125, middle - 20 * forward] == TORSO
    assert labels[150, middle - 5 * forward] == near_arm and labels[300, middle + 2 * forward] == near_leg
    assert set(np.unique(labels)) == {-1, TORSO, 1, near_arm, near_leg}


def test_what_is_hidden_is_copied_from_the_near_side() -> None:
    view = profile_view(90.0)
    assert in_profile(view) and hidden_parts(view) == {L_ARM: R_ARM, L_LEG: R_LEG, L_HAND: R_HAND}
    laid = with_hidden_limbs(view)
    np.testing.assert_array_equal(laid.joints[3:7, :2], view.joints[7:11, :2])
    assert laid.joints[3, 2] == view.joints[3, 2]  # the width of the shoulders stays
    prepared = prepare_view(view)
    for far, near in ((L_ARM, R_ARM), (L_LEG, R_LEG)):
        assert (prepared.textures[far].levels[0] == prepared.textures[near].levels[0]).all()


def test_seen_limbs_and_other_facings_are_left_alone() -> None:
    view = profile_view(90.0)
    seen = replace(view, joint_confidence=np.ones(19, np.float32))
    assert hidden_limbs(seen) == () and with_hidden_limbs(seen) is seen
    assert hidden_limbs(replace(view, yaw=np.radians(45.0))) == ()
    front = standing_view(CANVAS)
    assert with_hidden_limbs(front) is front and hidden_parts(front) == {}


def test_the_trunk_is_as_wide_as_its_matte() -> None:
    polygon = side_polygon(profile_view(90.0))
    assert np.ptp(polygon[:2, 0]) == pytest.approx(54, abs=8) and np.ptp(polygon[2:, 0]) == pytest.approx(54, abs=10)


def test_a_skirt_hangs_on_the_trunk_down_to_its_hem_and_trousers_do_not() -> None:
    view = profile_view(90.0, skirt=True)
    assert hem_row(view, view.alpha > 0.5, view.alpha > 2) == pytest.approx(283, abs=4)
    labels = prepare_view(view).model.labels
    middle = CANVAS.width // 2
    assert (labels[230:275, middle - 30] == TORSO).all() and labels[310, middle] == R_LEG
    trousers = profile_view(90.0)
    assert hem_row(trousers, trousers.alpha > 0.5, trousers.alpha > 2) is None


def test_turned_from_its_profile_a_body_stays_whole() -> None:
    view = profile_view(90.0)
    motion = still_motion(view)
    joints, middle = motion.joints[0], CANVAS.width / 2
    for left, x in ((3, 26.0), (4, 34.0), (5, 36.0), (6, 36.0), (11, 16.0), (12, 17.0), (13, 18.0), (14, 22.0)):
        right = left + 4
        joints[left, :2], joints[right, :2] = joints[right, :2], joints[right, :2]
        joints[left, 0], joints[right, 0] = middle + x, middle - x
    motion = replace(motion, joints=motion.joints, body_yaw=np.full(1, np.radians(45.0), np.float32))
    aligned = Aligner(library_of(view), plate_method="pushpull", face="rigid").render(motion, 0, CANVAS)
    alpha, part = aligned.alpha.numpy(), aligned.part.numpy()
    trunk = alpha[115:195, int(middle) - 10 : int(middle) + 10]
    assert trunk.min() > 0.95  # no gap where the arm lay
    columns = np.arange(CANVAS.width)
    left, right = (float(columns[(part[120:190] == arm).any(0)].mean()) for arm in (L_ARM, R_ARM))
    assert left > middle + 12 and right < middle - 12
    assert {L_LEG, R_LEG} <= set(np.unique(part))
