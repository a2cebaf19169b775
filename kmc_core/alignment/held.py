"""A thing held before the body (a ball, a book) is one piece: it stays with the trunk when the arm lets go of it.

Not here: the labels themselves (part_model.py). Called by prepared_view.py once per view. By distance alone the middle of a
held thing goes to the arm and the rest to the trunk, and the first move of the hand tears it in two.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from ..types import SubjectView
from .capsules import disc, distance_to_segment, pixel_centres, polygon_mask
from .part_model import L_ARM, LIMB_JOINTS, R_ARM, TORSO, PartModel, has_face

REACH = 0.6  # torso lengths from the knuckles in which a held thing is looked for
STRANGE = 0.004  # share of a part's pixels in one of 4096 colour bins: what every part shows less of is none of them
LEAST_SIZE, LARGEST_SIZE = 0.16, 0.9  # side of a square of its area, torso lengths
SPLIT_SHARE = 0.15  # of the thing that both arm and trunk must claim
FILLED = 0.6  # of its convex hull


def keep_held_whole(view: SubjectView, model: PartModel) -> bool:
    """Give things that lie across an arm and the trunk to the trunk (model.labels in place) -> whether there were any."""
    if not has_face(view) or model.close_up:
        return False
    strange = _unlike_the_body(view, model)
    found = False
    for arm in (L_ARM, R_ARM):
        knuckles = view.joints[LIMB_JOINTS[arm][3], :2]
        near = np.linalg.norm(pixel_centres(*view.canvas) - knuckles, axis=-1) < REACH * view.torso_px
        rim = max(1, round(0.02 * view.torso_px))
        candidate = cv2.morphologyEx((strange & near & (view.alpha > 0.5)).astype(np.uint8), cv2.MORPH_CLOSE, disc(rim))
        candidate = cv2.morphologyEx(candidate, cv2.MORPH_OPEN, disc(2 * rim))
        count, piece = cv2.connectedComponents(candidate)
        for index in range(1, count):
            thing = piece == index
            if _is_held(thing, view, model, arm):
                model.labels[(_hull(thing) > 0) & (model.labels == arm)] = TORSO
                found = True
    return found


def _unlike_the_body(view: SubjectView, model: PartModel) -> np.ndarray:
    """Pixels of colours that neither trunk nor thighs, bare or sleeved arms nor the face show -> bool [H,W]."""
    lab = cv2.cvtColor(view.foreground, cv2.COLOR_RGB2LAB).astype(np.int64) // 16
    bins = (lab[..., 0] * 16 + lab[..., 1]) * 16 + lab[..., 2]
    centres, solid = pixel_centres(*view.canvas), view.alpha > 0.8
    knuckles = [view.joints[LIMB_JOINTS[arm][3], :2] for arm in (L_ARM, R_ARM)]
    far = np.min([np.linalg.norm(centres - place, axis=-1) for place in knuckles], axis=0) > REACH * view.torso_px
    face = polygon_mask(view.canvas, view.keypoints.face[[10, 338, 454, 152, 234, 109], :2]) > 0
    cores = [face & solid, (model.labels == TORSO) & solid & far]
    for limb, chain in LIMB_JOINTS.items():
        ends = (0, 1) if limb in (L_ARM, R_ARM) else (0, 2)
        distance = distance_to_segment(centres, view.joints[chain[ends[0]], :2], view.joints[chain[ends[1]], :2])[0]
        cores.append((distance < 0.6 * model.limb_radii[limb][0]) & solid & (model.labels == limb) & far)
    strange = np.ones(view.canvas, bool)
    for core in cores:
        if core.sum() < 30:
            continue
        counts = gaussian_filter(np.bincount(bins[core], minlength=4096).reshape(16, 16, 16).astype(np.float32), 0.8).ravel()
        strange &= (counts / counts.sum() < STRANGE)[bins]
    return strange


def _hull(mask: np.ndarray) -> np.ndarray:
    """Filled convex hull of a mask -> uint8 [H,W]."""
    rows, columns = np.nonzero(mask)
    hull = cv2.convexHull(np.stack([columns, rows], 1).astype(np.int32))
    filled = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(filled, hull, 1)
    return filled


def _is_held(thing: np.ndarray, view: SubjectView, model: PartModel, arm: int) -> bool:
    """Large and compact enough, and torn between an arm and the trunk."""
    area = float(thing.sum())
    if not LEAST_SIZE < np.sqrt(area) / view.torso_px < LARGEST_SIZE or area < FILLED * _hull(thing).sum():
        return False
    owners = model.labels[thing]
    return min((owners == arm).mean(), (owners == TORSO).mean()) > SPLIT_SHARE
