"""The sound of exactly one span of a file: cut, padded with silence, at its own sample rate.

Called by clip.py. Resampling of rates never happens here: what the file has is what comes out (at most stereo).
"""

from __future__ import annotations

import logging
from pathlib import Path

import av
import numpy as np

from ..errors import MediaError
from ..types import AudioTrack
from .source import opened, reason

logger = logging.getLogger(__name__)

DRIFT_S = 0.02
"""Timestamps may jitter by this much before a frame of sound is placed by its time instead of after its neighbour."""


def has_sound(path: Path) -> bool:
    """Whether the file carries a sound stream that this build can decode."""
    with opened(path) as container:
        return any(stream.codec_context is not None and stream.codec_context.sample_rate > 0 for stream in container.streams.audio)


def read_sound(path: Path, start_s: float, seconds: float) -> AudioTrack | None:
    """Sound from start_s (in the file's own clock) for `seconds`; float32 [C, round(seconds * rate)], silence where there is none.

    Damaged packets are silence. Returns None when nothing at all can be decoded.
    """
    with opened(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        channels = 1 if stream.codec_context.channels == 1 else 2
        if not rate:
            return None
        waveform = np.zeros((channels, round(seconds * rate)), np.float32)
        if start_s > 1.0:
            try:
                container.seek(int((start_s - 0.5) / stream.time_base), stream=stream)
            except av.error.FFmpegError:
                logger.debug("%s: sound cannot be sought", path.name)
        resampler = av.AudioResampler(format="fltp", layout="mono" if channels == 1 else "stereo", rate=rate)
        found = _fill(waveform, container, stream, resampler, start_s, path.name)
    return AudioTrack(waveform, rate) if found else None


def _fill(
    waveform: np.ndarray,
    container: av.container.InputContainer,
    stream: av.audio.stream.AudioStream,
    resampler: av.AudioResampler,
    start_s: float,
    name: str,
) -> bool:
    """Write decoded sound into waveform [C,S]; True when any sound was decoded, even outside the span."""
    rate, found, place = stream.codec_context.sample_rate, False, None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return found
            frames = packet.decode()
        except av.error.EOFError:
            return found
        except av.error.FFmpegError as error:
            logger.warning("%s: damaged sound: %s", name, reason(error))
            if isinstance(error, av.error.InvalidDataError):
                continue
            return found
        for frame in frames:
            time_s = None if frame.pts is None else float(frame.pts * frame.time_base) - start_s
            for part in resampler.resample(frame):
                samples = part.to_ndarray()
                if time_s is not None and (place is None or abs(place / rate - time_s) > DRIFT_S):
                    place = round(time_s * rate)
                place = 0 if place is None else place
                found = True
                _paste(waveform, samples, place)
                place += samples.shape[1]
                time_s = None
            if place is not None and place >= waveform.shape[1]:
                return found


def _paste(waveform: np.ndarray, samples: np.ndarray, place: int) -> None:
    first, last = max(place, 0), min(place + samples.shape[1], waveform.shape[1])
    if first < last:
        waveform[:, first:last] = np.nan_to_num(samples[:, first - place : last - place])


def fitted(track: AudioTrack, seconds: float) -> AudioTrack:
    """The track cut or padded with silence to round(seconds * rate) samples. Raises MediaError for a malformed track."""
    waveform = np.asarray(track.waveform, np.float32)
    waveform = waveform[None] if waveform.ndim == 1 else waveform
    if waveform.ndim != 2 or track.sample_rate <= 0:
        raise MediaError(
            "The sound is malformed",
            got=f"shape {waveform.shape} at {track.sample_rate} Hz",
            expected="[channels, samples] and a positive rate",
            remedy="Check the node that makes the sound",
        )
    count = round(seconds * track.sample_rate)
    waveform = np.pad(waveform[:, :count], ((0, 0), (0, max(0, count - waveform.shape[1]))))
    return AudioTrack(np.nan_to_num(waveform), track.sample_rate)
