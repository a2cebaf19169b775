"""Tiny random models under the names of the workflows for linked models, and a text encoder of their width as a node.

umt5 and CLIP vision have one size only: their files are placeholders to be listed, tests put the node below in their place.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from example_backbone_graphs import ANIMATE, DISTILLATION_LORA, FILES, SCAIL2, VAE

TESTS = Path(__file__).resolve().parents[1]
TINY_TEXT_NODE = "TinyTextEncoder"
TINY_TEXT_PACK = f'''"""A text encoder for tests: deterministic features of any text, 64 wide."""

import torch


class TinyText:
    def tokenize(self, text):
        return text

    def encode_from_tokens_scheduled(self, text):
        seed = sum(text.encode()) + 1
        return [[torch.randn(1, 12, 64, generator=torch.Generator().manual_seed(seed)), {{}}]]


class TinyTextEncoder:
    CATEGORY, FUNCTION, RETURN_TYPES = "test", "load", ("CLIP",)

    @classmethod
    def INPUT_TYPES(cls):
        return {{"required": {{}}}}

    def load(self):
        return (TinyText(),)


NODE_CLASS_MAPPINGS = {{"{TINY_TEXT_NODE}": TinyTextEncoder}}
'''


def write_tiny_text_pack(custom_nodes: Path) -> None:
    folder = custom_nodes / "tiny_text"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text(TINY_TEXT_PACK)


def write_linked_models(folder: Path, comfyui: Path) -> None:
    """Every file of example_backbone_graphs.FILES below `folder`."""
    import torch
    from safetensors.torch import save_file

    for kind, names in FILES.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name in names:
            save_file({"placeholder": torch.zeros(1)}, folder / kind / name)
    sys.path.insert(0, str(comfyui))
    try:
        from comfy.cli_args import args

        args.cpu = True
        spec = importlib.util.spec_from_file_location("tiny_models_of_backbones", TESTS / "backbones" / "tiny_models.py")
        tiny = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tiny)
        tiny.write_animate(folder / "diffusion_models" / ANIMATE)
        tiny.write_scail2(folder / "diffusion_models" / SCAIL2)
        tiny.write_wan_vae(folder / "vae" / VAE)
    finally:
        sys.path.remove(str(comfyui))
    layer = "diffusion_model.blocks.0.self_attn.q"
    lora = {f"{layer}.lora_A.weight": torch.full((2, 256), 0.02), f"{layer}.lora_B.weight": torch.full((256, 2), 0.02)}
    save_file(lora, folder / "loras" / DISTILLATION_LORA)


def with_tiny_text(prompt: dict[str, dict]) -> dict[str, dict]:
    """The prompt with the tiny text encoder instead of umt5, and without CLIP vision, which may be left out."""
    vision = {name for name, node in prompt.items() if node["class_type"] == "CLIPVisionLoader"}
    changed = {}
    for name, node in prompt.items():
        if name not in vision:
            inputs = {key: value for key, value in node["inputs"].items() if not (isinstance(value, list) and value[0] in vision)}
            is_text = node["class_type"] == "CLIPLoader"
            changed[name] = {"class_type": TINY_TEXT_NODE, "inputs": {}} if is_text else {**node, "inputs": inputs}
    return changed
