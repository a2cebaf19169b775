"""Rendered clips: determinism, exact truth, the same motion on other bodies, finite records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kmc_core.pose.skeleton_layouts import rig_joints
from kmc_core.training.synthetic.background import KINDS, Background, draw_background
from kmc_core.training.synthetic.camera import frame_camera
from kmc_core.training.synthetic.character import Character, build_character
from kmc_core.training.synthetic.designs import BUILDS, random_design
from kmc_core.training.synthetic.head import CONTROLS
from kmc_core.training.synthetic.motions import MOTIONS, MotionPlan, goals_at, plan_motion
from kmc_core.training.synthetic.performer import beat_track, performer_goals
from kmc_core.training.synthetic.posing import GOAL_FIELDS, PoseGoals
from kmc_core.training.synthetic.renderer import Scene, SyntheticClip, pose_character, render_clip, render_frame
from kmc_core.types import Canvas

CANVAS = Canvas(160, 112)


@pytest.fixture(scope="module")
def character() -> Character:
    return build_character(random_design(3, style="soft", build="woman"), detail=0.6)


@pytest.fixture(scope="module")
def clip(character: Character) -> SyntheticClip:
    return _clip(character)


def _clip(character: Character) -> SyntheticClip:
    scene = Scene(frame_camera(character.design.shape, CANVAS, "full"))
    return render_clip(character, MotionPlan(("wave",), (0.0,), 2.0, seed=4), scene, CANVAS, frames=3, fps=12.0, seed=5, keep_depth=True)


def test_the_same_seed_gives_the_same_bits(character: Character, clip: SyntheticClip) -> None:
    again = _clip(character)
    assert np.array_equal(clip.frames, again.frames) and np.array_equal(clip.motion.body, again.motion.body)
    assert np.array_equal(clip.reference, again.reference)


def test_a_clip_is_complete_and_finite(clip: SyntheticClip) -> None:
    motion = clip.motion
    assert clip.frames.shape == (3, *CANVAS, 3) and clip.frames.dtype == np.uint8 and clip.alpha.dtype == np.uint8
    assert motion.canvas == CANVAS and motion.frame_count == 3 and motion.matte is not None and max(motion.matte.shape[1:]) <= 256
    for name in ("body", "body_confidence", "body_world", "hands", "hands_confidence", "face", "face_confidence", "expression", "head_pose", "root_yaw"):
        assert np.isfinite(getattr(motion, name)).all(), name
    assert motion.face_confidence.all() and clip.reference_keypoints.detection == 1.0 and " in " in clip.caption


def test_joints_lie_on_the_figure(clip: SyntheticClip) -> None:
    for frame in range(3):
        joints = rig_joints(clip.motion.body[frame])
        x, y = np.clip(joints[:, 0], 0, CANVAS.width - 1).astype(int), np.clip(joints[:, 1], 0, CANVAS.height - 1).astype(int)
        assert (clip.alpha[frame][y, x] > 0).mean() > 0.9
    assert np.allclose(clip.motion.body_world[:, [23, 24]].mean(1), 0, atol=1e-5)


def test_the_subjects_left_is_on_the_pictures_right(clip: SyntheticClip) -> None:
    body = clip.motion.body[0]
    assert body[11, 0] > body[12, 0] and body[23, 0] > body[24, 0]
    assert clip.motion.hands[0, 0, 0, 0] > clip.motion.hands[0, 1, 0, 0]
    assert clip.motion.face[0, 263, 0] > clip.motion.face[0, 33, 0]


def test_turning_to_the_pictures_right_is_a_positive_yaw(character: Character) -> None:
    goals = PoseGoals()
    goals.heading = 0.5
    truth = _truth(character, goals)
    assert truth.root_yaw == pytest.approx(0.5, abs=0.05) and truth.head_pose[0] == pytest.approx(0.5, abs=0.05)
    goals = PoseGoals()
    goals.head = np.array([0.0, 0.4, 0.0])
    assert _truth(character, goals).head_pose[1] == pytest.approx(0.4, abs=0.05)


def _truth(character: Character, goals: PoseGoals):  # noqa: ANN202
    scene = Scene(frame_camera(character.design.shape, CANVAS, "full"))
    return render_frame(character, pose_character(character, goals), scene, CANVAS, np.zeros((*CANVAS, 3), np.float32), oversample=1).truth


def test_blinking_closes_the_true_lids(character: Character) -> None:
    open_eyes, shut = _truth(character, PoseGoals()), PoseGoals()
    shut.face[CONTROLS.index("open_left")] = 0.0
    closed = _truth(character, shut)
    gap = lambda truth, a, b: truth.face[b, 1] - truth.face[a, 1]  # noqa: E731
    assert gap(closed, 386, 374) < 0.4 * gap(open_eyes, 386, 374)
    assert gap(closed, 159, 145) == pytest.approx(gap(open_eyes, 159, 145), abs=0.2)


def test_the_same_motion_turns_the_limbs_of_another_body_alike() -> None:
    plan, directions = MotionPlan(("wave",), (0.0,), 2.0, seed=4), []
    for build in ("tall", "girl"):
        other = build_character(random_design(3, style="soft", build=build), detail=0.5)
        places = pose_character(other, goals_at(plan, 1.0)).places
        from kmc_core.training.synthetic.skeleton import BONE

        arm = places[BONE["left_hand"]] - places[BONE["left_upper_arm"]]
        directions.append(arm / np.linalg.norm(arm))
    assert directions[0] @ directions[1] > 0.95


def test_motions_are_smooth_and_bounded() -> None:
    for name in MOTIONS:
        plan = MotionPlan((name,), (0.0,), 3.0, seed=8)
        series = np.stack([np.concatenate([np.ravel(getattr(goals_at(plan, t), field)) for field in GOAL_FIELDS]) for t in np.arange(0.2, 2.4, 1 / 24)])
        assert np.isfinite(series).all() and np.abs(np.diff(series, axis=0)).max() < 1.2, name
    assert len(plan_motion(5, 4.0).names) == len(plan_motion(5, 4.0).starts)


def test_every_build_can_be_built_and_named() -> None:
    for seed, build in enumerate(BUILDS):
        design = random_design(40 + seed, build=build)
        assert design == random_design(40 + seed, build=build) and design.caption.startswith("a ")
        assert 0.6 < design.shape.height < (3.4 if build == "giant" else 2.4)
    assert np.isfinite(build_character(replace(design, hair="long"), detail=0.5).surface.vertices).all()


def test_backgrounds_fill_the_canvas() -> None:
    camera = frame_camera(random_design(1).shape, CANVAS, "full")
    for kind in KINDS:
        picture = draw_background(Background(kind, ((0.5, 0.5, 0.5),) * 6, 1), camera, CANVAS)
        assert picture.shape == (*CANVAS, 3) and 0 <= picture.min() and picture.max() <= 1


def test_the_performers_beat_is_as_long_as_the_clip() -> None:
    track = beat_track(2.0)
    assert track.waveform.shape == (2, 96000) and 0.5 < np.abs(track.waveform).max() <= 0.81
    assert np.isfinite(performer_goals(4.99).wrists).all()
