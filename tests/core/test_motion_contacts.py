"""Perspective, standing feet, touches and girth: each against a plain construction whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints, subject_of, walking_motion

from kmc_core.motion.girth import USUAL_HIP, measure_girth
from kmc_core.motion.lift import Scene, lift_scene
from kmc_core.motion.perspective import estimate_nearness, flattened, foreshortened
from kmc_core.motion.planting import hold_feet
from kmc_core.motion.touches import find_touches, stretches
from kmc_core.pose.skeleton_layouts import bone_vectors, rig_joints
from kmc_core.types import Canvas

CANVAS = Canvas(1000, 1000)


def scene_of(motion):
    return Scene(
        motion.canvas, motion.body, motion.body_confidence, motion.body_world, motion.hands, motion.hands_confidence,
        motion.face, motion.face_confidence,
    )  # fmt: skip


@pytest.mark.parametrize("focal", [1.1, 2.0, 4.0])
def test_the_lens_of_a_walk_seen_from_near_is_found(focal):
    world = rig_joints(walking_motion(frames=12, yaw=1.0).body_world.astype(np.float64))
    nearness = 1 / (focal * max(CANVAS))
    far = np.concatenate([world * 350 + [500, 450, 0]], axis=-1)
    seen = foreshortened(far, nearness, CANVAS)[..., :2]
    found = estimate_nearness(seen, world, np.ones(19), np.full(12, 350.0), CANVAS)
    assert found == pytest.approx(nearness, rel=0.15)


def test_a_far_camera_has_no_nearness_and_flattening_undoes_foreshortening():
    motion = walking_motion(frames=12)
    assert lift_scene(scene_of(motion)).nearness < 1e-5
    joints = np.random.default_rng(0).uniform(200, 800, (4, 19, 3)) - [0, 0, 500]
    seen = foreshortened(joints, 1 / 1500, CANVAS)
    np.testing.assert_allclose(flattened(seen[..., :2], joints[..., 2], 1 / 1500, CANVAS), joints[..., :2], atol=1e-9)
    assert np.abs(seen[..., :2] - joints[..., :2]).max() > 20


def test_standing_feet_are_held_and_bones_keep_their_length():
    world = rig_joints(walking_motion(frames=24, walk=0.0, wave=0.0).body_world.astype(np.float64))
    joints = world * 300 + [500, 450, 0]
    joints[..., 0] += 12 * np.sin(np.arange(24) / 4)[:, None]  # a body that drifts as a whole
    standing = np.zeros((24, 2), bool)
    standing[4:20, 0] = True
    held = hold_feet(joints, standing, 0.0, CANVAS, 24.0)
    assert np.ptp(joints[4:20, 13, 0]) > 15
    assert np.ptp(held[4:20, 13, 0]) < 1 and np.ptp(held[4:20, 14, 0]) < 1.5
    before, after = (np.linalg.norm(bone_vectors(points), axis=-1) for points in (joints, held))
    np.testing.assert_allclose(after, before, rtol=0.01)
    np.testing.assert_array_equal(hold_feet(joints, np.zeros((24, 2), bool), 0.0, CANVAS, 24.0), joints)


def test_a_hand_at_the_mouth_touches_and_hanging_arms_do_not():
    motion = walking_motion(frames=24, wave=0.0, walk=0.0)
    lifted = lift_scene(scene_of(motion))
    follow = np.ones((24, 19))
    assert max(touch.weight.max() for touch in find_touches(lifted, follow, 24.0)) < 0.1
    joints = lifted.joints.copy()
    joints[8:18, [5, 6]] = joints[8:18, 2:3] + [5.0, 30.0, -20.0]
    touches = find_touches(replace(lifted, joints=joints), follow, 24.0)
    face = next(touch for touch in touches if touch.side == 0 and touch.place == "face")
    assert face.weight[9:17].min() > 0.9 and face.weight[:3].max() < 0.2
    assert max(touch.weight.max() for touch in touches if touch.side == 1) < 0.1


def test_girth_is_read_from_the_matte_and_usual_without_one():
    canvas = Canvas(900, 700)
    subject = subject_of(picture_keypoints(HUMAN, canvas=canvas, px_per_metre=400, centre=(350, 400)), canvas)
    view = subject.primary_view
    torso = float(subject.bone_lengths[0])
    empty = measure_girth(replace(view, alpha=np.zeros(canvas, np.float32)), torso)
    assert empty.hip == pytest.approx(USUAL_HIP * torso)
    hips, alpha = view.joints[[11, 15], 0], np.zeros(canvas, np.float32)
    alpha[:, int(hips.min() - 38) : int(hips.max() + 38)] = 1.0
    assert measure_girth(replace(view, alpha=alpha), torso).hip == pytest.approx(38, abs=3)
    assert measure_girth(replace(view, alpha=alpha, yaw=1.2), torso) == empty


def test_stretches_are_the_runs_of_true():
    assert stretches(np.array([0, 1, 1, 0, 1, 0, 1, 1, 1]), 2) == [(1, 3), (6, 9)]
    assert stretches(np.zeros(4), 1) == []
