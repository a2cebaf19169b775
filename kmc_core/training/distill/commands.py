"""The command lines of distillation: `python -m kmc_core.training distill | lora | steps`. Not here: the work itself."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

from ...dit.weights_file import load_network
from ..run_config import read_run_config, write_run_config
from ..stop_signals import stop_signals
from .lora import extract_lora
from .plan import DistillConfig
from .run import distil
from .steps_table import Setting, folding_error, held_out_clips, steps_table

LOGGER = logging.getLogger(__name__)
REMEMBERED = ("teacher", "pairs", "minutes", "learning_rate", "teacher_steps", "student_steps", "halving", "steps", "batch", "threads", "seed")


def add_distillation(commands: argparse._SubParsersAction) -> None:
    """Put the three commands beside those of training."""
    run = commands.add_parser("distill", help="teach a checkpoint to need one evaluation per step and fewer steps; or continue")
    run.add_argument("--run", type=Path, required=True)
    run.add_argument("--teacher", help="weights file")
    run.add_argument("--pairs", help="folder of shards")
    for name in ("minutes", "learning_rate"):
        run.add_argument("--" + name.replace("_", "-"), type=float)
    for name in ("teacher_steps", "student_steps", "steps", "batch", "threads", "seed"):
        run.add_argument("--" + name.replace("_", "-"), type=int)
    run.add_argument("--halving", action=argparse.BooleanOptionalAction, default=None, help="a stage per halving of steps, or one for all")
    run.set_defaults(command=_distil)
    lora = commands.add_parser("lora", help="student minus teacher as a LoRA for ComfyUI")
    lora.add_argument("--teacher", type=Path, required=True)
    lora.add_argument("--student", type=Path, required=True)
    lora.add_argument("--rank", type=int, default=16)
    lora.add_argument("--out", type=Path, required=True)
    lora.set_defaults(command=_lora)
    table = commands.add_parser("steps", help="quality against steps, noise and guidance; the first weights at --reference steps are the reference")
    table.add_argument("--weights", type=Path, nargs="+", required=True)
    table.add_argument("--pairs", type=Path, default=Path("runs/pairs"))
    table.add_argument("--steps", type=int, nargs="+", default=[1, 2, 4])
    table.add_argument("--noise", type=float, nargs="+", default=[0.0])
    table.add_argument("--cfg-scale", type=float, nargs="*", default=[], help="with prompts, both as two branches and as one evaluation")
    table.add_argument("--reference", type=int, help="default: the most steps")
    table.add_argument("--clips", type=int, default=8)
    table.add_argument("--frames", type=int, default=4)
    table.set_defaults(command=_steps)


def _distil(chosen: argparse.Namespace) -> None:
    path = chosen.run / "config.json"
    config = read_run_config(path, DistillConfig) if path.exists() else DistillConfig()
    config = replace(config, **{name: getattr(chosen, name) for name in REMEMBERED if getattr(chosen, name) is not None})
    LOGGER.info("stages: %s", ", then ".join(stage.name for stage in config.stages))  # refuses impossible steps before writing
    write_run_config(path, config)
    distil(chosen.run, stop_signals())


def _lora(chosen: argparse.Namespace) -> None:
    facts = extract_lora(chosen.teacher, chosen.student, chosen.rank, chosen.out)
    LOGGER.info("%d products, %d whole tensors, %.1f %% of the change kept, %.2f MB",
                facts.matrices, facts.whole, 100 * facts.kept, chosen.out.stat().st_size / 1e6)  # fmt: skip


def _steps(chosen: argparse.Namespace) -> None:
    networks = {path.name: load_network(path)[0] for path in chosen.weights}
    clips = held_out_clips(chosen.pairs, chosen.clips, chosen.frames)
    settings = [Setting(name, steps, noise) for name in networks for steps in chosen.steps for noise in chosen.noise]
    for name, network in networks.items():
        ways = (True,) if network.config.one_evaluation else (False, True)
        settings += [Setting(name, steps, 0.0, scale, folded) for steps in chosen.steps for scale in chosen.cfg_scale for folded in ways]
    first = next(iter(networks))
    rows = steps_table(networks, settings, Setting(first, chosen.reference or max(chosen.steps)), clips)
    errors = {name: folding_error(network, clips[:2]) for name, network in networks.items()}
    sys.stdout.write(json.dumps({"folding_error": errors, "rows": rows}, indent=1) + "\n")
