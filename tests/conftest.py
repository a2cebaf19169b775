"""Paths, real clips and the pack itself for every test room. The pack root is APPENDED so that ComfyUI's own `nodes` module wins in host tests."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT, ROOT / "scripts"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

PACK_NAME = str(ROOT).replace(".", "_x_")  # nodes.py, load_custom_node: the module's name is its folder's path
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SHARED_CLIPS = ROOT.parent / "shared" / "clips"


@pytest.fixture(scope="session")
def shared_clips() -> Path:
    """Folder of real clips and pictures beside the checkout; measuring tests skip where it is absent."""
    if not SHARED_CLIPS.is_dir():
        pytest.skip("no folder of real clips beside the checkout (shared/clips)")
    return SHARED_CLIPS


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """ComfyUI's folder, first on sys.path and set to the CPU."""
    from environment import find_comfyui

    folder = find_comfyui()
    if folder is None:
        pytest.skip("no ComfyUI: run the tests with scripts/test.py, or set COMFYUI_DIR")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    from comfy.cli_args import args

    args.cpu = True  # before anything imports comfy.model_management
    return folder


@pytest.fixture(scope="session")
def pack(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    import folder_paths

    base = tmp_path_factory.mktemp("base")
    for name in ("input", "output", "temp"):
        (base / name).mkdir()
        getattr(folder_paths, f"set_{name}_directory")(str(base / name))
    spec = importlib.util.spec_from_file_location(PACK_NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACK_NAME] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def node_classes(pack: ModuleType) -> dict[str, type]:
    """Node id -> class, as the extension lists them."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def listed() -> list[type]:
        extension = await pack.comfy_entrypoint()
        await extension.on_load()
        return await extension.get_node_list()

    with ThreadPoolExecutor(1) as other:  # where a browser test has left its loop running, this thread cannot start one
        return {node.GET_SCHEMA().node_id: node for node in other.submit(asyncio.run, listed()).result()}


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One Chromium for all rooms: a second Playwright cannot be started in the same process."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()
