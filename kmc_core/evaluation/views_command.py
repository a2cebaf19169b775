"""`python -m kmc_core.evaluation views`: one picture of a character against two and four, where it turns far (rendered truth)."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np

from ..dit.weights_file import RECOMMENDED_STRENGTH, load_network
from ..errors import KMCError
from .command_line import BUILT_IN_NETWORK, add_identity, add_pose_weights, extractor_of, identity_of, use_threads, write_json
from .views import Row, compare_views, means

logger = logging.getLogger(__name__)
COLUMNS = (("psnr_subject", "subj dB", "{:.2f}"), ("psnr_registered", "regist dB", "{:.2f}"), ("psnr_head", "head dB", "{:.2f}"), ("ssim", "SSIM", "{:.3f}"), ("sharpness", "sharp", "{:.2f}"), ("identity", "ident", "{:.3f}"))  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line after the word "views"."""
    command = argparse.ArgumentParser(prog="kmc_core.evaluation views", description=__doc__)
    command.add_argument("--characters", type=int, default=6)
    command.add_argument("--seed", type=int, default=9000, help="of the first character")
    command.add_argument("--frames", type=int, default=8)
    command.add_argument("--read", choices=("truth", "detector"), default="detector", help="keypoints and mattes of the pictures: exact, or found")
    command.add_argument("--json", type=Path, help="file for the rows")
    command.add_argument("--sheet", type=Path, help="folder for one picture per character: truth, then a strip per row of the table")
    command.add_argument("--network", type=Path, default=BUILT_IN_NETWORK)
    command.add_argument("--no-network", action="store_true", help="measure alignment alone")
    add_pose_weights(command)
    add_identity(command)
    return command


def views_command(arguments: list[str]) -> tuple[int, str]:
    """Run it. Returns the exit status (0 measured, 2 nothing was measured) and a table."""
    options = parser().parse_args(arguments)
    use_threads(options.threads)
    try:
        rows = _rows(options)
    except KMCError as error:
        return 2, str(error)
    write_json(options.json, rows)
    return 0, "\n".join(_line(row) for row in [*rows, *means(rows)])


def _rows(options: argparse.Namespace) -> list[Row]:
    network, strength = None, 1.0
    if not options.no_network:
        network, facts = load_network(options.network)
        strength = float(facts.get(RECOMMENDED_STRENGTH, 1.0))
    extractor = extractor_of(options) if options.read == "detector" else None
    identity = identity_of(options)
    made: list[np.ndarray] = []
    rows: list[Row] = []
    seeds = range(options.seed, options.seed + options.characters)
    for row in compare_views(seeds, network, strength, extractor=extractor, identity=identity, frames=options.frames, on_sheet=made.append):
        logger.info(_line(row))
        rows.append(row)
        if options.sheet is not None and made:
            _write(options.sheet, len(made), made[-1])
    if options.sheet is not None and made:
        _write(options.sheet, len(made), made[-1])
    return rows


def _write(folder: Path, number: int, picture: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"turn_{number:02d}.png"
    if not path.exists():
        cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


def _line(row: Row) -> str:
    cells = "".join(f"{title:>12} {'-' if row[name] is None else form.format(row[name]):>6}" for name, title, form in COLUMNS)
    return f"{row['character']!s:26}{row['views']!s:20}{row['method']!s:10}{cells}"
