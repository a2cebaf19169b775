"""A driver's scene lifted into 3-D canvas pixels: joints, their confidence, pixels per metre, bone lengths.

Not here: the character (proportions.py onwards). Called by retarget.py, once per scene between two cuts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..pose.expression import canonical_face
from ..pose.skeleton_layouts import FACE_OVAL, NECK, rig_joints
from ..subject.rig import (
    OUTER_EYE_DISTANCE_M,
    bone_confidence,
    bone_lengths,
    equalise_sides,
    joint_confidence,
    pixels_per_metre,
)
from ..types import Canvas
from .perspective import estimate_nearness, flattened_scene

SCALE_SIGMA_FRAMES = 8.0
DEPTH_SIGMA_FRAMES = 1.8
CONFIDENCE_SIGMA_FRAMES = 2.5
SEEN = 0.4
REFERENCE_SHARE = 8  # the first eighth of a scene tells where the driver starts from


@dataclass(frozen=True)
class Scene:
    """The arrays of a HolisticMotion between two cuts, already free of camera motion where it is followed separately."""

    canvas: Canvas
    body: np.ndarray
    body_confidence: np.ndarray
    body_world: np.ndarray
    hands: np.ndarray
    hands_confidence: np.ndarray
    face: np.ndarray
    face_confidence: np.ndarray

    @property
    def frame_count(self) -> int:
        return len(self.body)


@dataclass(frozen=True)
class LiftedMotion:
    """joints [T,19,3] px (z away from the camera), confidence [T,19], scale [T] px per metre, lengths [18] metres.

    All as seen from very far away: nearness is the inverse focal length in 1/px that was taken out (perspective.py), scene
    the keypoints without it. reference: slice of the frames the driver starts from. presence [19]: mean confidence over the scene.
    head_scale [T]: px per outer-eye distance of the face, 0 where no face was ever seen; head_oval: size of the face's oval in
    outer-eye distances.
    """

    joints: np.ndarray
    confidence: np.ndarray
    scale: np.ndarray
    lengths: np.ndarray
    presence: np.ndarray
    head_scale: np.ndarray
    head_oval: float
    reference: slice
    scene: Scene
    nearness: float

    @property
    def frame_count(self) -> int:
        return len(self.joints)

    @property
    def relative_scale(self) -> np.ndarray:
        """Size of the driver in the picture against the reference frames [T]."""
        return self.scale / self.scale[self.reference].mean()


def smooth_over_time(values: np.ndarray, sigma_frames: float) -> np.ndarray:
    """Zero-phase Gaussian along the first axis; ends are held."""
    if len(values) < 2:
        return values
    return gaussian_filter1d(values, sigma_frames, axis=0, mode="nearest")


def reference_frames(frame_count: int) -> slice:
    """The frames a scene starts from: the first eighth, at least three where there are three."""
    return slice(0, min(frame_count, max(3, frame_count // REFERENCE_SHARE)))


def lift_scene(scene: Scene, near: bool = True) -> LiftedMotion:
    """Lift BlazePose's picture and world points to 3-D pixels.

    x and y are the picture's own without its perspective (near False: with it), z = world z times the pixels per metre.
    Lengths are medians over the scene with a noise floor, left and right averaged.
    """
    world = rig_joints(scene.body_world.astype(np.float64))
    trusted = joint_confidence(scene.body, scene.body_confidence, scene.canvas).astype(np.float64)
    presence = trusted.mean(0)
    depth_m = smooth_over_time(scene.body_world[..., 2].astype(np.float64), DEPTH_SIGMA_FRAMES)
    points = rig_joints(scene.body.astype(np.float64))
    portrait = presence[NECK] < SEEN
    nearness = 0.0
    if near and not portrait:
        scale = _body_scale(points, world, presence)
        nearness = estimate_nearness(points, world, presence, scale, scene.canvas)
        depth = depth_m * scale[:, None]
        scene = flattened_scene(scene, depth, depth[:, [7, 8]].mean(1), nearness)
        points = rig_joints(scene.body.astype(np.float64))
    head_scale, head_oval = _head_size(scene)
    if portrait and head_scale.any():
        scale = smooth_over_time(head_scale / OUTER_EYE_DISTANCE_M, SCALE_SIGMA_FRAMES)
    else:
        scale = _body_scale(points, world, presence)
    depth = rig_joints(depth_m[..., None])[..., 0] * scale[:, None]
    joints = np.concatenate([points, depth[..., None]], axis=-1)

    per_frame = bone_lengths(joints) / scale[:, None]
    lengths = _trusted_median(per_frame, bone_confidence(trusted))
    return LiftedMotion(
        joints,
        smooth_over_time(trusted, CONFIDENCE_SIGMA_FRAMES),
        scale,
        lengths,
        presence,
        head_scale,
        head_oval,
        reference_frames(scene.frame_count),
        scene,
        nearness,
    )


def _body_scale(points: np.ndarray, world: np.ndarray, presence: np.ndarray) -> np.ndarray:
    return smooth_over_time(pixels_per_metre(points, world, presence), SCALE_SIGMA_FRAMES)


def _head_size(scene: Scene) -> tuple[np.ndarray, float]:
    """Px per outer-eye distance [T]; frames without a face take the nearest seen value, 0 without any. Size of the oval."""
    seen = np.flatnonzero(scene.face_confidence > 0)
    if not len(seen):
        return np.zeros(scene.frame_count), 1.0
    face = canonical_face(scene.face, scene.face_confidence)
    scale = np.interp(np.arange(scene.frame_count), seen, face.scale[seen].astype(np.float64))
    return scale, oval_size(np.median(face.points[seen], axis=0))


def oval_size(points: np.ndarray) -> float:
    """Mean of width and height of a canonical face's oval [478,3], in outer-eye distances."""
    return float(np.ptp(points[list(FACE_OVAL), :2], axis=0).mean())


def _trusted_median(values: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Median over time [18] of the frames that were seen (all frames where a bone never was), left and right averaged."""
    lengths = np.empty(values.shape[1])
    for bone in range(values.shape[1]):
        seen = confidence[:, bone] > SEEN
        lengths[bone] = np.median(values[seen, bone] if seen.sum() >= 3 else values[:, bone])
    return np.maximum(equalise_sides(lengths, confidence.mean(0))[0], 1e-4)
