"""Robots, plush toys and giants; people who sit and run: truth as exact as everybody's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kmc_core.pose.skeleton_layouts import rig_joints
from kmc_core.training.synthetic.camera import frame_camera
from kmc_core.training.synthetic.character import Character, build_character
from kmc_core.training.synthetic.designs import random_design
from kmc_core.training.synthetic.motions import MotionPlan, goals_at, plan_motion, suitable_motions
from kmc_core.training.synthetic.posing import PoseGoals
from kmc_core.training.synthetic.renderer import Scene, pose_character, render_clip
from kmc_core.training.synthetic.shading import STYLES, Light
from kmc_core.training.synthetic.sitting import KINDS, draw_seat, seat_for
from kmc_core.training.synthetic.skeleton import BONE
from kmc_core.training.synthetic.surface import MATERIAL
from kmc_core.types import Canvas

CANVAS = Canvas(176, 128)


@pytest.mark.parametrize(("build", "style"), [("robot", "soft"), ("plush", "toon"), ("giant", "soft"), ("robot", "painterly")])
def test_creatures_are_built_and_their_truth_lies_on_them(build: str, style: str) -> None:
    design = random_design(5, style=style, build=build)
    assert design == random_design(5, style=style, build=build) and style in STYLES
    assert any(word in design.caption for word in ("robot", "teddy", "plush", "giant"))
    character = build_character(design, detail=0.5)
    scene = Scene(frame_camera(design.shape, CANVAS, "full"))
    clip = render_clip(character, MotionPlan(("arms_up",), (0.0,), 2.0, seed=4), scene, CANVAS, frames=2, fps=6.0, seed=5, keep_depth=True)
    for frame in range(2):
        joints = rig_joints(clip.motion.body[frame])
        x, y = np.clip(joints[:, 0], 0, CANVAS.width - 1).astype(int), np.clip(joints[:, 1], 0, CANVAS.height - 1).astype(int)
        assert (clip.alpha[frame][y, x] > 0).mean() > 0.9
        hands = np.clip(clip.motion.hands[frame, :, :, :2].reshape(-1, 2), 0, [CANVAS.width - 1, CANVAS.height - 1]).astype(int)
        assert (clip.alpha[frame][hands[:, 1], hands[:, 0]] > 0).mean() > 0.9
    assert clip.motion.face_confidence.all() and clip.caption.startswith(design.caption)
    assert np.array_equal(clip.depth > 0, clip.depth > 0.5)


def test_a_robots_shell_is_hard() -> None:
    character = build_character(random_design(5, style="soft", build="robot"), detail=0.5)
    surface = character.surface
    bone = np.where(surface.weights.max(1) > 0.999, surface.weights.argmax(1), -1)[surface.triangles]
    rigid = (bone[:, 0] >= 0) & (np.ptp(bone, axis=1) == 0) & (surface.material == MATERIAL["shell"])
    assert rigid.mean() > 0.4 and character.folds is None
    goals = PoseGoals()
    goals.wrists[0], goals.ankles[1] = [0.3, 0.6, 0.2], [0.1, 0.4, 0.3]
    posed = pose_character(character, goals).vertices
    edges = surface.triangles[rigid][:, [0, 1]]
    length = lambda points: np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)  # noqa: E731
    assert np.allclose(length(posed), length(surface.vertices), atol=1e-5)


def test_a_toys_mitten_holds_its_fingers() -> None:
    character = build_character(random_design(5, style="soft", build="plush"), detail=0.5)
    fur = np.unique(character.surface.triangles[character.surface.material == MATERIAL["fur"]])
    posed = pose_character(character, PoseGoals())
    for finger in ("index", "ring"):
        tip = posed.places[BONE[f"left_{finger}_3"]]
        assert np.linalg.norm(posed.vertices[fur] - tip, axis=1).min() < 0.03 * character.design.shape.hand


@pytest.fixture(scope="module")
def person() -> Character:
    return build_character(random_design(12, style="soft", build="man"), detail=0.5)


def test_who_sits_has_the_hips_on_the_seat_and_the_feet_on_the_floor(person: Character) -> None:
    shape, lowest, standing = person.design.shape, [], []
    for seed in range(12):
        plan, seat = MotionPlan(("sit",), (0.0,), 3.0, heading=0.4, seed=seed), seat_for(person.design.shape, 0.4, seed)
        top = max(box.middle[1] + box.half[1] for box in seat.boxes[:1])
        for t in (0.0, 1.75):
            posed = pose_character(person, goals_at(plan, t))
            hips = 0.5 * (posed.places[BONE["left_thigh"]] + posed.places[BONE["right_thigh"]])
            if hips[1] > 0.9 * (shape.ankle + shape.leg):
                standing.append(hips[1])
                continue
            place, radius = seat.footprint
            assert 0.02 < hips[1] - top < 0.2 and np.linalg.norm((hips - place)[[0, 2]]) < radius
            lowest.append(min(posed.places[BONE[f"{side}_foot"]][1] for side in ("left", "right")))
    assert len(lowest) > 8 and len(standing) > 2 and np.ptp(lowest) < 0.12


def test_sitting_down_is_a_programme_of_its_own() -> None:
    plans = [plan_motion(seed, 3.0) for seed in range(80)]
    seated = [plan for plan in plans if "sit" in plan.names]
    assert seated and all(plan.names == ("sit",) and plan.turning == 0 and abs(plan.heading) <= 0.9 for plan in seated)
    assert any("run" in plan.names for plan in plans)
    assert "sit" not in suitable_motions("full", 0.5) and "sit" in suitable_motions("full", 0.0) and "run" not in suitable_motions("half", 0.0)


def test_every_seat_is_drawn_as_high_as_it_is() -> None:
    camera = frame_camera(random_design(12, build="man").shape, CANVAS, "full", pitch=0.2)
    shape, kinds = random_design(12, build="man").shape, set()
    for seed in range(30):
        seat = seat_for(shape, 0.3, seed)
        kinds.add(seat.words.split()[-1])
        if seed > 5:
            continue
        picture, depth, way = draw_seat(seat, np.ones((*CANVAS, 3), np.float32), camera, camera, Light(), CANVAS)
        assert (depth > 0).sum() > 60 and picture.min() >= 0 and not way.any()
        points, _ = camera.project(seat.mesh()[0], CANVAS)
        rows = np.flatnonzero((depth > 0).any(1))
        assert abs(rows[0] - points[:, 1].min()) < 2 and abs(rows[-1] + 1 - min(points[:, 1].max(), CANVAS.height)) < 2
    assert kinds == set(KINDS)


def test_who_runs_leaves_the_floor(person: Character) -> None:
    plan, lowest = MotionPlan(("run",), (0.0,), 3.0, seed=3), []
    for t in np.arange(0.2, 1.6, 1 / 24):
        posed = pose_character(person, goals_at(plan, float(t)))
        lowest.append(posed.vertices[:, 1].min())
    assert max(lowest) > 0.02 and min(lowest) < 0.01


@pytest.mark.parametrize("build", ["heavy_woman", "giant"])
def test_no_thigh_looks_out_of_a_skirt(build: str) -> None:
    design = random_design(7, style="soft", build=build)
    design = replace(design, outfit=replace(design.outfit, skirt=0.5, dress=False, coat=0.0))
    surface = build_character(design, detail=0.5).surface
    skin = np.unique(surface.triangles[surface.material == MATERIAL["skin"]])
    thigh = skin[surface.weights[skin][:, [BONE["left_thigh"], BONE["right_thigh"]]].sum(1) > 0.3]
    hem = surface.vertices[np.unique(surface.triangles[surface.material == MATERIAL["skirt"]]), 1].min()
    assert len(thigh) > 20 and (surface.vertices[thigh, 1] < hem + 0.04).all()
