"""Nano as a ComfyUI MODEL: the sampler's frames do not change, LoRA is merging, storage may be small, files are checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

LAYERS = ("blocks.0.space.query", "blocks.1.feed_forward.rise", "decoder.colour", "stem.to_half", "motion.body.rise")
QUANTISED = ("blocks.0.space.query", "blocks.1.feed_forward.rise", "blocks.1.space.out")


@pytest.fixture(scope="module")
def rooms(backbones: Callable[[str], ModuleType], core: Callable[[str], ModuleType]) -> SimpleNamespace:
    return SimpleNamespace(
        model=backbones("kmc_model"), file=backbones("kmc_model_file"), config=core("dit.config"), dit=core("dit.model"),
        weights=core("dit.weights_file"), conditions=core("dit.conditions"), reenact=core("sampling.reenact"),
        sampler=core("sampling.sampler"), schedule=core("sampling.schedule"), guidance=core("sampling.guidance"),
        errors=core("errors"), types=core("types"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(rooms: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network whose zero-initialised layers have left zero, as a checkpoint."""
    torch.manual_seed(0)
    network = rooms.dit.KMCDiT(rooms.config.PRESETS["tiny"])
    weights = {name: tensor + 0.05 * torch.randn_like(tensor) for name, tensor in network.state_dict().items()}
    path = tmp_path_factory.mktemp("kmc") / "tiny_kmc.safetensors"
    rooms.weights.save_network(path, network.config, weights, {"recommended_strength": 0.5}, torch.float32)
    return path


@pytest.fixture(scope="module")
def conditions(rooms: SimpleNamespace) -> object:
    config, generator = rooms.config.PRESETS["tiny"], torch.Generator().manual_seed(1)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    return rooms.conditions.Conditions(
        maps=rand(1, len(config.map_channels), 3, 32, 48) * 2 - 1, joints=rand(1, 3, 19, 4), hands=rand(1, 3, 2, 21, 4),
        face=rand(1, 3, len(config.face_features)), references=rand(1, 2, 4, 32, 16),
        text=rooms.conditions.text_bytes(["warm evening light"], config.text_bytes),
    )  # fmt: skip


def all_edits(network: object, conditions: object) -> list[torch.Tensor]:
    edits = network.edits(conditions.maps[:, :3], torch.full((1, 3), 0.7), conditions)
    return [edits.flow, edits.residual, edits.mask, edits.colour]


def largest_difference(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


def conditioning(rooms: SimpleNamespace, conditions: object) -> list:
    return [[torch.zeros(1, 4, 1), {rooms.model.CONDITIONS_KEY: conditions}]]


def write_lora(checkpoint: Path, path: Path, scale: float = 0.2) -> Path:
    weights, generator, lora = load_file(checkpoint), torch.Generator().manual_seed(2), {}
    for name in LAYERS:
        weight = weights[f"{name}.weight"].flatten(1)
        lora[f"diffusion_model.{name}.lora_A.weight"] = torch.randn(2, weight.shape[1], generator=generator) * scale
        lora[f"diffusion_model.{name}.lora_B.weight"] = torch.randn(weight.shape[0], 2, generator=generator) * scale
        if weights[f"{name}.weight"].ndim == 4:
            shape = weights[f"{name}.weight"].shape
            lora[f"diffusion_model.{name}.lora_A.weight"] = lora[f"diffusion_model.{name}.lora_A.weight"].view(2, *shape[1:])
            lora[f"diffusion_model.{name}.lora_B.weight"] = lora[f"diffusion_model.{name}.lora_B.weight"].view(shape[0], 2, 1, 1)
    save_file(lora, path)
    return path


def test_the_sampler_makes_the_same_frames_from_the_model_as_from_the_built_in_path(
    rooms: SimpleNamespace, checkpoint: Path, performance: Callable
) -> None:  # fmt: skip
    motion, subject = performance(6)
    settings = rooms.reenact.SamplerSettings(canvas=rooms.types.Canvas(48, 64), window=4, overlap=1, steps=2, prompt="red light", cfg_scale=0.8)
    built_in, facts = rooms.weights.load_network(checkpoint)
    model = rooms.file.load_kmc_model(checkpoint)
    expected = [frame.rgb for frame in rooms.reenact.reenact(motion, subject, settings, built_in)]
    made = [frame.rgb for frame in rooms.reenact.reenact(motion, subject, settings, rooms.model.network_of(model))]
    alone = [frame.rgb for frame in rooms.reenact.reenact(motion, subject, settings, None)]
    assert np.array_equal(np.stack(made), np.stack(expected)) and not np.array_equal(np.stack(made), np.stack(alone))
    assert rooms.model.recommended_strength(model) == facts["recommended_strength"] == 0.5


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16])
def test_the_shipped_network_keeps_its_numbers_in_every_storage_of_16_bit_or_more(
    rooms: SimpleNamespace, conditions: object, dtype: torch.dtype | None
) -> None:  # fmt: skip
    built_in, _ = rooms.weights.load_network(rooms.file.BUILT_IN_FILE)
    made = rooms.model.network_of(rooms.file.load_kmc_model(rooms.file.BUILT_IN_FILE, {"dtype": dtype}))
    with rooms.reenact.fast_arithmetic(torch.device("cpu")):
        difference = largest_difference(all_edits(made, conditions), all_edits(built_in, conditions))
    assert difference == 0 if dtype is None else difference < 0.02


def test_state_dict_names_are_the_checkpoint_s(rooms: SimpleNamespace, checkpoint: Path) -> None:
    model = rooms.file.load_kmc_model(checkpoint)
    stored, held = load_file(checkpoint), model.model.diffusion_model.state_dict()
    assert stored.keys() == held.keys() and all(torch.equal(stored[name], held[name]) for name in stored)
    assert rooms.model.is_kmc_model(model.clone()) and not rooms.model.is_kmc_model(object())


def test_a_lora_equals_merged_weights_and_leaves_the_model_untouched(
    rooms: SimpleNamespace, checkpoint: Path, conditions: object, tmp_path: Path
) -> None:  # fmt: skip
    import folder_paths
    import nodes

    folder_paths.add_model_folder_path("loras", str(tmp_path))
    write_lora(checkpoint, tmp_path / "kmc_lora_for_test.safetensors")
    folder_paths.filename_list_cache.clear()
    base = rooms.file.load_kmc_model(checkpoint)
    before = all_edits(rooms.model.network_of(base), conditions)
    (with_lora,) = nodes.LoraLoaderModelOnly().load_lora_model_only(base, "kmc_lora_for_test.safetensors", 0.8)
    made = [part.clone() for part in all_edits(rooms.model.network_of(with_lora), conditions)]

    merged, _ = rooms.weights.load_network(checkpoint)
    weights, lora = merged.state_dict(), load_file(tmp_path / "kmc_lora_for_test.safetensors")
    for name in LAYERS:
        up, down = (lora[f"diffusion_model.{name}.lora_{part}.weight"].flatten(1) for part in "BA")
        weights[f"{name}.weight"] += 0.8 * (up @ down).view_as(weights[f"{name}.weight"])
    assert largest_difference(made, all_edits(merged, conditions)) < 1e-6
    assert largest_difference(made, before) > 0.01
    assert largest_difference(all_edits(rooms.model.network_of(base), conditions), before) == 0


def test_fp8_storage_is_small_and_near(rooms: SimpleNamespace, checkpoint: Path, conditions: object) -> None:
    whole = rooms.file.load_kmc_model(checkpoint)
    expected = all_edits(rooms.model.network_of(whole), conditions)
    small = rooms.file.load_kmc_model(checkpoint, {"dtype": torch.float8_e4m3fn})
    difference = largest_difference(all_edits(rooms.model.network_of(small), conditions), expected)
    assert 0 < difference < 0.15 * max(float(part.abs().max()) for part in expected)
    assert small.model_size() < 0.45 * whole.model_size()


def test_a_file_quantised_with_scales_is_read_and_nearer_than_plain_fp8(
    rooms: SimpleNamespace, checkpoint: Path, conditions: object, tmp_path: Path
) -> None:  # fmt: skip
    weights = load_file(checkpoint)
    for name in QUANTISED:
        weight = weights.pop(f"{name}.weight")
        scale = weight.abs().max() / 448
        weights |= {f"{name}.weight": (weight / scale).to(torch.float8_e4m3fn), f"{name}.weight_scale": scale,
                    f"{name}.comfy_quant": torch.tensor(list(json.dumps({"format": "float8_e4m3fn"}).encode()), dtype=torch.uint8)}  # fmt: skip
    path = tmp_path / "scaled.safetensors"
    with safe_open(checkpoint, "pt") as opened:
        save_file(weights, path, metadata=opened.metadata())
    expected = all_edits(rooms.model.network_of(rooms.file.load_kmc_model(checkpoint)), conditions)
    made = all_edits(rooms.model.network_of(rooms.file.load_kmc_model(path)), conditions)
    assert 0 < largest_difference(made, expected) < 0.1 * max(float(part.abs().max()) for part in expected)


def test_comfyui_s_own_sampler_walks_the_core_s_bridge(rooms: SimpleNamespace, checkpoint: Path, conditions: object) -> None:
    """SamplerCustomAdvanced with euler and simple, three steps, any seed: the clean window of kmc_core.sampling."""
    from comfy_extras import nodes_custom_sampler as custom

    model = rooms.file.load_kmc_model(checkpoint)
    told = conditioning(rooms, conditions)
    guider = custom.CFGGuider.execute(model, told, told, 1.0).result[0]
    sigmas = custom.BasicScheduler.execute(model, "simple", 3, 1.0).result[0]
    sampler = custom.KSamplerSelect.execute("euler").result[0]
    latent = {"samples": conditions.maps[:, :3].clone()}
    made = custom.SamplerCustomAdvanced.execute(custom.Noise_RandomNoise(9), guider, sampler, sigmas, latent).result[0]["samples"]

    network, _ = rooms.weights.load_network(checkpoint)
    guided = rooms.guidance.GuidedNetwork(network, conditions, None, 0.0)
    levels = rooms.schedule.bridge_levels(3)
    with rooms.reenact.fast_arithmetic(torch.device("cpu")):
        clean, _ = rooms.sampler.sample_window(guided, levels)
    assert torch.allclose(sigmas, levels, atol=2e-3)
    assert (made - clean).abs().max() < 0.02 and (made - latent["samples"]).abs().max() > 0.1


def test_previews_and_interrupt_in_comfyui_s_sampler(rooms: SimpleNamespace, checkpoint: Path, conditions: object) -> None:
    import comfy.model_management
    import comfy.sample
    import latent_preview

    model, told = rooms.file.load_kmc_model(checkpoint), conditioning(rooms, conditions)
    previewer = latent_preview.Latent2RGBPreviewer(model.model.latent_format.latent_rgb_factors)
    latent, shown = conditions.maps[:, :3].clone(), []

    def callback(step: int, clean: torch.Tensor, *_: object) -> None:
        shown.append(np.asarray(previewer.decode_latent_to_preview(clean)))
        if step == 1:
            comfy.model_management.interrupt_current_processing()
            comfy.model_management.throw_exception_if_processing_interrupted()

    with pytest.raises(comfy.model_management.InterruptProcessingException):
        comfy.sample.sample(model, latent, 5, 1.0, "euler", "simple", told, told, latent, callback=callback, disable_pbar=True)
    assert len(shown) == 2 and shown[0].shape == (32, 48, 3) and shown[0].std() > 5


def test_the_frames_vae_only_changes_the_range(rooms: SimpleNamespace) -> None:
    import nodes

    vae, frames = rooms.file.frames_vae(), torch.rand(5, 16, 24, 3)
    latent = frames.permute(3, 0, 1, 2)[None] * 2 - 1
    assert (nodes.VAEDecode().decode(vae, {"samples": latent})[0] - frames).abs().max() < 1e-6
    assert (vae.encode(frames) - latent).abs().max() < 1e-6


def test_conditioning_without_a_motion_is_refused(rooms: SimpleNamespace, checkpoint: Path) -> None:
    import comfy.sample

    model, latent, text = rooms.file.load_kmc_model(checkpoint), torch.ones(1, 3, 2, 16, 16), [[torch.zeros(1, 4, 8), {}]]
    with pytest.raises(rooms.errors.KMCError, match="Link KMC Motion Conditioning"):
        comfy.sample.sample(model, latent, 1, 1.0, "euler", "simple", text, text, latent, disable_pbar=True)


def test_the_conditioning_node_hands_over_what_the_sampler_would_tell(
    rooms: SimpleNamespace, checkpoint: Path, performance: Callable, node_classes: dict[str, type]
) -> None:  # fmt: skip
    motion, subject = performance(6)
    model = rooms.file.load_kmc_model(checkpoint)
    positive, negative, latent = node_classes["KMCMotionConditioning"].execute(model, motion, subject, "red light", "dark", 2, 9).result
    told = positive[0][1][rooms.model.CONDITIONS_KEY]
    assert told.maps.shape[2] == 4 and torch.equal(latent["samples"], told.maps[:, :3])
    assert told.joints.shape == (1, 4, 19, 4) and {entry.name for entry in fields(told)} == set(rooms.model.CONDITION_NAMES)
    assert not torch.equal(told.text, negative[0][1][rooms.model.CONDITIONS_KEY].text)
    with pytest.raises(rooms.errors.KMCError, match="smaller first_frame"):
        node_classes["KMCMotionConditioning"].execute(model, motion, subject, "", first_frame=6)


def test_the_sampler_node_makes_the_same_video_with_and_without_the_model(performance: Callable, node_classes: dict[str, type]) -> None:
    from comfy_api.v0_0_2 import io

    motion, subject = performance(3)
    (model, _) = node_classes["KMCLoadModel"].execute("KMC Nano (built in)").result
    made = []
    for linked in (None, model):
        sampler = node_classes["KMCSampler"].PREPARE_CLASS_CLONE({"hidden_inputs": {io.Hidden.unique_id: None, io.Hidden.prompt: {}}})
        output = sampler.execute(motion, subject, "warm light", "", 0.5, "draft", 1, 1.0, 0, "picture", model=linked)
        made.append((output.result[0], output.ui["text"][0]))
    (built_in, _), (driven, report) = made
    assert torch.equal(built_in, driven) and built_in.std() > 0.05 and "The linked KMC model" in report


@pytest.mark.parametrize("damage", ["foreign", "missing", "extra", "misshapen", "not finite"])
def test_a_file_that_does_not_fit_is_refused(rooms: SimpleNamespace, checkpoint: Path, tmp_path: Path, damage: str) -> None:
    weights, path = load_file(checkpoint), tmp_path / "damaged.safetensors"
    with safe_open(checkpoint, "pt") as opened:
        metadata = opened.metadata()
    name = "blocks.0.space.query.weight"
    if damage == "foreign":
        metadata = {}
    elif damage == "missing":
        del weights[name]
    elif damage == "extra":
        weights["blocks.0.space.more.weight"] = torch.zeros(1)
    elif damage == "misshapen":
        weights[name] = weights[name][:-1].clone()
    else:
        weights[name][0, 0] = torch.nan
    save_file(weights, path, metadata=metadata)
    with pytest.raises(rooms.errors.CheckpointError, match="no KMC checkpoint" if damage == "foreign" else "do not fit"):
        rooms.file.load_kmc_model(path)


def test_the_loader_offers_only_kmc_checkpoints(
    rooms: SimpleNamespace, checkpoint: Path, node_classes: dict[str, type], tmp_path: Path, tiny_vae_file: Path
) -> None:  # fmt: skip
    import shutil

    import folder_paths

    folder_paths.add_model_folder_path("diffusion_models", str(tmp_path))
    shutil.copy(checkpoint, tmp_path / "my_kmc.safetensors")
    shutil.copy(tiny_vae_file, tmp_path / "no_kmc.safetensors")
    folder_paths.filename_list_cache.clear()
    names, loader = rooms.file.checkpoint_names(), node_classes["KMCLoadModel"]
    assert names[0] == rooms.file.BUILT_IN
    assert "diffusion_models/my_kmc.safetensors" in names and "diffusion_models/no_kmc.safetensors" not in names
    assert loader.validate_inputs("diffusion_models/my_kmc.safetensors") is True
    assert "Choose the checkpoint again" in loader.validate_inputs("diffusion_models/../secret.safetensors")
    assert loader.fingerprint_inputs("diffusion_models/my_kmc.safetensors") != loader.fingerprint_inputs(names[0])
    model, _ = loader.execute("diffusion_models/my_kmc.safetensors", "bf16").result
    assert rooms.model.is_kmc_model(model) and model.model.diffusion_model.dtype == torch.bfloat16
    with pytest.raises(rooms.errors.CheckpointError, match="no KMC checkpoint"):
        loader.execute("diffusion_models/no_kmc.safetensors")


def test_context_windows_see_their_own_frames(rooms: SimpleNamespace, checkpoint: Path, conditions: object) -> None:
    """One window over all frames equals no windows; two windows give every frame."""
    import comfy.sample
    from comfy_extras.nodes_context_windows import ContextWindowsManualNode

    model, told, latent = rooms.file.load_kmc_model(checkpoint), conditioning(rooms, conditions), conditions.maps[:, :3].clone()

    def sampled(length: int | None) -> torch.Tensor:
        used = model
        if length is not None:
            (used,) = ContextWindowsManualNode.execute(model, length, 1, "standard_static", 1, False, "pyramid", 2, False, causal_window_fix=False).result
        return comfy.sample.sample(used, latent, 1, 1.0, "euler", "simple", told, told, latent, disable_pbar=True)

    whole, parts = sampled(None), sampled(2)
    assert torch.equal(sampled(3), whole) and parts.shape == whole.shape and not torch.equal(parts, whole)
    assert (parts - whole).abs().mean() < (latent - whole).abs().mean()
