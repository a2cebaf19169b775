"""Hands that touch stay touching: face, other hand and hip contacts of the driver are kept on other proportions.

Forward kinematics keeps angles, so on longer arms a hand before the mouth ends up before the chin. Near a contact the
wrist is drawn to where the driver's lies relative to what it touches, and the arm follows by two-bone inverse kinematics.
Not here: foot contacts (ground.py, framing.py). Called by retarget.py after placing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HEAD, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG
from ..subject.rig import OUTER_EYE_DISTANCE_M
from ..types import SubjectLibrary
from .lift import LiftedMotion, smooth_over_time
from .proportions import eye_distance_px

# distances between hand and what it touches, in outer-eye distances (8.9 cm): (fully touching, not touching)
NEAR_HEAD, NEAR_HAND, NEAR_HIP = (1.8, 3.4), (1.2, 2.8), (1.2, 2.4)
CONTACT_SIGMA_FRAMES = 2.0
STRAIGHT = (0.80, 0.92)  # reach of an arm as a share of its length: bent, straight
LARGEST_PULL = 0.5  # of the arm's length
FULLEST_REACH = 0.998


class _Units(NamedTuple):
    """Outer-eye distances in px of driver and character, [T] each: by body size, and by the size of the heads."""

    driver: np.ndarray
    character: np.ndarray
    driver_head: np.ndarray
    character_head: np.ndarray


def keep_hand_contacts(
    joints: np.ndarray,
    scale: np.ndarray,
    lifted: LiftedMotion,
    subject: SubjectLibrary,
    follow: np.ndarray,
    turn: np.ndarray,
    px_per_metre: float,
) -> np.ndarray:
    """Joints [T,19,3] with both arms bent so that the driver's hand contacts hold; arms without contact are untouched.

    scale [T], follow [T,19] (how far a joint follows the driver), turn [T,3,3] of the driver about the vertical.
    Bone lengths do not change.
    """
    units = _units(scale, lifted, subject, px_per_metre)
    driver = lifted.joints
    hand = {arm: driver[:, [arm[2], arm[3]]].mean(1) for arm in (LEFT_ARM, RIGHT_ARM)}
    out = joints.copy()
    for arm, other, leg in ((LEFT_ARM, RIGHT_ARM, LEFT_LEG), (RIGHT_ARM, LEFT_ARM, RIGHT_LEG)):
        wrist = arm[2]

        def pull(anchor_driver: np.ndarray, anchor: np.ndarray, unit: np.ndarray, own_unit: np.ndarray) -> np.ndarray:
            away = np.einsum("tij,tj->ti", turn, driver[:, wrist] - anchor_driver)  # noqa: B023 (used at once)
            return anchor + away / unit[:, None] * own_unit[:, None]

        targets = [
            pull(driver[:, HEAD], joints[:, HEAD], units.driver_head, units.character_head),
            pull(
                (driver[:, wrist] + driver[:, other[2]]) / 2, (joints[:, wrist] + joints[:, other[2]]) / 2,
                units.driver, units.character,
            ),
            pull(driver[:, leg[0]], joints[:, leg[0]], units.driver, units.character),
        ]  # fmt: skip
        weights = np.stack(
            [
                _touching(hand[arm], driver[:, HEAD], units.driver_head, NEAR_HEAD),
                _touching(hand[arm], hand[other], units.driver, NEAR_HAND) * follow[:, other[2]],
                _touching(hand[arm], driver[:, leg[0]], units.driver, NEAR_HIP) * follow[:, leg[0]] * _bent(driver, arm),
            ]
        )
        weights = smooth_over_time((weights * follow[:, wrist]).T, CONTACT_SIGMA_FRAMES).T
        weights /= np.maximum(weights.sum(0), 1.0)
        shift = sum(weight[:, None] * (target - joints[:, wrist]) for weight, target in zip(weights, targets, strict=True))
        shift[:, 2] = 0.0
        out[:, list(arm)] = reach(joints[:, list(arm)], shift)
    return out


def reach(arm: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Move the wrist of arms [T,4,3] (shoulder, elbow, wrist, knuckles) by shift [T,3] as far as the bones allow.

    The elbow stays in the plane of shoulder, old elbow and new wrist; the hand keeps its direction. Zero shift changes
    nothing. Source: analytic two-bone inverse kinematics (law of cosines).
    """
    shoulder, elbow, wrist, knuckles = (arm[:, joint] for joint in range(4))
    upper = np.linalg.norm(elbow - shoulder, axis=-1, keepdims=True)
    lower = np.linalg.norm(wrist - elbow, axis=-1, keepdims=True)
    pulled = np.linalg.norm(shift, axis=-1, keepdims=True)
    shift = shift * np.minimum(1.0, LARGEST_PULL * (upper + lower) / np.maximum(pulled, 1e-9))
    to_target = wrist + shift - shoulder
    distance = np.linalg.norm(to_target, axis=-1, keepdims=True)
    along = to_target / np.maximum(distance, 1e-9)
    reached = np.clip(distance, np.abs(upper - lower) + 1e-6, FULLEST_REACH * (upper + lower))

    aside = elbow - shoulder - ((elbow - shoulder) * along).sum(-1, keepdims=True) * along
    length = np.linalg.norm(aside, axis=-1, keepdims=True)
    downwards = np.array([0.0, 1.0, 0.0]) - along[:, 1:2] * along
    aside = np.where(length > 1e-3 * upper, aside / np.maximum(length, 1e-9), downwards)
    share = (upper**2 - lower**2 + reached**2) / (2 * np.maximum(reached, 1e-9))
    height = np.sqrt(np.maximum(upper**2 - share**2, 0.0))
    new_elbow = shoulder + along * share + aside * height
    new_wrist = shoulder + along * reached
    moved = np.stack([shoulder, new_elbow, new_wrist, knuckles + new_wrist - wrist], axis=1)
    return np.where(pulled[:, None] > 1e-6, moved, arm)


def _units(scale: np.ndarray, lifted: LiftedMotion, subject: SubjectLibrary, px_per_metre: float) -> _Units:
    driver = lifted.scale * OUTER_EYE_DISTANCE_M
    character = px_per_metre * scale * OUTER_EYE_DISTANCE_M
    eyes = eye_distance_px(subject)
    if eyes <= 0 or not lifted.head_scale.any():
        return _Units(driver, character, driver, character)
    return _Units(driver, character, np.maximum(lifted.head_scale, 1e-3), eyes * scale)


def _bent(joints: np.ndarray, arm: tuple[int, ...]) -> np.ndarray:
    """1 for a bent arm, 0 for a hanging one [T]: straight arms pass the hips without resting on them."""
    shoulder, elbow, wrist = (joints[:, joint] for joint in arm[:3])
    length = np.linalg.norm(elbow - shoulder, axis=-1) + np.linalg.norm(wrist - elbow, axis=-1)
    straight = np.linalg.norm(wrist - shoulder, axis=-1) / np.maximum(length, 1e-6)
    return np.clip((STRAIGHT[1] - straight) / (STRAIGHT[1] - STRAIGHT[0]), 0.0, 1.0)


def _touching(hand: np.ndarray, anchor: np.ndarray, unit: np.ndarray, near: tuple[float, float]) -> np.ndarray:
    """1 where hand and anchor [T,3] touch in the picture, 0 where they are apart, smooth between."""
    distance = np.linalg.norm((hand - anchor)[:, :2], axis=-1) / np.maximum(unit, 1e-6)
    share = np.clip((near[1] - distance) / (near[1] - near[0]), 0.0, 1.0)
    return share * share * (3 - 2 * share)
