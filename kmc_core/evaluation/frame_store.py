"""Frames of one result on disk, so that comparing several methods of a long clip needs no more memory than one frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..media.clip import Clip, clip_from_images
from ..types import Canvas


class FrameStore:
    """Frames uint8 [H,W,3] (channels 3) or [H,W] (channels 0), appended in order, read back in order or as a clip."""

    def __init__(self, path: Path, canvas: Canvas, channels: int = 3) -> None:
        self.path, self.count = path, 0
        self._shape = (canvas.height, canvas.width, channels) if channels else (canvas.height, canvas.width)
        path.write_bytes(b"")

    @classmethod
    def reopened(cls, path: Path, canvas: Canvas, channels: int = 3) -> FrameStore:
        """The frames another store has left in a file."""
        store = cls.__new__(cls)
        store.path, store._shape = path, (canvas.height, canvas.width, channels) if channels else (canvas.height, canvas.width)
        store.count = path.stat().st_size // int(np.prod(store._shape))
        return store

    def add(self, frame: np.ndarray) -> None:
        """Append one frame."""
        with self.path.open("ab") as file:
            file.write(np.ascontiguousarray(frame, np.uint8))
        self.count += 1

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        size = int(np.prod(self._shape))
        return np.fromfile(self.path, np.uint8, size, offset=index * size).reshape(self._shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(self.count))

    def clip(self, fps: float) -> Clip:
        """The frames as a clip; its pixels stay on disk."""
        return clip_from_images(np.memmap(self.path, np.uint8, "r", shape=(self.count, *self._shape)), fps)
