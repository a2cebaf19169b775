"""Automatic mends of preflight findings. Each returns what it changed and a sentence about it.

What retargeting mends by itself (framing, proportions, size, walks out of the picture) needs no mend here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from ...errors import MotionError
from ...pose.camera import subtract_camera
from ...pose.cuts import scene_ranges
from ...types import HolisticMotion, SubjectLibrary
from .pair_checks import facing_gap_deg

HELD_CONFIDENCE = 0.35


@dataclass(frozen=True)
class Mended:
    """The motion and subject after a mend, and what was done."""

    motion: HolisticMotion
    subject: SubjectLibrary | None
    note: str


def apply_mend(name: str, motion: HolisticMotion, subject: SubjectLibrary | None = None) -> Mended:
    """Apply one mend by its name (a key of MENDS). Raises MotionError for an unknown name or a retargeted motion."""
    if name not in MENDS:
        raise MotionError("Unknown mend", got=repr(name), expected=", ".join(MENDS), remedy="Choose one of the listed mends")
    if motion.character is not None:
        raise MotionError(
            "This motion is on a character already", got="a retargeted motion", expected="the motion as extracted",
            remedy="Mend before KMC Retarget Skeleton",
        )  # fmt: skip
    return MENDS[name](motion, subject)


def part_of_motion(motion: HolisticMotion, start: int, stop: int) -> HolisticMotion:
    """Frames start..stop-1 of a motion: every [T] array, cuts, source clip. Raises MotionError for an empty span."""
    if not 0 <= start < stop <= motion.frame_count:
        raise MotionError(
            "This part is not in the motion", got=f"{start} to {stop}", expected=f"within 0 to {motion.frame_count}",
            remedy="Choose frames inside the motion",
        )  # fmt: skip
    changes: dict[str, object] = {
        entry.name: getattr(motion, entry.name)[start:stop]
        for entry in fields(motion)
        if isinstance(getattr(motion, entry.name), np.ndarray) and len(getattr(motion, entry.name)) == motion.frame_count
    }
    changes["cuts"] = tuple(cut - start for cut in motion.cuts if start < cut < stop)
    if motion.source is not None:
        note = f"Frames {start} to {stop - 1} were chosen."
        changes["source"] = motion.source.span(start / motion.fps, (stop - start) / motion.fps, note)
    return replace(motion, **changes)


def _longest_shot(motion: HolisticMotion, subject: SubjectLibrary | None) -> Mended:
    scenes = scene_ranges(motion.cuts, motion.frame_count)
    start, stop = max(scenes, key=lambda scene: scene[1] - scene[0])
    if stop - start == motion.frame_count:
        return Mended(motion, subject, "The clip is one shot: nothing was cut off.")
    note = f"Trimmed to the longest shot, {start / motion.fps:.2f} to {stop / motion.fps:.2f} s."
    return Mended(part_of_motion(motion, start, stop), subject, note)


def _stabilise(motion: HolisticMotion, subject: SubjectLibrary | None) -> Mended:
    if np.allclose(motion.camera, np.eye(2, 3, dtype=np.float32), atol=1e-4):
        return Mended(motion, subject, "The camera stands still: nothing was subtracted.")
    return Mended(subtract_camera(motion), subject, "The camera's motion was subtracted from the performer.")


def _hold_hands(motion: HolisticMotion, subject: SubjectLibrary | None) -> Mended:
    """Frames without a hand take the nearest seen one of the same scene, moved and turned along with the forearm."""
    hands, confidence = motion.hands.copy(), motion.hands_confidence.copy()
    held = 0
    for start, stop in scene_ranges(motion.cuts, motion.frame_count):
        for side in (0, 1):
            seen = np.flatnonzero(motion.hands_confidence[start:stop, side] > 0.3) + start
            if not len(seen):
                continue
            for frame in range(start, stop):
                if confidence[frame, side] > 0.3:
                    continue
                nearest = int(seen[np.argmin(np.abs(seen - frame))])
                hands[frame, side] = _carried(motion, side, nearest, frame)
                confidence[frame, side] = HELD_CONFIDENCE
                held += 1
    note = f"{held} missing hands take the shape they had when last seen." if held else "No hand was missing."
    return Mended(replace(motion, hands=hands, hands_confidence=confidence), subject, note)


def _carried(motion: HolisticMotion, side: int, source: int, frame: int) -> np.ndarray:
    """The hand [21,3] of frame `source` at the wrist of `frame`, turned by the forearm's turn in the picture."""
    elbow, wrist = (13, 15) if side == 0 else (14, 16)
    before, after = (motion.body[index, wrist] - motion.body[index, elbow] for index in (source, frame))
    angle = float(np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    hand = motion.hands[source, side].astype(np.float64)
    hand[:, :2] = (hand[:, :2] - hand[0, :2]) @ turn.T + motion.body[frame, wrist]
    return hand


def _choose_view(motion: HolisticMotion, subject: SubjectLibrary | None) -> Mended:
    if subject is None:
        return Mended(motion, subject, "No character is connected: no view was chosen.")
    _, nearest = facing_gap_deg(motion, subject)
    if nearest == subject.primary:
        return Mended(motion, subject, "The main view is the nearest one already.")
    ratio = np.float32(subject.view_scale[nearest])
    changed = replace(
        subject,
        primary=nearest,
        bone_lengths=(subject.bone_lengths / ratio).astype(np.float32),
        view_scale=(subject.view_scale / ratio).astype(np.float32),
    )
    return Mended(motion, changed, f"View {nearest + 1} of the character is the main view now: it faces as the driver does.")


MENDS: dict[str, Callable[[HolisticMotion, SubjectLibrary | None], Mended]] = {
    "longest_shot": _longest_shot,
    "stabilise": _stabilise,
    "hold_hands": _hold_hands,
    "choose_view": _choose_view,
}
"""name -> mend"""
