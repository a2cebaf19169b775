"""Cuts a character off a nearly uniform backdrop: studio shots, renders, drawings on paper.

Not here: busy scenes (scene_cutout.py). Called by picture_matte.py.
The backdrop is a colour polynomial of order 2 fitted to the picture's border; what differs from it and hangs together is
the character. Soft edges come from the colour line between the backdrop and the character's nearest own colour.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .body_capsules import SkeletonMasks

BORDER_SHARE = 1 / 60
GROWTH_ROUNDS = 24
EDGE_PX = 4
FLOOR_SHARE = 0.25
"""lowest part of a figure in which shadows on the floor are looked for"""
INLIER = 16.0
"""grey levels from the polynomial within which a border pixel belongs to the backdrop"""
LEAST_INLIERS = 0.72
FLOOR = 6.0
"""smallest difference, in grey levels, that can be the character; rises with the backdrop's own noise"""


class Backdrop(NamedTuple):
    """colours float32 [H,W,3] in 0..255 behind the character; empty bool [H,W]: where nothing but backdrop (or a shadow on
    it) is seen; shaded bool [H,W]: darker than the backdrop but of its hue, without texture; noise: grey levels;
    border_share: how much of the border is backdrop."""

    colours: np.ndarray
    empty: np.ndarray
    shaded: np.ndarray
    noise: float
    border_share: float


def find_backdrop(picture: np.ndarray, never: np.ndarray | None = None) -> Backdrop | None:
    """The backdrop of uint8 [H,W,3], or None if the border is not uniform enough.

    never: bool [H,W], pixels that are known to be the character (bones, sure segmentation).
    """
    border = _border(picture.shape[:2])
    values = cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.float32)
    terms = _terms(*picture.shape[:2])
    used = border & (np.abs(values - np.median(values[border], axis=0)).max(-1) < 60)
    for _ in range(4):
        if used.sum() < 0.3 * border.sum():
            return None
        fit, *_ = np.linalg.lstsq(terms[used], values[used], rcond=None)
        difference = np.abs(values - terms @ fit).max(-1)
        used = border & (difference < INLIER)
    share = float(used.sum() / border.sum())
    if share < LEAST_INLIERS:
        return None
    noise = float(np.percentile(difference[used], 90))
    model = (terms @ fit).clip(0, 255).astype(np.float32)
    start = difference < max(FLOOR, 1.6 * noise)
    if never is not None:
        start &= ~never
    empty, colours = _grow(values, model, _connected_to(start, border), noise, never)
    return Backdrop(colours, empty, _shaded(values, colours), noise, share)


def _grow(
    values: np.ndarray, model: np.ndarray, empty: np.ndarray, noise: float, never: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Lets the backdrop run on into soft shadows and gradients: pixels that are smooth, of the backdrop's hue and close to
    the backdrop next to them. Returns the grown area and the backdrop's colour everywhere."""
    side = max(empty.shape)
    sigma, step = side / 100, max(round(side / 150), 2)
    ratio = values / np.maximum(model, 8)
    brightness = ratio.mean(-1)
    has_hue = np.abs(ratio - brightness[..., None]).max(-1) < 0.06 + 6 / np.maximum(model.mean(-1), 8)
    is_smooth = _slope(values.mean(-1)) < max(1.6, 0.6 * noise) * 768 / max(side, 300)
    if never is not None:
        has_hue &= ~never
    allowed = has_hue & is_smooth & (brightness > 0.4) & (brightness < 1.15)
    tolerance = max(FLOOR, 1.6 * noise)
    for _ in range(GROWTH_ROUNDS):
        near = cv2.dilate(empty.astype(np.uint8), _disc(step)) > 0
        candidate = allowed & near & ~empty
        local = _spread(values, empty, sigma)
        candidate &= np.abs(values - local).max(-1) < tolerance
        grown = empty | candidate
        if candidate.sum() < 2e-5 * empty.size:
            break
        empty = grown
    # The slope test stops short of every edge: the last pixels are judged by colour alone.
    local = _spread(values, empty, sigma / 2)
    close = np.abs(values - local).max(-1) < tolerance
    for _ in range(EDGE_PX):
        near = cv2.dilate(empty.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        empty = empty | (near & close & has_hue)
    local, trust = _spread(values, empty, sigma), np.clip(_share(empty, sigma) / 0.05, 0, 1)[..., None]
    return empty, trust * local + (1 - trust) * model


def _shaded(values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    ratio = values / np.maximum(colours, 8)
    brightness = ratio.mean(-1)
    has_hue = np.abs(ratio - brightness[..., None]).max(-1) < 0.06
    return has_hue & (brightness > 0.15) & (brightness < 1.02) & (_slope(values.mean(-1)) < 7.0)


def _slope(grey: np.ndarray) -> np.ndarray:
    """Grey levels per pixel."""
    return np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(grey, cv2.CV_32F, 0, 1) / 8)


def _spread(values: np.ndarray, where: np.ndarray, sigma: float) -> np.ndarray:
    """Mean colour of the marked pixels nearby."""
    total = _share(where, sigma)[..., None]
    return cv2.blur(values * where[..., None].astype(np.float32), _window(sigma)) / np.maximum(total, 1e-5)


def _share(where: np.ndarray, sigma: float) -> np.ndarray:
    """How much of the neighbourhood is marked, 0..1."""
    return cv2.blur(where.astype(np.float32), _window(sigma))


def _window(sigma: float) -> tuple[int, int]:
    """A box about as wide as a Gaussian of that sigma."""
    return (2 * round(1.7 * sigma) + 1,) * 2


def cut_from_backdrop(backdrop: Backdrop, skeleton: SkeletonMasks, probability: np.ndarray) -> np.ndarray:
    """Hard mask bool [H,W] of the character."""
    unit = max(round(max(backdrop.empty.shape) / 300), 1)
    solid = cv2.morphologyEx((~backdrop.empty).astype(np.uint8), cv2.MORPH_CLOSE, _disc(unit)) > 0
    filled = _fill_holes(solid, backdrop)
    whole = keep_main_parts(filled, skeleton, probability)
    without_shadow = whole & ~floor_shadow(whole, backdrop, skeleton, probability)
    opened = cv2.morphologyEx(without_shadow.astype(np.uint8), cv2.MORPH_OPEN, _disc(unit))
    return keep_main_parts(opened > 0, skeleton, probability)


def floor_shadow(mask: np.ndarray, backdrop: Backdrop, skeleton: SkeletonMasks, probability: np.ndarray) -> np.ndarray:
    """The part of a mask that is a shadow on the floor: shaded backdrop in its lowest quarter, open to the outside."""
    rows = np.flatnonzero(mask.any(1))
    if not len(rows):
        return np.zeros_like(mask)
    floor = np.zeros_like(mask)
    floor[int(rows[-1] - FLOOR_SHARE * (rows[-1] - rows[0])) :] = True
    candidate = (mask & floor & backdrop.shaded & (probability < 0.75) & (skeleton.bones == 0)).astype(np.uint8)
    candidate = cv2.morphologyEx(candidate, cv2.MORPH_OPEN, _disc(1)) > 0
    count, labels = cv2.connectedComponents((candidate | (~mask & floor)).astype(np.uint8))
    outside = np.bincount(labels[~mask & floor], minlength=count) > 0
    outside[0] = False
    return candidate & outside[labels]


def backdrop_alpha(picture: np.ndarray, backdrop: Backdrop, mask: np.ndarray) -> np.ndarray:
    """Soft alpha float32 [H,W]: how far each pixel of the edge lies on the way from backdrop to the character's colour."""
    radius = max(round(max(mask.shape) / 350), 2)
    core = cv2.erode(mask.astype(np.uint8), _disc(radius), borderValue=1) > 0
    far = cv2.dilate(mask.astype(np.uint8), _disc(radius - 1)) == 0
    values = picture.astype(np.float32)
    own = _spread(values, core, 1.5 * radius)
    total = _share(core, 1.5 * radius)
    line = own - backdrop.colours
    length = (line**2).sum(-1)
    along = ((values - backdrop.colours) * line).sum(-1) / np.maximum(length, 1.0)
    # Where the core is far or as pale as the backdrop the line says nothing: keep the mask, softened by a pixel.
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    trust = np.clip((np.sqrt(length) - 25) / 35, 0, 1) * np.clip(total / 0.02, 0, 1)
    alpha = trust * along.clip(0, 1) + (1 - trust) * soft
    # outlines are neither backdrop nor the colour inside: what differs much from the backdrop is solid inside the mask
    difference = np.abs(values - backdrop.colours).max(-1)
    alpha = np.maximum(alpha, np.clip((difference - 30) / 50, 0, 1) * soft)
    alpha[core], alpha[far] = 1, 0
    return alpha.clip(0, 1).astype(np.float32)


def keep_main_parts(mask: np.ndarray, skeleton: SkeletonMasks, probability: np.ndarray) -> np.ndarray:
    """The largest part and every part of some size that the skeleton or the segmentation claims."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    claimed = np.bincount(labels[(skeleton.bones > 0) | (probability > 0.6)], minlength=count)[1:]
    score = areas * (1.0 + 4.0 * (claimed > 0.05 * areas))
    main = 1 + int(np.argmax(score))
    kept = [
        index
        for index in range(1, count)
        if index == main or (areas[index - 1] > 0.003 * areas[main - 1] and claimed[index - 1] > 0.15 * areas[index - 1])
    ]
    return np.isin(labels, kept)


def _terms(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width - 0.5, y / height - 0.5
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)


def _fill_holes(mask: np.ndarray, backdrop: Backdrop) -> np.ndarray:
    """Fills enclosed areas, except large ones that show the backdrop (between arm and body).

    An outline drawing is mostly enclosed paper: there everything enclosed is filled.
    """
    outside = cv2.copyMakeBorder((~mask).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    labels = labels[1:-1, 1:-1]
    open_labels = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    enclosed = ~np.isin(labels, open_labels) & ~mask
    is_outline_drawing = enclosed.sum() > 0.7 * mask.sum()
    if is_outline_drawing:
        return mask | enclosed
    filled = mask.copy()
    for index in range(1, count):
        inside = (labels == index) & enclosed
        area = int(inside.sum())
        if area and (area < 4e-4 * mask.size or backdrop.empty[inside].mean() < 0.8):
            filled |= inside
    return filled


def _border(shape: tuple[int, int]) -> np.ndarray:
    band = max(4, round(max(shape) * BORDER_SHARE))
    border = np.zeros(shape, bool)
    border[:band] = border[:, :band] = border[:, -band:] = True
    border[-band:] = True
    return border


def _connected_to(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Parts of a mask that reach the seeds, and enclosed parts large enough to be seen through."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    touched = np.bincount(labels[seeds & mask], minlength=count) > 0
    large = stats[:, cv2.CC_STAT_AREA] > 4e-4 * mask.size
    keep = touched | large
    keep[0] = False
    return keep[labels]


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
