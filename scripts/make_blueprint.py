"""Makes subgraphs/KMC Motion Control.json: one node with the inputs that users of hosted motion control know.

python scripts/make_blueprint.py        needs Chromium and playwright (scripts/test.py installs them)
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from environment import CACHE, ROOT, TEST_REQUIREMENTS, run_in_venv
from example_graphs import motion_control, prompt_of
from make_workflows import BROWSERS, opened_page, places

NAME = "KMC Motion Control"
TARGET = ROOT / "subgraphs" / f"{NAME}.json"
IDENTITY = "6b6d6300-0000-4000-8000-000000000001"
OUTSIDE = ("reference_image", "reference_video", "save")
SOCKETS = ("reference_image", "reference_video")
ORDER = ("prompt", "reference_image", "reference_video", "keep_original_sound", "character_orientation", "mode", "seed")
FROM_OUTSIDE = -10  # how the frontend numbers a subgraph's own input side
# Widgets of the blueprint: its name, the node that holds it, the node's own widget.
WIDGETS = (
    ("prompt", "sampler", "prompt"), ("keep_original_sound", "sound", "switch"), ("character_orientation", "orientation", "mode"),
    ("mode", "sampler", "mode"), ("seed", "sampler", "seed"),
)  # fmt: skip
DESCRIPTION = "A reference video says how to move, a reference image says who moves. Runs KMC Nano on your own machine."

PACK = """async ([outside, sockets, widgets, places, name, identity]) => {
    const byName = Object.fromEntries(Object.entries(places).map(([key, [id]]) => [key, app.graph.getNodeById(id)]));
    for (const [key, [, x, y, width, height]] of Object.entries(places)) {
        byName[key].pos = [x, y];
        byName[key].setSize([width, height]);
    }
    const inside = new Set(Object.entries(byName).filter(([key]) => !outside.includes(key)).map(([, node]) => node));
    const { subgraph, node } = app.graph.convertToSubgraph(inside);
    subgraph.name = name;
    node.title = name;
    for (const entry of subgraph.nodes)
        for (const widget of entry.widgets ?? [])
            if (widget.name === "control_after_generate") widget.value = "fixed";
    const within = Object.fromEntries([...subgraph.nodes].map(entry => [entry.id, entry]));
    sockets.forEach(key => {
        const link = byName[key].outputs[0].links[0];
        const slot = node.inputs.findIndex(input => input.link === link);
        subgraph.renameInput(subgraph.inputs[slot], key);
    });
    for (const [label, owner, widget] of widgets) {
        const target = within[places[owner][0]];
        const entry = target.inputs.find(input => input.name === widget);
        subgraph.addInput(label, entry.type).connect(entry, target);
    }
    for (const key of outside) app.graph.remove(byName[key]);
    node.pos = [0, 0];
    node.setSize([400, 420]);
    return app.graph.serialize();
}"""


def drawn_blueprint(page: object) -> dict:
    """The blueprint as the frontend saves it."""
    graph = motion_control()
    numbers = {name: str(index) for index, name in enumerate(graph, 1)}
    prompt = {
        numbers[name]: {
            "class_type": node["class_type"],
            "inputs": {
                key: [numbers[value[0]], value[1]] if isinstance(value, list) else value for key, value in node["inputs"].items()
            },
        }
        for name, node in prompt_of(graph).items()
    }
    page.evaluate("async ([prompt, name]) => { await app.loadApiJson(prompt, name) }", [prompt, NAME])
    boxes = {name: [int(numbers[name]), *box] for name, box in places(graph, dict.fromkeys(graph, (0, 0))).items()}
    return tidy(page.evaluate(PACK, [OUTSIDE, SOCKETS, WIDGETS, boxes, NAME, IDENTITY]))


def tidy(saved: dict) -> dict:
    """Fixed ids, inputs in their order under their names, and nothing that differs from run to run."""
    (definition,) = saved["definitions"]["subgraphs"]
    for entry in (*definition["inputs"], *saved["nodes"][0]["inputs"]):
        entry["name"] = entry.pop("label", None) or entry["name"]
        entry.pop("localized_name", None)
    kept = [entry for entry in definition["inputs"] if entry["linkIds"]]  # the frontend adds a seed of its own that leads nowhere
    kept.sort(key=lambda entry: ORDER.index(entry["name"]))
    slots = {link: slot for slot, entry in enumerate(kept) for link in entry["linkIds"]}
    for link in definition["links"]:
        if link["origin_id"] == FROM_OUTSIDE:
            link["origin_slot"] = slots[link["id"]]
    definition["inputs"] = kept
    (node,) = saved["nodes"]
    is_socket = {entry["name"]: entry["name"] in SOCKETS for entry in kept}
    shown = {entry["name"]: entry for entry in node["inputs"] if is_socket[entry["name"]] or "widget" in entry}
    node["inputs"] = [shown[name] for name in ORDER]
    definition |= {"category": "KMC", "description": DESCRIPTION}
    text = json.dumps(without_nulls(saved)).replace(definition["id"], IDENTITY)
    for number, entry in enumerate((*definition["inputs"], *definition["outputs"]), 2):
        text = text.replace(entry["id"], f"{IDENTITY[:-2]}{number:02d}")
    return {**json.loads(text), "id": "00000000-0000-0000-0000-000000000000", "extra": {}}


def without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_nulls(entry) for key, entry in value.items() if entry is not None or key == "link"}
    return [without_nulls(entry) for entry in value] if isinstance(value, list) else value


def main() -> int:
    run_in_venv(Path(__file__).resolve(), TEST_REQUIREMENTS)
    from comfyui_server import ComfyUIServer
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, BROWSERS)))
    with (
        tempfile.TemporaryDirectory() as base,
        ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(base), models=CACHE / "models") as server,
        sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = opened_page(browser, server.url)
        page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
        blueprint = drawn_blueprint(page)
        browser.close()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(blueprint, indent=1) + "\n", encoding="utf-8")
    (definition,) = blueprint["definitions"]["subgraphs"]
    print([entry["name"] for entry in definition["inputs"]], [entry["name"] for entry in definition["outputs"]])
    return 0


if __name__ == "__main__":
    sys.exit(main())
