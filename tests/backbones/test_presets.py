"""Steps and guidance for every backbone; a distilled model is recognised by what its files say, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
import torch

WORKFLOW = {
    "sampler": {"class_type": "KMCSampler", "inputs": {"model": ["shift", 0], "clip": ["text", 0], "seed": 3}},
    "shift": {"class_type": "ModelSamplingSD3", "inputs": {"model": ["fast", 0], "shift": 5.0}},
    "fast": {"class_type": "LoraLoaderModelOnly",
             "inputs": {"model": ["stack", 0], "lora_name": "wan/lightx2v_I2V_14B_480p_cfg_step_distill_rank64_bf16.safetensors"}},
    "stack": {"class_type": "Power Lora", "inputs": {"model": ["unet", 0], "lora_1": {"on": True, "lora": "style.safetensors"},
                                                     "lora_2": {"on": False, "lora": "lightning_off.safetensors"}}},
    "unet": {"class_type": "UNETLoader", "inputs": {"unet_name": "wan2.1_14B_SCAIL_2_fp16.safetensors"}},
    "text": {"class_type": "CLIPLoader", "inputs": {"clip_name": "umt5_turbo.safetensors"}},
    "elsewhere": {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["unet", 0], "lora_name": "turbo.safetensors"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def presets(backbones: Callable[[str], ModuleType]) -> ModuleType:
    return backbones("presets")


def model_of(path: str = "wan2.1_14B_SCAIL_2_fp16.safetensors", patched: bool = False, said: dict | None = None) -> SimpleNamespace:
    """What a ModelPatcher shows of itself; the real one is used below."""
    return SimpleNamespace(cached_patcher_init=(None, (path, {})), patches={"weight": [1]} if patched else {},
                           get_attachment=lambda name: said if name == "lora_metadata" else None)  # fmt: skip


def known(backbones: Callable, name: str) -> object:
    return next(entry for entry in backbones("recognise").BACKBONES if entry.name == name)


def test_every_backbone_has_a_row_for_every_preset(backbones: Callable, presets: ModuleType) -> None:
    from comfy.samplers import SAMPLER_NAMES, SCHEDULER_NAMES

    names = {entry.name for entry in backbones("recognise").BACKBONES}
    assert set(presets.PLANS) == {(name, preset) for name in names for preset in ("base", "few steps")}
    for (_, preset), plan in presets.PLANS.items():
        assert plan.sampler_name in SAMPLER_NAMES and plan.scheduler in SCHEDULER_NAMES and plan.shift == 5.0
        assert (4 <= plan.steps <= 8 and plan.cfg == 1) if preset == "few steps" else plan.steps >= 20


def test_files_before_the_sampler_are_found_nearest_first(presets: ModuleType) -> None:
    found = presets.files_before(WORKFLOW, "sampler")
    assert found == ("wan/lightx2v_I2V_14B_480p_cfg_step_distill_rank64_bf16.safetensors", "style.safetensors",
                     "wan2.1_14B_SCAIL_2_fp16.safetensors")  # fmt: skip
    assert presets.files_before(None, "1") == presets.files_before(WORKFLOW, "nobody") == presets.files_before(WORKFLOW, None) == ()


@pytest.mark.parametrize("name", [
    "wan_animate_2_distill_bf16.safetensors", "Wan22_A14B_T2V_HIGH_Lightning_4steps_lora.safetensors", "FastWan_T2V_14B_lora.safetensors",
    "wan2.2_i2v_lightx2v_4steps_lora_v1.safetensors", "Wan21_CausVid_14B.safetensors", "wan-rCM-14B.safetensors", "step_8step.safetensors",
])  # fmt: skip
def test_distillation_is_read_in_names(presets: ModuleType, name: str) -> None:
    assert presets.distillation_evidence(model_of(patched=True), [name]) == name
    assert presets.distillation_evidence(model_of(path=f"folder/{name}")) == name


@pytest.mark.parametrize("name", [
    "WanAnimate_relight_lora_fp16.safetensors", "wan2.1_SCAIL_2_DPO_lora_bf16.safetensors", "my_style_1200steps.safetensors",
    "dance_2stepson.safetensors", "armchair_v4.safetensors", "welcome.safetensors",
])  # fmt: skip
def test_other_loras_are_not_taken_for_it(presets: ModuleType, name: str) -> None:
    assert presets.distillation_evidence(model_of(path=name, patched=True), [name]) == ""


def test_a_lora_that_is_not_on_the_model_does_not_count(presets: ModuleType) -> None:
    assert presets.distillation_evidence(model_of(patched=False), ["lightx2v.safetensors"]) == ""


def test_a_lora_s_own_words_count(presets: ModuleType) -> None:
    said = {"modelspec.title": "Four-step distillation for Wan"}
    assert "distillation" in presets.distillation_evidence(model_of(patched=True, said=said))
    assert presets.distillation_evidence(model_of(patched=True, said={"modelspec.title": "Oil paint"})) == ""


@pytest.mark.parametrize("name", ["Wan2.2-Animate", "SCAIL-2"])
def test_the_plan_says_how_it_was_chosen(backbones: Callable, presets: ModuleType, name: str) -> None:
    backbone, fast = known(backbones, name), ["lightx2v.safetensors"]

    def plan(preset: str, patched: bool, files: list[str]) -> object:
        return presets.sampling_plan(backbone, model_of(patched=patched), preset, 13, 0.5, files)

    recognised, plain, unknown = plan("auto", True, fast), plan("auto", False, []), plan("auto", True, ["style.safetensors"])
    assert recognised.steps == 6 and "because of lightx2v" in recognised.note
    assert plain.steps == presets.PLANS[name, "base"].steps and plain.note == "Preset base (auto)."
    assert unknown.steps == plain.steps and 'choose "few steps"' in unknown.note
    assert plan("few steps", True, fast).note == "Preset few steps."
    assert "unfinished" in plan("few steps", True, ["style.safetensors"]).note
    assert "too much" in plan("base", True, fast).note
    own = plan("as set", True, fast)
    assert (own.steps, own.cfg, own.shift) == (13, 5.0, 5.0)


def test_the_real_loader_leaves_its_file_s_name_on_the_model(
    presets: ModuleType, tiny_scail2: object, tiny_scail2_file: object, backbones: Callable
) -> None:  # fmt: skip
    import comfy.sd

    assert presets.distillation_evidence(tiny_scail2) == ""
    renamed = tiny_scail2_file.with_name("tiny_scail2_4steps.safetensors")
    renamed.symlink_to(tiny_scail2_file)
    model = comfy.sd.load_diffusion_model(str(renamed))
    assert presets.sampling_plan(known(backbones, "SCAIL-2"), model.clone(), "auto", 2, 0.5).steps == 6


def test_the_real_lora_loader_leaves_the_lora_s_words_on_the_model(presets: ModuleType, tiny_scail2: object) -> None:
    import comfy.sd

    name = "diffusion_model.blocks.0.self_attn.q"
    lora = {f"{name}.lora_A.weight": torch.ones(2, 256), f"{name}.lora_B.weight": torch.ones(256, 2)}
    words = {"ss_output_name": "wan_causvid_rank2"}
    with_lora, _ = comfy.sd.load_lora_for_models(tiny_scail2, None, lora, 1.0, 0.0, lora_metadata=words)
    assert "wan_causvid_rank2" in presets.distillation_evidence(with_lora)
    switched_off, _ = comfy.sd.load_lora_for_models(tiny_scail2, None, {}, 1.0, 0.0, lora_metadata=words)
    assert presets.distillation_evidence(switched_off) == ""
