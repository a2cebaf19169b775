"""The shipped files: what there is, finding it, reading it.

Not here: the small form itself (compact.py), repeating and timing (looping.py). Called by nodes and tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...errors import MotionError
from ...types import Canvas, HolisticMotion
from ..storage import HEADER_KEY, read_tensors, refused, write_tensors
from .compact import FACE_START, Compact, FaceBasis, expanded

FOLDER = Path(__file__).resolve().parent / "motions"
FORMAT, VERSION = "kmc.motion.compact", 1
BASIS_FORMAT = "kmc.face_basis"
BASIS_NAME = "face_basis"


@dataclass(frozen=True)
class LibraryEntry:
    """name: file name without ending; title and tags for people; kind: walk, dance, sign ...; loop: repeats without a seam."""

    name: str
    title: str
    kind: str
    tags: tuple[str, ...]
    seconds: float
    fps: float
    loop: bool
    path: Path

    @property
    def thumbnail(self) -> Path:
        """A small picture of the motion beside its file."""
        return self.path.with_suffix(".jpg")

    @property
    def label(self) -> str:
        """What a list shows: kind, title, length and tags, so that typing any of them finds it."""
        return f"{self.kind}: {self.title} ({self.seconds:.1f} s{', loop' if self.loop else ''}) [{', '.join(self.tags)}]"


@lru_cache(maxsize=1)
def library_entries() -> tuple[LibraryEntry, ...]:
    """Every shipped motion, by kind and title."""
    found = []
    for path in sorted(FOLDER.glob("*.safetensors")):
        if path.stem == BASIS_NAME:
            continue
        header, _ = read_tensors(path)
        found.append(_entry(path, header))
    return tuple(sorted(found, key=lambda entry: (entry.kind, entry.title)))


def search_library(words: str) -> tuple[LibraryEntry, ...]:
    """Entries whose label holds every word."""
    wanted = words.lower().split()
    return tuple(entry for entry in library_entries() if all(word in entry.label.lower() for word in wanted))


def find_entry(name: str) -> LibraryEntry | None:
    """The entry of a name or label; of a label only kind and title count, so that workflows survive new tags."""
    short = name.split(" (")[0]
    return next((entry for entry in library_entries() if name == entry.name or short == entry.label.split(" (")[0]), None)


def load_library_motion(name: str) -> HolisticMotion:
    """The motion of an entry, by its name or label. Raises MotionError for an unknown name or a damaged file."""
    entry = find_entry(name)
    if entry is None:
        raise MotionError(
            "The library has no such motion", got=repr(name)[:80], expected=", ".join(entry.name for entry in library_entries()),
            remedy="Choose one of the list",
        )  # fmt: skip
    return read_compact(entry.path, face_basis())


def write_compact(path: Path, small: Compact, header: dict[str, object]) -> Path:
    """Store a small motion; header: title, kind, tags, seconds, fps, frame_count, loop, canvas, px_per_metre."""
    return write_tensors(path, small._asdict(), {"format": FORMAT, "version": VERSION, **header})


def read_compact(path: Path, basis: FaceBasis) -> HolisticMotion:
    """The motion of a file of `write_compact`, strictly checked."""
    header, tensors = read_tensors(path)
    entry = _entry(path, header)
    if set(tensors) != set(Compact._fields) or any(tensor.dtype != np.float16 for tensor in tensors.values()):
        raise refused(path, f"tensors {sorted(tensors)}", f"float16 {', '.join(Compact._fields)}")
    small = Compact(**tensors)
    columns = FACE_START + len(basis.directions)
    fits = small.mean.shape == (columns,) and small.directions.ndim == 2 and small.directions.shape[1] == columns
    fits = fits and small.course.ndim == 2 and small.course.shape[1] == len(small.directions) and len(small.course) >= 4
    if not fits or not all(np.isfinite(part.astype(np.float32)).all() for part in small):
        raise refused(path, "tensors that do not fit together", f"mean [{columns}], directions [D,{columns}], course [K,D]")
    motion = expanded(
        small, basis, frame_count=round(entry.seconds * entry.fps), fps=entry.fps, canvas=Canvas(*header["canvas"]),
        px_per_metre=float(header["px_per_metre"]), loop=entry.loop,
    )  # fmt: skip
    facts = {"detector": "motion library", "library": entry.name, "title": entry.title, "loop": entry.loop, "people": 1}
    motion.provenance.update(facts)
    return motion


@lru_cache(maxsize=1)
def face_basis() -> FaceBasis:
    """The face basis that all files of the library share."""
    path = FOLDER / f"{BASIS_NAME}.safetensors"
    header, tensors = read_tensors(path)
    if header.get("format") != BASIS_FORMAT or header.get("version") != VERSION or set(tensors) != set(FaceBasis._fields):
        raise refused(path, f"{header.get('format')} version {header.get('version')}", f"{BASIS_FORMAT} version {VERSION}")
    return FaceBasis(*(tensors[name].astype(np.float32) for name in FaceBasis._fields))


def write_face_basis(folder: Path, basis: FaceBasis) -> Path:
    """Store the shared basis in half precision."""
    tensors = {name: np.ascontiguousarray(part, np.float16) for name, part in basis._asdict().items()}
    return write_tensors(folder / f"{BASIS_NAME}.safetensors", tensors, {"format": BASIS_FORMAT, "version": VERSION})


def _entry(path: Path, header: dict[str, object]) -> LibraryEntry:
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise refused(path, f"{header.get('format', 'no format')} version {header.get('version', '?')}", f"{FORMAT} version {VERSION}")
    try:
        tags = tuple(str(tag) for tag in header["tags"])
        names = [str(header[key]) for key in ("title", "kind")]
        return LibraryEntry(path.stem, *names, tags, float(header["seconds"]), float(header["fps"]), bool(header["loop"]), path)
    except (KeyError, TypeError, ValueError) as error:
        raise refused(path, f"an unusable {HEADER_KEY} header ({error})", f"{FORMAT} version {VERSION}") from error
