"""Makes docs/screenshots/*.jpg: the tour of docs/first_video_tour.md in the real ComfyUI, photographed while it is run.

python scripts/make_screenshots.py [tour | help]      needs Chromium, playwright and, for the Chinese page, a font with its characters
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from environment import CACHE, ROOT, TEST_REQUIREMENTS, run_in_venv
from make_workflows import BROWSERS, READY, opened_page

FOLDER = ROOT / "docs" / "screenshots"
QUALITY = 78
TITLE = (700, 205)  # where the title of the node with the help is, in page pixels
WORKFLOW = "first_video"
SHORT = {"LoadMotionVideo": {"fps": 6, "duration_s": 4}, "KMCSampler": {"mode": "draft", "steps": 1}}
SET = """changes => {
    for (const node of app.graph._nodes)
        for (const widget of node.widgets ?? [])
            if (widget.name in (changes[node.type] ?? {})) widget.value = changes[node.type][widget.name];
}"""
RUN = """async () => {
    const ended = new Promise(resolve => {
        for (const kind of ["execution_success", "execution_error", "execution_interrupted"])
            app.api.addEventListener(kind, ({ detail }) => resolve([kind, detail.exception_message ?? ""]));
    });
    await app.queuePrompt(0, 1);
    return await ended;
}"""
LOOK = """([types, scale]) => {
    const nodes = app.graph._nodes.filter(node => types.includes(node.type));
    const left = Math.min(...nodes.map(node => node.pos[0])), top = Math.min(...nodes.map(node => node.pos[1]));
    app.canvas.ds.scale = scale;
    app.canvas.ds.offset = [-left + 90 / scale, -top + 110 / scale];
    app.canvas.setDirty(true, true);
}"""


class Camera:
    """Takes the pictures of one page."""

    def __init__(self, page: object) -> None:
        self.page = page

    def shoot(self, name: str, pause_ms: int = 1500) -> None:
        self.page.wait_for_timeout(pause_ms)
        self.page.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=QUALITY)
        print(name, flush=True)

    def look_at(self, types: list[str], scale: float) -> None:
        self.page.evaluate(LOOK, [types, scale])


def tour(page: object) -> None:
    camera = Camera(page)
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
    page.evaluate("() => app.extensionManager.setting.set('Comfy.Minimap.Visible', false)")
    page.get_by_role("button", name="Templates").first.click()
    page.get_by_text("Extensions", exact=True).first.click()
    page.get_by_text(WORKFLOW, exact=True).first.wait_for()
    camera.shoot("1_templates", 4000)
    page.get_by_text(WORKFLOW, exact=True).first.click()
    page.wait_for_function("() => app.graph._nodes.some(node => node.type === 'KMCSampler')")
    camera.look_at(["MarkdownNote", "LoadMotionVideo"], 0.62)
    camera.shoot("2_workflow", 3000)
    page.evaluate(SET, SHORT)
    ending = page.evaluate(RUN)
    if ending != ["execution_success", ""]:
        raise SystemExit(f"The run failed: {ending}")
    camera.look_at(["LoadMotionVideo"], 0.75)
    camera.shoot("3_pose", 3000)
    camera.look_at(["BuildSubjectLibrary"], 0.85)
    camera.shoot("4_character")
    camera.look_at(["RetargetSkeleton"], 0.75)
    camera.shoot("5_result", 4000)


def help_page(page: object, name: str, language: str) -> None:
    """A node with its help beside it."""
    page.evaluate("language => app.extensionManager.setting.set('Comfy.Locale', language)", language)
    page.reload(wait_until="domcontentloaded")
    page.wait_for_function(READY)
    page.wait_for_timeout(2000)
    page.evaluate("""() => {
        app.graph.clear();
        const node = LiteGraph.createNode("ExtractHolisticPose");
        app.graph.add(node);
        node.pos = [60, 60];
        app.canvas.ds.scale = 1;
        app.canvas.ds.offset = [480, 160];
    }""")
    page.wait_for_timeout(1500)
    page.mouse.click(*TITLE)
    page.get_by_test_id("info-button").first.click()
    Camera(page).shoot(name, 4000)


def main() -> int:
    run_in_venv(Path(__file__).resolve(), TEST_REQUIREMENTS)
    from comfyui_server import ComfyUIServer
    from playwright.sync_api import sync_playwright

    parts = sys.argv[1:] or ["tour", "help"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = next(filter(None, map(shutil.which, BROWSERS)))
    with (
        tempfile.TemporaryDirectory() as base,
        ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(base), models=CACHE / "models") as server,
        sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = opened_page(browser, server.url)
        page.set_default_timeout(900_000)
        if "tour" in parts:
            tour(page)
        if "help" in parts:
            help_page(page, "6_help", "en")
            help_page(page, "7_help_chinese", "zh")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
