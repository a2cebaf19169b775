"""Batches over two real servers: one is killed half-way, the batch itself is killed, and still nothing is missing or done twice."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from comfyui_server import ComfyUIServer
from environment import find_comfyui
from graphs import whole_graph

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache" / "models"
PATIENCE_S = 900
MOTIONS = ("walk", "wave", "clap", "nod")


@pytest.fixture(scope="module")
def two_servers(server: ComfyUIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ComfyUIServer]]:
    """The session's server and one more, which is there to be killed."""
    second = ComfyUIServer(find_comfyui(), tmp_path_factory.mktemp("server"), models=MODELS)
    try:
        yield [server, second]
    finally:
        second.stop()


@pytest.fixture(scope="module")
def motions() -> list[str]:
    from kmc_core.motion.library import library_entries

    return [next(entry.label for entry in library_entries() if word in entry.label.lower()) for word in MOTIONS]


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """A library motion of a few frames on the character, without the network: seconds for a job."""
    graph = whole_graph("", "", network_strength=0.0)
    graph["pose"] = {"class_type": "KMCLoadMotion", "inputs": {"motion": "", "seconds": 0.2, "speed": 1.0, "mirror": False}}
    del graph["load"]
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(graph))
    return path


def command(jobs: Path, out: Path, workflow: Path, servers: list[ComfyUIServer], *more: str) -> list[str]:
    urls = [part for server in servers for part in ("--server", server.url)]
    return [sys.executable, str(ROOT / "scripts" / "batch.py"), str(jobs), "--out", str(out), "--workflow", str(workflow), *urls, *more]


def journal(out: Path, state: str) -> list[dict]:
    path = out / "batch_journal.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line for line in map(json.loads, lines) if line["state"] == state]


def wait_for(condition: object, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.1)


def saved_videos(server: ComfyUIServer) -> int:
    return len(list((server.base / "output").rglob("*.mp4")))


def test_a_killed_batch_goes_on_where_it_was(
    two_servers: list[ComfyUIServer], motions: list[str], workflow: Path, character_picture: Path, tmp_path: Path
) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_text(json.dumps({"character": str(character_picture), "motion": motions[0], "KMCLoadMotion.speed": [1.5, 2.0, 2.5]}))
    server = two_servers[0]
    before = saved_videos(server)
    line = command(jobs, out, workflow, [server])
    first = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: len(journal(out, "submitted")) >= 1, first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode == 0, second.stdout + second.stderr
    assert len(list(out.glob("*.mp4"))) == 3 and not list(out.glob("*.part"))
    assert saved_videos(server) - before == 3, "a job was done twice"


def test_twelve_jobs_on_two_servers_one_of_which_is_killed(
    two_servers: list[ComfyUIServer], motions: list[str], workflow: Path, character_picture: Path, tmp_path: Path
) -> None:
    from kmc_core.media.production_record import read_record

    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    with jobs.open("w", newline="") as file:
        csv.writer(file).writerows([("character", "motion", "seed"), (character_picture, "|".join(motions), "1|2|3")])
    line = command(jobs, out, workflow, two_servers)
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: len(journal(out, "done")) >= 5 and two_servers[1].url in {line["server"] for line in journal(out, "done")}, process)
    two_servers[1].process.kill()
    text, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, text
    assert "12 jobs: 12 done" in text
    done = Counter(line["job"] for line in journal(out, "done"))
    assert len(done) == 12 and set(done.values()) == {1}
    videos = sorted(out.glob("*.mp4"))
    assert len(videos) == 12 and not list(out.glob("*.part"))
    assert {entry["server"] for entry in journal(out, "done")} == {server.url for server in two_servers}
    made = {(record["settings"]["seed"], record["content"]["motion"]) for record in map(read_record, videos)}
    assert len(made) == 12

    resumed = subprocess.run(command(jobs, out, workflow, two_servers[:1]), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert resumed.returncode == 0 and "12 jobs: 12 done before" in resumed.stdout, resumed.stdout + resumed.stderr
    prompts = [line for line in (out / "batch_requests.log").read_text().splitlines() if '"path": "/prompt"' in line]
    assert 12 <= len(prompts) <= 14 and all('"job"' in line and '"server"' in line and '"attempt"' in line for line in prompts)


def test_nothing_is_started_when_something_is_wrong(
    two_servers: list[ComfyUIServer], motions: list[str], workflow: Path, character_picture: Path, tmp_path: Path
) -> None:
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    small = tmp_path / "words.png"
    small.write_text("just words")
    rows = [
        {"character": str(character_picture), "motion": "no such motion"},
        {"character": str(character_picture), "motion": motions[0], "steps": 1000},
        {"character": str(small), "motion": motions[0], "name": "words"},
        {"character": str(character_picture), "motion": motions[0], "colour": "red"},
    ]
    jobs.write_text("\n".join(map(json.dumps, rows)))
    gone = "http://127.0.0.1:9"
    answer = subprocess.run(
        [*command(jobs, out, workflow, two_servers[:1]), "--server", gone], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert answer.returncode == 2 and not list(out.glob("*.mp4"))
    for text in ("no such motion", "steps is 1000", "This is not a picture", "no node of the workflow has the input colour", gone):
        assert text in answer.stderr, answer.stderr
    jobs.write_text(json.dumps({"character": str(character_picture), "motion": motions}))
    answer = subprocess.run(command(jobs, out, workflow, two_servers[:1], "--dry-run"), capture_output=True, text=True, check=False)
    assert answer.returncode == 0 and "4 jobs: 4 waiting (dry run)" in answer.stdout, answer.stdout + answer.stderr
    assert not journal(out, "submitted")
