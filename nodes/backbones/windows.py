"""One window engine for all production models: frames out = frames in, whatever the length, with memory of one window.

Plan, padding to 4n+1, continuing from the last frames, trimming, optional colour anchoring, progress over all windows,
interrupt at any step, and finished windows kept for the case that the job breaks off. Not here: what a model looks at
(one file per backbone), how a window is denoised (sampling.py), writing the video (reenactment.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ...kmc_core.sampling.windows import Window, plan_windows
from .. import host
from .colour import anchored
from .job_key import job_key
from .protocol import Backbone
from .sampling import decode, denoise, latent_previews, planned_model
from .store import WindowStore

STAGES_BESIDE_STEPS = 2
"""Per window: drawing and encoding what the model looks at, and decoding its frames."""


class WindowRun:
    """A prepared backbone's job, window by window.

    progress(done, total, stage) counts steps over all windows; on_preview(uint8 [h,w,3]) after steps when previews are on.
    store None keeps nothing. After `frames` is exhausted, `reused` tells how many windows came from the store.
    """

    def __init__(
        self,
        backbone: Backbone,
        store_folder: object = None,
        progress: Callable[[int, int, str], None] = lambda done, total, stage: None,
        on_preview: Callable[[np.ndarray], None] = lambda picture: None,
    ) -> None:
        self.backbone, self.progress, self.on_preview = backbone, progress, on_preview
        facts, job = backbone.facts, backbone.job
        self.windows = plan_windows(job.motion.frame_count, facts.window_length, facts.history)
        self.model = planned_model(job.models.model, job.plan)
        self.store = WindowStore(store_folder, job_key(backbone)) if store_folder is not None else None
        self.reused = 0
        self._previews = latent_previews(self.model)
        self._ticks_per_window = job.plan.steps + STAGES_BESIDE_STEPS

    def frames(self) -> Iterator[np.ndarray]:
        """Every frame of the job in order, uint8 [H,W,3]."""
        history: Tensor | None = None
        for index, window in enumerate(self.windows):
            shown = self._shown(index, window, history)
            kept = shown if history is None else torch.cat([history.to(shown), shown[-self.backbone.facts.history :]])
            history = kept[-self.backbone.facts.history :].clone()
            for image in shown:
                yield (image.float().clamp(0, 1) * 255).round().byte().cpu().numpy()
            del shown, kept
        if self.store is not None:
            self.store.clear()

    def _shown(self, index: int, window: Window, history: Tensor | None) -> Tensor:
        """IMAGE of the window's new frames, in full precision (the next window continues from them)."""
        latent = self._latent(index, window, history)
        self._tick(index, self._ticks_per_window - 1, "decoding")
        images = decode(self.backbone.job.models.vae, latent)
        new = images[window.history : window.stop - window.start]
        strength = self.backbone.job.colour_anchor
        if window.history and strength > 0:
            new = anchored(new, images[: window.history], history, strength)
        self._tick(index, self._ticks_per_window, "decoding")
        return new

    def _latent(self, index: int, window: Window, history: Tensor | None) -> Tensor:
        """The window's latent: the kept one, or denoised now and kept."""
        host.stop_if_interrupted()
        kept = self.store.load(index) if self.store is not None else None
        if kept is not None:
            self.reused += 1
            return kept
        job = self.backbone.job
        self._tick(index, 0, "drawing")
        conditioning = self.backbone.condition(window, self.backbone.facts.frames_of(window), history)
        self._tick(index, 1, "denoising")

        def on_step(step: int, clean: Tensor) -> None:
            host.stop_if_interrupted()
            self._tick(index, step + 2, f"step {step + 1} of {job.plan.steps}")
            picture = self._previews(clean)
            if picture is not None:
                self.on_preview(picture)

        latent = denoise(self.model, job.plan, job.seed + index, conditioning, on_step)
        if self.store is not None and index < len(self.windows) - 1:
            self.store.save(index, latent)
        return latent

    def _tick(self, index: int, done: int, stage: str) -> None:
        host.stop_if_interrupted()
        window = self.windows[index]
        span = f"frames {window.first_new + 1} to {window.stop}"
        self.progress(index * self._ticks_per_window + done, len(self.windows) * self._ticks_per_window, f"{span}, {stage}")
