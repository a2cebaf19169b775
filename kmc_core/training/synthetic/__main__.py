"""Command line of the synthetic room: `python -m kmc_core.training.synthetic --sheet out.png --characters 24`, `--clips`, `--throughput`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ...types import Canvas
from .sheet import write_clip_sheet, write_sheet
from .throughput import throughput_table


def main() -> None:
    """Parses the arguments and writes what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m kmc_core.training.synthetic", description=__doc__)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of random characters to this PNG or JPEG")
    parser.add_argument("--characters", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips", type=Path, help="write moments of random clips with their flow and depth to this PNG or JPEG")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(6)), help="of the clips")
    parser.add_argument("--throughput", action="store_true", help="measure frames per second of one core by canvas and style")
    parser.add_argument("--measure-face", type=Path, metavar="WEIGHTS", help="measure the face attachments anew with the pose weights in this folder")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.measure_face is not None:
        from .measure_face import measure_attachments

        measure_attachments(arguments.measure_face)
    if arguments.throughput:
        logging.getLogger(__name__).info("%s", throughput_table())
    if arguments.clips is not None:
        from ..random_scene import random_clip

        write_clip_sheet(arguments.clips, [random_clip(seed, Canvas(360, 240), 24, 12.0, keep_truth=True) for seed in arguments.seeds])
        logging.getLogger(__name__).info("wrote %s", arguments.clips)
    if arguments.sheet is not None:
        write_sheet(arguments.sheet, arguments.characters, arguments.seed)
        logging.getLogger(__name__).info("wrote %s", arguments.sheet)


if __name__ == "__main__":
    main()
