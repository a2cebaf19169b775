"""What the pictures on the nodes (web/js) are told: small files in ComfyUI's temp folder, and their names in a node's ui output.

Not here: the host's folders and events (host.py), what is drawn (web/js). Called by the node files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..kmc_core.pose.playback import playback_track
from ..kmc_core.subject.corrections import picture_mark
from ..kmc_core.subject.gallery import checkerboard, cut_out
from ..kmc_core.types import HolisticMotion, PictureKeypoints, SubjectLibrary
from . import host

PICTURE_LONG_SIDE = 768
JPEG_QUALITY = 88

Address = dict[str, str]


def save_picture(picture: np.ndarray, long_side: int = PICTURE_LONG_SIDE) -> Address:
    """uint8 [H,W,3|4] as a reduced JPEG in the temp folder; transparency is shown over grey."""
    ratio = min(1.0, long_side / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * ratio)), max(1, round(picture.shape[0] * ratio)))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    if small.shape[2] == 4:
        alpha = small[..., 3:].astype(np.float32) / 255
        small = np.round(small[..., :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)
    path, address = host.new_temporary_file(".jpg")
    path.write_bytes(cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
    return address


def save_json(data: Mapping[str, object]) -> Address:
    """One JSON object in the temp folder."""
    path, address = host.new_temporary_file(".json")
    path.write_text(json.dumps(data, separators=(",", ":"), allow_nan=False), encoding="utf-8")
    return address


def pose_player(*tracks: tuple[str, HolisticMotion, Address | None]) -> list[Address]:
    """For the pose player: (title, motion, picture or clip to draw it on) of everything that plays side by side."""
    panels = [{"title": title, "track": playback_track(motion), "under": under} for title, motion, under in tracks]
    return [save_json({"panels": panels})]


def clip_under(motion: HolisticMotion) -> Address | None:
    """Where the browser finds the clip a motion was read from, with its start; None where it may not see the file."""
    clip = motion.source
    address = host.page_address(clip.path) if clip is not None else None
    return None if address is None else {**address, "start_s": clip.start_s}


def subject_views(subject: SubjectLibrary, pictures: Sequence[np.ndarray], used: Sequence[int | None]) -> list[dict[str, object]]:
    """For the gallery: each view's picture, the points that were found, facing and problems.

    used: number of the corrections applied to each view. The points include them; the page draws its own on top.
    """
    entries = []
    for index, (view, picture) in enumerate(zip(subject.views, pictures, strict=True)):
        entry = _picture_entry(picture, used[index])
        entry |= {
            "cut_out": save_picture(cut_out(view, checkerboard(*view.canvas))),
            "points": _points(view.keypoints, view.canvas.width, view.canvas.height),
            "yaw_deg": round(math.degrees(view.yaw), 1),
            "head_yaw_deg": round(math.degrees(view.head_yaw), 1),
            "is_primary": index == subject.primary,
            "problems": list(view.problems),
        }
        entries.append(entry)
    return entries


def bare_views(pictures: Sequence[np.ndarray], used: Sequence[int | None]) -> list[dict[str, object]]:
    """For the gallery when no subject could be built: the pictures alone, so that joints can be set by hand."""
    return [_picture_entry(picture, number) for picture, number in zip(pictures, used, strict=True)]


def _picture_entry(picture: np.ndarray, used: int | None) -> dict[str, object]:
    height, width = picture.shape[:2]
    return {
        "picture": save_picture(picture), "cut_out": None, "mark": picture_mark(picture), "width": width, "height": height, "corrections": used,
        "points": None, "yaw_deg": None, "head_yaw_deg": None, "is_primary": False, "problems": [],
    }  # fmt: skip


def _points(keypoints: PictureKeypoints, width: int, height: int) -> list[list[float]]:
    """33 body points as [x, y, confidence], x and y in fractions of the picture."""
    places = keypoints.body / (width, height)
    return [
        [round(float(x), 5), round(float(y), 5), round(float(trust), 3)]
        for (x, y), trust in zip(places, keypoints.body_confidence, strict=True)
    ]
