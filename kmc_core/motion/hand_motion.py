"""What the driver's hands do, free of their size: 21 points around the wrist in palm lengths, with honest confidence.

Not here: drawing hands (alignment/hands.py). Called by retarget.py, once per scene.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import LEFT_ARM, PELVIS, NECK, RIGHT_ARM
from ..types import SubjectLibrary
from .lift import LiftedMotion, Scene, smooth_over_time

WRIST, MIDDLE_KNUCKLE = 0, 9
PALM_PERCENTILE = 85  # the unforeshortened palm is the longest one seen, outliers aside
SMALLEST_PALM = 0.18  # torso lengths
SEEN_SHARE = 0.1
HOLD_S = 0.8  # in longer gaps the held shape has faded to nothing
HELD_CONFIDENCE = 0.7
SHAPE_SIGMA_FRAMES = 0.7


def hand_motion(
    scene: Scene, lifted: LiftedMotion, turn: np.ndarray, fps: float, palm_px: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Hands [T,2,21,3] relative to the wrist in palm lengths, and their confidence [T,2].

    turn [T,3,3] turns the driver about the vertical. palm_px: length of the palm in the reference frames, where it is
    known (a character that is the driver); else the driver's own longest one. In a gap the shapes seen before and after it are held, turned with
    the forearm's end as the body shows it, cross-faded, and their confidence fades to 0 within HOLD_S.
    """
    frames = scene.frame_count
    shapes = np.zeros((frames, 2, 21, 3))
    confidence = np.zeros((frames, 2))
    torso_px = np.median(np.linalg.norm(lifted.joints[:, NECK, :2] - lifted.joints[:, PELVIS, :2], axis=-1))
    for side, arm in enumerate((LEFT_ARM, RIGHT_ARM)):
        seen = scene.hands_confidence[:, side] > 0
        if seen.mean() < SEEN_SHARE:
            continue
        points = scene.hands[:, side].astype(np.float64)
        relative = points - points[:, :1]
        palm = np.linalg.norm(relative[:, MIDDLE_KNUCKLE, :2], axis=-1) / lifted.relative_scale
        longest = palm_px or max(np.percentile(palm[seen], PALM_PERCENTILE), SMALLEST_PALM * torso_px, 1e-3)
        shape = relative / (longest * lifted.relative_scale)[:, None, None]
        pointing = lifted.joints[:, arm[3], :2] - lifted.joints[:, arm[2], :2]
        angle = np.arctan2(pointing[:, 1], pointing[:, 0])
        shapes[:, side], confidence[:, side] = _bridged(shape, scene.hands_confidence[:, side], angle, fps)
    shapes = np.einsum("tij,tsnj->tsni", turn, smooth_over_time(shapes, SHAPE_SIGMA_FRAMES))
    return shapes.astype(np.float32), confidence.astype(np.float32)


def own_hands(subject: SubjectLibrary) -> tuple[np.ndarray, np.ndarray]:
    """The picture's own hands in the same units: shapes [2,21,3], confidence [2] (0 where the picture shows none)."""
    keypoints = subject.primary_view.keypoints
    relative = keypoints.hands.astype(np.float64) - keypoints.hands[:, :1]
    palm = np.linalg.norm(relative[:, MIDDLE_KNUCKLE, :2], axis=-1)
    confidence = np.where(palm > 1e-3, keypoints.hands_confidence, 0.0)
    return relative / np.maximum(palm, 1e-3)[:, None, None], confidence


def mix_hands(
    own: tuple[np.ndarray, np.ndarray], driver: tuple[np.ndarray, np.ndarray], strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """From the picture's own hands (strength 0) to the driver's (1); a hand only one of them has takes that one's shape.

    Shapes of the picture are [2,21,3], or [T,2,21,3] where they turn with the arms.
    """
    own_shape, own_confidence = own
    shape, confidence = driver
    both = (own_confidence > 0)[None] & (confidence > 0)
    weight = np.where(both, strength, np.where(confidence > 0, 1.0, 0.0))[..., None, None]
    mixed = weight * shape + (1 - weight) * np.broadcast_to(own_shape, shape.shape)
    return mixed.astype(np.float32), ((1 - strength) * own_confidence[None] + strength * confidence).astype(np.float32)


def _bridged(shape: np.ndarray, confidence: np.ndarray, angle: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    frames = np.arange(len(shape))
    seen = np.flatnonzero(confidence > 0)
    before = seen[np.clip(np.searchsorted(seen, frames, side="right") - 1, 0, len(seen) - 1)]
    after = seen[np.clip(np.searchsorted(seen, frames, side="left"), 0, len(seen) - 1)]
    gap = np.maximum(after - before, 1)
    share = np.where(after > before, np.clip((frames - before) / gap, 0.0, 1.0), 0.0)
    held = (1 - share)[:, None, None] * _turned(shape[before], angle - angle[before])
    held = held + share[:, None, None] * _turned(shape[after], angle - angle[after])
    distance = np.minimum(np.abs(frames - before), np.abs(frames - after))
    fading = np.clip(1.0 - distance / max(HOLD_S * fps, 1.0), 0.0, 1.0) * HELD_CONFIDENCE
    nearest = np.where(np.abs(frames - before) <= np.abs(frames - after), before, after)
    return held, np.where(confidence > 0, confidence, fading * confidence[nearest])


def _turned(shape: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Hand shapes [T,21,3] turned in the picture plane by angles [T]."""
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = shape[..., 0], shape[..., 1], shape[..., 2]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1)
