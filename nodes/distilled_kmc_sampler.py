"""Distilled KMC Sampler: few steps, no guidance. This version runs the base weights at few steps and says so."""

from __future__ import annotations

import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.sampling.reenact import SamplerSettings
from ..kmc_core.types import HolisticMotion, SubjectLibrary
from .reenactment import Job, background_picture, common_inputs, common_outputs, output_inputs, refuse_foreign_model, run

TEXT_AS_TRAINED = 0.5
"""cfg_scale at which the prompt counts once and nothing is extrapolated"""
NOTE = "This version has no distilled weights: the base weights ran at few steps, without guidance."


class DistilledKMCSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DistilledKMCSampler",
            display_name="KMC Distilled Sampler",
            category="KMC",
            description=(
                "Makes the video in 1 to 8 steps without guidance, for quick looks. "
                "This version runs the base weights at few steps; it has no distilled weights of its own."
            ),
            search_aliases=["fast motion control", "few steps", "turbo", "preview sampler"],
            inputs=[
                *common_inputs(),
                *output_inputs(default_steps=4, max_steps=8),
                io.Model.Input(
                    "model", optional=True,
                    tooltip="Reserved for foreign video models. This version drives its built-in network and refuses a linked one.",
                ),
            ],
            outputs=common_outputs(),
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, motion: HolisticMotion, subject: SubjectLibrary, prompt: str, mode: str, steps: int, motion_strength: float,
        seed: int, background: str, background_image: torch.Tensor | None = None, audio: dict | None = None,
        images: bool = True, network_strength: float = 1.0, override_limits: bool = False, model: object = None,
    ) -> io.NodeOutput:  # fmt: skip
        refuse_foreign_model(model)
        settings = SamplerSettings(
            prompt=prompt, negative_prompt="", mode=mode, steps=steps, cfg_scale=TEXT_AS_TRAINED, motion_strength=motion_strength,
            network_strength=network_strength, seed=seed, background=background,
            background_image=background_picture(background, background_image),
        )  # fmt: skip
        return run(Job(cls.hidden.unique_id, motion, subject, settings, audio, images, override_limits, notes=(NOTE,)))
