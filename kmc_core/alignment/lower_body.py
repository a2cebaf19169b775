"""Lower bodies that cannot be parted into legs (a long coat over short legs), and pieces that hang loose: they stay whole.

Not here: the labels of ordinary figures (part_model.py). Called by prepared_view.py once per view.
Changes a part model's labels in place.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import SubjectView
from .capsules import disc, distance_to_segment, pixel_centres
from .mesh import skirt_rows
from .part_model import BODY_PARTS, L_ARM, L_LEG, LEG_RADII, LIMB_JOINTS, R_ARM, R_LEG, TORSO, PartModel
from .pieces import separate_pieces
from .profile import hem_row, in_profile

FAR_FROM_A_LEG = 1.5  # usual half-widths of a leg beyond which there is cloth
CLOTH_SHARE = 0.3  # of what counts as legs that lies so far out
TOUCHING_SHARE = 0.4  # of the rows of both legs in which they touch
LOOSE_SHARE = 0.02  # of the character's area: a larger separate piece is no splinter


def keep_coat_whole(view: SubjectView, model: PartModel) -> bool:
    """Give both legs to the trunk where they cannot be told from the cloth over them -> whether that was done.

    So it is where much of the "legs" lies far from the legs' bones, both touch, and no skirt over upright legs (which has
    weights of its own) explains it: a rig guessed through a coat would tear it along lines that mean nothing.
    """
    left, right = model.labels == L_LEG, model.labels == R_LEG
    rows = left.any(1) & right.any(1)
    if not rows.any() or skirt_rows(view, model).any():
        return False
    touching = ((cv2.dilate(left.astype(np.uint8), np.ones((1, 5), np.uint8)) > 0) & right).any(1)[rows]
    centres = pixel_centres(*view.canvas)
    far, legs = 0, int(left.sum() + right.sum())
    for part, own in ((L_LEG, left), (R_LEG, right)):
        chain = view.joints[list(LIMB_JOINTS[part]), :2].astype(np.float64)
        points = centres[own]
        outside = np.ones(len(points), bool)
        for bone, usual in enumerate(LEG_RADII):
            distance = distance_to_segment(points, chain[bone], chain[bone + 1])[0]
            outside &= distance > FAR_FROM_A_LEG * usual * view.torso_px
        far += int(outside.sum())
    if touching.mean() < TOUCHING_SHARE or far < CLOTH_SHARE * legs:
        return False
    model.labels[left | right] = TORSO
    return True


def keep_skirt_whole_in_profile(view: SubjectView, model: PartModel) -> None:
    """Give a skirt or coat seen from the side to the trunk, down to its hem: one leg alone would carry all of it."""
    if not in_profile(view):
        return
    hem = hem_row(view, np.isin(model.labels, (TORSO, L_LEG, R_LEG)), np.isin(model.labels, (L_ARM, R_ARM)))
    if hem is not None:
        above = model.labels[:hem]
        above[(above == L_LEG) | (above == R_LEG)] = TORSO


def join_loose_pieces(view: SubjectView, model: PartModel) -> None:
    """Small separate pieces of a part, away from its bones, go with the part they touch, else with the nearest one."""
    labels = model.labels
    area = int((labels >= 0).sum())
    if not area:
        return
    pieces = []
    for separate in separate_pieces(labels, BODY_PARTS):
        if separate.area < LOOSE_SHARE * area:
            piece = separate.component == separate.index
            if not _on_bones(view, separate.part, piece):
                pieces.append(piece)
    anchored = labels >= 0
    for piece in pieces:
        anchored &= ~piece
    for piece in pieces:
        owner = _neighbour(labels, anchored, piece)
        if owner is not None:
            labels[piece] = owner


def _on_bones(view: SubjectView, part: int, piece: np.ndarray) -> bool:
    """Whether a bone of a limb runs through a piece; of trunk and head no piece is an outpost."""
    if part not in LIMB_JOINTS:
        return False
    chain = view.joints[list(LIMB_JOINTS[part]), :2]
    steps = np.concatenate([np.linspace(chain[bone], chain[bone + 1], 40) for bone in range(3)])
    column, row = np.floor(steps).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < piece.shape[1]) & (row < piece.shape[0])
    return bool(piece[row[inside], column[inside]].any())


def _neighbour(labels: np.ndarray, anchored: np.ndarray, piece: np.ndarray) -> int | None:
    """The part with the longest common border, else that of the nearest pixel that is not itself loose."""
    y, x = np.nonzero(piece)
    window = (slice(max(0, y.min() - 2), y.max() + 3), slice(max(0, x.min() - 2), x.max() + 3))
    near = piece[window]
    ring = (cv2.dilate(near.astype(np.uint8), disc(2)) > 0) & ~near & anchored[window]
    if ring.any():
        return int(np.bincount(labels[window][ring]).argmax())
    if not anchored.any():
        return None
    rows, columns = np.nonzero(anchored)
    nearest = np.hypot(columns - x.mean(), rows - y.mean()).argmin()
    return int(labels[rows[nearest], columns[nearest]])
