"""A motion in a few kilobytes: places in metres at a low rate, as a mean, a few directions and their course over time.

Per frame a row of numbers: path and size of the body in the picture, 33 body points, both hands relative to their wrists,
the head's place, size and rotation, and coefficients of a face basis that all files share. The rows are reduced by a
singular value decomposition to as many directions as keep every body point within TOLERANCE_M; the course is kept at a low
rate and read back with cubic splines, periodic ones for loops, so that a loop has no seam.

Not here: choosing files (catalogue.py), lossless storage (../storage.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from ...pose.assembly import derived
from ...pose.expression import canonical_face
from ...types import Canvas, HolisticMotion

KEY_FPS = (8.0, 12.0, 16.0, 24.0)
"""rates of the course, the first that keeps every point within LARGEST_ERROR_M is taken"""
TOLERANCE_M, LARGEST_ERROR_M = 0.006, 0.015
MOST_DIRECTIONS = 24
FACE_TURNED_AWAY = 0.1
"""a head whose forward axis points less than this towards the camera shows no face"""
BODY, HANDS, HEAD, ROTATION = slice(3, 102), slice(102, 228), slice(228, 232), slice(232, 238)
FACE_START = 238
FACE_WEIGHT = 0.05
"""metres that one unit of a face coefficient weighs in the decomposition"""


class FaceBasis(NamedTuple):
    """mean float32 [478,3] and directions float32 [F,478,3] of head-fixed faces, in outer-eye distances."""

    mean: np.ndarray
    directions: np.ndarray


class Compact(NamedTuple):
    """mean float16 [C], directions float16 [D,C], course float16 [K,D]; C = FACE_START + coefficients of the face."""

    mean: np.ndarray
    directions: np.ndarray
    course: np.ndarray


def fit_face_basis(faces: np.ndarray, count: int) -> FaceBasis:
    """Basis of head-fixed faces [N,478,3] with `count` directions; coefficients have about unit size."""
    flat = faces.reshape(len(faces), -1).astype(np.float64)
    mean = flat.mean(0)
    _, strength, directions = np.linalg.svd(flat - mean, full_matrices=False)
    scaled = directions[:count] * (strength[:count, None] / np.sqrt(len(faces)))
    return FaceBasis(mean.reshape(478, 3).astype(np.float32), scaled.reshape(-1, 478, 3).astype(np.float32))


def compacted(motion: HolisticMotion, basis: FaceBasis, loop: bool) -> Compact:
    """The small form of a motion whose every point is known in every frame, faces turned away included."""
    rows = _rows(motion, basis)
    weight = _weights(rows.shape[1])
    mean = rows.mean(0)
    left, strength, directions = np.linalg.svd((rows - mean) * weight, full_matrices=False)
    course = left * strength
    most = min(MOST_DIRECTIONS, len(strength))
    count = next((n for n in range(1, most) if _worst(course[:, n:] @ directions[n:]) < TOLERANCE_M), most)
    for key_fps in KEY_FPS:
        keys = _key_times(motion.frame_count, motion.fps, key_fps, loop)
        small = Compact(
            mean.astype(np.float16),
            (directions[:count] / weight).astype(np.float16),
            _spline(course[:, :count], np.arange(motion.frame_count), motion.frame_count, loop)(keys).astype(np.float16),
        )
        if _worst(_expanded_rows(small, motion.frame_count, loop) - rows) < LARGEST_ERROR_M:
            break
    return small


def _worst(error: np.ndarray) -> float:
    """Largest error of a body or hand point in metres; error [T,C] (body and hands weigh 1)."""
    return float(max(np.abs(error[:, BODY]).max(), np.abs(error[:, HANDS]).max()))


def expanded(
    small: Compact, basis: FaceBasis, *, frame_count: int, fps: float, canvas: Canvas, px_per_metre: float, loop: bool
) -> HolisticMotion:
    """The motion again: frame_count frames at fps on `canvas`, expression, head pose and facing derived as for clips."""
    rows = _expanded_rows(small, frame_count, loop)
    root, scale = rows[:, :2], px_per_metre * np.exp(rows[:, 2])
    world = rows[:, BODY].reshape(-1, 33, 3)
    middle = np.array([canvas.width, canvas.height]) / 2
    body = (root[:, None] + world[..., :2]) * scale[:, None, None] + middle
    hands = rows[:, HANDS].reshape(-1, 2, 21, 3) * scale[:, None, None, None]
    hands[..., :2] += body[:, [15, 16], None]
    rotation = _orthonormal(rows[:, ROTATION])
    faces = basis.mean + np.einsum("tf,fkc->tkc", rows[:, FACE_START:], basis.directions)
    eye_px = scale * np.exp(rows[:, HEAD][:, 3]) * 0.09
    face = np.einsum("tij,tkj->tki", rotation, faces) * eye_px[:, None, None]
    head = rows[:, HEAD][:, :3] * scale[:, None]
    face[..., :2] += (head[:, :2] + body[:, [7, 8]].mean(1))[:, None]
    face[..., 2] += head[:, 2, None]
    float32, count = np.float32, frame_count
    return derived(
        HolisticMotion(
            fps=fps, canvas=canvas, body=body.astype(float32), body_confidence=np.ones((count, 33), float32),
            body_world=world.astype(float32), hands=hands.astype(float32), hands_confidence=np.ones((count, 2), float32),
            face=face.astype(float32), face_confidence=(rotation[:, 2, 2] > FACE_TURNED_AWAY).astype(float32),
            expression=np.zeros((count, 0), float32), head_pose=np.zeros((count, 3), float32),
            root_yaw=np.zeros(count, float32), camera=np.tile(np.eye(2, 3, dtype=float32), (count, 1, 1)),
        )
    )  # fmt: skip


def _rows(motion: HolisticMotion, basis: FaceBasis) -> np.ndarray:
    world = motion.body_world.astype(np.float64)
    body = motion.body.astype(np.float64)
    hips = body[:, [23, 24]].mean(1)
    scale = _px_per_metre(body, world)
    reference = np.exp(np.log(scale).mean())
    middle = np.array([motion.canvas.width, motion.canvas.height]) / 2
    hands = motion.hands.astype(np.float64)
    hands[..., :2] -= body[:, [15, 16], None]
    canonical = canonical_face(motion.face)
    head = canonical.centre.astype(np.float64)
    head[:, :2] -= body[:, [7, 8]].mean(1)
    differences = (canonical.points - basis.mean).reshape(len(body), -1)
    directions = basis.directions.reshape(len(basis.directions), -1)
    coefficients = differences @ np.linalg.pinv(directions)
    return np.concatenate(
        [
            (hips - middle) / scale[:, None], np.log(scale / reference)[:, None], world.reshape(len(body), -1),
            (hands / scale[:, None, None, None]).reshape(len(body), -1), head / scale[:, None],
            np.log(canonical.scale / scale / 0.09)[:, None], canonical.rotation[:, :, :2].transpose(0, 2, 1).reshape(len(body), -1),
            coefficients,
        ],
        axis=1,
    )  # fmt: skip


def _px_per_metre(body: np.ndarray, world: np.ndarray) -> np.ndarray:
    """Least-squares scale between picture and metric skeleton, each about its own middle [T]."""
    picture = body - body.mean(1, keepdims=True)
    metric = world[..., :2] - world[..., :2].mean(1, keepdims=True)
    return (picture * metric).sum((1, 2)) / (metric**2).sum((1, 2))


def _weights(columns: int) -> np.ndarray:
    """Metres per unit of every column, so that one tolerance serves all."""
    weight = np.ones(columns)
    weight[ROTATION] = 0.12
    weight[FACE_START:] = FACE_WEIGHT
    return weight


def _key_times(frame_count: int, fps: float, key_fps: float, loop: bool) -> np.ndarray:
    """Times of the keys in frames; a loop's first key stands for its end, too."""
    count = max(round(frame_count / fps * key_fps), 4)
    return np.arange(count) * frame_count / count if loop else np.linspace(0, frame_count - 1, count)


def _spline(values: np.ndarray, times: np.ndarray, period: int, loop: bool) -> CubicSpline:
    if not loop:
        return CubicSpline(times, values, axis=0)
    return CubicSpline(np.append(times, period), np.concatenate([values, values[:1]]), axis=0, bc_type="periodic")


def _expanded_rows(small: Compact, frame_count: int, loop: bool) -> np.ndarray:
    mean, directions, course = (part.astype(np.float64) for part in small)
    count = len(course)
    times = np.arange(count) * frame_count / count if loop else np.linspace(0, frame_count - 1, count)
    return mean + _spline(course, times, frame_count, loop)(np.arange(frame_count)) @ directions


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """First two columns [T,6] of rotations -> rotations [T,3,3]."""
    first, second = columns[:, :3], columns[:, 3:]
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second - first * (first * second).sum(1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=2)
