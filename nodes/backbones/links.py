"""The inputs by which a production model is linked to a sampler, and the run that they start.

Not here: recognising the model (recognise.py), its windows (windows.py), writing the video (nodes/reenactment.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from comfy_api.v0_0_2 import io

from ...kmc_core.errors import KMCError
from ...kmc_core.sampling.output_size import output_canvas
from ...kmc_core.sampling.reenact import SamplerSettings
from ...kmc_core.types import Canvas, HolisticMotion, SubjectLibrary
from .. import host
from .presets import PRESETS_OFFERED, files_before, sampling_plan
from .prompt import build_prompt
from .protocol import BackboneJob, LinkedModels
from .recognise import recognise
from .windows import WindowRun

MODEL_TOOLTIP = (
    "A model to use instead of the built-in KMC Nano: Wan2.2-Animate, SCAIL-2 or a KMC model. It is recognised by itself; "
    "Wan2.2-Animate and SCAIL-2 also need vae, and clip or positive."
)


@dataclass(frozen=True)
class Links:
    """What is linked beside the model, and how it is to be used.

    window_length 0: the model's own; guided False: no guidance whatever cfg_scale says; files: names of LoRA and checkpoint
    files upstream, by which presets know few-step models.
    """

    models: LinkedModels
    preset: str = "auto"
    build_prompt: bool = True
    window_length: int = 0
    colour_anchor: float = 0.0
    guided: bool = True
    files: tuple[str, ...] = ()


def linked(models: LinkedModels, hidden: object, **use: object) -> Links | None:
    """The links of a sampler's run, or None when no model is linked. hidden: the node's, with prompt and unique_id."""
    return Links(models, files=files_before(hidden.prompt, hidden.unique_id), **use) if models.model is not None else None


def link_inputs() -> list[io.Input]:
    """The inputs after `model`, all optional, in the order of saved workflows."""
    return [
        io.Vae.Input("vae", optional=True, tooltip="The VAE of the linked model (wan_2.1_vae)."),
        io.Conditioning.Input("positive", optional=True, tooltip="A prompt encoded elsewhere; replaces the prompt above."),
        io.Conditioning.Input("negative", optional=True, tooltip="What to avoid, encoded elsewhere; replaces the negative prompt."),
        io.Clip.Input("clip", optional=True, tooltip="The text encoder of the linked model, for the prompts above (umt5_xxl)."),
        io.ClipVision.Input("clip_vision", optional=True, tooltip="Lets the linked model see the character's picture better (clip_vision_h)."),
        io.Combo.Input(
            "preset", options=PRESETS_OFFERED, default="auto", optional=True,
            tooltip="Steps and guidance of the linked model: auto as recommended for it, as set takes steps and cfg_scale from here.",
        ),
        io.Boolean.Input(
            "build_prompt", default=True, optional=True,
            tooltip="Tell the linked model in words what the motion does, after your prompt. The report shows the text.",
        ),
        io.Int.Input(
            "window_length", default=0, min=0, max=1001, step=4, optional=True, advanced=True,
            tooltip="Frames the linked model makes at a time. 0: as it was trained (77 or 81). Fewer need less memory.",
        ),
        io.Float.Input(
            "colour_anchor", default=0.0, min=0.0, max=1.0, step=0.05, optional=True, advanced=True,
            tooltip="Holds colours over the windows of the linked model. 0 off; raise it when a long video gets lighter or tinted.",
        ),
    ]  # fmt: skip


class WholeFrame(NamedTuple):
    """rgb uint8 [H,W,3]. The models draw whole pictures, so there is no alpha."""

    rgb: np.ndarray
    alpha: None = None


class LinkedRun:
    """A sampler's job on the linked model: refuses in the constructor, before any frame, whatever cannot work.

    canvas: of the frames; name: of the model; notes: for the report, complete after the last frame.
    """

    def __init__(
        self, links: Links, motion: HolisticMotion, subject: SubjectLibrary, settings: SamplerSettings, bar: host.ProgressBar
    ) -> None:
        known = recognise(links.models.model)
        facts = known.facts.with_windows(links.window_length)
        _check_background(settings.background, facts.backgrounds, known.name)
        cfg_scale = settings.cfg_scale if links.guided else 0.0
        plan = sampling_plan(known, links.models.model, links.preset, settings.steps, cfg_scale, links.files)
        text, self._notes = build_prompt(settings.prompt, motion, links.build_prompt)
        self.name, self.plan = known.name, plan
        self.canvas: Canvas = facts.fitted(output_canvas(motion.character.canvas, settings.mode))
        job = BackboneJob(
            motion, subject, self.canvas, links.models, plan, settings.seed, text, settings.negative_prompt,
            settings.background, settings.background_image, links.colour_anchor,
        )  # fmt: skip
        backbone = known.build(job, facts)
        self._notes += backbone.prepare()
        self.run = WindowRun(backbone, host.unfinished_folder(), bar.advance, bar.preview)

    def frames(self) -> Iterator[WholeFrame]:
        """Every frame in order."""
        return (WholeFrame(rgb) for rgb in self.run.frames())

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the report."""
        plan, windows = self.plan, len(self.run.windows)
        reused = f", {self.run.reused} of them from the run before" if self.run.reused else ""
        line = f"{self.name}, {plan.steps} steps, cfg {plan.cfg:g}, {windows} window{'s' if windows > 1 else ''}{reused}."
        return (line, *filter(None, (plan.note,)), *self._notes)


def _check_background(background: str, possible: tuple[str, ...], name: str) -> None:
    if background not in possible:
        raise KMCError(f"{name} cannot do this background", got=background, expected=" or ".join(possible),
                       remedy="Choose another background, or cut the character out of the finished frames")  # fmt: skip
