"""From packets to upright RGB pixels: damaged frames skipped, rotation tag, pixel shape, colour matrix, transparency.

Not here: which frames are wanted (clip.py). Called by clip.py and timeline.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from ..errors import MediaError
from ..types import Canvas
from .source import CONVERT, EXPECTED, opened, picture_stream, reason

logger = logging.getLogger(__name__)

# H.273 matrix coefficients -> the decoder library's table; 2 = untagged
MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
HD_LINES = 720
BACKDROP = 255
"""Grey level shown where a clip is transparent."""


@dataclass(frozen=True)
class Shape:
    """How stored pixels become an upright picture with square pixels.

    transpose first, then flip_columns (left-right), then flip_rows; canvas is the result.
    """

    canvas: Canvas
    transpose: bool
    flip_columns: bool
    flip_rows: bool
    pixel_aspect: Fraction

    @property
    def turned(self) -> bool:
        return self.transpose or self.flip_columns or self.flip_rows

    def upright(self, stored: np.ndarray) -> np.ndarray:
        """[h,w,C] as stored -> contiguous upright [H,W,C]."""
        if self.transpose:
            stored = stored.swapaxes(0, 1)
        if self.flip_columns:
            stored = stored[:, ::-1]
        if self.flip_rows:
            stored = stored[::-1]
        return np.ascontiguousarray(stored)


def display_flips(matrix: np.ndarray) -> tuple[bool, bool, bool]:
    """3x3 display matrix (rows a b u, c d v, x y w; x' = ax + cy, y' = bx + dy) -> transpose, flip columns, flip rows.

    Source: ISO/IEC 14496-12 section 8.3.2, track header matrix. Angles are taken to the nearest quarter turn.
    """
    (a, b, _), (c, d, _), _ = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, bool(a < 0), bool(d < 0)
    return True, bool(c < 0), bool(b < 0)


def frame_shape(frame: av.VideoFrame, pixel_aspect: Fraction | None) -> Shape:
    """Shape of one decoded frame: its rotation tag and pixel aspect applied."""
    matrix = next((np.frombuffer(bytes(side), np.int32) for side in frame.side_data if side.type.name == "DISPLAYMATRIX"), None)
    transpose, flip_columns, flip_rows = (False,) * 3
    if matrix is not None and matrix.size >= 9 and matrix[:9].any():
        transpose, flip_columns, flip_rows = display_flips(matrix[:9].reshape(3, 3))
    aspect = pixel_aspect if pixel_aspect and abs(pixel_aspect - 1) > 0.01 and 0.1 < pixel_aspect < 10 else Fraction(1)
    size = Canvas(frame.height, max(1, round(frame.width * aspect)))
    return Shape(Canvas(size.width, size.height) if transpose else size, transpose, flip_columns, flip_rows, aspect)


class PixelReader:
    """Turns decoded frames into uint8 [H,W,3] of one size; keeps the scaler between frames."""

    def __init__(self, shape: Shape, canvas: Canvas) -> None:
        self._shape, self._reformatter = shape, VideoReformatter()
        self._stored = Canvas(canvas.width, canvas.height) if shape.transpose else canvas

    def read(self, frame: av.VideoFrame) -> np.ndarray:
        """One frame, upright, at the canvas given to the constructor."""
        has_alpha = any(component.is_alpha for component in frame.format.components) or "pal" in frame.format.name
        shrinks = self._stored.height < frame.height or self._stored.width < frame.width
        scaling = Interpolation.AREA if shrinks else Interpolation.BILINEAR
        matrix = MATRICES.get(int(frame.colorspace))
        if matrix is None:
            matrix = Colorspace.ITU709 if frame.height >= HD_LINES else Colorspace.ITU601
        pixels = self._reformatter.reformat(
            frame,
            width=self._stored.width,
            height=self._stored.height,
            format="rgba" if has_alpha else "rgb24",
            src_colorspace=matrix,
            interpolation=scaling | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
        ).to_ndarray()
        if has_alpha:
            alpha = pixels[..., 3:].astype(np.uint16)
            pixels = ((pixels[..., :3] * alpha + BACKDROP * (255 - alpha) + 127) // 255).astype(np.uint8)
        return self._shape.upright(pixels)


def decoded_frames(path: Path, seek_to: int | None, counted: bool = False) -> Iterator[tuple[int, av.VideoFrame, bool]]:
    """Yield (time, frame, intact) in order of presentation, from the key frame at or before `seek_to` (None = the start).

    Packets that cannot be decoded are skipped, a broken end ends the stream. `counted`: times are running numbers.
    """
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        if seek_to is not None:
            try:
                container.seek(seek_to, stream=stream)
            except av.error.FFmpegError:
                logger.debug("%s cannot be sought; read from its start", path.name)
        number = 0
        for frame in _tolerant(container, stream, path.name):
            time = number if counted else frame.pts
            number += 1
            if time is not None:
                yield time, frame, not frame.is_corrupt


def _tolerant(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, name: str
) -> Iterator[av.VideoFrame]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except av.error.FFmpegError as error:
            logger.warning("%s ends early: %s", name, reason(error))
            yield from _flush(stream)
            return
        try:
            yield from packet.decode()
        except av.error.FFmpegError as error:
            logger.debug("%s: damaged packet at %s: %s", name, packet.pts, reason(error))


def _flush(stream: av.video.stream.VideoStream) -> Iterator[av.VideoFrame]:
    try:
        yield from stream.decode(None)
    except av.error.FFmpegError:
        return


def probe_shape(path: Path, counted: bool = False) -> Shape:
    """Shape of the first frame that can be decoded. Raises MediaError when none can."""
    with opened(path) as container:
        aspect = picture_stream(container, path.name).sample_aspect_ratio
    for _, frame, _ in decoded_frames(path, None, counted):
        return frame_shape(frame, aspect)
    raise MediaError("No frame of the clip can be decoded", got=path.name, expected=EXPECTED, remedy=CONVERT)
