"""Help pages and labels cover every node, input and output in English and Chinese: what is added later fails here until it is said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS, LOCALES = ROOT / "web" / "docs", ROOT / "locales"
SCHEMA: dict[str, dict] = json.loads((ROOT / "tests" / "nodes" / "schema.json").read_text(encoding="utf-8"))
WORKFLOWS = {path.stem for path in (ROOT / "example_workflows").glob("*.json")}
SECTIONS = {"en": ("## Inputs", "## Output", "## Mistakes", "## Workflow"), "zh": ("## 输入", "## 输出", "## 常见错误", "## 示例工作流")}
LEAST_MISTAKES = 3
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLAIN_SOCKETS = ("KMC_MOTION", "KMC_SUBJECT")  # their name says it all


def page(node: str, language: str) -> str:
    path = DOCS / f"{node}.md" if language == "en" else DOCS / node / f"{language}.md"
    assert path.is_file(), f"write {path.relative_to(ROOT)}"
    return path.read_text(encoding="utf-8")


def labels(language: str) -> dict[str, dict]:
    return json.loads((LOCALES / language / "nodeDefs.json").read_text(encoding="utf-8"))


def part(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    return text.split(heading, 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("language", SECTIONS)
@pytest.mark.parametrize("node", SCHEMA)
def test_a_page_names_every_input_and_output(node: str, language: str) -> None:
    text = page(node, language)
    for section in SECTIONS[language]:
        assert section in text, f"{node} ({language}) has no section {section}"
    missing = [name for name in (*SCHEMA[node]["inputs"], *SCHEMA[node]["output_names"]) if f"`{name}`" not in text]
    assert not missing, f"{node} ({language}) does not mention {missing}"


@pytest.mark.parametrize("language", SECTIONS)
@pytest.mark.parametrize("node", SCHEMA)
def test_a_page_warns_of_three_mistakes_and_names_a_workflow(node: str, language: str) -> None:
    text = page(node, language)
    mistakes = [line for line in part(text, SECTIONS[language][2]).splitlines() if line.startswith("- ")]
    assert len(mistakes) >= LEAST_MISTAKES, f"{node} ({language}) has {len(mistakes)} mistakes"
    named = set(re.findall(r"\*\*(\w+)\*\*", part(text, SECTIONS[language][3])))
    assert named and named <= WORKFLOWS, f"{node} ({language}) names {named - WORKFLOWS or 'no workflow'}"


@pytest.mark.parametrize("language", SECTIONS)
@pytest.mark.parametrize("node", SCHEMA)
def test_a_page_s_ranges_are_the_schema_s(node: str, language: str) -> None:
    """Numbers in the row of an input with limits include those limits."""
    rows = [line for line in page(node, language).splitlines() if line.startswith("|")]
    for name, facts in SCHEMA[node]["inputs"].items():
        if facts["socket"] not in ("FLOAT", "INT") or name == "seed":
            continue
        row = next(line for line in rows if f"`{name}`" in line.split("|")[1])
        for limit in ("min", "max"):
            value = facts.get(limit)
            if value is not None and abs(value) < 1000:
                assert re.search(rf"(?<![\d.]){re.escape(f'{value:g}')}(?![\d.]*\d)", row), f"{node}.{name}: {limit} {value:g} is not in its row"


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_pictures_of_a_page_exist(path: Path) -> None:
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        assert (DOCS / name).is_file() and (DOCS / name).stat().st_size < 100_000, name


def test_no_page_is_left_over() -> None:
    assert {entry.stem if entry.is_file() else entry.name for entry in DOCS.iterdir()} == {*SCHEMA, "images"}


@pytest.mark.parametrize("node", SCHEMA)
def test_chinese_labels_are_complete(node: str) -> None:
    """Title, description, and a name and tooltip of every input and output, in Chinese characters."""
    label = labels("zh")[node]
    assert CHINESE.search(label["display_name"]) and CHINESE.search(label["description"])
    for name, facts in SCHEMA[node]["inputs"].items():
        entry = label["inputs"].get(name)
        assert entry and entry["name"], f"{node}.{name} has no Chinese name"
        assert facts["socket"] in PLAIN_SOCKETS or CHINESE.search(entry.get("tooltip", "")), f"{node}.{name} has no Chinese tooltip"
    assert set(label["inputs"]) <= set(SCHEMA[node]["inputs"])
    assert set(label["outputs"]) == {str(index) for index in range(len(SCHEMA[node]["output_names"]))}
    assert all(entry["name"] for entry in label["outputs"].values())


def test_english_and_chinese_know_the_same_nodes_and_texts() -> None:
    assert set(labels("en")) == set(labels("zh")) == set(SCHEMA)
    for name in ("main", "commands", "settings"):
        files = [LOCALES / language / f"{name}.json" for language in SECTIONS]
        assert len({path.is_file() for path in files}) == 1, f"{name}.json exists in one language only"
        if files[0].is_file():
            texts = [json.loads(path.read_text(encoding="utf-8")) for path in files]
            assert set(flat(texts[0])) == set(flat(texts[1]))


def flat(texts: dict, before: str = "") -> dict[str, str]:
    """Nested texts by dotted key."""
    result = {}
    for key, value in texts.items():
        result |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return result
