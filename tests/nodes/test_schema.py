"""Node ids, sockets and widgets are promises: saved workflows hold them. A changed schema must be frozen on purpose."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path

import pytest

FROZEN = Path(__file__).with_name("schema.json")
IDS = (
    "LoadMotionVideo", "ExtractHolisticPose", "BuildSubjectLibrary", "OrientationMode", "RetargetSkeleton", "KMCSampler",
    "DistilledKMCSampler", "KMCPreflight", "KMCLoadMotion", "KMCSaveMotion", "KMCLoadModel",
    "KMCMotionConditioning",
)  # fmt: skip
PROMISED = ("type", "default", "min", "max", "options", "template")


def frozen_form(node: type) -> dict:
    """What a saved workflow or an API call depends on: names, order, types, ranges; no texts and no file lists."""
    info = node.GET_NODE_INFO_V1()
    inputs = {}
    for section in ("required", "optional"):
        for name, (kind, options) in info["input"].get(section, {}).items():
            kept = {key: options[key] for key in PROMISED if key in options and name not in ("file", "checkpoint")}
            inputs[name] = {"socket": kind if isinstance(kind, str) else "COMBO", "needed": section == "required", **kept}
    return {"inputs": inputs, "order": info["input_order"], "outputs": info["output"], "output_names": info["output_name"]}


def test_the_ids_are_there(node_classes: dict[str, type]) -> None:
    assert tuple(node_classes) == IDS


def test_the_schema_is_the_frozen_one(node_classes: dict[str, type]) -> None:
    """Run with KMC_FREEZE_SCHEMA=1 to freeze a schema that was changed on purpose."""
    current = json.loads(json.dumps({name: frozen_form(node) for name, node in node_classes.items()}))
    if os.environ.get("KMC_FREEZE_SCHEMA"):
        FROZEN.write_text(json.dumps(current, indent=1) + "\n")
    assert current == json.loads(FROZEN.read_text())


@pytest.mark.parametrize("name", IDS)
def test_execute_takes_exactly_the_schema_s_inputs(node_classes: dict[str, type], name: str) -> None:
    schema = node_classes[name].GET_SCHEMA()
    parameters = inspect.signature(node_classes[name].execute).parameters
    taken = {key for key, parameter in parameters.items() if parameter.kind is not inspect.Parameter.VAR_KEYWORD}
    assert taken == {entry.id for entry in schema.inputs}
    for entry in schema.inputs:
        if entry.optional:
            assert parameters[entry.id].default is not inspect.Parameter.empty, f"{entry.id} is optional and has no default"


@pytest.mark.parametrize("name", IDS)
def test_everything_is_explained(node_classes: dict[str, type], name: str) -> None:
    schema = node_classes[name].GET_SCHEMA()
    assert schema.category == "KMC" and schema.display_name.startswith("KMC ")
    assert schema.description and schema.search_aliases
    named_types = {"KMC_MOTION", "KMC_SUBJECT"}  # the socket's name says it all
    for entry in schema.inputs:
        assert entry.tooltip or entry.get_io_type() in named_types, f"{entry.id} has no tooltip"


def test_no_node_inherits_from_another(node_classes: dict[str, type]) -> None:
    from comfy_api.v0_0_2 import io

    for node in node_classes.values():
        assert node.__mro__[1:].count(io.ComfyNode) == 1 and io.ComfyNode in node.__bases__
