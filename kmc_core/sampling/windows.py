"""Cutting a clip of any length into windows of fixed length that overlap; the overlap is the next window's clean history."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import KMCError


class Window(NamedTuple):
    """Frames start..stop (past the end) are seen; the first `history` of them were shown by the window before."""

    start: int
    stop: int
    history: int

    @property
    def first_new(self) -> int:
        """The first frame this window shows."""
        return self.start + self.history


def plan_windows(frame_count: int, length: int = 16, overlap: int = 4) -> list[Window]:
    """Windows whose new frames cover 0..frame_count exactly once, in order. None is longer than `length`.

    Raises KMCError unless 0 <= overlap < length.
    """
    if not 0 <= overlap < length:
        raise KMCError("Windows cannot overlap completely", got=f"length {length}, overlap {overlap}", expected="overlap < length")
    windows = [Window(0, min(length, frame_count), 0)] if frame_count > 0 else []
    while windows and windows[-1].stop < frame_count:
        start = windows[-1].stop - overlap
        windows.append(Window(start, min(start + length, frame_count), overlap))
    return windows
