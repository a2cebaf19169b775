"""A KMC checkpoint file becomes a ComfyUI MODEL. Strict: a missing, foreign or misshapen tensor is refused before anything is loaded.

Not here: the network (kmc_model.py). The order of steps is that of comfy.sd.load_diffusion_model, so quantised files
(weights in fp8 with scales, as ComfyUI's own tools write them) and dynamic loading work.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.utils
import folder_paths
import torch
from torch import Tensor, nn

from ...kmc_core.checkpoints.format import load_checkpoint, load_header
from ...kmc_core.dit.config import KMCDiTConfig
from ...kmc_core.dit.model import KMCDiT
from ...kmc_core.dit.weights_file import FORMAT, VERSION
from ...kmc_core.errors import CheckpointError
from .kmc_model import KMCModelConfig

WEIGHT_DTYPES = {
    "default": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16,
    "fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2,
}  # fmt: skip
BUILT_IN = "KMC Nano (built in)"
BUILT_IN_FILE = Path(__file__).resolve().parents[2] / "kmc_core" / "weights" / "kmc_nano.safetensors"
FOLDERS = ("kmc", "diffusion_models")
QUANTISATION = re.compile(r"\.(weight_scale|weight_scale_2|input_scale|comfy_quant|scale_weight|scale_input)$")


def checkpoint_names() -> list[str]:
    """The built-in network first, then every KMC checkpoint in models/kmc and models/diffusion_models as `folder/name`."""
    found = []
    for folder in FOLDERS:
        for name in folder_paths.get_filename_list(folder):
            path = folder_paths.get_full_path(folder, name)
            if path and path.endswith(".safetensors") and _is_checkpoint(path, Path(path).stat().st_mtime_ns):
                found.append(f"{folder}/{name}")
    return [BUILT_IN, *found]


def checkpoint_path(name: str) -> Path | None:
    """The file behind a name of `checkpoint_names`, or None. Names cannot leave ComfyUI's model folders."""
    if name == BUILT_IN:
        return BUILT_IN_FILE
    folder, _, inside = name.partition("/")
    path = folder_paths.get_full_path(folder, inside) if folder in FOLDERS and inside else None
    return Path(path) if path else None


@lru_cache(maxsize=4096)
def _is_checkpoint(path: str, _changed_ns: int) -> bool:
    """Reads the header only, once per version of a file: folders of large models stay quick to list."""
    try:
        load_header(path, FORMAT, VERSION)
    except CheckpointError:
        return False
    return True


def load_kmc_model(path: str | Path, options: dict | None = None, disable_dynamic: bool = False) -> object:
    """MODEL (a ModelPatcher) of a KMC checkpoint. options {"dtype": torch dtype the large weights rest in}; norms stay float32.

    Raises CheckpointError for a file that is no KMC checkpoint of this version, or whose tensors do not fit its header.
    """
    options = options or {}
    weights, header = load_checkpoint(path, FORMAT, VERSION)
    weights, _ = comfy.utils.convert_old_quants(weights, "", metadata={})
    config = KMCDiTConfig.from_dict(header.get("config"))
    plan = KMCDiT(config, device=torch.device("meta"))
    quantised = comfy.utils.detect_layer_quantization(weights, "")
    _refuse_misfit(weights, plan.state_dict())

    family = KMCModelConfig({"image_model": "kmc_dit", "config": config})
    family.quant_config = quantised or None
    dtype = torch.float32 if quantised else options.get("dtype") or torch.float32
    at_rest_as_computed = dtype == torch.float32 and not quantised
    device, offload = comfy.model_management.get_torch_device(), comfy.model_management.unet_offload_device()
    family.set_inference_dtype(dtype, None if at_rest_as_computed else torch.float32, device=device)
    model = family.get_model(weights)
    training = header.get("training")
    model.facts = dict(training) if isinstance(training, dict) else {}

    kind = comfy.model_patcher.ModelPatcher if disable_dynamic else comfy.model_patcher.CoreModelPatcher
    patcher = kind(model, load_device=device, offload_device=offload)
    if not comfy.model_management.is_device_cpu(offload):
        model.to(offload)
    model.load_model_weights(_at_rest(weights, plan, dtype), "", assign=patcher.is_dynamic())
    patcher.cached_patcher_init = (load_kmc_model, (path, options))
    return patcher


def frames_vae() -> comfy.sd.VAE:
    """A VAE that only changes -1..1 frames [1,3,T,H,W] into IMAGE and back: ComfyUI's pixel-space VAE, told that frames are a video."""
    vae = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)}, dtype=torch.float32)
    vae.latent_dim = 3
    return vae


def _refuse_misfit(weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Names, shapes and finiteness, as for the built-in network; the extra tensors of quantised layers are ComfyUI's business."""
    scaled = {QUANTISATION.sub("", name) for name in weights if QUANTISATION.search(name)}
    plain = {name: tensor for name, tensor in weights.items() if not QUANTISATION.search(name)}
    wrong = sorted(set(plain) ^ set(expected)) + sorted(scaled - {name.removesuffix(".weight") for name in expected})
    for name in sorted(set(plain) & set(expected)):
        packed = name.removesuffix(".weight") in scaled  # 4-bit formats pack two numbers into one
        if not packed and plain[name].shape != expected[name].shape:
            wrong.append(name)
        if plain[name].is_floating_point() and not plain[name].float().isfinite().all():
            wrong.append(name)
    if wrong:
        raise CheckpointError(
            "The weights do not fit the network their header describes", got=f"{len(wrong)} wrong tensors, first {wrong[0]}",
            expected=f"{len(expected)} finite tensors", remedy="Fetch the weights file again",
        )  # fmt: skip


def _at_rest(weights: dict[str, Tensor], plan: KMCDiT, dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights in the dtype they rest in: layers that multiply in `dtype`, all others float32, quantised ones as they are."""
    multiplying = {name for name, module in plan.named_modules() if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d))}
    scaled = {QUANTISATION.sub("", name) for name in weights if QUANTISATION.search(name)}
    rested = {}
    for name, tensor in weights.items():
        layer = name.rpartition(".")[0]
        is_quantised = QUANTISATION.search(name) or (layer in scaled and name.endswith(".weight"))
        rested[name] = tensor if is_quantised else tensor.to(dtype if layer in multiplying else torch.float32)
    return rested
