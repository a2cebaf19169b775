"""The only door to ComfyUI's internals: folders, device, progress, previews, cancelling, messages on a node.

Not here: what a node does. Called by every node file.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import comfy.model_management as model_management
import folder_paths
import numpy as np
import psutil
import torch
from comfy.cli_args import args
from comfy_api.v0_0_2 import ComfyAPISync, InputImpl, io
from comfy_execution.graph_utils import ExecutionBlocker
from comfyui_version import __version__
from PIL import Image
from server import PromptServer

from ..kmc_core.errors import Cancelled, MotionError
from ..kmc_core.media.production_record import file_sha256
from ..kmc_core.pose.extractor import HolisticExtractor
from ..kmc_core.pose.weights import WEIGHTS_FOLDER_NAME, ensure_weights

logger = logging.getLogger(__name__)

MODELS_FOLDER = "kmc"
VIDEO_SUBFOLDER = "kmc"
MOTION_SUBFOLDER = "kmc"
UNFINISHED_FOLDER = "__kmc_unfinished"
"""Double underscore: ComfyUI serves no file of such a folder."""
MODEL_ENDINGS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin")
LONGEST_FILE_NAME = 1024
MOTION_ENDINGS = (".safetensors", ".bvh", ".json")
SECONDS_BETWEEN_PREVIEWS = 0.4
MEMORY_RESERVE_BYTES = 1 << 30
MAX_POSE_WORKERS = 8


def register_models_folder() -> None:
    """Make `models/kmc` known to ComfyUI, so that extra model paths work for it too."""
    folder_paths.add_model_folder_path(MODELS_FOLDER, str(Path(folder_paths.models_dir) / MODELS_FOLDER))


def models_folder() -> Path:
    return Path(folder_paths.get_folder_paths(MODELS_FOLDER)[0])


def unfinished_folder() -> Path:
    """Where finished windows of unfinished jobs are kept: ComfyUI's user folder, since its temp folder is emptied at every start."""
    return Path(folder_paths.get_user_directory()) / UNFINISHED_FOLDER


def device() -> torch.device:
    return model_management.get_torch_device()


def pose_extractor(node_id: str | None) -> HolisticExtractor:
    """The pose extractor on ComfyUI's device; fetches its weights on first use and says so on the node."""
    folder = ensure_weights(models_folder() / WEIGHTS_FOLDER_NAME, on_message=lambda text: say(node_id, text))
    return HolisticExtractor(folder, device=str(device()), workers=max(2, min(os.cpu_count() or 2, MAX_POSE_WORKERS)))


def input_clips() -> list[str]:
    """Names of the videos and animated pictures in ComfyUI's input folder."""
    folder = Path(folder_paths.get_input_directory())
    names = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    videos = set(folder_paths.filter_files_content_types(names, ["video"]))
    return sorted(name for name in names if name in videos or name.lower().endswith((".gif", ".mkv", ".webm")))


def motion_files() -> list[str]:
    """Names of motion files in ComfyUI's input folder, and of those saved by this pack in its output folder."""
    folder, saved = Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory())
    names = [path.name for path in _motions_in(folder)]
    return sorted(names) + [f"{path.relative_to(saved).as_posix()} [output]" for path in sorted(_motions_in(saved / MOTION_SUBFOLDER))]


def _motions_in(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return [path for path in found if path.is_file() and path.suffix.lower() in MOTION_ENDINGS]


def motion_path(name: str) -> Path:
    """The motion file behind a name of `motion_files`. Raises MotionError for one outside ComfyUI's own folders."""
    path = input_path(name).resolve()
    homes = (folder_paths.get_input_directory(), folder_paths.get_output_directory(), folder_paths.get_temp_directory())
    if path.suffix.lower() not in MOTION_ENDINGS or not any(path.is_relative_to(Path(home).resolve()) for home in homes):
        raise MotionError(
            "This is no motion file of ComfyUI's folders", got=name, expected=f"a file {', '.join(MOTION_ENDINGS)} in the input folder",
            remedy="Put the file into ComfyUI's input folder",
        )  # fmt: skip
    return path


def new_output_file(prefix: str, ending: str) -> Path:
    """A fresh numbered name in ComfyUI's output folder; the prefix may name a subfolder inside it."""
    folder, name, counter, _, _ = folder_paths.get_save_image_path(prefix, folder_paths.get_output_directory())
    while (path := Path(folder) / f"{name}_{counter:05}_{ending}").exists():
        counter += 1
    return path


def input_path(name: str) -> Path:
    """The file behind a name of the input folder, also `name [output]` and `name [temp]`."""
    return Path(folder_paths.get_annotated_filepath(name))


def own_file(name: str) -> Path | None:
    """The file of ComfyUI's input, output or temp folder that a value names, or None; links out of them do not count."""
    if not name or len(name) > LONGEST_FILE_NAME or not folder_paths.exists_annotated_filepath(name):
        return None
    path = input_path(name)
    return path if path.is_file() else None


def model_file(name: str) -> Path | None:
    """The file in any of ComfyUI's model folders that a value names, or None."""
    if not name or len(name) > LONGEST_FILE_NAME or Path(name).suffix.lower() not in MODEL_ENDINGS:
        return None
    found = (folder_paths.get_full_path(folder, name) for folder in sorted(folder_paths.folder_names_and_paths))
    return next((Path(path) for path in found if path), None)


def model_sha256(path: Path) -> str:
    """SHA-256 of a model file; read once for each size and time of change, since models are large."""
    facts = path.stat()
    return _sha256_of(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256_of(path: Path, size: int, changed_ns: int) -> str:
    return file_sha256(path)


def comfyui_version() -> str:
    return __version__


def device_name() -> str:
    return str(model_management.get_torch_device_name(device()))


def hides_metadata() -> bool:
    """True when the server was started with --disable-metadata: videos then carry no prompt and no record."""
    return bool(args.disable_metadata)


def input_exists(name: str) -> bool:
    return bool(name) and folder_paths.exists_annotated_filepath(name)


def new_temporary_file(ending: str = ".mp4") -> tuple[Path, dict[str, str]]:
    """A fresh name in ComfyUI's temp folder, and how the browser finds it."""
    name = f"kmc_{uuid.uuid4().hex[:12]}{ending}"
    folder = Path(folder_paths.get_temp_directory()) / VIDEO_SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name, {"filename": name, "subfolder": VIDEO_SUBFOLDER, "type": io.FolderType.temp.value}


def new_video_file() -> tuple[Path, dict[str, str]]:
    """A fresh MP4 name in ComfyUI's temp folder, and how the browser finds it."""
    return new_temporary_file(".mp4")


def page_address(path: Path | None) -> dict[str, str] | None:
    """How the browser finds a file of ComfyUI's own folders; None for any other file, which it may not see."""
    if path is None:
        return None
    for kind in (io.FolderType.input, io.FolderType.output, io.FolderType.temp):
        home = Path(folder_paths.get_directory_by_type(kind.value)).resolve()
        if path.resolve().is_relative_to(home):
            inside = path.resolve().relative_to(home)
            subfolder = "" if inside.parent == Path(".") else inside.parent.as_posix()
            return {"filename": inside.name, "subfolder": subfolder, "type": kind.value}
    return None


def tell_page(event: str, node_id: str | None, data: dict[str, object]) -> None:
    """Send an event of our own about a node to the page that runs the prompt. Without a page (tests, scripts) nothing happens."""
    server = getattr(PromptServer, "instance", None)
    if node_id and server is not None and server.client_id is not None:
        server.send_sync(event, {"node": node_id, **data}, server.client_id)


def video_from_file(path: Path) -> object:
    """A VIDEO that reads `path` when needed."""
    return InputImpl.VideoFromFile(str(path))


def video_part(path: Path, start_s: float, duration_s: float) -> object:
    """A VIDEO showing a span of `path`."""
    return InputImpl.VideoFromFile(str(path), start_time=start_s, duration=duration_s)


def not_kept(what: str, remedy: str) -> ExecutionBlocker:
    """An output that tells whoever is connected to it why it is empty; unconnected it harms nobody."""
    return ExecutionBlocker(f"{remedy}. {what}.")


def memory_shortage(wanted_bytes: int) -> str:
    """Empty when `wanted_bytes` fit into free memory, else both numbers in plain words."""
    free = psutil.virtual_memory().available - MEMORY_RESERVE_BYTES
    return "" if wanted_bytes <= free else f"{wanted_bytes / 2**30:.1f} GB wanted, {max(free, 0) / 2**30:.1f} GB free"


def should_stop() -> bool:
    """True once the user has pressed interrupt."""
    return model_management.processing_interrupted()


def stop_if_interrupted() -> None:
    """Leave the node at once if the user has pressed interrupt."""
    model_management.throw_exception_if_processing_interrupted()


@contextmanager
def interruptible() -> Iterator[None]:
    """Turns the core's Cancelled into ComfyUI's own interrupt, which clears the flag and ends the prompt."""
    try:
        yield
    except Cancelled:
        model_management.throw_exception_if_processing_interrupted()
        raise model_management.InterruptProcessingException from None


def say(node_id: str | None, text: str) -> None:
    """Show a text on the node and write it to the log."""
    logger.info(text)
    if node_id and PromptServer.instance is not None:
        PromptServer.instance.send_progress_text(text, node_id)


class ProgressBar:
    """Progress and previews on the running node. Outside a running prompt (tests, scripts) it does nothing.

    Calling it matches kmc_core.types.Progress; each new stage is also shown as text.
    """

    def __init__(self, node_id: str | None) -> None:
        self.node_id = node_id
        self.api = ComfyAPISync()
        self.done, self.total, self.stage = 0, 1, ""
        self.started, self.last_preview = time.monotonic(), 0.0

    def __call__(self, done: int, total: int, stage: str = "") -> None:
        if stage and stage != self.stage:
            self.stage = stage
            say(self.node_id, stage)
        self.advance(done, total)

    def advance(self, done: int, total: int, stage: str = "") -> None:
        """The same without showing the stage, for loops that name every frame."""
        self.done, self.total = done, max(total, 1)
        self._send(None)
        seconds = time.monotonic() - self.started
        tell_page("kmc.progress", self.node_id, {"done": done, "total": self.total, "stage": stage or self.stage, "seconds": seconds})

    def preview(self, picture: np.ndarray) -> None:
        """Show uint8 [H,W,3] on the node, a few times per second at most."""
        now = time.monotonic()
        if now - self.last_preview >= SECONDS_BETWEEN_PREVIEWS:
            self.last_preview = now
            self._send(Image.fromarray(picture))

    def _send(self, picture: Image.Image | None) -> None:
        if self.node_id is not None:
            self.api.execution.set_progress(self.done, self.total, node_id=self.node_id, preview_image=picture)
