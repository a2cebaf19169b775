"""Every example workflow in the real frontend, opened as a user opens it, in both node renderers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from example_graphs import EXAMPLES
from visiting import choose_renderer
from workflow_graph import workflow_to_prompt

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "example_workflows"
MISSING = "() => app.graph._nodes.filter(node => !(node.type in LiteGraph.registered_node_types) || node.has_errors).map(node => node.type)"
RUN = """async changes => {
    for (const node of app.graph._nodes)
        for (const widget of node.widgets ?? [])
            if (widget.name in (changes[node.type] ?? {})) widget.value = changes[node.type][widget.name];
    const ended = new Promise(resolve => {
        for (const kind of ["execution_success", "execution_error", "execution_interrupted"])
            app.api.addEventListener(kind, ({ detail }) => resolve([kind, detail.exception_message ?? ""]));
    });
    await app.queuePrompt(0, 1);
    return await ended;
}"""


def saved(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def wait_for_nodes(page: object, name: str) -> None:
    page.wait_for_function(
        "([name, count]) => app.graph._nodes.length === count && app.extensionManager.workflow.activeWorkflow?.filename === name",
        arg=[name, len(saved(name)["nodes"])],
    )


def open_by_clicks(page: object, name: str) -> None:
    """Templates, Extensions, the search field, the card."""
    page.get_by_role("button", name="Templates").first.click()
    page.get_by_text("Extensions", exact=True).first.click()
    templates = page.get_by_role("dialog")
    templates.get_by_placeholder("Search").first.fill(name)
    templates.get_by_text(name, exact=True).first.click()
    wait_for_nodes(page, name)


def open_as_file(page: object, name: str) -> None:
    """As a file dropped onto the page."""
    page.evaluate("([workflow, name]) => app.loadGraphData(workflow, true, true, name)", [saved(name), name])
    wait_for_nodes(page, name)


@pytest.mark.parametrize(("renderer", "open_workflow"), [("canvas", open_by_clicks), ("vue", open_as_file)], ids=["canvas", "vue"])
def test_every_template_opens(server: object, visit: object, renderer: str, open_workflow: Callable[[object, str], None]) -> None:
    """No node is missing, and the browser makes the prompt of it that the server tests run."""
    page, object_info = visit.page, server.get("/object_info")
    choose_renderer(page, renderer)
    for name in EXAMPLES:
        open_workflow(page, name)
        assert page.evaluate(MISSING) == [], name
        in_browser = page.evaluate("async () => (await app.graphToPrompt()).output")
        ours = workflow_to_prompt(saved(name), object_info)
        for node, wanted in ours.items():  # the browser adds defaults and previews of its own
            assert wanted["inputs"].items() <= in_browser[node]["inputs"].items(), (name, wanted["class_type"])
        assert set(ours) == set(in_browser), name
    assert visit.problems == [] and visit.outside == []


def test_a_template_runs_from_the_browser(visit: object) -> None:
    page = visit.page
    choose_renderer(page, "canvas")
    open_as_file(page, "pose_only_export")
    short = {"LoadMotionVideo": {"fps": 2, "duration_s": 1, "override_limits": True}, "ExtractHolisticPose": {"override_limits": True}}
    assert page.evaluate(RUN, short) == ["execution_success", ""]
    assert visit.problems == [] and visit.outside == []
