"""KMCDiT as a ComfyUI MODEL: its layers come from ComfyUI's operations, so LoRA, fp8, offload and previews treat it as any model.

Its "latents" are frames: [B,3,T,H,W] in -1..1 at the network's size. Sampling starts from the aligned frames in the LATENT
and walks the bridge to the clean ones; level = sigma, so the `simple` scheduler with shift 1 gives the core's own levels.
Not here: reading files (kmc_model_file.py), nodes, and how KMC Sampler walks long clips (kmc_core.sampling).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from types import SimpleNamespace

import comfy.conds
import comfy.context_windows
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_sampling
import comfy.patcher_extension
import comfy.supported_models_base
import torch
from torch import Tensor

from ...kmc_core.dit.conditions import Conditions
from ...kmc_core.dit.config import KMCDiTConfig
from ...kmc_core.dit.model import KMCDiT
from ...kmc_core.errors import KMCError
from ...kmc_core.sampling.arithmetic import fast_arithmetic
from ...kmc_core.sampling.sampler import edited

CONDITIONS_KEY = "kmc_conditions"
CONDITION_NAMES = tuple(entry.name for entry in fields(Conditions))
FRAME_AXES = {"maps": 2, "joints": 1, "hands": 1, "face": 1}
RECOMMENDED_STRENGTH = "recommended_strength"
WINDOW_SHAPE = (1, 3, 8, 288, 512)
"""Frames the sampler shows the network at once, for the estimate of memory."""


def layers_from(operations: type) -> SimpleNamespace:
    """The layers KMCDiT is built from, out of ComfyUI's `operations`; norms and embeddings stay float32 (they are small).

    Linear holds a weight from the start even where ComfyUI would wait for the file: KMCDiT sets first values in its constructor.
    """

    class Linear(operations.Linear):
        def __init__(self, *sizes: int, **options: object) -> None:
            super().__init__(*sizes, **options)
            if getattr(self, "weight", None) is None:
                self.weight = torch.nn.Parameter(torch.empty(0), requires_grad=False)

        def _load_from_state_dict(self, *arguments: object) -> None:  # overridden = ComfyUI does not wait for the file
            super()._load_from_state_dict(*arguments)

    def in_float32(layer: type) -> type:
        class InFloat32(layer):
            def __init__(self, *sizes: object, **options: object) -> None:
                super().__init__(*sizes, **{**options, "dtype": torch.float32})

        return InFloat32

    return SimpleNamespace(
        Linear=Linear, Conv1d=operations.Conv1d, Conv2d=operations.Conv2d,
        RMSNorm=in_float32(operations.RMSNorm), Embedding=in_float32(operations.Embedding),
    )  # fmt: skip


class KMCDiffusionModel(KMCDiT):
    """KMCDiT with ComfyUI's calling convention. State-dict names are the checkpoint's own."""

    def __init__(
        self, config: KMCDiTConfig, dtype: torch.dtype, device: torch.device | None = None, operations: type | None = None,
        image_model: str = "",
    ) -> None:  # fmt: skip
        super().__init__(config, layers_from(operations), device, dtype)
        self.dtype = dtype

    def forward(self, x: Tensor, timestep: Tensor, context: object = None, control: object = None,
                transformer_options: dict | None = None, **told: object) -> Tensor:  # fmt: skip
        """Clean frames [B,3,T,H,W] out of x and level `timestep` [B]; conditions arrive as kmc_maps, kmc_joints, ..."""
        options = transformer_options or {}
        wrappers = comfy.patcher_extension.get_all_wrappers(comfy.patcher_extension.WrappersMP.DIFFUSION_MODEL, options)
        executor = comfy.patcher_extension.WrapperExecutor.new_class_executor(self._forward, self, wrappers)
        return executor.execute(x, timestep, context, transformer_options=options, **told)

    def _forward(self, x: Tensor, timestep: Tensor, context: object = None, transformer_options: object = None, **told: object) -> Tensor:
        """In the words' colours at the last step alone: the bridge is walked in the picture's own (kmc_core.sampling.sampler)."""
        conditions = Conditions(*(told[f"kmc_{name}"] for name in CONDITION_NAMES))
        with fast_arithmetic(x.device):
            edits = self.edits(x, timestep, conditions)
        shown, uncoloured = edited(*self.aligned(conditions), edits)
        return shown if _is_last(timestep, (transformer_options or {}).get("sample_sigmas")) else uncoloured


def _is_last(level: Tensor, levels: Tensor | None) -> bool:
    """Whether no level above 0 comes after this one; levels: all of a sampler's, None if it does not say."""
    return levels is None or not bool(((levels > 0) & (levels < 0.999 * level.max().to(levels))).any())


class BridgeSampling(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST):
    """From aligned frames (level 1) to clean ones (level 0); the network's answer is the clean frame itself.

    No noise is added: the start is the LATENT. Euler steps on this are the bridge's own (kmc_core.sampling.step).
    """

    def calculate_denoised(self, sigma: Tensor, model_output: Tensor, model_input: Tensor) -> Tensor:
        return model_output

    def noise_scaling(self, sigma: Tensor, noise: Tensor, latent_image: Tensor, max_denoise: bool = False) -> Tensor:
        return latent_image

    def inverse_noise_scaling(self, sigma: Tensor, latent: Tensor) -> Tensor:
        return latent


class FrameFormat(comfy.latent_formats.LatentFormat):
    """Frames as they are; a preview needs no decoder."""

    latent_channels = 3
    latent_dimensions = 3
    spacial_downscale_ratio = 1
    latent_rgb_factors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


class KMCModel(comfy.model_base.BaseModel):
    """ComfyUI's shell around the network. facts: what the checkpoint's header says about its training."""

    def __init__(self, model_config: KMCModelConfig, device: torch.device | None = None) -> None:
        super().__init__(model_config, comfy.model_base.ModelType.FLOW, device=device, unet_model=KMCDiffusionModel)
        self.model_sampling = BridgeSampling(model_config)
        self.facts: dict[str, object] = {}

    def extra_conds(self, **kwargs: object) -> dict[str, object]:
        conditions = kwargs.get(CONDITIONS_KEY)
        if conditions is None:
            raise KMCError("A KMC model cannot be told by a text alone", got="CONDITIONING without a motion",
                           expected="the CONDITIONING of KMC Motion Conditioning",
                           remedy="Link KMC Motion Conditioning to positive and negative")  # fmt: skip
        return {f"kmc_{name}": comfy.conds.CONDRegular(getattr(conditions, name)) for name in CONDITION_NAMES}

    def resize_cond_for_context_window(self, cond_key: str, cond_value: object, window: object, x_in: Tensor, device: torch.device,
                                       retain_index_list: list | tuple = ()) -> object:  # fmt: skip
        axis = FRAME_AXES.get(cond_key.removeprefix("kmc_"))
        if axis is None or not cond_key.startswith("kmc_"):
            return None
        return comfy.context_windows.slice_cond(cond_value, window, x_in, device, temporal_dim=axis)


class KMCModelConfig(comfy.supported_models_base.BASE):
    """What ComfyUI asks of a family of models."""

    unet_config = {"image_model": "kmc_dit"}
    unet_extra_config = {}
    latent_format = FrameFormat
    sampling_settings = {"shift": 1.0, "multiplier": 1.0}
    supported_inference_dtypes = [torch.float32]  # pictures never pass through half precision; weights may rest in it
    memory_usage_factor = 0.03  # about 1.2 kB of working memory per pixel and frame

    def get_model(self, state_dict: dict, prefix: str = "", device: torch.device | None = None) -> KMCModel:
        return KMCModel(self, device=device)


class LoadedNetwork:
    """A KMC MODEL on its device, patches and all, with the face of KMCDiT that kmc_core.sampling walks: config, aligned, edits and its parts."""

    def __init__(self, model: object) -> None:
        self.model = model
        comfy.model_management.load_models_gpu([model], memory_required=model.model.memory_required(list(WINDOW_SHAPE)))
        network: KMCDiffusionModel = model.model.diffusion_model
        self.config, self.aligned, self.edits = network.config, network.aligned, network.edits
        self.look, self.listen, self.see, self.answer = network.look, network.listen, network.see, network.answer

    def parameters(self) -> Iterator[Tensor]:
        """One empty tensor where the work is done: with offloading the weights themselves may rest elsewhere."""
        yield torch.empty(0, device=self.model.load_device)


def is_kmc_model(model: object) -> bool:
    """A MODEL from KMC Load Model, with or without patches on it."""
    return isinstance(getattr(model, "model", None), KMCModel)


def network_of(model: object) -> LoadedNetwork:
    """What kmc_core.sampling.reenact takes as its network. Raises KMCError for a MODEL of another family."""
    _refuse_other_family(model)
    return LoadedNetwork(model)


def recommended_strength(model: object) -> float:
    """How much of the network's edits its checkpoint recommends, 0..1."""
    return float(model.model.facts.get(RECOMMENDED_STRENGTH, 1.0))


def network_config(model: object) -> KMCDiTConfig:
    """The sizes of a KMC MODEL's network, without loading it onto its device. Raises KMCError for a MODEL of another family."""
    _refuse_other_family(model)
    return model.model.diffusion_model.config


def _refuse_other_family(model: object) -> None:
    if not is_kmc_model(model):
        raise KMCError("This MODEL is no KMC network", got=type(getattr(model, "model", model)).__name__,
                       expected="the MODEL of KMC Load Model", remedy="Link KMC Load Model")  # fmt: skip
