"""Whose bones are how long: the subject's lengths, completed by the driver's where no picture shows them.

Not here: measuring a picture (subject/rig.py). Called by retarget.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.expression import canonical_face
from ..pose.skeleton_layouts import PELVIS
from ..subject.rig import HUMAN_TORSO_M, OUTER_EYE_DISTANCE_M, SEEN, bone_confidence, bone_lengths, equalise_sides
from ..types import SubjectLibrary, SubjectView
from .lift import LiftedMotion, oval_size
from .perspective import flattened

STEADY_BONES = (0, 2, 3, 6, 7, 10, 11, 12, 14, 15, 16)  # without forearms, hands, feet and head: foreshortened most often
UPRIGHT_BONES = (0, 1, 11, 12)  # spine, neck, thigh, shin: how tall a body is
LEG_BONES = (11, 12, 15, 16)
EARS_M = (0.09, 0.22)  # believable distances of a driver's ears
HUMAN_OVAL_M = 0.170  # mean of width and height of an adult's face oval
LENGTH_CHANGE = (0.8, 1.25)  # by which perspective is believed to change a bone of the picture
PALM_RANGE = (0.12, 0.30)  # a palm in torso lengths
PALM_PER_FACE = 0.5  # wrist to middle knuckle over chin to hairline, as on pictures that show both well


class Proportions(NamedTuple):
    """driver_m [18] metres; subject_px [18] primary px; px_per_metre: primary px of the subject per metre of the driver;
    leg_ratio: the same for the legs alone (paths scaled by it do not slide on the ground).

    own [19,3]: the joints of the picture, as `subject_px` seen from very far away; nearness: inverse focal length in 1/px of
    the picture, which is taken to have been made from the driver's relative distance.
    """

    driver_m: np.ndarray
    subject_px: np.ndarray
    px_per_metre: float
    leg_ratio: float
    own: np.ndarray
    nearness: float


def match_proportions(lifted: LiftedMotion, subject: SubjectLibrary, keep_driver: bool = False) -> Proportions:
    """Pair the bones of driver and subject. The scale is the median ratio of the long bones both of them show; without
    such a bone it comes from the faces (a portrait), else from the torso's usual length.

    keep_driver: the character gets the driver's proportions at its own size.
    """
    known = np.asarray(subject.bone_known, bool)
    shown = bone_confidence(lifted.presence) > SEEN
    ratios = subject.bone_lengths / lifted.lengths
    shared = [bone for bone in STEADY_BONES if known[bone] and shown[bone]]
    if shared:
        px_per_metre = float(np.median(ratios[shared]))
    else:
        px_per_metre = _portrait_scale(subject)
    upright = list(UPRIGHT_BONES)
    tall = float(subject.bone_lengths[upright].sum() / lifted.lengths[upright].sum())
    nearness = lifted.nearness * float(lifted.scale[lifted.reference].mean()) / (tall if known[upright].all() else px_per_metre)
    own, subject_px = _without_perspective(subject, nearness)
    completed = np.where(known & (not keep_driver), subject_px, lifted.lengths * px_per_metre)
    completed = np.maximum(completed, 1e-3).astype(np.float64)
    legs = list(LEG_BONES)
    leg_ratio = float(completed[legs].sum() / lifted.lengths[legs].sum())
    return Proportions(lifted.lengths, completed, px_per_metre, leg_ratio, own, nearness)


def _without_perspective(subject: SubjectLibrary, nearness: float) -> tuple[np.ndarray, np.ndarray]:
    """Joints [19,3] of the picture and lengths [18] of the character as seen from very far away."""
    view = subject.primary_view
    seen = view.joints.astype(np.float64)
    own = seen.copy()
    own[:, :2] = flattened(seen[:, :2], seen[:, 2] - seen[PELVIS, 2], nearness, view.canvas)
    trusted = bone_confidence(view.joint_confidence.astype(np.float64))
    change = bone_lengths(own) / np.maximum(bone_lengths(seen), 1e-6)
    change = np.where(trusted > SEEN, np.clip(change, *LENGTH_CHANGE), 1.0)
    return own, subject.bone_lengths * equalise_sides(change, trusted)[0]


def eye_distance_px(subject: SubjectLibrary) -> float:
    """Outer-eye distance of the primary picture's face in px (in the head's own plane), 0 without a face."""
    keypoints = subject.primary_view.keypoints
    if keypoints.face_confidence <= 0.3:
        return 0.0
    return float(canonical_face(keypoints.face[None]).scale[0])


def head_ratio(subject: SubjectLibrary, lifted: LiftedMotion, scale: np.ndarray, body_ratio: np.ndarray) -> np.ndarray:
    """Canvas px of the character's head per px of the driver's [T], from the ovals of their faces (eyes may be drawn large);
    of a driver whose face is never seen from their ears; body_ratio [T] for a character without a face."""
    keypoints = subject.primary_view.keypoints
    if keypoints.face_confidence <= 0.3:
        return body_ratio
    face = canonical_face(keypoints.face[None])
    own = float(face.scale[0]) * oval_size(face.points[0])
    if lifted.head_scale.any():
        return own * scale / np.maximum(lifted.head_scale * lifted.head_oval, 1e-3)
    ears_m = lifted.scene.body_world[:, 7] - lifted.scene.body_world[:, 8]
    ears_m = float(np.median(np.linalg.norm(ears_m, axis=-1)))
    ears_px = _ears_px(subject)
    if ears_px > 0 and EARS_M[0] < ears_m < EARS_M[1]:
        return ears_px * scale / np.maximum(lifted.scale * ears_m, 1e-3)
    return own * scale / np.maximum(lifted.scale * HUMAN_OVAL_M, 1e-3)


def _ears_px(subject: SubjectLibrary) -> float:
    """Distance of the picture's ears in px in space, 0 where it does not tell."""
    keypoints = subject.primary_view.keypoints
    seen = np.linalg.norm(keypoints.body[7] - keypoints.body[8])
    across = keypoints.body_world[7] - keypoints.body_world[8]
    flat, full = float(np.linalg.norm(across[:2])), float(np.linalg.norm(across))
    return float(seen) * full / flat if flat > 0.5 * full and keypoints.body_confidence[[7, 8]].min() > SEEN else 0.0


def palm_px(view: SubjectView) -> float:
    """Length wrist to middle knuckle, not foreshortened, in px of the view: the longer seen palm within human bounds.

    A hand is about as long as its face: where a face is seen it sets the size of unseen hands, and the least size of
    hands that lie on a table or point at the camera (the big head of a cartoon does not give it big hands).
    """
    keypoints, torso = view.keypoints, view.torso_px
    palms = [
        float(np.linalg.norm(keypoints.hands[side, 9, :2] - keypoints.hands[side, 0, :2]))
        for side in (0, 1)
        if keypoints.hands_confidence[side] >= SEEN
    ]
    usual, least = 0.2 * torso, PALM_RANGE[0] * torso
    if keypoints.face_confidence >= SEEN:
        by_face = PALM_PER_FACE * float(np.linalg.norm(keypoints.face[10] - keypoints.face[152]))  # in 3-D: faces nod
        usual = float(np.clip(by_face, 0.18 * torso, usual))
        least = float(np.clip(0.95 * by_face, least, 0.18 * torso))
    return float(np.clip(max(palms, default=usual), least, PALM_RANGE[1] * torso))


def _portrait_scale(subject: SubjectLibrary) -> float:
    eyes = eye_distance_px(subject)
    return eyes / OUTER_EYE_DISTANCE_M if eyes > 0 else subject.primary_view.torso_px / HUMAN_TORSO_M
