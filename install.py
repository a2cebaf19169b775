"""What ComfyUI-Manager runs once after installing the pack: fetches the pose networks' weights.

    python install.py [folder]

Without a folder they go to `models/kmc/pose` of the ComfyUI this pack lies in (`custom_nodes/<pack>`), else to
`.cache/models/kmc/pose` beside this file, where `scripts/demo.py` and the tests look. Without an internet connection it says which file to put where and ends normally:
the nodes ask again on first use.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PACK = Path(__file__).resolve().parent


def default_folder() -> Path:
    """`models/kmc/pose` of the surrounding ComfyUI, else of this pack's cache."""
    is_installed = PACK.parent.name == "custom_nodes" and (PACK.parent.parent / "models").is_dir()
    weights = importlib.import_module("kmc_core.pose.weights")
    return (PACK.parent.parent if is_installed else PACK / ".cache") / "models" / "kmc" / weights.WEIGHTS_FOLDER_NAME


def tell(message: object) -> None:
    """One line for ComfyUI-Manager's log."""
    sys.stdout.write(f"[KMC] {message}\n")


def main() -> int:
    """Fetch, tell the user what happened, never fail the installation for want of a connection."""
    if str(PACK) not in sys.path:
        sys.path.append(str(PACK))
    weights = importlib.import_module("kmc_core.pose.weights")
    errors = importlib.import_module("kmc_core.errors")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default_folder()
    try:
        weights.ensure_weights(folder, on_message=tell)
    except errors.KMCError as error:
        tell(error)
    else:
        tell(f"Pose networks ready in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
