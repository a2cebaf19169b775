"""Writes a result: H.264 + AAC in MP4, frame by frame, sound interleaved and exactly as long as the picture.

The file appears under its name only when it is complete; until then it is `<name>.part`, deleted on any error.
Called by nodes and scripts. Not here: which frames (sampling), reading (clip.py).
"""

from __future__ import annotations

import json
import logging
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from scipy.signal import resample_poly

from ..errors import MediaError
from ..types import AudioTrack, Canvas
from .sound import fitted
from .source import reason

logger = logging.getLogger(__name__)

H264_ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
AAC_FALLBACK_RATE = 48000
AAC_BITS_PER_S = 192_000
SOUND_CHUNK = 1024
BT709, LIMITED_RANGE = 1, 1


class VideoWriter:
    """Context manager that writes frames of one size at one rate.

    path, canvas, rate   target file, size of the frames given to `write`, frames per second
    audio                sound of the whole result or None; cut or padded so that it ends with the picture
    crf                  0 (lossless) .. 51; metadata: text or JSON-able values stored as MP4 tags

    >>> with VideoWriter("out.mp4", Canvas(720, 1280), Fraction(24)) as writer:  # doctest: +SKIP
    ...     writer.write(frame)
    Raises MediaError when the file cannot be written or a frame has another size; nothing is left behind then.
    """

    def __init__(
        self,
        path: str | Path,
        canvas: Canvas,
        rate: Fraction,
        audio: AudioTrack | None = None,
        crf: int = 17,
        metadata: dict[str, object] | None = None,
    ) -> None:
        self.path, self.canvas, self.rate = Path(path), Canvas(*canvas), Fraction(rate).limit_denominator(100_000)
        self.frame_count = 0
        self._part = self.path.with_name(self.path.name + ".part")
        self._crf, self._metadata, self._audio = crf, metadata or {}, audio
        self._container: av.container.OutputContainer | None = None
        self._reformatter = VideoReformatter()
        self._sound_written = 0
        if min(self.canvas) < 1 or self.rate <= 0:
            raise MediaError(
                "This video cannot be written",
                got=f"{self.canvas.width}x{self.canvas.height} px at {float(self.rate):g} frames/s",
                expected="a size and a rate above 0",
                remedy="Check the size and fps",
            )

    def __enter__(self) -> VideoWriter:
        try:
            self._open()
        except BaseException as error:
            self._discard()
            raise self._explained(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._discard()
            return
        try:
            self._finish()
        except BaseException as failure:
            self._discard()
            raise self._explained(failure) from failure

    def write(self, frame: np.ndarray) -> None:
        """Append one frame, uint8 [H,W,3] of the canvas's size, and the sound that belongs under it."""
        if frame.shape != (*self.canvas, 3) or frame.dtype != np.uint8:
            raise MediaError(
                "The frame does not fit the video",
                got=f"{frame.dtype} {frame.shape}",
                expected=f"uint8 {(*self.canvas, 3)}",
                remedy="Write frames of one size",
            )
        try:
            self._container.mux(self._video.encode(self._picture(frame)))
            self.frame_count += 1
            self._write_sound(self._sound_due())
        except (av.error.FFmpegError, OSError) as error:
            raise self._explained(error) from error

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        options = {"movflags": "faststart+use_metadata_tags", "movie_timescale": str(self._movie_timescale())}
        self._container = av.open(f"file:{self._part}", "w", format="mp4", options=options)
        for key, value in self._metadata.items():
            self._container.metadata[key] = value if isinstance(value, str) else json.dumps(value)
        self._video = self._container.add_stream(_h264_encoder(), rate=self.rate)
        context = self._video.codec_context
        context.width, context.height = (side + side % 2 for side in (self.canvas.width, self.canvas.height))
        context.pix_fmt, context.time_base = "yuv420p", 1 / self.rate
        context.colorspace, context.color_primaries, context.color_trc = BT709, BT709, BT709
        context.color_range = LIMITED_RANGE
        context.options = {"crf": str(self._crf), "preset": "fast"}
        if self._audio is not None:
            self._open_sound()
        self._container.start_encoding()

    def _movie_timescale(self) -> int:
        """Ticks per second in which MP4 states durations; the usual 1000 would round sound and picture to milliseconds."""
        if self._audio is not None and self._audio.sample_rate in AAC_RATES:
            return self._audio.sample_rate
        return self.rate.numerator * -(-10_000 // self.rate.numerator)

    def _open_sound(self) -> None:
        track = self._audio
        waveform = np.asarray(track.waveform, np.float32)
        waveform = waveform[None] if waveform.ndim == 1 else waveform
        if waveform.shape[0] > 2:
            waveform = np.stack([waveform[0::2].mean(0), waveform[1::2].mean(0)])
        rate = track.sample_rate
        if rate not in AAC_RATES:
            waveform, rate = _resampled(waveform, rate, AAC_FALLBACK_RATE), AAC_FALLBACK_RATE
        self._audio = AudioTrack(np.clip(np.nan_to_num(waveform), -1.0, 1.0), rate)
        layout = "mono" if len(waveform) == 1 else "stereo"
        self._sound = self._container.add_stream("aac", rate=rate, layout=layout)
        self._sound.codec_context.bit_rate = AAC_BITS_PER_S

    def _picture(self, frame: np.ndarray) -> av.VideoFrame:
        height, width = self.canvas
        if height % 2 or width % 2:
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
        )
        picture.pts, picture.time_base = self.frame_count, 1 / self.rate
        return picture

    def _sound_due(self) -> int:
        """Samples that belong under the frames written so far."""
        return 0 if self._audio is None else round(self.frame_count / self.rate * self._audio.sample_rate)

    def _write_sound(self, due: int, flush: bool = False) -> None:
        """Encode sound up to `due` samples in whole chunks; the last, shorter one only when flushing."""
        if self._audio is None:
            return
        while self._sound_written < due:
            count = min(SOUND_CHUNK, due - self._sound_written)
            if count < SOUND_CHUNK and not flush:
                return
            span = self._audio.waveform[:, self._sound_written : self._sound_written + count]
            samples = fitted(AudioTrack(span, self._audio.sample_rate), count / self._audio.sample_rate).waveform
            layout = "mono" if len(samples) == 1 else "stereo"
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
            frame.sample_rate, frame.pts = self._audio.sample_rate, self._sound_written
            frame.time_base = Fraction(1, self._audio.sample_rate)
            self._container.mux(self._sound.encode(frame))
            self._sound_written += count

    def _finish(self) -> None:
        if self.frame_count == 0:
            raise MediaError(
                "No frame was written", got="0 frames", expected="at least one", remedy="Check the clip that was to be rendered"
            )
        self._write_sound(self._sound_due(), flush=True)
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._sound.encode(None))
        self._container.close()
        self._container = None
        self._part.replace(self.path)

    def _discard(self) -> None:
        try:
            if self._container is not None:
                self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            logger.debug("closing the unfinished %s: %s", self._part.name, reason(error))
        self._container = None
        try:
            self._part.unlink(missing_ok=True)
        except OSError as error:
            logger.debug("%s cannot be removed: %s", self._part.name, reason(error))

    def _explained(self, error: BaseException) -> BaseException:
        if not isinstance(error, (av.error.FFmpegError, OSError)):
            return error
        return MediaError(
            "The video cannot be written",
            got=f"{self.path.name} ({reason(error)})",
            expected="a folder with write permission and free space",
            remedy="Free some space, or choose another folder",
        )


def _h264_encoder() -> str:
    for name in H264_ENCODERS:
        if name in av.codecs_available:
            return name
    raise MediaError(
        "No H.264 encoder", got="a media library without one", expected=" or ".join(H264_ENCODERS), remedy="pip install --upgrade av"
    )


def _resampled(waveform: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """[C,S] at another rate, exactly round(S * target / source) samples."""
    count = round(waveform.shape[1] * target_rate / source_rate)
    step = Fraction(target_rate, source_rate)
    resampled = resample_poly(waveform, step.numerator, step.denominator, axis=1).astype(np.float32)
    return fitted(AudioTrack(resampled, target_rate), count / target_rate).waveform
