"""The published limits: each refusal tells all four parts, each override lets the input through."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.errors import LimitError
from kmc_core.media.clip import Clip, clip_from_images
from kmc_core.media.contact_sheet import contact_sheet, side_by_side, spread_frames
from kmc_core.media.limits import LIMITS, check_clip, check_picture, check_picture_count, check_prompt
from kmc_core.types import Orientation


def clip_of(seconds: float, fps: float = 10.0) -> Clip:
    return clip_from_images(np.zeros((round(seconds * fps), 4, 4, 3), np.uint8), fps)


@pytest.mark.parametrize(
    ("mode", "seconds", "kept"),
    [("video", 3.0, 3.0), ("video", 30.0, 30.0), ("video", 45.0, 30.0), ("image", 10.0, 10.0), ("image", 12.0, 10.0)],
)
def test_clips_are_trimmed_to_the_orientation(mode: str, seconds: float, kept: float) -> None:
    clip = check_clip(clip_of(seconds), Orientation(mode))
    assert clip.seconds == kept
    assert bool(clip.notes) == (kept < seconds) and all("Trimmed" in note for note in clip.notes)


@pytest.mark.parametrize("seconds", [0.1, 2.8])
def test_short_clips_are_refused(seconds: float) -> None:
    with pytest.raises(LimitError, match="too short") as refusal:
        check_clip(clip_of(seconds), "video")
    error = refusal.value
    assert error.got.startswith(f"{seconds:.2f} s") and error.expected == "3 to 30 s" and "advanced" in error.remedy


def test_one_frame_of_tolerance() -> None:
    assert check_clip(clip_of(2.9), "image").frame_count == 29
    assert check_clip(clip_of(10.1), "image").frame_count == 101


def test_override_lets_clips_through() -> None:
    assert check_clip(clip_of(0.1), "video", override=True).frame_count == 1
    assert check_clip(clip_of(40), "image", override=True).frame_count == 400


@pytest.mark.parametrize("size", [(300, 300), (300, 750), (1000, 400)])
def test_usual_pictures_pass(size: tuple[int, int]) -> None:
    check_picture((*size, 3))


@pytest.mark.parametrize(("size", "message"), [((299, 500), "too small"), ((300, 751), "too wide"), ((1000, 399), "too narrow")])
def test_unusual_pictures_are_refused(size: tuple[int, int], message: str) -> None:
    with pytest.raises(LimitError, match=message):
        check_picture(size)
    check_picture(size, override=True)


def test_prompt_and_picture_count() -> None:
    assert check_prompt("a" * LIMITS.max_prompt_characters)
    with pytest.raises(LimitError, match="negative prompt is too long.*2,501"):
        check_prompt("a" * 2501, name="negative prompt")
    assert check_prompt("a" * 2501, override=True)
    check_picture_count(7)
    for count in (0, 8):
        with pytest.raises(LimitError, match="number of pictures"):
            check_picture_count(count)


def test_sheet_holds_every_picture() -> None:
    rows = [[np.full((20, 30, 3), 10 * i, np.uint8) for i in range(3)], [np.full((50, 40, 3), 99, np.uint8)], []]
    sheet = contact_sheet(rows, ["first", "second"], cell_height=40)
    assert sheet.dtype == np.uint8 and sheet.shape[0] >= 80 and sheet.shape[1] >= 180
    assert side_by_side(rows[0][0], rows[1][0]).shape == (50, 115 + 1, 3)
    assert spread_frames(100, 5) == [0, 25, 50, 74, 99] and spread_frames(2) == [0, 1] and spread_frames(0) == []
