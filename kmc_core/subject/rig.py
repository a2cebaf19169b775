"""The rig of one picture: 19 joints in 3-D pixels, bone lengths, facing. Also the measures every lifted skeleton shares.

Not here: cutting the character out (library.py), judging the rig (gate.py), moving it (motion/).
Called by library.py, gate.py and motion/lift.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..pose.expression import canonical_face, head_axes, head_pose
from ..pose.skeleton_layouts import HEAD, NECK, PELVIS, RIG_BONE_PAIRS, RIG_BONES, bone_vectors, rig_joints, torso_yaw
from ..types import Canvas, PictureKeypoints

BONE_CHILD = np.array([child for child, _ in RIG_BONES])
BONE_PARENT = np.array([parent for _, parent in RIG_BONES])

# Lengths of an adult's bones in torso lengths (neck to pelvis), as BlazePose's metric skeleton has them on average.
HUMAN_PROPORTIONS = np.array(
    [1.0, 0.42, 0.33, 0.53, 0.48, 0.17, 0.33, 0.53, 0.48, 0.17, 0.21, 0.79, 0.78, 0.30, 0.21, 0.79, 0.78, 0.30]
)
HUMAN_TORSO_M = 0.50
OUTER_EYE_DISTANCE_M = 0.0889  # between landmarks 33 and 263 of MediaPipe's canonical face model
SCALE_BONES = (0, 2, 6, 10, 14, 3, 7, 11, 15)  # spine, shoulders, hips, upper arms, thighs: long, rarely hallucinated
CENTRE_BONES = (0, 1)

DEPTH_NOISE = 0.04  # a depth step below 0.2 of the bone's length in the picture is noise of the world landmarks
SEEN = 0.4
PROFILE_SINE = 0.77  # someone at 50 to 130 degrees, whose far shoulder is behind the body
AWAY, FALSE_FACE = np.radians(60.0), np.radians(45.0)  # true faces are within 20 degrees of what the body's landmarks say
OUTSIDE_FADE = (0.02, 0.10)  # confidence fades to 0 between 2 % and 10 % of the canvas outside of it


class Rig(NamedTuple):
    """joints [19,3] px, confidence [19], lengths [18] px (3-D, left/right equal), known [18], torso_px, yaw, head_yaw."""

    joints: np.ndarray
    confidence: np.ndarray
    lengths: np.ndarray
    known: np.ndarray
    torso_px: float
    yaw: float
    head_yaw: float


def joint_confidence(body: np.ndarray, visibility: np.ndarray, canvas: Canvas) -> np.ndarray:
    """How far each rig joint can be trusted, 0..1, from BlazePose visibility and the picture's bounds.

    body [...,33,2] px, visibility [...,33] -> [...,19]. BlazePose invents plausible hips and legs below a picture's
    edge and calls them visible, so a point outside the canvas fades to 0.
    """
    size = np.array([canvas.width, canvas.height], np.float64)
    outside = np.maximum(np.maximum(-body, body - size), 0.0) / size
    start, end = OUTSIDE_FADE
    inside = 1.0 - np.clip((outside.max(-1) - start) / (end - start), 0.0, 1.0)
    trusted = np.clip((visibility - 0.3) / 0.4, 0.0, 1.0) * inside
    return rig_joints(trusted[..., None])[..., 0].astype(np.float32)


def pixels_per_metre(points_px: np.ndarray, world: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Scale between picture and metric skeleton: sum of the long bones' picture lengths over their metric ones (x, y only).

    points_px [...,19,2], world [...,19,3] metres, confidence [19] -> [...]. A world skeleton without extent
    (drawn by a user) counts as an adult whose torso is HUMAN_TORSO_M.
    """
    weight = np.minimum(confidence[BONE_CHILD], confidence[BONE_PARENT])[list(SCALE_BONES)] + 0.05
    picture = np.linalg.norm(bone_vectors(points_px[..., :2]), axis=-1)[..., list(SCALE_BONES)] @ weight
    metric = np.linalg.norm(bone_vectors(world[..., :2]), axis=-1)[..., list(SCALE_BONES)] @ weight
    adult = float(HUMAN_PROPORTIONS[list(SCALE_BONES)] @ weight) * HUMAN_TORSO_M
    return np.maximum(picture, 1e-3) / np.where(metric > 0.02, metric, adult)


def bone_lengths(joints: np.ndarray) -> np.ndarray:
    """3-D lengths [...,18] of lifted joints [...,19,3] with a floor under depth noise, so that noise does not lengthen bones."""
    vectors = bone_vectors(joints)
    across = (vectors[..., :2] ** 2).sum(-1)
    return np.sqrt(across + np.maximum(vectors[..., 2] ** 2 - DEPTH_NOISE * across, 0.0))


def equalise_sides(lengths: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right bones [18] averaged by confidence squared; -> (lengths [18], best confidence of each pair [18])."""
    lengths, confidence = lengths.copy(), confidence.copy()
    for left, right in RIG_BONE_PAIRS:
        weight = np.array([confidence[left] + 1e-3, confidence[right] + 1e-3]) ** 2
        lengths[left] = lengths[right] = (lengths[left] * weight[0] + lengths[right] * weight[1]) / weight.sum()
        confidence[left] = confidence[right] = max(confidence[left], confidence[right])
    return lengths, confidence


def bone_confidence(confidence: np.ndarray) -> np.ndarray:
    """Confidence of a bone [...,18] = that of its worse joint [...,19]."""
    return np.minimum(confidence[..., BONE_CHILD], confidence[..., BONE_PARENT])


def nose_yaw(world: np.ndarray) -> np.ndarray:
    """Facing of the head from world landmarks [...,33,3] alone: the direction from between the ears to the nose."""
    forward = world[..., 0, :] - world[..., [7, 8], :].mean(-2)
    return np.arctan2(forward[..., 0], -forward[..., 2])


def without_false_face(keypoints: PictureKeypoints) -> PictureKeypoints:
    """The keypoints without a face that was found on the back or the side of a head; others unchanged.

    Face networks see frontal faces in hair and ears. Such a face contradicts body and head, which both face away.
    """
    world = keypoints.body_world.astype(np.float64)
    if keypoints.user_supplied or keypoints.face_confidence <= 0.3 or np.ptp(world[:, 2]) < 0.02:
        return keypoints
    face, nose, torso = float(head_pose(head_axes(keypoints.face))[0]), float(nose_yaw(world)), float(torso_yaw(rig_joints(world)))
    looks_away = max(np.cos(nose), np.cos(torso)) < np.cos(AWAY)
    if not looks_away or np.cos(face - nose) > np.cos(FALSE_FACE):
        return keypoints
    return replace(keypoints, face_confidence=0.0)


def build_rig(keypoints: PictureKeypoints, canvas: Canvas) -> Rig:
    """Rig one picture. The torso's length is estimated from shoulders or face when the hips are out of the picture."""
    points = rig_joints(keypoints.body.astype(np.float64))
    world = rig_joints(keypoints.body_world.astype(np.float64))
    confidence = joint_confidence(keypoints.body, keypoints.body_confidence, canvas).astype(np.float64)
    scale = float(pixels_per_metre(points, world, confidence))
    joints = np.concatenate([points, world[:, 2:] * scale], axis=-1)

    joints = _complete_torso(joints, confidence, keypoints)
    lengths, trust = equalise_sides(bone_lengths(joints), bone_confidence(confidence))
    known = trust > SEEN
    unit = float(np.median((lengths / HUMAN_PROPORTIONS)[known])) if known.any() else float(lengths[0])
    lengths = np.where(known, lengths, HUMAN_PROPORTIONS * unit)

    yaw = _torso_facing(joints, confidence, canvas)
    return Rig(
        joints.astype(np.float32),
        confidence.astype(np.float32),
        lengths.astype(np.float32),
        known,
        float(max(np.linalg.norm(joints[NECK, :2] - joints[PELVIS, :2]), 1.0)),
        yaw,
        _head_yaw(keypoints, yaw),
    )


def _torso_facing(joints: np.ndarray, confidence: np.ndarray, canvas: Canvas) -> float:
    """Yaw of the torso; 0 (frontal) where the shoulders were not found. In profile the far one is hidden, not lost."""
    yaw, shoulders = float(torso_yaw(joints)), [3, 7]
    inside = bool(((joints[shoulders, :2] >= 0) & (joints[shoulders, :2] < [canvas.width, canvas.height])).all())
    hidden_behind = inside and confidence[shoulders].max() > SEEN and abs(np.sin(yaw)) > PROFILE_SINE
    return yaw if confidence[shoulders].min() > SEEN or hidden_behind else 0.0


def _head_yaw(keypoints: PictureKeypoints, fallback: float) -> float:
    if keypoints.face_confidence > 0.3:
        return float(head_pose(head_axes(keypoints.face))[0])
    if keypoints.body_confidence[[0, 7, 8]].max() > 0.5 and np.ptp(keypoints.body_world[:, 2]) > 0.02:
        return float(nose_yaw(keypoints.body_world.astype(np.float64)))
    return fallback


def torso_length_px(joints: np.ndarray, confidence: np.ndarray, keypoints: PictureKeypoints) -> float:
    """|neck - pelvis| in px where the pelvis is seen, else an estimate from the shoulders' width or the face's size."""
    if confidence[PELVIS] > SEEN and confidence[NECK] > SEEN:
        return float(np.linalg.norm(joints[NECK, :2] - joints[PELVIS, :2]))
    if confidence[NECK] > SEEN:
        return float(bone_lengths(joints)[[2, 6]].mean() / HUMAN_PROPORTIONS[2])
    if keypoints.face_confidence > 0.3:
        eye_distance = float(canonical_face(keypoints.face[None]).scale[0])
        return eye_distance * HUMAN_TORSO_M / OUTER_EYE_DISTANCE_M
    return float(np.linalg.norm(joints[NECK, :2] - joints[PELVIS, :2]))


def _complete_torso(joints: np.ndarray, confidence: np.ndarray, keypoints: PictureKeypoints) -> np.ndarray:
    """Move what hangs below the hips to a believable place when the hips were invented by the detector."""
    if confidence[PELVIS] > SEEN:
        return joints
    joints = joints.copy()
    length = max(torso_length_px(joints, confidence, keypoints), 4.0)
    if confidence[NECK] <= SEEN and confidence[HEAD] > SEEN:
        ratio = np.linalg.norm(joints[NECK, :2] - joints[HEAD, :2]) / (HUMAN_PROPORTIONS[1] * length)
        if not 0.5 < ratio < 2.0:
            moved = joints[HEAD] + np.array([0.0, HUMAN_PROPORTIONS[1] * length, 0.0])
            joints[[NECK, 3, 4, 5, 6, 7, 8, 9, 10]] += moved - joints[NECK]
    spine = joints[PELVIS] - joints[NECK]
    ratio = float(np.linalg.norm(spine[:2])) / length
    upright = spine[1] > 0.8 * np.linalg.norm(spine[:2])
    if not (0.7 < ratio < 1.4 and upright):
        lower = [PELVIS, *range(11, 19)]
        joints[lower] += joints[NECK] + np.array([0.0, length, 0.0]) - joints[PELVIS]
    return joints
