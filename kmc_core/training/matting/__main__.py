"""`python -m kmc_core.training.matting stills | train | export`: the three commands that make the cut-out network.

stills    --out runs/matting/stills --count 600 --seed 1      render pictures and run the present cut-out on them
train     --run runs/matting/net [--stills DIR --minutes 30]   train or go on; choices are kept in config.json
export    --run runs/matting/net --out kmc_core/weights/kmc_matte.safetensors      the average as float16
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from ...errors import KMCError
from ..stop_signals import stop_signals


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    chosen = _parser().parse_args(arguments)
    try:
        chosen.command(chosen)
    except KMCError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kmc_core.training.matting", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    stills = commands.add_parser("stills", help="render pictures with exact alpha and cut them out")
    stills.add_argument("--out", type=Path, default=Path("runs/matting/stills"))
    stills.add_argument("--count", type=int, default=600)
    stills.add_argument("--seed", type=int, default=1)
    stills.add_argument("--pose-weights", type=Path, help="folder of the pose networks")
    stills.set_defaults(command=_stills)
    train = commands.add_parser("train", help="train or continue a run")
    train.add_argument("--run", type=Path, required=True)
    train.add_argument("--stills", help="folder of stills")
    for name in ("minutes", "learning_rate"):
        train.add_argument("--" + name.replace("_", "-"), type=float)
    for name in ("steps", "batch", "threads", "seed"):
        train.add_argument("--" + name, type=int)
    train.set_defaults(command=_train)
    export = commands.add_parser("export", help="write the averaged weights as float16")
    export.add_argument("--run", type=Path, required=True)
    export.add_argument("--out", type=Path, required=True)
    export.set_defaults(command=_export)
    return parser


def _stills(chosen: argparse.Namespace) -> None:
    from ...evaluation.command_line import pose_folder
    from ...pose.extractor import HolisticExtractor
    from ...pose.weights import ensure_weights
    from .stills import build_stills

    extractor = HolisticExtractor(ensure_weights(chosen.pose_weights or pose_folder()), workers=1)
    build_stills(chosen.out, chosen.count, chosen.seed, extractor)


def _train(chosen: argparse.Namespace) -> None:
    from .run_config import MattingConfig, read_config, write_config
    from .train import train

    path = chosen.run / "config.json"
    config = read_config(path) if path.exists() else MattingConfig()
    names = ("stills", "minutes", "learning_rate", "steps", "batch", "threads", "seed")
    given = {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
    write_config(path, replace(config, **given))
    train(chosen.run, stop_signals())


def _export(chosen: argparse.Namespace) -> None:
    from ...pose.matte_network import load_matte_network, save_matte_network

    network, facts = load_matte_network(chosen.run / "weights.safetensors")
    save_matte_network(chosen.out, network, facts, torch.float16)


if __name__ == "__main__":
    raise SystemExit(main())
