"""`python -m kmc_core.evaluation prompts --clip FILE [--character FILE] --json FILE`: what the prompt changes, in numbers."""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

import cv2

from ..dit.weights_file import load_network
from ..errors import KMCError
from ..media.clip import open_clip
from ..types import Orientation
from .case import character_case, self_case
from .command_line import BUILT_IN_NETWORK, add_identity, add_pose_weights, extractor_of, identity_of, use_threads, write_json
from .prompts import QUESTIONS, Row, ask, sheet

logger = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """The command line after the word "prompts"."""
    command = argparse.ArgumentParser(prog="kmc_core.evaluation prompts", description=__doc__)
    command.add_argument("--clip", type=Path, required=True, help="driving clip")
    command.add_argument("--character", type=Path, help="picture; none: the clip's first frame")
    command.add_argument("--seconds", type=float, default=0.5, help="of the clip from its start")
    command.add_argument("--json", type=Path, help="file for the rows")
    command.add_argument("--sheet", type=Path, help="picture of one frame of every prompt")
    command.add_argument("--long-side", type=int, default=512)
    command.add_argument("--network", type=Path, default=BUILT_IN_NETWORK)
    add_pose_weights(command)
    add_identity(command)
    return command


def prompts_command(arguments: list[str]) -> tuple[int, str]:
    """Run it. Returns the exit status (0 every prompt did what it names, 1 some did not, 2 nothing was measured) and a table."""
    options = parser().parse_args(arguments)
    use_threads(options.threads)
    try:
        rows = _rows(options)
    except KMCError as error:
        return 2, str(error)
    write_json(options.json, rows)
    return (0 if all(row["met"] for row in rows) else 1), "\n".join(_line(row) for row in rows)


def _rows(options: argparse.Namespace) -> list[Row]:
    network, _ = load_network(options.network)
    extractor, identity = extractor_of(options), identity_of(options)
    clip = open_clip(options.clip, duration_s=options.seconds)
    driver = extractor.track(clip)
    if options.character is None:
        case = self_case(clip, driver, extractor, options.long_side)
    else:
        case = character_case(clip, driver, options.character, extractor, Orientation(), options.long_side)
    rows = []
    with tempfile.TemporaryDirectory() as made:
        for row in ask(case, network, extractor, Path(made), identity=identity):
            logger.info(_line(row))
            rows.append(row)
        if options.sheet is not None:
            cv2.imwrite(str(options.sheet), sheet(Path(made), case, len(QUESTIONS))[..., ::-1])
    return rows


def _line(row: Row) -> str:
    def cell(value: object, form: str) -> str:
        return "-" if value is None else form.format(value)

    return (
        f"{'met' if row['met'] else 'NOT':4}{row['prompt']:55}{row['measure']:45}{row['value']:6.2f} in {row['low']:g}..{row['high']:g}"
        f"  pose {cell(row['pose_shift'], '{:.3f}')} (same change on the driver {cell(row['pose_control'], '{:.3f}')})"
        f"  identity {cell(row['identity'], '{:.3f}')} of {cell(row['identity_plain'], '{:.3f}')}"
    )
