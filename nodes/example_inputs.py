"""The clip, pictures and music that the example workflows name, given to ComfyUI's input folder so that they run at once."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parents[1] / "example_inputs"
ALREADY_GIVEN = ".kmc_examples"


def give_example_inputs(folder: Path, shipped: Path = SHIPPED) -> None:
    """Copy the shipped files into ComfyUI's input folder, each once: what a user deletes stays deleted.

    Nothing is overwritten. A folder that cannot be written to is left alone, with a line in the log.
    """
    mark = folder / ALREADY_GIVEN
    try:
        given = set(mark.read_text(encoding="utf-8").split()) if mark.is_file() else set()
        missing = [path for path in sorted(shipped.glob("kmc_*")) if path.name not in given]
        for path in missing:
            if not (folder / path.name).exists():
                shutil.copyfile(path, folder / path.name)
        if missing:
            mark.write_text("\n".join(sorted(given | {path.name for path in missing})) + "\n", encoding="utf-8")
    except OSError as error:
        logger.warning("The example inputs of KMC were not copied into %s: %s", folder, error)
