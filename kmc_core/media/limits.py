"""The published limits of motion control, in one table, and the doors that apply them before any work starts.

Values: limits that the hosted motion-control services publish (clip 3-30 s, or 10 s with orientation "image"; pictures
>= 300 px and 2:5 to 5:2; prompts <= 2,500 characters). Every check has an override for users who know what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import LimitError
from ..types import Orientation
from .clip import Clip


class PublishedLimits(NamedTuple):
    """Seconds, pixels, ratios and characters."""

    min_clip_s: float = 3.0
    max_clip_s_video: float = 30.0
    max_clip_s_image: float = 10.0
    min_picture_px: int = 300
    min_aspect: float = 2 / 5
    max_aspect: float = 5 / 2
    max_prompt_characters: int = 2500
    min_pictures: int = 1
    max_pictures: int = 7


LIMITS = PublishedLimits()
OVERRIDE = "or switch on the advanced option to ignore limits"


def check_clip(clip: Clip, orientation: Orientation | str = "video", override: bool = False) -> Clip:
    """The clip, cut to the orientation's longest duration with a note. Raises LimitError when it is too short.

    One frame of tolerance. With `override` the clip is returned as it is.
    """
    if override:
        return clip
    mode = orientation if isinstance(orientation, str) else orientation.mode
    longest = LIMITS.max_clip_s_image if mode == "image" else LIMITS.max_clip_s_video
    frame_s = 1.0 / clip.fps
    if clip.seconds < LIMITS.min_clip_s - frame_s:
        raise LimitError(
            "The clip is too short",
            got=f"{clip.seconds:.2f} s ({clip.frame_count} frame{'s' if clip.frame_count != 1 else ''})",
            expected=f"{LIMITS.min_clip_s:g} to {longest:g} s",
            remedy=f"Choose a longer clip or span, {OVERRIDE}",
        )
    if clip.seconds <= longest + frame_s:
        return clip
    note = f'Trimmed from {clip.seconds:.2f} s to {longest:g} s, the longest clip for orientation "{mode}".'
    return clip.span(0.0, longest, note)


def check_picture(shape: Sequence[int], override: bool = False) -> None:
    """shape: (height, width, ...) in pixels. Raises LimitError for a picture that is too small or too narrow."""
    height, width = shape[:2]
    if override:
        return
    if min(height, width) < LIMITS.min_picture_px:
        raise LimitError(
            "The picture is too small",
            got=f"{width}x{height} px",
            expected=f"at least {LIMITS.min_picture_px} px per side",
            remedy=f"Choose a larger picture, {OVERRIDE}",
        )
    if not LIMITS.min_aspect - 1e-6 <= width / height <= LIMITS.max_aspect + 1e-6:
        raise LimitError(
            "The picture is too narrow" if width < height else "The picture is too wide",
            got=f"{width}x{height} px, {width / height:.2f}:1",
            expected="an aspect ratio (width:height) of 2:5 to 5:2",
            remedy=f"Crop the picture around the character, {OVERRIDE}",
        )


def check_picture_count(count: int) -> None:
    """Raises LimitError unless 1 to 7 pictures are given; there is no override, a library holds no more."""
    if not LIMITS.min_pictures <= count <= LIMITS.max_pictures:
        raise LimitError(
            "The number of pictures does not fit",
            got=str(count),
            expected=f"{LIMITS.min_pictures} to {LIMITS.max_pictures}",
            remedy="Add a picture" if count < LIMITS.min_pictures else "Remove some pictures",
        )


def check_prompt(text: str, override: bool = False, name: str = "prompt") -> str:
    """The text itself. Raises LimitError when it is longer than the limit."""
    if len(text) > LIMITS.max_prompt_characters and not override:
        raise LimitError(
            f"The {name} is too long",
            got=f"{len(text):,} characters",
            expected=f"at most {LIMITS.max_prompt_characters:,}",
            remedy=f"Shorten the {name}, {OVERRIDE}",
        )
    return text
