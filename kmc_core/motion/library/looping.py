"""Loops to any length, and motions to another speed.

Not here: trimming (../trimming.py). Called by nodes.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np

from ...errors import MotionError
from ...types import HolisticMotion

LONGEST_S = 120.0


def timed_motion(motion: HolisticMotion, seconds: float = 0.0, speed: float = 1.0, loop: bool | None = None) -> HolisticMotion:
    """The motion at `speed`, as long as `seconds` (0: its own length): loops are repeated, others hold their last frame.

    loop: default what the motion's provenance says. Values between frames are linear mixes; confidences are the lower
    neighbour's. Raises MotionError outside 0.1 to 10 times the speed and 120 s.
    """
    if not 0.1 <= speed <= 10.0 or not 0.0 <= seconds <= LONGEST_S:
        raise MotionError(
            "This timing is not possible", got=f"{seconds:g} s at {speed:g} times the speed", expected="0 to 120 s, 0.1 to 10 times",
            remedy="Change seconds or speed",
        )  # fmt: skip
    repeats = bool(motion.provenance.get("loop", False)) if loop is None else loop
    own = motion.frame_count / speed
    count = max(round(seconds * motion.fps), 1) if seconds else max(round(own), 1)
    if count == motion.frame_count and speed == 1.0:
        return motion
    places = np.arange(count) * speed
    places = places % motion.frame_count if repeats else np.minimum(places, motion.frame_count - 1)
    low = np.floor(places).astype(int)
    high = (low + 1) % motion.frame_count if repeats else np.minimum(low + 1, motion.frame_count - 1)
    part = (places - low).astype(np.float32)
    changes: dict[str, object] = {}
    for entry in fields(motion):
        value = getattr(motion, entry.name)
        if isinstance(value, np.ndarray) and len(value) == motion.frame_count:
            changes[entry.name] = _mixed(entry.name, value, low, high, part)
    cuts = () if repeats or speed != 1.0 else tuple(cut for cut in motion.cuts if cut < count)
    return replace(motion, **changes, cuts=cuts, source=None)


def _mixed(name: str, value: np.ndarray, low: np.ndarray, high: np.ndarray, part: np.ndarray) -> np.ndarray:
    if value.dtype == np.uint8:
        return value[np.where(part < 0.5, low, high)]
    if name.endswith("confidence"):
        return np.minimum(value[low], value[high])
    first, second = value[low], value[high]
    if name in ("head_pose", "root_yaw"):
        second = first + (second - first + math.pi) % (2 * math.pi) - math.pi
    weight = part.reshape(-1, *([1] * (value.ndim - 1)))
    return (first + weight * (second - first)).astype(value.dtype)
