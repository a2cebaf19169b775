"""The example workflows, read as files: no dangling link, no overlap, a note, a picture for the template browser."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "example_workflows"
WORKFLOWS = sorted(FOLDER.glob("*.json"))
NEED_FOREIGN_MODELS = {"KMCLoadModel", "KMCMotionConditioning"}
def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_first_video_is_there() -> None:
    assert FOLDER / "first_video.json" in WORKFLOWS
    assert not [path for path in FOLDER.iterdir() if path.is_dir()]  # ComfyUI lists the flat folder only


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_says_what_to_do(path: Path) -> None:
    workflow = read(path)
    assert not workflow.get("definitions", {}).get("subgraphs")
    notes = [node["widgets_values"][0] for node in workflow["nodes"] if node["type"] == "MarkdownNote"]
    assert notes and len(notes[0]) > 100


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_link_exists_at_both_ends(path: Path) -> None:
    workflow = read(path)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    links = {link[0]: link for link in workflow["links"]}
    for identity, source, output, target, slot, kind in workflow["links"]:
        assert identity in nodes[source]["outputs"][output]["links"], identity
        entry = nodes[target]["inputs"][slot]
        assert entry["link"] == identity and kind in nodes[source]["outputs"][output]["type"]
    for node in workflow["nodes"]:
        for entry in node.get("inputs", []):
            assert entry.get("link") is None or entry["link"] in links
        for entry in node.get("outputs", []):
            assert set(entry.get("links") or ()) <= set(links)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nodes_do_not_lie_on_each_other(path: Path) -> None:
    boxes = [(*node["pos"], *node["size"], node["id"]) for node in read(path)["nodes"]]
    for index, (x, y, width, height, identity) in enumerate(boxes):
        for other_x, other_y, other_width, other_height, other in boxes[index + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x or y + height <= other_y or other_y + other_height <= y
            assert apart, f"nodes {identity} and {other}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_has_a_picture_of_the_same_name(path: Path) -> None:
    with av.open(str(path.with_suffix(".jpg"))) as picture:
        frame = next(picture.decode(video=0))
    assert 300 <= frame.width <= 1200 and path.with_suffix(".jpg").stat().st_size < 100_000


def test_every_node_of_the_pack_is_used_by_a_workflow() -> None:
    schema = json.loads((ROOT / "tests" / "nodes" / "schema.json").read_text(encoding="utf-8"))
    used = {node["type"] for path in WORKFLOWS for node in read(path)["nodes"]}
    assert set(schema) <= used | NEED_FOREIGN_MODELS
