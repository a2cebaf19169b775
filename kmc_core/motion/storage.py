"""A HolisticMotion as one .safetensors file with a versioned JSON header; loading is strict and never runs code.

Not here: the small files of the shipped library (library/compact.py), BVH (bvh.py), POSE_KEYPOINT (pose_keypoint_file.py).
The source clip (frames, sound) is not stored: a file of motion names no file of pictures. Called by nodes and tests.
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
from ..errors import MotionError
from ..types import Canvas, HolisticMotion

FORMAT = "kmc.motion"
VERSION = 1
HEADER_KEY = "kmc"
ENDING = ".safetensors"
# shapes after the frame axis; None = any length
ARRAYS: dict[str, tuple[int | None, ...]] = {
    "body": (33, 2), "body_confidence": (33,), "body_world": (33, 3), "hands": (2, 21, 3), "hands_confidence": (2,),
    "face": (478, 3), "face_confidence": (), "expression": (None,), "head_pose": (3,), "root_yaw": (), "camera": (2, 3),
}  # fmt: skip
LARGEST_FILE_BYTES = 512 << 20
MOST_FRAMES = 100_000
LARGEST_SIDE_PX = 65_536
MAX_FPS = 240.0


def save_motion(motion: HolisticMotion, path: str | Path, *, title: str = "", tags: tuple[str, ...] = ()) -> Path:
    """Write `motion` (ending .safetensors is added when missing) through a temporary file; returns the path.

    Raises MotionError for a retargeted motion: what is kept is the performance, which fits every character.
    """
    if motion.character is not None:
        raise MotionError(
            "A motion on a character is not stored", got="a retargeted motion", expected="the motion as extracted or loaded",
            remedy="Save the motion before KMC Retarget Skeleton",
        )  # fmt: skip
    path = Path(path)
    if path.suffix != ENDING:
        path = path.with_name(path.name + ENDING)
    tensors = {name: np.ascontiguousarray(getattr(motion, name), np.float32) for name in ARRAYS}
    if motion.matte is not None:
        tensors["matte"] = np.ascontiguousarray(motion.matte, np.uint8)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "title": title,
        "tags": list(tags),
        "fps": float(motion.fps),
        "canvas": list(motion.canvas),
        "cuts": [int(cut) for cut in motion.cuts],
        "provenance": plain(motion.provenance),
    }
    return write_tensors(path, tensors, header)


def load_motion(path: str | Path) -> HolisticMotion:
    """Read a motion written by `save_motion`.

    Raises MotionError for a missing, damaged or oversized file, another format or version, missing, surplus, misshapen or
    non-finite tensors.
    """
    path = Path(path)
    header, tensors = read_tensors(path)
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        got = f"{header.get('format', 'no format')} version {header.get('version', '?')}"[:80]
        raise refused(path, got, f"{FORMAT} version {VERSION}")
    try:
        fps, canvas, cuts = float(header["fps"]), [int(side) for side in header["canvas"]], [int(cut) for cut in header["cuts"]]
        provenance = dict(header.get("provenance") or {})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise refused(path, f"an unusable header ({error})", "fps, canvas and cuts") from error
    if not (math.isfinite(fps) and 0 < fps <= MAX_FPS) or len(canvas) != 2 or not all(0 < side <= LARGEST_SIDE_PX for side in canvas):
        raise refused(path, f"{fps:g} frames/s on {canvas}", "a rate up to 240 and a canvas [height, width]")
    arrays = _checked(path, tensors)
    matte = arrays.pop("matte", None)
    frames = len(arrays["body"])
    kept = tuple(sorted({cut for cut in cuts if 0 < cut < frames}))
    return HolisticMotion(fps=fps, canvas=Canvas(*canvas), **arrays, cuts=kept, matte=matte, provenance=provenance)


def read_tensors(path: Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """(JSON header, arrays) of any .safetensors of this room. Raises MotionError when the file is none."""
    if not path.is_file():
        raise refused(path, "no file", "a motion file")
    problem = header_problem(path, LARGEST_FILE_BYTES)
    if problem:
        raise refused(path, f"an unreadable file ({problem})", "a complete motion file")
    try:
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
        header = json.loads(metadata.get(HEADER_KEY, "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise refused(path, f"an unreadable file ({type(error).__name__}: {error})"[:300], "a complete motion file") from error
    if not isinstance(header, dict):
        raise refused(path, "a header that is no table", f"{FORMAT} version {VERSION}")
    return header, tensors


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], header: Mapping[str, object]) -> Path:
    """Write arrays and JSON header through a temporary file beside `path`."""
    unfinished = path.with_name(path.name + ".part")
    try:
        save_file(dict(tensors), unfinished, metadata={HEADER_KEY: json.dumps(header)})
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _checked(path: Path, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The motion's arrays, each of its type and shape and all of one length."""
    arrays: dict[str, np.ndarray] = {}
    frames = None
    for name, shape in ARRAYS.items():
        if name not in tensors:
            raise refused(path, f"no tensor {name}", f"{FORMAT} version {VERSION}")
        array = tensors.pop(name)
        fits = array.ndim == 1 + len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape[1:], strict=False))
        frames = len(array) if frames is None and array.ndim else frames
        if array.dtype != np.float32 or not fits or len(array) != frames or not 0 < frames <= MOST_FRAMES:
            raise refused(path, f"{name} of {array.dtype} {array.shape}", f"float32 [{frames}, {shape}]")
        if not np.isfinite(array).all():
            raise refused(path, f"{name} with infinite or missing numbers", "finite numbers")
        arrays[name] = array
    matte = tensors.pop("matte", None)
    if matte is not None:
        if matte.dtype != np.uint8 or matte.ndim != 3 or len(matte) != frames or 0 in matte.shape:
            raise refused(path, f"matte of {matte.dtype} {matte.shape}", "uint8 [T,h,w]")
        arrays["matte"] = matte
    if tensors:
        raise refused(path, f"unknown tensors {sorted(tensors)[:3]}", "only a motion's own tensors")
    return arrays


def plain(value: object) -> object:
    """Numbers, strings, lists and tables only, ready for JSON; anything else becomes its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else str(value)


def refused(path: Path, got: str, expected: str) -> MotionError:
    """The one refusal of files of motion."""
    return MotionError(
        f"{path.name} is not a usable motion file", got=got, expected=expected, remedy="Choose another file, or save the motion again"
    )
