"""Makes example_workflows/*.json and subgraphs/*.json: tested API graphs, laid out by the real frontend.

python scripts/make_workflows.py [name ...]     needs Chromium and playwright (scripts/test.py installs them)
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from environment import CACHE, ROOT, TEST_REQUIREMENTS, run_in_venv
from example_graphs import EXAMPLES, Example, Graph, prompt_of

FOLDER = ROOT / "example_workflows"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
READY = """() => window.app?.vueAppReady && window.app.graph && window.app.extensionManager && window.LiteGraph
    && Object.keys(LiteGraph.registered_node_types).length > 100"""
GAP_X, GAP_Y, TITLE = 60, 50, 40
NOTE_WIDTH, NOTE_HEIGHT = 400, 360
SHOWS_PICTURES = ("PreviewImage",)
SIDEBAR_PX, TOP_BAR_PX = 90, 90
LEAST_SCALE, WINDOW_PX = 0.55, 1500
# Width and least height: pictures and players grow inside a node after a run.
SIZES = {
    "LoadMotionVideo": (380, 700), "ExtractHolisticPose": (380, 560), "LoadImage": (340, 400), "BuildSubjectLibrary": (380, 560),
    "OrientationMode": (340, 380), "RetargetSkeleton": (380, 600), "KMCSampler": (420, 1160), "DistilledKMCSampler": (420, 1070),
    "PreviewImage": (380, 340), "SaveVideo": (460, 560), "SaveWEBM": (460, 560), "KMCPreflight": (380, 420),
    "KMCLoadMotion": (380, 420),
}  # fmt: skip
OTHER_SIZE = (320, 80)


def columns_of(graph: Graph) -> dict[str, int]:
    """Column of every node: right of all it needs; nodes that need nothing stand directly before their first user."""
    needs = {
        name: [value[0] for value in inputs.values() if isinstance(value, list)] for name, (_, inputs) in graph.items()
    }

    def depth(name: str) -> int:
        kind = graph[name][0]
        before = max((depth(other) for other in needs[name]), default=-1)
        return before if kind in SHOWS_PICTURES else before + 1

    columns = {name: depth(name) for name in graph}
    for name in graph:
        users = [columns[other] for other in graph if name in needs[other]]
        if not needs[name] and users:
            columns[name] = max(min(users) - 1, 0)
    return columns


def places(graph: Graph, least: dict[str, list[float]]) -> dict[str, tuple[int, int, int, int]]:
    """x, y, width, height of every node; a preview stands under the node it shows. least: sizes the frontend asks for."""
    columns = columns_of(graph)
    order = sorted(graph, key=lambda name: (columns[name], list(graph).index(name)))
    for name in [name for name in order if graph[name][0] in SHOWS_PICTURES]:
        shown = graph[name][1]["images"][0]
        order.remove(name)
        order.insert(order.index(shown) + 1, name)
    result, x = {}, 0
    for column in range(max(columns.values()) + 1):
        y, widest = 0, 0
        for name in (name for name in order if columns[name] == column):
            wanted = SIZES.get(graph[name][0], OTHER_SIZE)
            width, height = (round(max(pair)) for pair in zip(wanted, least[name], strict=True))
            result[name] = (x, y, width, height)
            y, widest = y + height + TITLE + GAP_Y, max(widest, width)
        x += widest + GAP_X
    return result


LOAD = """async ([prompt, name]) => {
    await app.loadApiJson(prompt, name);
    return Object.fromEntries(app.graph._nodes.map(node => [node.id, [...node.computeSize()]]));
}"""
ARRANGE = """async ([places, note, noteSize]) => {
    for (const node of app.graph._nodes) {
        const [x, y, width, height] = places[node.id];
        node.pos = [x, y];
        node.setSize([width, height]);
        for (const widget of node.widgets ?? [])
            if (widget.name === "control_after_generate") widget.value = "fixed";
    }
    const words = LiteGraph.createNode("MarkdownNote");
    app.graph.add(words);
    words.title = "What to do";
    words.pos = [-noteSize[0] - 60, 0];
    words.setSize(noteSize);
    words.widgets[0].value = note;
    return app.graph.serialize();
}"""


def drawn_workflow(page: object, example: Example) -> dict:
    """The example as the frontend saves it."""
    numbers = {name: str(index) for index, name in enumerate(example.graph, 1)}
    prompt = {
        numbers[name]: {
            "class_type": node["class_type"],
            "inputs": {
                key: [numbers[value[0]], value[1]] if isinstance(value, list) else value for key, value in node["inputs"].items()
            },
        }
        for name, node in prompt_of(example.graph).items()
    }
    least = page.evaluate(LOAD, [prompt, example.name])
    placed = places(example.graph, {name: least[number] for name, number in numbers.items()})
    boxes = {numbers[name]: box for name, box in placed.items()}
    return tidy(page.evaluate(ARRANGE, [boxes, example.note.strip(), [NOTE_WIDTH, NOTE_HEIGHT]]))


def tidy(workflow: dict) -> dict:
    """Whole numbers, a view that shows everything, and nothing that differs from run to run."""
    workflow["id"] = "00000000-0000-0000-0000-000000000000"
    for node in workflow["nodes"]:
        node["pos"], node["size"] = [round(v) for v in node["pos"]], [round(v) for v in node["size"]]
        node.get("properties", {}).pop("ver", None)
    workflow["nodes"].sort(key=lambda node: node["id"])
    workflow = {key: value for key, value in workflow.items() if value is not None}
    right = max(node["pos"][0] + node["size"][0] for node in workflow["nodes"])
    scale = round(min(max(WINDOW_PX / (right + NOTE_WIDTH + GAP_X), LEAST_SCALE), 0.9), 2)
    offset = [round(NOTE_WIDTH + GAP_X + SIDEBAR_PX / scale), round(TOP_BAR_PX / scale)]
    workflow["extra"] = {"ds": {"scale": scale, "offset": offset}}
    return workflow


def opened_page(browser: object, url: str) -> object:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(180_000)
    page.goto(url, wait_until="domcontentloaded")
    page.wait_for_function(READY)
    return page


def main() -> int:
    run_in_venv(Path(__file__).resolve(), TEST_REQUIREMENTS)
    import os

    from comfyui_server import ComfyUIServer
    from playwright.sync_api import sync_playwright

    names = sys.argv[1:] or list(EXAMPLES)
    chromium = next(filter(None, map(shutil.which, BROWSERS)))
    with (
        tempfile.TemporaryDirectory() as base,
        ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(base), models=CACHE / "models") as server,
        sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = opened_page(browser, server.url)
        page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
        for name in names:
            workflow = drawn_workflow(page, EXAMPLES[name])
            (FOLDER / f"{name}.json").write_text(json.dumps(workflow, indent=1) + "\n", encoding="utf-8")
            print(name, len(workflow["nodes"]), "nodes")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
