"""What does not fit is refused before any work, with what to do; what merely differs (fp8, LoRA, no CLIP vision) works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from conftest import load_model
from tiny_models import TEXT_FEATURES, randomised, write_plain_wan


@pytest.fixture(scope="module")
def run_linked(backbones: Callable[[str], ModuleType], core, pack, performance: Callable, tiny_animate, tiny_vae, prompt_features):
    """run_linked(settings=..., use=..., models...) -> LinkedRun as the samplers start it."""
    motion, subject = performance(5, height=32, width=48)
    motion = replace(motion, driver_face_box=None)
    links, protocol = backbones("links"), backbones("protocol")
    from comfy_api.v0_0_2 import io  # noqa: F401  (the pack's own host module needs ComfyUI's API loaded)

    def made(motion=motion, subject=subject, settings: dict | None = None, use: dict | None = None, **models):
        linked = {"model": tiny_animate, "vae": tiny_vae, "positive": prompt_features, **models}
        how = links.Links(protocol.LinkedModels(**linked), **{"preset": "as set", "window_length": 9, **(use or {})})
        sampler = core("sampling.reenact").SamplerSettings(**{"mode": "draft", "steps": 1, "cfg_scale": 0.0, **(settings or {})})
        import sys

        bar = sys.modules[f"{pack.__name__}.nodes.host"].ProgressBar(None)
        return links.LinkedRun(how, motion, subject, sampler, bar)

    return made


class PlainEncoder:
    """A text encoder's outer face (comfy.sd.CLIP), giving features of a chosen width."""

    def __init__(self, width: int) -> None:
        self.width, self.texts = width, []

    def tokenize(self, text: str) -> str:
        self.texts.append(text)
        return text

    def encode_from_tokens_scheduled(self, tokens: str) -> list:
        generator = torch.Generator().manual_seed(len(tokens))
        return [[torch.randn(1, 8, self.width, generator=generator), {}]]


def test_an_unknown_model_is_refused_with_the_names_of_the_known(run_linked, tmp_path: Path) -> None:
    other = load_model(write_plain_wan(tmp_path / "wan.safetensors"))
    with pytest.raises(ValueError, match=r"disconnect `model` .* got WanModel, expected Wan2.2-Animate or SCAIL-2"):
        run_linked(model=other)
    with pytest.raises(ValueError, match="Link one of the supported models"):
        run_linked(model=object())


def test_missing_and_wrong_vae(run_linked) -> None:
    import comfy.sd
    from comfy.taesd.taesd import TAESD

    with pytest.raises(ValueError, match="wan_2.1_vae.*needs a VAE"):
        run_linked(vae=None)
    weights = randomised(TAESD(latent_channels=4)).state_dict()
    other = comfy.sd.VAE(sd={name: tensor.clone() for name, tensor in weights.items()})
    with pytest.raises(ValueError, match="does not belong to Wan2.2-Animate: got TAESD with 4 channels"):
        run_linked(vae=other)


def test_missing_and_wrong_prompts(run_linked) -> None:
    with pytest.raises(ValueError, match="Link `clip`.*has no prompt"):
        run_linked(positive=None)
    with pytest.raises(ValueError, match="umt5_xxl.*got 768 features, expected 64"):
        run_linked(positive=None, clip=PlainEncoder(768))
    with pytest.raises(ValueError, match="got 768 features"):
        run_linked(negative=[[torch.zeros(1, 4, 768), {}]])


def test_the_sampler_s_own_prompts_go_through_the_text_encoder(run_linked) -> None:
    encoder = PlainEncoder(TEXT_FEATURES)
    run = run_linked(positive=None, clip=encoder, settings={"prompt": "a knight", "negative_prompt": "blurred"})
    assert any(text.startswith("a knight") for text in encoder.texts) and "blurred" in encoder.texts
    backbone = run.run.backbone
    assert torch.equal(backbone.negative[0][0], encoder.encode_from_tokens_scheduled("blurred")[0][0])


def test_backgrounds_that_cannot_be(run_linked, performance) -> None:
    with pytest.raises(ValueError, match="cannot do this background: got transparent, expected picture or image or driver"):
        run_linked(settings={"background": "transparent"})
    motion, _ = performance(5, height=32, width=48)
    with pytest.raises(ValueError, match="background"):
        run_linked(motion=replace(motion, source=None, driver_face_box=None), settings={"background": "driver"})


def test_missing_clip_vision_and_faces_are_notes(run_linked) -> None:
    run = run_linked()
    assert run.canvas == (384, 592) and run.run.backbone.facts.window_length == 9
    report = "\n".join(run.notes)
    assert "Wan2.2-Animate, 1 steps, cfg 1, 1 window." in report
    assert "No CLIP vision" in report and "No face" in report


@pytest.fixture
def frames_with(backbones, performance, tiny_vae, prompt_features) -> Callable[[object], np.ndarray]:
    """frames_with(model) -> five small frames."""

    def frames(model: object) -> np.ndarray:
        protocol, wan = backbones("protocol"), backbones("wan_animate")
        motion, subject = performance(5, height=32, width=48)
        models = protocol.LinkedModels(model, tiny_vae, prompt_features)
        facts = wan.FACTS.with_windows(5, 1)
        motion = replace(motion, driver_face_box=None)
        job = protocol.BackboneJob(motion, subject, facts.fitted(motion.canvas), models, protocol.SamplingPlan(1), 2)
        backbone = wan.build(job, facts)
        backbone.prepare()
        return np.stack(list(backbones("windows").WindowRun(backbone).frames()))

    return frames


def test_fp8_weights_work(frames_with, tiny_animate: object, tiny_animate_file: Path) -> None:
    small = load_model(tiny_animate_file, dtype=torch.float8_e4m3fn)
    assert small.model.diffusion_model.blocks[0].self_attn.q.weight.dtype == torch.float8_e4m3fn
    plain, quantised = frames_with(tiny_animate), frames_with(small)
    assert not np.array_equal(plain, quantised)
    assert np.abs(plain.astype(int) - quantised).mean() < 12


def test_a_lora_works_and_leaves_the_model_alone(frames_with, tiny_animate: object) -> None:
    import comfy.sd

    generator = torch.Generator().manual_seed(1)
    name = "diffusion_model.blocks.1.ffn.0"
    weights = {f"{name}.lora_A.weight": torch.randn(4, 256, generator=generator), f"{name}.lora_B.weight": torch.randn(512, 4, generator=generator)}
    with_lora, _ = comfy.sd.load_lora_for_models(tiny_animate, None, weights, 1.0, 0.0)
    before, changed, after = (frames_with(model) for model in (tiny_animate, with_lora, tiny_animate))
    assert not np.array_equal(before, changed) and np.array_equal(before, after)


def test_the_plan_s_shift_does_not_override_the_user_s(backbones, tiny_animate: object) -> None:
    from comfy_extras.nodes_model_advanced import ModelSamplingSD3

    planned, plan = backbones("sampling").planned_model, backbones("protocol").SamplingPlan(4, shift=5.0)
    assert planned(tiny_animate, plan).get_model_object("model_sampling").shift == 5.0
    chosen = ModelSamplingSD3().patch(tiny_animate, 3.0)[0]
    assert planned(chosen, plan).get_model_object("model_sampling").shift == 3.0
