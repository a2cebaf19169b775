"""What the demo starts from: pose networks, its own driving clip and character. Made or fetched on first use, then kept."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # behind everything else: ComfyUI has a module `nodes` of its own

from kmc_core.errors import KMCError  # noqa: F401

# Their names in the cache and in the input folder of the demo's own ComfyUI.
CLIP_NAME, CHARACTER_NAME = "performer.mp4", "character.png"


def fetch_pose_weights(models: Path) -> None:
    """The pose networks below a models folder, fetched once; the node would do the same on first use, less visibly."""
    from kmc_core.pose.weights import WEIGHTS_FOLDER_NAME, ensure_weights

    ensure_weights(models / "kmc" / WEIGHTS_FOLDER_NAME, on_message=lambda text: print(text, flush=True))


def default_clip(folder: Path) -> Path:
    """Five seconds of a rendered performer with a synthesised beat; rendering takes a while, once."""
    path = folder / CLIP_NAME
    if not path.is_file():
        from kmc_core.training.synthetic.performer import write_performer

        print("Rendering the demo's performer (once) ...", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_performer(path)
    return path


def default_character(folder: Path) -> Path:
    """A full-body illustration drawn by this project."""
    path = folder / CHARACTER_NAME
    if not path.is_file():
        import cv2

        from kmc_core.training.synthetic.default_character import draw_default_character

        print("Drawing the demo's character (once) ...", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        picture = draw_default_character()
        order = cv2.COLOR_RGBA2BGRA if picture.shape[-1] == 4 else cv2.COLOR_RGB2BGR
        path.write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, order))[1].tobytes())
    return path
