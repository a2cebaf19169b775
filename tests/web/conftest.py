"""A real browser on the real server. Skips with a reason where Chromium or Playwright is missing."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from visiting import Visit

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "scripts", ROOT / "tests" / "host"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

_spec = importlib.util.spec_from_file_location("host_fixtures", ROOT / "tests" / "host" / "conftest.py")
_host = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_host)
server, performer_clip, character_picture = _host.server, _host.performer_clip, _host.character_picture

def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.web)


@pytest.fixture
def visit(server: object, browser: object) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    yield Visit(context, server.url)
    context.close()
