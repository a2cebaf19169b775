"""Lids: the mesh reads a third of the resting openness off a closed eye, the character's lids must touch all the same."""

from __future__ import annotations

import numpy as np

from kmc_core.motion.face_motion import CLOSED_OPENNESS, _lids


def test_lids_touch_when_the_performers_do_and_rest_when_they_rest() -> None:
    measured = np.array([CLOSED_OPENNESS, 0.1, 0.0, 1.0, 1.3])
    np.testing.assert_allclose(_lids(measured), [0, 0, 0, 1, 1.3])


def test_lids_move_without_a_jump() -> None:
    measured = np.linspace(0, 1.4, 200)
    lids = _lids(measured)
    assert (np.diff(lids) >= 0).all() and np.diff(lids).max() < 2 * (measured[1] - measured[0])
