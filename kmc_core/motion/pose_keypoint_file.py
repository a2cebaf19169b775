"""POSE_KEYPOINT lists as JSON files, as other ComfyUI packs save them, and motions from and to them.

Not here: reading one dictionary (pose/interchange.py). Files written here carry the rate as an extra key `fps`.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import MotionError, PoseError
from ..pose.interchange import from_pose_keypoint, to_pose_keypoint
from ..types import HolisticMotion
from .storage import MAX_FPS, MOST_FRAMES, refused

DEFAULT_FPS = 24.0
LEAST_FPS = 0.1
LARGEST_FILE_BYTES = 48 << 20
MOST_LISTS = 1_000_000
"""brackets of a file; each costs far more memory than its byte"""


def write_pose_keypoint_file(motion: HolisticMotion, path: str | Path) -> Path:
    """Body, feet, hands and 70 face points of every frame; depth, expression and the mesh are not part of the format."""
    path = Path(path)
    frames = [frame | {"fps": motion.fps} for frame in to_pose_keypoint(motion)]
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(json.dumps(frames), encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def read_pose_keypoint_file(path: str | Path, fps: float = 0.0, smoothing: float = 0.0) -> HolisticMotion:
    """A list of POSE_KEYPOINT dictionaries, one for each frame (or one dictionary). fps 0: the file's own, else 24.

    Raises MotionError when the file is none, PoseError when it holds no person.
    """
    path = Path(path)
    if not path.is_file():
        raise refused(path, "no file", "a POSE_KEYPOINT file (.json)")
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise refused(path, f"{path.stat().st_size >> 20} MB", f"at most {LARGEST_FILE_BYTES >> 20} MB")
    try:
        data = path.read_bytes()
        if data.count(b"[") + data.count(b"{") > MOST_LISTS:
            raise ValueError(f"more than {MOST_LISTS} lists")
        frames = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        raise refused(path, f"unreadable JSON ({error})", "a list of POSE_KEYPOINT dictionaries") from error
    frames = [frames] if isinstance(frames, dict) else frames
    if not isinstance(frames, list) or not frames or len(frames) > MOST_FRAMES or not all(isinstance(entry, dict) for entry in frames):
        raise refused(path, type(frames).__name__, "a list of POSE_KEYPOINT dictionaries, one for each frame")
    rate = fps or frames[0].get("fps") or DEFAULT_FPS
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not LEAST_FPS <= rate <= MAX_FPS:
        raise MotionError("The rate of this file is not usable", got=repr(rate)[:40], expected="0.1 to 240", remedy="Set fps")
    try:
        return from_pose_keypoint(frames, float(rate), smoothing=smoothing)
    except (TypeError, ValueError, AttributeError, OverflowError, KeyError) as error:
        if isinstance(error, PoseError):
            raise
        raise refused(path, f"malformed entries ({error})"[:200], "POSE_KEYPOINT dictionaries") from error
