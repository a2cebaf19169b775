"""The training loop of the cut-out network: resumable, deterministic in its data order, one thread by default.

Seconds are those of the processor, so that a busy machine does not shorten a run. Called by `python -m kmc_core.training.matting train`.
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...pose.matte_network import MatteNetwork, save_matte_network
from ..ema import AveragedWeights
from ..optimiser import build_optimiser, learning_rate_factor, set_learning_rate
from ..state import RunProgress, load_state, save_state
from .dataset import StillFolder
from .losses import matting_loss
from .run_config import MattingConfig, read_config

LOGGER = logging.getLogger(__name__)
LOG_STEPS, REFRESH_STEPS = 20, 50


def train(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Train the run described by `folder`/config.json; goes on from `folder`/state.safetensors if it is there.

    Writes state.safetensors, weights.safetensors (the average, float32) and log.csv into the folder.
    """
    run = MattingRun(folder)
    LOGGER.info("training %s: %d stills, at step %d", folder, len(run.stills.files), run.progress.step)
    while not run.finished and not (should_stop is not None and should_stop()):
        run.step()
    run.save()
    return run.progress


class MattingRun:
    """Network, data and optimiser of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: MattingConfig = read_config(folder / "config.json")
        torch.set_num_threads(self.config.threads)
        torch.manual_seed(self.config.seed)
        self.network = MatteNetwork().to(memory_format=torch.channels_last)
        self.average = AveragedWeights(self.network, self.config.ema)
        self.optimiser = build_optimiser(self.network, self.config.learning_rate, self.config.weight_decay)
        self.stills = StillFolder(Path(self.config.stills))
        self.progress = RunProgress()
        if (folder / "state.safetensors").exists():
            self.progress = load_state(folder / "state.safetensors", self.network, self.average, self.optimiser)
        self._saved_at = self.progress.seconds
        self._sums: dict[str, float] = {}

    @property
    def share(self) -> float:
        """How much of the run is done, 0..1."""
        return min(1.0, max(self.progress.seconds / (60 * self.config.minutes), self.progress.step / self.config.steps))

    @property
    def finished(self) -> bool:
        """Time or steps are used up."""
        return self.share >= 1

    def step(self) -> float:
        """One update, then log, save and look for new stills when it is time; returns the loss."""
        started = time.process_time()
        config, number = self.config, self.progress.step
        generator = np.random.default_rng([config.seed, number])
        batch = self.stills.batch(generator, config.batch, config.crop_px, config.fresh)
        rate = config.learning_rate * learning_rate_factor(number, self.share, config.warm_up_steps)
        set_learning_rate(self.optimiser, rate)
        over = torch.from_numpy(generator.random((config.batch, 3, 1, 1)).astype(np.float32))
        with torch.autocast("cpu", torch.bfloat16):
            alpha, colours = self.network(batch.inputs)
        loss, measures = matting_loss(alpha, colours, batch, config, over)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip_norm)
        self.optimiser.step()
        self.average.update(self.network)
        self.progress.step += 1
        self.progress.windows += config.batch
        self.progress.frames += config.batch
        self.progress.seconds += time.process_time() - started
        start = float((batch.inputs[:, 4:5] - batch.alpha).abs().mean())
        self._note({"loss": float(loss.detach()), **measures, "start": start, "rate": rate})
        return float(loss.detach())

    def save(self) -> None:
        """State to go on from, and the averaged network with what was spent on it."""
        save_state(self.folder / "state.safetensors", self.network, self.average, self.optimiser, self.progress)
        averaged = MatteNetwork(self.network.config)
        averaged.load_state_dict(self.average.weights)
        facts = {
            "steps": self.progress.step,
            "crops": self.progress.frames,
            "seconds": round(self.progress.seconds, 1),
            "stills": len(self.stills.files),
            "crop_px": self.config.crop_px,
        }
        save_matte_network(self.folder / "weights.safetensors", averaged, facts)
        self._saved_at = self.progress.seconds

    def _note(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        step = self.progress.step
        if step % LOG_STEPS == 0:
            row = {"step": step, "minutes": round(self.progress.seconds / 60, 2)} | {
                name: f"{value / LOG_STEPS:.5f}" for name, value in self._sums.items()
            }
            path = self.folder / "log.csv"
            is_new = not path.exists()
            with path.open("a", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, list(row))
                if is_new:
                    writer.writeheader()
                writer.writerow(row)
            self._sums = {}
        if step % REFRESH_STEPS == 0:
            self.stills.refresh()
        if self.progress.seconds - self._saved_at > 60 * self.config.save_minutes:
            self.save()
