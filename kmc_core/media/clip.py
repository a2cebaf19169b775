"""A driving clip as everybody sees it: a number of upright frames at one constant rate, with sound of exactly that span.

Lazy: a clip is times and a file name; pixels exist only while they are being read. Called by every room that needs frames.
Not here: decoding (decoding.py), times (timeline.py), what a clip may be (limits.py).
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from ..errors import MediaError
from ..types import AudioTrack, Canvas
from .decoding import PixelReader, Shape, decoded_frames, probe_shape
from .sound import fitted, has_sound, read_sound
from .timeline import Timeline, read_timeline

logger = logging.getLogger(__name__)

MAX_FPS = 240.0
WHOLE_HASH_BYTES = 64 << 20
HASH_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Clip:
    """T upright frames at a constant rate, read on demand from a file or from pixels in memory.

    path, images   the file, or uint8 [T,H,W,3]; exactly one is set
    rate           frames per second, exact; frame_count: T; canvas: size after rotation and pixel aspect
    start_s        first frame's time in the source; source_fps: the rate the source says or was measured at
    has_audio      `audio()` may return sound; notes: what a user should know, plain sentences
    mirrored       frames are shown flipped left to right
    """

    path: Path | None
    images: np.ndarray | None
    rate: Fraction
    frame_count: int
    canvas: Canvas
    start_s: float
    has_audio: bool
    source_fps: float
    opening_notes: tuple[str, ...] = ()
    shape: Shape | None = field(default=None, repr=False)
    timeline: Timeline | None = field(default=None, repr=False)
    wanted: np.ndarray | None = field(default=None, repr=False)
    sound: AudioTrack | None = field(default=None, repr=False)
    lost: set[int] = field(default_factory=set, repr=False)
    mirrored: bool = False

    @property
    def fps(self) -> float:
        return float(self.rate)

    @property
    def seconds(self) -> float:
        return float(self.frame_count / self.rate)

    @property
    def notes(self) -> tuple[str, ...]:
        """Known at opening, then what reading found: damaged frames are known only once they have been read."""
        if not self.lost:
            return self.opening_notes
        return (
            *self.opening_notes,
            f"{len(self.lost)} damaged frame{'s' if len(self.lost) > 1 else ''} replaced by the last good one.",
        )

    def frames(
        self, start: int = 0, stop: int | None = None, long_side: int | None = None, step: int = 1
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """Frames start, start + step ... below stop, uint8 [H,W,3]; `long_side` shrinks them (never enlarges) while decoding.

        Raises MediaError when the span lies outside the clip.
        """
        stop = self.frame_count if stop is None else stop
        if not 0 <= start <= stop <= self.frame_count:
            raise MediaError(
                "These frames are not in the clip",
                got=f"{start} to {stop}",
                expected=f"0 to {self.frame_count}",
                remedy="Ask for frames inside the clip",
            )
        canvas = shrunk_canvas(self.canvas, long_side)
        if self.images is not None:
            shown = (image.copy() if canvas == self.canvas else _resized(image, canvas) for image in self.images[start:stop:step])
        else:
            shown = self._streamed(self.wanted[start:stop:step], canvas) if start < stop else iter(())
        yield from (np.ascontiguousarray(image[:, ::-1]) for image in shown) if self.mirrored else shown

    def frame(self, index: int) -> np.ndarray:
        """One frame, uint8 [H,W,3]; negative numbers count from the end."""
        index = index + self.frame_count if index < 0 else index
        return next(self.frames(index, index + 1))

    def audio(self) -> AudioTrack | None:
        """Sound of exactly this span: round(frame_count / rate * sample_rate) samples, silence where the file has none."""
        if not self.has_audio:
            return None
        if self.sound is not None:
            rate = self.sound.sample_rate
            first = round(self.start_s * rate)
            return fitted(AudioTrack(self.sound.waveform[..., first:], rate), self.seconds)
        first_shown_s = 0.0 if self.timeline.counted else float(self.timeline.shown[0] * self.timeline.time_base)
        return read_sound(self.path, first_shown_s + self.start_s, self.seconds)

    def span(self, start_s: float = 0.0, duration_s: float = 0.0, note: str = "") -> Clip:
        """A shorter clip at the same rate; duration_s 0 = to the end. Raises MediaError when nothing is left."""
        first = round(start_s * self.rate)
        last = self.frame_count if duration_s <= 0 else min(self.frame_count, first + max(1, round(duration_s * self.rate)))
        if not 0 <= first < self.frame_count:
            raise _outside(start_s, self.seconds)
        return replace(
            self,
            images=None if self.images is None else self.images[first:last],
            wanted=None if self.wanted is None else self.wanted[first:last],
            frame_count=last - first,
            start_s=self.start_s + float(first / self.rate),
            opening_notes=(*self.opening_notes, note) if note else self.opening_notes,
        )

    def flipped(self) -> Clip:
        """The same clip seen in a mirror; twice gives it back."""
        return replace(self, mirrored=not self.mirrored)

    def retimed(self, frames: np.ndarray, rate: Fraction, *, with_sound: bool, note: str = "") -> Clip:
        """The clip that shows frame frames[i] as its frame i, at another rate.

        frames: int [M], never falling. with_sound only when the new clip runs at the old speed: sound is not stretched.
        Raises MediaError for frames that are not in the clip or go back in time.
        """
        frames = np.asarray(frames, np.int64)
        if not len(frames) or frames[0] < 0 or frames[-1] >= self.frame_count or (np.diff(frames) < 0).any():
            raise MediaError(
                "A clip cannot be timed like this", got="frames outside the clip or in another order",
                expected=f"rising numbers from 0 to {self.frame_count - 1}", remedy="Choose another speed or rate",
            )  # fmt: skip
        return replace(
            self,
            images=None if self.images is None else self.images[frames],
            wanted=None if self.wanted is None else self.wanted[frames],
            rate=rate,
            frame_count=len(frames),
            start_s=self.start_s + float(frames[0] / self.rate),
            has_audio=self.has_audio and with_sound,
            opening_notes=(*self.opening_notes, note) if note else self.opening_notes,
        )

    def fingerprint(self) -> str:
        """Hex digest of what this clip shows: source bytes, span and rate. Large files are sampled, not read whole."""
        shown = (self.rate, self.frame_count, self.canvas, round(self.start_s, 6), *(["mirrored"] if self.mirrored else []))
        digest = hashlib.sha256(repr(shown).encode())
        if self.images is not None:
            digest.update(np.ascontiguousarray(self.images))
        else:
            digest.update(np.ascontiguousarray(self.wanted))
            _hash_file(self.path, digest)
        return digest.hexdigest()

    def _streamed(self, wanted: np.ndarray, canvas: Canvas) -> Iterator[np.ndarray]:
        """The frame of every wanted time; where that is damaged or missing the last good one is held, so the count stays."""
        reader = PixelReader(self.shape, canvas)
        good: av.VideoFrame | None = None
        pixels: np.ndarray | None = None
        position = 0
        for time, frame, intact in self._decoded_from(int(wanted[0])):
            while position < len(wanted) and wanted[position] < time and good is not None:
                pixels = reader.read(good) if pixels is None else pixels
                yield self._held(int(wanted[position]), pixels)
                position += 1
            if position == len(wanted):
                return
            if intact or good is None:
                good, pixels = frame, None
            while position < len(wanted) and wanted[position] <= time:
                pixels = reader.read(good) if pixels is None else pixels
                exact = wanted[position] == time and intact
                yield pixels.copy() if exact else self._held(int(wanted[position]), pixels)
                position += 1
            if position == len(wanted):
                return
        if good is None:
            raise MediaError(
                "No frame of this span can be decoded",
                got=self.path.name,
                expected="an intact clip",
                remedy="Choose another clip, or another start",
            )
        pixels = reader.read(good) if pixels is None else pixels
        for time in wanted[position:]:
            yield self._held(int(time), pixels)

    def _held(self, time: int, pixels: np.ndarray) -> np.ndarray:
        if time not in self.lost:
            self.lost.add(time)
            logger.warning("%s: the frame at %.3f s is damaged; the last good one is shown", self.path.name, self._seconds_of(time))
        return pixels.copy()

    def _seconds_of(self, time: int) -> float:
        return float((time - int(self.timeline.shown[0])) * self.timeline.time_base)

    def _decoded_from(self, first: int) -> Iterator[tuple[int, av.VideoFrame, bool]]:
        """Decoded frames, reaching `first` by a seek where that lands on an intact frame not later than `first`."""
        counted = self.timeline.counted
        if not counted and first > self.timeline.shown[0]:
            decoded = decoded_frames(self.path, first)
            landed = next((item for item in decoded if item[2]), None)
            if landed is not None and landed[0] <= first:
                yield landed
                yield from decoded
                return
            decoded.close()
        yield from decoded_frames(self.path, None, counted)


def shrunk_canvas(canvas: Canvas, long_side: int | None) -> Canvas:
    """The canvas scaled down so that its long side is at most `long_side`; never enlarged, never below 1 px."""
    scale = 1.0 if not long_side else min(1.0, long_side / max(canvas))
    return Canvas(max(1, round(canvas.height * scale)), max(1, round(canvas.width * scale)))


def open_clip(path: str | Path, start_s: float = 0.0, duration_s: float = 0.0, fps: float = 0.0) -> Clip:
    """Open a video file.

    start_s, duration_s (0 = to the end) choose a span; fps 0 keeps the file's rate (variable frame rate is served at its
    mean rate), another value resamples by nearest timestamp. Only headers and one frame are read here.
    Raises MediaError with what is wrong with the file or the span.
    """
    path = Path(path)
    _check_numbers(start_s, duration_s, fps)
    timeline = read_timeline(path)
    shape = probe_shape(path, timeline.counted)
    if start_s >= timeline.seconds:
        raise _outside(start_s, timeline.seconds)
    rate = Fraction(fps).limit_denominator(1001) if fps else timeline.rate
    first_s = round(start_s * timeline.rate) / timeline.rate if not fps and timeline.constant else Fraction(start_s)
    left_s = min(duration_s or math.inf, timeline.seconds - float(first_s))
    count = max(1, round(left_s * float(rate)))
    wanted = timeline.nearest(float(first_s) + np.arange(count) / float(rate))
    return Clip(
        path=path,
        images=None,
        rate=rate,
        frame_count=count,
        canvas=shape.canvas,
        start_s=float(first_s),
        has_audio=has_sound(path),
        source_fps=float(timeline.rate),
        opening_notes=_opening_notes(timeline, shape, fps),
        shape=shape,
        timeline=timeline,
        wanted=wanted,
    )


def clip_from_images(images: np.ndarray, fps: float | Fraction, audio: AudioTrack | None = None) -> Clip:
    """A clip of pixels already in memory: uint8, or float in 0..1, [T,H,W,3|4] (alpha is shown over white).

    Floats are converted frame by frame. Raises MediaError for another shape, no frames or no rate.
    """
    images = np.asarray(images)
    _check_numbers(0.0, 0.0, float(fps))
    if images.ndim != 4 or images.shape[-1] not in (3, 4) or 0 in images.shape or not fps:
        raise MediaError(
            "These images are not a clip",
            got=f"shape {images.shape} at {float(fps):g} frames/s",
            expected="[frames, height, width, 3] and a rate above 0",
            remedy="Connect a batch of images and set fps",
        )
    pixels = images
    if images.dtype != np.uint8 or images.shape[-1] == 4:
        pixels = np.empty((*images.shape[:3], 3), np.uint8)
        for index, image in enumerate(images):
            pixels[index] = _as_rgb(image)
    rate = Fraction(fps).limit_denominator(1001)
    canvas = Canvas(images.shape[1], images.shape[2])
    return Clip(None, pixels, rate, len(pixels), canvas, 0.0, audio is not None, float(rate), sound=audio)


def _as_rgb(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8:
        image = np.round(np.clip(np.nan_to_num(image), 0.0, 1.0) * 255.0).astype(np.uint8)
    if image.shape[-1] == 4:
        alpha = image[..., 3:].astype(np.uint16)
        image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return image


def _resized(image: np.ndarray, canvas: Canvas) -> np.ndarray:
    return cv2.resize(image, (canvas.width, canvas.height), interpolation=cv2.INTER_AREA)


def _hash_file(path: Path, digest: hashlib._Hash) -> None:
    size = path.stat().st_size
    digest.update(str(size).encode())
    blocks = -(-size // HASH_BLOCK)
    chosen = range(blocks) if size <= WHOLE_HASH_BYTES else np.linspace(0, blocks - 1, 32).astype(int)
    with path.open("rb") as file:
        for block in chosen:
            file.seek(int(block) * HASH_BLOCK)
            digest.update(file.read(HASH_BLOCK))


def _opening_notes(timeline: Timeline, shape: Shape, fps: float) -> tuple[str, ...]:
    notes = []
    if not timeline.constant:
        notes.append(f"Variable frame rate, {float(timeline.rate):.3g} frames/s on average; frames are chosen by nearest timestamp.")
    if timeline.promised > len(timeline.shown):
        notes.append(f"The file is cut off: {len(timeline.shown)} of {timeline.promised} frames are present.")
    if shape.turned:
        notes.append("The rotation tag was applied.")
    if shape.pixel_aspect != 1:
        notes.append(f"Pixels are not square ({float(shape.pixel_aspect):.3g}:1); the picture was widened accordingly.")
    if fps and abs(fps - float(timeline.rate)) > 1e-3:
        notes.append(f"Resampled from {float(timeline.rate):.4g} to {fps:.4g} frames/s.")
    return tuple(notes)


def _check_numbers(start_s: float, duration_s: float, fps: float) -> None:
    for name, value, top in (("start_s", start_s, math.inf), ("duration_s", duration_s, math.inf), ("fps", fps, MAX_FPS)):
        if not (math.isfinite(value) and 0 <= value <= top):
            expected = "0 or more" if top == math.inf else f"0 (keep) to {top:g}"
            raise MediaError(f"{name} is not usable", got=f"{value}", expected=expected, remedy=f"Change {name}")


def _outside(start_s: float, seconds: float) -> MediaError:
    return MediaError(
        "The clip ends before start_s", got=f"{start_s:g} s", expected=f"less than {seconds:.2f} s", remedy="Lower start_s"
    )
