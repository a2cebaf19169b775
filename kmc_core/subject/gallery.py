"""A picture of a library to look at: every cut-out over a checkerboard with its rig, facing dial and problems.

Not here: any decision. Called by nodes and evaluation.
"""

from __future__ import annotations

import math
import textwrap

import cv2
import numpy as np

from ..pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, RIG_BONES, RIGHT_ARM, RIGHT_LEG
from ..types import SubjectLibrary, SubjectView
from .rig import SEEN, bone_confidence

LEFT_COLOUR, RIGHT_COLOUR, TRUNK_COLOUR = (80, 170, 255), (255, 150, 60), (120, 220, 120)
DARK, LIGHT, INK, WARNING = (38, 38, 42), (52, 52, 57), (235, 235, 235), (255, 190, 90)
LINE_PX, MARGIN_PX = 16, 8


def gallery(library: SubjectLibrary, long_side: int = 512) -> np.ndarray:
    """All views side by side, uint8 [h,w,3]; each picture is long_side px high at most, text stands below it."""
    panels = [
        _panel(view, long_side, f"{number}{' primary' if number - 1 == library.primary else ''}")
        for number, view in enumerate(library.views, 1)
    ]
    height = max(panel.shape[0] for panel in panels)
    padded = [cv2.copyMakeBorder(p, 0, height - p.shape[0], 0, 4, cv2.BORDER_CONSTANT, value=DARK) for p in panels]
    return np.concatenate(padded, axis=1)


def cut_out(view: SubjectView, background: np.ndarray) -> np.ndarray:
    """The character over `background` uint8 [H,W,3] of the view's canvas."""
    alpha = view.alpha[..., None]
    return np.round(view.foreground * alpha + background * (1 - alpha)).astype(np.uint8)


def checkerboard(height: int, width: int, cell_px: int = 16) -> np.ndarray:
    """Grey checkerboard uint8 [H,W,3]."""
    rows, columns = np.mgrid[:height, :width] // cell_px
    return np.where(((rows + columns) % 2)[..., None] == 0, np.uint8(118), np.uint8(158)) * np.ones(3, np.uint8)


def draw_rig(picture: np.ndarray, joints: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Rig joints [19,2|3] over uint8 [H,W,3]: left blue, right orange, trunk green; untrusted bones are left out."""
    out = np.ascontiguousarray(picture.copy())
    width = max(1, round(max(picture.shape[:2]) / 250))
    left, right = {*LEFT_ARM, *LEFT_LEG}, {*RIGHT_ARM, *RIGHT_LEG}
    trusted = bone_confidence(confidence) > SEEN
    for bone, (child, parent) in enumerate(RIG_BONES):
        if trusted[bone]:
            colour = LEFT_COLOUR if child in left else RIGHT_COLOUR if child in right else TRUNK_COLOUR
            ends = [tuple(int(round(float(value) * 8)) for value in joints[end, :2]) for end in (parent, child)]
            cv2.line(out, *ends, (0, 0, 0), width + 2, cv2.LINE_AA, shift=3)
            cv2.line(out, *ends, colour, width, cv2.LINE_AA, shift=3)
    return out


def _panel(view: SubjectView, long_side: int, title: str) -> np.ndarray:
    ratio = min(1.0, long_side / max(view.canvas))
    shown = draw_rig(cut_out(view, checkerboard(*view.canvas, max(4, round(16 / ratio)))), view.joints, view.joint_confidence)
    size = (max(1, round(view.canvas.width * ratio)), max(1, round(view.canvas.height * ratio)))
    shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    radius = max(14, min(size) // 12)
    _facing_dial(shown, view, radius)
    width = max(size[0], 220)
    shown = cv2.copyMakeBorder(shown, 0, 0, 0, width - size[0], cv2.BORDER_CONSTANT, value=DARK)
    facing = f"{title}: body {math.degrees(view.yaw):+.0f}, head {math.degrees(view.head_yaw):+.0f} deg"
    return np.concatenate([shown, _text_block([(facing, INK), *((text, WARNING) for text in view.problems)], width)])


def _facing_dial(picture: np.ndarray, view: SubjectView, radius: int) -> None:
    """Seen from above: the thick hand is the torso's facing, the thin one the head's; down is towards the camera."""
    centre = np.array([picture.shape[1] - radius - 6, radius + 6])
    cv2.circle(picture, tuple(map(int, centre)), radius, DARK, -1, cv2.LINE_AA)
    cv2.circle(picture, tuple(map(int, centre)), radius, INK, 1, cv2.LINE_AA)
    for yaw, colour, width in ((view.yaw, TRUNK_COLOUR, 3), (view.head_yaw, INK, 1)):
        tip = centre + 0.85 * radius * np.array([math.sin(yaw), math.cos(yaw)])
        cv2.line(picture, tuple(map(int, centre)), tuple(int(round(v)) for v in tip), colour, width, cv2.LINE_AA)


def _text_block(lines: list[tuple[str, tuple[int, int, int]]], width: int) -> np.ndarray:
    per_line = max(12, (width - 2 * MARGIN_PX) // 7)
    wrapped = [(part, colour) for text, colour in lines for part in textwrap.wrap(text, per_line)]
    block = np.full((LINE_PX * len(wrapped) + 2 * MARGIN_PX, width, 3), DARK, np.uint8)
    for row, (part, colour) in enumerate(wrapped):
        place = (MARGIN_PX, MARGIN_PX + LINE_PX * row + 11)
        cv2.putText(block, part, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
    return block
