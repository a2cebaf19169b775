"""How the camera moved: one similarity per frame, registered on the background of small grey thumbnails.

Not here: cuts (cuts.py), tracking. Called by the extractor; retargeting may subtract the result.
Source: robust forward-additive Gauss-Newton image alignment (Lucas & Kanade 1981; Baker & Matthews 2004) with
Geman-McClure weights, coarse to fine. Frames are registered to a key frame, not to their neighbour, so nothing drifts.
Inside, a similarity is a pair of complex numbers (a, t): z -> a z + t, z = thumbnail position / width, origin in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from ..types import Canvas, HolisticMotion
from .cuts import scene_ranges
from .skeleton_layouts import BODY_EDGES

LONG_SIDE_PX = 256
LEVELS = 4
ITERATIONS = 12
LEAST_BACKGROUND = 0.15
"""share of a frame that must be background for the camera to be observable"""
LEAST_OVERLAP = 0.6
"""a new key frame is taken when less of the old one is in view"""
STILL_PX = 0.35
"""mean corner movement at thumbnail size below which a scene counts as filmed by a still camera"""
LEAST_GAIN = 0.97
"""residual after / before registration above which a scene's motion is not believed"""

Similarity = tuple[complex, complex]
IDENTITY: Similarity = (1 + 0j, 0j)


class CameraTrack(NamedTuple):
    """matrices float32 [T,2,3] in canvas pixels: the scene's first frame's background to frame t; notes for the report."""

    matrices: np.ndarray
    notes: tuple[str, ...]


def luma_thumbnail(frame: np.ndarray) -> np.ndarray:
    """uint8 [H,W,3] -> uint8 [h,w] luma, long side <= 256: what a streaming pass keeps per frame for `estimate_camera`."""
    height, width = frame.shape[:2]
    factor = min(1.0, LONG_SIDE_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def estimate_camera(
    thumbnails: Sequence[np.ndarray],
    canvas: Canvas,
    body: np.ndarray,
    body_confidence: np.ndarray,
    cuts: Sequence[int] = (),
    matte: np.ndarray | None = None,
) -> CameraTrack:
    """Camera motion of a clip from `luma_thumbnail`s; the performer is masked out.

    body [T,33,2] px of `canvas`, body_confidence [T,33], matte uint8 [T,h,w] or None. Scenes whose background fills less
    than 15 % of the picture, or whose registration does not lower the residual, stay identity and get a note.
    """
    matrices = np.tile(np.eye(2, 3, dtype=np.float32), (len(thumbnails), 1, 1))
    notes: list[str] = []
    for first, stop in scene_ranges(cuts, len(thumbnails)):
        if stop - first < 2:
            continue
        frames = [frame.astype(np.float32) / 255 for frame in thumbnails[first:stop]]
        masks = [
            background_mask(
                frames[0].shape, canvas, body[index], body_confidence[index], None if matte is None else matte[index]
            )
            for index in range(first, stop)
        ]
        if float(np.mean([mask.mean() for mask in masks])) < LEAST_BACKGROUND:
            notes.append(f"camera motion cannot be seen in frames {first} to {stop - 1}: the performer fills the picture")
            continue
        motions, gain = _register_scene(frames, masks)
        if gain > LEAST_GAIN or _mean_corner_shift(motions, frames[0].shape) < STILL_PX:
            continue
        matrices[first:stop] = [_to_canvas(motion, canvas) for motion in motions]
    return CameraTrack(matrices, tuple(notes))


def subtract_camera(motion: HolisticMotion) -> HolisticMotion:
    """The motion as a camera standing where each scene began would have seen it; its `camera` becomes the identity."""
    linear, offset = motion.camera[:, :, :2].astype(np.float64), motion.camera[:, :, 2].astype(np.float64)
    inverse = np.linalg.inv(linear)
    depth_scale = np.sqrt(np.abs(np.linalg.det(inverse))).astype(np.float32)

    def moved(points: np.ndarray) -> np.ndarray:
        flat = points.reshape(len(points), -1, points.shape[-1]).copy()
        flat[..., :2] = np.einsum("tij,tnj->tni", inverse, flat[..., :2] - offset[:, None])
        flat[..., 2:] *= depth_scale[:, None, None]
        return flat.reshape(points.shape).astype(np.float32)

    return replace(
        motion,
        body=moved(motion.body),
        hands=moved(motion.hands),
        face=moved(motion.face),
        camera=np.tile(np.eye(2, 3, dtype=np.float32), (motion.frame_count, 1, 1)),
    )


def background_mask(
    shape: tuple[int, int], canvas: Canvas, body: np.ndarray, confidence: np.ndarray, matte: np.ndarray | None = None
) -> np.ndarray:
    """float32 [h,w], 1 = background: everything but thick capsules round the body and the (dilated) matte."""
    mask = np.ones(shape, np.uint8)
    if matte is not None:
        person = cv2.resize(matte, shape[::-1], interpolation=cv2.INTER_LINEAR) > 64
        mask[cv2.dilate(person.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0] = 0
    if (confidence[[11, 12]] > 0).all():
        points = body * (shape[1] / canvas.width, shape[0] / canvas.height)
        torso = float(np.linalg.norm(points[[11, 12]].mean(0) - points[[23, 24]].mean(0)))
        for start, end in (*BODY_EDGES, (0, 11), (0, 12)):
            if min(confidence[start], confidence[end]) > 0.2:
                ends = [np.round(points[index].clip(-1e4, 1e4)).astype(int).tolist() for index in (start, end)]
                cv2.line(mask, *ends, 0, max(int(0.7 * torso), 3))
        head = np.round(points[:11].mean(0).clip(-1e4, 1e4)).astype(int).tolist()
        cv2.circle(mask, head, max(int(0.55 * torso), 3), 0, -1)
    return mask.astype(np.float32)


def register(fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray, start: Similarity = IDENTITY) -> Similarity:
    """Similarity taking positions in `fixed` to positions in `moving` (both float32 [h,w] 0..1), weight [h,w] on fixed."""
    scale, shift = start
    for level in reversed(range(LEVELS)):
        factor = 2**level
        height, width = (side // factor for side in fixed.shape)
        if min(height, width) < 12:
            continue
        images = [_shrunk(image, width, height) for image in (fixed, moving, weight)]
        scale, shift = _gauss_newton(*images, (scale, shift))
    return scale, shift


def _shrunk(image: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _gauss_newton(fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray, start: Similarity) -> Similarity:
    height, width = fixed.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (xs + 0.5) / width - 0.5, (ys + 0.5 - height / 2) / width
    slope_x = cv2.Sobel(moving, cv2.CV_32F, 1, 0, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE) * width
    slope_y = cv2.Sobel(moving, cv2.CV_32F, 0, 1, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE) * width
    stacked = np.dstack([moving, slope_x, slope_y])
    scale, shift = start
    for _ in range(ITERATIONS):
        moved_x = scale.real * x - scale.imag * y + shift.real
        moved_y = scale.imag * x + scale.real * y + shift.imag
        column, row = (moved_x + 0.5) * width - 0.5, moved_y * width + height / 2 - 0.5
        value, dx, dy = cv2.split(cv2.remap(stacked, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        inside = (column > -0.5) & (column < width - 0.5) & (row > -0.5) & (row < height - 0.5)
        used = (weight > 0.5) & inside
        if used.sum() < 32:
            break
        residual = (fixed - value)[used]
        spread = 1.4826 * np.median(np.abs(residual)) + 1e-3
        robust = 1 / (1 + (residual / (2 * spread)) ** 2) ** 2
        px, py, gx, gy = x[used], y[used], dx[used], dy[used]
        jacobian = np.stack([gx * px + gy * py, gy * px - gx * py, gx, gy], axis=1)
        weighted = jacobian * robust[:, None]
        # A flat background gives a singular system; the ridge then keeps the start.
        normal = weighted.T @ jacobian + np.eye(4, dtype=np.float32) * (1e-4 * len(residual))
        step = np.linalg.solve(normal, weighted.T @ residual)
        scale, shift = scale + complex(step[0], step[1]), shift + complex(step[2], step[3])
        if np.abs(step).max() < 2e-5:
            break
    return scale, shift


def _register_scene(frames: list[np.ndarray], masks: list[np.ndarray]) -> tuple[list[Similarity], float]:
    """Similarities first frame -> frame t, and the mean residual relative to not moving at all."""
    key, to_key = 0, IDENTITY
    motions: list[Similarity] = [IDENTITY]
    since_key: Similarity = IDENTITY
    before = after = 1e-6
    for index in range(1, len(frames)):
        weight = masks[key] * masks[index]
        found = register(frames[key], frames[index], weight, since_key)
        if _overlap(found, frames[0].shape) < LEAST_OVERLAP or not 0.5 < abs(found[0]) < 2:
            key, to_key = index - 1, motions[-1]
            found = register(frames[key], frames[index], masks[key] * masks[index])
            if _overlap(found, frames[0].shape) < LEAST_OVERLAP or not 0.5 < abs(found[0]) < 2:
                found = IDENTITY
        since_key = found
        motions.append(_compose(found, to_key))
        before += _residual(frames[key], frames[index], masks[key] * masks[index], IDENTITY)
        after += _residual(frames[key], frames[index], masks[key] * masks[index], found)
    return motions, after / before


def _residual(fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray, motion: Similarity) -> float:
    warped = cv2.warpAffine(
        moving,
        _thumbnail_matrix(motion, fixed.shape),
        fixed.shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return float((np.abs(warped - fixed) * weight).sum() / max(weight.sum(), 1))


def _compose(outer: Similarity, inner: Similarity) -> Similarity:
    return outer[0] * inner[0], outer[0] * inner[1] + outer[1]


def _corners(shape: tuple[int, int]) -> np.ndarray:
    tall = shape[0] / shape[1] / 2
    return np.array([-0.5 - tall * 1j, 0.5 - tall * 1j, -0.5 + tall * 1j, 0.5 + tall * 1j])


def _overlap(motion: Similarity, shape: tuple[int, int]) -> float:
    """Share of the key frame that is still in view, from the bounding box of its moved corners."""
    tall = shape[0] / shape[1] / 2
    moved = motion[0] * _corners(shape) + motion[1]
    wide = min(moved.real.max(), 0.5) - max(moved.real.min(), -0.5)
    high = min(moved.imag.max(), tall) - max(moved.imag.min(), -tall)
    own = np.ptp(moved.real) * np.ptp(moved.imag)
    return float(max(wide, 0) * max(high, 0) / max(own, 1e-9))


def _mean_corner_shift(motions: Sequence[Similarity], shape: tuple[int, int]) -> float:
    """Largest over time of the mean corner movement, px of the thumbnail."""
    corners = _corners(shape)
    return max(float(np.abs(a * corners + t - corners).mean()) * shape[1] for a, t in motions)


def _thumbnail_matrix(motion: Similarity, shape: tuple[int, int]) -> np.ndarray:
    """2x3 for OpenCV's pixel indices."""
    scale, shift = motion
    middle = complex(shape[1] / 2 - 0.5, shape[0] / 2 - 0.5)
    offset = middle + shift * shape[1] - scale * middle
    return np.array([[scale.real, -scale.imag, offset.real], [scale.imag, scale.real, offset.imag]])


def _to_canvas(motion: Similarity, canvas: Canvas) -> np.ndarray:
    """2x3 for points of `canvas` whose pixel centres lie at integer + 0.5."""
    scale, shift = motion
    middle = complex(canvas.width / 2, canvas.height / 2)
    offset = middle + shift * canvas.width - scale * middle
    return np.array([[scale.real, -scale.imag, offset.real], [scale.imag, scale.real, offset.imag]], np.float32)
