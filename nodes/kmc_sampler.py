"""KMC Sampler: the character's picture, the retargeted motion and a prompt become a video."""

from __future__ import annotations

import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.sampling.reenact import SamplerSettings
from ..kmc_core.types import HolisticMotion, SubjectLibrary
from .backbones.links import MODEL_TOOLTIP, link_inputs, linked
from .backbones.protocol import LinkedModels
from .record import Origin, record_inputs
from .reenactment import Job, background_picture, common_inputs, common_outputs, output_inputs, run


class KMCSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KMCSampler",
            display_name="KMC Sampler",
            category="KMC",
            description="Makes the video: as many frames as the clip, at its rate, with its sound.",
            search_aliases=["motion control", "animate character", "reenact", "image to video", "character animation"],
            inputs=[
                *common_inputs(),
                io.String.Input(
                    "negative_prompt", default="", multiline=True, dynamic_prompts=True, tooltip="What to avoid, up to 2500 characters."
                ),
                io.Float.Input(
                    "cfg_scale", default=0.5, min=0.0, max=1.0, step=0.05,
                    tooltip="Low follows the motion and the picture, high follows the prompt.",
                ),
                *output_inputs(default_steps=1, max_steps=50),
                io.Model.Input("model", optional=True, tooltip=MODEL_TOOLTIP),
                *record_inputs(),
                *link_inputs(),
            ],
            outputs=common_outputs(),
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, motion: HolisticMotion, subject: SubjectLibrary, prompt: str, negative_prompt: str, cfg_scale: float, mode: str,
        steps: int, motion_strength: float, seed: int, background: str, background_image: torch.Tensor | None = None,
        audio: dict | None = None, images: bool = True, network_strength: float = 1.0, override_limits: bool = False,
        model: object = None, clip_source: str = "", character_source: str = "", vae: object = None,
        positive: list | None = None, negative: list | None = None, clip: object = None, clip_vision: object = None,
        preset: str = "auto", build_prompt: bool = True, window_length: int = 0, colour_anchor: float = 0.0,
    ) -> io.NodeOutput:  # fmt: skip
        links = linked(
            LinkedModels(model, vae, positive, negative, clip, clip_vision), cls.hidden, preset=preset,
            build_prompt=build_prompt, window_length=window_length, colour_anchor=colour_anchor,
        )  # fmt: skip
        settings = SamplerSettings(
            prompt=prompt, negative_prompt=negative_prompt, mode=mode, steps=steps, cfg_scale=cfg_scale,
            motion_strength=motion_strength, network_strength=network_strength, seed=seed, background=background,
            background_image=background_picture(background, background_image),
        )  # fmt: skip
        origin = Origin(cls.hidden.prompt, clip_source, character_source)
        return run(Job(cls.hidden.unique_id, motion, subject, settings, audio, images, override_limits, origin=origin, links=links))
