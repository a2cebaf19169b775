"""What moves with the performer: motion blur, loose cloth and hair, things worn and held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kmc_core.training.synthetic.accessories import HELD, WORN, gripping
from kmc_core.training.synthetic.camera import frame_camera
from kmc_core.training.synthetic.character import build_character
from kmc_core.training.synthetic.designs import random_design
from kmc_core.training.synthetic.exposure import smear
from kmc_core.training.synthetic.posing import PoseGoals
from kmc_core.training.synthetic.renderer import Scene, pose_character, render_frame
from kmc_core.training.synthetic.skeleton import BONE
from kmc_core.training.synthetic.surface import MATERIAL
from kmc_core.training.synthetic.trailing import FARTHEST_M, Trail
from kmc_core.types import Canvas


HEAD = np.eye(3), np.zeros(3)


def _bar(at: int) -> tuple[np.ndarray, np.ndarray]:
    layer, depth = np.zeros((40, 60, 4), np.float32), np.zeros((40, 60), np.float32)
    layer[:, at : at + 6], depth[:, at : at + 6] = (0.9, 0.1, 0.1, 1.0), 2.0
    return layer, depth


def test_a_moving_bar_is_smeared_along_its_way_and_keeps_its_weight() -> None:
    layer, depth = _bar(27)
    way = np.zeros((40, 60, 2), np.float32)
    assert smear(layer, depth, way) is layer
    way[..., 0] = 8.0
    blurred = smear(layer, depth, way)
    alpha = blurred[20, :, 3]
    assert alpha[27:33].min() > 0.4 and 0.05 < alpha[24] < 0.95 and 0.05 < alpha[35] < 0.95 and alpha[:20].max() < 1e-6
    assert abs(alpha.sum() - 6) < 1.0 and np.ptp(blurred[:, 24, 3]) < 1e-6
    way[...] = (0.0, 8.0)
    assert np.abs(smear(layer, depth, way)[15:25, 20:40] - layer[15:25, 20:40]).max() < 0.02  # along the bar: nothing to see


def test_what_stands_in_front_stays_sharp() -> None:
    layer, depth = _bar(27)
    layer[:, 33:38], depth[:, 33:38] = (0.1, 0.1, 0.9, 1.0), 1.0
    way = np.zeros((40, 60, 2), np.float32)
    way[:, 27:33, 0] = 8.0
    assert np.allclose(smear(layer, depth, way)[:, 33:38], layer[:, 33:38])


def test_loose_things_hang_back_and_come_to_rest() -> None:
    free = np.array([0.0, 0.5, 0.5], np.float32)
    trail = Trail(free, 1 / 12)
    start = np.zeros((3, 3))
    trail.follow(start.copy(), *HEAD)
    moved = np.tile([0.10, 0.0, 0.0], (3, 1))
    first = moved.copy()
    trail.follow(first, *HEAD)
    assert np.allclose(first[0], moved[0]) and 0.0 < first[1, 0] < 0.095
    for _ in range(20):
        last = moved.copy()
        trail.follow(last, *HEAD)
    assert np.allclose(last, moved, atol=1e-4)
    far = np.tile([5.0, 0.0, 0.0], (3, 1))
    trail.follow(far, *HEAD)
    assert far[1, 0] >= 5.0 - FARTHEST_M - 1e-6


def test_things_are_worn_and_held_where_they_belong() -> None:
    design = replace(random_design(12, style="soft", build="man"), extras=(*WORN, "ball"), extras_side=0)
    character = build_character(design, detail=0.6)
    chosen = np.unique(character.surface.triangles[character.surface.material == MATERIAL["accessory"]])
    bones = {int(b) for b in character.surface.weights[chosen].argmax(1)}
    assert bones == {BONE["head"], BONE["left_hand"], BONE["right_forearm_twist"]}
    assert character.loose[chosen].max() == 0
    goals = PoseGoals()
    goals.wrists[0] = [0.5, 0.1, 0.4]
    canvas, empty = Canvas(120, 96), np.zeros((120, 96, 3), np.float32)
    scene = Scene(frame_camera(design.shape, canvas, "wide"))
    with_things = render_frame(character, pose_character(character, goals), scene, canvas, empty, oversample=1)
    bare = build_character(replace(design, extras=()), detail=0.6)
    without = render_frame(bare, pose_character(bare, goals), scene, canvas, empty, oversample=1)
    x, y = with_things.truth.hands[0, 9, :2].astype(int)
    near = (slice(max(y - 14, 0), y + 15), slice(max(x - 14, 0), x + 15))
    assert with_things.alpha[near].sum() > without.alpha[near].sum() + 30


def test_a_hand_closes_only_round_what_it_holds() -> None:
    goals = PoseGoals()
    assert gripping(("glasses",), 0, goals) is goals
    for name in HELD:
        held = gripping((name,), 1, goals)
        assert not np.allclose(held.curls[1], goals.curls[1]) and np.allclose(held.curls[0], goals.curls[0])
