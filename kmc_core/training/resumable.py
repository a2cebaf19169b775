"""What every training run here has in common: a folder, progress, an average, a state to go on from, and a log.

Not here: what a step does (train.py, matting/train.py). A subclass writes `step` and `save` and calls `update` and `note`.
"""

from __future__ import annotations

import csv
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from .ema import AveragedWeights
from .optimiser import build_optimiser, learning_rate_factor, set_learning_rate
from .state import Aids, RunProgress, load_state, save_state

LOGGER = logging.getLogger(__name__)
LOG_STEPS = 20


class RunSettings(Protocol):
    """The choices every run's config has; minutes and steps: the run ends at whichever comes first."""

    minutes: float
    steps: int
    learning_rate: float
    weight_decay: float
    warm_up_steps: int
    clip_norm: float
    ema: float
    save_minutes: float
    threads: int
    seed: int


class ResumableRun(ABC):
    """Network, average, optimiser and progress of one run folder; continues from its state.safetensors if that is there."""

    def __init__(
        self, folder: Path, config: RunSettings, build: Callable[[], nn.Module], *, optimiser: str = "adamw",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """build makes the network, after the seed is set; clock: what seconds are."""
        self.folder, self.clock, self._settings = folder, clock, config
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.network = build()
        self.average = AveragedWeights(self.network, config.ema)
        self.optimiser = build_optimiser(self.network, config.learning_rate, config.weight_decay, optimiser)
        self.aids = self.build_aids()
        self.progress = RunProgress()
        if self.state_path.exists():
            self.progress = load_state(self.state_path, self.network, self.average, self.optimiser, self.aids)
        self._saved_at = self.progress.seconds
        self._sums: dict[str, float] = {}

    @property
    def state_path(self) -> Path:
        """Where the run's state lies."""
        return self.folder / "state.safetensors"

    @property
    def share(self) -> float:
        """How much of the run is done, 0..1."""
        settings = self._settings
        return min(1.0, max(self.progress.seconds / (60 * settings.minutes), self.progress.step / settings.steps))

    @property
    def finished(self) -> bool:
        """Time or steps are used up."""
        return self.share >= 1

    def build_aids(self) -> Aids | None:
        """Networks that only help to train; none unless a subclass has some."""
        return None

    @abstractmethod
    def step(self) -> object:
        """One update, counted and noted."""

    @abstractmethod
    def save(self) -> None:
        """Write state and averaged weights."""

    def go_on(self, should_stop: Callable[[], bool] | None = None) -> RunProgress:
        """Step until the run is finished or asked to stop, then save."""
        while not self.finished and not (should_stop is not None and should_stop()):
            self.step()
        self.save()
        return self.progress

    def set_rate(self) -> float:
        """The learning rate of the step to come, given to the optimiser."""
        factor = learning_rate_factor(self.progress.step, self.share, self._settings.warm_up_steps)
        set_learning_rate(self.optimiser, self._settings.learning_rate * factor)
        return self._settings.learning_rate * factor

    def update(self, loss: Tensor) -> float:
        """Descend on `loss` and take the new weights into the average -> norm of the gradient before clipping."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._settings.clip_norm)
        self.optimiser.step()
        self.average.update(self.network)
        return float(norm)

    def count(self, windows: int, frames: int, started: float) -> None:
        """Add a finished step to the progress; started: the clock when it began."""
        self.progress.step += 1
        self.progress.windows += windows
        self.progress.frames += frames
        self.progress.seconds += self.clock() - started

    def note(self, values: Mapping[str, float], facts: Callable[[], Mapping[str, float]]) -> bool:
        """Take a step's numbers in and save when it is time; every 20 steps a row of `facts` and means -> True if one was written."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value / LOG_STEPS
        is_due = self.progress.step % LOG_STEPS == 0
        if is_due:
            row = {**facts(), **self._sums}
            append_row(self.folder / "log.csv", row)
            shown = ", ".join(f"{name} {row[name]:.4g}" for name in ("loss", "gain_db") if name in row)
            LOGGER.info("step %d: %s", self.progress.step, shown)
            self._sums = {}
        if self.progress.seconds - self._saved_at > 60 * self._settings.save_minutes:
            self.save()
        return is_due

    def save_progress(self) -> None:
        """Write the state alone (subclasses add their weights file)."""
        save_state(self.state_path, self.network, self.average, self.optimiser, self.progress, self.aids)
        self._saved_at = self.progress.seconds


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file; a file with other columns is first put aside as NAME.before.csv, so no row stands under a wrong head."""
    columns = list(row)
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            had = next(csv.reader(file), [])
        if set(had) == set(columns):
            columns = had
        else:
            path.replace(path.with_suffix(".before.csv"))
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        if is_new:
            writer.writeheader()
        writer.writerow({name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()})
