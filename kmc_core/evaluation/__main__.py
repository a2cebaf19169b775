"""`python -m kmc_core.evaluation reenact ...`: the comparison as a command, with a table, a JSON file and contact sheets.

`python -m kmc_core.evaluation preflight ...` is in preflight.py, `... retarget ...` in retarget.py, `... matte ...` in matte.py,
`... ablations ...` in ablations_command.py.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ..dit.weights_file import RECOMMENDED_STRENGTH, load_network
from ..errors import KMCError
from ..sampling.reenact import SamplerSettings
from ..types import Orientation
from .ablations_command import ablations_command
from .command_line import BUILT_IN_NETWORK, add_identity, add_pose_weights, extractor_of, identity_of, use_threads, write_json
from .matte import matte_command
from .preflight import preflight_command
from .prompts_command import prompts_command
from .reenact import METHODS, Comparison, Row, compare
from .retarget import retarget_command
from .speed_command import speed_command
from .table import table
from .views_command import views_command


def parser() -> argparse.ArgumentParser:
    """The command line."""
    outer = argparse.ArgumentParser(prog="kmc_core.evaluation", description=__doc__)
    command = outer.add_subparsers(dest="command", required=True).add_parser("reenact", help="compare methods on clips")
    command.add_argument("--clips", nargs="+", type=Path, required=True, help="driving clips")
    command.add_argument("--characters", nargs="*", type=Path, default=[], help="pictures; none: each clip's first frame")
    command.add_argument("--methods", default=",".join(METHODS), help=f"any of {', '.join(METHODS)}, separated by commas")
    command.add_argument("--seconds", type=float, default=0.0, help="of each clip from its start; 0: all")
    command.add_argument("--json", type=Path, help="file for the rows")
    command.add_argument("--sheets", type=Path, help="folder for contact sheets")
    command.add_argument("--long-side", type=int, default=512, help="of the compared frames, px")
    command.add_argument("--orientation", choices=("video", "image"), default="video")
    command.add_argument("--steps", type=int, default=SamplerSettings.steps)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--prompt", default="")
    command.add_argument("--strength", type=float, help="of the network, 0..1; default: what its weights recommend")
    command.add_argument("--network", type=Path, default=BUILT_IN_NETWORK, help="network weights")
    add_pose_weights(command)
    add_identity(command)
    return outer


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when every row was measured, 1 when some were not, 2 for a wrong command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    words = sys.argv[1:] if arguments is None else arguments
    others = {
        "preflight": preflight_command, "retarget": retarget_command, "matte": matte_command, "prompts": prompts_command, "views": views_command, "speed": speed_command,
        "ablations": ablations_command,
    }  # fmt: skip
    if words and words[0] in others:
        status, text = others[words[0]](words[1:])
        print(text)
        return status
    options = parser().parse_args(words)
    methods = tuple(dict.fromkeys(name.strip() for name in options.methods.split(",") if name.strip()))
    unknown = sorted(set(methods) - set(METHODS))
    if unknown or not methods:
        logging.error("Unknown methods: %s. Choose from %s.", ", ".join(unknown) or "none given", ", ".join(METHODS))
        return 2
    use_threads(options.threads)
    try:
        rows = _run(options, methods)
    except KMCError as error:
        logging.error("%s", error)
        return 2
    print(table(rows))
    return 1 if any(row["problem"] for row in rows) else 0


def _run(options: argparse.Namespace, methods: tuple[str, ...]) -> list[Row]:
    network, strength = None, 1.0
    if "kmc" in methods and options.network.is_file():
        network, facts = load_network(options.network)
        strength = float(facts.get(RECOMMENDED_STRENGTH, 1.0)) if options.strength is None else options.strength
    extractor, identity = extractor_of(options), identity_of(options)
    sampler = SamplerSettings(prompt=options.prompt, steps=options.steps, seed=options.seed, network_strength=strength)
    comparison = Comparison(
        methods, options.seconds, options.long_side, Orientation(options.orientation), sampler, options.sheets
    )
    rows: list[Row] = []
    for row in compare(options.clips, options.characters, comparison, extractor, network, identity, logging.info):
        rows.append(row)
        write_json(options.json, rows)
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
