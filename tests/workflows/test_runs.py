"""Every example workflow, as shipped, runs to its end in the real server: a second of the clip, smallest size, one step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from example_graphs import CLIP, EXAMPLES, MUSIC, prompt_of, shortened
from workflow_graph import workflow_to_prompt

ROOT = Path(__file__).resolve().parents[2]
FOLDER, INPUTS = ROOT / "example_workflows", ROOT / "example_inputs"
PATIENCE_S = 900
FPS, SECONDS = 2.0, 1.0
FRAMES = round(FPS * SECONDS)


@pytest.fixture(scope="session")
def object_info(server: object) -> dict:
    return server.get("/object_info")


def shipped(name: str, object_info: dict) -> dict[str, dict]:
    return workflow_to_prompt(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), object_info)


@pytest.fixture(scope="session")
def run(server: object, object_info: dict) -> Callable[[str], dict]:
    """Runs a shipped workflow, shortened; gives its history entry."""
    return lambda name: server.run(shortened(shipped(name, object_info), FPS, SECONDS), timeout_s=PATIENCE_S)


def videos(server: object, entry: dict) -> list[Path]:
    """Files in the output folder, temporary ones left out."""
    return [path for path in server.output_files(entry) if path.is_relative_to(server.base / "output")]


def frames_of(path: Path) -> tuple[int, float, float]:
    """Frames, rate and seconds of sound."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        sound = container.streams.audio[0] if container.streams.audio else None
        seconds = float(sound.duration * sound.time_base) if sound and sound.duration else 0.0
        return sum(1 for _ in container.decode(stream)), float(stream.average_rate), seconds


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_file_is_its_graph(name: str, object_info: dict) -> None:
    """Remade by scripts/make_workflows.py after a change of scripts/example_graphs.py."""
    prompt, numbers = shipped(name, object_info), {}
    for number, node in enumerate(EXAMPLES[name].graph, 1):
        numbers[node] = str(number)
    assert set(prompt) == set(numbers.values())
    for node, wanted in prompt_of(EXAMPLES[name].graph).items():
        there = prompt[numbers[node]]
        assert there["class_type"] == wanted["class_type"]
        for key, value in wanted["inputs"].items():
            expected = [numbers[value[0]], value[1]] if isinstance(value, list) else value
            assert there["inputs"][key] == expected, (node, key)


def test_every_workflow_needs_only_core_and_this_pack(object_info: dict) -> None:
    for path in sorted(FOLDER.glob("*.json")):
        for node in workflow_to_prompt(json.loads(path.read_text(encoding="utf-8")), object_info).values():
            module = object_info[node["class_type"]]["python_module"]
            assert module == "nodes" or module.startswith(("comfy_extras.", "custom_nodes.ComfyUI-KMC")), (path.name, node["class_type"])


def test_the_files_that_workflows_name_are_there_after_the_first_start(server: object) -> None:
    """They were copied when the pack was loaded; a combo offers them, so nothing has to be chosen before the first run."""
    for path in INPUTS.glob("kmc_*"):
        assert (server.base / "input" / path.name).read_bytes() == path.read_bytes()
    info = server.get("/object_info/LoadImage")["LoadImage"]["input"]["required"]["image"]
    assert "kmc_character.jpg" in (info[1].get("options") or info[0])


TO_A_VIDEO = ("first_video", "distilled_fast", "image_orientation_with_camera", "replace_background")


@pytest.mark.parametrize("name", TO_A_VIDEO)
def test_clip_and_picture_become_a_video(server: object, run: Callable[[str], dict], name: str) -> None:
    (path,) = videos(server, run(name))
    frames, rate, seconds = frames_of(path)
    assert (frames, rate) == (FRAMES, FPS) and seconds == pytest.approx(SECONDS, abs=0.05)


def sound_of(path: Path) -> np.ndarray:
    """The first 0.8 s as one channel at 48 kHz."""
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=48000)
    with av.open(str(path)) as container:
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts)[:38400]


def test_mixed_sound_holds_the_clip_s_beat_and_the_music(server: object, run: Callable[[str], dict]) -> None:
    (path,) = videos(server, run("keep_and_mix_audio"))
    assert frames_of(path)[:2] == (FRAMES, FPS)
    mixed, own, music = sound_of(path), sound_of(INPUTS / CLIP), sound_of(INPUTS / MUSIC)
    assert 0.3 < np.corrcoef(mixed, own)[0, 1] < 0.98
    assert np.abs(mixed - own).max() > 0.01 and np.abs(music).max() > 0.01


def test_several_views_need_no_clip(server: object, run: Callable[[str], dict]) -> None:
    (path,) = videos(server, run("several_views"))
    assert frames_of(path)[0] >= 2


def test_the_character_alone_is_transparent(server: object, run: Callable[[str], dict]) -> None:
    (path,) = videos(server, run("transparent_character_for_compositing"))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.metadata.get("alpha_mode") == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [packet for packet in container.demux(stream) if packet.size]
        frames = [frame for packet in packets for frame in decoder.decode(packet)]
    assert len(frames) == FRAMES
    alpha = frames[0].to_ndarray(format="rgba")[..., 3]
    middle = alpha[alpha.shape[0] // 2, alpha.shape[1] // 2]
    assert middle > 200 and alpha[4, 4] < 30 and alpha[-4, 4] < 30


def test_twice_the_size_and_twice_the_frames(server: object, run: Callable[[str], dict]) -> None:
    """The stand-in upscaler doubles (the real one makes four times), and the workflow halves: the size stays."""
    (path,) = videos(server, run("upscale_and_interpolate"))
    frames, rate, seconds = frames_of(path)
    assert (frames, rate) == (2 * FRAMES - 1, 2 * FPS) and seconds > 0


def test_a_pose_leaves_as_video_keypoints_and_skeleton(server: object, run: Callable[[str], dict]) -> None:
    entry = run("pose_only_export")
    (path,) = videos(server, entry)
    assert frames_of(path)[:2] == (FRAMES, FPS)
    saved = sorted((server.base / "output" / "kmc").glob("pose*"))
    assert {file.suffix for file in saved} == {".json", ".bvh"}
    frames = json.loads(next(file for file in saved if file.suffix == ".json").read_text())
    assert len(frames if isinstance(frames, list) else frames["frames"]) == FRAMES


def test_a_batch_makes_a_video_of_each_character(server: object, object_info: dict) -> None:
    """Two of the three, for the sake of time."""
    prompt = shortened(shipped("batch_over_characters", object_info), FPS, SECONDS)
    (characters,) = (node for node in prompt.values() if node["class_type"] == "CreateList")
    del characters["inputs"]["inputs.input2"]
    paths = videos(server, server.run(prompt, timeout_s=PATIENCE_S))
    assert len(paths) == 2 and {frames_of(path)[0] for path in paths} == {FRAMES}
