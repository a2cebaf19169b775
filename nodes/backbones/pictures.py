"""What production models look at, window by window: skeletons, face crops, backgrounds, masks, driving frames, as IMAGE and MASK.

All of it lies on the job's canvas: the character's canvas is scaled to cover it and its overhang is cut off evenly, just as
ComfyUI's nodes do with a reference picture. Nothing is kept between windows. Not here: conditioning (one file per backbone).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from ...kmc_core.alignment.aligner import Aligner
from ...kmc_core.pose.face_boxes import steady_boxes
from ...kmc_core.sampling.background import DriverPlate, ImagePlate, PlateSource
from ...kmc_core.types import Canvas
from .. import host
from .protocol import BackboneJob
from .skeleton import draw_training_skeleton

FACE_SIDE_PX = 512
FACE_AREA_GROWTH = 1.3
"""Wan-Animate's own crops: the box of the 68 face points with 1.3 times its area, three quarters of the extra height above."""
MASK_GROWTH = 0.02
"""How far a character's mask is grown, of the canvas's shorter side."""
SILHOUETTE_LONG_SIDE_PX = 256


def covering(image: np.ndarray, canvas: Canvas) -> np.ndarray:
    """A picture [H,W,...] scaled to cover the canvas and cut to its middle; uint8 or float32."""
    height, width = image.shape[:2]
    ratio = max(canvas.height / height, canvas.width / width)
    size = (max(canvas.width, round(width * ratio)), max(canvas.height, round(height * ratio)))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC)
    top, left = (size[1] - canvas.height) // 2, (size[0] - canvas.width) // 2
    return np.ascontiguousarray(scaled[top : top + canvas.height, left : left + canvas.width])


def covering_points(points: np.ndarray, source: Canvas, canvas: Canvas) -> np.ndarray:
    """Points [...,2+] in px of `source` where `covering` puts them on the canvas; further components are scaled."""
    ratio = max(canvas.height / source.height, canvas.width / source.width)
    moved = np.asarray(points, np.float32) * np.float32(ratio)
    moved[..., 0] += (canvas.width - source.width * ratio) / 2
    moved[..., 1] += (canvas.height - source.height * ratio) / 2
    return moved


def padded_frames(start: int, stop: int, frame_count: int) -> list[int]:
    """Frames start..stop, then back and forth through them until there are frame_count: padding that moves like the clip."""
    frames = list(range(start, stop))
    walk = frames[-2::-1] + frames[1:] if len(frames) > 1 else frames
    return (frames + walk * (frame_count // max(len(walk), 1) + 1))[:frame_count]


def image_of(frames: Sequence[np.ndarray]) -> Tensor:
    """uint8 [H,W,3] frames -> IMAGE float32 [T,H,W,3]."""
    return torch.from_numpy(np.stack(frames)).float().div_(255)


class JobPictures:
    """Everything that can be drawn of one job. frames: numbers of `padded_frames`; each is made once per call."""

    def __init__(self, job: BackboneJob) -> None:
        self.job = job
        motion = job.motion
        boxes = motion.driver_face_box
        self._face_boxes = steady_boxes(boxes, motion.cuts, motion.fps) if boxes is not None and motion.source is not None else None
        self._aligner: Aligner | None = None
        self._plates: PlateSource | None = None

    def reference(self, view: int | None = None) -> Tensor:
        """IMAGE [1,H,W,3]: a picture of the library (the primary one by default) on the canvas."""
        subject = self.job.subject
        picture = subject.views[subject.primary if view is None else view].picture
        return image_of([covering(picture[..., :3], self.job.canvas)])

    def skeletons(self, frames: Sequence[int]) -> Tensor:
        """IMAGE [T,H,W,3] of the retargeted motion in the style Wan-Animate was trained on."""
        return self._each(frames, self._skeleton)

    def faces(self, frames: Sequence[int]) -> Tensor | None:
        """IMAGE [T,512,512,3] of the performer's face, or None when the clip is not there or never shows one."""
        if self._face_boxes is None or not self._face_boxes.any():
            return None
        crops = {frame: face_crop(picture, self._face_boxes[frame]) for frame, picture in self._driver(frames)}
        return image_of([crops[frame] for frame in frames])

    def driver(self, frames: Sequence[int], canvas: Canvas | None = None) -> Tensor:
        """IMAGE [T,H,W,3] of the driving clip, covering the canvas (or another one)."""
        shown = {frame: covering(picture, canvas or self.job.canvas) for frame, picture in self._driver(frames)}
        return image_of([shown[frame] for frame in frames])

    def backgrounds(self, frames: Sequence[int]) -> Tensor | None:
        """IMAGE [T,H,W,3] of what lies behind the character, or None with background "picture" (the reference shows it)."""
        if self.job.background == "picture":
            return None
        return self._each(frames, lambda frame: self._plate_source().plate(frame, self.job.canvas).rgb)

    def check_background(self) -> None:
        """Raises KMCError now for a background that cannot be made: a driving clip or its matte is not there."""
        if self.job.background != "picture":
            self._plate_source()

    def masks(self, frames: Sequence[int]) -> Tensor:
        """MASK [T,H,W]: 1 where the model draws: the new character and, over the driver's own clip, the old one; grown a little."""
        return torch.stack([torch.from_numpy(mask) for mask in self._each_array(frames, self._mask)])

    def silhouette(self, frame: int) -> np.ndarray:
        """The character's outline as retargeted, float32 [H,W] 0..1 on the canvas, from the re-posed picture."""
        motion = self.job.motion
        ratio = SILHOUETTE_LONG_SIDE_PX / max(motion.character.canvas)
        small = Canvas(*(max(2, round(side * ratio)) for side in motion.character.canvas))
        self._aligner = self._aligner or Aligner(self.job.subject, plate_method="pushpull")
        return covering(self._aligner.render(motion.character, frame, small).alpha.numpy(), self.job.canvas)

    def driver_silhouette(self, frame: int) -> np.ndarray:
        """The performer's outline in the driving clip, float32 [H,W] 0..1, covering the canvas."""
        motion = self.job.motion
        matte = cv2.resize(motion.matte[frame], tuple(motion.source.canvas)[::-1], interpolation=cv2.INTER_LINEAR)
        return covering(matte.astype(np.float32) / 255, self.job.canvas)

    def _skeleton(self, frame: int) -> np.ndarray:
        motion, canvas = self.job.motion, self.job.canvas
        body = covering_points(motion.body[frame], motion.canvas, canvas)
        hands = covering_points(motion.hands[frame, ..., :2], motion.canvas, canvas)
        return draw_training_skeleton(canvas, body, motion.body_confidence[frame], hands, motion.hands_confidence[frame])

    def _mask(self, frame: int) -> np.ndarray:
        outline = self.silhouette(frame)
        if self.job.background == "driver":
            outline = np.maximum(outline, self.driver_silhouette(frame))
        side = 2 * max(1, round(min(self.job.canvas) * MASK_GROWTH)) + 1
        return cv2.dilate((outline > 0.3).astype(np.float32), np.ones((side, side), np.uint8))

    def _plate_source(self) -> PlateSource:
        if self._plates is None:
            self._plates = DriverPlate(self.job.motion) if self.job.background == "driver" else ImagePlate(self.job.background_image)
        return self._plates

    def _driver(self, frames: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """(number, uint8 [H,W,3]) of every different frame, streamed in the clip's order."""
        wanted = set(frames)
        first, last = min(wanted), max(wanted)
        for number, picture in enumerate(self.job.motion.source.frames(first, last + 1), start=first):
            host.stop_if_interrupted()
            if number in wanted:
                yield number, picture

    def _each(self, frames: Sequence[int], draw: object) -> Tensor:
        return image_of(self._each_array(frames, draw))

    @staticmethod
    def _each_array(frames: Sequence[int], draw: object) -> list[np.ndarray]:
        made: dict[int, np.ndarray] = {}
        for frame in sorted(set(frames)):
            host.stop_if_interrupted()
            made[frame] = draw(frame)
        return [made[frame] for frame in frames]


def face_crop(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """uint8 [512,512,3] of a face box (left, top, right, bottom px), grown as Wan-Animate's training crops were; zeros give black."""
    left, top, right, bottom = (float(edge) for edge in box)
    width, height = right - left, bottom - top
    if width < 1 or height < 1:
        return np.zeros((FACE_SIDE_PX, FACE_SIDE_PX, 3), np.uint8)
    growth = FACE_AREA_GROWTH**0.5 - 1
    left, right = left - width * growth / 2, right + width * growth / 2
    top, bottom = top - height * growth * 0.75, bottom + height * growth * 0.25
    picture_height, picture_width = picture.shape[:2]
    left, right = np.clip((left, right), 0, picture_width)
    top, bottom = np.clip((top, bottom), 0, picture_height)
    if right - left < 2 or bottom - top < 2:
        return np.zeros((FACE_SIDE_PX, FACE_SIDE_PX, 3), np.uint8)
    scale = np.array([FACE_SIDE_PX / (right - left), FACE_SIDE_PX / (bottom - top)])
    if scale.min() < 1:
        part = picture[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        return cv2.resize(part, (FACE_SIDE_PX, FACE_SIDE_PX), interpolation=cv2.INTER_AREA)
    matrix = np.array([[scale[0], 0, (0.5 - left) * scale[0] - 0.5], [0, scale[1], (0.5 - top) * scale[1] - 0.5]])
    return cv2.warpAffine(picture, matrix, (FACE_SIDE_PX, FACE_SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
