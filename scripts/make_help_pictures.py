"""Makes the pictures of the help pages: what the nodes show, taken from a run in the real ComfyUI.

python scripts/make_help_pictures.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from environment import CACHE, ROOT, run_in_venv
from example_graphs import EXAMPLES, Graph, character, clip_and_pose, prompt_of, retargeted

FOLDER = ROOT / "web" / "docs" / "images"
HEIGHT, GAP, QUALITY, PAPER = 300, 4, 84, 245
# Picture, node whose first output is shown, and which of its pictures (parts of the whole row).
SHOWN = {
    "overlay": ("overlay", (0.1, 0.4, 0.7, 0.95)),
    "gallery": ("gallery", (0.0,)),
    "pose": ("show_pose", (0.1, 0.4, 0.7, 0.95)),
    "timeline": ("show_timeline", (0.0,)),
    "library": ("show_library", (0.0, 0.3, 0.6, 0.9)),
}


def graph() -> Graph:
    """Clip, character and a library motion, and a preview of everything the pages show."""
    views = {key: node for key, node in EXAMPLES["several_views"].graph.items() if key.startswith("picture_")}
    pictures = {f"pictures.{key}": [key, 0] for key in views}
    return {
        **clip_and_pose(fps=4.0, duration_s=4.0), **character(), **views,
        "subject": ("BuildSubjectLibrary", {**pictures, "name": "character"}), **retargeted(orientation=False),
        "overlay": ("PreviewImage", {"images": ["pose", 2]}),
        "gallery": ("PreviewImage", {"images": ["subject", 1]}),
        "show_pose": ("PreviewImage", {"images": ["retarget", 1]}),
        "check": ("KMCPreflight", {"motion": ["pose", 0], "subject": ["subject", 0]}),
        "show_timeline": ("PreviewImage", {"images": ["check", 1]}),
        "library": ("KMCLoadMotion", {"motion": "dance: Disco points (4.0 s, loop) [disco, beat, retro]"}),
        "show_library": ("PreviewImage", {"images": ["library", 1]}),
    }  # fmt: skip


def row(pictures: list) -> object:
    """Pictures beside each other, HEIGHT high; a single one keeps its shape, at most 900 px wide."""
    import cv2
    import numpy as np

    parts = []
    for picture in pictures:
        scale = min(HEIGHT / len(picture), 900 / picture.shape[1]) if len(pictures) > 1 else min(1.0, 900 / picture.shape[1])
        scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        parts += [scaled, np.full((len(scaled), GAP, 3), PAPER, np.uint8)]
    return np.concatenate(parts[:-1], axis=1)


def main() -> int:
    run_in_venv(Path(__file__).resolve())
    import cv2
    from comfyui_server import ComfyUIServer

    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as base,
        ComfyUIServer(Path(os.environ["COMFYUI_DIR"]), Path(base), models=CACHE / "models") as server,
    ):
        outputs = server.run(prompt_of(graph()))["outputs"]
        for name, (node, parts) in SHOWN.items():
            shown = outputs[node]["images"]
            chosen = [shown[min(int(part * len(shown)), len(shown) - 1)] for part in parts]
            pictures = [cv2.imread(str(server.base / item["type"] / item["subfolder"] / item["filename"])) for item in chosen]
            cv2.imwrite(str(FOLDER / f"{name}.jpg"), row(pictures), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return 0


if __name__ == "__main__":
    sys.exit(main())
