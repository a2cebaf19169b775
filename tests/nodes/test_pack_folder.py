"""The pack's furniture agrees with its nodes: help pages, labels, titles in the browser, lists of requirements."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BROUGHT_BY_COMFYUI = {
    "torch", "torchvision", "torchaudio", "numpy", "pillow", "einops", "safetensors", "scipy", "av", "tqdm", "pyyaml", "psutil",
}  # fmt: skip


def listed(text: str) -> list[str]:
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]


def test_requirements_and_pyproject_list_the_same() -> None:
    requirements = listed((ROOT / "requirements.txt").read_text())
    block = re.search(r"^dependencies = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S).group(1)
    assert re.findall(r'"([^"]+)"', block) == requirements
    for requirement in requirements:
        name = re.split(r"[<>=!~\[; ]", requirement)[0].lower()
        assert name not in BROUGHT_BY_COMFYUI and "==" not in requirement


def test_every_node_has_a_help_page_that_names_its_inputs(node_classes: dict[str, type]) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "web" / "docs").glob("*.md")}
    assert set(pages) == set(node_classes)
    for name, node in node_classes.items():
        for entry in node.GET_SCHEMA().inputs:
            assert f"`{entry.id}`" in pages[name], f"{name}.md does not mention {entry.id}"


def test_labels_exist_in_the_schema(node_classes: dict[str, type]) -> None:
    labels = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    assert set(labels) == set(node_classes)
    for name, label in labels.items():
        schema = node_classes[name].GET_SCHEMA()
        assert set(label.get("inputs", {})) <= {entry.id for entry in schema.inputs}, name
        assert all(int(index) < len(schema.outputs) for index in label.get("outputs", {})), name


def test_titles_in_the_browser_are_the_nodes_own(node_classes: dict[str, type]) -> None:
    source = (ROOT / "web" / "js" / "lib" / "refusal.mjs").read_text(encoding="utf-8")
    titles = dict(re.findall(r'^  (\w+): "([^"]+)",$', source, re.M))
    assert titles == {name: node.GET_SCHEMA().display_name for name, node in node_classes.items()}


def test_the_change_log_knows_the_version() -> None:
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(), re.M).group(1)
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
