"""Denoising and decoding one window exactly as ComfyUI's own nodes do it, with a callback that can stop at any step.

The calls are those of KSampler, TrimVideoLatent and VAEDecode, so that a window equals the stock graph bit for bit, and
models are loaded and offloaded by ComfyUI. Not here: which windows (windows.py), conditioning (one file per backbone).
"""

from __future__ import annotations

from collections.abc import Callable

import comfy.ldm.wan.vae
import comfy.sample
import comfy.taesd.taehv
import latent_preview
import numpy as np
import torch
from comfy_extras.nodes_model_advanced import ModelSamplingSD3
from torch import Tensor

from ...kmc_core.errors import KMCError
from .protocol import BackboneFacts, BackboneJob, LinkedModels, SamplingPlan, WindowConditioning

OnStep = Callable[[int, Tensor], None]
"""on_step(step, estimate of the clean latent [1,C,T,h,w]) after every step; it may raise to stop"""


def planned_model(model: object, plan: SamplingPlan) -> object:
    """The MODEL with the plan's shift, unless the user has set one (a patched model_sampling stays as it is)."""
    if plan.shift is None or "model_sampling" in getattr(model, "object_patches", {}):
        return model
    return ModelSamplingSD3().patch(model, plan.shift)[0]


def denoise(model: object, plan: SamplingPlan, seed: int, window: WindowConditioning, on_step: OnStep) -> Tensor:
    """The window's latent [1,C,T,h,w] without its leading reference frames."""
    latent = comfy.sample.fix_empty_latent_channels(model, window.latent["samples"])
    noise = comfy.sample.prepare_noise(latent, seed)

    def callback(step: int, clean: Tensor, noisy: Tensor, total: int) -> None:
        on_step(step, clean)

    samples = comfy.sample.sample(
        model, noise, plan.steps, plan.cfg, plan.sampler_name, plan.scheduler, window.positive, window.negative, latent,
        noise_mask=window.latent.get("noise_mask"), callback=callback, disable_pbar=True, seed=seed,
    )  # fmt: skip
    return samples[:, :, window.trim_latent :]


def decode(vae: object, latent: Tensor) -> Tensor:
    """IMAGE [n,H,W,3] of a window's latent, in 0..1."""
    images = vae.decode(latent)
    return images.reshape(-1, *images.shape[-3:])


def latent_previews(model: object) -> Callable[[Tensor], np.ndarray | None]:
    """A function that shows the last frame of a latent as uint8 [h,w,3] by ComfyUI's chosen preview method (None when off)."""
    previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

    def picture(clean: Tensor) -> np.ndarray | None:
        if previewer is None:
            return None
        return np.asarray(previewer.decode_latent_to_preview(clean[:, :, -1:]).convert("RGB"))

    return picture


def text_conditioning(clip: object, text: str) -> list:
    """CONDITIONING of a text, as CLIPTextEncode makes it."""
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def prompts(job: BackboneJob) -> tuple[list, list, tuple[str, ...]]:
    """(positive, negative, notes) from what is linked: CONDITIONING before text encoder.

    Raises KMCError when there is neither, or when the features are of another text encoder than the model's.
    """
    models, notes = job.models, ()
    if models.positive is None and models.clip is None:
        raise KMCError("The model has no prompt", got="neither positive nor clip", expected="one of them",
                       remedy="Link `clip` (Load CLIP, type wan) to use the sampler's own prompts, or link `positive`")  # fmt: skip
    if models.positive is not None:
        positive, notes = models.positive, ("The linked positive conditioning was used; the sampler's own prompt was not.",)
    else:
        positive = text_conditioning(models.clip, job.prompt)
    if models.negative is not None:
        negative = models.negative
    elif models.clip is not None:
        negative = text_conditioning(models.clip, job.negative_prompt)
    else:
        negative = [[torch.zeros_like(features), dict(options)] for features, options in positive]
    for conditioning in (positive, negative):
        _check_text(models.model, conditioning)
    return positive, negative, notes


def _check_text(model: object, conditioning: list) -> None:
    wanted = model.model.diffusion_model.text_embedding[0].in_features
    got = conditioning[0][0].shape[-1]
    if got != wanted:
        raise KMCError("The prompt was encoded for another model", got=f"{got} features", expected=f"{wanted} features",
                       remedy="Use the text encoder this model was trained with: Load CLIP, umt5_xxl, type wan")  # fmt: skip


def check_vae(models: LinkedModels, facts: BackboneFacts) -> None:
    """Raises KMCError unless the linked VAE is of the kind the backbone was trained with."""
    vae, remedy = models.vae, "Link Load VAE with wan_2.1_vae.safetensors"
    if vae is None:
        raise KMCError(f"{facts.name} needs a VAE", got="nothing at `vae`", expected="the Wan 2.1 VAE", remedy=remedy)
    network = type(vae.first_stage_model)
    known = isinstance(vae.first_stage_model, (comfy.ldm.wan.vae.WanVAE, comfy.taesd.taehv.TAEHV))
    compression = vae.spacial_compression_decode()
    if not known or vae.latent_channels != facts.latent_channels or compression != facts.spatial_compression:
        raise KMCError(
            f"This VAE does not belong to {facts.name}", got=f"{network.__name__} with {vae.latent_channels} channels at 1/{compression}",
            expected=f"the Wan 2.1 VAE, {facts.latent_channels} channels at 1/{facts.spatial_compression}", remedy=remedy,
        )  # fmt: skip
