"""The training loop of the style network: renders what stills are missing, teaches drawing, then the words. Resumable.

Seconds are those of the processor, so that a busy machine does not shorten a run. Called by `python -m kmc_core.training style`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...dit.style import STYLES, StyleNetwork, StyleReader, load_style, save_style
from ...evaluation.drawing_manner import manner_of
from ..resumable import ResumableRun
from ..run_config import read_run_config
from ..state import RunProgress
from .dataset import StyleBatch, StyleStills
from .stills import build_stills
from .words import train_words, words_misread

LOGGER = logging.getLogger(__name__)
REFRESH_STEPS = 50
SQUARE = 1.5
STRONGEST, LEAST_CHANGE = 1.2, 1e-4


@dataclass(frozen=True)
class StyleRunConfig:
    """stills: folder, and how many characters it shall hold (three pictures each); the run ends at `minutes` or `steps`.

    edges: weight of the error of differences between neighbours; changed: weight added where a style changes the picture.
    """

    stills: str = "runs/style/stills"
    characters: int = 120
    minutes: float = 25.0
    steps: int = 1_000_000
    word_steps: int = 1600
    batch: int = 3
    crop_px: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    warm_up_steps: int = 40
    clip_norm: float = 1.0
    ema: float = 0.998
    save_minutes: float = 1.0
    threads: int = 1
    seed: int = 0
    edges: float = 1.5
    changed: float = 4.0


def train_style(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Train the run described by `folder`/config.json; goes on from `folder`/state.safetensors if it is there.

    Writes state.safetensors, weights.safetensors (the average, float32) and log.csv into the folder.
    """
    config = read_run_config(folder / "config.json", StyleRunConfig)
    build_stills(Path(config.stills), config.characters, 1, should_stop)
    run = StyleRun(folder, config)
    LOGGER.info("training %s: %d stills, at step %d", folder, len(run.stills.files), run.progress.step)
    run.go_on(should_stop)
    if run.finished and not run.knows_words():
        run.learn_words(should_stop)
    return run.progress


class StyleRun(ResumableRun):
    """Network, data and optimiser of one run folder."""

    def __init__(self, folder: Path, config: StyleRunConfig) -> None:
        self.config, self.folder = config, folder
        self._word_steps = self._known_words()
        self.stills = StyleStills(Path(config.stills))
        super().__init__(folder, config, self._build, clock=time.process_time)

    @staticmethod
    def _build() -> StyleNetwork:
        network = StyleNetwork()
        network.words.requires_grad_(False)  # learnt apart, from prompts alone
        network.pictures.to(memory_format=torch.channels_last)
        return network

    def knows_words(self) -> bool:
        """Whether the run's weights were taught their words."""
        return self._word_steps == self.config.word_steps

    def _known_words(self) -> int:
        path = self.folder / "weights.safetensors"
        return int(load_style(path)[1].get("word_steps", 0)) if path.exists() else 0

    def learn_words(self, should_stop: Callable[[], bool] | None) -> None:
        """From prompts alone, all in one go, and into the run's weights. Begins again if it was stopped."""
        torch.manual_seed(self.config.seed)
        words = StyleReader(self.network.config)
        train_words(words, self.config.word_steps, seed=self.config.seed, should_stop=should_stop)
        if should_stop is None or not should_stop():
            self.network.words.load_state_dict(words.state_dict())
            self.average.weights |= {f"words.{name}": value.detach().clone() for name, value in words.state_dict().items()}
            self._word_steps = self.config.word_steps
            self.save()

    def step(self) -> float:
        """One update, then log, save and look for new stills when it is time; returns the loss."""
        started = self.clock()
        config = self.config
        generator = np.random.default_rng([config.seed, self.progress.step])
        batch = self.stills.batch(generator, config.batch, config.crop_px)
        rate = self.set_rate()
        with torch.autocast("cpu", torch.bfloat16):
            made = self.network.pictures(batch.photos)
        loss = style_loss(made, batch, config.edges, config.changed)
        self.update(loss)
        self.count(config.batch, config.batch, started)
        plain = batch.photos[:, None].expand_as(made)
        untouched = float(style_loss(plain, batch, config.edges, config.changed))
        values = {"loss": float(loss.detach()), "plain": untouched, "rate": rate}
        self.note(values, lambda: {"step": self.progress.step, "minutes": round(self.progress.seconds / 60, 2)})
        if self.progress.step % REFRESH_STEPS == 0:
            self.stills.refresh()
        return values["loss"]

    def save(self) -> None:
        """State to go on from, and the averaged network with what was spent on it and how it does on stills it never saw."""
        self.save_progress()
        averaged = StyleNetwork(self.network.config)
        averaged.load_state_dict(self.average.weights)
        averaged.gains.copy_(gains(averaged, self.stills))
        facts = {
            "steps": self.progress.step, "crops": self.progress.frames, "seconds": round(self.progress.seconds, 1),
            "gains": [round(gain, 3) for gain in averaged.gains.tolist()],
            "stills": len(self.stills.files), "word_steps": self._word_steps, **held_out(averaged, self.stills),
        }  # fmt: skip
        if self._word_steps:
            facts["misread"] = round(words_misread(averaged.words), 4)
        save_style(self.folder / "weights.safetensors", averaged, facts)
        LOGGER.info("%s", facts)


def style_loss(made: Tensor, batch: StyleBatch, edges: float, changed: float) -> Tensor:
    """Error of colours and of differences of neighbours; made [B,S,3,H,W] in -1..1.

    Absolute error alone draws no line before it is likelier than not; squared error draws it as dark as it is likely.
    """
    error = made - batch.drawn
    weight = 1 + changed * (batch.drawn - batch.photos[:, None]).abs().mean(2, keepdim=True)
    total = (weight * (error.abs() + SQUARE * error.square())).mean((2, 3, 4))
    for axis in (-2, -1):
        for reach in (1, 2):
            length = error.shape[axis] - reach
            slope = error.narrow(axis, reach, length) - error.narrow(axis, 0, length)
            total = total + 0.25 * edges * slope.abs().mean((2, 3, 4))
    return (total * batch.counts).sum() / batch.counts.sum()


@torch.no_grad()
def held_out(network: StyleNetwork, stills: StyleStills, count: int = 6) -> dict[str, float]:
    """PSNR in dB of every style on pictures never trained on, with the photograph itself for comparison (STYLE_photo)."""
    errors = {name: [] for style in STYLES for name in (style, f"{style}_photo")}
    for batch in stills.judged(count):
        made = torch.cat([network.drawn(batch.photos, amounts) for amounts in torch.eye(len(STYLES))])[None]
        for index, style in enumerate(STYLES):
            for name, shown in ((style, made[:, index]), (f"{style}_photo", batch.photos)):
                errors[name].append(float((shown - batch.drawn[:, index]).square().mean()) / 4)
    return {name: round(float(-10 * np.log10(np.mean(values))), 2) for name, values in errors.items() if values}


@torch.no_grad()
def gains(network: StyleNetwork, stills: StyleStills, count: int = 4) -> Tensor:
    """How much stronger [S] the changes must be for lines as dark, or texture as calm, as in truth; 1 to STRONGEST.

    What is learnt is the mean of all drawings a photograph might have, and so fainter than each. Measured on held-out pictures.
    """
    asked = {"toon": ("lines", []), "painting": ("texture", [])}
    for batch in stills.judged(count):
        made = network.pictures(batch.photos)
        for index, (measure, found) in enumerate(asked.values()):
            found.append([_manner(picture, measure) for picture in (batch.photos, made[:, index], batch.drawn[:, index])])
    ratios = [1.0] * len(STYLES)
    for index, (_, found) in enumerate(asked.values()):
        plain, drawn, truth = np.mean(found, axis=0) if found else (0.0, 0.0, 0.0)
        ratios[index] = float((truth - plain) / (drawn - plain)) if abs(drawn - plain) > LEAST_CHANGE else 1.0
    return torch.tensor(ratios).clamp(1, STRONGEST)


def _manner(picture: Tensor, measure: str) -> float:
    """A number of evaluation.drawing_manner, of a whole picture [1,3,H,W] in -1..1."""
    shown = np.ascontiguousarray(((picture[0].clamp(-1, 1) + 1) / 2).permute(1, 2, 0).numpy())
    return getattr(manner_of(shown, np.ones(shown.shape[:2], np.float32)), measure)
