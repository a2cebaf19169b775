"""Skirts and dresses over bare legs hang from the hips as one cloth: legs move beneath them instead of tearing them.

Not here: where cloth closes the gap between two legs (mesh.skirt_rows) and the torso's own movement (deform.py). Called by
prepared_view.py once per view, by layers.py for what the legs show beneath the hem, by deform.py every frame.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ..pose.skeleton_layouts import PELVIS
from ..types import SubjectView
from .capsules import distance_to_segment, pixel_centres, smoothstep, unit
from .mesh import leg_line, skirt_rows
from .part_model import L_LEG, LIMB_JOINTS, R_LEG, TORSO, PartModel

OTHER_COLOUR = 14.0  # Lab distance between the cloth and the legs below it
HEM_BAND = 0.1  # torso lengths about the lowest closed row in which the colour says what is cloth
LEG_BENEATH = 0.25  # torso lengths that a leg continues beneath the hem
LEAST_PIXELS = 40
FOLLOWS_LEGS = 0.4  # share of the legs' movement in the hem's, legs upright; all of it once they are raised
RAISED = (0.25, 0.6)  # share of a thigh's length lost to foreshortening


class Skirt(NamedTuple):
    """hem: its row in the picture; beneath: leg -> where it continues under the cloth, bool [H,W]."""

    hem: float
    beneath: dict[int, np.ndarray]


class SkirtWeights(NamedTuple):
    """For the vertices [N] of the trunk: hang 0 (waist) .. 1 (hem); left [N] share of the left leg; below_knee [N]."""

    hang: np.ndarray
    left: np.ndarray
    below_knee: np.ndarray


def cut_skirt(view: SubjectView, model: PartModel) -> Skirt | None:
    """Give the cloth over both legs to the trunk (model.labels in place); None where there is none, or legs of its colour."""
    rows = np.flatnonzero(skirt_rows(view, model) > 0.5)
    torso = view.torso_px
    if not len(rows):
        return None
    hem, band = float(rows.max()), HEM_BAND * torso
    legs = (model.labels == L_LEG) | (model.labels == R_LEG)
    y = np.arange(view.canvas.height)[:, None] + 0.5
    lab = cv2.cvtColor(view.foreground, cv2.COLOR_RGB2LAB).astype(np.float32)
    cloth = legs & (y < hem - band)
    bare = legs & (y > hem + band) & (y < hem + 4 * band)
    if cloth.sum() < LEAST_PIXELS or bare.sum() < LEAST_PIXELS:
        return None
    of_cloth, of_legs = np.median(lab[cloth], 0), np.median(lab[bare], 0)
    if np.linalg.norm(of_cloth - of_legs) < OTHER_COLOUR:
        return None
    nearer = ((lab - of_cloth) ** 2).sum(-1) < ((lab - of_legs) ** 2).sum(-1)
    nearer = cv2.medianBlur(nearer.astype(np.uint8), 5) > 0
    beneath = {leg: _beneath(view, model.labels == leg, leg, hem) for leg in (L_LEG, R_LEG)}
    if any(found is None for found in beneath.values()):
        return None
    model.labels[cloth | (legs & (np.abs(y - hem) <= band) & nearer)] = TORSO
    return Skirt(hem, {leg: found for leg, found in beneath.items() if found is not None})


def _beneath(view: SubjectView, own: np.ndarray, leg: int, hem: float) -> np.ndarray | None:
    """What a leg shows just below the hem, carried on upwards towards its hip at the same width -> bool [H,W]."""
    first, last = int(hem + HEM_BAND * view.torso_px), int(hem + 2.5 * HEM_BAND * view.torso_px)
    rows, columns = np.nonzero(own[first:last])
    if len(rows) < LEAST_PIXELS:
        return None
    radius = 0.5 * len(rows) / max(len(np.unique(rows)), 1)
    start = np.array([columns.mean() + 0.5, rows.mean() + first + 0.5])
    upwards = unit(view.joints[LIMB_JOINTS[leg][0], :2].astype(np.float64) - start)
    end = start + upwards * LEG_BENEATH * view.torso_px
    return distance_to_segment(pixel_centres(*view.canvas), start, end)[0] < radius


def skirt_weights(view: SubjectView, skirt: Skirt, vertices: np.ndarray) -> SkirtWeights:
    """How the trunk's vertices [N,2] hang; above the hips they do not."""
    waist = float(view.joints[PELVIS, 1])
    y = vertices[:, 1]
    left, right = leg_line(view, L_LEG, y), leg_line(view, R_LEG, y)
    span = left - right
    span = np.where(np.abs(span) < 4, 4 * np.sign(span + 1e-6), span)
    knees = np.mean([view.joints[LIMB_JOINTS[leg][1], 1] for leg in (L_LEG, R_LEG)])
    below = smoothstep(-0.15 * view.torso_px, 0.15 * view.torso_px, y - knees)
    hang = smoothstep(0.0, 1.0, (y - waist) / max(skirt.hem - waist, 1.0))
    return SkirtWeights(hang, smoothstep(-0.6, 1.6, (vertices[:, 0] - right) / span), below)


def following(thighs: np.ndarray, own_lengths: np.ndarray) -> float:
    """Share of the legs' movement that the hem takes. thighs [2,2] in the frame, own_lengths [2] what they would measure, px."""
    lost = 1 - np.linalg.norm(thighs, axis=1) / np.maximum(own_lengths, 1e-6)
    return FOLLOWS_LEGS + (1 - FOLLOWS_LEGS) * float(smoothstep(*RAISED, np.array(lost.max())))
