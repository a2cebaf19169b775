"""Where the 478 face points sit on the head's grid (measured once with the pose extractor), and where they are now.

The table holds (column mark, row mark) of 468 skin points, see head.HeadGrid; the 10 iris points sit on the eyeballs by definition.
`measure_attachments` made it from frontal renders of this room's own characters: `--measure-face` of the command line.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .skeleton import BONE

if TYPE_CHECKING:
    from .character import Character
    from .renderer import Posed

TABLE = Path(__file__).with_name("face_attachment.json")
# right iris (468 centre, then picture right, top, left, bottom), left iris
_IRIS_OFFSETS = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]], float)


@lru_cache(maxsize=1)
def attachment_table() -> np.ndarray | None:
    """[468,2] column and row marks, or None when the table file is absent."""
    if not TABLE.exists():
        return None
    return np.array(json.loads(TABLE.read_text(encoding="utf-8"))["marks"], np.float64)


def grid_weights(row_marks: np.ndarray, column_marks: np.ndarray, above: np.ndarray, below: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [P,4] and weights [P,4] that interpolate points at marks [P,2] (column, row) on a head grid."""
    place = np.interp(marks[:, 1], row_marks, np.arange(len(row_marks)))
    row = np.clip(np.floor(place).astype(int), 0, len(row_marks) - 2)
    v = place - row
    extended = np.append(column_marks, 7.0)
    place = np.interp(marks[:, 0], extended, np.arange(len(extended)))
    column = np.clip(np.floor(place).astype(int), 0, len(column_marks) - 1)
    u = place - column
    following = (column + 1) % len(column_marks)
    vertices = np.stack([below[row, column], below[row, following], above[row + 1, column], above[row + 1, following]], axis=1)
    return vertices, np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v], axis=1)


def attach_face(character: Character, posed: Posed) -> np.ndarray | None:
    """Places [478,3] of the face points in model axes, metres; None when the table of attachments is absent."""
    table = attachment_table()
    if table is None:
        return None
    grid = character.head
    vertices, weights = grid_weights(grid.row_marks, grid.column_marks, grid.above, grid.below, table)
    skin = posed.vertices[character.head_range]
    points = np.zeros((478, 3))
    points[:468] = np.einsum("pk,pkc->pc", weights, skin[vertices])
    radius = grid.eye_radius * character.design.shape.head
    for first, name in ((468, "right_eye"), (473, "left_eye")):
        offset = np.column_stack([_IRIS_OFFSETS * character.iris, np.zeros(5)])
        offset[:, 2] = np.sqrt(1 - (offset[:, :2] ** 2).sum(1))
        points[first : first + 5] = posed.places[BONE[name]] + radius * offset @ posed.turns[BONE[name]].T
    return points
