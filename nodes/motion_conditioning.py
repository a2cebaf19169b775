"""KMC Motion Conditioning: a window of a retargeted motion as CONDITIONING and LATENT, for ComfyUI's own samplers."""

from __future__ import annotations

import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.alignment.aligner import Aligner
from ..kmc_core.dit.conditions import Conditions, text_bytes
from ..kmc_core.errors import MotionError
from ..kmc_core.sampling.background import plate_source
from ..kmc_core.sampling.conditioning import motion_arrays, reference_tensor
from ..kmc_core.sampling.frames import FrameRenderer
from ..kmc_core.sampling.output_size import base_canvas, output_canvas
from ..kmc_core.types import HolisticMotion, SubjectLibrary
from . import host
from .backbones.kmc_model import CONDITIONS_KEY, network_config
from .sockets import MotionSocket, SubjectSocket

BACKGROUNDS = ["picture", "transparent", "driver"]
LONGEST_WINDOW = 64


class KMCMotionConditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KMCMotionConditioning",
            display_name="KMC Motion Conditioning",
            category="KMC",
            description=(
                "For experiments with ComfyUI's own samplers: one window of frames at the network's size. "
                "KMC Sampler does whole clips at full size and needs only the MODEL."
            ),
            search_aliases=["kmc conditioning", "motion to conditioning", "ksampler motion", "custom sampler"],
            inputs=[
                io.Model.Input("model", tooltip="From KMC Load Model, with or without LoRA."),
                MotionSocket.Input("motion", tooltip="From KMC Retarget Skeleton."),
                SubjectSocket.Input("subject"),
                io.String.Input("prompt", default="", multiline=True, dynamic_prompts=True, tooltip="Light, background and style."),
                io.String.Input(
                    "negative_prompt", default="", multiline=True, dynamic_prompts=True, tooltip="Used with cfg above 1.", optional=True
                ),
                io.Int.Input("first_frame", default=0, min=0, max=1_000_000, optional=True, tooltip="Where the window begins, from 0."),
                io.Int.Input(
                    "frame_count", default=8, min=1, max=LONGEST_WINDOW, optional=True,
                    tooltip="Frames of the window; the network was trained on 8. It ends with the motion at the latest.",
                ),
                io.Combo.Input(
                    "background", options=BACKGROUNDS, default="picture", optional=True,
                    tooltip="picture: the character picture's own. transparent: grey. driver: the clip's, without its performer.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="negative"),
                io.Latent.Output(display_name="latent", tooltip="The aligned frames: sampling starts from them, at denoise 1 and any seed."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, model: object, motion: HolisticMotion, subject: SubjectLibrary, prompt: str, negative_prompt: str = "",
        first_frame: int = 0, frame_count: int = 8, background: str = "picture",
    ) -> io.NodeOutput:  # fmt: skip
        config = network_config(model)
        if motion.character is None:
            raise MotionError("The motion is not on a character yet", remedy="Link KMC Retarget Skeleton between motion and this node")
        frames = slice(first_frame, min(first_frame + frame_count, motion.frame_count))
        if frames.start >= frames.stop:
            raise MotionError("The window begins after the motion's end", got=f"first_frame {first_frame}",
                              expected=f"0 to {motion.frame_count - 1}", remedy="Choose a smaller first_frame")  # fmt: skip
        aligner = Aligner(subject)
        renderer = FrameRenderer(aligner, motion.character, plate_source(background, aligner, motion, None))
        canvas = base_canvas(output_canvas(motion.character.canvas, "draft"))
        maps = []
        for frame in range(frames.start, frames.stop):
            host.stop_if_interrupted()
            maps.append(renderer.maps(frame, canvas))
        told = [torch.from_numpy(array[frames])[None] for array in motion_arrays(motion, subject)]
        references = reference_tensor(subject, config.max_views)
        shown = torch.stack(maps, dim=1)[None]

        def conditioning(text: str) -> list:
            letters = text_bytes([text], config.text_bytes)
            return [[letters[..., None].float(), {CONDITIONS_KEY: Conditions(shown, *told, references, letters)}]]

        red = config.channel("red")
        latent = {"samples": shown[:, red : red + 3].clone()}
        return io.NodeOutput(conditioning(prompt), conditioning(negative_prompt), latent)
