"""The production record in the real ComfyUI: everything is in it, it lies beside and in the video, and running it again is identical."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from comfyui_server import ComfyUIServer
from graphs import whole_graph

ROOT = Path(__file__).resolve().parents[2]
RIGHTS = {"clip_source": "rendered by this project", "character_source": "drawn by this project"}
PATIENCE_S = 900


@pytest.fixture(scope="module")
def finished(server: ComfyUIServer, performer_clip: Path, character_picture: Path) -> dict:
    """One run of six frames: its graph, history entry, saved video and record."""
    graph = whole_graph(server.upload(performer_clip), server.upload(character_picture), fps=2.0, seconds=3.0, seed=11, prompt="a cartoon", **RIGHTS)
    entry = server.run(graph, timeout_s=PATIENCE_S)
    noted = entry["outputs"]["sampler"]["record"][0]
    path = server.base / noted["type"] / noted["subfolder"] / noted["filename"]
    return {"graph": graph, "path": path, "video": server.output_files(entry)[0], "record": json.loads(path.read_text())}


def reproduce(server: ComfyUIServer, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "reproduce.py"), *map(str, arguments), "--server", server.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_the_record_says_what_the_video_was_made_from(finished: dict, performer_clip: Path, character_picture: Path) -> None:
    record = finished["record"]
    assert record["rights"] == RIGHTS and record["prompt"] == finished["graph"]
    hashes = {entry["input"]: entry["sha256"] for entry in record["files"]}
    for name, path in (("LoadMotionVideo.file", performer_clip), ("LoadImage.image", character_picture)):
        assert hashes[name] == hashlib.sha256(path.read_bytes()).hexdigest()
    models = {entry["name"]: entry["sha256"] for entry in record["models"]}
    for weights in (ROOT / "kmc_core" / "weights" / name for name in ("kmc_nano.safetensors", "kmc_style.safetensors")):
        assert models[weights.name] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert "pose_landmark_full.tflite" in models
    assert {"name": "KMCSampler.seed", "value": 11} in record["seeds"]
    assert record["settings"]["mode"] == "draft" and record["settings"]["seed"] == 11
    assert {"pack", "pack_code", "torch", "comfyui", "python", "platform"} <= set(record["versions"])
    assert all(record["content"][part] for part in ("motion", "subject", "clip"))
    assert record["frames"]["count"] == 6 and record["seconds"]["sampling"] > 0
    assert record["findings"], "five frames per second and less is a finding"


def test_the_record_is_in_the_video_too_and_survives_saving(finished: dict) -> None:
    from kmc_core.media.production_record import decoded_sha256, read_record

    assert read_record(finished["video"]) == finished["record"] == read_record(finished["path"].with_suffix("").with_suffix(".mp4"))
    assert decoded_sha256(finished["video"]) == finished["record"]["frames"]["decoded_sha256"]


def test_running_the_record_again_gives_identical_frames_twice(server: ComfyUIServer, finished: dict, tmp_path: Path) -> None:
    """Once from the JSON, once from the saved video alone on a server that has lost the clip."""
    answer = reproduce(server, finished["path"])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "IDENTICAL: 6 frames" in answer.stdout and "What differs" not in answer.stdout
    name = next(entry["name"] for entry in finished["record"]["files"] if entry["input"] == "LoadMotionVideo.file")
    kept = tmp_path / name
    shutil.move(server.base / "input" / name, kept)
    try:
        assert "Name its folder with --inputs" in reproduce(server, finished["video"]).stderr
        answer = reproduce(server, finished["video"], "--inputs", tmp_path)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "IDENTICAL: 6 frames" in answer.stdout and "What differs" not in answer.stdout
    finally:
        shutil.copyfile(kept, server.base / "input" / name)


def test_what_is_no_record_cannot_be_run(server: ComfyUIServer, performer_clip: Path) -> None:
    answer = reproduce(server, performer_clip)
    assert answer.returncode == 2 and "holds no production record" in answer.stderr
