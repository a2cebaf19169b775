"""Distilled KMC Sampler: few steps, one evaluation each. Without distilled weights it runs the base weights and says so."""

from __future__ import annotations

import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.sampling.reenact import SamplerSettings
from ..kmc_core.types import HolisticMotion, SubjectLibrary
from .backbones.links import MODEL_TOOLTIP, link_inputs, linked
from .backbones.presets import AUTO, FEW_STEPS
from .backbones.protocol import LinkedModels
from .record import Origin, record_inputs
from .reenactment import (
    DISTILLED_WEIGHTS, WEIGHTS, Job, background_picture, common_inputs, common_outputs, output_inputs, run,
)  # fmt: skip


class DistilledKMCSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DistilledKMCSampler",
            display_name="KMC Distilled Sampler",
            category="KMC",
            description=(
                "Makes the video in 1 to 8 steps with one evaluation each, whatever cfg_scale says, by the built-in network or a "
                "distilled model at `model`. The report says whether the weights were taught for few steps."
            ),
            search_aliases=["fast motion control", "few steps", "turbo", "preview sampler"],
            inputs=[
                *common_inputs(),
                *output_inputs(default_steps=4, max_steps=8),
                io.Model.Input("model", optional=True, tooltip=MODEL_TOOLTIP),
                *record_inputs(),
                *link_inputs(),
                io.Float.Input(
                    "cfg_scale", default=0.5, min=0.0, max=1.0, step=0.05, optional=True,
                    tooltip="Low follows the motion and the picture, high follows the prompt. It costs no time here.",
                ),
            ],
            outputs=common_outputs(),
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, motion: HolisticMotion, subject: SubjectLibrary, prompt: str, mode: str, steps: int, motion_strength: float,
        seed: int, background: str, background_image: torch.Tensor | None = None, audio: dict | None = None,
        images: bool = True, network_strength: float = 1.0, override_limits: bool = False, model: object = None,
        clip_source: str = "", character_source: str = "", vae: object = None,
        positive: list | None = None, negative: list | None = None, clip: object = None, clip_vision: object = None,
        preset: str = "auto", build_prompt: bool = True, window_length: int = 0, colour_anchor: float = 0.0,
        cfg_scale: float = 0.5,
    ) -> io.NodeOutput:  # fmt: skip
        links = linked(
            LinkedModels(model, vae, positive, negative, clip, clip_vision), cls.hidden, preset=FEW_STEPS if preset == AUTO else preset,
            build_prompt=build_prompt, window_length=window_length, colour_anchor=colour_anchor, guided=False,
        )  # fmt: skip
        settings = SamplerSettings(
            prompt=prompt, negative_prompt="", mode=mode, steps=steps, cfg_scale=cfg_scale, motion_strength=motion_strength,
            network_strength=network_strength, seed=seed, background=background,
            background_image=background_picture(background, background_image), folded_guidance=True,
        )  # fmt: skip
        origin = Origin(cls.hidden.prompt, clip_source, character_source)
        weights = DISTILLED_WEIGHTS if DISTILLED_WEIGHTS.is_file() else WEIGHTS
        return run(Job(
            cls.hidden.unique_id, motion, subject, settings, audio, images, override_limits, origin=origin, links=links,
            weights=weights, few_steps=True,
        ))  # fmt: skip
