"""What a production backbone is: facts about its windows, one preparation, and the conditioning of one window.

Not here: recognising one (recognise.py), denoising, decoding and joining windows (sampling.py, windows.py), drawing (pictures.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor

from ...kmc_core.errors import KMCError
from ...kmc_core.sampling.windows import Window
from ...kmc_core.types import Canvas, HolisticMotion, SubjectLibrary


@dataclass(frozen=True)
class BackboneFacts:
    """What the window engine must know of a model.

    name             as users know it
    window_length    frames per window the model was trained on, 4n+1
    history          frames of the window before that a window is given as its clean start, 4n+1
    size_multiple    both sides of its frames are multiples of this
    shortest_window  a window that continues another is padded to at least this many frames
    latent_channels, spatial_compression, frames_per_latent: of the VAE it was trained with
    backgrounds      the samplers' backgrounds it can do
    """

    name: str
    window_length: int
    history: int = 5
    size_multiple: int = 16
    shortest_window: int = 21
    latent_channels: int = 16
    spatial_compression: int = 8
    frames_per_latent: int = 4
    backgrounds: tuple[str, ...] = ("picture", "image", "driver")

    def with_windows(self, length: int = 0, history: int = 0) -> BackboneFacts:
        """The same with another window length or history (0 keeps the model's own), rounded up to 4n+1.

        Raises KMCError unless history < length.
        """
        length, history = self.padded(length or self.window_length), self.padded(history or self.history)
        if not history < length:
            raise KMCError("The windows are too short", got=f"{length} frames with {history} of history", expected="length > history",
                           remedy="Set window_length to 0, or to more frames")  # fmt: skip
        return replace(self, window_length=length, history=history, shortest_window=min(self.shortest_window, length))

    def padded(self, frame_count: int) -> int:
        """The smallest number of frames the VAE can hold (4n+1) that is not below frame_count."""
        step = self.frames_per_latent
        return -(-(max(frame_count, 1) - 1) // step) * step + 1

    def frames_of(self, window: Window) -> int:
        """How many frames the model makes for a window, padding included."""
        shortest = self.shortest_window if window.history else 1
        return self.padded(max(window.stop - window.start, shortest))

    def fitted(self, canvas: Canvas) -> Canvas:
        """The canvas with both sides rounded to multiples of `size_multiple`."""
        return Canvas(*(max(self.size_multiple, round(side / self.size_multiple) * self.size_multiple) for side in canvas))


class LinkedModels(NamedTuple):
    """ComfyUI objects linked to the sampler. positive, negative: CONDITIONING, or clip: the text encoder for the prompts."""

    model: object
    vae: object = None
    positive: list | None = None
    negative: list | None = None
    clip: object = None
    clip_vision: object = None


@dataclass(frozen=True)
class SamplingPlan:
    """How a window is denoised. shift None keeps the model's own; note: one sentence for the report."""

    steps: int
    cfg: float = 1.0
    sampler_name: str = "euler"
    scheduler: str = "simple"
    shift: float | None = None
    note: str = ""


@dataclass(frozen=True)
class BackboneJob:
    """One run on a production model.

    motion       retargeted to `subject`; canvas: of the finished frames, already `BackboneFacts.fitted`
    background   one of the facts' backgrounds; background_image uint8 [H,W,3] for "image"
    prompt, negative_prompt: used with `models.clip`; ignored where CONDITIONING is linked
    """

    motion: HolisticMotion
    subject: SubjectLibrary
    canvas: Canvas
    models: LinkedModels
    plan: SamplingPlan
    seed: int = 0
    prompt: str = ""
    negative_prompt: str = ""
    background: str = "picture"
    background_image: np.ndarray | None = None
    colour_anchor: float = 0.0


class WindowConditioning(NamedTuple):
    """What the model's own conditioning node made of one window.

    positive, negative CONDITIONING; latent the LATENT dict that goes into the sampler (samples, perhaps noise_mask);
    trim_latent: leading latent frames that are no frames of the video (a reference); trim_frames: leading decoded
    frames that repeat the history.
    """

    positive: list
    negative: list
    latent: dict
    trim_latent: int = 0
    trim_frames: int = 0


class Backbone(Protocol):
    """One production model at work on one job. The engine calls `prepare` once and `condition` for every window in order."""

    facts: BackboneFacts
    job: BackboneJob

    def prepare(self) -> tuple[str, ...]:
        """Everything that does not depend on the window (prompts, CLIP vision, references). Returns notes for the report.

        Raises KMCError for whatever is missing or does not fit, before any frame is made.
        """

    def fingerprint(self) -> list[object]:
        """After `prepare`: the tensors and plain values besides the job's that change the frames (for resuming)."""

    def condition(self, window: Window, frame_count: int, history: Tensor | None) -> WindowConditioning:
        """The conditioning of one window of frame_count (4n+1) frames.

        Frames past `window.stop` are padding. history: IMAGE [window.history,H,W,3] 0..1, the frames shown just before
        `window.first_new`, or None for the first window.
        """
