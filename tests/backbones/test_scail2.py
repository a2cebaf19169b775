"""SCAIL-2 through the samplers equals ComfyUI's own graph: same keys, same values, same frames, for any length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

CANVAS = (64, 96)
LENGTHS = (1, 4, 5, 76, 77, 78, 81, 154, 155, 300)


class Scene:
    """Everything one job needs, and the stock graph for the same job."""

    def __init__(self, backbones: Callable, core: Callable, performance: Callable, model: object, vae: object, prompt: list) -> None:
        self.scail2, self.protocol, self.windows = backbones("scail2"), backbones("protocol"), backbones("windows")
        self.core, self.performance, self.model, self.vae, self.prompt = core, performance, model, vae, prompt
        self.negative = [[torch.zeros_like(prompt[0][0]), {}]]
        self.made: dict[int, tuple] = {}

    def job(self, frames: int, **changes: object) -> object:
        if frames not in self.made:
            self.made[frames] = self.performance(frames, height=CANVAS[0], width=CANVAS[1])
        motion, subject = self.made[frames]
        models = self.protocol.LinkedModels(self.model, self.vae, self.prompt, self.negative)
        plan = self.protocol.SamplingPlan(steps=1, shift=5.0)
        canvas = self.core("types").Canvas(*CANVAS)
        return self.protocol.BackboneJob(**{"motion": motion, "subject": subject, "canvas": canvas, "models": models, "plan": plan,
                                            "seed": 11, **changes})  # fmt: skip

    def backbone(self, job: object, window: int = 0) -> object:
        made = self.scail2.build(job, self.scail2.FACTS.with_windows(window))
        made.prepare()
        return made

    def frames(self, job: object, window: int = 0) -> np.ndarray:
        return np.stack(list(self.windows.WindowRun(self.backbone(job, window)).frames()))

    def stock_inputs(self, job: object, replaces: bool = False) -> dict[str, object]:
        """What a user would link to WanSCAILToVideo: the whole clip and flat masks, made without the code under test."""
        clip = torch.from_numpy(np.stack(list(job.motion.source.frames()))).float() / 255
        person = torch.from_numpy(job.motion.matte > 127)
        blue, one, nothing = torch.tensor([0.0, 0.0, 1.0]), torch.ones(3), torch.zeros(3)
        view = job.subject.primary_view
        inside = torch.from_numpy(view.alpha > 0.5)[None]
        return {
            "pose_video": clip, "pose_video_mask": torch.where(person[..., None], blue, one if replaces else nothing),
            "reference_image": torch.from_numpy(view.picture).float()[None] / 255,
            "reference_image_mask": torch.where(inside[..., None], blue, nothing if replaces else one), "replacement_mode": replaces,
        }  # fmt: skip

    def stock_window(self, job: object, inputs: dict, length: int, seed: int, offset: int = 0, before: torch.Tensor | None = None) -> tuple:
        """(IMAGE, next offset) of ModelSamplingSD3, WanSCAILToVideo, KSampler and VAEDecode."""
        import nodes
        from comfy_extras.nodes_model_advanced import ModelSamplingSD3
        from comfy_extras.nodes_scail import WanSCAILToVideo

        model = ModelSamplingSD3().patch(self.model, 5.0)[0]
        positive, negative, latent, following = WanSCAILToVideo.execute(
            self.prompt, self.negative, self.vae, CANVAS[1], CANVAS[0], length, 1, 1.0, 0.0, 1.0, offset, 5,
            previous_frames=before, **inputs,
        ).result  # fmt: skip
        samples = nodes.common_ksampler(model, seed, 1, 1.0, "euler", "simple", positive, negative, latent)[0]
        return nodes.VAEDecode().decode(self.vae, samples)[0], following


@pytest.fixture(scope="module")
def scene(backbones: Callable[[str], ModuleType], core: Callable, performance: Callable, tiny_scail2: object, tiny_vae: object,
          prompt_features: list) -> Scene:  # fmt: skip
    return Scene(backbones, core, performance, tiny_scail2, tiny_vae, prompt_features)


def as_bytes(images: torch.Tensor) -> np.ndarray:
    return (images.clamp(0, 1) * 255).round().byte().numpy()


@pytest.mark.parametrize("background", ["picture", "driver"])
def test_one_window_equals_the_stock_graph_bit_for_bit(scene: Scene, background: str) -> None:
    job = scene.job(9, background=background)
    images, _ = scene.stock_window(job, scene.stock_inputs(job, background == "driver"), 9, seed=11)
    made = scene.frames(job)
    assert np.array_equal(made, as_bytes(images)) and made.std() > 1


def test_several_windows_equal_the_graph_queued_by_hand(scene: Scene) -> None:
    """13 frames, then twice 8 new ones that continue from the last 5."""
    job = scene.job(29)
    inputs, kept, offset, before = scene.stock_inputs(job), [], 0, None
    for number in range(3):
        images, offset = scene.stock_window(job, inputs, 13, 11 + number, offset, before)
        kept.append(images if before is None else images[5:])
        before = images if before is None else torch.cat([before, images[5:]])
    made = scene.frames(job, window=13)
    assert made.shape[0] == 29 and np.array_equal(made, as_bytes(torch.cat(kept)))


@pytest.mark.parametrize("length", LENGTHS)
def test_frames_out_are_frames_in(scene: Scene, length: int) -> None:
    small = scene.core("types").Canvas(32, 32)
    assert scene.frames(scene.job(length, canvas=small)).shape == (length, *small, 3)


def test_every_conditioning_key_has_its_shape_and_value(scene: Scene) -> None:
    job = scene.job(9)
    views = (*job.subject.views, replace(job.subject.views[0], picture=255 - job.subject.views[0].picture))
    job = replace(job, subject=replace(job.subject, views=views))
    backbone = scene.backbone(job)
    window = scene.core("sampling.windows").Window(0, 9, 0)
    made = backbone.condition(window, 9, None)
    values = made.positive[0][1]
    height, width = CANVAS[0] // 8, CANVAS[1] // 8
    assert [tuple(latent.shape) for latent in values["reference_latents"]] == [(1, 16, 1, height, width)] * 2
    assert not torch.equal(*values["reference_latents"])
    assert values["pose_video_latent"].shape == (1, 16, 3, height // 2, width // 2)
    assert values["driving_mask_28ch"].shape == (1, 3, 28, height // 2, width // 2)
    assert values["ref_mask_28ch"].shape == (1, 2 + 3, 28, height, width)
    assert values["ref_mask_flag"] is True and made.negative[0][1]["ref_mask_flag"] is True
    first_latent = values["driving_mask_28ch"][0, 0].view(4, 7, height // 2, width // 2)  # four frames of seven colours, blue the fourth
    assert first_latent[:, [0, 1, 2, 4, 5, 6]].abs().max() == 0 and first_latent[:, 3].max() == 1
    assert values["ref_mask_28ch"][0, 2:].abs().max() == 0
    reference = values["ref_mask_28ch"][0, 0].view(4, 7, height, width)
    assert torch.allclose(reference[:, 0] + reference[:, 3], torch.ones(4, height, width)), "white ground and blue character share the picture"
    assert "noise_mask" not in made.latent and made.latent["samples"].shape == (1, 16, 3, height, width)


def test_a_window_that_continues_holds_its_history_clean(scene: Scene) -> None:
    backbone = scene.backbone(scene.job(53), window=21)
    history = torch.rand(5, *CANVAS, 3)
    made = backbone.condition(scene.core("sampling.windows").Window(16, 37, 5), 21, history)
    mask = made.latent["noise_mask"]
    assert mask.shape == (1, 1, 6, CANVAS[0] // 8, CANVAS[1] // 8)
    assert mask[:, :, :2].max() == 0 and mask[:, :, 2:].min() == 1
    assert torch.equal(made.latent["samples"][:, :, :2], scene.vae.encode(history)) and made.trim_frames == 5


def test_masks_are_lossless_and_turned_round_for_replacement(scene: Scene) -> None:
    for background, ground, reference_ground in (("picture", 0.0, 1.0), ("driver", 1.0, 0.0)):
        inputs = scene.backbone(scene.job(5, background=background)).inputs(scene.core("sampling.windows").Window(0, 5, 0), 5)
        for mask, behind in ((inputs["pose_video_mask"], ground), (inputs["reference_image_mask"], reference_ground)):
            colours = {tuple(colour) for colour in mask.reshape(-1, 3).tolist()}
            assert colours == {(0.0, 0.0, 1.0), (behind,) * 3}


def test_a_linked_background_lies_behind_the_performer(scene: Scene) -> None:
    sky = np.full((*CANVAS, 3), 9, np.uint8)
    job = scene.job(5, background="image", background_image=sky)
    video = scene.backbone(job).inputs(scene.core("sampling.windows").Window(0, 5, 0), 5)["pose_video"]
    person = torch.from_numpy(job.motion.matte[:5] > 0)
    assert torch.allclose(video[~person], torch.tensor(9 / 255)) and video[person].std() > 0.1


def test_a_motion_without_its_clip_is_shown_re_posed(scene: Scene) -> None:
    job = scene.job(5)
    job = replace(job, motion=replace(job.motion, source=None))
    backbone = scene.backbone(job)
    inputs = backbone.inputs(scene.core("sampling.windows").Window(0, 5, 0), 5)
    person = inputs["pose_video_mask"][..., 2] > 0
    assert 0.02 < person.float().mean() < 0.9 and inputs["pose_video"][~person].std() < inputs["pose_video"][person].std()
    assert scene.frames(job).shape == (5, *CANVAS, 3)
    with pytest.raises(scene.core("errors").KMCError, match="Choose another background"):
        scene.backbone(replace(job, background="driver"))


def test_turning_away_from_the_driver_s_facing_leaves_the_clip(scene: Scene) -> None:
    job = scene.job(5)
    turned = replace(job, motion=replace(job.motion, provenance={**job.motion.provenance, "orientation": "image"}))
    assert scene.scail2.watches_clip(job) and not scene.scail2.watches_clip(turned)
    assert scene.scail2.watches_clip(replace(turned, background="driver"))


@pytest.mark.parametrize(("columns", "background"), [((0, 20), "picture"), ((70, 96), "driver"), ((4, 92), "image")])
def test_a_performer_at_the_edge_of_a_wide_clip_is_not_cut_off(scene: Scene, columns: tuple[int, int], background: str) -> None:
    """An upright canvas and a wide clip: the crop follows the performer, and grows for one with wide arms."""
    job = scene.job(5)
    matte = np.zeros_like(job.motion.matte)
    matte[:, 10:60, slice(*columns)] = 255
    upright = {"canvas": scene.core("types").Canvas(96, 64), "background": background, "background_image": np.zeros((9, 9, 3), np.uint8)}
    backbone = scene.backbone(replace(job, motion=replace(job.motion, matte=matte), **upright))
    inside = backbone.inputs(scene.core("sampling.windows").Window(0, 5, 0), 5)["pose_video_mask"]
    person = (inside[0, ..., 2] > 0) & (inside[0, ..., 0] == 0)
    shown = person.any(dim=0).sum() / person.any(dim=1).sum()
    assert abs(float(shown) - (columns[1] - columns[0]) / 50) < 0.08, "the performer keeps its proportions, so nothing is missing"


def test_further_views_show_the_whole_character(scene: Scene) -> None:
    """A wide view on an upright canvas: the character, at its left edge, is not cut off."""
    job = scene.job(5)
    alpha = np.zeros((60, 200), np.float32)
    alpha[5:55, 2:30] = 1
    picture = np.repeat((alpha * 200).astype(np.uint8)[..., None], 3, axis=2)
    wide = replace(job.subject.views[0], picture=picture, foreground=picture, alpha=alpha)
    job = replace(job, subject=replace(job.subject, views=(job.subject.views[0], wide)), canvas=scene.core("types").Canvas(96, 64))
    images, masks = scene.scail2.reference_views(job)
    inside = masks[1, ..., 2] * (1 - masks[1, ..., 0]) > 0
    assert images.shape == (2, 96, 64, 3)
    assert inside.any(dim=0).sum() > 30 and not inside[:, 0].any() and not inside[0].any() and not inside[-1].any()
    assert images[1][inside].mean() > 0.7 and images[1][:, 0].std() < 0.01, "beyond the picture lies one plain colour"


def test_small_weights_and_a_lora_act_on_the_frames(scene: Scene, tiny_scail2_file: object) -> None:
    import comfy.sd

    job = scene.job(5)
    whole = scene.frames(job).astype(int)
    small = comfy.sd.load_diffusion_model(str(tiny_scail2_file), {"dtype": torch.float8_e4m3fn})
    name = "diffusion_model.blocks.0.self_attn.v"
    lora = {f"{name}.lora_A.weight": torch.full((2, 256), 0.5), f"{name}.lora_B.weight": torch.full((256, 2), 0.5)}
    changed, _ = comfy.sd.load_lora_for_models(scene.model, None, lora, 1.0, 0.0)
    for model in (small, changed):
        made = scene.frames(replace(job, models=job.models._replace(model=model))).astype(int)
        assert made.shape == whole.shape and 0 < np.abs(made - whole).mean() < 64
    assert np.array_equal(scene.frames(job), whole), "the model itself stays as it was"
