"""A SubjectLibrary as one .safetensors file with a versioned JSON header; loading is strict and never runs code.

Not here: building a library (library.py). Called by nodes and tests.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..checkpoints.safe_reading import header_problem
from ..errors import SubjectError
from ..types import PictureKeypoints, SubjectLibrary, SubjectView

FORMAT = "kmc.subject"
VERSION = 1
HEADER_KEY = "kmc"
KEYPOINT_ARRAYS = {
    "body": (33, 2), "body_confidence": (33,), "body_world": (33, 3), "hands": (2, 21, 3), "hands_confidence": (2,),
    "face": (478, 3),
}  # fmt: skip
LARGEST_FILE_BYTES = 512 << 20
MOST_VIEWS, LARGEST_SIDE_PX, LONGEST_TEXT = 7, 8192, 2000
VIEW_ARRAYS = {"joints": (19, 3), "joint_confidence": (19,)}


def save_subject(library: SubjectLibrary, path: str | Path) -> Path:
    """Write `library` to `path` (ending .safetensors is added when missing) through a temporary file; returns the path."""
    path = Path(path)
    if path.suffix != ".safetensors":
        path = path.with_name(path.name + ".safetensors")
    tensors = {
        "bone_lengths": library.bone_lengths.astype(np.float32),
        "bone_known": library.bone_known.astype(np.uint8),
        "view_scale": library.view_scale.astype(np.float32),
    }
    if library.identity is not None:
        tensors["identity"] = library.identity.astype(np.float32)
    for index, view in enumerate(library.views):
        tensors |= _view_tensors(view, f"views.{index}.")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": library.name,
        "primary": library.primary,
        "views": [_view_header(view) for view in library.views],
    }
    unfinished = path.with_name(path.name + ".part")
    try:
        contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        save_file(contiguous, unfinished, metadata={HEADER_KEY: json.dumps(header)})
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def load_subject(path: str | Path) -> SubjectLibrary:
    """Read a library written by `save_subject`.

    Raises SubjectError for a missing or damaged file, another format or version, missing, surplus or misshapen tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise _refused(path, "no file", "a subject library (.safetensors)")
    problem = header_problem(path, LARGEST_FILE_BYTES)
    if problem:
        raise _refused(path, f"an unreadable file ({problem})", "a complete subject library")
    try:
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
        header = json.loads(metadata.get(HEADER_KEY, "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise _refused(path, f"an unreadable file ({error})"[:300], "a complete subject library") from error
    if not isinstance(header, dict):
        raise _refused(path, "a header that is no table", f"{FORMAT} version {VERSION}")
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        got = f"{header.get('format', 'no format')} version {header.get('version', '?')}"[:80]
        raise _refused(path, got, f"{FORMAT} version {VERSION}")
    try:
        return _library(path, header, tensors)
    except (KeyError, TypeError, IndexError, ValueError, OverflowError, AttributeError) as error:
        if isinstance(error, SubjectError):
            raise
        raise _refused(path, f"an incomplete header or tensor list ({error})"[:300], f"{FORMAT} version {VERSION}") from error


def _library(path: Path, header: Mapping[str, object], tensors: dict[str, np.ndarray]) -> SubjectLibrary:
    view_headers = header["views"]
    if not isinstance(view_headers, list) or not 1 <= len(view_headers) <= MOST_VIEWS:
        raise _refused(path, "no list of views, or too long a one", f"1 to {MOST_VIEWS} views")
    views = tuple(_view(path, tensors, f"views.{index}.", entry) for index, entry in enumerate(view_headers))
    library = SubjectLibrary(
        name=str(header["name"])[:LONGEST_TEXT],
        views=views,
        primary=int(header["primary"]),
        bone_lengths=_take(path, tensors, "bone_lengths", (18,), np.float32),
        bone_known=_take(path, tensors, "bone_known", (18,), np.uint8).astype(bool),
        view_scale=_take(path, tensors, "view_scale", (len(views),), np.float32),
        identity=_take(path, tensors, "identity", None, np.float32) if "identity" in tensors else None,
    )
    if tensors:
        raise _refused(path, f"unknown tensors {sorted(tensors)[:3]}", "only a library's own tensors")
    if not 0 <= library.primary < len(views):
        raise _refused(path, f"primary view {library.primary} of {len(views)}", "at least one view and one of them primary")
    return library


def _view_tensors(view: SubjectView, prefix: str) -> dict[str, np.ndarray]:
    tensors = {"picture": view.picture, "foreground": view.foreground, "alpha": view.alpha.astype(np.float32)}
    tensors |= {name: getattr(view, name).astype(np.float32) for name in VIEW_ARRAYS}
    tensors |= {f"keypoints.{name}": getattr(view.keypoints, name).astype(np.float32) for name in KEYPOINT_ARRAYS}
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _view_header(view: SubjectView) -> dict[str, object]:
    return {
        "torso_px": float(view.torso_px),
        "yaw": float(view.yaw),
        "head_yaw": float(view.head_yaw),
        "problems": list(view.problems),
        "face_confidence": float(view.keypoints.face_confidence),
        "detection": float(view.keypoints.detection),
        "user_supplied": bool(view.keypoints.user_supplied),
    }


def _view(path: Path, tensors: dict[str, np.ndarray], prefix: str, entry: Mapping[str, object]) -> SubjectView:
    alpha = _take(path, tensors, prefix + "alpha", None, np.float32)
    if alpha.ndim != 2 or not all(0 < side <= LARGEST_SIDE_PX for side in alpha.shape) or alpha.min() < 0 or alpha.max() > 1:
        raise _refused(path, f"{prefix}alpha of shape {alpha.shape}", f"[H,W] up to {LARGEST_SIDE_PX} px, values 0 to 1")
    colours = (*alpha.shape, 3)
    points = {
        name: _take(path, tensors, f"{prefix}keypoints.{name}", shape, np.float32) for name, shape in KEYPOINT_ARRAYS.items()
    }
    return SubjectView(
        picture=_take(path, tensors, prefix + "picture", colours, np.uint8),
        alpha=alpha,
        foreground=_take(path, tensors, prefix + "foreground", colours, np.uint8),
        keypoints=PictureKeypoints(
            **points,
            face_confidence=_number(path, entry, "face_confidence"),
            detection=_number(path, entry, "detection"),
            user_supplied=bool(entry["user_supplied"]),
        ),
        **{name: _take(path, tensors, prefix + name, shape, np.float32) for name, shape in VIEW_ARRAYS.items()},
        torso_px=_number(path, entry, "torso_px"),
        yaw=_number(path, entry, "yaw"),
        head_yaw=_number(path, entry, "head_yaw"),
        problems=tuple(str(problem)[:LONGEST_TEXT] for problem in entry["problems"]),
    )


def _number(path: Path, entry: Mapping[str, object], name: str) -> float:
    value = float(entry[name])
    if not math.isfinite(value):
        raise _refused(path, f"{name} {value}", "finite numbers")
    return value


def _take(path: Path, tensors: dict[str, np.ndarray], name: str, shape: tuple[int, ...] | None, dtype: type) -> np.ndarray:
    if name not in tensors:
        raise _refused(path, f"no tensor {name}", f"{FORMAT} version {VERSION}")
    tensor = tensors.pop(name)
    if tensor.dtype != dtype or (shape is not None and tensor.shape != shape):
        raise _refused(path, f"{name} of {tensor.dtype} {tensor.shape}", f"{np.dtype(dtype)} {shape or '[H,W]'}")
    if tensor.dtype != np.uint8 and not np.isfinite(tensor).all():
        raise _refused(path, f"{name} with infinite or missing numbers", "finite numbers")
    return tensor


def _refused(path: Path, got: str, expected: str) -> SubjectError:
    return SubjectError(
        f"{path.name} is not a usable subject library", got=got, expected=expected, remedy="Build the library again and save it"
    )
