"""Lids: the mesh reads a third of the resting openness off a closed eye, the character's lids must touch all the same.

Heads: what a turn does to the mesh is not acting, and a drawn turn must be read as large as the driver's.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from kmc_core.motion.face_motion import CLOSED_OPENNESS, DRAWN_NOD, DRAWN_TURN, _as_drawn, _lids, _without_turning


def test_lids_touch_when_the_performers_do_and_rest_when_they_rest() -> None:
    measured = np.array([CLOSED_OPENNESS, 0.1, 0.0, 1.0, 1.3])
    np.testing.assert_allclose(_lids(measured), [0, 0, 0, 1, 1.3])


def test_lids_move_without_a_jump() -> None:
    measured = np.linspace(0, 1.4, 200)
    lids = _lids(measured)
    assert (np.diff(lids) >= 0).all() and np.diff(lids).max() < 2 * (measured[1] - measured[0])


def test_what_a_turn_does_to_the_mesh_is_no_expression_but_what_the_mouth_does_is() -> None:
    rng = np.random.default_rng(1)
    frames = np.arange(96)
    aside = np.radians(20) * np.stack([np.sin(frames / 9), np.cos(frames / 7)], -1)
    leftover = rng.normal(0, 0.3, (2, 478, 3))
    acting = np.zeros((96, 478, 3))
    acting[:, 14, 1] = 0.1 * (np.sin(frames / 2.3) > 0)
    seen = np.flatnonzero(frames % 5 > 0)
    found = _without_turning(acting + np.einsum("tk,knd->tnd", aside, leftover), aside, seen, slice(0, 1))
    start = np.einsum("k,knd->nd", aside[0], leftover)
    turned = np.abs(np.einsum("tk,knd->tnd", aside - aside[0], leftover)).mean()
    assert np.abs(found - acting - start).mean() < 0.2 * turned
    still = _without_turning(acting, 0.01 * aside, seen, slice(0, 1))
    np.testing.assert_allclose(still[:, 14, 1], acting[:, 14, 1], atol=0.01)


def test_heads_are_drawn_as_far_turned_as_they_are_read_and_never_jump() -> None:
    angles = np.radians(np.linspace(0, 180, 400))
    for axis, factor in ((0, DRAWN_NOD), (1, DRAWN_TURN), (2, 1.0)):
        drawn = Rotation.from_matrix(_as_drawn(Rotation.from_rotvec(angles[:, None] * np.eye(3)[axis]).as_matrix())).magnitude()
        np.testing.assert_allclose(drawn[angles < np.radians(35)], factor * angles[angles < np.radians(35)], atol=1e-6)
        np.testing.assert_allclose(drawn[angles > np.radians(101)], angles[angles > np.radians(101)], atol=1e-6)
        assert np.abs(np.diff(drawn)).max() < 2 * angles[1] and (np.diff(drawn) > -1e-9).all()
