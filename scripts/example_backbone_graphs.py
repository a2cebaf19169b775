"""Example workflows for linked models: Wan2.2-Animate, SCAIL-2, a distillation LoRA, and Nano in ComfyUI's own sampler.

Models are named and not shipped; docs/backbones.md says where they come from. Read with scripts/example_graphs.py.
"""

from __future__ import annotations

from dataclasses import dataclass

Graph = dict[str, tuple[str, dict[str, object]]]

ANIMATE, SCAIL2 = "wan2.2_animate_14B_bf16.safetensors", "wan2.1_14B_SCAIL_2_fp8_scaled.safetensors"
DISTILLATION_LORA = "lightx2v_I2V_14B_480p_cfg_step_distill_rank64_bf16.safetensors"
VAE, TEXT, VISION = "wan_2.1_vae.safetensors", "umt5_xxl_fp8_e4m3fn_scaled.safetensors", "clip_vision_h.safetensors"
FILES = {
    "diffusion_models": (ANIMATE, SCAIL2), "loras": (DISTILLATION_LORA,), "vae": (VAE,), "text_encoders": (TEXT,), "clip_vision": (VISION,),
}  # fmt: skip
"""Folder under models/ -> the files that these workflows name."""


@dataclass(frozen=True)
class Parts:
    """The common pieces of scripts/example_graphs.py: clip and pose, character, retargeting, KMC Sampler, Save Video."""

    clip_and_pose: Graph
    character: Graph
    retargeted: Graph
    sampler: Graph
    views: tuple[str, ...]


def linked_models(model: str) -> Graph:
    """A video model with the VAE, text encoder and CLIP vision it was trained with."""
    return {
        "model": ("UNETLoader", {"unet_name": model, "weight_dtype": "default"}),
        "vae": ("VAELoader", {"vae_name": VAE}),
        "text": ("CLIPLoader", {"clip_name": TEXT, "type": "wan", "device": "default"}),
        "vision": ("CLIPVisionLoader", {"clip_name": VISION}),
    }


def driven(sampler: Graph, model: str = "model", **changes: object) -> Graph:
    """The sampler with everything of `linked_models` on it."""
    kind, inputs = sampler["sampler"]
    links = {"model": [model, 0], "vae": ["vae", 0], "clip": ["text", 0], "clip_vision": ["vision", 0]}
    return {"sampler": (kind, {**inputs, "mode": "draft", "preset": "auto", **links, **changes})}


def saved(name: str) -> Graph:
    return {"save": ("SaveVideo", {"video": ["sampler", 3], "filename_prefix": f"KMC/{name}", "format": "auto", "codec": "auto"})}


def wan_animate(parts: Parts) -> tuple[Graph, str]:
    graph = {
        **parts.clip_and_pose, **parts.character, **parts.retargeted, **linked_models(ANIMATE),
        **driven(parts.sampler, prompt="a person dances in a bright studio"), **saved("wan_animate"),
    }  # fmt: skip
    return graph, f"""
The same graph as **first_video**, driven by **Wan2.2-Animate**: link a model to KMC Sampler and it is recognised. Clips of any
length are made in windows of 77 frames; skeleton, face crops, sound and frame count are taken care of.

Files (see docs/backbones.md for sources): `diffusion_models/{ANIMATE}`, `vae/{VAE}`, `text_encoders/{TEXT}`, `clip_vision/{VISION}`.

`background` **driver** puts the character into the clip itself. An interrupted job goes on where it stopped when it is queued again."""


def scail2_multi_reference(parts: Parts) -> tuple[Graph, str]:
    loaded = {f"picture_{number}": ("LoadImage", {"image": name}) for number, name in enumerate(parts.views, 1)}
    pictures = {f"pictures.picture_{number}": [f"picture_{number}", 0] for number in range(1, len(parts.views) + 1)}
    graph = {
        **parts.clip_and_pose, **loaded, "subject": ("BuildSubjectLibrary", {**pictures, "name": "character"}),
        **parts.retargeted, **linked_models(SCAIL2),
        **driven(parts.sampler, prompt="a person waves in front of a plain wall"), **saved("scail2_multi_reference"),
    }  # fmt: skip
    return graph, f"""
**SCAIL-2** sees every picture of the library, so side and back of the character are known when it turns. It watches the clip
itself; identity masks are made from the clip's matte and from the cut-outs. Windows of 81 frames, each continuing from the last 5.

Files (see docs/backbones.md for sources): `diffusion_models/{SCAIL2}`, `vae/{VAE}`, `text_encoders/{TEXT}`, `clip_vision/{VISION}`.

The base model takes 40 steps with guidance: put the distillation LoRA on it (workflow **distilled_lora**) to need 6."""


def distilled_lora(parts: Parts) -> tuple[Graph, str]:
    lora = {"lora": ("LoraLoaderModelOnly", {"model": ["model", 0], "lora_name": DISTILLATION_LORA, "strength_model": 0.8})}
    graph = {
        **parts.clip_and_pose, **parts.character, **parts.retargeted, **linked_models(SCAIL2), **lora,
        **driven(parts.sampler, model="lora", prompt="a person dances on a beach"), **saved("distilled_lora"),
    }  # fmt: skip
    return graph, f"""
A **distillation LoRA** makes a video model finish in 6 steps without guidance. KMC Sampler recognises it by its file's name and
takes the few-step settings; its report says so. With another name choose `preset` **few steps**.

Files (see docs/backbones.md for sources): those of **scail2_multi_reference**, and `loras/{DISTILLATION_LORA}`.

Few steps can slow movement down: compare with a run without the LoRA when timing matters."""


def kmc_model_in_comfyui_sampler(parts: Parts) -> tuple[Graph, str]:
    conditioning = {
        "motion": ["retarget", 0], "subject": ["subject", 0], "model": ["kmc", 0], "prompt": "warm evening light", "negative_prompt": "",
        "first_frame": 0, "frame_count": 8, "background": "picture",
    }  # fmt: skip
    graph = {
        **parts.clip_and_pose, **parts.character, **parts.retargeted,
        "kmc": ("KMCLoadModel", {"checkpoint": "KMC Nano (built in)", "weight_dtype": "default"}),
        "conditioning": ("KMCMotionConditioning", conditioning),
        "guider": ("CFGGuider", {"model": ["kmc", 0], "positive": ["conditioning", 0], "negative": ["conditioning", 1], "cfg": 1.0}),
        "noise": ("RandomNoise", {"noise_seed": 0}), "euler": ("KSamplerSelect", {"sampler_name": "euler"}),
        "levels": ("BasicScheduler", {"model": ["kmc", 0], "scheduler": "simple", "steps": 2, "denoise": 1.0}),
        "walk": ("SamplerCustomAdvanced", {"noise": ["noise", 0], "guider": ["guider", 0], "sampler": ["euler", 0],
                                           "sigmas": ["levels", 0], "latent_image": ["conditioning", 2]}),
        "frames": ("VAEDecode", {"samples": ["walk", 0], "vae": ["kmc", 1]}),
        "save": ("SaveImage", {"images": ["frames", 0], "filename_prefix": "KMC/window"}),
    }  # fmt: skip
    return graph, """
For experiments: **KMC Nano as a MODEL** in ComfyUI's own sampler. Put a LoRA loader behind KMC Load Model, another sampler,
scheduler or guider in front, and compare.

One window of 8 frames at the network's size (about 512 x 288 in area) comes out. For whole clips at full size link the MODEL to
KMC Sampler instead: it needs no VAE and no conditioning."""


BACKBONE_EXAMPLES = (wan_animate, scail2_multi_reference, distilled_lora, kmc_model_in_comfyui_sampler)
