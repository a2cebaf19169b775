"""The LoRA of a distillation, read by ComfyUI's own loader on a KMC MODEL, is the student; the file says what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest
import torch


@pytest.fixture(scope="module")
def rooms(backbones: Callable[[str], ModuleType], core: Callable[[str], ModuleType]) -> SimpleNamespace:
    return SimpleNamespace(
        model=backbones("kmc_model"), file=backbones("kmc_model_file"), config=core("dit.config"), dit=core("dit.model"),
        weights=core("dit.weights_file"), conditions=core("dit.conditions"), guidance=core("sampling.guidance"),
        lora=core("training.distill.lora"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(rooms: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A tiny teacher and a student in whom every tensor changed: matrices by rank 2, the rest at will."""
    torch.manual_seed(0)
    folder, config = tmp_path_factory.mktemp("kmc_lora"), rooms.config.PRESETS["tiny"]
    before = {name: tensor + 0.05 * torch.randn_like(tensor) for name, tensor in rooms.dit.KMCDiT(config).state_dict().items()}
    after = {}
    for name, tensor in before.items():
        flat = tensor.flatten(1) if tensor.ndim > 1 else tensor
        thin = torch.randn(flat.shape[0], 2) @ torch.randn(2, flat.shape[1]) if tensor.ndim > 1 else torch.randn_like(tensor)
        after[name] = tensor + 0.02 * thin.view_as(tensor)
    names = {name: folder / f"{name}.safetensors" for name in ("teacher", "student", "kmc_distilled_lora")}
    rooms.weights.save_network(names["teacher"], config, before, {}, torch.float32)
    rooms.weights.save_network(names["student"], replace(config, one_evaluation=True), after, {}, torch.float32)
    facts = rooms.lora.extract_lora(names["teacher"], names["student"], 2, names["kmc_distilled_lora"], torch.float32)
    return SimpleNamespace(folder=folder, facts=facts, **names)


def told(rooms: SimpleNamespace, words: str) -> object:
    config, generator = rooms.config.PRESETS["tiny"], torch.Generator().manual_seed(1)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    return rooms.conditions.Conditions(
        maps=rand(1, len(config.map_channels), 2, 32, 48) * 2 - 1, joints=rand(1, 2, 19, 4), hands=rand(1, 2, 2, 21, 4),
        face=rand(1, 2, len(config.face_features)), references=rand(1, 1, 4, 32, 16), text=rooms.conditions.text_bytes([words], 64),
    )  # fmt: skip


def guided_edits(rooms: SimpleNamespace, network: object) -> list[torch.Tensor]:
    """One evaluation with guidance, as the distilled sampler asks for it."""
    conditions = told(rooms, "at night")
    guided = rooms.guidance.GuidedNetwork(network, told(rooms, ""), conditions, 1.6, folded=True)
    with torch.no_grad():
        edits = guided.edits(conditions.maps[:, :3], torch.full((1, 2), 0.7))
    return [part.clone() for part in (edits.flow, edits.residual, edits.mask, edits.colour)]


def largest_difference(one: list[torch.Tensor], other: list[torch.Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


def test_comfyui_s_loader_makes_the_student_out_of_the_teacher(
    rooms: SimpleNamespace, files: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    import folder_paths
    import nodes

    folder_paths.add_model_folder_path("loras", str(files.folder))
    folder_paths.filename_list_cache.clear()
    base = rooms.file.load_kmc_model(files.teacher)
    before = guided_edits(rooms, rooms.model.network_of(base))
    (with_lora,) = nodes.LoraLoaderModelOnly().load_lora_model_only(base, files.kmc_distilled_lora.name, 1.0)
    made = guided_edits(rooms, rooms.model.network_of(with_lora))
    student, _ = rooms.weights.load_network(files.student)
    expected = guided_edits(rooms, student)
    assert largest_difference(made, expected) < 1e-4 and largest_difference(made, before) > 0.02
    assert "not loaded" not in caplog.text.lower()
    assert files.facts.matrices > 20 and files.facts.whole > 20 and files.facts.kept > 0.9999
    assert largest_difference(guided_edits(rooms, rooms.model.network_of(base)), before) == 0


def test_half_the_strength_is_the_merge_of_half(rooms: SimpleNamespace, files: SimpleNamespace) -> None:
    import comfy.sd
    from safetensors.torch import load_file

    base = rooms.file.load_kmc_model(files.teacher)
    lora = load_file(files.kmc_distilled_lora)
    with_lora, _ = comfy.sd.load_lora_for_models(base, None, dict(lora), 0.5, 0.0)
    merged, _ = rooms.weights.load_network(files.teacher)
    merged.load_state_dict(rooms.lora.merged(merged.state_dict(), rooms.lora.load_lora(files.kmc_distilled_lora), 0.5))
    assert largest_difference(guided_edits(rooms, rooms.model.network_of(with_lora)), guided_edits(rooms, merged)) < 1e-4
