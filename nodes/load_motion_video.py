"""KMC Load Motion Video: the driving clip, read lazily, trimmed to the published limits before any work."""

from __future__ import annotations

from fractions import Fraction

import torch
from comfy_api.v0_0_2 import Input, InputImpl, Types, io

from ..kmc_core.errors import MediaError
from ..kmc_core.media.clip import Clip, open_clip
from ..kmc_core.media.limits import check_clip
from ..kmc_core.types import Orientation
from . import host
from .sockets import ClipSocket, clip_from_link, track_to_audio


class LoadMotionVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LoadMotionVideo",
            display_name="KMC Load Motion Video",
            category="KMC",
            description="Opens the clip that says how to move: 3 to 30 seconds of one person, whole body or half body in view.",
            search_aliases=["driving video", "motion control", "dance clip", "load clip", "trim video"],
            inputs=[
                io.Combo.Input(
                    "file", options=host.input_clips() or [""], upload=io.UploadType.video,
                    tooltip="A video or GIF from ComfyUI's input folder. Not used while something is linked to `video`.",
                ),
                io.MultiType.Input(
                    "video", [io.Video, io.Image], optional=True,
                    tooltip="A VIDEO or a batch of images instead of the file. Images without a rate count as 24 fps.",
                ),
                io.Float.Input(
                    "start_s", default=0.0, optional=True, min=0.0, max=86400.0, step=0.01, tooltip="Where to start, in seconds."
                ),
                io.Float.Input(
                    "duration_s", default=0.0, optional=True, min=0.0, max=3600.0, step=0.01,
                    tooltip="How many seconds to use. 0 = up to the end or the limit of 30 s.",
                ),
                io.Float.Input(
                    "fps", default=0.0, optional=True, min=0.0, max=240.0, step=0.01,
                    tooltip="Frames per second to read the clip at. 0 keeps the clip's own rate.",
                ),
                io.Boolean.Input(
                    "override_limits", default=False, advanced=True, optional=True,
                    tooltip="Accept clips shorter than 3 s or longer than 30 s.",
                ),
            ],
            outputs=[
                ClipSocket.Output(display_name="clip", tooltip="Frames are read from the file when needed."),
                io.Video.Output(display_name="VIDEO", tooltip="The chosen span of the source, at its own rate, with its sound."),
                io.Audio.Output(display_name="AUDIO", tooltip="Sound of exactly the chosen span."),
                io.Float.Output(display_name="fps"),
                io.Int.Output(display_name="frame_count"),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, file: str | None) -> bool | str:
        if file and not host.input_exists(file):
            return f"Choose or upload the clip again. The file {file} is not in ComfyUI's input folder."
        return True

    @classmethod
    def fingerprint_inputs(cls, file: str | None, **_: object) -> str:
        if not file or not host.input_exists(file):
            return ""
        facts = host.input_path(file).stat()
        return f"{file}:{facts.st_size}:{facts.st_mtime_ns}"

    @classmethod
    def execute(
        cls, file: str, video: Input.Video | torch.Tensor | None = None, start_s: float = 0.0,
        duration_s: float = 0.0, fps: float = 0.0, override_limits: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        if video is not None:
            clip = clip_from_link(video, start_s, duration_s, fps)
        elif file:
            clip = open_clip(host.input_path(file), start_s=start_s, duration_s=duration_s, fps=fps)
        else:
            raise MediaError("No clip is chosen", expected="a file or a linked VIDEO or IMAGE", remedy="Upload a clip, or link one")
        clip = check_clip(clip, Orientation(), override_limits)
        report = _describe(clip)
        host.say(cls.hidden.unique_id, report)
        audio = track_to_audio(clip.audio())
        return io.NodeOutput(clip, _as_video(clip, audio), audio, clip.fps, clip.frame_count, ui={"text": (report,)})


def _as_video(clip: Clip, audio: dict | None) -> object:
    if clip.path is not None:
        return host.video_part(clip.path, clip.start_s, clip.seconds)
    images = torch.from_numpy(clip.images).float().div_(255)
    return InputImpl.VideoFromComponents(Types.VideoComponents(images=images, audio=audio, frame_rate=Fraction(clip.rate)))


def _describe(clip: Clip) -> str:
    size = f"{clip.canvas.width} x {clip.canvas.height}"
    sound = "with sound" if clip.has_audio else "without sound"
    facts = f"{clip.frame_count} frames, {clip.fps:.3f}".rstrip("0").rstrip(".") + f" fps, {clip.seconds:.2f} s, {size}, {sound}."
    return "\n".join((facts, *clip.notes))
