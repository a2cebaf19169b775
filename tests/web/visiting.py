"""A page of ComfyUI as a test visits it. Imported by conftest.py and by the tests; a conftest cannot be imported itself."""

from __future__ import annotations

import re

PATIENCE_MS = 120_000  # pages are quick, busy machines are not
READY = """() => window.app?.vueAppReady && window.app.graph && window.app.extensionManager && window.LiteGraph
    && Object.keys(LiteGraph.registered_node_types).length > 100
    && window.app.api.clientId"""  # without it the server does not know whom to tell how a run ended
# What ComfyUI's own frontend reports on every start, whatever packs are there.
KNOWN_NOISE = re.compile(
    r"legacy queue/history menu|status of 404|MaskEditor|graph accessed before initialization|Content Security Policy"
    r"|Error loading (fuse options|core workflow templates)"  # core's own templates are a package the set-up leaves out
)


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


def choose_renderer(page: object, renderer: str) -> None:
    """Boxes on a canvas ("canvas") or elements of the page ("vue"). The setting is kept by the server, so every test sets it."""
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", renderer == "vue")
