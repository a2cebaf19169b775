"""Turns a workflow as the browser saves it into the prompt the server runs, with the help of the server's /object_info.

A saved workflow holds widget values by position; a prompt holds them by name. Muted, bypassed and virtual nodes
(notes, reroutes, groups) and subgraphs are not needed by this pack's workflows and are refused.
"""

from __future__ import annotations

NOTES = {"Note", "MarkdownNote"}

class UnsupportedWorkflow(ValueError):
    """The workflow uses something this converter leaves to the browser."""


def workflow_to_prompt(workflow: dict, object_info: dict) -> dict[str, dict]:
    """UI workflow -> API prompt {node id: {"class_type", "inputs", "_meta"}}. Raises UnsupportedWorkflow."""
    if workflow.get("definitions", {}).get("subgraphs"):
        raise UnsupportedWorkflow("Open the workflow in ComfyUI. Subgraphs can be run from there only.")
    links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in NOTES:
            continue
        if node["type"] not in object_info:
            raise UnsupportedWorkflow(f"Install the pack that brings the node {node['type']}. The server does not know it.")
        if node.get("mode", 0) != 0:
            raise UnsupportedWorkflow(f"Unmute the node {node['id']} ({node['type']}). Muted nodes can be run from ComfyUI only.")
        prompt[str(node["id"])] = {
            "class_type": node["type"],
            "inputs": _inputs_of(node, object_info[node["type"]], links),
            "_meta": {"title": node.get("title") or object_info[node["type"]]["display_name"]},
        }
    return prompt


def nodes_of_type(prompt: dict[str, dict], class_type: str) -> list[str]:
    """Ids of a prompt's nodes of one type."""
    return [identity for identity, node in prompt.items() if node["class_type"] == class_type]


def _inputs_of(node: dict, info: dict, links: dict[int, list]) -> dict[str, object]:
    specifications = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
    values = iter(node.get("widgets_values") or [])
    inputs: dict[str, object] = {}
    for entry in node.get("inputs", []):
        name = entry["name"]
        specification = specifications.get(name.split(".")[0])  # a nested input belongs to the one before the dot
        if "widget" in entry:
            value = next(values, None)
            if specification is not None:  # else a button of the browser's own
                inputs[name] = value
            if _option(specification, "control_after_generate"):
                next(values, None)  # what the browser does with the seed after a run
        if entry.get("link") is not None:
            inputs[name] = links[entry["link"]]
    return {name: value for name, value in inputs.items() if value is not None}


def _option(specification: list | None, key: str) -> object:
    return specification[1].get(key) if specification is not None and len(specification) > 1 else None
