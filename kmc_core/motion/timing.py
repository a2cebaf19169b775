"""A motion at another rate or speed, mirrored, or closed to a loop: what a user may do with time, in one place.

The number of frames, the rate and the source clip always stay consistent: frame i of the motion belongs to frame i of its
source, and sound is kept only where it still fits. Not here: the arcs between frames (resampling.py), the seam of a loop
(seamless_loop.py). Called by nodes before `retarget`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..errors import MotionError
from ..types import HolisticMotion
from .mirror import mirror_motion
from .resampling import moments_of, motion_at
from .seamless_loop import loop_motion

SLOWEST, FASTEST = 0.1, 10.0
HIGHEST_FPS = 120.0


class Timing(NamedTuple):
    """fps: frames per second wanted, 0 keeps the motion's; speed: 2 = twice as fast; loop: close it to a seamless loop;
    mirror: left and right changed."""

    fps: float = 0.0
    speed: float = 1.0
    loop: bool = False
    mirror: bool = False


def timed(motion: HolisticMotion, timing: Timing) -> tuple[HolisticMotion, tuple[str, ...]]:
    """The motion as `timing` wants it, and what a user should know of it in plain sentences.

    Raises MotionError for a motion that is on a character already, a speed outside 0.1..10, a rate above 120.
    """
    if timing == Timing():
        return motion, ()
    if motion.character is not None:
        raise MotionError(
            "A motion on a character keeps its timing", got="a retargeted motion", expected="the motion as extracted or loaded",
            remedy="Change the timing where the motion is retargeted",
        )  # fmt: skip
    notes: tuple[str, ...] = ()
    if timing.mirror:
        motion, notes = mirror_motion(motion), ("Left and right are mirrored.",)
    if timing.loop:
        motion, said = loop_motion(motion)
        notes += said
    if timing.speed != 1.0 or (timing.fps and abs(timing.fps - motion.fps) > 1e-6):
        motion, said = _at_speed(motion, timing.fps, timing.speed)
        notes += said
    return motion, notes


def _at_speed(motion: HolisticMotion, fps: float, speed: float) -> tuple[HolisticMotion, tuple[str, ...]]:
    if not SLOWEST <= speed <= FASTEST or not 0.0 <= fps <= HIGHEST_FPS:
        raise MotionError(
            "This timing is not possible", got=f"{speed:g} times the speed at {fps:g} frames/s",
            expected=f"{SLOWEST:g} to {FASTEST:g} times, up to {HIGHEST_FPS:g} frames/s", remedy="Change the speed or the rate",
        )  # fmt: skip
    old = motion.source.rate if motion.source is not None else Fraction(motion.fps).limit_denominator(100_000)
    rate = Fraction(fps).limit_denominator(1001) if fps else old
    step = float(old / rate) * speed
    count = max(1, round(motion.frame_count / step))
    repeats = bool(motion.provenance.get("loop", False))
    places = np.arange(count) * (motion.frame_count / count if repeats else step)
    moments = moments_of(places, motion.frame_count, motion.cuts, periodic=repeats)
    notes = []
    if rate != old:
        notes.append(f"Resampled from {float(old):.4g} to {float(rate):.4g} frames/s.")
    if speed != 1.0:
        notes.append(f"{speed:g} times the speed: {motion.frame_count / float(old):.2f} s became {count / float(rate):.2f} s.")
    source = motion.source
    if source is not None:
        if source.has_audio and speed != 1.0:
            notes.append("The clip's sound does not fit the new speed and is left out; link a sound at the sampler to have one.")
        shown = np.minimum(moments.nearest, np.maximum.accumulate(moments.low)) if repeats else moments.nearest
        source = source.retimed(shown, rate, with_sound=speed == 1.0)
    cuts = {int(np.searchsorted(places, cut - 1e-6)) for cut in motion.cuts}
    result = motion_at(motion, moments)
    return replace(result, fps=float(rate), cuts=tuple(sorted(cut for cut in cuts if 0 < cut < count)), source=source), tuple(notes)
