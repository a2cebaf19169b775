"""What the driver's face and head do, free of whose face it is: rotation, displacements, lids, lips, gaze.

Not here: drawing it on the character (alignment/face.py). Called by retarget.py, once per scene.
Displacements are in the head's own axes and outer-eye distances against the driver's own resting face.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from ..pose.expression import canonical_face, eye_openness, gaze, head_axes, head_pose, mouth_gap, neutral_face
from ..pose.skeleton_layouts import rig_joints, torso_yaw
from ..subject.rig import nose_yaw
from ..types import SubjectView
from .lift import Scene, smooth_over_time
from .orientation import about_vertical, wrapped

LARGEST_TURN = np.radians(40.0)
OFFSET_DEAD_ZONE, LARGEST_OFFSET = np.radians(8.0), np.radians(22.0)
LOOKING_AWAY = np.radians(100.0)
ROTATION_SIGMA_FRAMES = 0.8
YAW_SIGMA_FRAMES = 2.0
FADE_SIGMA_FRAMES = 1.5
# A nod is read at .62 of the truth (rendered heads), a drawn one at .62-.75 of what was drawn (four pictures, four faces of
# clips), so a nod that reads like the driver's is drawn larger; turns are read truly but drawn ones at .65-.95: less of the
# near cheek and ear comes into sight than on a head that is there.
DRAWN_NOD, DRAWN_TURN = 1.4, 1.2
LEFTOVER_TURN = np.radians(5.0)  # heads that turn less than this show too little of what the turn does to the mesh
CLOSED_OPENNESS = 0.3  # what the mesh still reads of a resting eye's openness when the lids touch
SEEN_SHARE = 0.3  # faces seen in fewer frames drive nothing
# the face oval from ear to ear over the forehead stays glued to the head; the jaw line moves
UPPER_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)


class FaceMotion(NamedTuple):
    """The face fields of CharacterMotion, T frames."""

    head_rotation: np.ndarray
    head_yaw: np.ndarray
    displacement: np.ndarray | None
    eye_openness: np.ndarray
    mouth_gap: np.ndarray
    gaze: np.ndarray


def face_motion(
    scene: Scene, turn: np.ndarray, reference: slice, picture_rotation: np.ndarray | None = None
) -> FaceMotion:
    """Read a scene's head and face.

    turn [T]: yaw added to the driver (orientation "image", orbits); reference: frames whose head counts as the rest. What
    the turn adds after the start turns the head as it turns the torso, so gaps are bridged relative to the torso.
    picture_rotation [3,3]: head axes of the picture; when given, a driver who starts with a head held differently turns
    the picture's head as well (with a dead zone, and less than fully), else the picture's own carriage is the rest.
    """
    frames = scene.frame_count
    present = scene.face_confidence > 0
    head_yaw = _head_yaw(scene, present) + turn
    start = float(np.mean(turn[reference]))
    if present.mean() < SEEN_SHARE:
        rotation = _limited(about_vertical(_since_reference(head_yaw, reference)), start)
        return FaceMotion(
            rotation, wrapped(head_yaw).astype(np.float32), None, np.ones((frames, 2), np.float32),
            np.zeros(frames, np.float32), np.zeros((frames, 2, 2), np.float32),
        )  # fmt: skip
    face = canonical_face(scene.face, scene.face_confidence)
    points, seen = face.points.astype(np.float64), np.flatnonzero(present)
    rotation = _held(about_vertical(turn - start) @ face.rotation.astype(np.float64), seen)
    resting_head = _mean_rotation(rotation, reference)
    relative = _as_drawn(np.einsum("tij,kj->tik", rotation, resting_head))
    if picture_rotation is not None:
        relative = relative @ _starting_offset(resting_head @ picture_rotation.T)
    fade = np.clip(smooth_over_time(np.minimum(scene.face_confidence, 1.0).astype(np.float64), FADE_SIGMA_FRAMES), 0, 1)

    neutral = points[0] if reference == slice(0, 1) else neutral_face(points[seen]).astype(np.float64)
    displacement = _without_turning(points - neutral, head_pose(face.rotation)[:, :2], seen, reference) * fade[:, None, None]
    displacement[:, list(UPPER_OVAL)] = 0.0
    openness = eye_openness(points)
    resting = openness[0] if reference == slice(0, 1) else np.percentile(openness[seen], 70, axis=0)
    looking = gaze(points)
    looking[..., 1] -= np.median(looking[seen, :, 1], axis=0)
    return FaceMotion(
        _limited(relative, start),
        wrapped(head_yaw).astype(np.float32),
        displacement.astype(np.float32),
        (1.0 + (_lids(openness / np.maximum(resting, 1e-3)) - 1.0) * fade[:, None]).astype(np.float32),
        ((mouth_gap(points) - mouth_gap(neutral)) * fade).astype(np.float32),
        (looking * fade[:, None, None]).astype(np.float32),
    )


def picture_head(view: SubjectView) -> np.ndarray | None:
    """Head axes [3,3] of a picture, None without a face."""
    if view.keypoints.face_confidence <= 0.3:
        return None
    return head_axes(view.keypoints.face).astype(np.float64)


def _lids(openness: np.ndarray) -> np.ndarray:
    """Measured openness (1 = resting) to that of the lids themselves, 0 where they touch: the mesh never closes fully."""
    closing = np.maximum((openness - CLOSED_OPENNESS) / (1 - CLOSED_OPENNESS), 0.0)
    return np.where(openness < 1, closing, openness)


def _without_turning(displacement: np.ndarray, aside: np.ndarray, seen: np.ndarray, reference: slice) -> np.ndarray:
    """Displacements [T,478,3] less what follows the head's yaw and pitch `aside` [T,2]: the mesh of a turned head turns on a
    little in its own axes, and a character would turn by it twice. Ridge regression over the clip's own `seen` frames."""
    pose = aside.astype(np.float64) - aside[seen].mean(0)
    moved = displacement[seen].reshape(len(seen), -1)
    spread = pose[seen].T @ pose[seen] + len(seen) * LEFTOVER_TURN**2 * np.eye(2)
    follows = np.linalg.solve(spread, pose[seen].T @ (moved - moved.mean(0)))
    leftover = (pose - pose[reference].mean(0)) @ follows
    return displacement - leftover.reshape(displacement.shape)


def _starting_offset(difference: np.ndarray) -> np.ndarray:
    """The part of a rotation [3,3] between two heads at rest that is carried over: beyond OFFSET_DEAD_ZONE, up to a limit."""
    vector = Rotation.from_matrix(difference).as_rotvec()
    angle = float(np.linalg.norm(vector))
    carried = float(np.clip(angle - OFFSET_DEAD_ZONE, 0.0, LARGEST_OFFSET))
    return Rotation.from_rotvec(vector * carried / max(angle, 1e-9)).as_matrix()


def _as_drawn(relative: np.ndarray) -> np.ndarray:
    """Rotations [T,3,3] of a head against its rest, as read, to those whose drawing is read so again.

    Beyond LARGEST_TURN the difference fades: nothing more is drawn there, and no head must be turned past 180 degrees.
    """
    vectors = Rotation.from_matrix(relative).as_rotvec()
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    share = np.clip((LOOKING_AWAY - angle) / (LOOKING_AWAY - LARGEST_TURN), 0.0, 1.0)
    return Rotation.from_rotvec(vectors * (1 + share * [DRAWN_NOD - 1, DRAWN_TURN - 1, 0.0])).as_matrix()


def _limited(relative: np.ndarray, turn: float) -> np.ndarray:
    """Clamp turn and nod of relative rotations [T,3,3] together, calm them, see them from the turned side.

    Works on rotation vectors: Euler angles fold over beyond 90 degrees and would flip a head that looks away. Beyond
    LOOKING_AWAY the limit shrinks to nothing, so that a head passing 180 degrees does not jump from side to side.
    """
    vectors = Rotation.from_matrix(relative).as_rotvec()
    aside = np.linalg.norm(vectors[:, :2], axis=-1, keepdims=True)
    allowed = LARGEST_TURN * np.clip((np.pi - aside) / (np.pi - LOOKING_AWAY), 0.0, 1.0)
    vectors[:, :2] *= np.minimum(1.0, allowed / np.maximum(aside, 1e-9))
    limited = Rotation.from_rotvec(smooth_over_time(vectors, ROTATION_SIGMA_FRAMES)).as_matrix()
    side = about_vertical(turn)
    return (side @ limited @ side.T).astype(np.float32)


def _head_yaw(scene: Scene, present: np.ndarray) -> np.ndarray:
    """Absolute facing of the head [T]: from the mesh, else from nose and ears, else from the torso."""
    world = scene.body_world.astype(np.float64)
    yaw = torso_yaw(rig_joints(world))
    ears = scene.body_confidence[:, [0, 7, 8]].max(-1) > 0.5
    yaw = np.where(ears & (np.ptp(world[..., 2], axis=-1) > 0.02), nose_yaw(world), yaw)
    if present.any():
        mesh = head_pose(canonical_face(scene.face, scene.face_confidence).rotation)[:, 0]
        yaw = np.where(present, mesh, yaw)
    around = smooth_over_time(np.stack([np.cos(yaw), np.sin(yaw)], axis=-1), YAW_SIGMA_FRAMES)
    return np.unwrap(np.arctan2(around[:, 1], around[:, 0]))


def _since_reference(yaw: np.ndarray, reference: slice) -> np.ndarray:
    return wrapped(yaw - yaw[reference].mean())


def _mean_rotation(rotations: np.ndarray, reference: slice) -> np.ndarray:
    u, _, vt = np.linalg.svd(rotations[reference].mean(0))
    return u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt


def _held(rotations: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Rotations [T,3,3] with frames that lack a face interpolated along the arc between the seen ones."""
    frames = np.arange(len(rotations))
    if len(seen) == len(frames):
        return rotations
    before = seen[np.clip(np.searchsorted(seen, frames, side="right") - 1, 0, len(seen) - 1)]
    after = seen[np.clip(np.searchsorted(seen, frames, side="left"), 0, len(seen) - 1)]
    share = np.where(after > before, (frames - before) / np.maximum(after - before, 1), 0.0)
    start = Rotation.from_matrix(rotations[before])
    arc = (start.inv() * Rotation.from_matrix(rotations[after])).as_rotvec()
    return (start * Rotation.from_rotvec(arc * share[:, None])).as_matrix()
