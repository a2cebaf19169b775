"""The real ComfyUI: every node is there, the graph makes a video, refusals say what to do, interrupting leaves it usable."""

from __future__ import annotations

import struct
import threading
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest
from comfyui_server import ComfyUIServer, PromptFailed, PromptRefused
from graphs import pose_graph, subject_graph, whole_graph, write_empty_street, write_picture

ROOT = Path(__file__).resolve().parents[2]
IDS = {
    "LoadMotionVideo", "ExtractHolisticPose", "BuildSubjectLibrary", "OrientationMode", "RetargetSkeleton", "KMCSampler",
    "DistilledKMCSampler", "KMCPreflight", "KMCLoadMotion", "KMCSaveMotion",
    "KMCLoadModel", "KMCMotionConditioning",
}  # fmt: skip
FPS, SECONDS = 8, 3.0
FRAMES = round(FPS * SECONDS)
PATIENCE_S = 900  # an idle machine needs a tenth of it
FEW_FPS = 2.0  # where the frames themselves do not matter


@pytest.fixture(scope="session")
def clip(server: ComfyUIServer, performer_clip: Path) -> str:
    return server.upload(performer_clip)


@pytest.fixture(scope="session")
def picture(server: ComfyUIServer, character_picture: Path) -> str:
    return server.upload(character_picture)


def failure_of(server: ComfyUIServer, graph: dict) -> str:
    """The text a user gets for a prompt that must not run to its end."""
    with pytest.raises((PromptFailed, PromptRefused)) as refused:
        server.run(graph, timeout_s=PATIENCE_S)
    return str(refused.value)


def test_every_node_is_registered_and_the_log_is_clean(server: ComfyUIServer) -> None:
    info = server.get("/object_info")
    assert {name for name, node in info.items() if node["category"] == "KMC"} == IDS
    log = server.log()
    for bad in ("IMPORT FAILED", "Error while calling comfy_entrypoint", "Cannot import"):
        assert bad not in log


def test_the_templates_are_listed(server: ComfyUIServer) -> None:
    (listed,) = [names for folder, names in server.get("/workflow_templates").items() if "KMC" in folder]
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "example_workflows").glob("*.json")) and "first_video" in listed
    for page in IDS:
        import urllib.request

        with urllib.request.urlopen(f"{server.url}/extensions/ComfyUI-KMC/docs/{page}.md", timeout=10) as answer:
            assert answer.status == 200


def test_clip_and_picture_become_a_video_once(server: ComfyUIServer, clip: str, picture: str) -> None:
    """Frames, rate and sound of the result are the clip's; previews and progress arrive; a second run is cached."""
    graph, events = whole_graph(clip, picture, fps=FPS, seconds=SECONDS), []
    entry = server.run(graph, events.append, timeout_s=PATIENCE_S)
    path = server.output_files(entry)[0]
    with av.open(str(path)) as container:
        stream, sound = container.streams.video[0], container.streams.audio[0]
        assert stream.average_rate == FPS and stream.codec_context.name == "h264" and sound.codec_context.name == "aac"
        assert sum(1 for _ in container.decode(stream)) == FRAMES
        assert float(sound.duration * sound.time_base) == pytest.approx(SECONDS, abs=1 / FPS)
    previews = [event for event in events if event["type"] == "binary" and struct.unpack(">I", event["data"][:4])[0] == 4]
    ticks = [node["value"] for event in events if event["type"] == "progress_state"
             for node in event["data"]["nodes"].values() if node["node_id"] == "sampler"]  # fmt: skip
    assert previews and len(ticks) >= FRAMES
    report = entry["outputs"]["sampler"]["text"][0]
    assert f"{FRAMES} frames" in report

    again: list[dict] = []
    server.run(graph, again.append, timeout_s=PATIENCE_S)
    cached = {node for event in again if event["type"] == "execution_cached" for node in event["data"]["nodes"]}
    assert cached == set(graph)


def test_a_motion_that_is_not_retargeted_and_kept_images(server: ComfyUIServer, clip: str, picture: str) -> None:
    graph = whole_graph(clip, picture, fps=FEW_FPS, seconds=SECONDS, images=True)
    graph["sampler"]["class_type"] = "DistilledKMCSampler"
    for name in ("negative_prompt", "cfg_scale"):
        del graph["sampler"]["inputs"][name]
    graph["sampler"]["inputs"]["motion"] = ["pose", 0]
    graph["make"] = {"class_type": "CreateVideo", "inputs": {"images": ["sampler", 0], "fps": ["sampler", 2], "audio": ["load", 2]}}
    graph["save"]["inputs"]["video"] = ["make", 0]
    entry = server.run(graph, timeout_s=PATIENCE_S)
    with av.open(str(server.output_files(entry)[0])) as container:
        assert sum(1 for _ in container.decode(video=0)) == FEW_FPS * SECONDS
    report = entry["outputs"]["sampler"]["text"][0]
    assert "not retargeted" in report and "no distilled weights" in report


def test_images_that_were_not_kept_say_so(server: ComfyUIServer, clip: str, picture: str) -> None:
    graph = whole_graph(clip, picture, fps=FEW_FPS, seconds=SECONDS)
    graph["show"] = {"class_type": "PreviewImage", "inputs": {"images": ["sampler", 0]}}
    assert "Turn `images` on" in failure_of(server, graph)


def test_a_clip_that_is_too_short_is_refused(server: ComfyUIServer, tmp_path: Path) -> None:
    name = server.upload(write_empty_street(tmp_path / "short.mp4", 1.0))
    text = failure_of(server, pose_graph(name))
    assert "LoadMotionVideo: Choose a longer clip" in text and "1.00 s" in text and "3 to 30 s" in text


def test_a_clip_with_nobody_in_it_is_refused(server: ComfyUIServer, tmp_path: Path) -> None:
    name = server.upload(write_empty_street(tmp_path / "empty street.mp4", 3.0))
    assert "Nobody was found" in failure_of(server, pose_graph(name))


def test_a_text_file_with_a_video_s_name_is_refused(server: ComfyUIServer, tmp_path: Path) -> None:
    path = tmp_path / "not a clip.mp4"
    path.write_text("just words " * 50)
    assert "cannot be read" in failure_of(server, pose_graph(server.upload(path)))


def test_a_file_that_is_not_there_is_refused_at_once(server: ComfyUIServer) -> None:
    text = failure_of(server, pose_graph("gone.mp4"))
    assert "Choose or upload the clip again" in text and "gone.mp4" in text


def test_a_tiny_picture_is_refused(server: ComfyUIServer, tmp_path: Path) -> None:
    name = server.upload(write_picture(tmp_path / "tiny.png", 200, 250))
    text = failure_of(server, subject_graph(name))
    assert "Choose a larger picture" in text and "200x250" in text and "300 px" in text


def test_a_picture_of_nobody_is_refused_or_marked(server: ComfyUIServer, tmp_path: Path) -> None:
    name = server.upload(write_picture(tmp_path / "wall.png", 400, 500))
    assert "BuildSubjectLibrary" in failure_of(server, subject_graph(name))


def test_an_eighth_picture_is_refused(server: ComfyUIServer, picture: str) -> None:
    text = failure_of(server, subject_graph(*[picture] * 8))
    assert "1 to 7" in text and "8" in text


def test_a_long_prompt_is_refused_before_sampling(server: ComfyUIServer, clip: str, picture: str) -> None:
    text = failure_of(server, whole_graph(clip, picture, fps=FEW_FPS, seconds=SECONDS, prompt="light " * 500))
    assert "Shorten the prompt" in text and "2,500" in text


def test_a_camera_directive_with_video_orientation_is_refused(server: ComfyUIServer, clip: str, picture: str) -> None:
    graph = whole_graph(clip, picture, fps=FEW_FPS, seconds=SECONDS)
    graph["orientation"]["inputs"]["pan_deg"] = 10.0
    assert "Choose mode image" in failure_of(server, graph)


def test_interrupt_stops_within_a_step_and_the_server_goes_on(server: ComfyUIServer, clip: str, picture: str) -> None:
    """At 1080p a frame takes long enough to be interrupted; nothing half-written is left behind."""
    graph = whole_graph(clip, picture, fps=FPS, seconds=SECONDS, mode="pro", seed=7)
    ticks: list[float] = []

    def press_at_the_third_tick(event: dict) -> None:
        nodes = event["data"]["nodes"].values() if event["type"] == "progress_state" else ()
        if any(node["node_id"] == "sampler" and node["state"] == "running" and node["value"] > 0 for node in nodes):
            ticks.append(time.monotonic())
            if len(ticks) == 3:
                threading.Thread(target=server.interrupt).start()

    with pytest.raises(PromptFailed, match="interrupted"):
        server.run(graph, press_at_the_third_tick, timeout_s=PATIENCE_S)
    a_step = max(later - earlier for earlier, later in pairwise(ticks[:3]))
    assert len(ticks) < FRAMES / 2 and time.monotonic() - ticks[2] < 3 * a_step + 2
    assert not list((server.base / "temp").rglob("*.part"))
    graph["sampler"]["inputs"].update(mode="draft")
    graph["load"]["inputs"].update(fps=FEW_FPS)
    assert server.output_files(server.run(graph, timeout_s=PATIENCE_S))
