"""`python -m kmc_core.training pairs | text | train | validate | export | distill | lora | steps | style`: commands that make a network.

    pairs     --out runs/pairs --count 500 --seed 1 --workers 1     render truth, align damaged references, write shards
    text      --run runs/nano [--minutes 8]                          teach the run's network its words, before or after training
    train     --run runs/nano [--pairs DIR --minutes 60 ...]         train or go on; choices are kept in runs/nano/config.json
              --run runs/faces --stage faces_and_hands --from runs/nano     begin a stage from weights (stages/*.json)
    validate  --weights FILE --pairs runs/pairs [--sheet FILE]       alignment, blur and network on held-out pairs
    export    --run runs/nano --out kmc_core/weights/kmc_nano.safetensors [--strength 0.8]   the average as float16
    distill   --teacher FILE --run runs/distilled [--minutes 60 ...]  fewer steps, one evaluation per step; `export` as for a training
    lora      --teacher FILE --student FILE --rank 16 --out FILE     what distillation changed, for ComfyUI's LoRA loader
    steps     --weights FILE [FILE ...] --steps 1 2 4                quality against steps, noise and guidance on held-out pairs
    style     --run runs/style/net --out kmc_core/weights/kmc_style.safetensors   render, learn words and drawing styles, write float16
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ..dit.weights_file import load_network, save_network
from ..errors import KMCError
from .distill.commands import add_distillation
from .optimiser import OPTIMISERS
from .run_config import RunConfig, read_run_config, write_run_config
from .stage import STAGES, begin_stage
from .stop_signals import stop_signals
from .style.command import add_style


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
    parser = argparse.ArgumentParser(prog="python -m kmc_core.training", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    pairs = commands.add_parser("pairs", help="render and align training pairs")
    pairs.add_argument("--out", type=Path, default=Path("runs/pairs"))
    pairs.add_argument("--count", type=int, default=500)
    pairs.add_argument("--seed", type=int, default=1)
    pairs.add_argument("--workers", type=int, default=1)
    pairs.set_defaults(command=_pairs)
    train = commands.add_parser("train", help="train or continue a run")
    train.add_argument("--run", type=Path, required=True)
    train.add_argument("--pairs", help="folder of shards")
    for name in ("minutes", "learning_rate"):
        train.add_argument("--" + name.replace("_", "-"), type=float)
    for name in ("steps", "batch", "threads", "seed"):
        train.add_argument("--" + name, type=int)
    train.add_argument("--preset")
    train.add_argument("--optimiser", choices=OPTIMISERS)
    train.add_argument("--stage", choices=STAGES, help="begin the run with the choices that ship for a stage")
    train.add_argument("--from", dest="source", type=Path, help="run folder or weights file the stage begins with")
    train.set_defaults(command=_train)
    text = commands.add_parser("text", help="teach a run's network what words mean")
    text.add_argument("--run", type=Path, required=True)
    text.add_argument("--pairs", help="folder of shards, as in train")
    text.add_argument("--minutes", type=float, default=8.0)
    text.set_defaults(command=_text)
    check = commands.add_parser("validate", help="compare with alignment and blur on held-out pairs")
    check.add_argument("--weights", type=Path, required=True)
    check.add_argument("--pairs", type=Path, default=Path("runs/pairs"))
    check.add_argument("--steps", type=int, default=2)
    check.add_argument("--clips", type=int, default=12)
    check.add_argument("--strengths", type=float, nargs="*", default=[1.0])
    check.add_argument("--sheet", type=Path)
    check.set_defaults(command=_validate)
    export = commands.add_parser("export", help="write the averaged weights as float16")
    export.add_argument("--run", type=Path, required=True)
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--strength", type=float, default=1.0)
    export.set_defaults(command=_export)
    add_distillation(commands)
    add_style(commands)
    return parser


def _pairs(chosen: argparse.Namespace) -> None:
    from .pairs import build_pairs

    if chosen.workers <= 1:
        build_pairs(chosen.out, chosen.count, chosen.seed)
        return
    share = -(-chosen.count // chosen.workers)
    starts = range(chosen.seed, chosen.seed + chosen.count, share)
    with ProcessPoolExecutor(chosen.workers) as pool:
        list(pool.map(build_pairs, [chosen.out] * len(starts), [share] * len(starts), starts))


def _train(chosen: argparse.Namespace) -> None:
    from .train import train

    if chosen.source is not None and chosen.stage is None:
        raise KMCError("Weights to begin with need a stage", got="--from alone", expected=f"--stage {' | '.join(STAGES)}")
    names = ("pairs", "minutes", "learning_rate", "steps", "batch", "threads", "seed", "preset", "optimiser")
    if chosen.stage is not None:
        begin_stage(chosen.run, chosen.stage, chosen.source, **_given(chosen, names))
    _remember(chosen, names)
    train(chosen.run, stop_signals())


def _text(chosen: argparse.Namespace) -> None:
    from .text_stage import train_text
    from .train import Run

    _remember(chosen, ("pairs",))
    run = Run(chosen.run)
    error = train_text(run.network, chosen.minutes, should_stop=stop_signals())
    run.take_over("text")
    run.save()
    logging.getLogger(__name__).info("colour error on new prompts: %.4f", error)


def _remember(chosen: argparse.Namespace, names: tuple[str, ...]) -> None:
    """Put what the command line says into the run's config."""
    path = chosen.run / "config.json"
    config = read_run_config(path) if path.exists() else RunConfig()
    write_run_config(path, replace(config, **_given(chosen, names)))


def _given(chosen: argparse.Namespace, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}


def _validate(chosen: argparse.Namespace) -> None:
    from .validate import validate

    network, facts = load_network(chosen.weights)
    table, rows = validate(
        chosen.pairs, network, steps=chosen.steps, clips=chosen.clips, strengths=tuple(chosen.strengths),
    )  # fmt: skip
    sys.stdout.write(json.dumps({"training": facts, "steps": chosen.steps, "methods": table}, indent=2) + "\n")
    if chosen.sheet is not None:
        width = max(row.shape[2] for row in rows)
        padded = [torch.nn.functional.pad(row, (0, width - row.shape[2])) for row in rows]
        sheet = (torch.cat(padded, dim=1).permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
        cv2.imwrite(str(chosen.sheet), sheet[..., ::-1])


def _export(chosen: argparse.Namespace) -> None:
    network, facts = load_network(chosen.run / "weights.safetensors")
    facts = {**facts, "recommended_strength": chosen.strength}
    save_network(chosen.out, network.config, network.state_dict(), facts, torch.float16)


if __name__ == "__main__":
    raise SystemExit(main())
