"""The real ComfyUI server, once per test session, with this pack in it and a folder of small inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.append(str(SCRIPTS))

MODELS = ROOT / ".cache" / "models"


def comfyui_folder() -> Path | None:
    from environment import find_comfyui

    return find_comfyui()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.host)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A ComfyUIServer with a base folder of its own; models (the pose weights) are shared between sessions."""
    folder = comfyui_folder()
    if folder is None:
        pytest.skip("no ComfyUI: run the tests with scripts/test.py, or set COMFYUI_DIR")
    from comfyui_server import ComfyUIServer
    from demo_inputs import fetch_pose_weights

    fetch_pose_weights(MODELS)
    with ComfyUIServer(folder, tmp_path_factory.mktemp("comfyui"), models=MODELS) as running:
        yield running


@pytest.fixture(scope="session")
def performer_clip() -> Path:
    """The demo's own driving clip, made on first use."""
    from demo_inputs import default_clip

    return default_clip(ROOT / ".cache" / "demo")


@pytest.fixture(scope="session")
def character_picture() -> Path:
    """The demo's own character, drawn on first use."""
    from demo_inputs import default_character

    return default_character(ROOT / ".cache" / "demo")
