"""Bone directions: the driver's, the picture's own, mixtures of both, and forward kinematics.

Not here: where the root goes (framing.py). Called by retarget.py.
A bone "vector in lengths" is (child - parent) / bone length: shorter than 1 in x, y means foreshortened.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, PELVIS, RIG_BONES, RIGHT_ARM, RIGHT_LEG, bone_vectors
from .lift import SEEN, LiftedMotion

FILLED_BY_DEPTH = 0.08  # a bone that came out too short is lengthened in depth once it points that way a little
TRUNK_BONES = (0, 1)  # spine and neck
LARGEST_LEAN = 0.25  # how far detectors lean a spine or neck towards the camera, in bone lengths
TURNED = np.radians(40.0)  # from here on a turn shows the whole of that lean
SWAY_LIMIT = 0.35  # a body on pinned feet leans at most this share of the torso


def driver_directions(lifted: LiftedMotion, turn: np.ndarray) -> np.ndarray:
    """The driver's bone directions [T,18,3] of unit length, turned by rotations [T,3,3] about the vertical.

    Detectors shorten limbs that point at the camera: what a bone lacks of its own length is added to its depth when it has
    any, which leaves it as it is in the picture; bones in the picture's plane are simply stretched.
    """
    vectors = bone_vectors(lifted.joints) / lifted.scale[:, None, None] / lifted.lengths[:, None]
    across, depth = (vectors[..., :2] ** 2).sum(-1), vectors[..., 2] ** 2
    missing = np.maximum(1.0 - across - depth, 0.0)
    added = missing * depth / np.maximum(depth + FILLED_BY_DEPTH * across, 1e-9)
    vectors[..., 2] *= np.sqrt((depth + added) / np.maximum(depth, 1e-12))
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return np.einsum("tij,tbj->tbi", turn, unit)


def calibrated_depth(driver: np.ndarray, own: np.ndarray, turn: np.ndarray, reference: slice) -> np.ndarray:
    """Driver directions [T,18,3] whose spine and neck start nearer to the picture's own depth.

    World landmarks lean heads and torsos towards the camera by 10 to 20 degrees; unseen in a frontal view, this becomes
    a false lean as soon as the body is turned by rotations [T,3,3]. Only as much of the constant part is taken out as
    detectors get wrong, and only of bodies that are turned. own [18,3].
    """
    chosen = list(TRUNK_BONES)
    before = np.einsum("tji,tbj->tbi", turn, driver[:, chosen])
    own_before = np.einsum("tji,bj->tbi", turn, own[chosen])
    wrong = before[reference, :, 2].mean(0) - own_before[..., 2]
    turned = np.sqrt(np.clip((1.0 - turn[:, 0, 0]) / (1.0 - np.cos(TURNED)), 0.0, 1.0))
    length = np.linalg.norm(before, axis=-1, keepdims=True)
    before[..., 2] -= np.clip(wrong, -LARGEST_LEAN, LARGEST_LEAN) * turned[:, None]
    before *= length / np.maximum(np.linalg.norm(before, axis=-1, keepdims=True), 1e-9)
    out = driver.copy()
    out[:, chosen] = np.einsum("tij,tbj->tbi", turn, before)
    return out


def own_directions(own: np.ndarray, lengths_px: np.ndarray) -> np.ndarray:
    """The bone vectors in lengths [18,3] that put the picture's joints [19,3] exactly where the picture has them."""
    return bone_vectors(own) / lengths_px[:, None]


def limb_weights(lifted: LiftedMotion) -> np.ndarray:
    """How much of every bone follows the driver [T,18]: 1 seen, 0 keeps the character's own pose.

    A bone needs its whole limb up to the trunk to be seen; limbs in sight for less than 40 % of the scene stay.
    """
    weight = np.clip(lifted.confidence * 1.6 - 0.3, 0.0, 1.0) * (lifted.presence >= SEEN)
    hips = weight[:, PELVIS]
    out = np.zeros((lifted.frame_count, len(RIG_BONES)))
    limb_of = {joint: limb for limb in (LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG) for joint in limb}
    for bone, (child, parent) in enumerate(RIG_BONES):
        if child not in limb_of:
            out[:, bone] = np.minimum(weight[:, child], weight[:, parent])
            continue
        limb = limb_of[child]
        chain = limb[: limb.index(child) + 1]
        out[:, bone] = weight[:, chain].min(1)
        if limb in (LEFT_LEG, RIGHT_LEG):
            out[:, bone] = np.minimum(out[:, bone], hips)
    return out


def mix_directions(own: np.ndarray, driver: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Between two bone vectors [T,18,3] by weight [T,18]: directions on the arc, lengths linearly."""
    weight = weight[..., None]
    own_length = np.linalg.norm(own, axis=-1, keepdims=True)
    driver_length = np.linalg.norm(driver, axis=-1, keepdims=True)
    from_own = own / np.maximum(own_length, 1e-9)
    to_driver = driver / np.maximum(driver_length, 1e-9)
    cosine = np.clip((from_own * to_driver).sum(-1, keepdims=True), -1.0, 1.0)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    flat = sine < 1e-4
    safe = np.where(flat, 1.0, sine)
    own_part = np.where(flat, 1.0 - weight, np.sin((1.0 - weight) * angle) / safe)
    driver_part = np.where(flat, weight, np.sin(weight * angle) / safe)
    direction = own_part * from_own + driver_part * to_driver
    return direction * ((1.0 - weight) * own_length + weight * driver_length)


def lean(directions: np.ndarray, sway_lengths: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Lean the spine of `directions` [T,18,3] sideways by sway_lengths [T] torso lengths, as far as weight [T] says."""
    sway = SWAY_LIMIT * np.tanh(sway_lengths / SWAY_LIMIT) * weight
    spine = directions[:, 0].copy()
    length = np.linalg.norm(spine, axis=-1, keepdims=True)
    spine[:, 0] += sway
    out = directions.copy()
    out[:, 0] = spine * length / np.maximum(np.linalg.norm(spine, axis=-1, keepdims=True), 1e-9)
    return out


def forward_kinematics(directions: np.ndarray, lengths_px: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Joints [T,19,3] px with the pelvis at the origin, from vectors in lengths [T,18,3], lengths [18] px, scale [T]."""
    joints = np.zeros((len(directions), len(RIG_BONES) + 1, 3))
    vectors = directions * lengths_px[:, None] * scale[:, None, None]
    for bone, (child, parent) in enumerate(RIG_BONES):
        joints[:, child] = joints[:, parent] + vectors[:, bone]
    return joints
