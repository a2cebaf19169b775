"""What lies behind the character: the picture's own background, the driving clip's, an image, or nothing.

Not here: filling holes (alignment/plate.py). Every source gives one Plate per frame and canvas; the one in use is made once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np

from ..alignment.aligner import Aligner
from ..alignment.plate import Plate, grown_hole, push_pull
from ..errors import KMCError
from ..types import Canvas, CharacterMotion, HolisticMotion

BACKGROUNDS = ("picture", "driver", "transparent", "image")
TRANSPARENT_GREY = 128
DRIVER_FRAMES_KEPT = 24
FILL_LONG_SIDE_PX = 256


class PlateSource(Protocol):
    """Anything that knows the background of a frame."""

    def plate(self, frame: int, canvas: Canvas) -> Plate:
        """uint8 [H,W,3] and invented float32 [H,W] for a frame; frames are asked for nearly in order."""


class PicturePlate:
    """The reference picture without its character, moved by the motion's camera."""

    def __init__(self, aligner: Aligner, character: CharacterMotion) -> None:
        self._aligner, self._character = aligner, character
        self._still = bool(np.allclose(character.camera, np.eye(2, 3), atol=1e-5))
        self._made: dict[Canvas, Plate] = {}

    def plate(self, frame: int, canvas: Canvas) -> Plate:
        """As PlateSource.plate; one resized copy per canvas is kept while the camera is still."""
        if not self._still:
            return self._aligner.plate(canvas, self._character, frame)
        if canvas not in self._made:
            self._made[canvas] = self._aligner.plate(canvas)
        return self._made[canvas]


class ImagePlate:
    """A given picture, scaled to cover the canvas. image uint8 [H,W,3]."""

    def __init__(self, image: np.ndarray) -> None:
        self._image = image
        self._made: dict[Canvas, Plate] = {}

    def plate(self, frame: int, canvas: Canvas) -> Plate:
        """As PlateSource.plate; nothing is invented."""
        if canvas not in self._made:
            self._made[canvas] = Plate(_covering(self._image, canvas), np.zeros(tuple(canvas), np.float32))
        return self._made[canvas]


class DriverPlate:
    """The driving clip's frames with the performer filled over (push-pull), so that only the new character is seen."""

    def __init__(self, motion: HolisticMotion) -> None:
        if motion.source is None or motion.matte is None:
            raise KMCError(
                "The driver's background needs the driving clip and its matte", got="a motion without them",
                expected="a motion tracked from a clip", remedy="Choose another background",
            )  # fmt: skip
        self._motion = motion
        self._frames: OrderedDict[int, np.ndarray] = OrderedDict()
        self._reader: Iterator[tuple[int, np.ndarray]] = iter(())
        self._next = -1

    def plate(self, frame: int, canvas: Canvas) -> Plate:
        """As PlateSource.plate; what the performer hid counts as invented."""
        picture = _covering(self._driver_frame(frame), canvas)
        matte = _covering(self._motion.matte[frame][..., None].repeat(3, 2), canvas)[..., 0].astype(np.float32) / 255
        hole = grown_hole(matte)
        if not hole.any():
            return Plate(picture, np.zeros(tuple(canvas), np.float32))
        filled = _fill(picture, hole)
        soft = np.maximum(cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 2.0), hole)[..., None]
        rgb = picture * (1 - soft) + filled * soft
        return Plate(np.round(rgb).astype(np.uint8), soft[..., 0].astype(np.float32))

    def _driver_frame(self, frame: int) -> np.ndarray:
        """Frames stream forwards; the last few are kept, because base and full size ask for the same frame."""
        if frame not in self._frames:
            if frame != self._next:
                self._reader = enumerate(self._motion.source.frames(start=frame), start=frame)
            number, picture = next(self._reader)
            self._next = number + 1
            self._frames[number] = picture
            while len(self._frames) > DRIVER_FRAMES_KEPT:
                self._frames.popitem(last=False)
        return self._frames[frame]


def plate_source(background: str, aligner: Aligner, motion: HolisticMotion, image: np.ndarray | None) -> PlateSource:
    """The source for a background's name (BACKGROUNDS). Raises KMCError for an unknown name or a missing image."""
    if background == "picture":
        return PicturePlate(aligner, motion.character)
    if background == "driver":
        return DriverPlate(motion)
    if background == "transparent":
        return ImagePlate(np.full((8, 8, 3), TRANSPARENT_GREY, np.uint8))
    if background == "image" and image is not None:
        return ImagePlate(image)
    if background == "image":
        raise KMCError("No background image was given", remedy="Connect an image or choose another background")
    raise KMCError("Unknown background", got=background, expected=", ".join(BACKGROUNDS), remedy="Choose a listed background")


def _covering(image: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Scale to cover the canvas and crop the middle; uint8 [H,W,3]."""
    height, width = image.shape[:2]
    ratio = max(canvas.height / height, canvas.width / width)
    size = (max(canvas.width, round(width * ratio)), max(canvas.height, round(height * ratio)))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
    top, left = (size[1] - canvas.height) // 2, (size[0] - canvas.width) // 2
    return np.ascontiguousarray(scaled[top : top + canvas.height, left : left + canvas.width])


def _fill(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Push-pull over the hole at a small size (the fill is smooth anyway) -> float32 [H,W,3]."""
    height, width = hole.shape
    ratio = min(1.0, FILL_LONG_SIDE_PX / max(height, width))
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    known = cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture * (~hole)[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    filled = push_pull(small / np.maximum(known, 1e-3)[..., None], (known > 0.5).astype(np.float32))
    return np.clip(cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR), 0, 255)
