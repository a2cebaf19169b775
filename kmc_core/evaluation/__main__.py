"""`python -m kmc_core.evaluation reenact ...`: the comparison as a command, with a table, a JSON file and contact sheets.

`python -m kmc_core.evaluation preflight ...` is in preflight.py, `... retarget ...` in retarget.py, `... matte ...` in matte.py,
`... ablations ...` in ablations_command.py.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path

import torch

from ..dit.weights_file import RECOMMENDED_STRENGTH, load_network
from ..errors import KMCError
from ..pose.extractor import HolisticExtractor
from ..pose.weights import WEIGHTS_FOLDER_NAME, ensure_weights
from ..sampling.reenact import SamplerSettings
from ..types import Orientation
from .ablations_command import ablations_command
from .identity import FaceIdentity
from .identity_weights import ensure_identity_weights
from .matte import matte_command
from .preflight import preflight_command
from .prompts_command import prompts_command
from .reenact import METHODS, Comparison, Row, compare
from .retarget import retarget_command
from .speed_command import speed_command
from .table import table
from .views_command import views_command

BUILT_IN_NETWORK = Path(__file__).resolve().parents[1] / "weights" / "kmc_nano.safetensors"
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "models" / "kmc"


def pose_folder() -> Path:
    """Where the pose networks lie: KMC_POSE_WEIGHTS, else where install.py puts them for a pack outside ComfyUI."""
    return Path(os.environ.get("KMC_POSE_WEIGHTS", CACHE / WEIGHTS_FOLDER_NAME))


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
    command.add_argument("--pose-weights", type=Path, default=pose_folder(), help="folder, filled when empty")
    command.add_argument("--identity-weights", type=Path, default=CACHE / "identity", help="folder, filled when empty")
    command.add_argument("--no-identity", action="store_true", help="do not measure identity")
    command.add_argument("--threads", type=int, default=0, help="CPU threads; 0: the system's choice")
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
    if options.threads:
        torch.set_num_threads(options.threads)
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
    workers = options.threads or 2
    extractor = HolisticExtractor(ensure_weights(options.pose_weights, on_message=logging.info), workers=workers)
    identity_folder = None if options.no_identity else ensure_identity_weights(options.identity_weights)
    identity = FaceIdentity(identity_folder) if identity_folder else None
    sampler = SamplerSettings(prompt=options.prompt, steps=options.steps, seed=options.seed, network_strength=strength)
    comparison = Comparison(
        methods, options.seconds, options.long_side, Orientation(options.orientation), sampler, options.sheets
    )
    rows: list[Row] = []
    for row in compare(options.clips, options.characters, comparison, extractor, network, identity, logging.info):
        rows.append(row)
        if options.json is not None:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
