"""Motions of the library on a performer who turns as told: exact facing for tests of orientation and meaning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kmc_core.motion.orientation import about_vertical
from kmc_core.types import HolisticMotion


def turned_performer(motion: HolisticMotion, yaw: np.ndarray, noise_m: float = 0.0, seed: int = 0) -> HolisticMotion:
    """`motion` (seen from afar, as the library's are) with yaw [T] radians added to the performer, and noise on every point."""
    yaw = np.broadcast_to(np.asarray(yaw, np.float64), (motion.frame_count,))
    rng = np.random.default_rng(seed)
    turn = about_vertical(yaw)
    world = motion.body_world.astype(np.float64)
    hips = world[:, [23, 24]].mean(1, keepdims=True)
    pixels = motion.body.astype(np.float64)
    root = pixels[:, [23, 24]].mean(1, keepdims=True)
    extent = np.abs(world[..., 1] - hips[..., 1]).sum(1)
    scale = (np.abs(pixels[..., 1] - root[..., 1]).sum(1) / extent)[:, None, None]
    moved = np.einsum("tij,tnj->tni", turn, world - hips) + noise_m * rng.normal(size=world.shape)
    body = root + moved[..., :2] * scale
    hands = motion.hands.astype(np.float64)
    wrists = np.concatenate([hands[:, :, :1, :2], np.zeros((*hands.shape[:2], 1, 1))], -1)
    hands = np.einsum("tij,tsnj->tsni", turn, hands - wrists)
    hands[..., :2] += body[:, [15, 16]][:, :, None]
    face = motion.face.astype(np.float64)
    middle = face.mean(1, keepdims=True)
    face = np.einsum("tij,tnj->tni", turn, face - middle) + middle
    face[..., :2] += body[:, [7, 8]].mean(1, keepdims=True) - pixels[:, [7, 8]].mean(1, keepdims=True)
    seen = np.cos(motion.head_pose[:, 0] + yaw) > 0.15
    return replace(
        motion, body=body.astype(np.float32), body_world=moved.astype(np.float32), hands=hands.astype(np.float32),
        face=face.astype(np.float32), face_confidence=(motion.face_confidence * seen).astype(np.float32),
        head_pose=(motion.head_pose + yaw[..., None] * np.array([1, 0, 0])).astype(np.float32), root_yaw=(motion.root_yaw + yaw).astype(np.float32), provenance={"people": 1},
    )  # fmt: skip
