"""The same batch on a local Ray with two workers. Skips where Ray is not installed: it is for clusters only."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import whole_graph
from test_batch import MOTIONS, PATIENCE_S, ROOT, journal

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (pip install ray)")


def test_four_jobs_on_two_ray_workers(server: object, character_picture: Path, tmp_path: Path) -> None:
    """`server` is here for its set-up only (pose weights); Ray starts its own two."""
    from kmc_core.motion.library import library_entries

    motions = [next(entry.label for entry in library_entries() if word in entry.label.lower()) for word in MOTIONS[:2]]
    graph = whole_graph("", "", network_strength=0.0)
    graph["pose"] = {"class_type": "KMCLoadMotion", "inputs": {"motion": "", "seconds": 0.2}}
    del graph["load"]
    (tmp_path / "workflow.json").write_text(json.dumps(graph))
    (tmp_path / "jobs.jsonl").write_text(json.dumps({"character": str(character_picture), "motion": motions, "seed": [1, 2]}))
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "scripts" / "batch.py"), str(tmp_path / "jobs.jsonl"), "--ray-workers", "2"]
    answer = subprocess.run(
        [*command, "--out", str(out), "--workflow", str(tmp_path / "workflow.json")],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert answer.returncode == 0 and "4 jobs: 4 done" in answer.stdout, answer.stdout + answer.stderr
    assert len(list(out.glob("*.mp4"))) == 4 and len({line["server"] for line in journal(out, "done")}) == 2
