"""Makes the good and bad media files that the media tests read. Every frame carries its number as a bar code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 8


def numbered_frame(number: int, height: int = 64, width: int = 96) -> np.ndarray:
    """uint8 [H,W,3]: eight bars in the upper half spell the number, the lower half is a fixed colour ramp."""
    frame = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            frame[: height // 2, bit * width // BITS : (bit + 1) * width // BITS] = 255
    ramp = np.linspace(40, 215, width).astype(np.uint8)
    frame[height // 2 :] = np.stack([ramp, np.full(width, 90, np.uint8), ramp[::-1]], axis=1)
    return frame


def read_number(frame: np.ndarray) -> int:
    height, width = frame.shape[:2]
    row = frame[height // 8 : height * 3 // 8].mean(axis=(0, 2))
    centres = [int((bit + 0.5) * width / BITS) for bit in range(BITS)]
    return sum(1 << bit for bit, centre in enumerate(centres) if row[centre] > 127)


def read_numbers(frames: Iterable[np.ndarray]) -> list[int]:
    return [read_number(frame) for frame in frames]


def tone(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """float32 [C,S]: a 440 Hz tone that gets louder with time, so that a shift is audible to a test."""
    time = np.arange(round(seconds * rate)) / rate
    return np.repeat((np.sin(2 * np.pi * 440 * time) * (0.2 + 0.1 * time)).astype(np.float32)[None], channels, 0)


def write_clip(
    path: Path,
    times: Iterable[int] | int,
    *,
    time_base: Fraction = Fraction(1, 24),
    rate: Fraction | int = 24,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    picture: Callable[[int], np.ndarray] = numbered_frame,
    source_format: str = "rgb24",
    sound: np.ndarray | None = None,
    sound_rate: int = 22050,
    container: str | None = None,
    rotation: int = 0,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode frame i at times[i] (in time_base); an int means that many frames on a regular grid."""
    times = list(range(times)) if isinstance(times, int) else list(times)
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        stream = output.add_stream(codec, rate=rate)
        first = picture(0)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], pixel_format
        stream.codec_context.time_base = time_base
        stream.codec_context.options = {"g": "12", **(options or {})} if codec == "libx264" else (options or {})
        if rotation:
            stream.set_display_rotation(rotation)
        track = None
        if sound is not None:
            track = output.add_stream("aac", rate=sound_rate, layout="mono" if len(sound) == 1 else "stereo")
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number), format=source_format)
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = time, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if track is not None:
            frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono" if len(sound) == 1 else "stereo")
            frame.sample_rate, frame.pts, frame.time_base = sound_rate, 0, Fraction(1, sound_rate)
            output.mux(track.encode(frame))
            output.mux(track.encode(None))
    return path


def write_sound_only(path: Path, seconds: float = 1.0, rate: int = 22050) -> Path:
    with av.open(str(path), "w") as output:
        track = output.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(seconds, rate), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        output.mux(track.encode(frame))
        output.mux(track.encode(None))
    return path


def damage_packets(path: Path, target: Path, first: int, last: int) -> Path:
    """Copy a clip with the payload of packets first..last-1 overwritten by noise; times and sizes stay."""
    noise = np.random.default_rng(0)
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        stream = source.streams.video[0]
        copy = output.add_stream_from_template(stream)
        number = 0
        for packet in source.demux(stream):
            if packet.size == 0:
                continue
            if first <= number < last:
                broken = av.Packet(noise.integers(0, 256, packet.size, np.uint8).tobytes())
                broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
                broken.duration, broken.is_keyframe = packet.duration or 0, packet.is_keyframe
                packet = broken
            packet.stream = copy
            output.mux(packet)
            number += 1
    return target
