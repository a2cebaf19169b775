"""Makes the pictures of the workflows for linked models: what each model is shown, since the models themselves are not shipped.

python scripts/make_linked_model_pictures.py     a minute; KMC Nano's own window is really sampled
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from environment import CACHE, ROOT, run_in_venv
from example_graphs import CHARACTERS, CLIP, SIDES

FOLDER, INPUTS = ROOT / "example_workflows", ROOT / "example_inputs"
HEIGHT, GAP, QUALITY, PAPER, WIDEST_PX = 400, 4, 80, 245, 1200
FPS, MOMENT, FRAMES = 4.0, 8, 12
BLUE, TINT = (30, 60, 255), 0.45
STEPS, SHIFT, GRAIN_PX = 6, 5.0, 8


def loaded_pack() -> ModuleType:
    """The pack as ComfyUI loads it, in this process, on the CPU."""
    sys.path.insert(0, os.environ["COMFYUI_DIR"])
    from comfy.cli_args import args

    args.cpu = True
    name = str(ROOT).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    pack = importlib.util.module_from_spec(spec)
    sys.modules[name] = pack
    spec.loader.exec_module(pack)
    return pack


class Scene:
    """The example clip on the example character, and jobs of linked models on them."""

    def __init__(self, pack: ModuleType) -> None:
        def part(name: str) -> ModuleType:
            return importlib.import_module(f"{pack.__name__}.{name}")

        from demo_inputs import fetch_pose_weights

        self.part = part
        fetch_pose_weights(CACHE / "models")
        extractor = part("kmc_core.pose.extractor").HolisticExtractor(CACHE / "models" / "kmc" / part("kmc_core.pose.weights").WEIGHTS_FOLDER_NAME)
        self.clip = part("kmc_core.media.clip").open_clip(INPUTS / CLIP, duration_s=FRAMES / FPS, fps=FPS)
        pictures = [part("kmc_core.media.picture").read_picture(INPUTS / name) for name in (CHARACTERS[0], *SIDES[:2])]
        self.subject = part("kmc_core.subject.library").build_subject(pictures, extractor)
        self.motion = part("kmc_core.motion.retarget").retarget(extractor.track(self.clip), self.subject)

    def job(self, multiple: int) -> object:
        """A job at a height of about HEIGHT; multiple: of the sides."""
        types, protocol = self.part("kmc_core.types"), self.part("nodes.backbones.protocol")
        shape = self.subject.primary_view.canvas
        facts = protocol.BackboneFacts(name="picture", window_length=5, size_multiple=multiple)
        canvas = facts.fitted(types.Canvas(HEIGHT, round(HEIGHT * shape.width / shape.height)))
        return protocol.BackboneJob(self.motion, self.subject, canvas, protocol.LinkedModels(None), protocol.SamplingPlan(steps=1))


def shown(image: object) -> object:
    """IMAGE [H,W,3] -> uint8 RGB."""
    return (image.clamp(0, 1) * 255).round().byte().numpy()


def beside(*pictures: object) -> object:
    """Pictures in a row, all HEIGHT high."""
    import cv2
    import numpy as np

    scaled = [cv2.resize(picture, (round(picture.shape[1] * HEIGHT / len(picture)), HEIGHT), interpolation=cv2.INTER_AREA) for picture in pictures]
    line = np.full((HEIGHT, GAP, 3), PAPER, np.uint8)
    return np.concatenate([part for picture in scaled for part in (picture, line)][:-1], axis=1)


def tinted(picture: object, mask: object) -> object:
    """A picture with the identity colour where its mask is blue."""
    import numpy as np

    inside = ((mask[..., 2] > 0) & (mask[..., 0] == 0)).numpy()[..., None]
    return np.where(inside, picture * (1 - TINT) + np.array(BLUE) * TINT, picture).astype(np.uint8)


def what_wan_animate_sees(scene: Scene) -> object:
    pictures = scene.part("nodes.backbones.pictures").JobPictures(scene.job(16))
    faces = pictures.faces([MOMENT])
    parts = [pictures.driver([MOMENT])[0], pictures.skeletons([MOMENT])[0], *([] if faces is None else [faces[0]]), pictures.reference()[0]]
    return beside(*(shown(part) for part in parts))


def what_scail2_sees(scene: Scene) -> object:
    scail2, job = scene.part("nodes.backbones.scail2"), scene.job(32)
    backbone = scail2.Scail2(job, scail2.FACTS)
    backbone.references, backbone.reference_masks = scail2.reference_views(job)
    window = scene.part("kmc_core.sampling.windows").Window(MOMENT, MOMENT + 1, 0)
    given = backbone.inputs(window, 1)
    references = zip(given["reference_image"], given["reference_image_mask"], strict=True)
    return beside(tinted(shown(given["pose_video"][0]), given["pose_video_mask"][0]), *(tinted(shown(image), mask) for image, mask in references))


def few_steps(scene: Scene) -> object:
    """The noise that is left before each of six steps at shift 5, on a frame of the re-posed picture."""
    import torch

    frame = torch.from_numpy(window_of_nano(scene, 1)[0]).float() / 255
    levels = [1 - step / STEPS for step in range(STEPS + 1)]
    grain = torch.randn(1, 3, frame.shape[0] // GRAIN_PX + 1, frame.shape[1] // GRAIN_PX + 1, generator=torch.Generator().manual_seed(0))
    grain = torch.nn.functional.interpolate(grain, scale_factor=GRAIN_PX)[0].permute(1, 2, 0)[: frame.shape[0], : frame.shape[1]]
    noise = grain * 0.2 + 0.5
    left = [SHIFT * level / (1 + (SHIFT - 1) * level) for level in levels]
    return beside(*(shown(noise * share + frame * (1 - share)) for share in left[1:]))


def window_of_nano(scene: Scene, count: int) -> list:
    """Frames of one window, really sampled by SamplerCustomAdvanced; uint8 [H,W,3]."""
    import nodes
    import torch
    from comfy_extras import nodes_custom_sampler as custom

    load, condition = scene.part("nodes.load_model").KMCLoadModel, scene.part("nodes.motion_conditioning").KMCMotionConditioning
    with torch.inference_mode():
        model, vae = load.execute("KMC Nano (built in)").result
        told = condition.execute(model, scene.motion, scene.subject, "", first_frame=MOMENT - 4, frame_count=8).result
        guider = custom.CFGGuider.execute(model, told[0], told[1], 1.0).result[0]
        levels = custom.BasicScheduler.execute(model, "simple", 2, 1.0).result[0]
        walk = custom.KSamplerSelect.execute("euler").result[0]
        latent = custom.SamplerCustomAdvanced.execute(custom.Noise_RandomNoise(0), guider, walk, levels, told[2]).result[0]
        images = nodes.VAEDecode().decode(vae, latent)[0]
    return [shown(image) for image in images][4 : 4 + count]


def main() -> int:
    run_in_venv(Path(__file__).resolve())
    import cv2

    scene = Scene(loaded_pack())
    made = {
        "wan_animate": what_wan_animate_sees(scene), "scail2_multi_reference": what_scail2_sees(scene),
        "distilled_lora": few_steps(scene), "kmc_model_in_comfyui_sampler": beside(*window_of_nano(scene, 4)),
    }  # fmt: skip
    for name, picture in made.items():
        ratio = min(1.0, WIDEST_PX / picture.shape[1])
        picture = cv2.resize(picture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(FOLDER / f"{name}.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        print(name, picture.shape, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
