"""The part of a picture that a model is shown, so that nobody is cut off when picture and canvas have different shapes.

Not here: scaling onto the canvas (pictures.covering). Called by scail2.py.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ...kmc_core.types import Canvas


class Crop(NamedTuple):
    """A stretch of a picture in px; it may reach beyond the picture's edge."""

    top: float
    left: float
    height: float
    width: float


def person_box(mask: np.ndarray) -> Crop | None:
    """The smallest box around a mask bool [h,w], None for an empty one."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    return Crop(float(rows.min()), float(columns.min()), float(np.ptp(rows) + 1), float(np.ptp(columns) + 1))


def crop_around(box: Crop, picture: Canvas, shape: Canvas, margin: float) -> Crop:
    """The smallest crop of a shape's aspect that holds the box and a margin (a share of the box), inside the picture where it fits."""
    height, width = box.height * (1 + 2 * margin), box.width * (1 + 2 * margin)
    height = max(height, width * shape.height / shape.width)
    width = height * shape.width / shape.height
    top, left = box.top + (box.height - height) / 2, box.left + (box.width - width) / 2
    return Crop(_inside(top, height, picture.height), _inside(left, width, picture.width), height, width)


def crop_with(box: Crop | None, picture: Canvas, shape: Canvas, may_grow: bool) -> Crop:
    """The largest crop of a shape's aspect inside the picture, in its middle, moved no more than the box needs.

    may_grow: it becomes larger than the picture where the box would not fit otherwise.
    """
    height = min(picture.height, picture.width * shape.height / shape.width)
    if box is not None and may_grow:
        height = max(height, box.height, box.width * shape.height / shape.width)
    width = height * shape.width / shape.height
    top, left = (picture.height - height) / 2, (picture.width - width) / 2
    if box is not None:
        top, left = _holding(top, height, box.top, box.height), _holding(left, width, box.left, box.width)
    return Crop(_inside(top, height, picture.height), _inside(left, width, picture.width), height, width)


def edge_colour(picture: np.ndarray) -> tuple[float, ...]:
    """The middle colour of a picture's edges, uint8 [H,W,3]."""
    edges = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return tuple(float(value) for value in np.median(edges, axis=0))


def cut(picture: np.ndarray, crop: Crop, outside: float | tuple[float, ...] | None = None) -> np.ndarray:
    """The crop of a picture [H,W,...]; beyond the edge the border repeats, or the value or colour `outside` is put."""
    first = (round(crop.top), round(crop.left))
    last = (round(crop.top + crop.height), round(crop.left + crop.width))
    height, width = picture.shape[:2]
    border = (max(0, -first[0]), max(0, last[0] - height), max(0, -first[1]), max(0, last[1] - width))
    inside = picture[max(0, first[0]) : last[0], max(0, first[1]) : last[1]]
    if not any(border):
        return inside
    kind = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    return cv2.copyMakeBorder(np.ascontiguousarray(inside), *border, kind, value=outside)


def _holding(start: float, length: float, wanted: float, wanted_length: float) -> float:
    """A stretch moved as little as possible so that it holds another, which is centred where it is too long."""
    if wanted_length > length:
        return wanted + (wanted_length - length) / 2
    return min(max(start, wanted + wanted_length - length), wanted)


def _inside(start: float, length: float, limit: int) -> float:
    """A stretch moved into 0..limit where it fits, centred on it where it does not."""
    return (limit - length) / 2 if length > limit else min(max(start, 0.0), limit - length)
