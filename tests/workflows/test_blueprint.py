"""The blueprint KMC Motion Control: listed by the server, found in the node search, run from the browser with its own inputs."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from example_graphs import CHARACTERS, CLIP
from visiting import PATIENCE_MS

ROOT = Path(__file__).resolve().parents[2]
TRIES = 6
NAME = "KMC Motion Control"
FILE = ROOT / "subgraphs" / f"{NAME}.json"
INPUTS = {
    "prompt": "STRING", "reference_image": "IMAGE", "reference_video": "VIDEO,IMAGE", "keep_original_sound": "BOOLEAN",
    "character_orientation": "COMBO", "mode": "COMBO", "seed": "INT",
}  # fmt: skip
# Short inputs, and the settings a test can afford; then a run to its end.
RUN = """async ([settings, inside, picture, clip]) => {
    const node = app.graph._nodes.find(entry => entry.subgraph);
    const add = (type, widget, value) => {
        const made = LiteGraph.createNode(type);
        app.graph.add(made);
        made.widgets.find(entry => entry.name === widget).value = value;
        return made;
    };
    const slot = name => node.inputs.findIndex(input => input.name === name);
    add("LoadImage", "image", picture).connect(0, node, slot("reference_image"));
    add("LoadVideo", "file", clip).connect(0, node, slot("reference_video"));
    const save = add("SaveVideo", "filename_prefix", "blueprint");
    node.connect(0, save, 0);
    for (const widget of node.widgets)
        if (widget.name in settings) widget.value = settings[widget.name];
    for (const entry of node.subgraph.nodes)
        for (const widget of entry.widgets ?? [])
            if (widget.name in (inside[entry.type] ?? {})) widget.value = inside[entry.type][widget.name];
    const ended = new Promise(resolve => {
        for (const kind of ["execution_success", "execution_error", "execution_interrupted"])
            app.api.addEventListener(kind, ({ detail }) => resolve([kind, detail.exception_message ?? ""]));
    });
    const prompt = (await app.graphToPrompt()).output;
    await app.queuePrompt(0, 1);
    return [prompt, await ended];
}"""


def test_the_file_has_the_inputs_users_know() -> None:
    saved = json.loads(FILE.read_text(encoding="utf-8"))
    (definition,) = saved["definitions"]["subgraphs"]
    assert {entry["name"]: entry["type"] for entry in definition["inputs"]} == INPUTS
    assert [entry["name"] for entry in definition["outputs"]] == ["VIDEO"]
    assert definition["name"] == NAME and definition["description"] and saved["nodes"][0]["type"] == definition["id"]
    assert [entry["name"] for entry in saved["nodes"][0]["inputs"]] == list(INPUTS)


def test_the_server_offers_it(server: object) -> None:
    offered = server.get("/global_subgraphs")
    (identity,) = [key for key, entry in offered.items() if entry["name"] == NAME]
    assert json.loads(server.get(f"/global_subgraphs/{identity}")["data"]) == json.loads(FILE.read_text(encoding="utf-8"))


def open_node_search(page: object) -> None:
    """Double-click the empty canvas until the search takes what is typed: on a busy machine two clicks may come too far apart to be one."""
    from playwright.sync_api import TimeoutError as TimedOut  # here: without playwright the tests of this file skip

    canvas = page.locator("#graph-canvas")
    for _ in range(TRIES):
        canvas.dblclick(position={"x": 800, "y": 500})
        try:
            page.wait_for_function("() => document.activeElement?.tagName === 'INPUT'", timeout=PATIENCE_MS / TRIES)
        except TimedOut:
            page.keyboard.press("Escape")  # a search that opened without the cursor in it
        else:
            return
    pytest.fail(f"the node search did not open in {TRIES} double-clicks")


@pytest.mark.parametrize("keeps_sound", [True, False])
def test_it_is_found_by_search_and_runs(server: object, visit: object, keeps_sound: bool) -> None:
    page = visit.page
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
    page.evaluate("() => app.graph.clear()")
    open_node_search(page)
    page.keyboard.type(NAME)
    page.get_by_text(NAME, exact=True).first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_function("() => app.graph._nodes.some(node => node.subgraph)")
    settings = {"keep_original_sound": keeps_sound, "character_orientation": "image", "mode": "draft", "prompt": "evening light"}
    inside = {
        "LoadMotionVideo": {"fps": 2, "duration_s": 1, "override_limits": True}, "ExtractHolisticPose": {"override_limits": True},
        "KMCSampler": {"steps": 1},
    }  # fmt: skip
    prompt, ending = page.evaluate(RUN, [settings, inside, CHARACTERS[0], CLIP])
    assert ending == ["execution_success", ""]
    kinds = {node["class_type"]: node["inputs"] for node in prompt.values()}
    assert kinds["OrientationMode"]["mode"] == "image" and kinds["KMCSampler"]["mode"] == "draft"
    assert kinds["KMCSampler"]["prompt"] == "evening light"
    newest = max((server.base / "output").glob("blueprint*.mp4"), key=lambda path: path.stat().st_mtime)
    with av.open(str(newest)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 2
    with av.open(str(newest)) as container:
        loudest = max(abs(frame.to_ndarray()).max() for frame in container.decode(audio=0))
    assert (loudest > 0.01) == keeps_sound
    assert visit.problems == [] and visit.outside == []
