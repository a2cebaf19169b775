"""A distillation run: a folder with config.json, resumed from state.safetensors, as a training run; one teacher per stage.

Weights and moments are float32; the networks' inside runs in bfloat16 autocast. Called by `python -m kmc_core.training distill`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...dit.conditions import Conditions, text_bytes
from ...dit.head import apply_edits
from ...dit.model import KMCDiT
from ...dit.weights_file import load_network, save_network
from ...sampling.step import bridge_state, uncertainty
from ..bridge_levels import draw_levels
from ..captions import draw_edit, draw_meaningless
from ..dataset import Batch, PairFolder
from ..ema import AveragedWeights
from ..losses import refinement_loss
from ..optimiser import build_optimiser, learning_rate_factor, set_learning_rate
from ..run_config import read_run_config
from ..run_log import RunLog
from ..state import RunProgress, load_state, save_state
from .plan import DistillConfig, Stage
from .steps_table import folding_error, held_out_clips
from .targets import Told, as_shown, change_loss, change_ratio, student_start, target

LOGGER = logging.getLogger(__name__)
LOG_STEPS = 10
REFRESH_STEPS = 100
GREY_LEVEL = 2 / 255
MEANINGLESS = 0.2


def distil(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Carry out the run described by `folder`/config.json (DistillConfig); goes on from `folder`/state.safetensors if it is there.

    Writes state.safetensors, weights.safetensors (the student's average, float32), stage_N.safetensors (finished stages)
    and log.csv into the folder.
    """
    run = DistillRun(folder)
    LOGGER.info("distilling %s: %d shards, at step %d", run.config.teacher, len(run.pairs.shards), run.progress.step)
    if not run.progress.step:
        run.skip_exact_guidance()
    while not run.finished and not (should_stop is not None and should_stop()):
        run.step()
    run.save()
    return run.progress


class DistillRun:
    """Teacher, student, data and optimiser of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: DistillConfig = read_run_config(folder / "config.json", DistillConfig)
        torch.set_num_threads(self.config.threads)
        torch.manual_seed(self.config.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.pairs = PairFolder(Path(self.config.pairs))
        self.progress = RunProgress()
        self.number = sum(self._stage_file(number).exists() for number in range(len(self.config.stages)))
        self._begin_stage()
        if (folder / "state.safetensors").exists():
            self.progress = load_state(folder / "state.safetensors", self.student, self.average, self.optimiser)
        self._saved_at = self.progress.seconds
        self._log = RunLog(folder / "log.csv", LOG_STEPS)

    @property
    def stage(self) -> Stage:
        """The stage the run is in."""
        return self.config.stages[self.number]

    @property
    def share(self) -> float:
        """How much of the run is done, 0..1."""
        return min(1.0, max(self.progress.seconds / (60 * self.config.minutes), self.progress.step / self.config.steps))

    @property
    def finished(self) -> bool:
        """Time or steps are used up."""
        return self.share >= 1

    def step(self) -> None:
        """One update; then the next stage, log and save when it is time."""
        started = time.monotonic()
        config, number, stage = self.config, self.progress.step, self.stage
        generator = np.random.default_rng([config.seed, number])
        torch.manual_seed(int(generator.integers(2**31)))
        batch = self.pairs.batch(generator, config.batch, config.data, self.student.config)
        in_stage = min(1.0, self.share * len(config.stages) - self.number)
        rate = config.learning_rate * learning_rate_factor(number - self._stage_began, in_stage, config.warm_up_steps)
        set_learning_rate(self.optimiser, rate)
        measures = self._update(batch, generator)
        self.progress.step += 1
        self.progress.windows += config.batch
        self.progress.frames += config.batch * batch.truth.shape[2]
        self.progress.seconds += time.monotonic() - started
        facts = {**vars(self.progress), "stage": stage.name, "learning_rate": rate}
        means = self._log.add({**measures, "step_s": time.monotonic() - started}, facts)
        if means is not None:
            LOGGER.info("step %d (%s): loss %.5f, moves %.3f of the teacher", self.progress.step, stage.name, means["loss"], means["motion"])
        if self.share * len(config.stages) >= self.number + 1 and self.number + 1 < len(config.stages):
            self._end_stage()
        elif self.progress.seconds - self._saved_at > 60 * config.save_minutes:
            self.save()
        if self.progress.step % REFRESH_STEPS == 0:
            self.pairs.refresh()

    def skip_exact_guidance(self) -> None:
        """Go on to the steps at once where one evaluation already is the two branches to less than one grey level."""
        if not self.stage.guidance or len(self.config.stages) == 1:
            return
        error = folding_error(self.teacher, held_out_clips(self.pairs.folder, 2, 1))
        LOGGER.info("guidance in one evaluation, untaught: off by at most %.5f of the -1..1 range", error)
        if error < GREY_LEVEL:
            self._end_stage()

    def save(self) -> None:
        """Write state and the student's averaged weights."""
        save_state(self.folder / "state.safetensors", self.student, self.average, self.optimiser, self.progress)
        self._write(self.folder / "weights.safetensors")
        self._saved_at = self.progress.seconds

    def _begin_stage(self) -> None:
        """Teacher and student of the stage: both start as the stage before ended, the first as the file that is distilled."""
        source = self._stage_file(self.number - 1) if self.number else Path(self.config.teacher)
        self.teacher, self.facts = load_network(source, device=self.device)
        config = replace(self.teacher.config, one_evaluation=True)
        self.student = KMCDiT(config, device=self.device)
        self.student.load_state_dict(self.teacher.state_dict())
        if self.student.text_colour is not None:  # what words say folds exactly, so it stays as it was learnt
            self.student.text.requires_grad_(False)
            self.student.text_colour.requires_grad_(False)
        self.average = AveragedWeights(self.student, self.config.ema)
        self.optimiser = build_optimiser(self.student, self.config.learning_rate, weight_decay=0.0)
        stages = len(self.config.stages)
        self._stage_began = -(-self.number * self.config.steps // stages)

    def _end_stage(self) -> None:
        self._write(self._stage_file(self.number))
        self.number += 1
        self._begin_stage()
        self.save()

    def _stage_file(self, number: int) -> Path:
        return self.folder / f"stage_{number + 1}.safetensors"

    def _write(self, path: Path) -> None:
        facts = {**self.facts, "distilled": {"steps": self.stage.steps, "stage": self.stage.name, **vars(self.progress)}}
        save_network(path, self.student.config, self.average.weights, facts, torch.float32)

    def _update(self, batch: Batch, generator: np.random.Generator) -> dict[str, float]:
        told, x, weight = self._scene(batch, generator)
        number = int(generator.integers(self.stage.steps))
        with torch.autocast(self.device.type, torch.bfloat16):
            x = student_start(self.student, told, x, self.stage, number)
            wanted = target(self.teacher, told, x, self.stage, number)
            edits = told.edits(self.student, x, torch.tensor(1 - number / self.stage.steps, device=self.device), folded=True)
        x0 = as_shown(apply_edits(*self.student.aligned(told.without_text), edits), wanted)
        loss = refinement_loss(x0, wanted, edits, batch.subject.to(self.device), weight, self.config.losses)
        frames = weight[:, None, :, None, None]
        loss = loss + self.config.motion * change_loss(x0, wanted, frames)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.student.parameters(), self.config.clip_norm)
        self.optimiser.step()
        self.average.update(self.student)
        return {
            "loss": float(loss.detach()),
            "error": float((frames * (x0.detach() - wanted).abs()).mean()),
            "motion": change_ratio(x0.detach(), wanted, frames),
            "gradient_norm": float(norm),
        }

    def _scene(self, batch: Batch, generator: np.random.Generator) -> tuple[Told, Tensor, Tensor]:
        """What is told, the start of the bridge and the weight [B,T] of frames (history 0)."""
        config, size = self.config, len(batch.truth)
        conditions = batch.conditions.mapped(lambda tensor: tensor.to(self.device))

        def words(prompts: list[str]) -> Conditions:
            return replace(conditions, text=text_bytes(prompts, self.student.config.text_bytes).to(self.device))

        said = [draw_meaningless(generator) if generator.random() < MEANINGLESS else draw_edit(generator)[0] for _ in range(size)]
        held_against = draw_edit(generator)[0] if generator.random() < config.negative else ""
        with_text = words(said) if generator.random() < config.told else None
        levels = draw_levels(generator, size, batch.truth.shape[2], replace(config.levels, start=1.0))
        told = Told(with_text, words([held_against] * size), float(generator.uniform(0, 2)), levels.level.to(self.device))
        aligned, _ = self.student.aligned(conditions)
        field = torch.randn(size, 3, 1, *aligned.shape[-2:], device=self.device)
        amount = levels.noise.view(-1, 1, 1, 1, 1).to(self.device) * self.student.config.bridge_noise
        noise = amount * uncertainty(conditions.maps, self.student.config.map_channels) * field
        x = bridge_state(batch.truth.to(self.device), aligned, told.fresh, noise)
        return told, x, levels.frame_weight.to(self.device)
