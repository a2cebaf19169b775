"""The training loop of the cut-out network: resumable, deterministic in its data order, one thread by default.

Seconds are those of the processor, so that a busy machine does not shorten a run. Called by `python -m kmc_core.training.matting train`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...pose.matte_network import MatteNetwork, save_matte_network
from ..resumable import ResumableRun
from ..state import RunProgress
from .dataset import StillFolder
from .losses import matting_loss
from .run_config import MattingConfig, read_config

LOGGER = logging.getLogger(__name__)
REFRESH_STEPS = 50


def train(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Train the run described by `folder`/config.json; goes on from `folder`/state.safetensors if it is there.

    Writes state.safetensors, weights.safetensors (the average, float32) and log.csv into the folder.
    """
    run = MattingRun(folder)
    LOGGER.info("training %s: %d stills, at step %d", folder, len(run.stills.files), run.progress.step)
    return run.go_on(should_stop)


class MattingRun(ResumableRun):
    """Network, data and optimiser of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.config: MattingConfig = read_config(folder / "config.json")
        self.stills = StillFolder(Path(self.config.stills))
        super().__init__(folder, self.config, lambda: MatteNetwork().to(memory_format=torch.channels_last), clock=time.process_time)

    def step(self) -> float:
        """One update, then log, save and look for new stills when it is time; returns the loss."""
        started = self.clock()
        config = self.config
        generator = np.random.default_rng([config.seed, self.progress.step])
        batch = self.stills.batch(generator, config.batch, config.crop_px, config.fresh)
        rate = self.set_rate()
        over = torch.from_numpy(generator.random((config.batch, 3, 1, 1)).astype(np.float32))
        with torch.autocast("cpu", torch.bfloat16):
            alpha, colours = self.network(batch.inputs)
        loss, measures = matting_loss(alpha, colours, batch, config, over)
        self.update(loss)
        self.count(config.batch, config.batch, started)
        start = float((batch.inputs[:, 4:5] - batch.alpha).abs().mean())
        self.note({"loss": float(loss.detach()), **measures, "start": start, "rate": rate}, self._facts)
        if self.progress.step % REFRESH_STEPS == 0:
            self.stills.refresh()
        return float(loss.detach())

    def save(self) -> None:
        """State to go on from, and the averaged network with what was spent on it."""
        self.save_progress()
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

    def _facts(self) -> dict[str, float]:
        return {"step": self.progress.step, "minutes": round(self.progress.seconds / 60, 2)}
