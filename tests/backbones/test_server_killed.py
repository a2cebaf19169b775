"""The real server is killed in the middle of a job on Wan-Animate; queued again on a new one, the job goes on where it was."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import av
import pytest
from tiny_models import TEXT_FEATURES, write_animate, write_wan_vae

ROOT = Path(__file__).resolve().parents[2]
FRAMES, FPS = 12, 24
SMALL_AREA = 96 * 64
PROMPT_NODE = f'''
import sys
import torch
from comfy_api.latest import ComfyExtension, io

class RandomPrompt(io.ComfyNode):
    """Stands in for a text encoder of eleven gigabytes, and makes the sampler's smallest size small enough for a test."""
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="RandomPrompt", inputs=[], outputs=[io.Conditioning.Output()])
    @classmethod
    def execute(cls):
        for name, module in list(sys.modules.items()):
            if name.endswith("kmc_core.sampling.output_size"):
                module.MODE_AREAS["draft"] = {SMALL_AREA}
        return io.NodeOutput([[torch.randn(1, 12, {TEXT_FEATURES}, generator=torch.Generator().manual_seed(3)), {{}}]])

class Extension(ComfyExtension):
    async def get_node_list(self):
        return [RandomPrompt]

async def comfy_entrypoint():
    return Extension()
'''

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def base(pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's folder with tiny models, the pose weights and the stand-in for a text encoder."""
    from comfyui_server import link_folder
    from demo_inputs import fetch_pose_weights

    fetch_pose_weights(ROOT / ".cache" / "models")
    base = tmp_path_factory.mktemp("killed")
    link_folder(base / "models" / "kmc", ROOT / ".cache" / "models" / "kmc")
    write_animate(base / "models" / "diffusion_models" / "tiny_animate.safetensors")
    write_wan_vae(base / "models" / "vae" / "tiny_wan_vae.safetensors")
    (base / "custom_nodes").mkdir()
    (base / "custom_nodes" / "random_prompt.py").write_text(PROMPT_NODE)
    return base


def graph(picture: str) -> dict:
    nodes = {
        "unet": ("UNETLoader", {"unet_name": "tiny_animate.safetensors", "weight_dtype": "default"}),
        "vae": ("VAELoader", {"vae_name": "tiny_wan_vae.safetensors"}),
        "prompt": ("RandomPrompt", {}),
        "picture": ("LoadImage", {"image": picture}),
        "subject": ("BuildSubjectLibrary", {"pictures.picture_1": ["picture", 0], "name": "somebody"}),
        "motion": ("KMCLoadMotion", {"motion": "wave: Wave with one hand (3.5 s, loop)", "seconds": FRAMES / FPS}),
        "retarget": ("RetargetSkeleton", {"motion": ["motion", 0], "subject": ["subject", 0], "strength": 1.0, "framing": "fit to picture"}),
        "sampler": ("KMCSampler", {
            "motion": ["retarget", 0], "subject": ["subject", 0], "prompt": "", "negative_prompt": "", "cfg_scale": 0.0, "mode": "draft",
            "steps": 20, "motion_strength": 1.0, "seed": 5, "background": "picture", "images": False, "model": ["unet", 0],
            "vae": ["vae", 0], "positive": ["prompt", 0], "preset": "as set", "window_length": 9,
        }),
        "save": ("SaveVideo", {"video": ["sampler", 3], "filename_prefix": "resumed", "format": "auto", "codec": "auto"}),
    }  # fmt: skip
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def test_a_killed_server_s_windows_are_used_again(comfyui: Path, base: Path) -> None:
    from comfyui_server import ComfyUIServer
    from demo_inputs import default_character

    with ComfyUIServer(comfyui, base) as first:
        picture = first.upload(default_character(ROOT / ".cache" / "demo"))

        def kill(event: dict) -> None:
            stage = str((event.get("data") or {}).get("stage", "")) if event["type"] == "kmc.progress" else ""
            if stage.startswith("frames 10 to 12") and "denoising" in stage:
                os.kill(first.process.pid, signal.SIGKILL)

        with pytest.raises(Exception, match="closed the connection|reset|[Dd]isconnect"):
            first.run(graph(picture), kill, timeout_s=900)
    kept = list((base / "user").rglob("window_*.safetensors"))
    assert len(kept) == 1, first.log()[-2000:]

    with ComfyUIServer(comfyui, base) as second:
        entry = second.run(graph(picture), timeout_s=900)
        report = entry["outputs"]["sampler"]["text"][0]
        assert "2 windows, 1 of them from the run before" in report
        path = second.output_files(entry)[0]
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == FRAMES and rate == FPS
    assert all(frame.std() > 1 for frame in shown)
    assert not list((base / "user").rglob("window_*"))
