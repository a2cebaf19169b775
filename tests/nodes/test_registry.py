"""What the registry asks of a pack: valid metadata, an icon and a banner, and its own check where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def field(name: str) -> str:
    return re.search(rf'^{name} = "?(.*?)"?$', PROJECT, re.M).group(1)


def test_versions_have_three_parts() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", field("version"))
    assert re.fullmatch(r">=\d+\.\d+\.\d+", field("requires-comfyui"))


def test_metadata_names_licence_publisher_and_title() -> None:
    assert 'license = { file = "LICENSE" }' in PROJECT and (ROOT / "LICENSE").is_file()
    assert field("PublisherId") and field("DisplayName") == "KMC" and 20 < len(field("description")) < 300
    assert re.fullmatch(r"[a-z][a-z0-9-]*", field("name")) and not field("name").startswith("comfy")


@pytest.mark.parametrize(("name", "shape"), [("icon", 1.0), ("banner", 21 / 9)])
def test_icon_and_banner_have_the_registry_s_shapes(name: str, shape: float) -> None:
    path = ROOT / "docs" / f"{name}.png"
    height, width = cv2.imread(str(path)).shape[:2]
    assert width / height == pytest.approx(shape, rel=0.01) and path.stat().st_size < 100_000
    assert "<svg" in path.with_suffix(".svg").read_text(encoding="utf-8")


def test_the_pack_is_small() -> None:
    """What a user downloads, weights included."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\0")
    if not any(listed):
        pytest.skip("no git checkout")
    shipped = [ROOT / name for name in listed if name and not name.startswith(("tests/", ".ci/"))]
    assert sum(path.stat().st_size for path in shipped if path.is_file()) < 100_000_000


def test_the_registry_s_own_check_passes(tmp_path: Path) -> None:
    comfy = shutil.which("comfy")
    if comfy is None:
        pytest.skip("no comfy command: pip install comfy-cli (in an environment of its own)")
    environment = {**os.environ, "HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
    command = [comfy, "--skip-prompt", "--no-enable-telemetry", "node", "validate"]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    said = finished.stdout + finished.stderr
    assert finished.returncode == 0 and "All validation checks passed" in said, said[-2000:]
    assert "Warning" not in said, said[-2000:]
