"""How real references and tracks are wrong: keypoints a few percent off, now and then left and right exchanged, a limb not found,
at the wrong depth or a body thought to face elsewhere; mattes eaten, grown or leaking, pictures blurred and compressed.

The network must meet in training what alignment meets in use. Not here: alignment itself. Called by pairs.py.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..types import HolisticMotion, PictureKeypoints, SubjectLibrary

SWAPPED, LOST, WRONG_DEPTH, WRONG_FACING = 0.04, 0.06, 0.06, 0.05  # shares of the damaged references or tracks
# left points of BlazePose-33 beyond the shoulder and beyond the hip; the right ones are one higher
ARM, LEG = (13, 15, 17, 19, 21), (25, 27, 29, 31)
UNSEEN = 0.1  # confidence of a point that was not found


def damaged_keypoints(keypoints: PictureKeypoints, torso_px: float, generator: np.random.Generator) -> PictureKeypoints:
    """Body points off by up to 2.5 % of the torso (one sigma), hands and face shifted a little as a whole; rarely a limb wrong or lost."""
    size = torso_px * float(generator.uniform(0.0, 0.025))
    body = keypoints.body + generator.normal(0, size, keypoints.body.shape)
    world = keypoints.body_world * (1 + generator.normal(0, 0.03, keypoints.body_world.shape))
    hands = keypoints.hands.copy()
    hands[..., :2] += generator.normal(0, 0.5 * size, (2, 1, 2)) + generator.normal(0, 0.15 * size, hands[..., :2].shape)
    face = keypoints.face.copy()
    face[:, :2] += generator.normal(0, 0.15 * size, 2)
    confidence, hands_confidence = keypoints.body_confidence.copy(), keypoints.hands_confidence.copy()
    if generator.random() < SWAPPED:
        limb = ARM if generator.random() < 0.5 else LEG
        for values in (body, world, confidence):
            _exchange(values, limb)
        if limb is ARM:
            hands, hands_confidence = hands[::-1].copy(), hands_confidence[::-1].copy()
    if generator.random() < LOST:
        side, limb = int(generator.integers(2)), ARM if generator.random() < 0.6 else LEG
        lost = np.array(limb[int(generator.integers(2)) :]) + side
        body[lost] += generator.normal(0, 0.15 * torso_px, 2)
        confidence[lost] = np.minimum(confidence[lost], UNSEEN)
        if limb is ARM:
            hands_confidence[side] = 0
    return replace(
        keypoints,
        body_confidence=confidence,
        hands_confidence=hands_confidence,
        body=body.astype(np.float32),
        body_world=world.astype(np.float32),
        hands=hands.astype(np.float32),
        face=face.astype(np.float32),
    )


def damaged_motion(motion: HolisticMotion, torso_px: float, generator: np.random.Generator) -> HolisticMotion:
    """Tracking noise: one constant offset per point and a slow wander, up to 1 % of the torso (one sigma).

    Rarely a forearm or shin is taken to be as far behind as it is in front, or a limb is lost for some frames: it stays where
    it was last seen, with little confidence.
    """
    size = torso_px * float(generator.uniform(0.0, 0.01))
    frames = motion.frame_count
    ends = generator.normal(0, size, (2, 33, 2))
    wander = ends[0] + np.linspace(0, 1, frames)[:, None, None] * (ends[1] - ends[0])
    body, world, confidence = motion.body + wander, motion.body_world.copy(), motion.body_confidence.copy()
    first = int(generator.integers(max(1, frames - 2)))
    spell = slice(first, first + int(generator.integers(2, max(3, frames))))
    limb = np.array(ARM if generator.random() < 0.6 else LEG) + int(generator.integers(2))
    if generator.random() < WRONG_DEPTH:
        root = world[spell, limb[:1] - 2, 2]  # shoulder or hip
        world[spell, limb, 2] = 2 * root - world[spell, limb, 2]
    if generator.random() < LOST:
        body[spell, limb] = body[first, limb]
        confidence[spell, limb] = np.minimum(confidence[spell, limb], UNSEEN)
    return replace(motion, body=body.astype(np.float32), body_world=world.astype(np.float32), body_confidence=confidence.astype(np.float32))


def damaged_facing(subject: SubjectLibrary, generator: np.random.Generator) -> SubjectLibrary:
    """Rarely the body of the first view is taken to face 15 to 40 degrees away from where it does."""
    if generator.random() >= WRONG_FACING:
        return subject
    turn = float(generator.uniform(0.26, 0.70)) * float(generator.choice([-1.0, 1.0]))
    views = list(subject.views)
    views[subject.primary] = replace(subject.primary_view, yaw=subject.primary_view.yaw + turn)
    return replace(subject, views=tuple(views))


def _exchange(values: np.ndarray, limb: tuple[int, ...]) -> None:
    """Left for right, in place, of the limb's points [33,...]."""
    left, right = np.array(limb), np.array(limb) + 1
    values[left], values[right] = values[right].copy(), values[left].copy()


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
