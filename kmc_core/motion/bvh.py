"""BVH files, the skeleton format of animation programs: written with rotations, read from any program with usual names.

Not here: which points there are (bvh_skeleton.py), names (bvh_names.py). Axes in the file: x to the picture's right, y up,
z to the camera; centimetres. Source: the BVH format as BioVision published it (HIERARCHY, MOTION).
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import MotionError
from ..pose.skeleton_layouts import LEFT_LEG, NECK, PELVIS, RIGHT_LEG
from ..types import HolisticMotion
from .bvh_names import named_points
from .bvh_skeleton import Bone, motion_from_points, points_of, skeleton
from .storage import MAX_FPS, MOST_FRAMES, refused

CM, INCH_M = 100.0, 0.0254
FLIP = np.array([1.0, -1.0, -1.0])
"""from our axes to the file's and back"""
OWN_ROOT = "KMC_Hips"
LARGEST_FILE_BYTES = 64 << 20
LARGEST_HIERARCHY_CHARACTERS = 1 << 20
MOST_JOINTS, MOST_JOINT_FRAMES, MOST_NUMBERS = 2000, 3_000_000, 6_000_000
"""three million: eighty joints for five minutes at 120 frames per second"""
FARTHEST = 1e7
MOTION_LINE = re.compile(r"\bMOTION\s+Frames:\s*([0-9]{1,9})\s+Frame\s+Time:\s*([0-9.eE+-]{1,30})(?=\s)")
CHANNELS = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")


@dataclass(frozen=True)
class BvhFile:
    """names [N] of joints ("" for end sites), parents [N] (-1 = root), positions [T,N,3] as in the file, seconds per frame."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    positions: np.ndarray
    frame_s: float


def write_bvh(motion: HolisticMotion, path: str | Path, *, stretch: bool = True) -> Path:
    """Body, head direction and hands. Face and expression are left out.

    stretch: joints also carry their place, so that every point is exact although tracked bones change their lengths a
    little; False writes rotations of bones of constant (median) length, for programs that ignore places. Raises
    MotionError when there is nobody in the motion.
    """
    if not motion.frame_count or not (motion.body_confidence > 0.2).any():
        raise MotionError("There is nobody in this motion", got="no body", expected="a body", remedy="Track another clip")
    points, with_hands = points_of(motion)
    points = points * FLIP * CM
    writer = _Writer(points, skeleton(with_hands), stretch)
    text = [*writer.hierarchy(), "MOTION", f"Frames: {len(points)}", f"Frame Time: {1 / motion.fps:.10f}"]
    text += [" ".join(f"{value:.5f}" for value in row) for row in np.concatenate(writer.columns, axis=1)]
    path = Path(path)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text("\n".join(text) + "\n", encoding="ascii")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def read_bvh(path: str | Path) -> HolisticMotion:
    """A motion from a BVH file of this or another program (Mixamo, CMU, Blender, Daz ... names).

    Sizes are brought to metres by the torso; z-up files are turned. Faces stay absent. Raises MotionError for a damaged
    file or a skeleton without the usual arms and legs.
    """
    path = Path(path)
    file = parse_bvh(path)
    fps = 1.0 / file.frame_s
    if not 0 < fps <= MAX_FPS:
        raise refused(path, f"{fps:g} frames per second", "up to 240")
    points, with_hands, with_nose = named_points(path, file.names, file.parents, file.positions, file.names[0] == OWN_ROOT)
    points = _upright(points)
    torso = float(np.median(np.linalg.norm(points[:, NECK] - points[:, PELVIS], axis=1)))
    if not math.isfinite(torso) or torso < 1e-9 or not np.isfinite(points).all():
        raise refused(path, "a skeleton without extent", "a body")
    # centimetres, metres, inches, or whatever makes this an adult's torso
    unit = next((unit for unit in (1 / CM, 1.0, INCH_M) if 0.3 < torso * unit < 0.8), 0.5 / torso)
    return motion_from_points(points * FLIP * unit, fps, with_hands, with_nose)


def parse_bvh(path: Path) -> BvhFile:
    """Joints and their places in every frame, by forward kinematics. Raises MotionError for anything but a BVH file."""
    if not path.is_file():
        raise refused(path, "no file", "a BVH file")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise refused(path, f"{path.stat().st_size >> 20} MB", f"at most {LARGEST_FILE_BYTES >> 20} MB")
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        opening = MOTION_LINE.search(text, 0, LARGEST_HIERARCHY_CHARACTERS)
        if opening is None:
            raise ValueError("no MOTION with a frame count and a frame time")
        names, parents, offsets, channels = _hierarchy(text[: opening.start()].split())
        frames, frame_s = int(opening[1]), float(opening[2])
        width = sum(len(own) for own in channels)
        if not 0 < frames <= MOST_FRAMES or not frame_s > 0 or not width or frames * len(names) > MOST_JOINT_FRAMES:
            raise ValueError(f"{frames} frames of {frame_s:g} s for {len(names)} joints")
        values = _numbers(text[opening.end() :], frames * width)
    except (ValueError, IndexError, OverflowError, OSError) as error:
        raise refused(path, f"an unreadable file ({error})"[:200], "HIERARCHY and MOTION as BVH has them") from error
    if not (np.abs(values) < FARTHEST).all() or not (np.abs(offsets) < FARTHEST).all():
        raise refused(path, "infinite, missing or absurd numbers", "finite numbers")
    return BvhFile(tuple(names), tuple(parents), _kinematics(parents, offsets, channels, values.reshape(frames, width)), frame_s)


def _numbers(text: str, count: int) -> np.ndarray:
    """The first `count` numbers of a text. Raises ValueError when there are fewer, or something else among them."""
    if count > MOST_NUMBERS:
        raise ValueError(f"more than {MOST_NUMBERS} numbers")
    values = np.array(text.split(maxsplit=count)[:count], np.float64)
    if len(values) != count:
        raise ValueError(f"{len(values)} numbers instead of {count}")
    return values


_PLACE_WORDS, _TURN_WORDS = "Xposition Yposition Zposition", "Zrotation Xrotation Yrotation"


class _Writer:
    """Collects the lines of the hierarchy and, in the same order, the columns of the frames."""

    def __init__(self, points: np.ndarray, bones: tuple[Bone, ...], stretch: bool) -> None:
        self._bones, self._stretch = bones, stretch
        self._carried = {bone.child: bone for bone in bones}
        self._lengths = {bone.child: np.linalg.norm(points[:, bone.child] - points[:, bone.parent], axis=1) for bone in bones}
        self._turns = _rotations(points, bones)
        self.columns: list[np.ndarray] = [points[:, PELVIS], self._turns["root"]]

    def hierarchy(self) -> list[str]:
        """The lines of HIERARCHY; fills `columns`."""
        text = ["HIERARCHY", f"ROOT {OWN_ROOT}", "{", "\tOFFSET 0 0 0", f"\tCHANNELS 6 {_PLACE_WORDS} {_TURN_WORDS}"]
        for bone in self._bones:
            if bone.parent == PELVIS:
                text += self._joint(bone, 1)
        return [*text, "}"]

    def _joint(self, bone: Bone, depth: int) -> list[str]:
        tabs = "\t" * depth
        text = [f"{tabs}JOINT {bone.name}", f"{tabs}{{", *self._head(self._carried.get(bone.parent), tabs, turns=True)]
        self.columns.append(self._turns[bone.name])
        following = [other for other in self._bones if other.parent == bone.child]
        for other in following:
            text += self._joint(other, depth + 1)
        if not following and self._stretch:
            text += [f"{tabs}\tJOINT {bone.name}End", f"{tabs}\t{{", *self._head(bone, tabs + "\t", turns=False)]
            text += [f"{tabs}\t\tEnd Site", f"{tabs}\t\t{{", f"{tabs}\t\t\tOFFSET 0 0 0", f"{tabs}\t\t}}", f"{tabs}\t}}"]
        elif not following:
            text += [f"{tabs}\tEnd Site", f"{tabs}\t{{", f"{tabs}\t\tOFFSET {self._offset(bone)}", f"{tabs}\t}}"]
        return [*text, f"{tabs}}}"]

    def _head(self, before: Bone | None, tabs: str, turns: bool) -> list[str]:
        """OFFSET and CHANNELS of a joint at the end of bone `before` (None: at the root)."""
        words = [*([_PLACE_WORDS] if self._stretch else []), *([_TURN_WORDS] if turns else [])]
        if self._stretch:
            frames = len(self.columns[0])
            way = np.zeros((frames, 3)) if before is None else self._lengths[before.child][:, None] * np.array(before.rest)
            self.columns.append(way)
        return [f"{tabs}\tOFFSET {self._offset(before)}", f"{tabs}\tCHANNELS {3 * len(words)} {' '.join(words)}"]

    def _offset(self, before: Bone | None) -> str:
        if before is None:
            return "0 0 0"
        length = float(np.median(self._lengths[before.child]))
        return _three(tuple(length * part for part in before.rest))


def _three(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6f}" for value in values)


def _rotations(points: np.ndarray, bones: tuple[Bone, ...]) -> dict[str, np.ndarray]:
    """Euler degrees [T,3] (Z, X, Y) of the root and of every bone's joint, each relative to the joint before it."""
    turned = {PELVIS: _root_frame(points)}
    local = {"root": turned[PELVIS]}
    for bone in bones:
        before = turned[bone.parent]
        start = before @ np.array(bone.rest)
        now = _swing(start, points[:, bone.child] - points[:, bone.parent]) @ before
        local[bone.name] = before.transpose(0, 2, 1) @ now
        turned[bone.child] = now
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gimbal lock: any of the equal solutions will do
        return {name: Rotation.from_matrix(matrix).as_euler("ZXY", degrees=True) for name, matrix in local.items()}


def _root_frame(points: np.ndarray) -> np.ndarray:
    """Rotation [T,3,3] of the pelvis: x along the hips to the left, y up the spine."""
    left = points[:, LEFT_LEG[0]] - points[:, RIGHT_LEG[0]]
    up = points[:, NECK] - points[:, PELVIS]
    front = np.cross(left, up)
    front = front / np.maximum(np.linalg.norm(front, axis=1, keepdims=True), 1e-9)
    up = up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    return np.stack([np.cross(up, front), up, front], axis=2)


def _swing(start: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Shortest rotations [T,3,3] taking directions `start` to `goal` [T,3]."""
    start = start / np.maximum(np.linalg.norm(start, axis=1, keepdims=True), 1e-12)
    goal = goal / np.maximum(np.linalg.norm(goal, axis=1, keepdims=True), 1e-12)
    axis = np.cross(start, goal)
    cosine = (start * goal).sum(1)
    away = np.where(np.abs(start[:, :1]) < 0.9, [[1.0, 0, 0]], [[0.0, 1, 0]])
    opposite = cosine < -1 + 1e-9
    axis = np.where(opposite[:, None], np.cross(start, away), axis)
    quaternion = np.concatenate([axis, np.where(opposite, 0.0, 1 + cosine)[:, None]], axis=1)
    return Rotation.from_quat(quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)).as_matrix()


def _hierarchy(words: list[str]) -> tuple[list[str], list[int], np.ndarray, list[list[str]]]:
    """names, parents, offsets [N,3], channels of every joint; end sites have the name "" and no channels."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    stack: list[int] = []
    at = 1 if words[:1] == ["HIERARCHY"] else 0
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT", "End"):
            opening = words.index("{", at)
            names.append("" if word == "End" else " ".join(words[at + 1 : opening]))
            parents.append(stack[-1] if stack else -1)
            offsets.append([0.0, 0.0, 0.0])
            channels.append([])
            stack.append(len(names) - 1)
            at = opening + 1
        elif word == "OFFSET":
            offsets[stack[-1]] = [float(value) for value in words[at + 1 : at + 4]]
            at += 4
        elif word == "CHANNELS":
            count = int(words[at + 1])
            own = words[at + 2 : at + 2 + count]
            if not 0 <= count <= 6 or any(channel not in CHANNELS for channel in own):
                raise ValueError(f"channels {own}")
            channels[stack[-1]] = own
            at += 2 + count
        elif word == "}":
            stack.pop()
            at += 1
        else:
            raise ValueError(f"unexpected {word[:40]!r}")
    if stack or not names or len(names) > MOST_JOINTS or parents.count(-1) != 1:
        raise ValueError(f"{len(names)} joints, brackets that do not close, or several roots")
    return names, parents, np.array(offsets), channels


def _kinematics(parents: list[int], offsets: np.ndarray, channels: list[list[str]], values: np.ndarray) -> np.ndarray:
    """Places of all joints [T,N,3]."""
    frames = len(values)
    places, turns = np.zeros((frames, len(parents), 3)), np.zeros((frames, len(parents), 3, 3))
    column = 0
    for joint, (parent, own) in enumerate(zip(parents, channels, strict=True)):
        place = np.tile(offsets[joint], (frames, 1))
        letters, angles, moved = "", [], [axis for axis, word in enumerate(CHANNELS[:3]) if word in own]
        if moved:
            place[:, moved] = 0.0  # position channels replace the offset
        for number, word in enumerate(own):
            value = values[:, column + number]
            if word in CHANNELS[:3]:
                place[:, CHANNELS.index(word)] = value
            else:
                letters += word[0]
                angles.append(value)
        column += len(own)
        turn = np.tile(np.eye(3), (frames, 1, 1))
        for letter, angle in zip(letters, angles, strict=True):
            turn = turn @ _turned(letter, np.radians(angle))
        if parent < 0:
            places[:, joint], turns[:, joint] = place, turn
        else:
            places[:, joint] = places[:, parent] + np.einsum("tij,tj->ti", turns[:, parent], place)
            turns[:, joint] = turns[:, parent] @ turn
    return places


def _turned(letter: str, angle: np.ndarray) -> np.ndarray:
    """Rotations [T,3,3] by angle [T] (radians) about the axis X, Y or Z."""
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[letter]
    turn = np.tile(np.eye(3), (len(angle), 1, 1))
    turn[:, first, first] = turn[:, second, second] = np.cos(angle)
    turn[:, second, first] = np.sin(angle)
    turn[:, first, second] = -turn[:, second, first]
    return turn


def _upright(points: np.ndarray) -> np.ndarray:
    """z-up files turned to y-up: whichever axis the mean spine follows is up."""
    spine = (points[:, NECK] - points[:, PELVIS]).mean(0)
    if np.abs(spine).argmax() == 2 and spine[2] > 0:
        return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
    return points

