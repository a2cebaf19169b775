"""What the server hands to the browser beside the nodes: help pages with their pictures, labels in both languages, template pictures."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
PACK = "ComfyUI-KMC"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def fetched(server: object, address: str) -> bytes:
    with urllib.request.urlopen(f"{server.url}{address}", timeout=30) as answer:
        assert answer.status == 200
        return answer.read()


@pytest.mark.parametrize("page", PAGES)
def test_help_pages_and_their_pictures(server: object, page: str) -> None:
    """The browser looks for pictures beside docs/, whatever the language."""
    text = fetched(server, f"/extensions/{PACK}/docs/{page}").decode()
    assert text == (DOCS / page).read_text(encoding="utf-8")
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert fetched(server, f"/extensions/{PACK}/docs/{picture}")[:2] == b"\xff\xd8"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_labels(server: object, language: str) -> None:
    served = server.get("/i18n")[language]["nodeDefs"]
    shipped = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
    assert shipped and shipped.items() <= served.items()


def test_template_pictures(server: object) -> None:
    (names,) = [found for folder, found in server.get("/workflow_templates").items() if PACK in folder]
    for name in names:
        assert fetched(server, f"/api/workflow_templates/{PACK}/{name}.jpg")[:2] == b"\xff\xd8"
