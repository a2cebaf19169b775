"""The face descriptor's geometry, the packed weights' reader, and (where its weights are at hand) people told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kmc_core.errors import CheckpointError
from kmc_core.evaluation.identity import CHIP_PLACES, CHIP_POINTS, face_chip, likeness, similarity_transform
from kmc_core.evaluation.identity_weights import ensure_identity_weights, read_weights


def test_similarity_transform_recovers_turn_scale_and_shift() -> None:
    points = np.random.default_rng(0).uniform(0, 50, (5, 2))
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    found = similarity_transform(points, points @ turn.T + (9, -4))
    assert np.allclose(found, np.column_stack([turn, (9, -4)]))


def test_face_chip_puts_the_eyes_in_their_places() -> None:
    face = np.zeros((478, 3))
    face[list(CHIP_POINTS), :2] = np.array(CHIP_PLACES) * 60 + (40, 30)
    picture = np.zeros((140, 160, 3), np.uint8)
    x, y = np.round(face[33, :2]).astype(int)
    picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    chip = face_chip(picture, face)
    row, column = np.unravel_index(chip[..., 0].argmax(), (150, 150))
    expected = (np.array(CHIP_PLACES[2]) + 0.25) / 1.5 * 150
    assert chip.shape == (150, 150, 3) and abs(column - expected[0]) < 5 and abs(row - expected[1]) < 5


def test_likeness_scale() -> None:
    same = np.eye(128)[0]
    other = np.eye(128)[1]
    assert likeness(same, same) == 1 and likeness(same, other) == 0
    assert 0 < likeness(same, 0.9 * same + np.sqrt(1 - 0.81) * other) < 1


def test_missing_weights_are_no_error_but_wrong_ones_are(tmp_path: Path) -> None:
    assert ensure_identity_weights(tmp_path / "none", allow_download=False) is None
    (tmp_path / "vladmandic-face-api-1.7.15.tgz").write_bytes(b"not an archive")
    assert ensure_identity_weights(tmp_path, allow_download=False) is None
    (tmp_path / "face_recognition_model.bin").write_bytes(b"wrong")
    with pytest.raises(CheckpointError):
        read_weights(tmp_path)
