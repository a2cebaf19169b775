"""The retargeted motion as keypoints on the subject's canvas, so that it can be drawn and exported like a tracked one.

Not here: retargeting itself. Called by retarget.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HEAD, LEFT_ARM, RIGHT_ARM
from ..types import SubjectLibrary
from .lift import LiftedMotion, Scene
from .proportions import eye_distance_px, palm_px

# the rig joint every BlazePose point hangs on
ATTACHED_TO = np.array(
    [2] * 11 + [3, 7, 4, 8, 5, 9, 6, 10, 6, 10, 6, 10, 11, 15, 12, 16, 13, 17, 13, 17, 14, 18]
)  # fmt: skip


class CanvasKeypoints(NamedTuple):
    """body [T,33,2], body_confidence [T,33], body_world [T,33,3] m, hands [T,2,21,3], face [T,478,3] in canvas px."""

    body: np.ndarray
    body_confidence: np.ndarray
    body_world: np.ndarray
    hands: np.ndarray
    face: np.ndarray


def keypoints_on_canvas(
    scene: Scene,
    lifted: LiftedMotion,
    subject: SubjectLibrary,
    joints: np.ndarray,
    scale: np.ndarray,
    follow: np.ndarray,
    hands: np.ndarray,
    px_per_metre: float,
    turn: np.ndarray,
) -> CanvasKeypoints:
    """Hang BlazePose's extra points, hands and face on the retargeted rig.

    joints [T,19,3] canvas px, scale [T], follow [T,19]: how far a joint follows the driver (else the picture's own),
    hands [T,2,21,3] palm lengths, turn [T,3,3].
    """
    view = subject.primary_view
    ratio = px_per_metre * scale / lifted.scale
    head_ratio = _head_ratio(subject, lifted, scale, ratio)
    per_point = np.where(ATTACHED_TO == HEAD, head_ratio[:, None], ratio[:, None])

    depth = scene.body_world[..., 2:].astype(np.float64) * lifted.scale[:, None, None]
    points = np.concatenate([scene.body.astype(np.float64), depth], axis=-1)
    offset = np.einsum("tij,tnj->tni", turn, points - lifted.joints[:, ATTACHED_TO]) * per_point[..., None]
    own_offset = (view.keypoints.body - view.joints[ATTACHED_TO, :2])[None] * scale[:, None, None]
    weight = follow[:, ATTACHED_TO, None]
    body = joints[:, ATTACHED_TO, :2] + weight * offset[..., :2] + (1 - weight) * own_offset
    own_confidence = view.joint_confidence[ATTACHED_TO][None]
    confidence = weight[..., 0] * scene.body_confidence + (1 - weight[..., 0]) * own_confidence

    wrists = joints[:, [LEFT_ARM[2], RIGHT_ARM[2]]].copy()
    wrists[..., 2] = 0.0
    on_hands = wrists[:, :, None] + hands * (palm_px(subject.primary_view) * scale)[:, None, None, None]

    face = scene.face.astype(np.float64)
    face[..., :2] -= lifted.joints[:, None, HEAD, :2]
    face = np.einsum("tij,tnj->tni", turn, face) * head_ratio[:, None, None]
    face[..., :2] += joints[:, None, HEAD, :2]
    world = np.einsum("tij,tnj->tni", turn, scene.body_world)
    return CanvasKeypoints(*(part.astype(np.float32) for part in (body, confidence, world, on_hands, face)))


def _head_ratio(subject: SubjectLibrary, lifted: LiftedMotion, scale: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Canvas px per driver px at the head [T]: by the faces' sizes where both have one, else as the body."""
    eyes = eye_distance_px(subject)
    if eyes <= 0 or not lifted.head_scale.any():
        return ratio
    return eyes * scale / np.maximum(lifted.head_scale, 1e-3)
