"""Hair in locks: every one swings by itself, keeps its length and comes to rest where the head carries it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kmc_core.training.synthetic.character import build_character
from kmc_core.training.synthetic.designs import random_design
from kmc_core.training.synthetic.hair import hair_locks
from kmc_core.training.synthetic.locks import NODES, Chains, Lock, Swing, build_chains, lock_mesh
from kmc_core.training.synthetic.posing import PoseGoals
from kmc_core.training.synthetic.renderer import pose_character
from kmc_core.training.synthetic.surface import MATERIAL
from kmc_core.training.synthetic.trailing import Trail

FRAME_S = 1 / 24


def _hanging() -> tuple[np.ndarray, Chains]:
    """Two locks that differ in nothing but how fast they swing, behind a head at the origin."""
    path = np.array([[0.0, 0.0, -0.1], [0.0, -0.1, -0.11], [0.0, -0.2, -0.11], [0.0, -0.3, -0.11]])
    locks = [Lock(path + [x, 0, 0], 0.01, rate=rate) for x, rate in ((0.05, 1.1), (-0.05, 2.1))]
    mesh = lock_mesh(locks)
    return mesh.vertices.astype(np.float32), build_chains(mesh, locks, 0)


def _links(nodes: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(nodes, axis=1), axis=-1)


def test_locks_hang_still_on_a_head_that_is_still() -> None:
    rest, chains = _hanging()
    swing = Swing(chains, FRAME_S)
    for _ in range(10):
        vertices = rest.copy()
        swing.follow(vertices, np.eye(3), np.zeros(3))
    assert np.abs(vertices - rest).max() < 1e-5


def test_locks_lag_one_by_one_keep_their_length_and_come_to_rest() -> None:
    rest, chains = _hanging()
    swing, tips = Swing(chains, FRAME_S), []
    for frame in range(96):
        moved = rest + np.float32([0.25 * min(frame / 6, 1.0), 0, 0])
        vertices = moved.copy()
        swing.follow(vertices, np.eye(3), np.zeros(3))
        assert np.allclose(_links(swing.place), _links(moved[chains.nodes]), atol=1e-4)
        tips.append([(vertices - moved)[chains.vertices][(chains.lock == k) & (chains.segment == NODES - 2)].mean(0)[0] for k in (0, 1)])
        assert np.abs((vertices - moved)[chains.vertices][(chains.segment == 0) & (chains.part[:, 0] == 0)]).max() < 1e-6
    tips = np.array(tips)
    assert tips[2:6].min() < -0.02 and tips.max() > 0.003  # behind while the head moves, beyond when it stops
    assert np.abs(tips[:, 0] - tips[:, 1]).max() > 0.01
    assert np.abs(tips[-1]).max() < 0.003


def test_hair_falls_when_the_head_leans_and_stays_out_of_it() -> None:
    rest, chains = _hanging()
    angle = 0.6
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    swing = Swing(chains, FRAME_S)
    for _ in range(60):
        vertices = (rest @ turn.T).astype(np.float32)
        carried = vertices.copy()
        swing.follow(vertices, turn, np.zeros(3))
    assert (vertices - carried)[chains.vertices][chains.segment == NODES - 2][:, 1].mean() < -0.002
    swing = Swing(chains, FRAME_S)
    for frame in range(12):  # the head is thrown back: hair behind it must not go through
        vertices = rest + np.float32([0, 0, -0.04 * frame])
        swing.follow(vertices, np.eye(3), np.array([0, 0, -0.04 * frame]))
        out = (swing.carried - [0, 0, -0.04 * frame]) * [1, 0, 1]
        inward = -((swing.place - swing.carried) * out).sum(-1) / np.linalg.norm(out, axis=-1)
        assert inward.max() < 0.008  # it may slip round it


@pytest.mark.parametrize("style", ["long", "ponytail", "pigtails"])
def test_long_styles_hang_in_many_locks(style: str) -> None:
    locks = hair_locks(style, 4)
    assert len(locks) >= 7 and len({round(lock.rate, 6) for lock in locks}) == len(locks)
    character = build_character(replace(random_design(3, style="soft", build="woman"), hair=style), detail=0.5)
    chains = character.chains
    assert chains is not None and chains.nodes.shape == (len(locks), NODES)
    hair = np.unique(character.surface.triangles[character.surface.material == MATERIAL["hair"]])
    assert np.isin(chains.vertices, hair).all() and not np.isin(chains.nodes, hair).any()
    trail, goals = Trail(character.loose, FRAME_S, chains), PoseGoals()
    for frame in range(8):
        goals.head = np.array([0.15 * frame, 0.0, 0.0])
        posed = pose_character(character, goals, trail=trail)
    gone = np.linalg.norm(posed.vertices - pose_character(character, goals).vertices, axis=1)
    assert 0.01 < gone[chains.vertices].max() < 0.3
    by_lock = np.array([gone[chains.vertices[(chains.lock == k) & (chains.segment == NODES - 2)]].mean() for k in range(len(locks))])
    assert by_lock.std() > 0.05 * by_lock.mean()
