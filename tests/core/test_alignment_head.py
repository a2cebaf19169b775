"""The head of a flat picture turns like a round thing: smooth beside the face, its outline where it was."""

from __future__ import annotations

import numpy as np

from kmc_core.alignment.head import OUTLINE, HeadModel, _outside, turn_round_head, yaw_rotation

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [5.0, 5.0]])


def head_of(outline: np.ndarray) -> HeadModel:
    nobody = np.zeros((len(outline), 6))
    return HeadModel(np.zeros(2), np.zeros(len(outline)), outline * 0, outline, nobody.astype(np.int64), nobody)


def test_distance_from_the_face_is_that_from_its_hull_and_none_inside() -> None:
    vertices = np.array([[5.0, 5.0], [1.0, 9.0], [13.0, 5.0], [13.0, 14.0], [5.0, -2.0]])
    np.testing.assert_allclose(_outside(vertices, SQUARE), [0, 0, 3, 5, 2], atol=1e-5)


def test_the_outline_of_a_turned_head_hardly_moves_and_its_middle_turns_fully() -> None:
    points, depth = np.array([[-100.0, 0.0], [0.0, 0.0], [100.0, 0.0]]), np.array([60.0, -80.0, 60.0])
    outline = np.array([OUTLINE, 0.0, OUTLINE])
    turned = turn_round_head(head_of(outline), points, depth, yaw_rotation(0.6), 2.0)
    assert abs(turned[1, 0] - 160 * np.sin(0.6)) < 1e-6
    free = turn_round_head(head_of(0 * outline), points, depth, yaw_rotation(0.6), 2.0)
    for side in (0, 2):
        assert abs(turned[side, 0] - 2 * points[side, 0]) < 0.25 * abs(free[side, 0] - 2 * points[side, 0])


def test_the_outline_rolls_with_the_head() -> None:
    cosine, sine = np.cos(0.4), np.sin(0.4)
    roll = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])
    turned = turn_round_head(head_of(np.array([1.0])), np.array([[50.0, 0.0]]), np.zeros(1), roll, 1.0)
    np.testing.assert_allclose(turned[0, :2], [50 * cosine, 50 * sine], atol=1e-9)
