"""Cuts a character out of a busy picture: segmentation and skeleton as seeds, colours decide the rest.

Not here: uniform backdrops (backdrop_cutout.py), soft edges (closed_form_matting.py). Called by picture_matte.py.
Source: GrabCut (Rother, Kolmogorov, Blake 2004), seeded by the selfie segmentation.
"""

from __future__ import annotations

import cv2
import numpy as np

from .backdrop_cutout import keep_main_parts
from .body_capsules import SkeletonMasks

SURE, LIKELY, UNLIKELY, NEVER = 0.95, 0.5, 0.1, 0.03
ITERATIONS = 3
ADDED_LEAST, REMOVED_MOST = 0.25, 0.8
"""mean probability a piece must have to be added, and may have to be removed, by colour"""
AREA_RATIO = (0.75, 1.35)
"""how far the colours may change the segmented area before they are not believed"""


def cut_from_scene(
    picture: np.ndarray, probability: np.ndarray, skeleton: SkeletonMasks, empty: np.ndarray | None = None
) -> np.ndarray:
    """Hard mask bool [H,W] for uint8 [H,W,3]; probability float32 [H,W] of the character.

    empty: bool [H,W] where a uniform backdrop shows (backdrop_cutout.find_backdrop); it is background unless deep inside
    the segmentation, and what is not empty near the character is likelier to be its own (hats, shoes).
    """
    likely = claimed_part(probability, skeleton)
    if likely.sum() < 30:
        return likely
    seeds = _seeds(likely, probability, skeleton)
    if empty is not None:
        seeds[~empty & (seeds == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
        seeds[empty & ~certain_inside(probability, skeleton)] = cv2.GC_BGD
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        bgr = np.ascontiguousarray(picture[..., ::-1])
        cv2.setRNGSeed(0)  # its colour models start from random pixels: the same picture must give the same cut-out
        cv2.grabCut(bgr, seeds, None, background, foreground, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return likely
    found = (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)
    if skeleton.torso_px > 0:
        found = _moderated(found, likely, probability, empty)
    found = keep_main_parts(found, skeleton, probability)
    change = found.sum() / likely.sum()
    return found if AREA_RATIO[0] < change < AREA_RATIO[1] else likely


def _moderated(found: np.ndarray, likely: np.ndarray, probability: np.ndarray, empty: np.ndarray | None) -> np.ndarray:
    """Takes back whole pieces that colours added or removed against a clear verdict of the segmentation.

    A backdrop seen through, or its absence, is evidence of its own.
    """
    moderated = found.copy()
    for piece_of, limit, restored in ((found & ~likely, ADDED_LEAST, False), (likely & ~found, REMOVED_MOST, True)):
        core = cv2.morphologyEx(piece_of.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        count, labels = cv2.connectedComponents(core)
        pixels = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
        mean = np.bincount(labels.ravel(), probability.ravel(), minlength=count) / pixels
        is_wrong = mean > limit if restored else mean < limit
        if empty is not None:
            shown = np.bincount(labels.ravel(), empty.ravel(), minlength=count) / pixels
            is_wrong &= shown < 0.5 if restored else shown > 0.5
        is_wrong[0] = False
        piece = cv2.dilate(is_wrong[labels].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        moderated[piece & piece_of] = restored
    return moderated


def certain_inside(probability: np.ndarray, skeleton: SkeletonMasks) -> np.ndarray:
    """bool [H,W]: bones, and what lies deep inside a sure segmentation (which fills the gaps between arm and body)."""
    sure = (probability > SURE).astype(np.uint8)
    depth = max(int(0.07 * np.sqrt(sure.sum())), 1)
    return (cv2.erode(sure, _disc(depth), borderValue=1) > 0) | (skeleton.bones > 0)


def claimed_part(probability: np.ndarray, skeleton: SkeletonMasks) -> np.ndarray:
    """Where the segmentation says "person", bool [H,W], less the parts no bone runs through (other people)."""
    likely = probability > LIKELY
    count, labels = cv2.connectedComponents(likely.astype(np.uint8))
    touched = np.bincount(labels[skeleton.bones > 0], minlength=count)
    touched[0] = 0
    if not touched.any():
        return likely
    return np.isin(labels, np.flatnonzero(touched))


def _seeds(likely: np.ndarray, probability: np.ndarray, skeleton: SkeletonMasks) -> np.ndarray:
    """GrabCut's start: fixed where segmentation is sure and away from its own edge, open in a band round the edge."""
    extent = np.sqrt(likely.sum())
    # without a body to rely on (toys, animals, props) the segmentation's edge is only a hint
    depth, reach = (0.03, 0.06) if skeleton.torso_px > 0 else (0.06, 0.15)
    inner, outer = max(int(depth * extent), 2), max(int(reach * extent), 3)
    seeds = np.full(likely.shape, cv2.GC_BGD, np.uint8)
    near = cv2.dilate(likely.astype(np.uint8), _disc(outer)) > 0
    open_to_colour = near & (probability > NEVER) if skeleton.torso_px > 0 else near
    seeds[open_to_colour] = cv2.GC_PR_BGD
    seeds[skeleton.reach > 0] = cv2.GC_PR_BGD
    seeds[likely] = cv2.GC_PR_FGD
    seeds[cv2.erode((likely & (probability > 0.6)).astype(np.uint8), _disc(inner), borderValue=1) > 0] = cv2.GC_FGD
    seeds[skeleton.bones > 0] = cv2.GC_FGD
    return seeds


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
