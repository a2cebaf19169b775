"""Turns OpenPose's 18 joints into BlazePose's 33 and gives flat bodies a plausible depth.

Not here: reading dictionaries (interchange.py). Called by interchange.py.
Depth: a bone shorter in the picture than its length is turned out of the picture plane (Taylor 2000, orthographic
reconstruction); its sign is the anatomically usual one, since one view cannot tell.
"""

from __future__ import annotations

import numpy as np

from .skeleton_layouts import OPENPOSE_18
from .smoothing import TORSO_M

INVENTED = 0.2
"""confidence factor of points that no input named (knuckles, toes): below every "seen" threshold"""
EXPECTED_LENGTHS = {
    (11, 13): 0.56, (12, 14): 0.56, (13, 15): 0.48, (14, 16): 0.48, (23, 25): 0.80, (24, 26): 0.80,
    (25, 27): 0.78, (26, 28): 0.78,
}  # fmt: skip
"""human bone lengths in torso lengths (mid-shoulder to mid-hip)"""
SHOULDER_WIDTH, HIP_WIDTH = 0.72, 0.42
# sign of z of the far end against the near end: -1 bends towards the camera
USUAL_SIGN = {13: -1, 14: -1, 15: -1, 16: -1, 25: -1, 26: -1, 27: 1, 28: 1}
NOISE_FLOOR = 0.2
"""share of a bone's length that foreshortening must exceed before it counts"""
# where an absent joint is put: (joint, from, offset in torsos, x to the picture's right for a frontal body)
DEFAULT_PLACES = (
    (23, 11, (-0.12, 1.0)), (24, 12, (0.12, 1.0)), (13, 11, (0.08, 0.56)), (14, 12, (-0.08, 0.56)),
    (15, 13, (0.03, 0.48)), (16, 14, (-0.03, 0.48)), (25, 23, (0.02, 0.80)), (26, 24, (-0.02, 0.80)),
    (27, 25, (0.0, 0.78)), (28, 26, (0.0, 0.78)),
)  # fmt: skip


def blazepose_from_openpose(
    body: np.ndarray, feet: np.ndarray, hands: np.ndarray, hands_confidence: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """OpenPose body [T,18,3] and feet [T,6,3] (x, y px, confidence), hands [T,2,21,3] (left, right) -> body [T,33,2] px and
    confidence [T,33]. Points nobody named are put at plausible places with a confidence below 0.3, or 0."""
    frames = len(body)
    points, confidence = np.zeros((frames, 33, 2), np.float32), np.zeros((frames, 33), np.float32)
    for index, sources in enumerate(OPENPOSE_18):
        if len(sources) == 1:
            points[:, sources[0]], confidence[:, sources[0]] = body[:, index, :2], body[:, index, 2]
    _complete_trunk(points, confidence, body)
    for joint, source, offset in DEFAULT_PLACES:
        missing = confidence[:, joint] <= 0
        torso = _torso(points)[:, None]
        points[missing, joint] = (points[:, source] + torso * np.array(offset, np.float32))[missing]
    _complete_head(points, confidence)
    _complete_hands(points, confidence, hands, hands_confidence)
    _complete_feet(points, confidence, feet)
    return points, confidence


def lift_body(body: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Body [T,33,2] px -> hip-centred metres [T,33,3] (torso = 0.5 m; x right, y down, z away from the camera)."""
    torso = np.maximum(np.median(_torso(body)), 1.0)
    world = np.zeros((*body.shape[:2], 3), np.float32)
    world[..., :2] = (body - body[:, [23, 24]].mean(1, keepdims=True)) / torso
    _turn_trunk(world, confidence)
    for (near, far), expected in EXPECTED_LENGTHS.items():
        flat = np.linalg.norm(world[:, far, :2] - world[:, near, :2], axis=-1)
        seen = np.minimum(confidence[:, near], confidence[:, far]) > 0.3
        longest = np.percentile(flat[seen], 95) if seen.any() else expected
        length = np.clip(longest, 0.85 * expected, 1.3 * expected)
        depth = np.sqrt(np.maximum(length**2 - flat**2 - (NOISE_FLOOR * length) ** 2, 0))
        world[:, far, 2] = world[:, near, 2] + USUAL_SIGN[far] * depth
    for near, far in ((15, (17, 19, 21)), (16, (18, 20, 22)), (27, (29, 31)), (28, (30, 32))):
        world[:, far, 2] = world[:, [near], 2]
    world[:, [31, 32], 2] -= 0.25
    return world * TORSO_M


def _torso(points: np.ndarray) -> np.ndarray:
    """Length mid-shoulder to mid-hip per frame, at least 1 px."""
    spine = points[:, [11, 12]].mean(1) - points[:, [23, 24]].mean(1)
    return np.maximum(np.linalg.norm(spine, axis=-1), 1.0).astype(np.float32)


def _complete_trunk(points: np.ndarray, confidence: np.ndarray, body: np.ndarray) -> None:
    """A missing shoulder mirrors the other at the neck; without hips the trunk hangs below the shoulders."""
    neck, neck_seen = body[:, 1, :2], body[:, 1, 2] > 0
    for one, other in ((11, 12), (12, 11)):
        mirrored = neck_seen & (confidence[:, one] <= 0) & (confidence[:, other] > 0)
        points[mirrored, one] = 2 * neck[mirrored] - points[mirrored, other]
    for one, other in ((23, 24), (24, 23)):
        copied = (confidence[:, one] <= 0) & (confidence[:, other] > 0)
        shift = HIP_WIDTH * (points[:, one - 12] - points[:, other - 12]) / SHOULDER_WIDTH
        points[copied, one] = (points[:, other] + shift)[copied]
    no_hips = (confidence[:, [23, 24]] <= 0).all(-1)
    width = np.linalg.norm(points[:, 11] - points[:, 12], axis=-1, keepdims=True)
    middle, half = points[:, [11, 12]].mean(1), (points[:, 11] - points[:, 12]) / 2 * (HIP_WIDTH / SHOULDER_WIDTH)
    drop = np.concatenate([np.zeros_like(width), width / SHOULDER_WIDTH], -1)
    points[no_hips, 23], points[no_hips, 24] = (middle + half + drop)[no_hips], (middle - half + drop)[no_hips]


def _complete_head(points: np.ndarray, confidence: np.ndarray) -> None:
    """Both corners of an eye lie at the eye; the mouth lies below the nose, as far as the eyes above it."""
    for eye, corners in ((2, (1, 3)), (5, (4, 6))):
        for corner in corners:
            points[:, corner], confidence[:, corner] = points[:, eye], confidence[:, eye]
    eyes = points[:, [2, 5]].mean(1)
    mouth = points[:, 0] + (points[:, 0] - eyes) * 0.8
    across = (points[:, 2] - points[:, 5]) * 0.4
    points[:, 9], points[:, 10] = mouth + across, mouth - across
    confidence[:, [9, 10]] = confidence[:, [0, 2, 5]].min(-1, keepdims=True)
    for ear, eye, other in ((7, 2, 5), (8, 5, 2)):
        missing = confidence[:, ear] <= 0
        points[missing, ear] = (points[:, eye] + 0.5 * (points[:, eye] - points[:, other]))[missing]


def _complete_hands(points: np.ndarray, confidence: np.ndarray, hands: np.ndarray, hands_confidence: np.ndarray) -> None:
    for side, (elbow, wrist, targets) in enumerate(((13, 15, (17, 19, 21)), (14, 16, (18, 20, 22)))):
        known = hands_confidence[:, side] > 0
        beyond = points[:, wrist] + 0.35 * (points[:, wrist] - points[:, elbow])
        for target, landmark in zip(targets, (17, 5, 2), strict=True):
            points[:, target] = np.where(known[:, None], hands[:, side, landmark, :2], beyond)
            invented = INVENTED * confidence[:, wrist]
            confidence[:, target] = np.where(known, np.minimum(hands_confidence[:, side], 1), invented)


def _complete_feet(points: np.ndarray, confidence: np.ndarray, feet: np.ndarray) -> None:
    """feet [T,6,3]: left big toe, left small toe, left heel, right big toe, right small toe, right heel."""
    for knee, ankle, heel, toe, first in ((25, 27, 29, 31, 0), (26, 28, 30, 32, 3)):
        shank = points[:, ankle] - points[:, knee]
        for target, source, reach in ((toe, first, 0.22), (heel, first + 2, 0.08)):
            known = feet[:, source, 2] > 0
            points[:, target] = np.where(known[:, None], feet[:, source, :2], points[:, ankle] + reach * shank)
            confidence[:, target] = np.where(known, feet[:, source, 2], INVENTED * confidence[:, ankle])


def _turn_trunk(world: np.ndarray, confidence: np.ndarray) -> None:
    """Depth of shoulders and hips: their foreshortening, turned the way the nose points."""
    middle = world[:, [11, 12], 0].mean(1)
    ears_seen = (confidence[:, [7, 8]] > 0).all(-1)
    nose = world[:, 0, 0] - np.where(ears_seen, world[:, [7, 8], 0].mean(1), middle)
    sign = np.where(confidence[:, 0] > 0, np.sign(nose), 0.0)
    for left, right, expected in ((11, 12, SHOULDER_WIDTH), (23, 24, HIP_WIDTH)):
        flat = np.abs(world[:, left, 0] - world[:, right, 0])
        width = np.clip(np.percentile(flat, 95), 0.8 * expected, 1.4 * expected)
        depth = np.sqrt(np.maximum(width**2 - flat**2 - (NOISE_FLOOR * width) ** 2, 0)) * sign
        world[:, left, 2], world[:, right, 2] = depth / 2, -depth / 2
    head = world[:, [11, 12], 2].mean(1, keepdims=True)
    world[:, :11, 2] = head
