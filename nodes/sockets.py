"""The pack's socket types, and the conversions between ComfyUI's media and the core's arrays.

KMC_CLIP         kmc_core.media.clip.Clip, frames are read when needed
KMC_MOTION       kmc_core.types.HolisticMotion; after RetargetSkeleton with `.character` set
KMC_SUBJECT      kmc_core.types.SubjectLibrary
KMC_ORIENTATION  kmc_core.types.Orientation
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from comfy_api.v0_0_2 import Input, io

from ..kmc_core.errors import MediaError
from ..kmc_core.media.clip import Clip, clip_from_images, open_clip
from ..kmc_core.types import AudioTrack

ClipSocket = io.Custom("KMC_CLIP")
MotionSocket = io.Custom("KMC_MOTION")
SubjectSocket = io.Custom("KMC_SUBJECT")
OrientationSocket = io.Custom("KMC_ORIENTATION")
PoseKeypointSocket = io.Custom("POSE_KEYPOINT")
FaceLandmarksSocket = io.Custom("FACE_LANDMARKS")

IMAGE_FPS = 24.0
"""Rate given to frames that come without one (an IMAGE batch)."""

PREVIEW_LONG_SIDE = 512
PREVIEW_FRAMES = 48
"""Previews show at most this many frames, evenly spread, so that they do not grow with the clip."""


def clip_from_link(value: object, start_s: float = 0.0, duration_s: float = 0.0, fps: float = 0.0) -> Clip:
    """A Clip from whatever a `KMC_CLIP, VIDEO or IMAGE` socket delivers. A VIDEO's own trim window is kept.

    fps 0 keeps the source's rate; frames without a rate get IMAGE_FPS. Raises MediaError for anything else.
    """
    if isinstance(value, Clip):
        return value
    if isinstance(value, torch.Tensor):
        return _clip_from_batch(value, start_s, duration_s, fps or IMAGE_FPS)
    if isinstance(value, Input.Video):
        return _clip_from_video(value, start_s, duration_s, fps)
    raise MediaError(
        "This input is no clip", got=type(value).__name__, expected="a KMC clip, a VIDEO or an IMAGE batch",
        remedy="Connect KMC Load Motion Video, Load Video or a batch of images",
    )  # fmt: skip


def _clip_from_batch(images: torch.Tensor, start_s: float, duration_s: float, fps: float, audio: AudioTrack | None = None) -> Clip:
    first = round(start_s * fps)
    stop = first + round(duration_s * fps) if duration_s else len(images)
    chosen = images[first:stop]
    if len(chosen) == 0:
        raise MediaError(
            "The chosen part of the frames is empty", got=f"start_s {start_s:g} of {len(images) / fps:.1f} s",
            expected="a start inside the clip", remedy="Choose a smaller start_s",
        )  # fmt: skip
    return clip_from_images(frames_to_bytes(chosen), fps, audio)


def _clip_from_video(video: Input.Video, start_s: float, duration_s: float, fps: float) -> Clip:
    source = video.get_stream_source()
    if isinstance(source, str):
        window_start, window_length = video.get_active_trim_window()
        remaining = max(window_length - start_s, 0.0) if window_length else 0.0
        length = min(filter(None, (duration_s, remaining)), default=0.0)
        return open_clip(source, start_s=window_start + start_s, duration_s=length, fps=fps)
    components = video.get_components()
    rate = float(components.frame_rate)
    sound = audio_to_track(components.audio)
    return _clip_from_batch(components.images, start_s, duration_s, rate, sound)


def frames_to_bytes(images: torch.Tensor) -> np.ndarray:
    """IMAGE float [T,H,W,3|4] 0..1 -> uint8 [T,H,W,3|4], converted frame by frame."""
    result = np.empty(images.shape, np.uint8)
    for index, image in enumerate(images):
        result[index] = (image.float().clamp(0, 1) * 255).round().byte().cpu().numpy()
    return result


def image_from_bytes(frames: Iterable[np.ndarray]) -> torch.Tensor:
    """uint8 [H,W,3] frames -> IMAGE float32 [T,H,W,3] 0..1."""
    return torch.stack([torch.from_numpy(np.ascontiguousarray(frame)).float().div_(255) for frame in frames])


def audio_to_track(audio: dict | None) -> AudioTrack | None:
    """AUDIO {"waveform": [B,C,S], "sample_rate"} -> the first item's AudioTrack."""
    if audio is None:
        return None
    return AudioTrack(audio["waveform"][0].float().cpu().numpy(), int(audio["sample_rate"]))


def track_to_audio(track: AudioTrack | None) -> dict | None:
    """AudioTrack -> AUDIO, or None for a silent clip (core's nodes take None for `no sound`)."""
    if track is None:
        return None
    return {"waveform": torch.from_numpy(np.ascontiguousarray(track.waveform))[None], "sample_rate": track.sample_rate}
