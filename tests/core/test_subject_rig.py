"""Rig and gate on exact bodies: lengths, sides, facing, invented hips, and sentences for what looks wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints

from kmc_core.pose.skeleton_layouts import PELVIS, RIG_BONE_PAIRS
from kmc_core.subject.gate import bones_inside, rig_problems
from kmc_core.subject.rig import (
    HUMAN_PROPORTIONS,
    bone_lengths,
    build_rig,
    equalise_sides,
    joint_confidence,
    pixels_per_metre,
    without_false_face,
)
from kmc_core.types import Canvas

CANVAS = Canvas(720, 720)


def person_alpha(keypoints, canvas=CANVAS, margin=12):
    import cv2

    from kmc_core.pose.skeleton_layouts import BODY_EDGES

    alpha = np.zeros(canvas, np.uint8)
    for one, other in (*BODY_EDGES, (0, 11), (0, 12), (11, 24), (12, 23)):
        cv2.line(alpha, *(tuple(int(v) for v in keypoints.body[end]) for end in (one, other)), 1, 2 * margin)
    return alpha.astype(np.float32)


def test_rig_of_an_exact_body_has_its_lengths_and_faces_the_camera():
    rig = build_rig(picture_keypoints(HUMAN, px_per_metre=300), CANVAS)
    np.testing.assert_allclose(rig.torso_px, 150, atol=0.1)
    flat = [0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 12]
    np.testing.assert_allclose(rig.lengths[flat], (HUMAN_PROPORTIONS * 150)[flat], rtol=0.01)
    assert rig.known.all()
    assert abs(rig.yaw) < 0.01
    assert abs(rig.head_yaw) < 0.05


@pytest.mark.parametrize("yaw", [-1.0, 0.5, 2.8])
def test_facing_follows_the_body(yaw):
    rig = build_rig(picture_keypoints(HUMAN, yaw=yaw), CANVAS)
    np.testing.assert_allclose(rig.yaw, yaw, atol=0.05)


@pytest.mark.parametrize("yaw", [-80, 80])
def test_in_profile_the_far_shoulder_is_hidden_and_not_lost(yaw):
    keypoints = picture_keypoints(yaw=np.radians(yaw))
    confidence = keypoints.body_confidence.copy()
    confidence[11 if yaw > 0 else 12] = 0.2
    assert np.degrees(build_rig(replace(keypoints, body_confidence=confidence), CANVAS).yaw) == pytest.approx(yaw, abs=3)
    front = picture_keypoints(yaw=np.radians(20))
    assert build_rig(replace(front, body_confidence=confidence), CANVAS).yaw == 0.0


@pytest.mark.parametrize(
    ("yaw", "face_yaw", "believed"), [(0, 0, True), (180, 0, False), (-88, -28, False), (80, 60, True), (180, -150, True)]
)
def test_a_frontal_face_on_the_back_or_side_of_a_head_is_not_believed(yaw, face_yaw, believed):
    keypoints = picture_keypoints(yaw=np.radians(yaw))
    face = picture_keypoints(yaw=np.radians(face_yaw)).face
    keypoints = replace(keypoints, face=face, face_confidence=1.0, user_supplied=False)
    assert without_false_face(keypoints).face_confidence == (1.0 if believed else 0.0)
    assert without_false_face(replace(keypoints, user_supplied=True)).face_confidence == 1.0


def test_depth_noise_does_not_lengthen_bones():
    joints = np.zeros((19, 3))
    joints[1] = [0, -100, 15]
    assert bone_lengths(joints)[0] == pytest.approx(100, abs=0.01)
    joints[1] = [0, -30, 95]
    assert bone_lengths(joints)[0] == pytest.approx(np.hypot(30, np.sqrt(95**2 - 0.04 * 900)), abs=0.01)


def test_sides_are_averaged_by_confidence_squared():
    lengths, confidence = np.full(18, 100.0), np.full(18, 0.5)
    left, right = RIG_BONE_PAIRS[1]
    lengths[left], confidence[left] = 130.0, 1.0
    equal, best = equalise_sides(lengths, confidence)
    weight = np.array([1.001, 0.501]) ** 2
    expected = (130 * weight[0] + 100 * weight[1]) / weight.sum()
    assert equal[left] == equal[right] == pytest.approx(expected)
    assert best[right] == 1.0


def test_points_outside_the_picture_are_not_believed():
    body = np.full((33, 2), 100.0)
    body[27] = [100, 720 * 1.2]
    body[25] = [100, 720 * 1.01]
    confidence = joint_confidence(body, np.ones(33), CANVAS)
    assert confidence[13] == 0
    assert confidence[12] == 1


def test_scale_of_a_drawn_skeleton_without_metres_is_an_adults():
    keypoints = picture_keypoints(HUMAN, px_per_metre=300)
    flat = replace(keypoints, body_world=np.zeros((33, 3), np.float32), user_supplied=True)
    rig = build_rig(flat, CANVAS)
    assert np.isfinite(rig.joints).all()
    assert pixels_per_metre(rig.joints, np.zeros((19, 3)), rig.confidence) == pytest.approx(300, rel=0.02)


def test_invented_hips_below_a_portrait_are_moved_to_a_human_place():
    keypoints = picture_keypoints(HUMAN, canvas=Canvas(300, 600), px_per_metre=700, centre=(300, 480))
    body = keypoints.body.copy()
    body[23:] = [300, 310]  # crammed to the lower edge, as detectors do with torsos they cannot see
    confidence = keypoints.body_confidence.copy()
    confidence[23:] = 0.2
    rig = build_rig(replace(keypoints, body=body, body_confidence=confidence), Canvas(300, 600))
    assert rig.torso_px == pytest.approx(350, rel=0.1)
    assert not rig.known[[0, 11, 12]].any()
    np.testing.assert_allclose(rig.joints[PELVIS, 0], 300, atol=2)


def test_a_good_rig_raises_no_suspicion_and_a_wrong_matte_does():
    keypoints = picture_keypoints(HUMAN)
    rig = build_rig(keypoints, CANVAS)
    alpha = person_alpha(keypoints)
    assert rig_problems(keypoints, rig, alpha) == ()
    assert bones_inside(rig.joints, alpha)[2:].min() > 0.8
    without_arm = alpha.copy()
    without_arm[:, int(rig.joints[3, 0]) + 14 :] = 0
    assert any("left forearm" in problem for problem in rig_problems(keypoints, rig, without_arm))
    supplied = replace(keypoints, user_supplied=True)
    assert rig_problems(supplied, rig, without_arm) == ()


def test_odd_lengths_sides_and_views_are_named():
    keypoints = picture_keypoints(HUMAN)
    body = keypoints.body.copy()
    body[[15, 17, 19, 21]] += 4 * (body[15] - body[13])
    stretched = replace(keypoints, body=body)
    problems = " ".join(rig_problems(stretched, build_rig(stretched, CANVAS), np.ones(CANVAS, np.float32)))
    assert "left forearm" in problems and "Left and right differ: forearm" in problems
    behind = picture_keypoints(HUMAN, yaw=3.0)
    assert any("from behind" in text for text in rig_problems(behind, build_rig(behind, CANVAS), person_alpha(behind)))
    unsure = replace(keypoints, detection=0.2)
    assert any("low confidence" in text for text in rig_problems(unsure, build_rig(unsure, CANVAS), person_alpha(unsure)))
