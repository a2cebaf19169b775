"""What other nodes know about WHO to follow: boxes and masks become one box per frame, and a matte.

Not here: keypoints of other detectors (interchange.py). Called by nodes; the extractor takes the boxes.
Reads core ComfyUI's BOUNDING_BOX ({"x","y","width","height"} in px, one, a list, or a list per frame) and MASK [1|T,h,w].
A box is float32 [x0, y0, x1, y1] in canvas pixels; width 0 = nothing known of that frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..errors import PoseError
from ..types import Canvas

LEAST_MASK_SHARE = 2e-4
"""a mask covering less of the picture than this names nobody"""
MATTE_LONG_SIDE_PX = 256


def person_boxes_from_bounding_boxes(value: object, canvas: Canvas, frame_count: int) -> np.ndarray:
    """BOUNDING_BOX -> boxes float32 [T,4] px.

    One box or a flat list of one box follows that place in every frame. A flat list of `frame_count` boxes is one per
    frame; any other flat list are people of one picture. Lists per frame: in each frame the box that continues the
    chosen one (largest overlap), the first being the largest labelled "person" or unlabelled.
    Raises PoseError when the value is not made of boxes.
    """
    per_frame = _boxes_per_frame(value, frame_count)
    boxes = np.zeros((frame_count, 4), np.float32)
    chosen: np.ndarray | None = None
    for frame, found in enumerate(per_frame):
        if not len(found):
            continue
        if chosen is None:
            areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
            chosen = found[int(np.argmax(areas))]
        else:
            overlaps = np.array([overlap(chosen, box) for box in found])
            nearest = np.linalg.norm((found[:, :2] + found[:, 2:] - chosen[:2] - chosen[2:]) / 2, axis=-1)
            chosen = found[int(np.argmax(overlaps)) if overlaps.max() > 0 else int(np.argmin(nearest))]
        boxes[frame] = chosen
    limits = np.array([canvas.width, canvas.height] * 2, np.float32)
    return np.clip(boxes, 0, limits)


def person_boxes_from_mask(mask: np.ndarray, canvas: Canvas, frame_count: int) -> np.ndarray:
    """MASK float [h,w] or [1|T,h,w] in 0..1 (any size) -> boxes float32 [T,4] px of the canvas round the masked person.

    One mask for the whole clip names the person in frame 0 only. Raises PoseError for another number of masks.
    """
    masks = _masks(mask, frame_count)
    boxes = np.zeros((frame_count, 4), np.float32)
    for frame, one in enumerate(masks):
        covered = one > 0.5
        if covered.mean() < LEAST_MASK_SHARE:
            continue
        rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
        ratio_x, ratio_y = canvas.width / one.shape[1], canvas.height / one.shape[0]
        boxes[frame] = (columns[0] * ratio_x, rows[0] * ratio_y, (columns[-1] + 1) * ratio_x, (rows[-1] + 1) * ratio_y)
    return boxes


def matte_from_mask(mask: np.ndarray, frame_count: int) -> np.ndarray | None:
    """MASK [T,h,w] in 0..1 -> matte uint8 [T,h',w'] (long side <= 256), or None if it is one mask for a longer clip."""
    masks = _masks(mask, frame_count)
    if len(masks) != frame_count:
        return None
    height, width = masks.shape[1:]
    factor = min(1.0, MATTE_LONG_SIDE_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    shrunk = [cv2.resize(np.asarray(one, np.float32), size, interpolation=cv2.INTER_AREA) for one in masks]
    return (np.stack(shrunk).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    total = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / max(total, 1e-9)


def _masks(mask: np.ndarray, frame_count: int) -> np.ndarray:
    masks = np.asarray(mask)
    if masks.ndim == 4 and masks.shape[-1] == 1:
        masks = masks[..., 0]
    if masks.ndim == 2:
        masks = masks[None]
    if masks.ndim != 3 or len(masks) not in (1, frame_count):
        raise PoseError(
            "The mask does not fit the clip",
            got=f"shape {tuple(np.shape(mask))}",
            expected=f"[{frame_count}, height, width] or one mask",
            remedy="Make the mask from the same frames as the clip",
        )
    return masks


def _boxes_per_frame(value: object, frame_count: int) -> list[np.ndarray]:
    if isinstance(value, Mapping):
        return [_read_boxes([value])] * frame_count
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise _malformed(value)
    if any(isinstance(item, Mapping) for item in value):
        boxes = _read_boxes(value)
        if len(boxes) == frame_count and frame_count > 1:
            return [boxes[index : index + 1] for index in range(frame_count)]
        return [boxes] * frame_count
    per_frame = [_read_boxes(item) if isinstance(item, Sequence) else _read_boxes([item]) for item in value]
    if len(per_frame) == 1:
        return per_frame * frame_count
    return (per_frame + [np.zeros((0, 4), np.float32)] * frame_count)[:frame_count]


def _read_boxes(items: Sequence[object]) -> np.ndarray:
    boxes = []
    for item in items:
        if item is None:
            continue
        if not isinstance(item, Mapping) or not {"x", "y", "width", "height"} <= set(item):
            raise _malformed(item)
        if str(item.get("label", "person")).lower() not in ("person", "", "human", "man", "woman", "0", "face"):
            continue
        try:
            x, y, width, height = (float(item[key]) for key in ("x", "y", "width", "height"))
        except (TypeError, ValueError) as error:
            raise _malformed(item) from error
        if np.isfinite([x, y, width, height]).all() and width > 0 and height > 0:
            boxes.append((x, y, x + width, y + height))
    return np.array(boxes, np.float32).reshape(-1, 4)


def _malformed(value: object) -> PoseError:
    return PoseError(
        "A bounding box cannot be read",
        got=repr(value)[:80],
        expected='{"x", "y", "width", "height"} in pixels, a list of them, or a list per frame',
        remedy="Connect a BOUNDING_BOX output",
    )
