"""Loops to any length, and motions to another speed.

Not here: trimming (../trimming.py), the arcs between frames (../resampling.py). Called by nodes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import MotionError
from ...types import HolisticMotion
from ..resampling import moments_of, motion_at

LONGEST_S = 120.0


def timed_motion(motion: HolisticMotion, seconds: float = 0.0, speed: float = 1.0, loop: bool | None = None) -> HolisticMotion:
    """The motion at `speed`, as long as `seconds` (0: its own length): loops are repeated, others hold their last frame.

    loop: default what the motion's provenance says. Limbs move on arcs between frames, confidences are the lower
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
    moments = moments_of(places, motion.frame_count, () if repeats else motion.cuts, periodic=repeats)
    cuts = () if repeats else {int(np.searchsorted(places, cut - 1e-6)) for cut in motion.cuts}
    return replace(motion_at(motion, moments), cuts=tuple(sorted(cut for cut in cuts if 0 < cut < count)), source=None)
