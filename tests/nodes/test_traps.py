"""Four ways in which a node pack breaks without anyone noticing, each tried for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def test_pytest_does_not_import_the_pack_s_root(tmp_path: Path) -> None:
    """Trap 1: with an ini file in the root, pytest imports __init__.py as a package, and every test fails without ComfyUI."""
    checkout = tmp_path / "ComfyUI-KMC"  # a hyphen, as real checkouts have it
    (checkout / "tests" / "core").mkdir(parents=True)
    (checkout / "nodes").mkdir()
    shutil.copy(ROOT / "__init__.py", checkout)
    shutil.copy(ROOT / "nodes" / "__init__.py", checkout / "nodes")
    shutil.copy(ROOT / "tests" / "pytest.ini", checkout / "tests")
    shutil.copy(ROOT / "tests" / "conftest.py", checkout / "tests")
    (checkout / "tests" / "core" / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    finished = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "[tool.pytest" not in (ROOT / "pyproject.toml").read_text()


def test_comfyui_s_own_nodes_module_wins(pack: ModuleType, comfyui: Path) -> None:
    """Trap 2: `nodes` is also the name of ComfyUI's module."""
    import nodes

    assert Path(nodes.__file__).resolve() == (comfyui / "nodes.py").resolve()


def test_the_core_may_be_loaded_under_two_names(pack: ModuleType) -> None:
    """Trap 3: under ComfyUI the core's name is the pack's path, in training it is kmc_core; errors must read alike."""
    import kmc_core.errors

    under_comfyui = sys.modules[f"{pack.__name__}.kmc_core.errors"]
    assert under_comfyui is not kmc_core.errors
    parts = {"got": "1 s", "expected": "3 to 30 s", "remedy": "Choose a longer clip"}
    assert str(under_comfyui.LimitError("Too short", **parts)) == str(kmc_core.errors.LimitError("Too short", **parts))
    for path in (ROOT / "kmc_core").rglob("*.py"):
        assert "import pickle" not in path.read_text(encoding="utf-8"), path


def test_only_the_new_registry_is_used(pack: ModuleType) -> None:
    """Trap 4: where NODE_CLASS_MAPPINGS exists, comfy_entrypoint is never called."""
    assert not hasattr(pack, "NODE_CLASS_MAPPINGS")
    assert callable(pack.comfy_entrypoint) and (ROOT / pack.WEB_DIRECTORY).is_dir()


IMPORT_PROBE = """
import json, os, socket, sys, time
sys.path.insert(0, {comfyui!r})
from comfy.cli_args import args
args.cpu = True
import nodes, server, comfy_api.v0_0_2, scipy.spatial, scipy.ndimage, cv2, av, safetensors.torch, einops
def refuse(*_, **__):
    raise AssertionError("a network connection at import time")
socket.socket.connect = refuse
before, paths, started = dict(os.environ), list(sys.path), time.perf_counter()
import importlib.util
spec = importlib.util.spec_from_file_location("pack", {root!r} + "/__init__.py", submodule_search_locations=[{root!r}])
module = importlib.util.module_from_spec(spec)
sys.modules["pack"] = module
spec.loader.exec_module(module)
seconds = time.perf_counter() - started
import torch
print(json.dumps({{
    "seconds": seconds, "environment": dict(os.environ) == before, "paths": sys.path == paths,
    "cuda": torch.cuda.is_initialized(),
}}))
"""


def test_importing_the_pack_has_no_side_effects(comfyui: Path) -> None:
    probe = IMPORT_PROBE.format(comfyui=str(comfyui), root=str(ROOT))
    finished = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr[-3000:]
    facts = json.loads(finished.stdout.strip().splitlines()[-1])
    assert facts["environment"] and facts["paths"] and not facts["cuda"]
    assert facts["seconds"] < 3  # under one second on an idle machine
