"""Wan-Animate in the real ComfyUI: the same bits as the stock graph, and every conditioning key as the model expects it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

SEED = 11


@pytest.fixture(scope="module")
def make(backbones: Callable[[str], ModuleType], performance: Callable, tiny_animate: object, tiny_vae: object, prompt_features: list):
    """make(frames, window, history, faces, size, **job) -> a prepared Wan-Animate backbone on the tiny models."""

    def made(frames: int, window: int = 5, history: int = 1, *, faces: bool = False, size: tuple[int, int] = (48, 64), **options):
        protocol, wan = backbones("protocol"), backbones("wan_animate")
        motion, subject = performance(frames, height=size[0], width=size[1])
        motion = motion if faces else replace(motion, driver_face_box=None)
        facts = wan.FACTS.with_windows(window, history)
        models = protocol.LinkedModels(tiny_animate, tiny_vae, prompt_features)
        models = models._replace(**options.pop("models", {}))
        plan = protocol.SamplingPlan(options.pop("steps", 1))
        job = protocol.BackboneJob(motion, subject, facts.fitted(motion.canvas), models, plan, SEED, **options)
        backbone = wan.build(job, facts)
        backbone.notes = backbone.prepare()
        return backbone

    return made


@pytest.fixture(scope="module")
def tiny_clip_vision(pack: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> object:
    """A real CLIP vision encoder of two layers at the width Wan expects."""
    import comfy.clip_vision

    config = {
        "architectures": ["CLIPVisionModel"], "attention_dropout": 0.0, "dropout": 0.0, "hidden_act": "gelu", "hidden_size": 1280,
        "image_size": 224, "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 32, "layer_norm_eps": 1e-05,
        "model_type": "clip_vision_model", "num_attention_heads": 16, "num_channels": 3, "num_hidden_layers": 2, "patch_size": 14,
        "projection_dim": 16, "torch_dtype": "float32",
    }  # fmt: skip
    path = tmp_path_factory.mktemp("vision") / "config.json"
    path.write_text(json.dumps(config))
    vision = comfy.clip_vision.ClipVisionModel(str(path))
    generator = torch.Generator().manual_seed(5)
    for weight in vision.model.parameters():
        weight.data = (torch.randn(weight.shape, generator=generator) * 0.02).to(weight.dtype)
    return vision


def stock_window(backbone: object, inputs: dict, length: int, seed: int, offset: int = 0, shown: Tensor | None = None) -> tuple:
    """WanAnimateToVideo -> KSampler -> TrimVideoLatent -> VAEDecode, as a user queues them: (frames, next offset)."""
    import nodes
    from comfy_extras.nodes_wan import TrimVideoLatent, WanAnimateToVideo

    job = backbone.job
    positive, negative, latent, trim_latent, trim_image, offset = WanAnimateToVideo.execute(
        backbone.positive, backbone.negative, job.models.vae, job.canvas.width, job.canvas.height, length, 1,
        backbone.facts.history, offset, continue_motion=shown, **inputs,
    ).result  # fmt: skip
    plan = job.plan
    sampled = nodes.KSampler().sample(
        job.models.model, seed, plan.steps, plan.cfg, plan.sampler_name, plan.scheduler, positive, negative, latent
    )[0]
    trimmed = TrimVideoLatent.execute(sampled, trim_latent)[0]
    return nodes.VAEDecode().decode(job.models.vae, trimmed)[0][trim_image:], offset


def as_bytes(images: Tensor) -> np.ndarray:
    return (images.float().clamp(0, 1) * 255).round().byte().numpy()


def test_one_window_equals_the_stock_graph_bit_for_bit(make, backbones, tiny_clip_vision) -> None:
    """With everything the model looks at: skeleton, faces, reference, CLIP vision, background and mask."""
    backbone = make(5, faces=True, background="driver", models={"clip_vision": tiny_clip_vision})
    run = backbones("windows").WindowRun(backbone)
    ours = np.stack(list(run.frames()))
    inputs = backbone.inputs(run.windows[0], 5)
    assert all(inputs[name] is not None for name in inputs) and len(inputs) == 6
    stock, _ = stock_window(backbone, inputs, 5, SEED)
    assert ours.shape == (5, 48, 64, 3) and np.array_equal(ours, as_bytes(stock))
    assert float(stock.std()) > 0.01


def test_windows_equal_the_graph_queued_by_hand(make, backbones) -> None:
    """Three windows; by hand, the whole videos and the growing offset go into the node, and the images shown before."""
    backbone = make(13, steps=2)
    ours = np.stack(list(backbones("windows").WindowRun(backbone).frames()))
    whole = {"reference_image": backbone.reference, "pose_video": backbone.pictures.skeletons(range(13))}
    shown, offset, parts = None, 0, []
    for index in range(3):
        shown, offset = stock_window(backbone, whole, 5, SEED + index, offset, shown)
        parts.append(as_bytes(shown))
    assert ours.shape == (13, 48, 64, 3) and np.array_equal(ours, np.concatenate(parts))


def test_continue_frames_of_five_are_the_ones_shown(make, backbones) -> None:
    """Default history; the second window is padded to 4n+1 and trimmed."""
    backbone = make(11, window=9, history=5)
    run = backbones("windows").WindowRun(backbone)
    ours = np.stack(list(run.frames()))
    whole = {"reference_image": backbone.reference, "pose_video": backbone.pictures.skeletons(range(9))}
    first, offset = stock_window(backbone, whole, 9, SEED)
    padded = {**whole, "pose_video": backbone.inputs(run.windows[1], 9)["pose_video"]}
    second, _ = stock_window(backbone, padded, 9, SEED + 1, 5, first)
    assert run.windows[1] == (4, 11, 5)
    assert np.array_equal(ours, np.concatenate([as_bytes(first), as_bytes(second)[:2]]))


def test_every_conditioning_key_has_its_shape_and_values(make, backbones, tiny_vae) -> None:
    backbone = make(13, window=9, history=5, faces=True, background="driver", size=(48, 64))
    window, history = backbones("windows").WindowRun(backbone).windows[1], torch.rand(5, 48, 64, 3)
    made = backbone.condition(window, 9, history)
    keys = made.positive[0][1]
    assert set(keys) == {"pose_video_latent", "face_video_pixels", "concat_latent_image", "concat_mask"}
    assert (window, made.trim_latent, made.trim_frames) == ((4, 13, 5), 1, 5)
    assert made.latent["samples"].shape == (1, 16, 4, 6, 8) and not made.latent["samples"].any()

    frames = list(range(4, 13))
    assert torch.equal(keys["pose_video_latent"], tiny_vae.encode(backbone.pictures.skeletons(frames)))
    faces = backbone.pictures.faces(frames)
    assert keys["face_video_pixels"].shape == (1, 3, 9, 512, 512)
    assert torch.equal(keys["face_video_pixels"], (faces * 2 - 1).movedim(-1, 0)[None])
    assert (made.negative[0][1]["face_video_pixels"] == -1).all()

    latent = keys["concat_latent_image"]
    assert latent.shape == (1, 16, 4, 6, 8)
    assert torch.equal(latent[:, :, :1], tiny_vae.encode(backbone.reference))
    mask = backbone.pictures.masks(frames)
    seen = torch.cat([history, (backbone.pictures.backgrounds(frames) * (1 - mask[..., None]))[5:]])
    assert torch.equal(latent[:, :, 1:], tiny_vae.encode(seen))

    slots = keys["concat_mask"]
    assert slots.shape == (1, 4, 4, 6, 8)
    assert not slots[:, :, :3].any(), "reference and history are given, not drawn"
    small = torch.nn.functional.interpolate(mask[:, None], (6, 8), mode="nearest-exact")[:, 0]
    assert torch.equal(slots[0, 0, 3], small[5]), "the first slot of a latent holds the first of its four frames"
    assert torch.equal(slots[0, 1:, 3], torch.ones(3, 6, 8)), "ComfyUI's node leaves the last three slots to the model"


def test_masks_meet_their_own_frames_in_time(make, backbones) -> None:
    """Slot k + 3 of the node's axis belongs to frame k: what the node reads at slot s must be frame s - 3."""
    mask = torch.arange(1.0, 10.0).view(9, 1, 1).expand(9, 2, 2)
    later = backbones("wan_animate").mask_in_time(mask, 0)
    assert later[:, 0, 0].tolist() == [1, 1, 1, 1, 2, 3, 4, 5, 6]
    assert backbones("wan_animate").mask_in_time(mask, 5)[:, 0, 0].tolist() == [0] * 8 + [6]


def test_animation_mode_gives_neither_background_nor_mask(make, backbones) -> None:
    backbone = make(5)
    inputs = backbone.inputs(backbones("windows").WindowRun(backbone).windows[0], 5)
    assert set(inputs) == {"reference_image", "clip_vision_output", "pose_video", "face_video"}
    assert inputs["face_video"] is None and any("No face" in note for note in backbone.notes)
    assert any("CLIP vision" in note for note in backbone.notes)


def test_a_background_picture_is_kept_outside_the_character(make, backbones) -> None:
    """Replacement over a picture: what is given is the picture, black where the character goes."""
    picture = np.random.default_rng(0).integers(1, 255, (40, 60, 3), np.uint8)
    backbone = make(5, background="image", background_image=picture)
    inputs = backbone.inputs(backbones("windows").Window(0, 5, 0), 5)
    mask, given = backbone.pictures.masks(range(5)), inputs["background_video"]
    assert 0.02 < float(mask.mean()) < 0.98
    assert not given[mask > 0].any() and (given[mask == 0] > 0).all()

