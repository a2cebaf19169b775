"""The template in the real frontend, opened as a user opens it, in both node renderers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphs import subject_graph, write_picture
from visiting import choose_renderer
from workflow_graph import workflow_to_prompt

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "example_workflows" / "first_video.json"
RENDERERS = ["canvas", "vue"]
MISSING = "() => app.graph._nodes.filter(node => !(node.type in LiteGraph.registered_node_types) || node.has_errors).map(node => node.type)"


@pytest.fixture
def inputs(server: object, performer_clip: Path, character_picture: Path) -> None:
    """The files the template names lie in the input folder."""
    server.upload(performer_clip)
    server.upload(character_picture)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_the_template_opens_by_clicks(server: object, inputs: None, visit: object, renderer: str) -> None:
    page = visit.page
    choose_renderer(page, renderer)
    page.get_by_role("button", name="Templates").first.click()
    page.get_by_text("Extensions", exact=True).first.click()
    page.get_by_text("first_video", exact=False).first.click()
    page.wait_for_function("() => app.graph._nodes.some(node => node.type === 'KMCSampler')")
    assert page.evaluate(MISSING) == []
    in_browser = page.evaluate("async () => (await app.graphToPrompt()).output")
    ours = workflow_to_prompt(json.loads(TEMPLATE.read_text()), server.get("/object_info"))
    for node in in_browser.values():
        node["inputs"].pop("video-preview", None)  # the browser's own widget; it is there once the preview has loaded
    assert {name: node["inputs"] for name, node in ours.items()} == {name: node["inputs"] for name, node in in_browser.items()}
    assert visit.problems == [] and visit.outside == []


@pytest.fixture
def tiny_picture(server: object, tmp_path: Path) -> str:
    return server.upload(write_picture(tmp_path / "tiny.png", 120, 130))


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_refusal_is_shown_with_its_remedy(tiny_picture: str, visit: object, renderer: str) -> None:
    page = visit.page
    choose_renderer(page, renderer)
    page.evaluate("prompt => app.loadApiJson(prompt, 'refused')", subject_graph(tiny_picture))
    page.get_by_role("button", name="Run", exact=True).first.click()
    page.get_by_text("Choose a larger picture", exact=False).first.wait_for()
    assert visit.problems == [] and visit.outside == []


def test_help_pages_and_labels_are_served(server: object, visit: object) -> None:
    page = visit.page
    text = page.evaluate("async () => (await fetch('/extensions/ComfyUI-KMC/docs/KMCSampler.md')).text()")
    assert text.startswith("# KMC Sampler")
    labels = page.evaluate("async () => (await (await fetch('/i18n')).json()).en.nodeDefs.KMCSampler")
    assert labels["inputs"]["cfg_scale"]["name"] == "prompt strength (cfg)"
