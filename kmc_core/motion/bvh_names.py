"""What other programs call the joints of a body, and the points of our skeleton from them.

Sources: naming of Mixamo, the CMU motion library, Blender's Rigify, Daz/Poser, Unreal's mannequin, 3ds Max's Biped, BioVision,
Character Creator, MakeHuman.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..pose.skeleton_layouts import HEAD, LEFT_ARM, LEFT_LEG, NECK, PELVIS, RIGHT_ARM, RIGHT_LEG
from .bvh_skeleton import FINGERS, HAND_POINTS, NOSE_POINT, POINT_COUNT
from .storage import refused

# {s}: left or right, {l}: l or r; the first name that is there counts; names are compared in lower case without marks
LIMB_NAMES = {
    "shoulder": ("{s}arm", "{s}uparm", "{s}upperarm", "{l}shldr", "{l}shldrbend", "{l}upperarm", "upperarm{l}", "upperarm01{l}", "{l}arm", "{s}shoulder"),
    "elbow": ("{s}forearm", "{s}lowerarm", "{l}forearm", "{l}forearmbend", "forearm{l}", "lowerarm{l}", "lowerarm01{l}", "{s}elbow", "{l}elbow"),
    "wrist": ("{s}hand", "{l}hand", "hand{l}", "{s}wrist", "{l}wrist"),
    "hip": ("{s}upleg", "{s}upperleg", "{s}thigh", "{l}thigh", "{l}thighbend", "thigh{l}", "upperleg01{l}", "{s}hip", "{l}hip", "{l}upleg"),
    "knee": ("{s}leg", "{s}lowerleg", "{s}lowleg", "{s}shin", "{l}shin", "shin{l}", "calf{l}", "{l}calf", "lowerleg01{l}", "{s}knee", "{l}knee"),
    "ankle": ("{s}foot", "{l}foot", "foot{l}", "{s}ankle", "{l}ankle"),
}
TOE_NAMES = ("{s}toebase", "{s}toe", "{s}toes", "{l}toe", "{l}toes", "toe{l}", "ball{l}", "{l}toe0", "{l}toebase", "toe11{l}")
HEAD_NAMES = ("head", "head1", "skull", "spine006")
PREFIXES = re.compile(r"^(mixamorig[0-9]*|bip0*1(?=.)|ccbase)")


def named_points(
    path: Path, names: Sequence[str], parents: Sequence[int], places: np.ndarray, is_own: bool
) -> tuple[np.ndarray, bool, bool]:
    """Places [T,N,3] of a file's joints -> (points [T,60,3] in the file's axes, hands are there, nose is there).

    is_own: written by this project, where ends of bones are known. Raises MotionError naming the joints that are missing.
    """
    index = {_bare(name): number for number, name in reversed(list(enumerate(names))) if name}
    points = np.zeros((len(places), POINT_COUNT, 3))
    missing: list[str] = []
    for side, arm, leg in (("left", LEFT_ARM, LEFT_LEG), ("right", RIGHT_ARM, RIGHT_LEG)):
        for part, point in zip(LIMB_NAMES, (*arm[:3], *leg[:3]), strict=True):
            joint = _find(index, LIMB_NAMES[part], side)
            if joint is None:
                missing.append(f"{side} {part}")
            else:
                points[:, point] = places[:, joint]
    head = next((index[name] for name in HEAD_NAMES if name in index), None)
    if missing or head is None:
        absent = ", ".join(missing + (["head"] if head is None else []))
        raise refused(path, f"a skeleton without {absent}"[:200], "joints with usual names, such as LeftArm, LeftForeArm, LeftHand")
    points[:, PELVIS] = (points[:, LEFT_LEG[0]] + points[:, RIGHT_LEG[0]]) / 2
    points[:, NECK] = (points[:, LEFT_ARM[0]] + points[:, RIGHT_ARM[0]]) / 2
    end = _end_of(names, parents, head)
    points[:, HEAD] = places[:, head]
    if is_own and end is not None:
        points[:, NOSE_POINT] = places[:, end]
    elif end is not None:
        points[:, HEAD] = places[:, head] + 0.45 * (places[:, end] - places[:, head])
    for side, arm, leg in (("left", LEFT_ARM, LEFT_LEG), ("right", RIGHT_ARM, RIGHT_LEG)):
        _fill_ends(points, places, names, parents, index, (side, arm, leg))
    with_hands = _fingers(points, places, names, parents, index)
    return points, with_hands, is_own and end is not None


def _bare(name: str) -> str:
    """Lower case, without name space, marks and blanks."""
    return PREFIXES.sub("", re.sub(r"[^a-z0-9]", "", name.lower().split(":")[-1]))


def _find(index: dict[str, int], patterns: Sequence[str], side: str) -> int | None:
    for pattern in patterns:
        joint = index.get(pattern.format(s=side, l=side[0]))
        if joint is not None:
            return joint
    return None


def _end_of(names: Sequence[str], parents: Sequence[int], joint: int) -> int | None:
    """The end site of a joint, or its only child."""
    children = [number for number, parent in enumerate(parents) if parent == joint]
    ends = [number for number in children if not names[number]]
    return ends[0] if ends else (children[0] if len(children) == 1 else None)


def _fill_ends(
    points: np.ndarray, places: np.ndarray, names: Sequence[str], parents: Sequence[int], index: dict[str, int],
    limbs: tuple[str, tuple[int, ...], tuple[int, ...]],
) -> None:  # fmt: skip
    """Knuckles and toes: an end of the hand or foot, else a usual length onwards, in place."""
    side, arm, leg = limbs
    hand = _find(index, LIMB_NAMES["wrist"], side)
    end = _end_of(names, parents, hand)
    onwards = points[:, arm[2]] - points[:, arm[1]]
    knuckles = places[:, end] if end is not None else points[:, arm[2]] + 0.36 * onwards
    too_short = np.linalg.norm(knuckles - points[:, arm[2]], axis=1) < 0.05 * np.linalg.norm(onwards, axis=1)
    points[:, arm[3]] = np.where(too_short[:, None], points[:, arm[2]] + 0.36 * onwards, knuckles)
    toe = _find(index, TOE_NAMES, side)
    foot_end = toe if toe is not None else _end_of(names, parents, _find(index, LIMB_NAMES["ankle"], side))
    shin = points[:, leg[2]] - points[:, leg[1]]
    ahead = np.cross(points[:, LEFT_LEG[0]] - points[:, RIGHT_LEG[0]], -shin)
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    guess = points[:, leg[2]] + 0.38 * np.linalg.norm(shin, axis=1, keepdims=True) * ahead
    points[:, leg[3]] = places[:, foot_end] if foot_end is not None else guess


def _fingers(
    points: np.ndarray, places: np.ndarray, names: Sequence[str], parents: Sequence[int], index: dict[str, int]
) -> bool:
    """Fills finger points in place where every finger has three joints; True when both hands are complete."""
    for side, first in zip(("left", "right"), HAND_POINTS, strict=True):
        for number, finger in enumerate(FINGERS):
            chain = [index.get(f"{side}hand{finger.lower()}{knuckle}") for knuckle in (1, 2, 3)]
            if None in chain:
                return False
            end = _end_of(names, parents, chain[2])
            if end is None:
                return False
            points[:, first + 4 * number : first + 4 * number + 4] = places[:, [*chain, end]]
    return True
