"""One thing to measure: a driving clip on a character, retargeted and with the pixels it is to be compared with.

Without a character the clip's own first frame is the reference and the clip is the truth. Called by reenact.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..alignment.aligner import Aligner
from ..media.clip import Clip
from ..media.picture import read_picture
from ..motion.retarget import RetargetSettings, retarget
from ..pose.extractor import HolisticExtractor
from ..pose.skeleton_layouts import rig_joints
from ..subject.library import build_subject
from ..types import Canvas, HolisticMotion, Orientation, SubjectLibrary
from .motion import TargetMotion

ITSELF = "first frame"
SMALLEST_SHARE = 0.94


@dataclass(frozen=True)
class Case:
    """clip: the driver; motion: retargeted onto subject; canvas: size of all compared frames; has_truth: the clip is the truth."""

    clip: Clip
    character: str
    driver: HolisticMotion
    motion: HolisticMotion
    subject: SubjectLibrary
    canvas: Canvas
    has_truth: bool

    @property
    def frame_count(self) -> int:
        return self.motion.frame_count

    def reference(self) -> np.ndarray:
        """The character's picture at the compared size, uint8 [H,W,3]."""
        return at_canvas(self.subject.primary_view.picture, self.canvas)

    def reference_alpha(self) -> np.ndarray:
        """Coverage of the character in `reference`, float32 [H,W]."""
        size = (self.canvas.width, self.canvas.height)
        return cv2.resize(self.subject.primary_view.alpha, size, interpolation=cv2.INTER_AREA)

    def truth(self) -> Iterator[np.ndarray]:
        """The true frames, uint8 [H,W,3] of the canvas."""
        return (at_canvas(frame, self.canvas) for frame in self.clip.frames(long_side=max(self.canvas)))

    def matte(self, frame: int) -> np.ndarray | None:
        """The driver's coverage at one frame on the canvas, 0..1; None when it was not tracked."""
        if self.driver.matte is None:
            return None
        size = (self.canvas.width, self.canvas.height)
        return cv2.resize(self.driver.matte[frame], size, interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255

    def target(self) -> TargetMotion:
        """Where the rig's joints should be in the compared frames: as tracked where the clip is the truth."""
        if self.has_truth:
            joints = rig_joints(self.driver.body)[..., :2] * (self.canvas.width / self.driver.canvas.width)
            return TargetMotion(joints, self.motion.character.joint_confidence, self.canvas, self.driver)
        aligner, character = Aligner(self.subject), self.motion.character
        joints = [aligner.target_joints(character, frame, self.canvas)[:, :2] for frame in range(self.frame_count)]
        return TargetMotion(np.stack(joints), character.joint_confidence, self.canvas, self.driver)


def self_case(clip: Clip, driver: HolisticMotion, extractor: HolisticExtractor, long_side: int) -> Case:
    """The clip re-enacts itself from its first frame: joints as tracked (the first frame as its picture is read), on the clip's own canvas.

    Raises SubjectError when nobody is on the first frame.
    """
    subject = build_subject([clip.frame(0)], extractor, name=_name(clip))
    motion = retarget(driver, subject, Orientation("video"), RetargetSettings(direct=True, first_frame=True))
    return Case(clip, ITSELF, driver, motion, subject, fitted_canvas(clip.canvas, long_side), has_truth=True)


def character_case(
    clip: Clip, driver: HolisticMotion, picture: Path, extractor: HolisticExtractor, orientation: Orientation, long_side: int
) -> Case:
    """The clip drives the character of a picture file. Raises MediaError or SubjectError when the picture cannot be used."""
    subject = build_subject([read_picture(picture)], extractor, name=picture.stem)
    motion = retarget(driver, subject, orientation)
    return Case(clip, picture.stem, driver, motion, subject, fitted_canvas(motion.character.canvas, long_side), has_truth=False)


def fitted_canvas(canvas: Canvas, long_side: int) -> Canvas:
    """The canvas scaled down to about `long_side` with its aspect kept as exactly as whole pixels allow; never enlarged.

    A rounded side shifts the far edge of every warp against the truth, so up to 6 % of size is given for a truer aspect.
    """
    longest = max(canvas)
    if longest <= long_side:
        return canvas
    short = min(canvas)
    sizes = range(long_side, int(long_side * SMALLEST_SHARE), -1)
    best = min(sizes, key=lambda size: abs(size * short / longest - round(size * short / longest)))
    narrow = round(best * short / longest)
    return Canvas(best, narrow) if canvas.height >= canvas.width else Canvas(narrow, best)


def at_canvas(picture: np.ndarray, canvas: Canvas) -> np.ndarray:
    """A picture uint8 [h,w,3] at the canvas's size."""
    if picture.shape[:2] == tuple(canvas):
        return picture
    shrinks = canvas.height < picture.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(picture, (canvas.width, canvas.height), interpolation=method)


def _name(clip: Clip) -> str:
    return clip.path.stem if clip.path is not None else "clip"
