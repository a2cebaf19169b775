"""A forearm for arms that point at the camera: the picture shows too little of them to stretch.

Not here: the arm's own layer (layers.py, deform.py). Called by prepared_view.py once per view and by deform.py.
A tapered, shaded cylinder in the forearm's median colour, as long as the bone really is. It replaces the picture's forearm
where the motion shows the bone from the side, and fades back where the motion foreshortens it as the picture does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import SubjectView
from .capsules import distance_to_segment, pixel_centres, smoothstep
from .layers import Layer
from .mesh import Mesh
from .part_model import LIMB_JOINTS, PartModel

SHORTEST_SHARE = 0.5  # of the bone's 3-D length that the picture must show
FOREARM = 1
BARE_CHROMA = 16.0  # Lab a/b distance up to which a forearm counts as bare skin


@dataclass(frozen=True)
class ForearmModel:
    """layer: its texture; bone [2,2] px from elbow to wrist in that texture; mesh over it."""

    layer: Layer
    bone: np.ndarray
    mesh: Mesh


def build_forearm(view: SubjectView, model: PartModel, arm: int, skin: np.ndarray | None) -> ForearmModel | None:
    """The stand-in for one arm, or None where the picture shows the forearm well or not at all. skin [3] 0..1 of the hands."""
    elbow, wrist = (view.joints[joint].astype(np.float64) for joint in LIMB_JOINTS[arm][FOREARM : FOREARM + 2])
    length = float(np.linalg.norm(wrist - elbow))
    confidence = view.joint_confidence[list(LIMB_JOINTS[arm][FOREARM : FOREARM + 2])].min()
    if confidence < 0.4 or np.linalg.norm((wrist - elbow)[:2]) > SHORTEST_SHARE * length:
        return None
    colour = _colour(view, model, arm, elbow[:2], wrist[:2], skin)
    if colour is None:
        return None
    radius = float(np.clip(model.limb_radii[arm][FOREARM], 0.07 * view.torso_px, 0.09 * view.torso_px))
    pad = int(np.ceil(radius)) + 3
    height, width = 2 * pad, int(np.ceil(length)) + 2 * pad
    centres = pixel_centres(height, width)
    bone = np.array([[pad, pad], [pad + length, pad]], np.float64)
    distance, along = distance_to_segment(centres, bone[0], bone[1])
    thickness = radius * (1 - 0.38 * along)
    across = np.clip(distance / thickness, 0, 1)
    alpha = np.clip(thickness - distance + 0.5, 0, 1)
    shade = 0.78 + 0.27 * np.sqrt(1 - across**2)
    rgb = np.clip(colour * shade[..., None], 0, 1)
    texture = np.dstack([rgb * alpha[..., None], alpha, np.zeros_like(alpha)]).astype(np.float32)
    return ForearmModel(Layer(arm, (0, 0), texture), bone, _strip(bone, pad, 9))


def _strip(bone: np.ndarray, pad: int, columns: int) -> Mesh:
    """A 2 x columns quad strip over the whole texture."""
    x = np.linspace(0, bone[1, 0] + pad, columns)
    vertices = np.concatenate([np.stack([x, np.zeros(columns)], 1), np.stack([x, np.full(columns, 2.0 * pad)], 1)])
    first = np.arange(columns - 1)
    upper = np.stack([first, first + 1, first + columns], 1)
    lower = np.stack([first + 1, first + columns + 1, first + columns], 1)
    return Mesh(vertices, np.concatenate([upper, lower]))


def _colour(
    view: SubjectView, model: PartModel, arm: int, elbow: np.ndarray, wrist: np.ndarray, skin: np.ndarray | None
) -> np.ndarray | None:
    """Colour 0..1 of the arm around the forearm bone; a bare forearm takes the skin colour, which is not in shadow."""
    distance, _ = distance_to_segment(pixel_centres(*view.canvas), elbow, wrist)
    near = (distance < 0.8 * model.limb_radii[arm][FOREARM]) & (model.labels == arm) & (view.alpha > 0.8)
    if near.sum() < 20:
        return skin
    found = np.median(view.foreground[near], 0) / 255
    if skin is not None and np.linalg.norm((_lab(found) - _lab(skin))[1:]) < BARE_CHROMA:
        return 0.25 * found + 0.75 * skin
    return found


def _lab(colour: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colour.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]


def stand_in_share(target_elbow: np.ndarray, target_wrist: np.ndarray) -> float:
    """How far the stand-in replaces the picture's forearm, 0..1: by how much of the target bone [3],[3] is seen."""
    length = max(float(np.linalg.norm(target_wrist - target_elbow)), 1e-6)
    shown = float(np.linalg.norm((target_wrist - target_elbow)[:2])) / length
    return float(smoothstep(0.4, 0.65, np.array(shown)))
