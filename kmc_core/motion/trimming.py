"""Shorten a motion to its first frames, sound and source clip included.

Not here: choosing how long (media/limits.py, types.Orientation). Called by nodes before `retarget`.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from ..errors import MotionError
from ..types import CharacterMotion, HolisticMotion


def trim_motion(motion: HolisticMotion, frame_count: int) -> HolisticMotion:
    """The first frame_count frames of `motion`: every [T] array, cuts, matte, source clip and character.

    A motion that is short enough already is returned as it is. Raises MotionError for frame_count < 1.
    """
    if frame_count < 1:
        raise MotionError(
            "A motion cannot be trimmed to nothing", got=f"{frame_count} frames", expected="1 or more", remedy="Keep a frame"
        )
    if frame_count >= motion.frame_count:
        return motion
    changes = _trimmed_arrays(motion, motion.frame_count, frame_count)
    changes["cuts"] = tuple(cut for cut in motion.cuts if cut < frame_count)
    if motion.source is not None:
        seconds = frame_count / motion.fps
        note = f"Trimmed to the first {seconds:.1f} s ({frame_count} frames)."
        changes["source"] = motion.source.span(0, seconds, note)
    if motion.character is not None:
        arrays = _trimmed_arrays(motion.character, motion.frame_count, frame_count)
        arrays["cuts"] = tuple(cut for cut in motion.character.cuts if cut < frame_count)
        arrays["contacts"] = tuple(
            contact._replace(stop=min(contact.stop, frame_count)) for contact in motion.character.contacts if contact.start < frame_count
        )
        changes["character"] = replace(motion.character, **arrays)
    return replace(motion, **changes)


def _trimmed_arrays(record: HolisticMotion | CharacterMotion, old: int, new: int) -> dict[str, object]:
    values = {entry.name: getattr(record, entry.name) for entry in fields(record)}
    return {name: value[:new] for name, value in values.items() if isinstance(value, np.ndarray) and len(value) == old}
