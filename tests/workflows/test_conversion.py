"""A saved workflow becomes the prompt that the server runs, and the demo puts its own files and settings into it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / "scripts") not in sys.path:
    sys.path.append(str(ROOT / "scripts"))

from demo import fill_in  # noqa: E402
from example_graphs import CHARACTERS, CLIP  # noqa: E402
from workflow_graph import UnsupportedWorkflow, nodes_of_type, workflow_to_prompt  # noqa: E402

# The parts of /object_info that the conversion looks at.
OBJECT_INFO = {
    "Source": {"display_name": "A source", "input": {"required": {
        "seed": ["INT", {"control_after_generate": True}], "picture": ["COMBO", {"image_upload": True}], "size": ["FLOAT", {}],
    }}},
    "Sink": {"display_name": "A sink", "input": {"required": {"codec": ["COMFY_DYNAMICCOMBO_V3", {}]},
                                                "optional": {"things": ["COMFY_AUTOGROW_V3", {}]}}},
}  # fmt: skip


def widget(name: str) -> dict:
    return {"name": name, "widget": {"name": name}, "link": None}


def workflow() -> dict:
    return {
        "links": [[5, 1, 2, 2, 0, "IMAGE"]],
        "nodes": [
            {"id": 1, "type": "Source", "inputs": [widget("seed"), widget("picture"), widget("size"), widget("upload")],
             "widgets_values": [7, "fixed", "a.png", 2.5, "image"], "outputs": [{"links": [5]}]},
            {"id": 2, "type": "Sink", "inputs": [{"name": "things.thing_1", "link": 5}, {"name": "things.thing_2", "link": None},
                                                 widget("codec"), widget("codec.crf")], "widgets_values": ["h264", 23]},
            {"id": 3, "type": "MarkdownNote", "widgets_values": ["words"]},
        ],
    }  # fmt: skip


def test_widgets_by_position_become_inputs_by_name() -> None:
    prompt = workflow_to_prompt(workflow(), OBJECT_INFO)
    assert prompt["1"]["inputs"] == {"seed": 7, "picture": "a.png", "size": 2.5}
    assert prompt["2"]["inputs"] == {"things.thing_1": ["1", 2], "codec": "h264", "codec.crf": 23}
    assert set(prompt) == {"1", "2"} and nodes_of_type(prompt, "Sink") == ["2"]


def test_what_only_the_browser_can_run_is_refused() -> None:
    muted = workflow()
    muted["nodes"][0]["mode"] = 2
    with pytest.raises(UnsupportedWorkflow, match="Unmute the node 1"):
        workflow_to_prompt(muted, OBJECT_INFO)
    with pytest.raises(UnsupportedWorkflow, match="does not know"):
        workflow_to_prompt(workflow(), {"Source": OBJECT_INFO["Source"]})


@pytest.fixture
def prompt() -> dict:
    """The template's prompt without a server: the saved names are enough."""
    saved = json.loads((ROOT / "example_workflows" / "first_video.json").read_text(encoding="utf-8"))
    info = {}
    for node in saved["nodes"]:
        names = {entry["name"].split(".")[0]: ["ANY", {}] for entry in node.get("inputs", []) if entry["name"] != "upload"}
        if "seed" in names:
            names["seed"] = ["INT", {"control_after_generate": True}]
        info[node["type"]] = {"display_name": node["type"], "input": {"required": names}}
    return workflow_to_prompt(saved, info)


def arguments(**changes: object) -> argparse.Namespace:
    defaults = {"seconds": 0.0, "orientation": "video", "prompt": None, "mode": None, "steps": None, "seed": 0}
    return argparse.Namespace(**{**defaults, **changes})


def test_the_demo_s_defaults_are_the_template_s(prompt: dict) -> None:
    before = json.loads(json.dumps(prompt))
    fill_in(prompt, arguments(), CLIP, [CHARACTERS[0]])
    for node in before:
        assert before[node]["inputs"].items() <= prompt[node]["inputs"].items()


def test_the_demo_takes_seven_pictures_and_every_setting(prompt: dict) -> None:
    pictures = [f"view {number}.png" for number in range(1, 8)]
    wanted = arguments(seconds=5.0, orientation="image", prompt="night", mode="draft", steps=3, seed=9)
    fill_in(prompt, wanted, "clip.mp4", pictures)
    (library,), (sampler,), (load,), (orientation,) = (
        nodes_of_type(prompt, kind) for kind in ("BuildSubjectLibrary", "KMCSampler", "LoadMotionVideo", "OrientationMode")
    )
    linked = [prompt[library]["inputs"][f"pictures.picture_{number}"][0] for number in range(1, 8)]
    assert [prompt[node]["inputs"]["image"] for node in linked] == pictures
    assert {"prompt": "night", "mode": "draft", "steps": 3, "seed": 9}.items() <= prompt[sampler]["inputs"].items()
    assert prompt[load]["inputs"]["duration_s"] == 5.0 and prompt[orientation]["inputs"]["mode"] == "image"


def test_image_orientation_asks_for_ten_seconds_at_most(prompt: dict) -> None:
    fill_in(prompt, arguments(orientation="image"), "clip.mp4", ["a.png"])
    (load,) = nodes_of_type(prompt, "LoadMotionVideo")
    assert prompt[load]["inputs"]["duration_s"] == 10.0
