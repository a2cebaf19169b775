"""The command line of the style network: `python -m kmc_core.training style`. Not here: the work itself."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from ...dit.style import load_style, save_style
from ..run_config import read_run_config, write_run_config
from ..stop_signals import stop_signals
from .train import StyleRunConfig, train_style

REMEMBERED = ("stills", "characters", "minutes", "steps", "batch", "seed")


def add_style(commands: argparse._SubParsersAction) -> None:
    """Put the command beside those of training."""
    style = commands.add_parser("style", help="render pairs, teach words and drawing styles; or continue")
    style.add_argument("--run", type=Path, default=Path("runs/style/net"))
    style.add_argument("--stills", help="folder of rendered stills")
    style.add_argument("--minutes", type=float)
    for name in ("characters", "steps", "batch", "seed"):
        style.add_argument("--" + name, type=int)
    style.add_argument("--out", type=Path, help="also write the average as float16, to ship")
    style.set_defaults(command=_style)


def _style(chosen: argparse.Namespace) -> None:
    path = chosen.run / "config.json"
    config = read_run_config(path, StyleRunConfig) if path.exists() else StyleRunConfig()
    given = {name: getattr(chosen, name) for name in REMEMBERED if getattr(chosen, name) is not None}
    write_run_config(path, replace(config, **given))
    train_style(chosen.run, stop_signals())
    if chosen.out is not None:
        save_style(chosen.out, *load_style(chosen.run / "weights.safetensors"), torch.float16)
