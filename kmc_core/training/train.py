"""The training loop: pairs in, an averaged network out. Resumable, deterministic in its data order, one thread by default.

Weights and moments are float32; the network's inside runs in bfloat16 autocast. Called by `python -m kmc_core.training`.
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dit.head import apply_edits
from ..dit.model import KMCDiT
from ..dit.weights_file import save_network
from ..sampling.step import bridge_state, uncertainty
from .bridge_levels import draw_levels
from .dataset import Batch, PairFolder
from .ema import AveragedWeights
from .losses import flow_loss, refinement_loss, registered_target, with_fixed_flow
from .optimiser import build_optimiser, learning_rate_factor, set_learning_rate
from .run_config import RunConfig, read_run_config
from .state import RunProgress, load_state, save_state

LOGGER = logging.getLogger(__name__)
LOG_STEPS = 20
REFRESH_STEPS = 100


def train(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Train the run described by `folder`/config.json; goes on from `folder`/state.safetensors if it is there.

    Writes state.safetensors, weights.safetensors (the average, float32) and log.csv into the folder.
    """
    run = Run(folder)
    LOGGER.info("training %s: %d shards, at step %d", folder, len(run.pairs.shards), run.progress.step)
    while not run.finished and not (should_stop is not None and should_stop()):
        run.step()
    run.save()
    return run.progress


class Run:
    """Network, data and optimiser of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: RunConfig = read_run_config(folder / "config.json")
        torch.set_num_threads(self.config.threads)
        torch.manual_seed(self.config.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = KMCDiT(self.config.network, device=self.device)
        self.network = network.to(memory_format=torch.channels_last)
        if network.text_colour is not None:  # learnt by the text stage, from words alone
            network.text.requires_grad_(False)
            network.text_colour.requires_grad_(False)
        self.average = AveragedWeights(self.network, self.config.ema)
        self.optimiser = build_optimiser(self.network, self.config.learning_rate, self.config.weight_decay)
        self.pairs = PairFolder(Path(self.config.pairs))
        self.progress = RunProgress()
        if (folder / "state.safetensors").exists():
            self.progress = load_state(folder / "state.safetensors", self.network, self.average, self.optimiser)
        self._saved_at = self.progress.seconds
        self._sums: dict[str, float] = {}
        self._gains: list[tuple[float, float]] = []

    @property
    def share(self) -> float:
        """How much of the run is done, 0..1."""
        return min(1.0, max(self.progress.seconds / (60 * self.config.minutes), self.progress.step / self.config.steps))

    @property
    def finished(self) -> bool:
        """Time or steps are used up."""
        return self.share >= 1

    def step(self) -> None:
        """One update, then log, save and look for new pairs when it is time."""
        started = time.monotonic()
        config, number = self.config, self.progress.step
        generator = np.random.default_rng([config.seed, number])
        torch.manual_seed(int(generator.integers(2**31)))
        batch = self.pairs.batch(generator, config.batch, config.data, config.network)
        loaded = time.monotonic()
        rate = config.learning_rate * learning_rate_factor(number, self.share, config.warm_up_steps)
        set_learning_rate(self.optimiser, rate)
        measures = self._update(batch, generator)
        self.progress.step += 1
        self.progress.windows += config.batch
        self.progress.frames += config.batch * batch.truth.shape[2]
        self.progress.seconds += time.monotonic() - started
        if not bool(batch.conditions.has_text.any()):  # edits by text would drown the gain
            self._gains.append((measures["aligned_error"], measures["error"]))
        self._log({**measures, "loading_s": loaded - started, "step_s": time.monotonic() - started}, rate)
        if self.progress.seconds - self._saved_at > 60 * config.save_minutes:
            self.save()
        if self.progress.step % REFRESH_STEPS == 0:
            self.pairs.refresh()

    def save(self) -> None:
        """Write state and averaged weights."""
        save_state(self.folder / "state.safetensors", self.network, self.average, self.optimiser, self.progress)
        save_network(
            self.folder / "weights.safetensors", self.config.network, self.average.weights, vars(self.progress), torch.float32
        )
        self._saved_at = self.progress.seconds

    def take_over(self, prefix: str) -> None:
        """Put weights whose names begin with `prefix`, trained elsewhere, into the average."""
        for name, value in self.network.state_dict().items():
            if name.startswith(prefix):
                self.average.weights[name] = value.detach().clone()

    def _update(self, batch: Batch, generator: np.random.Generator) -> dict[str, float]:
        conditions = batch.conditions.mapped(lambda tensor: tensor.to(self.device))
        truth, subject = batch.truth.to(self.device), batch.subject.to(self.device)
        true_flow, registered = batch.flow.to(self.device), batch.registered.to(self.device)
        drawn = draw_levels(generator, *truth.shape[0:3:2], self.config.levels)
        level, amount, frame_weight = (values.to(self.device) for values in drawn)
        level[registered], frame_weight[registered] = 1.0, 1.0  # only the start of the bridge does not show the truth's place
        aligned, alpha = self.network.aligned(conditions)
        x = bridge_state(truth, aligned, level, self._noise(conditions.maps, amount))
        with torch.autocast(self.device.type, torch.bfloat16):
            edits = self.network.edits(x, level, conditions)
        x0 = apply_edits(aligned, alpha, with_fixed_flow(edits, registered))
        truth = registered_target(truth, true_flow, edits, registered)
        loss = refinement_loss(x0, truth, edits, subject, frame_weight, self.config.losses)
        off_px = flow_loss(edits, true_flow, subject, frame_weight)
        loss = loss + self.config.losses.flow * off_px
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        self.optimiser.step()
        self.average.update(self.network)
        weight = subject * frame_weight[:, None, :, None, None]
        still = replace(edits, flow=torch.zeros_like(true_flow))
        return {
            "loss": float(loss.detach()),
            "gradient_norm": float(norm),
            "flow_off_px": float(off_px.detach()),
            "flow_off_still_px": float(flow_loss(still, true_flow, subject, frame_weight)),
            "error": _weighted_square(x0.detach() - truth, weight),
            "aligned_error": _weighted_square(aligned - truth, weight),
        }

    def _noise(self, maps: Tensor, amount: Tensor) -> Tensor:
        """One field per window, shared by its frames, only where alignment is uncertain."""
        field = torch.randn(len(maps), 3, 1, *maps.shape[-2:], device=maps.device)
        strength = amount.view(-1, 1, 1, 1, 1) * self.config.network.bridge_noise
        return strength * uncertainty(maps, self.config.network.map_channels) * field

    def _log(self, measures: dict[str, float], rate: float) -> None:
        for name, value in measures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value / LOG_STEPS
        if self.progress.step % LOG_STEPS:
            return
        before, after = np.mean(self._gains, axis=0) if self._gains else (1.0, 1.0)
        gain_db = float(10 * np.log10(max(before, 1e-9) / max(after, 1e-9)))
        row = {**vars(self.progress), "learning_rate": rate, "gain_db": gain_db, **self._sums, "shards": len(self.pairs.shards)}
        path = self.folder / "log.csv"
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if is_new:
                writer.writeheader()
            writer.writerow({key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()})
        LOGGER.info("step %d: loss %.4f, gain %.2f dB", self.progress.step, self._sums["loss"], gain_db)
        self._sums, self._gains = {}, []


def _weighted_square(difference: Tensor, weight: Tensor) -> float:
    return float((weight * difference.square()).sum() / (3 * weight.sum()).clamp(min=1))
