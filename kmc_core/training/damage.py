"""How real references are wrong: keypoints a few percent off, mattes eaten, grown or leaking, pictures blurred and compressed.

The network must meet in training what alignment meets in use. Not here: alignment itself. Called by pairs.py.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..types import HolisticMotion, PictureKeypoints, SubjectLibrary


def damaged_keypoints(keypoints: PictureKeypoints, torso_px: float, generator: np.random.Generator) -> PictureKeypoints:
    """Body points off by up to 2.5 % of the torso (one sigma), hands and face shifted a little as a whole."""
    size = torso_px * float(generator.uniform(0.0, 0.025))
    body = keypoints.body + generator.normal(0, size, keypoints.body.shape)
    world = keypoints.body_world * (1 + generator.normal(0, 0.03, keypoints.body_world.shape))
    hands = keypoints.hands.copy()
    hands[..., :2] += generator.normal(0, 0.5 * size, (2, 1, 2)) + generator.normal(0, 0.15 * size, hands[..., :2].shape)
    face = keypoints.face.copy()
    face[:, :2] += generator.normal(0, 0.15 * size, 2)
    return replace(
        keypoints,
        body=body.astype(np.float32),
        body_world=world.astype(np.float32),
        hands=hands.astype(np.float32),
        face=face.astype(np.float32),
    )


def damaged_motion(motion: HolisticMotion, torso_px: float, generator: np.random.Generator) -> HolisticMotion:
    """Tracking noise: one constant offset per point and a slow wander, up to 1 % of the torso (one sigma)."""
    size = torso_px * float(generator.uniform(0.0, 0.01))
    frames = motion.frame_count
    ends = generator.normal(0, size, (2, 33, 2))
    wander = ends[0] + np.linspace(0, 1, frames)[:, None, None] * (ends[1] - ends[0])
    return replace(motion, body=(motion.body + wander).astype(np.float32))


def damaged_lengths(subject: SubjectLibrary, generator: np.random.Generator) -> SubjectLibrary:
    """Bone lengths off by up to 5 %, as one picture leaves them."""
    factors = generator.uniform(0.95, 1.05, subject.bone_lengths.shape)
    return replace(subject, bone_lengths=(subject.bone_lengths * factors).astype(np.float32))


def damaged_matte(alpha: np.ndarray, torso_px: float, generator: np.random.Generator) -> np.ndarray:
    """float32 [H,W]: eroded, dilated, holed or leaking; one in four stays perfect."""
    kind = generator.choice(["perfect", "eroded", "dilated", "holed", "leaking"], p=[0.25, 0.2, 0.2, 0.2, 0.15])
    size = max(1, round(torso_px * float(generator.uniform(0.01, 0.045))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    out = alpha.astype(np.float32)
    if kind == "eroded":
        out = cv2.erode(out, disc)
    elif kind == "dilated":
        out = cv2.dilate(out, disc)
    elif kind == "holed":
        edge = out - cv2.erode(out, cv2.dilate(disc, disc))
        out = out * (1 - _blobs(alpha.shape, 2.5 * size, generator) * (edge > 0.2))
    elif kind == "leaking":
        out = np.maximum(out, _blobs(alpha.shape, 3 * size, generator) * (cv2.dilate(out, cv2.dilate(disc, disc)) > 0.5))
    return np.clip(cv2.GaussianBlur(out, (0, 0), float(generator.uniform(0.4, 1.4))), 0, 1)


def damaged_picture(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """uint8 [H,W,3]: half of them a little soft, half grainy, half compressed as JPEG."""
    out = picture
    if generator.random() < 0.5:
        out = cv2.GaussianBlur(out, (0, 0), float(generator.uniform(0.3, 0.9)))
    if generator.random() < 0.5:
        grain = generator.normal(0, float(generator.uniform(0.5, 3.0)), (*out.shape[:2], 1))
        out = np.clip(out + grain, 0, 255).round().astype(np.uint8)
    if generator.random() < 0.5:
        quality = int(generator.integers(55, 95))
        done, packed = cv2.imencode(".jpg", out[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        out = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1] if done else out
    return np.ascontiguousarray(out)


def _blobs(shape: tuple[int, int], size: float, generator: np.random.Generator) -> np.ndarray:
    """Smooth random patches of about `size` px over one fifth of the picture -> float32 [H,W] 0..1."""
    coarse = generator.random((max(2, int(shape[0] / (2 * size))), max(2, int(shape[1] / (2 * size))))).astype(np.float32)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip((field - 0.75) * 10, 0, 1)
