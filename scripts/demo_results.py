"""What the demo makes of its result: the driver beside it, a sheet of frames, and the facts of the file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import av
import cv2

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # behind everything else: ComfyUI has a module `nodes` of its own

from kmc_core.media.clip import Clip, open_clip
from kmc_core.media.contact_sheet import contact_sheet, side_by_side, spread_frames
from kmc_core.media.limits import LIMITS, check_clip
from kmc_core.media.writer import VideoWriter
from kmc_core.types import Canvas

SHEET_FRAMES = 8


class VideoFacts(NamedTuple):
    """Counted, not read from a header: decoded frames, frames per second, seconds of sound."""

    frames: int
    fps: float
    audio_s: float


def open_span(path: Path, seconds: float, orientation: str) -> Clip:
    """The part of a clip that the demo drives with: the same trimming as the workflow's."""
    clip = open_clip(path, duration_s=seconds)
    return check_clip(clip, orientation, override=0 < seconds < LIMITS.min_clip_s)


def probe(path: Path) -> VideoFacts:
    with av.open(str(path)) as container:
        picture = container.streams.video[0]
        fps = float(picture.average_rate)
        frames = sum(1 for _ in container.decode(picture))
    with av.open(str(path)) as container:
        sound = next(iter(container.streams.audio), None)
        audio_s = float(sound.duration * sound.time_base) if sound is not None and sound.duration else 0.0
    return VideoFacts(frames, fps, audio_s)


def write_side_by_side(driver: Clip, result: Path, path: Path) -> None:
    """Driver left, result right, with the result's sound."""
    made = open_clip(result)
    pairs = zip(driver.frames(), made.frames(), strict=False)
    first = side_by_side(driver.frame(0), made.frame(0))
    with VideoWriter(path, Canvas(*first.shape[:2]), made.rate, audio=made.audio()) as writer:
        for left, right in pairs:
            writer.write(side_by_side(left, right))


def write_contact_sheet(driver: Clip, result: Path, path: Path) -> None:
    made = open_clip(result)
    chosen = spread_frames(min(driver.frame_count, made.frame_count), SHEET_FRAMES)
    rows = [[clip.frame(index) for index in chosen] for clip in (driver, made)]
    sheet = contact_sheet(rows, ("driving clip", "result"))
    path.write_bytes(cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1].tobytes())
