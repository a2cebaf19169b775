"""The production record of a video: what it was made from and how, as JSON beside the video and inside it.

Here: hashes, the two places, reading back, and what two records differ in. Not here: what goes into a record (nodes/record.py).
The record inside the video is reserved as one long tag when writing begins and filled in place when everything is known, so the
pictures and sound are never written twice.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import numpy as np

from ..errors import MediaError
from .source import opened, picture_stream, reason

FORMAT, VERSION = "kmc.record", 1
TAG = "kmc_record"
"""Name of the tag in the video's metadata."""
ENDING = ".record.json"
RESERVED_BYTES = 8192
"""Room beyond the record's first form, for what is only known at the end: hashes of the frames, timings, notes."""
LARGEST_RECORD_BYTES = 64 << 20
HASH_BLOCK = 1 << 20
# Parts of a record that differ between two runs of the same thing.
ALWAYS_DIFFERENT = {"run", "made_at", "seconds", "video"}
COMPARED_WITH_CARE = {"frames", "prompt", "rights", "node", "report"}


class FrameDigest:
    """SHA-256 over frames in order, each uint8 [H,W,3]; the size is part of it."""

    def __init__(self) -> None:
        self._digest, self.count = hashlib.sha256(), 0

    def add(self, frame: np.ndarray) -> None:
        """Count one frame in."""
        self._digest.update(repr((frame.shape, str(frame.dtype))).encode())
        self._digest.update(np.ascontiguousarray(frame))
        self.count += 1

    def hexdigest(self) -> str:
        """Of the frames so far."""
        return self._digest.hexdigest()


def array_sha256(*arrays: np.ndarray) -> str:
    """SHA-256 over types, shapes and values of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, str(array.dtype))).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a whole file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def decoded_sha256(path: str | Path) -> str:
    """SHA-256 over the decoded pictures of a video, as stored (no colour conversion). Survives copying into another container."""
    path, digest = Path(path), hashlib.sha256()
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        try:
            for frame in container.decode(stream):
                digest.update(repr((frame.height, frame.width, frame.format.name)).encode())
                digest.update(np.ascontiguousarray(frame.to_ndarray()))
        except (av.error.FFmpegError, ValueError) as error:
            raise MediaError("The video is damaged", got=f"{path.name} ({reason(error)})", remedy="Make it again") from error
    return digest.hexdigest()


def reserved_text(record: Mapping[str, object]) -> str:
    """The tag a video is begun with: the record as known so far and room for the rest. Give it to the writer as TAG."""
    return json.dumps(record, sort_keys=True) + " " * RESERVED_BYTES


def complete_record(video: str | Path, reserved: str, record: Mapping[str, object]) -> Path:
    """Put the final record into the finished `video` in place of `reserved` and beside it as JSON; returns the JSON's path.

    A record that outgrew its room stays beside the video only.
    """
    video = Path(video)
    text = json.dumps(record, sort_keys=True)
    if len(text) <= len(reserved):
        _overwrite(video, reserved.encode("ascii"), text.ljust(len(reserved)).encode("ascii"))
    path = video.with_name(video.stem + ENDING)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _overwrite(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes of a file by as many others, if they are there."""
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(old)
        if at >= 0:
            file.seek(at)
            file.write(new)


def read_record(path: str | Path) -> dict[str, object]:
    """The record in a JSON file or inside a video. Raises MediaError where there is none."""
    path = Path(path)
    if not path.is_file():
        raise MediaError("The record does not exist", got=str(path), expected="a record or a video", remedy="Check the file name")
    text = _text_of(path)
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_record(path, f"unreadable JSON ({error})"[:200]) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT or record.get("version") != VERSION:
        known = record if isinstance(record, dict) else {}
        raise _no_record(path, f"{known.get('format', 'no format')} version {known.get('version', '?')}"[:200])
    return record


def _text_of(path: Path) -> str:
    if path.suffix.lower() == ".json":
        if path.stat().st_size > LARGEST_RECORD_BYTES:
            raise _no_record(path, f"{path.stat().st_size >> 20} MB")
        return path.read_text(encoding="utf-8", errors="replace")
    with opened(path) as container:
        text = container.metadata.get(TAG)
    if text is None:
        raise _no_record(path, f"a video without the tag {TAG}")
    return text


def _no_record(path: Path, got: str) -> MediaError:
    return MediaError(
        f"{path.name} holds no production record", got=got, expected=f"{FORMAT} version {VERSION}",
        remedy="Choose a record or a video that a KMC sampler made",
    )  # fmt: skip


def record_differences(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Sentences `name: old -> new` for every part of two records that may explain different frames."""
    skipped = ALWAYS_DIFFERENT | COMPARED_WITH_CARE
    first, second = (dict(_leaves({k: v for k, v in record.items() if k not in skipped})) for record in (old, new))
    return [
        f"{name}: {_shown(first.get(name))} -> {_shown(second.get(name))}"
        for name in sorted(set(first) | set(second))
        if first.get(name) != second.get(name)
    ]


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every plain value of nested tables and lists with its dotted name; entries of lists that have a "name" are called by it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            called = item.get("name", index) if isinstance(item, Mapping) else index
            yield from _leaves(item, f"{name}[{called}]")
    else:
        yield name, value


def _shown(value: object) -> str:
    return "absent" if value is None else str(value)[:80]
