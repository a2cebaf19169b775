"""The sanity gate: does a rig look like a body that lies inside its matte? Its findings are sentences for the user.

A confident detector does not warn: networks trained on people draw a person on teapots too. Keypoints a user supplied are
trusted as they are. Not here: finding anything (pose), refusing a picture (library.py). Called by library.py.
"""

from __future__ import annotations

import math

import numpy as np

from ..pose.skeleton_layouts import RIG_BONE_PAIRS, RIG_BONES
from ..types import PictureKeypoints
from .rig import HUMAN_PROPORTIONS, SEEN, Rig, bone_confidence, bone_lengths

LIMB_BONES = (3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17)
PROPORTION_BONES = (3, 4, 7, 8, 11, 12, 15, 16)  # upper and lower arms and legs
BONE_NAMES = {
    3: "left upper arm", 4: "left forearm", 5: "left hand", 7: "right upper arm", 8: "right forearm", 9: "right hand",
    11: "left thigh", 12: "left shin", 13: "left foot", 15: "right thigh", 16: "right shin", 17: "right foot",
}  # fmt: skip
INSIDE_SHARE = 0.30
HUMAN_RANGE = (0.5, 2.0)
SIDE_RATIO = 1.6
COVERED = 0.85
LOW_DETECTION = 0.5
SIDE_VIEW_DEG, BACK_VIEW_DEG = 60.0, 120.0


def rig_problems(
    keypoints: PictureKeypoints, rig: Rig, alpha: np.ndarray, corrected: frozenset[int] = frozenset()
) -> tuple[str, ...]:
    """Plain sentences on what a user should check; empty when nothing is suspicious.

    alpha float32 [H,W]: the character's matte, on which keypoints and rig lie. corrected: rig joints a user has put in
    place; their bones are not doubted, and whoever corrects has looked at the rig.
    """
    problems = [] if corrected else _detection_problems(keypoints)
    if not keypoints.user_supplied:
        doubted = _doubted_bones(rig, corrected)
        problems += _bones_outside(rig, alpha, doubted)
        problems += _odd_proportions(rig, doubted)
    problems += _view_problems(keypoints, rig)
    return tuple(problems)


def bones_inside(joints: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Share of every bone's length that lies inside the matte [18]; -1 for bones outside the picture."""
    height, width = alpha.shape
    inside = np.full(len(RIG_BONES), -1.0)
    along = np.linspace(0.1, 0.9, 9)[:, None]
    for bone, (child, parent) in enumerate(RIG_BONES):
        points = np.floor(joints[parent, :2] * (1 - along) + joints[child, :2] * along).astype(int)
        seen = (points >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height)
        if seen.any():
            inside[bone] = float((alpha[points[seen, 1], points[seen, 0]] > 0.4).mean())
    return inside


def _detection_problems(keypoints: PictureKeypoints) -> list[str]:
    if keypoints.user_supplied or keypoints.detection >= LOW_DETECTION:
        return []
    return [
        f"The character was found with low confidence ({keypoints.detection:.2f}): look at the rig, and supply a mask and "
        "keypoints if it is wrong."
    ]


def _doubted_bones(rig: Rig, corrected: frozenset[int]) -> np.ndarray:
    """Bones to look at [18]: seen, and without a corrected end."""
    touched = np.array([bool(corrected & set(bone)) for bone in RIG_BONES])
    return (bone_confidence(rig.confidence) > SEEN) & ~touched


def _bones_outside(rig: Rig, alpha: np.ndarray, doubted: np.ndarray) -> list[str]:
    inside = bones_inside(rig.joints, alpha)
    checked = [bone for bone in range(len(RIG_BONES)) if doubted[bone] and inside[bone] >= 0]
    lost = [BONE_NAMES[bone] for bone in checked if bone in LIMB_BONES and inside[bone] < INSIDE_SHARE]
    if lost:
        return [f"Outside the cut-out: {', '.join(lost)}. The rig or the matte is wrong there; supply keypoints or a mask."]
    if checked and inside[checked].mean() < COVERED:
        return [f"The cut-out covers only {inside[checked].mean():.0%} of the rig: supply a mask."]
    return []


def _odd_proportions(rig: Rig, doubted: np.ndarray) -> list[str]:
    if bone_confidence(rig.confidence)[0] <= SEEN:
        return []
    lengths = bone_lengths(rig.joints.astype(np.float64))
    ratio = lengths / max(lengths[0], 1e-6) / HUMAN_PROPORTIONS
    low, high = HUMAN_RANGE
    odd = [BONE_NAMES[bone] for bone in PROPORTION_BONES if doubted[bone] and not low < ratio[bone] < high]
    uneven = [
        BONE_NAMES[left].removeprefix("left ")
        for left, right in RIG_BONE_PAIRS
        if left in PROPORTION_BONES and doubted[left] and doubted[right]
        and max(lengths[left], lengths[right]) > SIDE_RATIO * min(lengths[left], lengths[right])
    ]  # fmt: skip
    problems = []
    if odd:
        problems.append(f"Unusual length: {', '.join(odd)}. Fine for a cartoon; else supply keypoints or a straighter pose.")
    if uneven:
        problems.append(f"Left and right differ: {', '.join(uneven)}. A limb may point at the camera or be misread.")
    return problems


def _view_problems(keypoints: PictureKeypoints, rig: Rig) -> list[str]:
    problems = []
    yaw_deg = abs(math.degrees(rig.yaw))
    if SIDE_VIEW_DEG < yaw_deg < BACK_VIEW_DEG:
        problems.append("Seen from the side: the far arm and leg are hidden. Add a picture from the front.")
    elif yaw_deg >= BACK_VIEW_DEG:
        problems.append("Seen from behind: there is no face to move. Add a picture from the front.")
    if keypoints.face_confidence <= 0.3 and yaw_deg < SIDE_VIEW_DEG:
        problems.append("No face was recognised: the head moves as one piece.")
    return problems
