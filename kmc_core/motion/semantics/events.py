"""All rules together: what they find, less what something surer explains.

Not here: the rules themselves (whole_body.py, arms.py, head.py), words (sentence.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter1d

from ...pose.cuts import scene_ranges
from ...types import HolisticMotion
from ..bone_form import with_mixed
from .arms import claps, face_touches, gestures, points, punches, raised_arms, waves
from .features import Features, features_of
from .head import dances, head_signs
from .whole_body import FASTEST_TURN_DEG_PER_S, Found, gait, jumps, kicks, postures, turns

EVENT_KINDS = (
    "walk", "run", "turn", "spin", "jump", "kick", "punch", "sit", "crouch", "lie", "bow", "dance", "wave", "clap", "point",
    "touch_face", "raise_arm", "gesture", "nod", "shake_head", "look",
)  # fmt: skip
FEWEST_FRAMES = 6
TRUNK, WELL_SEEN = (1, 3, 4, 5, 7, 8, 9), 0.75
"""neck and arms: what every rule leans on; below this share of the clip in sight all are less sure"""
MOST_FLIPS = 0.01
COVERED, REACH_S = 0.5, 0.6
# an event of the kind on the left is dropped where events of the kinds on the right cover half of it
EXPLAINED_BY = {
    "walk": ("lie", "kick", "spin"),
    "run": ("lie", "kick", "spin"),
    "kick": ("lie", "sit", "run"),
    "jump": ("lie", "sit", "run", "walk"),
    "crouch": ("run", "jump", "kick"),
    "bow": ("lie", "sit", "run"),
    "wave": ("clap", "punch"),
    "point": ("wave", "clap", "punch", "walk", "run"),
    "punch": ("clap", "wave", "walk", "run"),
    "touch_face": ("clap", "punch", "lie"),
    "raise_arm": ("wave", "clap", "touch_face", "point"),
    "dance": ("walk", "run", "kick", "punch", "crouch", "sit", "lie", "spin", "jump", "turn"),
    "gesture": ("wave", "clap", "point", "punch", "touch_face", "raise_arm", "walk", "run", "dance", "kick", "lie", "crouch", "spin", "jump"),
    "nod": ("walk", "run", "dance", "crouch", "bow", "kick", "jump", "punch"),
    "shake_head": ("spin", "turn", "dance", "run"),
    "look": ("spin", "turn", "dance"),
}  # fmt: skip
OWN_SIDE = ("wave", "point", "punch", "touch_face", "raise_arm", "gesture")
"""kinds that explain only the same arm"""
MERGED_S = 1.2
"""punches, kicks and jumps closer than this are one event"""


class MotionEvent(NamedTuple):
    """kind: one of EVENT_KINDS; side: "left", "right" (the performer's), "both" or ""; times in seconds; confidence 0..1."""

    kind: str
    start_s: float
    end_s: float
    side: str = ""
    confidence: float = 1.0


def motion_events(motion: HolisticMotion) -> tuple[MotionEvent, ...]:
    """What happens in a motion (tracked, or on a character), by start time. Scenes between cuts are read on their own."""
    found: list[Found] = []
    for start, stop in scene_ranges(motion.cuts, motion.frame_count):
        if stop - start < FEWEST_FRAMES:
            continue
        scene = with_mixed(motion, {}, lambda name, values, part=slice(start, stop): values[part])
        found += [(kind, first + start, past + start, side, sure) for kind, first, past, side, sure in _scene_events(features_of(scene))]
    events = [MotionEvent(kind, float(first / motion.fps), float(past / motion.fps), side, round(float(sure), 2)) for kind, first, past, side, sure in found]
    return tuple(sorted(events, key=lambda event: (event.start_s, event.end_s, event.kind)))


def _scene_events(features: Features) -> list[Found]:
    rules = (gait, turns, jumps, kicks, postures, waves, claps, points, punches, face_touches, raised_arms, gestures, dances, head_signs)
    found = _merged([event for rule in rules for event in rule(features)], features.frames(MERGED_S))
    reach = features.frames(REACH_S)
    kept = _both_arms([event for event in found if not _explained(event, found, features.frame_count, reach)])
    known = float(np.clip(features.seen[list(TRUNK)].mean() / WELL_SEEN, 0.3, 1.0))
    if (np.abs(features.rate(features.yaw)) > FASTEST_TURN_DEG_PER_S).mean() > MOST_FLIPS:
        known *= 0.4  # the skeleton flips over: whatever it seems to do is hardly to be believed
    return [(*event[:4], event[4] * known) for event in _merged(kept, features.frames(MERGED_S))]


def _explained(event: Found, found: list[Found], frame_count: int, reach: int) -> bool:
    kind, start, stop, side, _ = event
    covered = np.zeros(frame_count, bool)
    for other in found:
        same_arm = other[0] not in OWN_SIDE or kind not in OWN_SIDE or other[3] == side or "both" in (other[3], side)
        if other[0] in EXPLAINED_BY.get(kind, ()) and same_arm:
            covered[other[1] : other[2]] = True
    if kind == "gesture":  # hands are busy on the way to what they do and back
        covered = maximum_filter1d(covered, 2 * reach + 1)
    return bool(covered[start:stop].mean() > COVERED)


def _both_arms(found: list[Found]) -> list[Found]:
    """The same thing done with both arms at a time becomes one event."""
    out: list[Found] = []
    for event in sorted(found, key=lambda entry: entry[1]):
        twin = next((index for index, other in enumerate(out) if _twins(event, other)), None)
        if twin is None:
            out.append(event)
        else:
            other = out[twin]
            out[twin] = (event[0], min(event[1], other[1]), max(event[2], other[2]), "both", max(event[4], other[4]))
    return out


def _twins(event: Found, other: Found) -> bool:
    shared = min(event[2], other[2]) - max(event[1], other[1])
    opposite = event[3] != other[3] and {event[3], other[3]} <= {"left", "right", "both"}
    alternates = event[0] in ("punch", "kick")
    return event[0] == other[0] and event[0] in OWN_SIDE and not alternates and opposite and shared > 0.5 * min(event[2] - event[1], other[2] - other[1])


def _merged(found: list[Found], gap: int) -> list[Found]:
    """Blows, kicks and jumps in a row are one event; other kinds only when they overlap."""
    out: list[Found] = []
    for event in sorted(found, key=lambda entry: (entry[1], entry[2])):
        near = gap if event[0] in ("punch", "kick", "jump", "crouch") else 0
        last = next((index for index in range(len(out) - 1, -1, -1) if out[index][0] == event[0] and event[1] - out[index][2] <= near
                     and (out[index][3] == event[3] or near)), None)  # fmt: skip
        if last is None:
            out.append(event)
        else:
            other = out[last]
            side = event[3] if event[3] == other[3] else "both"
            out[last] = (event[0], other[1], max(event[2], other[2]), side, max(event[4], other[4]))
    return out
