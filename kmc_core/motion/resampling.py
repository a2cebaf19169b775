"""A motion at other moments than its frames: bone vectors on smooth arcs, never across a cut.

Directions follow Catmull-Rom splines through the frames and are stretched to the length between their neighbours, which on
short arcs is spherical interpolation with continuous speed (Shoemake 1985; Catmull and Rom 1974).
Not here: which moments (timing.py, library/looping.py). Called by both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..pose.cuts import scene_ranges
from ..types import HolisticMotion
from .bone_form import ANGLES, DIRECTED, BoneForm, bone_form, lengths_kept, points_of, vector_lengths, with_mixed


class Moments(NamedTuple):
    """M moments between frames: low, high int [M]; part [M] 0..1 between them; before, after: the frames around, or -1."""

    low: np.ndarray
    high: np.ndarray
    part: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @property
    def nearest(self) -> np.ndarray:
        """The nearer frame of each moment [M]."""
        return np.where(self.part < 0.5, self.low, self.high)


def moments_of(places: np.ndarray, frame_count: int, cuts: tuple[int, ...] = (), periodic: bool = False) -> Moments:
    """places [M] in frames. Between the last frame of a scene and the first of the next one the last frame is held;
    periodic: the last frame is followed by the first."""
    places = np.asarray(places, np.float64)
    if periodic:
        places = places % frame_count
        low = np.minimum(np.floor(places).astype(int), frame_count - 1)
        high = (low + 1) % frame_count
        return Moments(low, high, places - low, (low - 1) % frame_count, (low + 2) % frame_count)
    first, last = np.zeros(frame_count, int), np.zeros(frame_count, int)
    for start, stop in scene_ranges(cuts, frame_count):
        first[start:stop], last[start:stop] = start, stop - 1
    places = np.clip(places, 0, frame_count - 1)
    low = np.floor(places + 1e-9).astype(int)
    high = np.minimum(low + 1, last[low])
    part = np.where(high > low, np.clip(places - low, 0.0, 1.0), 0.0)
    before = np.where(low - 1 >= first[low], low - 1, -1)
    after = np.where(high + 1 <= last[low], high + 1, -1)
    return Moments(low, high, part, before, after)


def motion_at(motion: HolisticMotion, moments: Moments) -> HolisticMotion:
    """The motion at M moments: points along arcs, angles the short way round, confidences the lower of both neighbours,
    mattes from the nearer frame. fps, cuts and source stay: they are the caller's to set."""
    if not moments.part.any():
        return with_mixed(motion, {}, lambda name, values: values[moments.low])
    whole = bone_form(motion)
    seen = {"hands": motion.hands_confidence.min(1) > 0, "wrists": motion.hands_confidence.min(1) > 0}
    seen |= {"face": motion.face_confidence > 0, "face_path": motion.face_confidence > 0}
    form = BoneForm(*(_curve(name, values, moments, seen.get(name)) for name, values in whole._asdict().items()))
    return with_mixed(motion, points_of(form), lambda name, values: _between(name, values, moments))


def _curve(name: str, values: np.ndarray, moments: Moments, seen: np.ndarray | None) -> np.ndarray:
    """Cubic Hermite pieces with central differences; one-sided ones at ends, cuts and beside frames that saw nothing."""
    low, high, before, after = moments.low, moments.high, moments.before, moments.after
    central_before, central_after = before >= 0, after >= 0
    if seen is not None:
        both = seen[low] & seen[high]
        central_before, central_after = central_before & both & seen[before], central_after & both & seen[after]
    t = moments.part
    leaving, arriving, step = t - 2 * t**2 + t**3, t**3 - t**2, 3 * t**2 - 2 * t**3
    at_low = 1 - step - np.where(central_before, 0, leaving) - np.where(central_after, 0.5, 1.0) * arriving
    at_high = step + np.where(central_before, 0.5, 1.0) * leaving + np.where(central_after, 0, arriving)
    at_before, at_after = np.where(central_before, -0.5 * leaving, 0), np.where(central_after, 0.5 * arriving, 0)
    curve = np.zeros((len(t), *values.shape[1:]), values.dtype)
    for weight, frames in ((at_low, low), (at_high, high), (at_before, before), (at_after, after)):
        curve += _shaped(weight, values) * values[frames]
    if name not in DIRECTED:
        return curve
    lengths = vector_lengths(values, DIRECTED[name])
    return lengths_kept(curve, lengths[low] + _shaped(t, values) * (lengths[high] - lengths[low]), DIRECTED[name])


def _shaped(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights [M] ready to multiply frames of `values`."""
    return weight.reshape(-1, *([1] * (values.ndim - 1))).astype(values.dtype)


def _between(name: str, values: np.ndarray, moments: Moments) -> np.ndarray:
    low, high = moments.low, moments.high
    if not np.issubdtype(values.dtype, np.floating):
        return values[moments.nearest]
    weight = _shaped(moments.part, values)
    if name.endswith("confidence"):
        return np.where(weight > 0, np.minimum(values[low], values[high]), values[low])
    step = values[high] - values[low]
    if name in ANGLES:
        step = (step + math.pi) % (2 * math.pi) - math.pi
    mixed = values[low] + weight * step
    if name == "camera":
        length = vector_lengths(values[:, :, :2], (-2, -1))
        mixed[:, :, :2] = lengths_kept(mixed[:, :, :2], length[low] + weight * (length[high] - length[low]), (-2, -1))
    return mixed.astype(values.dtype)
