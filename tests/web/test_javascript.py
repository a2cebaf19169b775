"""The browser side without a browser: its own unit tests, and the rules that keep it from changing ComfyUI itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "web").rglob("*.js")) + sorted((ROOT / "web").rglob("*.mjs"))
FORBIDDEN = {
    "changes a prototype": r"\.prototype\.\w+\s*=",
    "changes the app": r"\bapp\.\w+\s*=[^=]",
    "changes LiteGraph": r"\b(?:LiteGraph|LGraphCanvas|window)\.\w+\s*=[^=]",
    "writes HTML": r"innerHTML",
    "asks another host": r"https?://",
}


def test_unit_tests_pass() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    tests = sorted(str(path) for path in Path(__file__).parent.glob("*.test.mjs"))
    finished = subprocess.run([node, "--test", *tests], capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_scripts_keep_to_the_extension_interface(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for what, pattern in FORBIDDEN.items():
        assert not re.search(pattern, text), f"{path.name} {what}"
