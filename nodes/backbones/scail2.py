"""SCAIL-2 behind the samplers: the driving clip itself (or the re-posed picture), coloured masks that say who is who, all views.

Animation (background "picture"): the reference's own surroundings. Replacement ("driver", "image"): the driving frames keep
theirs and only the character is new. Not here: reading the clip (pictures.py), denoising and joining windows (windows.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from comfy_extras.nodes_scail import DEFAULT_PALETTE, WanSCAILToVideo
from torch import Tensor

from ...kmc_core.alignment.aligner import Aligner
from ...kmc_core.errors import KMCError
from ...kmc_core.sampling.windows import Window
from ...kmc_core.types import Canvas, SubjectView
from .. import host
from .crops import Crop, crop_around, crop_with, cut, edge_colour, person_box
from .pictures import covering, image_of, padded_frames
from .protocol import BackboneFacts, BackboneJob, WindowConditioning
from .sampling import check_vae, prompts

FACTS = BackboneFacts(name="SCAIL-2", window_length=81, history=5, size_multiple=32)
VIEW_MARGIN = 0.08
"""Room around the character in the further views, of its own size."""
NEUTRAL_GREY = 128
RARELY = 0.01
"""Share of the clip's frames in which the performer must be somewhere for the crop of the clip to keep it."""


class Scail2:
    """One job on a SCAIL-2 MODEL. See protocol.Backbone."""

    def __init__(self, job: BackboneJob, facts: BackboneFacts) -> None:
        self.job, self.facts = job, facts
        self.replaces = job.background != "picture"
        self.watches_clip = watches_clip(job)
        self.references: Tensor | None = None
        self.reference_masks: Tensor | None = None
        self.positive: list = []
        self.negative: list = []
        self.vision: object = None
        self._crop = clip_crop(job) if self.watches_clip else None
        self._aligner: Aligner | None = None

    def prepare(self) -> tuple[str, ...]:
        """As protocol.Backbone.prepare."""
        check_vae(self.job.models, self.facts)
        if self.job.background == "driver" and not self.watches_clip:
            raise KMCError("There is no driving clip to put the character into", got="a motion without its clip or its matte",
                           expected="a motion tracked from a clip", remedy="Choose another background")  # fmt: skip
        self.positive, self.negative, notes = prompts(self.job)
        self.references, self.reference_masks = reference_views(self.job)
        if self.job.models.clip_vision is not None:
            self.vision = self.job.models.clip_vision.encode_image(self.references[:1], crop=False)
        else:
            notes += ("No CLIP vision is linked: the model sees the reference pictures, but not their CLIP features.",)
        seen = len(self.references)
        notes += (f"{seen} reference pictures." if seen > 1 else "1 reference picture; more views of the library would be used.",)
        if self.watches_clip:
            notes += ("The model watches the driving clip itself: strengths and proportions are its own judgement.",)
        else:
            notes += ("The model watches the re-posed picture instead of the driving clip.",)
        return notes

    def fingerprint(self) -> list[object]:
        """As protocol.Backbone.fingerprint."""
        vision = getattr(self.vision, "penultimate_hidden_states", None)
        return [self.positive, self.negative, vision, self.references, self.reference_masks]

    def inputs(self, window: Window, frame_count: int) -> dict[str, object]:
        """What WanSCAILToVideo is given besides prompts, VAE and history. The node halves the driving video and its mask."""
        frames = padded_frames(window.start, window.stop, frame_count)
        video, mask = self._driving(frames)
        return {
            "pose_video": video, "pose_video_mask": identity_mask(mask, white_background=self.replaces),
            "reference_image": self.references, "reference_image_mask": self.reference_masks,
            "clip_vision_output": self.vision, "replacement_mode": self.replaces,
        }  # fmt: skip

    def condition(self, window: Window, frame_count: int, history: Tensor | None) -> WindowConditioning:
        """As protocol.Backbone.condition."""
        made = WanSCAILToVideo.execute(
            self.positive, self.negative, self.job.models.vae, width=self.job.canvas.width, height=self.job.canvas.height,
            length=frame_count, batch_size=1, pose_strength=1.0, pose_start=0.0, pose_end=1.0, video_frame_offset=window.history,
            previous_frame_count=self.facts.history, previous_frames=history, **self.inputs(window, frame_count),
        )  # fmt: skip
        positive, negative, latent, _ = made.result
        return WindowConditioning(positive, negative, latent, trim_latent=0, trim_frames=window.history)

    def _driving(self, frames: Sequence[int]) -> tuple[Tensor, Tensor]:
        """IMAGE [T,H,W,3] the model takes the motion from, and where the person is in it: bool [T,H,W]."""
        behind = self.job.background_image if self.job.background == "image" else None
        if not self.watches_clip:
            made = {frame: self._reposed(frame, behind) for frame in sorted(set(frames))}
            alphas = torch.stack([torch.from_numpy(made[frame][1]) for frame in frames])
            return image_of([made[frame][0] for frame in frames]), alphas > 0.5
        made = dict(self._clip(frames))
        alphas = torch.stack([torch.from_numpy(made[frame][1]) for frame in frames]).clamp(0, 1)
        video = image_of([made[frame][0] for frame in frames])
        if behind is not None:
            video = torch.lerp(image_of([covering(behind, self.job.canvas)]), video, alphas[..., None])
        return video, alphas > 0.5

    def _clip(self, frames: Sequence[int]) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """(number, (uint8 [H,W,3], performer's outline [H,W])) of every different frame of the clip, streamed in its order."""
        motion, wanted = self.job.motion, set(frames)
        first, last = min(wanted), max(wanted)
        for number, picture in enumerate(motion.source.frames(first, last + 1), start=first):
            host.stop_if_interrupted()
            if number in wanted:
                matte = cv2.resize(motion.matte[number], picture.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
                parts = (cut(picture, self._crop), cut(matte, self._crop, outside=0))
                yield number, tuple(covering(part, self.job.canvas) for part in parts)

    def _reposed(self, frame: int, behind: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The character's picture in the retargeted pose over grey or a picture, uint8 [H,W,3], and its alpha [H,W].

        Drawn at half the canvas's size, which is all that the model sees of its driving video.
        """
        host.stop_if_interrupted()
        character, canvas = self.job.motion.character, self.job.canvas
        ratio = max(canvas.height / character.canvas.height, canvas.width / character.canvas.width) / 2
        drawn = Canvas(*(max(2, round(side * ratio)) for side in character.canvas))
        self._aligner = self._aligner or Aligner(self.job.subject, plate_method="pushpull")
        aligned = self._aligner.render(character, frame, drawn)
        rgb = covering(aligned.rgb.permute(1, 2, 0).numpy() * np.float32(255), canvas)
        alpha = covering(aligned.alpha.numpy(), canvas).clip(0, 1)
        ground = np.full_like(rgb, NEUTRAL_GREY) if behind is None else covering(behind, canvas).astype(np.float32)
        return (rgb + ground * (1 - alpha[..., None])).round().clip(0, 255).astype(np.uint8), alpha


def watches_clip(job: BackboneJob) -> bool:
    """True where the driving clip itself shows the wanted motion: it is there with its matte, and the body keeps the driver's facing."""
    motion = job.motion
    keeps_facing = motion.provenance.get("orientation", "video") == "video" or job.background == "driver"
    return motion.source is not None and motion.matte is not None and keeps_facing


def clip_crop(job: BackboneJob) -> Crop:
    """The part of the driving clip on the canvas: the performer stays inside it over the whole clip.

    Where the result keeps the clip's surroundings it never reaches beyond the clip's edge.
    """
    motion, source = job.motion, job.motion.source.canvas
    box = person_box((motion.matte > 127).mean(axis=0) > RARELY)
    if box is not None:
        down, across = source.height / motion.matte.shape[1], source.width / motion.matte.shape[2]
        box = Crop(box.top * down, box.left * across, box.height * down, box.width * across)
    return crop_with(box, source, job.canvas, may_grow=job.background != "driver")


def identity_mask(mask: Tensor, white_background: bool) -> Tensor:
    """bool [T,H,W] -> IMAGE [T,H,W,3] in the model's first identity colour, on black or white; every value exactly 0 or 1."""
    colour, behind = torch.tensor(DEFAULT_PALETTE[0]), torch.full((3,), float(white_background))
    return torch.where(mask[..., None], colour, behind)


def reference_views(job: BackboneJob) -> tuple[Tensor, Tensor]:
    """All views of the library, the primary one first: IMAGE [V,H,W,3] on the job's canvas and their identity masks [V,H,W,3].

    Animation wants a white background in these masks, replacement a black one: the reverse of the driving mask.
    """
    subject = job.subject
    order = [subject.primary, *(number for number in range(len(subject.views)) if number != subject.primary)]
    placed = [_placed(subject.views[number], job.canvas, whole=number == subject.primary) for number in order]
    masks = torch.stack([torch.from_numpy(alpha > 0.5) for _, alpha in placed])
    return image_of([picture for picture, _ in placed]), identity_mask(masks, white_background=job.background == "picture")


def _placed(view: SubjectView, canvas: Canvas, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [H,W,3], alpha [H,W]) of a view: the whole picture covering the canvas, or its character in the middle of it."""
    picture, alpha = np.ascontiguousarray(view.picture[..., :3]), view.alpha.astype(np.float32)
    box = None if whole else person_box(alpha > 0.1)
    if box is not None:
        crop = crop_around(box, view.canvas, canvas, VIEW_MARGIN)
        picture, alpha = cut(picture, crop, edge_colour(picture)), cut(alpha, crop, outside=0)
    return covering(picture, canvas), covering(alpha, canvas)


def build(job: BackboneJob, facts: BackboneFacts) -> Scail2:
    """The backbone for a job."""
    return Scail2(job, facts)
