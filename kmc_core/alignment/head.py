"""The head turns in three dimensions: depth for a flat picture's head, long hair that follows the shoulders.

Not here: expressions (face.py). Called by prepared_view.py once per view and by deform.py every frame.
Depth comes from the 478-point face mesh and falls back behind its rim; orthographic rotation about the head joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pose.skeleton_layouts import HEAD
from ..types import SubjectView
from .capsules import distance_to_segment, smoothstep, unit
from .part_model import PartModel, has_face

NEIGHBOURS = 6
FALL_BACK = 0.45  # px of depth per px outside the face
OUTLINE = 0.8  # share by which the outline of a round head stays where it is while the head turns


@dataclass(frozen=True)
class HeadModel:
    """How the vertices [N] of the head's layer move.

    pivot         [2] px, the head joint in the picture
    depth         [N] px relative to the ears' plane, negative = nearer
    trailing      [N] share of the torso's movement (hair below the chin)
    outline       [N] share by which turns and nods do not move a vertex: what lies at the rim turns out of sight and is
                  followed by what looks the same
    face_index    [N,6] nearest face points; face_share [N,6] how much of their displacement is followed (0 far away)
    """

    pivot: np.ndarray
    depth: np.ndarray
    trailing: np.ndarray
    outline: np.ndarray
    face_index: np.ndarray
    face_share: np.ndarray


def build_head(view: SubjectView, model: PartModel, vertices: np.ndarray) -> HeadModel:
    """Head model for the vertices [N,2] of the head's mesh."""
    pivot = view.joints[HEAD, :2].astype(np.float64)
    up = unit(model.head_end - model.head_start)
    below_chin = (model.head_start - vertices) @ up - 0.75 * model.head_radius
    trailing = 0.85 * smoothstep(0.12 * view.torso_px, 0.7 * view.torso_px, below_chin)
    if not has_face(view):
        distance = distance_to_segment(vertices, model.head_start, model.head_end)[0] / (1.15 * model.head_radius)
        dome = -0.8 * np.sqrt(np.maximum(0, 1 - distance**2)) * model.head_radius + 0.35 * model.head_radius
        nobody = np.zeros((len(vertices), NEIGHBOURS))
        return HeadModel(pivot, dome, trailing, np.zeros(len(vertices)), nobody.astype(np.int64), nobody)
    face = view.keypoints.face[:468].astype(np.float64)
    squared = ((vertices[:, None] - face[None, :, :2]) ** 2).sum(-1)
    index = np.argsort(squared, axis=1, kind="stable")[:, :NEIGHBOURS]
    share = 1 / (np.take_along_axis(squared, index, 1) + 4)
    share /= share.sum(1, keepdims=True)
    outside = _outside(vertices, face[:, :2])
    cell = 8.0 * max(view.canvas) / 768
    reach = np.maximum(cell, 0.6 * outside)[:, None]  # far away more points decide, or the nearest one's change makes folds
    weight = np.exp((squared.min(1, keepdims=True) - squared) / (2 * reach**2))
    depth = weight @ face[:, 2] / weight.sum(1) - ear_plane(view) + outside * FALL_BACK
    depth = np.clip(depth, -2 * model.head_radius, 0.6 * model.head_radius)
    follow = 1 - smoothstep(0.1 * model.head_radius, 0.55 * model.head_radius, outside)
    above_chin = smoothstep(0.0, 0.8 * model.head_radius, (vertices - model.head_start) @ up)  # beside the jaw is the neck
    outline = OUTLINE * above_chin * smoothstep(0.05 * model.head_radius, 0.6 * model.head_radius, outside)
    return HeadModel(pivot, depth, trailing, outline, index, share * follow[:, None])


def _outside(vertices: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Distance of vertices [N,2] from the hull of the face's points [P,2], 0 inside -> [N]."""
    hull = cv2.convexHull(face.astype(np.float32))
    return np.array([max(0.0, -cv2.pointPolygonTest(hull, (float(x), float(y)), True)) for x, y in vertices])


def ear_plane(view: SubjectView) -> float:
    """Depth of the plane through both sides of the face, px, in the face mesh's own z."""
    return float(view.keypoints.face[[234, 454], 2].mean())


def turn_head(points: np.ndarray, depth: np.ndarray, pivot: np.ndarray, rotation: np.ndarray, scale: float) -> np.ndarray:
    """Rotate picture points [N,2] with depths [N] about the pivot -> offsets [N,3] from the target's head joint, px."""
    return np.column_stack([points - pivot, depth]) @ rotation.T * scale


def turn_round_head(
    head: HeadModel, points: np.ndarray, depth: np.ndarray, rotation: np.ndarray, scale: float
) -> np.ndarray:
    """`turn_head` for the head's own vertices [N,2]: the outline follows the roll alone."""
    turned = turn_head(points, depth, head.pivot, rotation, scale)
    still = turn_head(points, np.zeros(len(points)), head.pivot, _split(rotation)[2], scale)
    turned[:, :2] += head.outline[:, None] * (still - turned)[:, :2]
    return turned


def limited_rotation(rotation: np.ndarray, limit: float = 0.75) -> np.ndarray:
    """Cap yaw and pitch of a rotation [3,3] (x right, y down, z away) at `limit` radians; roll is kept."""
    yaw, pitch, roll_only = _split(rotation)
    if max(abs(yaw), abs(pitch)) <= limit:
        return rotation
    return yaw_rotation(np.clip(yaw, -limit, limit)) @ _pitch(np.clip(pitch, -limit, limit)) @ roll_only


def _split(rotation: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Yaw, pitch (radians) of a rotation [3,3] and what is left of it when both are undone: the roll [3,3]."""
    forward = -rotation[:, 2]  # where the face looks
    yaw = float(np.arctan2(forward[0], -forward[2]))
    pitch = float(np.arctan2(forward[1], np.hypot(forward[0], forward[2])))
    return yaw, pitch, _pitch(pitch).T @ yaw_rotation(yaw).T @ rotation


def yaw_rotation(angle: float) -> np.ndarray:
    """Turn towards the picture's right by `angle` radians -> [3,3]."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])


def _pitch(angle: float) -> np.ndarray:
    """Look down by `angle` radians -> [3,3]; takes the viewing direction (0,0,-1) to (0, sin, -cos)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
