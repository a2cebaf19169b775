"""Finished windows of unfinished jobs on disk, so that a job queued again after a crash or an interrupt goes on where it was.

What is kept is a window's latent (a two-hundredth of its frames), decoded again when it is used. A job's folder is named
by the key of everything that went into it (job_key.py) and removed when the job is done. Not ComfyUI's temp folder, which
is emptied at every start. Not here: when to keep or use a window (windows.py).
"""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

logger = logging.getLogger(__name__)

LARGEST_STORE_BYTES = 4 << 30
OLDEST_DAYS = 14


class WindowStore:
    """The windows of one job. folder: of all jobs; key: of this one. A store that cannot be written to keeps nothing."""

    def __init__(self, folder: Path, key: str, largest_bytes: int = LARGEST_STORE_BYTES) -> None:
        self._folder, self._job, self._largest = folder, folder / key, largest_bytes

    def load(self, index: int) -> torch.Tensor | None:
        """The latent of a finished window, or None; a damaged file counts as none."""
        path = self._path(index)
        if not path.is_file():
            return None
        try:
            return load_file(path)["latent"]
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            logger.warning("The kept window %s cannot be used and is made again: %s", path.name, error)
            return None

    def save(self, index: int, latent: torch.Tensor) -> None:
        """Keep a window, through a temporary file; older jobs make room."""
        try:
            self._job.mkdir(parents=True, exist_ok=True)
            self._make_room(latent.nbytes)
            unfinished = self._path(index).with_suffix(".part")
            save_file({"latent": latent.detach().cpu().contiguous()}, unfinished)
            unfinished.replace(self._path(index))
        except (OSError, SafetensorError) as error:
            logger.warning("A finished window could not be kept in %s: %s", self._job, error)

    def clear(self) -> None:
        """Forget this job."""
        shutil.rmtree(self._job, ignore_errors=True)

    def _path(self, index: int) -> Path:
        return self._job / f"window_{index:04}.safetensors"

    def _make_room(self, wanted_bytes: int) -> None:
        others = [path for path in self._folder.iterdir() if path.is_dir() and path != self._job]
        others.sort(key=lambda path: path.stat().st_mtime)
        kept = [path for path in others if time.time() - path.stat().st_mtime <= OLDEST_DAYS * 86400]
        for path in set(others) - set(kept):
            shutil.rmtree(path, ignore_errors=True)
        while kept and _size(self._folder) + wanted_bytes > self._largest:
            shutil.rmtree(kept.pop(0), ignore_errors=True)
        if _size(self._folder) + wanted_bytes > self._largest:
            raise OSError(f"more than {self._largest / 2**30:.1f} GB of finished windows")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
