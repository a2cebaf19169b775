"""What the colours alone allow alpha to be: a pixel unlike all background near it is no background, one just like it is.

Bounds for the cut-out network's answer, for where it has never seen the like (crowns, toys). Called by matte_refinement.py.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

WINDOW_SHARE = 1 / 24
"""radius of the neighbourhood whose colours count, as a share of the long side"""
LEAST_SHARE = 0.03
"""share of the neighbourhood that must be sure background (sure character) to know its colour"""
POSSIBLE = (0.03, 0.1)
"""probability of "person" from which a pixel may be part of the character"""
PLAIN = (20.0, 40.0)
"""standard deviation, in grey levels, of all sure background: up to the first it is one plain backdrop, before which whatever
is unlike it is the character's (crowns, ears, scarves); from the second on a room, in which it may be furniture, and only
colours that nothing but the character has are kept"""
FLOOR_SHARE = 0.25
LEVEL = 1 / 255
BINS = 12
"""of a colour histogram, per channel"""
OWN = (0.93, 0.99)
"""share of a colour's frequency that must be the character's for the colour to be nobody else's"""


def alpha_bounds(picture: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and most that alpha can be, float32 [h,w]; 0 and 1 where colours do not tell (clutter, like on like, shadows).

    picture float32 [h,w,3] in 0..1; first, second [h,w]: two opinions on alpha; where both agree is sure ground.
    """
    outside, inside = np.maximum(first, second) < 0.05, np.minimum(first, second) > 0.95
    background, spread, known_outside = _local_colour(picture, outside)
    character, _, known_inside = _local_colour(picture, inside)
    contrast = np.linalg.norm(character - background, axis=-1)
    distance = np.linalg.norm(picture - background, axis=-1)
    unlike = distance / np.maximum(contrast, 0.02)  # 1: as far from the background as the character is
    reliable = step_between(contrast / (spread + 8 * LEVEL), 2.0, 4.0) * (known_outside & known_inside)
    is_plain = (1 - step_between(spread, 8 * LEVEL, 20 * LEVEL)) * known_outside
    foreign = is_plain * step_between(distance / (spread + 6 * LEVEL), 4.0, 7.0)
    shadow = cv2.GaussianBlur((_is_shaded(picture, background) & _floor(first)).astype(np.float32), (0, 0), 2.0)
    whatever = np.maximum(reliable * step_between(unlike, 0.45, 0.75), foreign)
    least = np.maximum(_own_colour(picture, inside, outside), whatever * _plainness(picture, outside)) * (1 - shadow)
    different = np.minimum(step_between(unlike, 0.12, 0.35), step_between(distance / (spread + 6 * LEVEL), 1.5, 3.5))
    most = 1 - reliable * (1 - different)
    return least.astype(np.float32), most.astype(np.float32)


def bounded(answer: np.ndarray, analytic: np.ndarray, picture: np.ndarray, person: np.ndarray) -> np.ndarray:
    """The answer [h,w], pulled back toward the analytic alpha as far as it leaves what the colours allow.

    What is unlike the background is only kept where the segmentation [h,w] does not rule it out.
    """
    least, most = alpha_bounds(picture, analytic, answer)
    least = least * step_between(person, *POSSIBLE)
    held = np.maximum(answer, np.minimum(analytic, least))
    return np.minimum(held, np.maximum(analytic, most)).astype(np.float32)


def _own_colour(picture: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """float32 [h,w], 1 for colours that are frequent in bool inside [h,w] and all but absent from bool outside [h,w]."""
    cells = (picture.clip(0, 1) * (BINS - 1) + 0.5).astype(np.int32) @ np.array([BINS * BINS, BINS, 1], np.int32)
    shares = []
    for where in (inside, outside):
        counts = np.bincount(cells[where], minlength=BINS**3).reshape(BINS, BINS, BINS).astype(np.float32)
        shares.append(gaussian_filter(counts / max(counts.sum(), 1), 0.7))
    own = step_between(shares[0] / (shares[0] + shares[1] + 1e-9), *OWN) * step_between(shares[0], 5e-4, 2e-3)
    return own.ravel()[cells].astype(np.float32)


def _plainness(picture: np.ndarray, outside: np.ndarray) -> float:
    """1 where everything marked in bool [h,w] has about the same colour, 0 for a room or a landscape."""
    if not outside.any():
        return 0.0
    spread = float(np.sqrt(picture[outside].var(0).sum())) / LEVEL
    return 1 - float(step_between(np.float32(spread), *PLAIN))


def _local_colour(picture: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean colour [h,w,3], standard deviation [h,w] of the marked pixels near each pixel, and whether there are enough."""
    weight = where.astype(np.float32)
    square = (picture * picture).sum(-1) * weight
    mean, deviation = np.zeros_like(picture), np.zeros(where.shape, np.float32)
    known = np.zeros(where.shape, bool)
    for factor in (4, 1):  # the wider look stands in where the near one finds nothing
        radius = max(round(max(where.shape) * WINDOW_SHARE * factor), 4)
        window = (2 * radius + 1, 2 * radius + 1)
        share = cv2.blur(weight, window)
        near = cv2.blur(picture * weight[..., None], window) / np.maximum(share, 1e-5)[..., None]
        spread = np.sqrt(np.maximum(cv2.blur(square, window) / np.maximum(share, 1e-5) - (near * near).sum(-1), 0))
        enough = share > LEAST_SHARE
        mean = np.where(enough[..., None], near, mean)
        deviation = np.where(enough, spread, deviation)
        known |= enough
    return mean, deviation, known


def _is_shaded(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    """bool [h,w]: the background's own hue, darker: perhaps its shadow."""
    ratio = picture / np.maximum(background, 0.03)
    light = ratio.mean(-1)
    return (np.abs(ratio - light[..., None]).max(-1) < 0.07) & (light > 0.3) & (light < 1.05)


def _floor(alpha: np.ndarray) -> np.ndarray:
    """bool [h,1]: the rows in which a figure's shadow on the floor may lie, its lowest part and what is below."""
    rows = np.flatnonzero((alpha > 0.5).any(1))
    if not len(rows):
        return np.zeros((len(alpha), 1), bool)
    return (np.arange(len(alpha)) > rows[-1] - FLOOR_SHARE * (rows[-1] - rows[0]))[:, None]


def step_between(values: np.ndarray | np.float32, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
