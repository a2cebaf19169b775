"""Tiny random-weight models of the real architectures, as files that ComfyUI's own loaders read. Never committed."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

TEXT_FEATURES = 64
SMALL = {"dim": 256, "ffn_dim": 512, "num_heads": 2, "num_layers": 5, "text_dim": TEXT_FEATURES}
NORMS = ("norm_q.weight", "norm_k.weight", "norm3.weight", "q_norm.weight", "k_norm.weight", "gamma")


def randomised(network: torch.nn.Module, scale: float = 0.02) -> torch.nn.Module:
    """Weights that neither vanish nor explode: small noise, norms around 1."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in network.named_parameters():
        noise = torch.randn(weight.shape, generator=generator) * (scale if weight.ndim > 1 else 0.02)
        weight.data = (noise + (1.0 if name.endswith(NORMS) else 0.0)).to(weight.dtype)
    return network


def write(network: torch.nn.Module, path: Path, settings: dict | None = None) -> Path:
    metadata = {"config": json.dumps({"transformer": settings})} if settings else None
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.clone().contiguous() for name, tensor in network.state_dict().items()}, path, metadata=metadata)
    return path


def write_animate(path: Path) -> Path:
    """Wan-Animate, 43 M parameters: its face encoder has one size only."""
    import comfy.ops
    from comfy.ldm.wan.model_animate import AnimateWanModel

    network = AnimateWanModel(**SMALL, in_dim=36, operations=comfy.ops.disable_weight_init, dtype=torch.float32)
    return write(randomised(network), path, {"text_dim": TEXT_FEATURES})


def write_scail2(path: Path) -> Path:
    """SCAIL-2, 7 M parameters."""
    import comfy.ops
    from comfy.ldm.wan.model import SCAIL2WanModel

    network = SCAIL2WanModel(**SMALL, in_dim=20, operations=comfy.ops.disable_weight_init, dtype=torch.float32)
    return write(randomised(network), path, {"text_dim": TEXT_FEATURES})


def write_plain_wan(path: Path) -> Path:
    """A text-to-video Wan, which no backbone drives."""
    import comfy.ops
    from comfy.ldm.wan.model import WanModel

    network = WanModel(model_type="t2v", **SMALL, in_dim=16, operations=comfy.ops.disable_weight_init, dtype=torch.float32)
    return write(randomised(network), path, {"text_dim": TEXT_FEATURES})


def write_wan_vae(path: Path) -> Path:
    """The Wan 2.1 VAE at a fraction of its width (96)."""
    from comfy.ldm.wan.vae import WanVAE

    network = WanVAE(
        dim=8, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=2, attn_scales=[], temperal_downsample=[False, True, True],
        image_channels=3, conv_out_channels=3, dropout=0.0,
    )  # fmt: skip
    return write(randomised(network, 0.1), path)
