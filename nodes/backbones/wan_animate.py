"""Wan2.2-Animate: skeleton, face crops, reference, background and mask into ComfyUI's own WanAnimateToVideo.

Animation (background "picture"): the reference's own surroundings. Replacement ("driver", "image"): the model draws inside a
mask over the given background. Not here: drawing (pictures.py), denoising and joining windows (sampling.py, windows.py).
"""

from __future__ import annotations

import torch
from comfy_extras.nodes_wan import WanAnimateToVideo
from torch import Tensor

from ...kmc_core.sampling.windows import Window
from .pictures import JobPictures, padded_frames
from .protocol import BackboneFacts, BackboneJob, WindowConditioning
from .sampling import check_vae, prompts

FACTS = BackboneFacts(name="Wan2.2-Animate", window_length=77, history=5, size_multiple=16)
MASK_LEAD_FRAMES = 3


class WanAnimate:
    """One job on a Wan-Animate MODEL. See protocol.Backbone."""

    def __init__(self, job: BackboneJob, facts: BackboneFacts) -> None:
        self.job, self.facts = job, facts
        self.pictures = JobPictures(job)
        self.reference: Tensor | None = None
        self.positive: list = []
        self.negative: list = []
        self.vision: object = None

    def prepare(self) -> tuple[str, ...]:
        """As protocol.Backbone.prepare."""
        check_vae(self.job.models, self.facts)
        self.pictures.check_background()
        self.positive, self.negative, notes = prompts(self.job)
        self.reference = self.pictures.reference()
        if self.job.models.clip_vision is not None:
            self.vision = self.job.models.clip_vision.encode_image(self.reference, crop=False)
        else:
            notes += ("No CLIP vision is linked: the model sees the reference picture, but not its CLIP features.",)
        if self.pictures.faces([0]) is None:
            notes += ("No face of the performer is at hand: the character's face follows head and prompt only.",)
        if len(self.job.subject.views) > 1:
            notes += (f"{self.facts.name} takes one reference: the library's primary picture.",)
        return notes

    def fingerprint(self) -> list[object]:
        """As protocol.Backbone.fingerprint."""
        vision = getattr(self.vision, "penultimate_hidden_states", None)
        return [self.positive, self.negative, vision]

    def inputs(self, window: Window, frame_count: int) -> dict[str, object]:
        """What WanAnimateToVideo is given besides prompts, VAE and history: a window's pictures on the job's canvas."""
        frames = padded_frames(window.start, window.stop, frame_count)
        given = {
            "reference_image": self.reference, "clip_vision_output": self.vision,
            "pose_video": self.pictures.skeletons(frames), "face_video": self.pictures.faces(frames),
        }  # fmt: skip
        background = self.pictures.backgrounds(frames)
        if background is not None:
            mask = self.pictures.masks(frames)
            given["background_video"] = background * (1 - mask[..., None])  # black where the model draws, as in its training
            given["character_mask"] = mask_in_time(mask, window.history)
        return given

    def condition(self, window: Window, frame_count: int, history: Tensor | None) -> WindowConditioning:
        """As protocol.Backbone.condition."""
        made = WanAnimateToVideo.execute(
            self.positive, self.negative, self.job.models.vae, width=self.job.canvas.width, height=self.job.canvas.height,
            length=frame_count, batch_size=1, continue_motion_max_frames=self.facts.history,
            video_frame_offset=window.history, continue_motion=history, **self.inputs(window, frame_count),
        )  # fmt: skip
        positive, negative, latent, trim_latent, trim_frames, _ = made.result
        return WindowConditioning(positive, negative, latent, trim_latent, trim_frames)


def mask_in_time(mask: Tensor, history: int) -> Tensor:
    """MASK [T,H,W] as WanAnimateToVideo must get it for frame k's mask to meet frame k's latent.

    The node writes frame k into slot k of the 4 slots per latent, while the VAE holds frame 0 in the first four and frame k
    in slot k + 3: the mask is given three frames later, and is 0 on the history, which is never drawn anew.
    """
    later = torch.cat([mask[:1].expand(MASK_LEAD_FRAMES, -1, -1), mask])[: len(mask)].clone()
    if history:
        later[: history + MASK_LEAD_FRAMES] = 0
    return later


def build(job: BackboneJob, facts: BackboneFacts) -> WanAnimate:
    """The backbone for a job."""
    return WanAnimate(job, facts)
