"""What both samplers do: check, stream frames into a video file while they are made, report.

Not here: the frames themselves (kmc_core.sampling.reenact), the sockets (kmc_sampler.py, distilled_kmc_sampler.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.dit.weights_file import load_network
from ..kmc_core.errors import KMCError, LimitError
from ..kmc_core.media.limits import check_prompt
from ..kmc_core.media.writer import VideoWriter
from ..kmc_core.motion.preflight import with_quick_findings
from ..kmc_core.motion.directed_camera import with_prompt_camera
from ..kmc_core.motion.retarget import RetargetSettings, retarget
from ..kmc_core.motion.strength import with_strength
from ..kmc_core.sampling.output_size import output_canvas
from ..kmc_core.sampling.reenact import ReenactedFrame, SamplerSettings, reenact
from ..kmc_core.types import AudioTrack, Canvas, HolisticMotion, Orientation, SubjectLibrary
from . import host
from .backbones.kmc_model import is_kmc_model, network_of, recommended_strength
from .backbones.links import LinkedRun, Links
from .record import Origin, RunRecord
from .sockets import MotionSocket, SubjectSocket, audio_to_track, frames_to_bytes

MODES = ["draft", "std", "pro"]
BACKGROUNDS = ["picture", "image", "transparent", "driver"]
BYTES_PER_PIXEL = 4 * 4  # IMAGE and MASK as float32
WEIGHTS = Path(__file__).resolve().parents[1] / "kmc_core" / "weights" / "kmc_nano.safetensors"
DISTILLED_WEIGHTS = WEIGHTS.with_name("kmc_nano_distilled.safetensors")


def common_inputs() -> list[io.Input]:
    """Inputs both samplers begin with."""
    return [
        MotionSocket.Input("motion", tooltip="From KMC Retarget Skeleton. A motion that is not retargeted yet gets its defaults."),
        SubjectSocket.Input("subject"),
        io.String.Input(
            "prompt", default="", multiline=True, dynamic_prompts=True,
            tooltip="Light, background and style, up to 2500 characters. Movement comes from the clip, not from here; "
            "with orientation image the camera may be directed: slow zoom in, pan left.",
        ),
    ]  # fmt: skip


def output_inputs(default_steps: int, max_steps: int) -> list[io.Input]:
    """Inputs that both samplers share after the prompts: size, steps, seed, background and what to keep."""
    return [
        io.Combo.Input(
            "mode", options=MODES, default="std",
            tooltip="Size by area, at the picture's aspect: draft about 640 x 360, std 720p, pro 1080p.",
        ),
        io.Int.Input("steps", default=default_steps, min=1, max=max_steps, tooltip="Steps of the network for each window of frames."),
        io.Float.Input(
            "motion_strength", default=1.0, min=0.0, max=1.0, step=0.05,
            tooltip="How far the character moves: 0 keeps the picture's own pose, 1 moves as the performer.",
        ),
        io.Int.Input(
            "seed", default=0, min=0, max=2**63 - 1, control_after_generate=True,
            tooltip="Same seed and inputs give the same frames on the same machine.",
        ),
        io.Combo.Input(
            "background", options=BACKGROUNDS, default="picture",
            tooltip="picture: the character picture's own. image: the linked one. transparent: none, see MASK. driver: the clip's.",
        ),
        io.Image.Input("background_image", optional=True, tooltip="Used with background image. The first picture is taken."),
        io.Audio.Input("audio", optional=True, tooltip="Sound for the video. Without it the driving clip's own sound is kept."),
        io.Boolean.Input(
            "images", default=True, optional=True,
            tooltip="Also keep all frames for IMAGE and MASK (1 GB for each 90 frames of 720p). Off: VIDEO only, any length.",
        ),
        io.Float.Input(
            "network_strength", default=1.0, min=0.0, max=2.0, step=0.05, optional=True, advanced=True,
            tooltip="How much of the network's mending is applied: 1 as recommended for its weights, 0 the re-posed picture alone.",
        ),
        io.Boolean.Input(
            "override_limits", default=False, optional=True, advanced=True, tooltip="Accept prompts above 2500 characters."
        ),
    ]  # fmt: skip


def common_outputs() -> list[io.Output]:
    return [
        io.Image.Output(display_name="IMAGE", tooltip="All frames, when `images` is on."),
        io.Mask.Output(display_name="MASK", tooltip="The character in each frame, when `images` is on."),
        io.Float.Output(display_name="fps"),
        io.Video.Output(display_name="VIDEO", tooltip="The finished video with sound, a file that was written while sampling."),
    ]


@dataclass(frozen=True)
class Job:
    """One sampler run. settings: everything the core needs; notes: sentences the node adds to the report; origin: for the record;
    links: a MODEL that is driven instead of the built-in network, or None; weights: of the built-in network; few_steps: the
    report says whether the weights were taught for them."""

    node_id: str | None
    motion: HolisticMotion
    subject: SubjectLibrary
    settings: SamplerSettings
    audio: dict | None
    keeps_images: bool
    override_limits: bool
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    origin: Origin | None = None
    links: Links | None = None
    weights: Path = WEIGHTS
    few_steps: bool = False


def background_picture(background: str, image: torch.Tensor | None) -> np.ndarray | None:
    """The linked background as uint8 [H,W,3]; refuses background `image` without one."""
    if background != "image":
        return None
    if image is None:
        raise KMCError("No background is linked", got="background image", expected="an IMAGE at background_image",
                       remedy="Link a background image, or choose another background")  # fmt: skip
    return frames_to_bytes(image[:1, ..., :3])[0]


def run(job: Job) -> io.NodeOutput:
    """Sample the job. Everything that can be refused is refused before the first frame."""
    check_prompt(job.settings.prompt, job.override_limits)
    check_prompt(job.settings.negative_prompt, job.override_limits, "negative prompt")
    job = _with_character(job)
    bar = host.ProgressBar(job.node_id)
    started = time.perf_counter()
    linked = _linked_run(job, bar)
    canvas = linked.canvas if linked is not None else output_canvas(job.motion.character.canvas, job.settings.mode)
    _refuse_when_images_do_not_fit(job, canvas)
    network = None
    if linked is None:
        job, network = _with_network(job)
    path, shown = host.new_video_file()
    record = RunRecord(job, canvas, job.weights if network is not None and job.links is None else None)
    frames = linked.frames() if linked is not None else _own_frames(job, network, bar)
    images, masks = _stream(job, canvas, frames, path, record, bar)
    seconds = time.perf_counter() - started
    report = _report(job, canvas, seconds, linked)
    noted = record.finish(path, shown, report, job.seconds | {"sampling": seconds})
    host.say(job.node_id, report)
    return io.NodeOutput(
        images, masks, job.motion.fps, host.video_from_file(path),
        ui={"images": [shown], "animated": (True,), "text": (report,), "record": noted},
    )  # fmt: skip


def _linked_run(job: Job, bar: host.ProgressBar) -> LinkedRun | None:
    """The run on the linked production model; None for the built-in network and for a KMC MODEL, which goes the same way."""
    if job.links is None or is_kmc_model(job.links.models.model):
        return None
    with host.interruptible():
        return LinkedRun(job.links, job.motion, job.subject, job.settings, bar)


def _with_character(job: Job) -> Job:
    """The job with a motion on this subject's body, at the strength that was asked for."""
    strength = job.settings.motion_strength
    if job.motion.character is not None:
        _refuse_another_character(job)
        motion, camera_notes = with_prompt_camera(with_strength(job.motion, job.subject, strength), job.settings.prompt)
        return replace(job, motion=motion, notes=(*job.notes, *camera_notes))
    motion = retarget(job.motion, job.subject, settings=RetargetSettings(strength=strength))
    motion = with_quick_findings(job.motion, job.subject, Orientation(), motion)
    return replace(job, motion=motion, notes=(*job.notes, "The motion was not retargeted; retargeting used its defaults."))


def _refuse_another_character(job: Job) -> None:
    moved, drawn = job.motion.character.canvas, job.subject.primary_view.canvas
    if moved != drawn:
        raise KMCError("The motion was retargeted to another character", got=f"a canvas of {moved.width} x {moved.height}",
                       expected=f"{drawn.width} x {drawn.height}, the subject's",
                       remedy="Link the same subject to KMC Retarget Skeleton and to the sampler")  # fmt: skip


def _with_network(job: Job) -> tuple[Job, torch.nn.Module | None]:
    """The network on ComfyUI's device, and the job with the strength its weights recommend times the user's.

    The linked KMC MODEL when there is one, else the built-in network.
    """
    if job.settings.network_strength == 0:
        return replace(job, notes=(*job.notes, "The network was switched off: the re-posed picture alone.")), None
    if job.links is not None:
        model = job.links.models.model
        strength = min(1.0, job.settings.network_strength * recommended_strength(model))
        return _told(job, strength, model.model.facts), network_of(model)
    if not job.weights.is_file():
        note = f"The network's weights are missing ({job.weights.name}): the re-posed picture alone. Install the pack again to mend it."
        return replace(job, settings=replace(job.settings, network_strength=0.0), notes=(*job.notes, note)), None
    network, facts = load_network(job.weights, device=host.device())
    strength = min(1.0, job.settings.network_strength * float(facts.get("recommended_strength", 1.0)))
    return _told(job, strength, facts), network


def _told(job: Job, strength: float, facts: Mapping[str, object]) -> Job:
    """The job at the strength its weights recommend; with few steps also a note on what the weights were taught."""
    taught = facts.get("distilled")
    if isinstance(taught, Mapping) and taught:
        note = f"Distilled weights, taught for {taught.get('steps', 'few')} steps; guidance costs no second evaluation."
    else:
        note = "There are no distilled weights: the base weights ran at few steps; guidance cost no second evaluation."
    settings = replace(job.settings, network_strength=strength)
    return replace(job, settings=settings, notes=(*job.notes, note) if job.few_steps else job.notes)


def _refuse_when_images_do_not_fit(job: Job, canvas: Canvas) -> None:
    if not job.keeps_images:
        return
    shortage = host.memory_shortage(job.motion.frame_count * canvas.height * canvas.width * BYTES_PER_PIXEL)
    if shortage:
        raise LimitError("The frames do not fit into memory", got=shortage, expected="enough free memory for IMAGE and MASK",
                         remedy="Turn `images` off and use the VIDEO output, or choose a smaller mode")  # fmt: skip


def _own_frames(job: Job, network: torch.nn.Module | None, bar: host.ProgressBar) -> Iterator[ReenactedFrame]:
    with host.interruptible():
        return reenact(
            job.motion, job.subject, job.settings, network,
            progress=bar.advance, should_stop=host.should_stop, on_preview=lambda frame, rgb: bar.preview(rgb),
        )  # fmt: skip


def _stream(
    job: Job, canvas: Canvas, frames: Iterator[ReenactedFrame], path: Path, record: RunRecord, bar: host.ProgressBar
) -> tuple[object, object]:
    """Frames go to the file, the record, the preview and, when wanted, into IMAGE and MASK; returns those two outputs."""
    count = job.motion.frame_count
    images = torch.empty(count, *canvas, 3) if job.keeps_images else None
    masks: torch.Tensor | None = None
    with host.interruptible(), VideoWriter(path, canvas, _rate(job.motion), _sound(job), metadata=record.tags) as writer:
        for index, frame in enumerate(frames):
            host.stop_if_interrupted()
            writer.write(frame.rgb)
            record.frames.add(frame.rgb)
            if images is not None:
                images[index] = torch.from_numpy(frame.rgb).float().div_(255)
            if images is not None and frame.alpha is not None:
                masks = torch.empty(count, *canvas) if masks is None else masks
                masks[index] = torch.from_numpy(frame.alpha)
            bar.preview(frame.rgb)
    if images is None:
        refused = host.not_kept("KMC Sampler kept no frames", "Turn `images` on in the sampler, or use its VIDEO output")
        return refused, refused
    if masks is None:
        masks = host.not_kept("The linked model draws whole frames and gives no mask", "Cut the character out of IMAGE with a matting node")
    return images, masks


def _rate(motion: HolisticMotion) -> Fraction:
    return motion.source.rate if motion.source is not None else Fraction(motion.fps).limit_denominator(100_000)


def _sound(job: Job) -> AudioTrack | None:
    if job.audio is not None:
        return audio_to_track(job.audio)
    return job.motion.source.audio() if job.motion.source is not None else None


def _report(job: Job, canvas: Canvas, seconds: float, linked: LinkedRun | None) -> str:
    count = job.motion.frame_count
    lines = [
        f"{count} frames, {canvas.width} x {canvas.height}, {job.motion.fps:.3f} fps, {job.motion.seconds:.2f} s, "
        f"made in {seconds:.1f} s ({seconds / max(count, 1):.2f} s each).",
    ]
    if linked is not None:
        lines += linked.notes
    elif job.settings.network_strength > 0:
        lines.append(f"{'KMC Nano' if job.links is None else 'The linked KMC model'}, {job.settings.steps} steps, strength {job.settings.network_strength:g}, seed {job.settings.seed}.")
    return "\n".join((*lines, *job.notes))
