"""Pieces of a part that hang together with nothing else of it. Called by part_model.py and lower_body.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np


class Piece(NamedTuple):
    """One separate piece: component [H,W] is `index` where it lies; box x, y, width, height; areas in px."""

    part: int
    component: np.ndarray
    index: int
    box: np.ndarray
    area: int
    largest_area: int


def separate_pieces(labels: np.ndarray, parts: Sequence[int]) -> Iterator[Piece]:
    """Every piece of a part but its largest; labels [H,W] may be changed between two parts."""
    for part in parts:
        count, component, stats, _ = cv2.connectedComponentsWithStats((labels == part).astype(np.uint8))
        if count <= 2:
            continue
        areas = stats[:, cv2.CC_STAT_AREA]
        largest = 1 + int(np.argmax(areas[1:]))
        for index in range(1, count):
            if index != largest:
                yield Piece(part, component, index, stats[index, :4], int(areas[index]), int(areas[largest]))
