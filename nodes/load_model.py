"""KMC Load Model: Nano, or any KMC checkpoint, as a ComfyUI MODEL."""

from __future__ import annotations

from comfy_api.v0_0_2 import io

from ..kmc_core.errors import CheckpointError
from .backbones.kmc_model_file import BUILT_IN, WEIGHT_DTYPES, checkpoint_names, checkpoint_path, frames_vae, load_kmc_model


class KMCLoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KMCLoadModel",
            display_name="KMC Load Model",
            category="KMC",
            description=(
                "KMC Nano, or a KMC checkpoint of your own, as a MODEL: put LoRAs on it, store it in fp8, link it to KMC Sampler "
                "or, with KMC Motion Conditioning, to any of ComfyUI's samplers."
            ),
            search_aliases=["load kmc", "nano", "motion control checkpoint", "kmc lora", "unet loader"],
            inputs=[
                io.Combo.Input(
                    "checkpoint", options=checkpoint_names(), default=BUILT_IN,
                    tooltip="The built-in network, or a KMC checkpoint in models/kmc or models/diffusion_models.",
                ),
                io.Combo.Input(
                    "weight_dtype", options=list(WEIGHT_DTYPES), default="default", optional=True, advanced=True,
                    tooltip="How the large weights are stored. Arithmetic and pictures stay as exact as with default.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="For KMC Sampler, or for ComfyUI's samplers with KMC Motion Conditioning."),
                io.Vae.Output(display_name="vae", tooltip="Turns this model's latents, which are frames, into IMAGE. Only for this model."),
            ],
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, checkpoint: str | None) -> bool | str:
        if checkpoint is None or checkpoint_path(checkpoint):
            return True
        return f"Choose the checkpoint again. {checkpoint} is neither in models/kmc nor in models/diffusion_models."

    @classmethod
    def fingerprint_inputs(cls, checkpoint: str | None, **_: object) -> str:
        path = checkpoint_path(checkpoint or "")
        if path is None or not path.is_file():
            return checkpoint or ""
        facts = path.stat()
        return f"{checkpoint}:{facts.st_size}:{facts.st_mtime_ns}"

    @classmethod
    def execute(cls, checkpoint: str, weight_dtype: str = "default") -> io.NodeOutput:
        path = checkpoint_path(checkpoint)
        if path is None:
            raise CheckpointError("The checkpoint is missing", got=checkpoint, expected="a file of models/kmc",
                                  remedy="Choose the checkpoint again")  # fmt: skip
        return io.NodeOutput(load_kmc_model(path, {"dtype": WEIGHT_DTYPES[weight_dtype]}), frames_vae())
