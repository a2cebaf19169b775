"""The directed camera and the driver's own: similarities, and turns of the body about the vertical.

Not here: where the character stands (framing.py), which way it faces (facing.py), words (camera_words.py).
A camera is a similarity float32 [T,2,3] on the canvas: final point = camera[t] @ (x, y, 1).
"""

from __future__ import annotations

import math

import numpy as np

from ..types import CameraDirective, Canvas
from .lift import smooth_over_time

CAMERA_SIGMA_FRAMES = 2.0
LARGEST_JERK = 0.004  # of the long side: mean change of the camera's speed per frame; shakier estimates are noise
FOLLOWED_TRAVEL = 0.25  # a camera that travels further than this share of the picture is tracking the driver


def about_vertical(angle: np.ndarray | float) -> np.ndarray:
    """Rotation matrices [...,3,3] that raise the yaw of what they turn by `angle` (towards the picture's right)."""
    angle = np.asarray(angle, np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    rows = [[cosine, zero, -sine], [zero, one, zero], [sine, zero, cosine]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def wrapped(angle: np.ndarray | float) -> np.ndarray:
    """Angles brought into -pi..pi."""
    return (np.asarray(angle) + math.pi) % (2 * math.pi) - math.pi


def directive_progress(frame_count: int) -> np.ndarray:
    """0 at the first frame, 1 at the last, with an eased start and stop [T]."""
    line = np.linspace(0.0, 1.0, frame_count) if frame_count > 1 else np.ones(1)
    return line * line * (3 - 2 * line)


def directive_camera(
    directive: CameraDirective, canvas: Canvas, frame_count: int, focus: tuple[float, float] | None = None
) -> np.ndarray:
    """The virtual camera's similarity [T,2,3]. A turning camera moves the whole picture by focal length x tan(angle);
    the focal length is the canvas' long side (a field of view of 53 degrees).

    Zooms keep the point `focus` (x, y) px, default the middle, where it is.
    """
    progress = directive_progress(frame_count)
    zoom = np.exp(np.log(max(directive.zoom, 1e-3)) * progress)
    focal = focal_px(canvas)
    centre = np.array(focus if focus is not None else (canvas.width / 2, canvas.height / 2), np.float64)
    shift = np.stack(
        [
            -focal * np.tan(math.radians(directive.pan_deg) * progress),
            focal * np.tan(math.radians(directive.tilt_deg) * progress),
        ],
        axis=-1,
    )
    camera = np.zeros((frame_count, 2, 3))
    camera[:, 0, 0] = camera[:, 1, 1] = zoom
    camera[:, :, 2] = centre + shift - zoom[:, None] * centre
    return camera.astype(np.float32)


def focal_px(canvas: Canvas) -> float:
    """Focal length of the virtual camera: the canvas' long side."""
    return float(max(canvas))


def still_camera(frame_count: int) -> np.ndarray:
    """Identity similarities [T,2,3]."""
    return np.tile(np.eye(2, 3, dtype=np.float32), (frame_count, 1, 1))


def apply_camera(camera: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Move canvas points [T,...,2|3] by camera [T,2,3]; a third coordinate is scaled by the zoom."""
    steps = (len(camera),) + (1,) * (points.ndim - 2)
    moved = np.einsum("tij,t...j->t...i", camera[:, :, :2], points[..., :2]) + camera[:, :, 2].reshape(*steps, 2)
    if points.shape[-1] == 2:
        return moved.astype(points.dtype)
    depth = points[..., 2:] * camera_zoom(camera).reshape(*steps, 1)
    return np.concatenate([moved, depth], axis=-1).astype(points.dtype)


def camera_zoom(camera: np.ndarray) -> np.ndarray:
    """Enlargement [T] of similarities [T,2,3]."""
    return np.sqrt(np.abs(np.linalg.det(camera[:, :, :2].astype(np.float64))))


def inverse_camera(camera: np.ndarray) -> np.ndarray:
    """Similarities [T,2,3] that undo `camera`."""
    linear = np.linalg.inv(camera[:, :, :2].astype(np.float64))
    shift = -np.einsum("tij,tj->ti", linear, camera[:, :, 2])
    return np.concatenate([linear, shift[..., None]], axis=-1)


def followed_camera(
    camera: np.ndarray, canvas: Canvas, body: np.ndarray | None = None, body_confidence: np.ndarray | None = None
) -> np.ndarray | None:
    """The driver's camera, calmed, or None when it stands still, is not believable, or tracks the driver too far.

    camera [T,2,3] on the driver's canvas; body [T,33,2] and confidence [T,33] to check it against the driver's feet.
    A tracking shot would pull the character's background out of the picture; on flat backdrops the estimate wanders.
    """
    corners = np.array([[0, 0], [canvas.width, 0], [0, canvas.height], [canvas.width, canvas.height]], np.float64)
    path = apply_camera(camera, np.tile(corners, (len(camera), 1, 1))) - corners
    travel = np.abs(path).max()
    if travel < 1.0 or travel > FOLLOWED_TRAVEL * max(canvas):
        return None
    if len(path) > 2 and np.sqrt((np.diff(path, 2, axis=0) ** 2).sum(-1).mean()) > LARGEST_JERK * max(canvas):
        return None
    if body is not None and body_confidence is not None and _feet_disagree(camera, body, body_confidence):
        return None
    return smooth_over_time(camera.astype(np.float64), CAMERA_SIGMA_FRAMES)


def _feet_disagree(camera: np.ndarray, body: np.ndarray, confidence: np.ndarray) -> bool:
    """True when standing feet are clearly calmer in the picture as it is than without the camera's motion."""
    feet = [27, 28]
    seen = (confidence[1:, feet] > 0.6) & (confidence[:-1, feet] > 0.6)
    if seen.sum() < 8:
        return False
    steady = apply_camera(inverse_camera(camera), body[:, feet].astype(np.float64))
    speeds = [np.linalg.norm(np.diff(points, axis=0), axis=-1)[seen] for points in (body[:, feet], steady)]
    as_seen, without_camera = (float(np.percentile(speed, 35)) for speed in speeds)
    return without_camera > 1.5 * as_seen + 0.1


def camera_on_canvas(camera: np.ndarray, source: Canvas, target: Canvas) -> np.ndarray:
    """The same camera movement expressed on another canvas; picture centres correspond, sizes go by the long sides."""
    ratio = max(target) / max(source)
    old = np.array([source.width / 2, source.height / 2])
    new = np.array([target.width / 2, target.height / 2])
    moved_centre = camera[:, :, :2] @ old + camera[:, :, 2] - old
    shift = new + moved_centre * ratio - camera[:, :, :2] @ new
    return np.concatenate([camera[:, :, :2], shift[..., None]], axis=-1).astype(np.float32)
