"""A real browser on the real server. Skips with a reason where Chromium or Playwright is missing."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "scripts", ROOT / "tests" / "host"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

_spec = importlib.util.spec_from_file_location("host_fixtures", ROOT / "tests" / "host" / "conftest.py")
_host = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_host)
server, performer_clip, character_picture = _host.server, _host.performer_clip, _host.character_picture

PATIENCE_MS = 120_000  # pages are quick, busy machines are not
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
READY = """() => window.app?.vueAppReady && window.app.graph && window.app.extensionManager && window.LiteGraph
    && Object.keys(LiteGraph.registered_node_types).length > 100"""
# What ComfyUI's own frontend reports on every start, whatever packs are there.
KNOWN_NOISE = re.compile(
    r"legacy queue/history menu|status of 404|MaskEditor|graph accessed before initialization|Content Security Policy"
    r"|Error loading (fuse options|core workflow templates)"  # core's own templates are a package the set-up leaves out
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.web)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()


class Visit:
    """A page of ComfyUI, and what went wrong on it."""

    def __init__(self, context: object, url: str) -> None:
        self.page, self.problems, self.outside = context.new_page(), [], []
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url, url))
        self.page.goto(url, wait_until="domcontentloaded")
        self.page.wait_for_function(READY, timeout=PATIENCE_MS)

    def _heard(self, message: object) -> None:
        if message.type == "error" and not KNOWN_NOISE.search(message.text):
            self.problems.append(message.text)

    def _asked(self, address: str, home: str) -> None:
        if not address.startswith((home, "data:", "blob:")):
            self.outside.append(address)


@pytest.fixture
def visit(server: object, browser: object) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    yield Visit(context, server.url)
    context.close()
