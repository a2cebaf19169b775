"""The workflows for linked models run as shipped, on tiny random models under the files' names."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from comfyui_server import PromptRefused
from example_graphs import shortened
from linked_models import with_tiny_text
from workflow_graph import nodes_of_type, workflow_to_prompt

FOLDER = Path(__file__).resolve().parents[2] / "example_workflows"
PATIENCE_S = 900
FPS, SECONDS = 2.0, 1.0
ONE_STEP = {"preset": "as set", "steps": 1, "cfg_scale": 0.0}


@pytest.fixture(scope="module")
def object_info(server: object) -> dict:
    return server.get("/object_info")


def prompt_of_file(name: str, object_info: dict, **sampler: object) -> dict[str, dict]:
    """The shipped workflow on a second of the clip; sampler: changes of KMC Sampler's inputs."""
    prompt = workflow_to_prompt(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), object_info)
    prompt = with_tiny_text(shortened(prompt, FPS, SECONDS))
    for node in nodes_of_type(prompt, "KMCSampler"):
        prompt[node]["inputs"].update(sampler)
    return prompt


def run(server: object, prompt: dict[str, dict]) -> tuple[Path, str]:
    """(video, report)"""
    entry = server.run(prompt, timeout_s=PATIENCE_S)
    (video,) = [path for path in server.output_files(entry) if path.is_relative_to(server.base / "output")]
    (sampler,) = nodes_of_type(prompt, "KMCSampler")
    return video, entry["outputs"][sampler]["text"][0]


def frames_and_sound(path: Path) -> tuple[int, float, bool]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sum(1 for _ in container.decode(stream)), float(stream.average_rate), bool(container.streams.audio)


@pytest.mark.parametrize(("name", "model"), [("wan_animate", "Wan2.2-Animate"), ("scail2_multi_reference", "SCAIL-2")])
def test_a_linked_model_makes_the_clip_s_frames(server: object, object_info: dict, name: str, model: str) -> None:
    video, report = run(server, prompt_of_file(name, object_info, **ONE_STEP))
    assert frames_and_sound(video) == (round(FPS * SECONDS), FPS, True)
    assert f"{model}, 1 steps" in report and "Prompt given to the model" in report
    assert ("3 reference pictures" in report) == (name == "scail2_multi_reference")


def test_the_distillation_lora_is_recognised(server: object, object_info: dict) -> None:
    video, report = run(server, prompt_of_file("distilled_lora", object_info))
    assert frames_and_sound(video)[0] == round(FPS * SECONDS)
    assert "SCAIL-2, 6 steps, cfg 1" in report and "because of lightx2v" in report


def test_without_a_vae_the_remedy_is_named(server: object, object_info: dict) -> None:
    prompt = prompt_of_file("wan_animate", object_info, **ONE_STEP)
    (sampler,) = nodes_of_type(prompt, "KMCSampler")
    del prompt[sampler]["inputs"]["vae"]
    with pytest.raises((RuntimeError, PromptRefused), match="Link Load VAE with wan_2.1_vae"):
        server.run(prompt, timeout_s=PATIENCE_S)


def test_nano_runs_in_comfyui_s_own_sampler(server: object, object_info: dict) -> None:
    entry = server.run(prompt_of_file("kmc_model_in_comfyui_sampler", object_info), timeout_s=PATIENCE_S)
    pictures = [path for path in server.output_files(entry) if path.suffix == ".png" and path.is_relative_to(server.base / "output")]
    assert len(pictures) == round(FPS * SECONDS)
