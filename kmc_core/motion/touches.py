"""What the driver's hands touch, and when: face, other hand, hips and thighs; and the same for standing feet, as a list.

Distances are in the driver's outer-eye distances (8.9 cm); depth counts less, because detectors are unsure of it.
Not here: keeping touches on other bodies (contacts.py), which feet stand (planting.py). Called by retarget.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter1d

from ..pose.skeleton_layouts import HEAD, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG
from ..subject.rig import OUTER_EYE_DISTANCE_M
from ..types import Contact
from .lift import LiftedMotion, smooth_over_time

ARMS, LEGS = (LEFT_ARM, RIGHT_ARM), (LEFT_LEG, RIGHT_LEG)
# distance of the middle of the palm from between the ears, the other palm, the bone of the thigh: (fully touching, apart)
NEAR_HEAD, NEAR_HAND, NEAR_LEG = (2.1, 2.6), (1.3, 2.4), (1.4, 2.2)
DEPTH_COUNTS = 0.85
COMING_S, CONTACT_SIGMA_S = 0.10, 0.10  # a touch is prepared this long before, and comes and goes this softly
HANDS_FIRST = 0.8  # hands that meet before the face belong to each other rather than to the face
STRAIGHT = (0.82, 0.90)  # reach of an arm as a share of its length: bent, straight
ALONGSIDE_DEG = (30.0, 50.0)  # between arm and thigh: hanging beside it, reaching for it
OTHER_LEG = (1.1, 1.6)  # how much farther the own leg must be before a hand belongs to the other one
HIP_SHARE = 0.30  # of the thigh: above counts as hip
SHORTEST_S = 0.15


class Touch(NamedTuple):
    """A palm that may touch. side 0 left, 1 right; place "face", "other_hand" or "leg"; leg: side of the leg touched, else -1;
    weight [T] 0 apart .. 1 touching; share [T]: place on the way from hip to knee (0 elsewhere)."""

    side: int
    place: str
    leg: int
    weight: np.ndarray
    share: np.ndarray


def palms(joints: np.ndarray, side: int) -> np.ndarray:
    """Middle of a palm [T,3] of rig joints [T,19,3]."""
    return joints[:, [ARMS[side][2], ARMS[side][3]]].mean(1)


def on_thigh(joints: np.ndarray, leg: int, share: np.ndarray) -> np.ndarray:
    """Points [T,3] at a share [T] of the way from hip to knee."""
    hip, knee = joints[:, LEGS[leg][0]], joints[:, LEGS[leg][1]]
    return hip + share[:, None] * (knee - hip)


def find_touches(lifted: LiftedMotion, follow: np.ndarray, fps: float) -> tuple[Touch, ...]:
    """All touches of a scene's driver; follow [T,19]: how far a joint follows the driver at all."""
    joints, body_unit = lifted.joints, lifted.scale * OUTER_EYE_DISTANCE_M
    head_unit = np.maximum(lifted.head_scale, 1e-3) if lifted.head_scale.any() else body_unit
    nothing = np.zeros(lifted.frame_count)
    found = []
    for side, arm in enumerate(ARMS):
        palm, used = palms(joints, side), follow[:, arm[2]]
        head = _near(palm - joints[:, HEAD], head_unit, NEAR_HEAD)
        hands = _near(palm - palms(joints, 1 - side), body_unit, NEAR_HAND)
        found.append(Touch(side, "face", -1, head * (1 - HANDS_FIRST * hands) * used, nothing))
        found.append(Touch(side, "other_hand", -1, hands * used * follow[:, ARMS[1 - side][2]], nothing))
        found += _legs(joints, side, palm, body_unit, follow)
    return tuple(touch._replace(weight=_softened(touch.weight, fps)) for touch in found)


def _softened(weight: np.ndarray, fps: float) -> np.ndarray:
    early = maximum_filter1d(weight, 2 * round(COMING_S * fps) + 1, mode="nearest")
    return smooth_over_time(early, CONTACT_SIGMA_S * fps)


def _legs(joints: np.ndarray, side: int, palm: np.ndarray, unit: np.ndarray, follow: np.ndarray) -> list[Touch]:
    shares, away = [], []
    for leg in LEGS:
        hip, thigh = joints[:, leg[0]], joints[:, leg[1]] - joints[:, leg[0]]
        length = np.maximum((thigh**2).sum(-1), 1e-6)
        shares.append(np.clip(((palm - hip) * thigh).sum(-1) / length, 0.0, 1.0))
        away.append(palm - hip - shares[-1][:, None] * thigh)
    apart = [np.linalg.norm(vector, axis=-1) for vector in away]
    crossed = _ramp(apart[side] / np.maximum(apart[1 - side], 1e-6), *OTHER_LEG)
    touches = []
    for leg in (0, 1):
        weight = _near(away[leg], unit, NEAR_LEG) * (1 - crossed if leg == side else crossed)
        weight = weight * follow[:, LEGS[leg][1]] * follow[:, ARMS[side][2]] * (1 - _hangs_beside(joints, ARMS[side], LEGS[leg]))
        touches.append(Touch(side, "leg", leg, weight, shares[leg]))
    return touches


def _near(away: np.ndarray, unit: np.ndarray, near: tuple[float, float]) -> np.ndarray:
    distance = np.linalg.norm(away * [1.0, 1.0, DEPTH_COUNTS], axis=-1) / np.maximum(unit, 1e-6)
    return 1.0 - _ramp(distance, *near)


def _ramp(value: np.ndarray, start: float, end: float) -> np.ndarray:
    share = np.clip((value - start) / (end - start), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def _hangs_beside(joints: np.ndarray, arm: tuple[int, ...], leg: tuple[int, ...]) -> np.ndarray:
    """1 for a straight arm alongside its thigh [T]: hanging hands pass the hips without resting on them."""
    shoulder, elbow, wrist = (joints[:, joint] for joint in arm[:3])
    length = np.linalg.norm(elbow - shoulder, axis=-1) + np.linalg.norm(wrist - elbow, axis=-1)
    reach, thigh = wrist - shoulder, joints[:, leg[1]] - joints[:, leg[0]]
    distance = np.linalg.norm(reach, axis=-1)
    cosine = (reach * thigh).sum(-1) / np.maximum(distance * np.linalg.norm(thigh, axis=-1), 1e-6)
    beside = 1.0 - _ramp(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), *ALONGSIDE_DEG)
    return beside * _ramp(distance / np.maximum(length, 1e-6), *STRAIGHT)


def listed(touches: tuple[Touch, ...], standing: np.ndarray, fps: float) -> tuple[Contact, ...]:
    """Touches and standing feet [T,2] as a list with times; too short ones are left out."""
    found = []
    for touch in touches:
        if touch.place == "other_hand" and touch.side == 1:
            continue
        hand = ("left_hand", "right_hand")[touch.side]
        for start, stop in stretches(touch.weight > 0.5, SHORTEST_S * fps):
            place = touch.place
            if place == "leg":
                place = "hip" if touch.share[start:stop].mean() < HIP_SHARE else "thigh"
            found.append(Contact(hand, place, start, stop))
    for side, foot in enumerate(("left_foot", "right_foot")):
        found += [Contact(foot, "ground", *times) for times in stretches(standing[:, side], SHORTEST_S * fps)]
    return tuple(sorted(found, key=lambda contact: (contact.start, contact.part, contact.place)))


def stretches(on: np.ndarray, shortest: float) -> list[tuple[int, int]]:
    """(start, stop) of the runs of True in on [T] that have at least `shortest` frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(on, int), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]
