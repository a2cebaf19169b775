"""Prompts for the server, and small files to run them on."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np


def whole_graph(clip: str, picture: str, *, fps: float = 0.0, seconds: float = 0.0, **sampler: object) -> dict:
    """Clip and picture to a saved video through every node but the distilled one, at the smallest size."""
    settings = {
        "prompt": "", "negative_prompt": "", "cfg_scale": 0.5, "mode": "draft", "steps": 1, "motion_strength": 1.0, "seed": 0,
        "background": "picture", "images": False,
    }  # fmt: skip
    nodes = {
        "load": ("LoadMotionVideo", {"file": clip, "duration_s": seconds, "fps": fps}),
        "pose": ("ExtractHolisticPose", {"clip": ["load", 0], "person": "largest", "smoothing": 1.0, "subtract_camera": False}),
        "picture": ("LoadImage", {"image": picture}),
        "subject": ("BuildSubjectLibrary", {"pictures.picture_1": ["picture", 0], "name": "somebody"}),
        "orientation": ("OrientationMode", {"mode": "video", "pan_deg": 0, "tilt_deg": 0, "zoom": 1, "orbit_deg": 0}),
        "retarget": (
            "RetargetSkeleton",
            {"motion": ["pose", 0], "subject": ["subject", 0], "orientation": ["orientation", 0], "strength": 1.0,
             "framing": "fit to picture"},
        ),
        "sampler": ("KMCSampler", {"motion": ["retarget", 0], "subject": ["subject", 0], **settings, **sampler}),
        "save": ("SaveVideo", {"video": ["sampler", 3], "filename_prefix": "kmc_test", "format": "auto", "codec": "auto"}),
    }  # fmt: skip
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def pose_graph(clip: str, **load: object) -> dict:
    """Only the clip and its pose; the overlay is previewed."""
    graph = whole_graph(clip, "")
    graph["load"]["inputs"].update(load)
    graph["show"] = {"class_type": "PreviewImage", "inputs": {"images": ["pose", 2]}}
    return {name: graph[name] for name in ("load", "pose", "show")}


def subject_graph(*pictures: str) -> dict:
    """Only the pictures and their library; the gallery is previewed."""
    graph = {
        "subject": {"class_type": "BuildSubjectLibrary", "inputs": {"name": "somebody"}},
        "show": {"class_type": "PreviewImage", "inputs": {"images": ["subject", 1]}},
    }
    for number, picture in enumerate(pictures, start=1):
        graph[f"picture_{number}"] = {"class_type": "LoadImage", "inputs": {"image": picture}}
        graph["subject"]["inputs"][f"pictures.picture_{number}"] = [f"picture_{number}", 0]
    return graph


def write_empty_street(path: Path, seconds: float, fps: int = 8) -> Path:
    """A moving gradient in which nobody is to be seen."""
    rows, columns = np.mgrid[0:256, 0:384]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 384, 256, "yuv420p"
        for index in range(round(seconds * fps)):
            shade = (120 + 60 * np.sin((rows + 2 * columns + 3 * index) / 60)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.stack([shade, shade, 255 - shade], -1), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_picture(path: Path, width: int, height: int) -> Path:
    """A plain picture of one size."""
    path.write_bytes(cv2.imencode(".png", np.full((height, width, 3), 180, np.uint8))[1].tobytes())
    return path
