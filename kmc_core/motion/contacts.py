"""Hands that touch stay touching: the driver's touches are kept on a body of other proportions.

Forward kinematics keeps angles, so on longer arms a hand before the mouth ends up before the chin. While the driver touches,
the palm is drawn to where the driver's lies relative to what it touches, measured in the size of the touched part, and the arm
follows by two-bone inverse kinematics. Not here: finding touches (touches.py), feet (planting.py). Called by retarget.py.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import HEAD, bone_vectors
from ..types import SubjectLibrary
from .girth import USUAL_HIP, USUAL_THIGH, measure_girth
from .lift import LiftedMotion, smooth_over_time
from .proportions import Proportions, head_ratio
from .touches import ARMS, Touch, on_thigh, palms

SHIFT_SIGMA_S = 0.07
LARGEST_PULL = 0.9  # of the arm's length
FULLEST_REACH = 0.998
DECIDED = 1.5  # a hand between two touches goes with the stronger one
SPINE_BONE, THIGH_BONES = 0, (11, 15)
FLESH = (0.110, 0.150)  # of the torso: from the bone to the palm's side of a usual hip, of a usual thigh
HIP_TO_THIGH = (0.05, 0.35)  # share of the thigh: above its girth is the hip's, below its own


def keep_touches(
    joints: np.ndarray,
    scale: np.ndarray,
    touches: tuple[Touch, ...],
    lifted: LiftedMotion,
    subject: SubjectLibrary,
    matched: Proportions,
    turn: np.ndarray,
    fps: float,
) -> np.ndarray:
    """Joints [T,19,3] with both arms bent so that the driver's touches hold; arms without a touch are untouched.

    scale [T]; turn [T,3,3] of the driver about the vertical. Bone lengths do not change.
    """
    out = joints.copy()
    for side, arm in enumerate(ARMS):
        mine = [touch for touch in touches if touch.side == side and touch.weight.any()]
        if not mine:
            continue
        palm = palms(joints, side)
        shifts = np.stack([_target(joints, scale, touch, lifted, subject, matched, turn) - palm for touch in mine])
        weights = np.stack([touch.weight for touch in mine])
        shares = weights**DECIDED / np.maximum((weights**DECIDED).sum(0), 1e-9)
        shift = (shares[..., None] * shifts).sum(0) * weights.max(0)[:, None]
        out[:, list(arm)] = reach(joints[:, list(arm)], smooth_over_time(shift, SHIFT_SIGMA_S * fps))
    return out


def _target(
    joints: np.ndarray, scale: np.ndarray, touch: Touch, lifted: LiftedMotion, subject: SubjectLibrary, matched: Proportions,
    turn: np.ndarray,
) -> np.ndarray:
    """Where the palm belongs [T,3]."""
    driver = lifted.joints
    body = matched.px_per_metre * scale / lifted.scale
    if touch.place == "face":
        away = palms(driver, touch.side) - driver[:, HEAD]
        return joints[:, HEAD] + np.einsum("tij,tj->ti", turn, away) * head_ratio(subject, lifted, scale, body)[:, None]
    if touch.place == "other_hand":
        half = (palms(driver, touch.side) - palms(driver, 1 - touch.side)) / 2
        middle = (palms(joints, touch.side) + palms(joints, 1 - touch.side)) / 2
        return middle + np.einsum("tij,tj->ti", turn, half) * body[:, None]
    return _on_leg(joints, scale, touch, lifted, subject, matched, turn)


def _on_leg(
    joints: np.ndarray, scale: np.ndarray, touch: Touch, lifted: LiftedMotion, subject: SubjectLibrary, matched: Proportions,
    turn: np.ndarray,
) -> np.ndarray:
    """The palm as far along the thigh as the driver's, and outside of the character's own girth."""
    torso_px = float(matched.subject_px[SPINE_BONE])
    torso = torso_px / matched.driver_m[SPINE_BONE] * scale / lifted.scale
    girth = measure_girth(subject.primary_view, torso_px)
    at_hip = np.clip((HIP_TO_THIGH[1] - touch.share) / (HIP_TO_THIGH[1] - HIP_TO_THIGH[0]), 0.0, 1.0)
    hip, thigh_width = girth.hip / torso_px / USUAL_HIP - 1, girth.thigh / torso_px / USUAL_THIGH - 1
    thicker = at_hip * hip * FLESH[0] + (1 - at_hip) * thigh_width * FLESH[1]
    driver = lifted.joints
    away = palms(driver, touch.side) - on_thigh(driver, touch.leg, touch.share)
    thigh = bone_vectors(driver)[:, THIGH_BONES[touch.leg]]
    thigh = thigh / np.maximum(np.linalg.norm(thigh, axis=-1, keepdims=True), 1e-6)
    along = (away * thigh).sum(-1, keepdims=True) * thigh
    out = away - along
    distance = np.maximum(np.linalg.norm(out, axis=-1), 1e-6)
    out = out * (np.maximum(distance * torso + thicker * torso_px * scale, 0.0) / distance)[:, None]
    carried = along * torso[:, None] + out
    return on_thigh(joints, touch.leg, touch.share) + np.einsum("tij,tj->ti", turn, carried)


def reach(limb: np.ndarray, shift: np.ndarray, bend: np.ndarray | None = None) -> np.ndarray:
    """Move the third joint of limbs [T,4,3] (shoulder, elbow, wrist, knuckles; or a leg) by shift [T,3] as far as bones allow.

    The middle joint swings along with the line from first to third; bend [T,3] or [3] tells where a straight limb bends to
    (default: down). A place too far away is reached in the picture first: depth gives way. The last bone keeps its direction.
    Zero shift changes nothing. Source: analytic two-bone inverse kinematics (law of cosines).
    """
    root, middle, end, tip = (limb[:, joint] for joint in range(4))
    upper = np.linalg.norm(middle - root, axis=-1, keepdims=True)
    lower = np.linalg.norm(end - middle, axis=-1, keepdims=True)
    pulled = np.linalg.norm(shift, axis=-1, keepdims=True)
    shift = shift * np.minimum(1.0, LARGEST_PULL * (upper + lower) / np.maximum(pulled, 1e-9))
    to_target = _within(end + shift - root, FULLEST_REACH * (upper + lower))
    distance = np.linalg.norm(to_target, axis=-1, keepdims=True)
    along = to_target / np.maximum(distance, 1e-9)
    reached = np.clip(distance, np.abs(upper - lower) + 1e-6, FULLEST_REACH * (upper + lower))

    before = end - root
    before = before / np.maximum(np.linalg.norm(before, axis=-1, keepdims=True), 1e-9)
    aside = middle - root - ((middle - root) * before).sum(-1, keepdims=True) * before
    way = np.array([0.0, 1.0, 0.0]) if bend is None else bend
    straight = np.linalg.norm(aside, axis=-1, keepdims=True) <= 1e-3 * upper
    aside = _swung(np.where(straight, way - (way * before).sum(-1, keepdims=True) * before, aside), before, along)
    share = (upper**2 - lower**2 + reached**2) / (2 * np.maximum(reached, 1e-9))
    height = np.sqrt(np.maximum(upper**2 - share**2, 0.0))
    new_middle = root + along * share + aside * height
    new_end = root + along * reached
    moved = np.stack([root, new_middle, new_end, tip + new_end - end], axis=1)
    return np.where(pulled[:, None] > 1e-6, moved, limb)


def _swung(vectors: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Unit vectors [T,3] across `after`, from vectors across `before`, turned the shortest way that takes one to the other."""
    total = before + after
    size = np.maximum((total**2).sum(-1, keepdims=True), 1e-9)
    swung = vectors - 2 * (vectors * total).sum(-1, keepdims=True) / size * total
    swung = swung + 2 * (vectors * before).sum(-1, keepdims=True) * after
    swung = swung - (swung * after).sum(-1, keepdims=True) * after
    return swung / np.maximum(np.linalg.norm(swung, axis=-1, keepdims=True), 1e-9)


def _within(target: np.ndarray, reach_px: np.ndarray) -> np.ndarray:
    """Targets [T,3] brought within a reach [T,1]: by their depth if that is enough, else also in the picture."""
    across = np.linalg.norm(target[:, :2], axis=-1, keepdims=True)
    shorter = target * [1.0, 1.0, 0.0] * np.minimum(1.0, reach_px / np.maximum(across, 1e-9))
    left = np.sqrt(np.maximum(reach_px**2 - np.minimum(across, reach_px) ** 2, 0.0))
    shorter[:, 2:] = np.clip(target[:, 2:], -left, left)
    return shorter
