"""The pictures on the nodes, in the real frontend and both node renderers: one run, then everything a user does with a mouse or keys."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from graphs import subject_graph, whole_graph, write_picture
from visiting import Visit, choose_renderer

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "output" / "screenshots"
RUN_TIMEOUT_MS = 300_000
VIEWS = {
    "LoadMotionVideo": ".kmc-trimmer", "ExtractHolisticPose": ".kmc-player", "BuildSubjectLibrary": ".kmc-subject",
    "OrientationMode": ".kmc-orientation", "RetargetSkeleton": ".kmc-player",
}  # fmt: skip

IN_PAGE = """() => {
    const node = type => app.graph._nodes.find(one => one.type === type)
    const widget = (type, name) => node(type).widgets.find(one => one.name === name)
    const view = type => node(type).widgets.find(one => one.type === 'kmc_view').element
    const tools = { node, widget, view, progress: [], done: null }
    tools.look = (type, scale = 1) => {
        const one = node(type), canvas = app.canvas
        canvas.ds.scale = scale
        canvas.ds.offset = [-one.pos[0] + 150 / scale, -one.pos[1] + 110 / scale]
        canvas.setDirty(true, true)
    }
    tools.run = () => {
        tools.done = null
        return app.queuePrompt(0, 1)
    }
    for (const kind of ['execution_success', 'execution_error', 'execution_interrupted']) {
        app.api.addEventListener(kind, event => { tools.done = [kind, event.detail.exception_message ?? ''] })
    }
    app.api.addEventListener('kmc.progress', event => tools.progress.push(event.detail))
    globalThis.kmcTest = tools
}"""
ARRANGED = "() => { app.graph.arrange(); app.canvas.ds.scale = 0.6; app.canvas.ds.offset = [60, 60]; app.canvas.setDirty(true, true) }"
PIXELS = """type => {
    const canvas = kmcTest.view(type).querySelector('canvas')
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    let sum = 0
    for (let at = 0; at < data.length; at += 4) sum = (sum * 31 + data[at] * 65536 + data[at + 1] * 256 + data[at + 2]) % 2147483647
    return sum
}"""
JOINT_AT = """async name => {
    const { fitted, onStage } = await import('/extensions/ComfyUI-KMC/js/lib/stage_geometry.mjs')
    const { correctedPoints, jointOf, parseCorrections } = await import('/extensions/ComfyUI-KMC/js/lib/corrections.mjs')
    const node = kmcTest.node('BuildSubjectLibrary'), shown = app.nodeOutputs[node.id].kmc_views[0]
    const canvas = kmcTest.view('BuildSubjectLibrary').querySelector('canvas'), box = canvas.getBoundingClientRect()
    const place = fitted(shown.width, shown.height, canvas.clientWidth, canvas.clientHeight, 10)
    const joints = parseCorrections(kmcTest.widget('BuildSubjectLibrary', 'corrections').value)['1']?.joints ?? {}
    const [x, y] = onStage(place, jointOf(correctedPoints(shown.points, joints), name))
    const zoom = box.width / canvas.clientWidth
    return { x: box.left + x * zoom, y: box.top + y * zoom, width: place.width * zoom, height: place.height * zoom }
}"""

CHANGE = """([node, name, value]) => {
    const one = kmcTest.widget(node, name)
    one.value = value
    one.callback?.(value)
    app.canvas.setDirty(true)
}"""
LOAD_ALL = """async addresses => {
    const start = performance.now()
    await Promise.all(addresses.map(address => import(address)))
    return performance.now() - start
}"""
READABLE = """type => {
    const view = kmcTest.view(type)
    const numbers = colour => { const c = colour.match(/[\\d.]+/g).map(Number); return { rgb: c.slice(0, 3), alpha: c[3] ?? 1 } }
    const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0)
    const hex = text => [1, 3, 5].map(at => parseInt(text.slice(at, at + 2), 16))
    const body = LiteGraph.NODE_DEFAULT_BGCOLOR
    const behind = one => {
        for (; one; one = one.parentElement) {
            const { rgb, alpha } = numbers(getComputedStyle(one).backgroundColor)
            if (alpha > 0.9) return rgb
            if (one === view && !LiteGraph.vueNodesMode) return hex(body.padEnd(7, body.slice(1)))
        }
        return [0, 0, 0]
    }
    let worst = 21
    for (const one of view.querySelectorAll('.kmc-note, .kmc-time, button:not(:disabled), label, select, .kmc-hint')) {
        if (!one.textContent.trim() || one.matches(':disabled') || one.hidden) continue
        const [text, ground] = [light(numbers(getComputedStyle(one).color).rgb), light(behind(one))]
        worst = Math.min(worst, (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05))
    }
    const cutOff = [...view.querySelectorAll('*')].filter(one => one.scrollWidth > one.clientWidth + 2 && one.clientWidth > 0
        && !one.closest('.kmc-stage, .kmc-timeline, select')).map(one => one.outerHTML.slice(0, 120))
    return [worst, cutOff]
}"""


class Workbench(Visit):
    """A page with the whole graph in it, run once."""

    def __init__(self, context: object, url: str, renderer: str, graph: dict) -> None:
        super().__init__(context, url)
        self.renderer = renderer
        choose_renderer(self.page, renderer)
        self.page.evaluate(IN_PAGE)
        self.page.evaluate("graph => app.loadApiJson(graph, 'views')", graph)
        self.run()
        self.page.evaluate(ARRANGED)

    def run(self) -> None:
        self.page.evaluate("() => kmcTest.run()")
        self.page.wait_for_function("() => kmcTest.done", timeout=RUN_TIMEOUT_MS)
        assert self.page.evaluate("() => kmcTest.done") == ["execution_success", ""]

    def widget(self, node: str, name: str) -> object:
        return self.page.evaluate("([node, name]) => kmcTest.widget(node, name).value", [node, name])

    def set_widget(self, node: str, name: str, value: object) -> None:
        self.page.evaluate(CHANGE, [node, name, value])

    def view(self, node: str) -> object:
        """The view's element, once it stands still on the screen."""
        handle = self.page.evaluate_handle("node => kmcTest.view(node)", node).as_element()
        handle.wait_for_element_state("stable")
        return handle

    def look_at(self, node: str, scale: float = 1.0) -> object:
        self.page.evaluate("([node, scale]) => kmcTest.look(node, scale)", [node, scale])
        handle = self.view(node)
        handle.wait_for_element_state("visible")
        return handle

    def pixels(self, node: str) -> int:
        """A number that stands for what the view's canvas shows after the next frame."""
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self.page.evaluate(PIXELS, node)

    def saved_and_loaded(self) -> None:
        """The workflow through JSON and back, as saving and opening it does."""
        self.page.evaluate("async () => app.loadGraphData(JSON.parse(JSON.stringify(app.graph.serialize())), true, true, 'again')")
        self.page.evaluate(ARRANGED)

    def pasted_value(self, node: str, name: str) -> object:
        """A widget's value in a pasted copy of the node; the copy is removed again."""
        return self.page.evaluate(
            """([type, name]) => {
                const before = new Set(app.graph._nodes)
                app.canvas.copyToClipboard([kmcTest.node(type)])
                app.canvas.pasteFromClipboard()
                const copy = app.graph._nodes.find(one => !before.has(one))
                const value = copy.widgets.find(one => one.name === name).value
                app.graph.remove(copy)
                return value
            }""",
            [node, name],
        )

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.page.mouse.move(*end)
        self.page.mouse.up()

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}_{self.renderer}.png")


@pytest.fixture(scope="module")
def graph(server: object, performer_clip: Path, character_picture: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Clip to retargeted pose, twelve frames, with two pictures of the character."""
    mirrored = tmp_path_factory.mktemp("pictures") / "mirrored.png"
    cv2.imwrite(str(mirrored), cv2.imread(str(character_picture))[:, ::-1])
    nodes = whole_graph(server.upload(performer_clip), server.upload(character_picture), fps=4, seconds=3)
    nodes["picture_2"] = {"class_type": "LoadImage", "inputs": {"image": server.upload(mirrored)}}
    nodes["subject"]["inputs"]["pictures.picture_2"] = ["picture_2", 0]
    nodes["show"] = {"class_type": "PreviewImage", "inputs": {"images": ["retarget", 1]}}
    return {name: node for name, node in nodes.items() if name not in ("sampler", "save")}


@pytest.fixture(scope="module", params=["canvas", "vue"])
def bench(request: pytest.FixtureRequest, server: object, browser: object, graph: dict) -> Iterator[Workbench]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    yield Workbench(context, server.url, request.param, graph)
    context.close()


def test_every_node_shows_its_picture(bench: Workbench) -> None:
    for node in ("ExtractHolisticPose", "BuildSubjectLibrary", "RetargetSkeleton"):  # their pictures are on their way
        deadline = time.monotonic() + 20
        while bench.pixels(node) == 0 and time.monotonic() < deadline:
            bench.page.wait_for_timeout(250)
    bench.screenshot("views")
    for node, selector in VIEWS.items():
        assert bench.view(node).evaluate("(view, selector) => view.matches(selector)", selector)
    for node in ("ExtractHolisticPose", "BuildSubjectLibrary", "RetargetSkeleton", "OrientationMode"):
        assert bench.pixels(node) != 0, node
    words = bench.view("RetargetSkeleton").query_selector("canvas").get_attribute("aria-label")
    assert words == "Skeletons: Performer, Character"
    steps = bench.page.evaluate("() => kmcTest.progress")
    assert steps and all(step["done"] <= step["total"] and step["seconds"] >= 0 for step in steps)


def test_the_pose_is_scrubbed_and_its_parts_are_chosen(bench: Workbench) -> None:
    view = bench.look_at("ExtractHolisticPose")
    scrub, time = view.query_selector("input[type=range]"), view.query_selector(".kmc-time")
    first = bench.pixels("ExtractHolisticPose")
    scrub.focus()
    bench.page.keyboard.press("End")
    assert time.inner_text() == "0:02.75 / 0:03.00" and scrub.get_attribute("aria-valuetext").startswith("frame 12 of 12")
    last = bench.pixels("ExtractHolisticPose")
    assert last != first
    seen = {last}
    for label in ("body", "hands", "face"):
        view.query_selector(f"label:has-text('{label}') input").uncheck()
        seen.add(bench.pixels("ExtractHolisticPose"))
        view.query_selector(f"label:has-text('{label}') input").check()
    view.query_selector("label:has-text('confidence') input").check()
    seen.add(bench.pixels("ExtractHolisticPose"))
    assert len(seen) == 5
    bench.screenshot("pose_player")
    play = view.query_selector("button:has-text('Play')")
    play.click()
    bench.page.wait_for_function("() => kmcTest.view('ExtractHolisticPose').querySelector('.kmc-time').textContent > '0:00.5'")
    view.query_selector("button:has-text('Pause')").click()


def test_a_joint_is_dragged_and_stays_where_it_was_put(bench: Workbench) -> None:
    node, scale = "BuildSubjectLibrary", 1.5 if bench.renderer == "canvas" else 1.0
    view = bench.look_at(node, scale)
    start = bench.page.evaluate(JOINT_AT, "left_elbow")
    bench.drag((start["x"], start["y"]), (start["x"] + 0.1 * start["width"], start["y"] - 0.05 * start["height"]))
    saved = json.loads(bench.widget(node, "corrections"))
    shown = bench.page.evaluate(f"() => app.nodeOutputs[kmcTest.node('{node}').id].kmc_views[0]")
    x, y = shown["points"][13][:2]
    assert saved["1"]["joints"] == {"left_elbow": pytest.approx([x + 0.1, y - 0.05], abs=0.004)}
    assert saved["1"]["picture"] == shown["mark"]
    view.query_selector("canvas").focus()
    for key in ("ArrowRight", "Shift+ArrowDown"):
        bench.page.keyboard.press(key)
    nudged = json.loads(bench.widget(node, "corrections"))["1"]["joints"]["left_elbow"]
    assert nudged[0] > saved["1"]["joints"]["left_elbow"][0] and nudged[1] > saved["1"]["joints"]["left_elbow"][1]
    assert "1 joint put right" in view.query_selector(".kmc-note").inner_text()
    bench.page.wait_for_timeout(100)
    bench.screenshot("gallery")

    text = bench.widget(node, "corrections")
    assert bench.pasted_value(node, "corrections") == text
    bench.saved_and_loaded()
    assert bench.widget(node, "corrections") == text
    prompt = bench.page.evaluate("async () => (await app.graphToPrompt()).output")
    assert [entry["inputs"]["corrections"] for entry in prompt.values() if entry["class_type"] == node] == [text]


def test_a_corrected_joint_is_used_and_can_be_taken_back(bench: Workbench) -> None:
    node = "BuildSubjectLibrary"
    place = json.loads(bench.widget(node, "corrections"))["1"]["joints"]["left_elbow"]
    bench.run()
    shown = bench.page.evaluate(f"() => app.nodeOutputs[kmcTest.node('{node}').id]")
    assert shown["kmc_views"][0]["points"][13] == pytest.approx([*place, 1], abs=1e-3)
    assert "put right by hand: left elbow" in shown["text"][0]
    view = bench.look_at(node)
    view.query_selector("select").select_option("left_elbow")
    view.query_selector("button:has-text('Reset joint')").click()
    assert bench.widget(node, "corrections") == ""
    assert view.query_selector("button:has-text('Reset joint')").is_disabled()


def test_the_gallery_has_a_tab_for_each_view(bench: Workbench) -> None:
    node = "BuildSubjectLibrary"
    view = bench.look_at(node)
    first = bench.pixels(node)
    tabs = view.query_selector_all("[role=tab]")
    assert [tab.inner_text() for tab in tabs].count("View 1 (main)") == 1 and len(tabs) == 2
    tabs[1].click()
    assert bench.pixels(node) != first
    assert view.query_selector_all("[role=tab]")[1].get_attribute("aria-selected") == "true"
    view.query_selector_all("[role=tab]")[0].click()


def test_everything_is_labelled_and_reached_by_keys(bench: Workbench) -> None:
    unlabelled = """type => [...kmcTest.view(type).querySelectorAll('button, input, select, canvas, progress, video, [role]')]
        .filter(one => !(one.ariaLabel || one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length) && !one.hidden)
        .map(one => one.outerHTML)"""
    for node in VIEWS:
        assert bench.page.evaluate(unlabelled, node) == [], node
    view = bench.look_at("BuildSubjectLibrary")
    view.query_selector("[role=tab]").focus()
    order = []
    for _ in range(4):
        bench.page.keyboard.press("Tab")
        order.append(bench.page.evaluate("() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))
    assert order[0] == "View 2" and order[1].startswith("Joints of the character") and order[2] == "Joint"


def test_the_clip_is_trimmed_by_its_handles(bench: Workbench) -> None:
    node = "LoadMotionVideo"
    bench.set_widget(node, "duration_s", 0)
    view = bench.look_at(node)
    bench.page.wait_for_function("() => !kmcTest.view('LoadMotionVideo').querySelector('.kmc-handle').disabled")
    line = view.query_selector(".kmc-timeline").bounding_box()
    middle = line["y"] + line["height"] / 2
    total = bench.page.evaluate("() => kmcTest.view('LoadMotionVideo').querySelector('video').duration")
    bench.drag((line["x"] + 1, middle), (line["x"] + 0.3 * line["width"], middle))
    start = bench.widget(node, "start_s")
    assert start == pytest.approx(0.3 * total, abs=0.1) and bench.widget(node, "duration_s") == 0
    view.query_selector("[aria-label=End]").focus()
    bench.page.keyboard.press("ArrowLeft")
    assert bench.widget(node, "duration_s") == pytest.approx(total - start - 0.1, abs=0.02)
    bench.set_widget(node, "start_s", 0.5)
    assert view.query_selector("[aria-label=Start]").get_attribute("aria-valuenow") == "0.50"
    bench.screenshot("trimmer")
    assert bench.pasted_value(node, "start_s") == 0.5
    kept = bench.widget(node, "duration_s")
    bench.saved_and_loaded()
    assert (bench.widget(node, "start_s"), bench.widget(node, "duration_s")) == (0.5, kept)
    assert bench.page.evaluate("() => kmcTest.node('LoadMotionVideo').widgets.filter(one => one.name === 'video-preview').length") == 0
    again = bench.view(node).query_selector("[aria-label=Start]")
    bench.page.wait_for_function("handle => handle.getAttribute('aria-valuenow') === '0.50'", arg=again)


def test_the_sketch_follows_the_numbers(bench: Workbench) -> None:
    node = "OrientationMode"
    view = bench.look_at(node)
    filmed = bench.pixels(node)
    bench.set_widget(node, "orbit_deg", 30)
    assert "needs mode image" in view.query_selector(".kmc-note").inner_text()
    bench.set_widget(node, "mode", "image")
    bench.set_widget(node, "zoom", 1.3)
    note = view.query_selector(".kmc-note").inner_text()
    assert note == "The character keeps the picture's facing, the camera moves in to 1.3×, goes 30° round to the right."
    assert bench.pixels(node) != filmed
    bench.set_widget(node, "camera_words", "tilt up")
    assert "in words is added" in view.query_selector(".kmc-note").inner_text()
    bench.page.wait_for_timeout(100)
    bench.screenshot("orientation")


def test_a_removed_node_leaves_nothing_behind(bench: Workbench) -> None:
    before = bench.page.evaluate("() => document.querySelectorAll('.kmc-view').length")
    bench.page.evaluate(
        """() => {
            const node = LiteGraph.createNode('LoadMotionVideo')
            app.graph.add(node)
            kmcTest.film = node.widgets.find(one => one.type === 'kmc_view').element.querySelector('video')
            app.graph.remove(node)
        }"""
    )
    bench.page.wait_for_function("count => document.querySelectorAll('.kmc-view').length === count", arg=before)
    assert bench.page.evaluate("() => kmcTest.film.hasAttribute('src')") is False


def test_the_sampler_says_how_long_it_will_take(bench: Workbench) -> None:
    line = bench.page.evaluate(
        """() => {
            const node = LiteGraph.createNode('KMCSampler')
            app.graph.add(node)
            const common = { node: String(node.id), total: 40 }
            const tell = (done, stage, seconds) => app.api.dispatchCustomEvent('kmc.progress', { ...common, done, stage, seconds })
            tell(9, 'window 2 of 5, step 1', 9)
            tell(10, 'frame 7 of 24', 10)
            const view = node.widgets.find(one => one.type === 'kmc_view').element
            const found = [view.querySelector('[role=status]').textContent, view.querySelector('progress').value]
            app.graph.remove(node)
            return found
        }"""
    )
    assert line == ["window 2 of 5, step 1 · frame 7 of 24 · 25 % · about 0:30 left", 0.25]


def test_corrections_are_no_visible_field(bench: Workbench) -> None:
    """The text belongs to the gallery; neither renderer shows it as a box, not even among the advanced inputs."""
    assert bench.page.evaluate("() => kmcTest.widget('BuildSubjectLibrary', 'corrections').hidden") is True
    bench.look_at("BuildSubjectLibrary")
    bench.page.evaluate(
        """() => [...document.querySelectorAll('button')].filter(one => one.textContent.includes('advanced inputs'))
            .forEach(one => one.click())"""
    )
    assert bench.page.get_by_text("corrections", exact=True).locator("visible=true").count() == 0


def test_views_work_inside_a_subgraph(bench: Workbench) -> None:
    line = bench.page.evaluate(
        """async () => {
            const node = LiteGraph.createNode('KMCSampler')
            app.graph.add(node)
            const { subgraph, node: outer } = app.graph.convertToSubgraph(new Set([node]))
            const inner = subgraph.nodes.find(one => one.type === 'KMCSampler')
            app.api.dispatchCustomEvent('kmc.progress', { node: `${outer.id}:${inner.id}`, done: 1, total: 2, stage: 'inside', seconds: 1 })
            const found = inner.widgets.find(one => one.type === 'kmc_view').element.querySelector('[role=status]').textContent
            app.graph.remove(outer)
            return found
        }"""
    )
    assert line == "inside · 50 %"


def test_the_views_speak_chinese(bench: Workbench) -> None:
    said = bench.page.evaluate(
        """async () => {
            await app.extensionManager.setting.set('Comfy.Locale', 'zh')
            const node = LiteGraph.createNode('OrientationMode')
            app.graph.add(node)
            const found = node.widgets.find(one => one.type === 'kmc_view').element.querySelector('.kmc-note').textContent
            app.graph.remove(node)
            await app.extensionManager.setting.set('Comfy.Locale', 'en')
            return found
        }"""
    )
    assert said == "角色随表演者转身，保留视频的镜头运动。"


def test_light_theme_and_large_letters(bench: Workbench) -> None:
    """Text of the views stands out from what it is written on by 4.5 to 1, and nothing is cut off, in both themes."""
    for palette in ("light", "dark"):
        bench.page.evaluate("palette => app.extensionManager.setting.set('Comfy.ColorPalette', palette)", palette)
        for zoom in (1.0, 1.5):
            for node in VIEWS:
                bench.look_at(node, zoom)
                worst, cut_off = bench.page.evaluate(READABLE, node)
                assert worst >= 4.5 and cut_off == [], (palette, zoom, node, worst, cut_off)
    bench.look_at("BuildSubjectLibrary")


def test_nothing_went_wrong_and_nothing_was_asked_outside(bench: Workbench) -> None:
    assert bench.problems == [] and bench.outside == []


def test_the_scripts_are_small_and_quick(server: object, browser: object) -> None:
    """All modules of the pack in an empty page of the same server, network included: best of seven, as a busy machine is slow."""
    modules = sorted(path.relative_to(ROOT / "web").as_posix() for path in (ROOT / "web").rglob("*.mjs"))
    assert sum(path.stat().st_size for folder in ("js", "css") for path in (ROOT / "web" / folder).rglob("*.*")) <= 150_000
    context = browser.new_context()
    page, times = context.new_page(), []
    for _ in range(7):
        page.goto(f"{server.url}/extensions/ComfyUI-KMC/css/kmc.css")
        times.append(page.evaluate(LOAD_ALL, [f"/extensions/ComfyUI-KMC/{module}" for module in modules]))
    context.close()
    assert min(times) <= 50, times


def test_where_nobody_is_found_a_rig_can_be_drawn(server: object, visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    choose_renderer(page, "canvas")
    page.evaluate(IN_PAGE)
    page.evaluate("graph => app.loadApiJson(graph, 'nobody')", subject_graph(server.upload(write_picture(tmp_path / "grey.png", 400, 500))))
    page.evaluate("() => kmcTest.run()")
    page.get_by_text("Nobody was found in picture 1", exact=False).first.wait_for()
    note = page.evaluate_handle("() => kmcTest.view('BuildSubjectLibrary').querySelector('.kmc-note')")
    page.wait_for_function("note => note.textContent.includes('drag the shoulders')", arg=note)
    assert visit.problems == [] and visit.outside == []
