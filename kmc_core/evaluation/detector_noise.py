"""What a landmark detector does to exact landmarks: wandering offsets, frame-to-frame shake, and depth that is far less sure.

Not here: the motions (retarget_plans.py). Called by retarget.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..pose.skeleton_layouts import rig_joints
from ..types import HolisticMotion

SHAKE, WANDER = 0.012, 0.020  # of the torso, in the picture: from frame to frame (smoothed tracks), over half seconds
DEPTH_FACTOR = 2.5
FACE_SHARE = 0.25  # face and fingers are found within their own crops
WANDER_FRAMES = 10.0


def with_noise(motion: HolisticMotion, amount: float, seed: int = 0) -> HolisticMotion:
    """The motion as a detector with `amount` times the usual errors would report it; 0 returns it as it is."""
    if amount <= 0:
        return motion
    rng = np.random.default_rng(seed)
    rig = rig_joints(motion.body_world.astype(np.float64))
    torso_m = float(np.median(np.linalg.norm(rig[:, 1] - rig[:, 0], axis=-1)))
    across = rig_joints(motion.body.astype(np.float64))
    torso_px = float(np.percentile(np.linalg.norm(across[:, 1] - across[:, 0], axis=-1), 90))

    def errors(count: int) -> np.ndarray:
        shape = (motion.frame_count, count, 3)
        slow = gaussian_filter1d(rng.normal(size=shape), WANDER_FRAMES, axis=0, mode="nearest")
        slow /= max(float(slow.std()), 1e-9)
        return amount * (SHAKE * rng.normal(size=shape) + WANDER * slow) * [1.0, 1.0, DEPTH_FACTOR]

    body = errors(33)
    small = errors(2)[:, :, None] * FACE_SHARE * [1.0, 1.0, 1.0 / DEPTH_FACTOR]
    return replace(
        motion,
        body=(motion.body + body[..., :2] * torso_px).astype(np.float32),
        body_world=(motion.body_world + body * torso_m).astype(np.float32),
        hands=(motion.hands + small * torso_px).astype(np.float32),
        face=(motion.face + small[:, 0] * torso_px).astype(np.float32),
    )
