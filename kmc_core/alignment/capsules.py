"""Plane geometry of body parts: distances to bones, the transform a bone gives to its cloth, smooth steps.

Not here: which pixel belongs to which part (part_model.py). Called by every file of this room that knows bones.
Points are picture pixels, origin top-left, pixel centres at integer + 0.5.
"""

from __future__ import annotations

import cv2
import numpy as np


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """Cubic ramp from 0 at `low` to 1 at `high` (same shape as value)."""
    ramp = np.clip((value - low) / (high - low + 1e-9), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def unit(vector: np.ndarray) -> np.ndarray:
    """Vector [2] or [3] scaled to length 1; the zero vector stays zero."""
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


def distance_to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [...,2] against the segment start-end -> (distance [...], position along it 0..1 [...])."""
    along = end - start
    position = np.clip(((points - start) @ along) / max(float(along @ along), 1e-6), 0.0, 1.0)
    offset = points - start - position[..., None] * along
    return np.hypot(offset[..., 0], offset[..., 1]), position


def pixel_centres(height: int, width: int, step: float = 1.0) -> np.ndarray:
    """Centres of a height x width grid whose cells are `step` px wide -> float32 [height,width,2] (x, y)."""
    x, y = np.meshgrid((np.arange(width) + 0.5) * step, (np.arange(height) + 0.5) * step)
    return np.stack([x, y], -1).astype(np.float32)


def polygon_mask(shape: tuple[int, int], polygon: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Filled polygon [N,2] px, drawn on a raster `scale` times as large -> uint8 [H,W] 0/1."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * scale - 0.5).astype(np.int32)], 1)
    return mask


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Distance to the border of a 0/1 mask [H,W], negative inside, in its own pixels (large where the mask is empty)."""
    if not mask.any():
        return np.full(mask.shape, 1e6, np.float32)
    outside = cv2.distanceTransform((1 - mask).astype(np.uint8), cv2.DIST_L2, 5)
    return outside - cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def disc(radius: int) -> np.ndarray:
    """Elliptic structuring element of the given radius in pixels."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def bone_transform(
    source: np.ndarray, target: np.ndarray, across_scale: float, along_limits: tuple[float, float] = (0.2, 1.6)
) -> np.ndarray:
    """The affine map a bone gives to the cloth around it.

    source, target: [2,2] start and end of the bone in px. Rotation from one to the other; scale along the bone
    |target|/|source| clipped to `along_limits` x across_scale; scale across the bone = across_scale only, so that a
    foreshortened limb keeps its thickness. Returns [2,3] taking source px to target px.
    """
    old, new = source[1] - source[0], target[1] - target[0]
    old_length, new_length = max(float(np.linalg.norm(old)), 1e-6), float(np.linalg.norm(new))
    old_along, new_along = old / old_length, new / max(new_length, 1e-6)
    along_scale = np.clip(new_length / old_length, along_limits[0] * across_scale, along_limits[1] * across_scale)
    old_across, new_across = np.array([-old_along[1], old_along[0]]), np.array([-new_along[1], new_along[0]])
    linear = along_scale * np.outer(new_along, old_along) + across_scale * np.outer(new_across, old_across)
    return np.column_stack([linear, target[0] - linear @ source[0]])


def apply_affine(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Affine [2,3] on points [...,2]."""
    return points @ transform[:, :2].T + transform[:, 2]
