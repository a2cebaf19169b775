"""A motion as bone vectors and a path, the form in which poses may be mixed: limbs turn, they never shrink or cross-fade.

Not here: which frames are mixed (resampling.py, seamless_loop.py). Picture points get their depth from the world landmarks,
so a limb that swings towards the camera between two frames keeps its length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from ..pose.skeleton_layouts import OPENPOSE_HAND_EDGES, rig_joints
from ..subject.rig import pixels_per_metre
from ..types import HolisticMotion

# BlazePose-33 and three middles: hips, shoulders, ears; every point hangs on the one named here, parents first
MIDDLES = ((23, 24), (11, 12), (7, 8))
HIPS, SHOULDERS, EARS = 33, 34, 35
BODY_TREE = (
    (SHOULDERS, HIPS), (EARS, SHOULDERS), *((point, EARS) for point in range(11)), (11, SHOULDERS), (12, SHOULDERS),
    (13, 11), (14, 12), (15, 13), (16, 14), (17, 15), (18, 16), (19, 15), (20, 16), (21, 15), (22, 16),
    (23, HIPS), (24, HIPS), (25, 23), (26, 24), (27, 25), (28, 26), (29, 27), (30, 28), (31, 27), (32, 28),
)  # fmt: skip
WRISTS = [15, 16]
HAND_TREE = tuple((child, parent) for parent, child in OPENPOSE_HAND_EDGES)


class BoneForm(NamedTuple):
    """path [T,3] of the hips in px (z = 0); bones, world [T,35,3]; world_path [T,3]; wrists [T,2,3] hand wrist minus body
    wrist in px; hands [T,2,20,3]; face_path [T,3] middle of the face; face [T,478,3] around it, both float32; the rest float64."""

    path: np.ndarray
    bones: np.ndarray
    world_path: np.ndarray
    world: np.ndarray
    wrists: np.ndarray
    hands: np.ndarray
    face_path: np.ndarray
    face: np.ndarray


DIRECTED = {"bones": (-1,), "world": (-1,), "hands": (-1,), "face": (-2, -1)}
"""fields whose vectors keep their length when they are mixed, and the axes over which it is taken (a face is one vector)"""
ANGLES = ("head_pose", "root_yaw")


def bone_form(motion: HolisticMotion) -> BoneForm:
    """Take a motion apart."""
    points, world = motion.body.astype(np.float64), motion.body_world.astype(np.float64)
    scale = pixels_per_metre(rig_joints(points), rig_joints(world), rig_joints(motion.body_confidence[..., None])[..., 0].mean(0))
    lifted = np.concatenate([points, world[..., 2:] * np.asarray(scale)[:, None, None]], axis=-1)
    path, bones = _taken_apart(lifted)
    world_path, world_bones = _taken_apart(world)
    hands = motion.hands.astype(np.float64)
    wrists = hands[:, :, 0].copy()
    wrists[..., :2] -= points[:, WRISTS]
    child, parent = (list(side) for side in zip(*HAND_TREE, strict=True))
    middle = motion.face.mean(1, dtype=np.float64).astype(np.float32)
    return BoneForm(
        path * [1, 1, 0], bones, world_path, world_bones, wrists, hands[:, :, child] - hands[:, :, parent], middle, motion.face - middle[:, None]
    )


def points_of(form: BoneForm) -> dict[str, np.ndarray]:
    """Put it together again: body, body_world, hands, face of a HolisticMotion, float32."""
    body = _put_together(form.path, form.bones, BODY_TREE, 36, HIPS)[:, :33, :2]
    world = _put_together(form.world_path, form.world, BODY_TREE, 36, HIPS)[:, :33]
    wrists = form.wrists.copy()
    wrists[..., :2] += body[:, WRISTS]
    sides = [_put_together(wrists[:, side], form.hands[:, side], HAND_TREE, 21, 0) for side in (0, 1)]
    face = form.face + form.face_path[:, None]
    whole = {"body": body, "body_world": world, "hands": np.stack(sides, axis=1), "face": face}
    return {name: values.astype(np.float32) for name, values in whole.items()}


def with_mixed(
    motion: HolisticMotion, points: dict[str, np.ndarray], mixed: Callable[[str, np.ndarray], np.ndarray]
) -> HolisticMotion:
    """`motion` with new `points` and every other array over its frames put through `mixed(name, array)`."""
    arrays = {entry.name: getattr(motion, entry.name) for entry in fields(motion) if entry.name not in points}
    frames = motion.frame_count
    changes = {name: mixed(name, array) for name, array in arrays.items() if isinstance(array, np.ndarray) and len(array) == frames}
    return replace(motion, **points, **changes)


def lengths_kept(mixed: np.ndarray, wanted: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Vectors `mixed` stretched to the lengths `wanted` (keepdims); hardly any direction stays as it is."""
    length = vector_lengths(mixed, axes)
    return mixed * np.where(length > 1e-3 * wanted, wanted / np.maximum(length, 1e-9), 1.0)


def vector_lengths(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Lengths over `axes`, kept as dimensions."""
    if axes == (-1,):
        return np.sqrt(np.einsum("...i,...i->...", values, values))[..., None]
    return np.sqrt(np.einsum("...ij,...ij->...", values, values))[..., None, None]


def _taken_apart(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Body points [T,33,3] -> hips [T,3] and vectors [T,35,3] along BODY_TREE."""
    middles = np.stack([points[:, list(pair)].mean(1) for pair in MIDDLES], axis=1)
    whole = np.concatenate([points, middles], axis=1)
    child, parent = (list(side) for side in zip(*BODY_TREE, strict=True))
    return whole[:, HIPS], whole[:, child] - whole[:, parent]


def _put_together(
    root: np.ndarray, vectors: np.ndarray, tree: tuple[tuple[int, int], ...], count: int, start: int
) -> np.ndarray:
    points = np.zeros((len(root), count, 3))
    points[:, start] = root
    for index, (child, parent) in enumerate(tree):
        points[:, child] = points[:, parent] + vectors[:, index]
    return points
