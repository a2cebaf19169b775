"""Every example workflow in the real frontend, opened as a user opens it, in both node renderers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from example_graphs import EXAMPLES
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


def choose_renderer(page: object, renderer: str) -> None:
    """The setting is kept by the server, so every test sets it."""
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", renderer == "vue")


def open_template(page: object, name: str) -> None:
    """Templates, Extensions, the card; returns when its nodes are there."""
    page.get_by_role("button", name="Templates").first.click()
    page.get_by_text("Extensions", exact=True).first.click()
    card = page.get_by_text(name, exact=True)
    card.first.scroll_into_view_if_needed()
    card.first.click()
    count = len(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["nodes"])
    page.wait_for_function(
        "([name, count]) => app.graph._nodes.length === count && app.extensionManager.workflow.activeWorkflow?.filename === name",
        arg=[name, count],
    )


@pytest.mark.parametrize("renderer", ["canvas", "vue"])
def test_every_template_opens_by_clicks(server: object, visit: object, renderer: str) -> None:
    """No node is missing, and the browser makes the prompt of it that the server tests run."""
    page, object_info = visit.page, server.get("/object_info")
    choose_renderer(page, renderer)
    for name in EXAMPLES:
        open_template(page, name)
        assert page.evaluate(MISSING) == [], name
        in_browser = page.evaluate("async () => (await app.graphToPrompt()).output")
        ours = workflow_to_prompt(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), object_info)
        for node, wanted in ours.items():  # the browser adds defaults and previews of its own
            assert wanted["inputs"].items() <= in_browser[node]["inputs"].items(), (name, wanted["class_type"])
        assert set(ours) == set(in_browser), name
    assert visit.problems == [] and visit.outside == []


def test_a_template_runs_from_the_browser(visit: object) -> None:
    page = visit.page
    choose_renderer(page, "canvas")
    open_template(page, "pose_only_export")
    short = {"LoadMotionVideo": {"fps": 2, "duration_s": 1, "override_limits": True}, "ExtractHolisticPose": {"override_limits": True}}
    assert page.evaluate(RUN, short) == ["execution_success", ""]
    assert visit.problems == [] and visit.outside == []
