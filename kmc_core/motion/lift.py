"""A driver's scene lifted into 3-D canvas pixels: joints, their confidence, pixels per metre, bone lengths.

Not here: the character (proportions.py onwards). Called by retarget.py, once per scene between two cuts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..pose.expression import canonical_face
from ..pose.skeleton_layouts import NECK, rig_joints
from ..subject.rig import (
    OUTER_EYE_DISTANCE_M,
    bone_confidence,
    bone_lengths,
    equalise_sides,
    joint_confidence,
    pixels_per_metre,
)
from ..types import Canvas

SCALE_SIGMA_FRAMES = 8.0
DEPTH_SIGMA_FRAMES = 2.5
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

    reference: slice of the frames the driver starts from. presence [19]: mean confidence over the scene.
    head_scale [T]: px per outer-eye distance of the face, 0 where no face was ever seen.
    """

    joints: np.ndarray
    confidence: np.ndarray
    scale: np.ndarray
    lengths: np.ndarray
    presence: np.ndarray
    head_scale: np.ndarray
    reference: slice

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


def lift_scene(scene: Scene) -> LiftedMotion:
    """Lift BlazePose's picture and world points to 3-D pixels.

    x and y are the picture's own, z = world z times the pixels per metre, so angles in the picture stay exactly the
    driver's. Lengths are medians over the scene with a noise floor, left and right averaged.
    """
    points = rig_joints(scene.body.astype(np.float64))
    world = rig_joints(scene.body_world.astype(np.float64))
    trusted = joint_confidence(scene.body, scene.body_confidence, scene.canvas).astype(np.float64)
    presence = trusted.mean(0)
    head_scale = _head_scale(scene)

    scale = pixels_per_metre(points, world, presence)
    if presence[NECK] < SEEN and head_scale.any():
        scale = head_scale / OUTER_EYE_DISTANCE_M
    scale = smooth_over_time(scale, SCALE_SIGMA_FRAMES)
    depth = smooth_over_time(world[..., 2], DEPTH_SIGMA_FRAMES) * scale[:, None]
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
        reference_frames(scene.frame_count),
    )


def _head_scale(scene: Scene) -> np.ndarray:
    """Px per outer-eye distance [T]; frames without a face take the nearest seen value, 0 without any."""
    seen = np.flatnonzero(scene.face_confidence > 0)
    if not len(seen):
        return np.zeros(scene.frame_count)
    scale = canonical_face(scene.face, scene.face_confidence).scale.astype(np.float64)
    return np.interp(np.arange(scene.frame_count), seen, scale[seen])


def _trusted_median(values: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Median over time [18] of the frames that were seen (all frames where a bone never was), left and right averaged."""
    lengths = np.empty(values.shape[1])
    for bone in range(values.shape[1]):
        seen = confidence[:, bone] > SEEN
        lengths[bone] = np.median(values[seen, bone] if seen.sum() >= 3 else values[:, bone])
    return np.maximum(equalise_sides(lengths, confidence.mean(0))[0], 1e-4)
