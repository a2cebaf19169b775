"""`python -m kmc_core.evaluation ablations --weights FILE --pairs FOLDER --json FILE`: the tables of the model card, as Markdown."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np

from ..dit.weights_file import load_network
from ..errors import KMCError
from ..pose.matte_network import load_matte_network
from ..pose.matte_refinement import BUILT_IN_MATTE
from .ablation_mattes import matte_rows
from .ablations import MEASURES, WHOLE, ablation_rows, means
from .command_line import BUILT_IN_NETWORK, add_pose_weights, extractor_of, use_threads, write_json

logger = logging.getLogger(__name__)


def ablations_command(words: list[str]) -> tuple[int, str]:
    """Run it -> exit status (0 measured, 2 not) and the tables."""
    options = _parser().parse_args(words)
    use_threads(options.threads)
    try:
        return 0, _tables(options)
    except KMCError as error:
        return 2, str(error)


def _parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser(prog="kmc_core.evaluation ablations", description=__doc__)
    command.add_argument("--weights", type=Path, default=BUILT_IN_NETWORK)
    command.add_argument("--pairs", type=Path, default=Path("runs/pairs"), help="folder of shards; one in ten is held out")
    command.add_argument("--clips", type=int, default=12, help="held-out rendered pairs for the network's parts")
    command.add_argument("--steps", type=int, default=1)
    command.add_argument("--matte-clips", type=int, default=6, help="rendered characters for the cut-out; 0: leave it out")
    add_pose_weights(command)
    command.add_argument("--json", type=Path, help="file for the numbers of every clip")
    return command


def _tables(options: argparse.Namespace) -> str:
    network, _ = load_network(options.weights)
    rows: dict[str, object] = {}
    parts = ablation_rows(options.pairs, network, clips=options.clips, steps=options.steps, note=logger.info)
    rows["network"] = parts
    text = [f"{len(parts[WHOLE])} held-out rendered pairs, steps: {options.steps}; dB after registration (difference from the network)", ""]
    text += _network_table(means(parts))
    if options.matte_clips:
        mattes = matte_rows(extractor_of(options), load_matte_network(BUILT_IN_MATTE)[0], clips=options.matte_clips, note=logger.info)
        rows["mattes"] = mattes
        text += ["", f"{options.matte_clips} rendered characters, aligned frames without the network", "", *_matte_table(mattes)]
    write_json(options.json, rows)
    return "\n".join(text)


def _network_table(table: dict[str, dict[str, float]]) -> list[str]:
    lines = ["| | subject | head | hands | sharpness | changes (grey levels) |", "|---|---|---|---|---|---|"]
    for method, values in table.items():
        cells = []
        for name in MEASURES[:3]:
            if name in values:
                cells.append(f"{values[name]:.2f} ({values[f'{name}_less']:+.2f} ± {values[f'{name}_error']:.2f})")
            else:
                cells.append("-")
        lines.append(f"| {method} | {' | '.join(cells)} | {values['sharpness']:.2f} | {values['change']:.2f} |")
    return lines


def _matte_table(rows: dict[str, list[dict[str, float]]]) -> list[str]:
    names = {"sad": "SAD (1000 px)", "subject": "subject dB", "rim": "rim dB", "behind": "behind dB"}
    lines = [f"| cut-out by | {' | '.join(names.values())} |", "|---|---|---|---|---|"]
    for method, found in rows.items():
        lines.append(f"| {method} | {' | '.join(f'{np.mean([row[name] for row in found]):.2f}' for name in names)} |")
    return lines
