"""The report as a picture: a strip of poses over the clip, a coloured track per kind of finding, seconds below.

Not here: measuring. Called by nodes and the evaluation command.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...media.contact_sheet import spread_frames
from ...pose.drawing import draw_motion_frame
from ...types import HolisticMotion
from .findings import Finding, PreflightReport

WIDTH_PX, LABEL_PX, ROW_PX, STRIP_PX, FOOT_PX = 1120, 200, 26, 112, 30
PAPER, LANE, INK, FAINT = (24, 24, 28), (40, 40, 46), (235, 235, 235), (150, 150, 156)
COLOURS = {"severe": (226, 74, 62), "warning": (240, 176, 60), "note": (110, 150, 220)}
FINE = (76, 175, 110)


def timeline_picture(report: PreflightReport, motion: HolisticMotion | None = None) -> np.ndarray:
    """uint8 [H,W,3], 1120 px wide. motion: adds a strip of drawn poses above the tracks."""
    kinds = list(dict.fromkeys(finding.kind for finding in report.findings))
    rows = max(len(kinds), 1)
    strip = STRIP_PX if motion is not None else 0
    picture = np.full((strip + rows * ROW_PX + FOOT_PX + 8, WIDTH_PX, 3), PAPER, np.uint8)
    if motion is not None:
        _pose_strip(picture, motion)
    if not kinds:
        _bar(picture, strip, 0, report.seconds, report.seconds, FINE)
        _text(picture, "nothing found", 8, strip + 17, INK)
    for row, kind in enumerate(kinds):
        _track(picture, strip + row * ROW_PX, report.of_kind(kind), report.seconds)
    _seconds_axis(picture, strip + rows * ROW_PX, report.seconds)
    return picture


def _track(picture: np.ndarray, top: int, findings: tuple[Finding, ...], seconds: float) -> None:
    _bar(picture, top, 0, seconds, seconds, LANE)
    for finding in reversed(findings):
        whole = ((0.0, seconds),)
        for start, end in finding.seconds or whole:
            _bar(picture, top, start, end, seconds, COLOURS[finding.severity])
    label = findings[0].kind.replace("_", " ")
    _text(picture, label, 8, top + 17, COLOURS[findings[0].severity])


def _bar(picture: np.ndarray, top: int, start: float, end: float, seconds: float, colour: tuple[int, int, int]) -> None:
    wide = WIDTH_PX - LABEL_PX - 10
    first = LABEL_PX + round(wide * start / max(seconds, 1e-6))
    last = max(LABEL_PX + round(wide * min(end, seconds) / max(seconds, 1e-6)), first + 3)
    picture[top + 4 : top + ROW_PX - 4, first : min(last, WIDTH_PX - 10)] = colour


def _pose_strip(picture: np.ndarray, motion: HolisticMotion) -> None:
    wide = WIDTH_PX - LABEL_PX - 10
    height = STRIP_PX - 10
    cell = min(max(round(height * motion.canvas.width / motion.canvas.height), 24), wide)
    shown = spread_frames(motion.frame_count, max(wide // (cell + 2), 1))
    for frame in shown:
        drawn = cv2.resize(draw_motion_frame(motion, frame, long_side=256), (cell, height), interpolation=cv2.INTER_AREA)
        middle = LABEL_PX + wide * (frame + 0.5) / motion.frame_count
        left = int(np.clip(middle - cell / 2, LABEL_PX, LABEL_PX + wide - cell))
        picture[5 : 5 + height, left : left + cell] = drawn


def _seconds_axis(picture: np.ndarray, top: int, seconds: float) -> None:
    wide = WIDTH_PX - LABEL_PX - 10
    step = next((size for size in (0.5, 1, 2, 5, 10) if seconds / size <= 12), 30)
    for mark in np.arange(0, seconds + 1e-6, step):
        x = LABEL_PX + round(wide * mark / max(seconds, 1e-6))
        cv2.line(picture, (x, 4), (x, top + 4), (58, 58, 64), 1)
        _text(picture, f"{mark:g} s", min(x, WIDTH_PX - 44), top + 20, FAINT)


def _text(picture: np.ndarray, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.47, colour, 1, cv2.LINE_AA)
