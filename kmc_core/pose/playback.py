"""A motion small enough for a browser: points of every shown frame as 16-bit fractions, in one JSON object.

Not here: drawing (web/js), full interchange (interchange.py). Called by nodes. web/js/lib/pose_track.mjs reads it.
"""

from __future__ import annotations

import base64
import math

import numpy as np

from ..types import HolisticMotion
from .skeleton_layouts import IBUG_68

MOST_FRAMES = 480
FACE_POINTS = (*IBUG_68, 468, 473)
LOW, SPAN = -0.5, 2.0
"""16 bits cover -0.5 .. 1.5 pictures"""


def playback_track(motion: HolisticMotion, most_frames: int = MOST_FRAMES) -> dict[str, object]:
    """Every `step`-th frame of a motion, at most `most_frames` of them, ready for JSON.

    points: base64 of little-endian uint16 [n,145,2], x and y of 33 body points, 2 x 21 hand points (left, right) and 70 face
    points as (fraction of the picture + 0.5) / 2 * 65535. confidence: base64 of uint8 [n,36]: body, hands, face, 0..255.
    """
    step = max(1, math.ceil(motion.frame_count / most_frames))
    shown = slice(None, None, step)
    body, hands, face = motion.body[shown], motion.hands[shown, ..., :2], motion.face[shown][:, list(FACE_POINTS), :2]
    count = len(body)
    points = np.concatenate([body, hands.reshape(count, 42, 2), face], axis=1) / (motion.canvas.width, motion.canvas.height)
    levels = np.clip((points - LOW) / SPAN, 0.0, 1.0) * 65535
    trust = np.concatenate([motion.body_confidence[shown], motion.hands_confidence[shown], motion.face_confidence[shown, None]], axis=1)
    return {
        "version": 1,
        "fps": float(motion.fps),
        "step": step,
        "frames": count,
        "total": motion.frame_count,
        "width": motion.canvas.width,
        "height": motion.canvas.height,
        "cuts": [int(cut) for cut in motion.cuts],
        "points": _packed(np.round(levels).astype("<u2")),
        "confidence": _packed(np.round(np.clip(trust, 0.0, 1.0) * 255).astype(np.uint8)),
    }


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
