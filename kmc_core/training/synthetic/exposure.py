"""Motion blur: what moves while the shutter is open is smeared along its way, over what it uncovers.

Moving pixels are laid down again at several instants of the exposure, far ones first (forward warping), onto the figure without
them; what they hid is guessed from beside them. Called by renderer.py. Not here: how fast anything moves (renderer.render_clip).
"""

from __future__ import annotations

import cv2
import numpy as np

from ...types import Canvas
from .raster import Visible

SLOWEST_PX, MOST_INSTANTS = 0.9, 9


def way_of_pixels(moved: np.ndarray, triangles: np.ndarray, visible: Visible, canvas: Canvas, oversample: int) -> np.ndarray:
    """Pixels of the canvas [H,W,2] moved at every pixel by the surface seen there; moved [N,2] px of every vertex."""
    moved = moved.astype(np.float32)
    result = np.zeros((canvas.height * canvas.width, 2), np.float32)
    wide = canvas.width * oversample
    row, column = visible.pixel // wide, visible.pixel % wide
    chosen = np.flatnonzero((row % oversample == oversample // 2) & (column % oversample == oversample // 2))
    corners, weights = triangles[visible.triangle[chosen]], visible.weights[chosen]
    found = sum(moved[corners[:, k]] * weights[:, k : k + 1] for k in range(3))
    result[row[chosen] // oversample * canvas.width + column[chosen] // oversample] = found
    return result.reshape(canvas.height, canvas.width, 2)


def smear(layer: np.ndarray, depth: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Premultiplied RGBA float32 [H,W,4] with motion blur.

    layer [H,W,4] sharp, in the middle of the exposure; depth [H,W] metres (0 = nothing); way [H,W,2] pixels moved during the exposure.
    """
    speed = np.hypot(way[..., 0], way[..., 1])
    moving = (speed > SLOWEST_PX) & (layer[..., 3] > 0)
    if not moving.any():
        return layer
    h, w = depth.shape
    under, under_depth = _without(layer, depth, moving, float(speed[moving].max()))
    y, x = np.nonzero(moving)
    far_first = np.argsort(-depth[y, x], kind="stable")
    y, x = y[far_first], x[far_first]
    colour, near, step = layer[y, x], depth[y, x], way[y, x]
    count = int(np.clip(np.ceil(speed[moving].max() / 1.5), 3, MOST_INSTANTS))
    total = np.zeros_like(layer)
    for instant in (np.arange(count) + 0.5) / count - 0.5:
        column, row = np.rint(x + instant * step[:, 0]).astype(np.int32), np.rint(y + instant * step[:, 1]).astype(np.int32)
        kept = np.flatnonzero((column >= 0) & (row >= 0) & (column < w) & (row < h))
        column, row = column[kept], row[kept]
        kept_front = near[kept] < under_depth[row, column] + 0.02
        moment = under.copy()
        moment[row[kept_front], column[kept_front]] = colour[kept[kept_front]]
        total += moment
    return total / count


def _without(layer: np.ndarray, depth: np.ndarray, moving: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """The layer and its depth (inf = nothing) without the moving pixels: filled from beside, or left as they are deep inside."""
    still = (~moving).astype(np.float32)
    size = (2 * int(np.ceil(reach)) + 7,) * 2
    share = cv2.blur(still, size)
    filled = cv2.blur(layer * still[..., None], size) / np.maximum(share, 1e-3)[..., None]
    known = moving & (share > 0.08)
    under = np.where(known[..., None], filled, layer)
    return under.astype(np.float32), np.where((depth <= 0) | moving, np.inf, depth)
