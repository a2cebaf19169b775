"""A distillation run: a folder with config.json and one resumable run per stage below it, each taught by the stage before.

Weights and moments are float32; the networks' inside runs in bfloat16 autocast. Called by `python -m kmc_core.training distill`.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...dit.conditions import Conditions, text_bytes
from ...dit.model import KMCDiT
from ...dit.weights_file import load_network, save_network
from ...sampling.step import bridge_state, uncertainty
from ..bridge_levels import draw_levels
from ..captions import draw_edit, draw_meaningless
from ..dataset import Batch, PairFolder
from ..losses import refinement_loss
from ..resumable import ResumableRun
from ..run_config import read_run_config
from ..state import RunProgress
from .plan import DistillConfig, Stage
from .steps_table import folding_error, held_out_clips
from .targets import Told, as_shown, change_loss, mean_change, student_start, target

LOGGER = logging.getLogger(__name__)
REFRESH_STEPS = 100
MEANINGLESS = 0.2
GREY_LEVEL = 2 / 255


def distil(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Carry out the run described by `folder`/config.json (DistillConfig), or go on with it -> progress of all its stages.

    Every stage leaves state.safetensors, weights.safetensors (the student's average, float32) and log.csv in `folder`/stage_N;
    `folder`/weights.safetensors is always the latest student.
    """
    config: DistillConfig = read_run_config(folder / "config.json", DistillConfig)
    stages, teacher, total = config.stages, Path(config.teacher), RunProgress()
    skipped = _skipped_guidance(folder, config)
    count = max(1, len(stages) - skipped)
    taught = replace(config, minutes=config.minutes / count, steps=-(-config.steps // count))
    for number, stage in enumerate(stages):
        if number or not skipped:
            run = StageRun(folder / f"stage_{number + 1}", taught, stage, teacher)
            LOGGER.info("%s, taught by %s: %d shards, at step %d", stage.name, teacher.name, len(run.pairs.shards), run.progress.step)
            progress = run.progress if run.finished else run.go_on(should_stop)
            total = RunProgress(*(a + b for a, b in zip(vars(total).values(), vars(progress).values(), strict=True)))
            if not run.finished:
                break
        teacher = folder / f"stage_{number + 1}" / "weights.safetensors"
    return total


def _skipped_guidance(folder: Path, config: DistillConfig) -> bool:
    """Whether one evaluation already is the two branches to less than one grey level: nothing to teach, stage 1 is the file itself."""
    first = folder / "stage_1"
    if (first / "state.safetensors").exists():
        return False
    if not (first / "weights.safetensors").exists():
        network, facts = load_network(config.teacher)
        error = folding_error(network, held_out_clips(Path(config.pairs), 2, 1))
        LOGGER.info("guidance in one evaluation, untaught: off by at most %.5f of the -1..1 range", error)
        if error >= GREY_LEVEL:
            return False
        for path in (first / "weights.safetensors", folder / "weights.safetensors"):
            save_network(path, replace(network.config, one_evaluation=True), network.state_dict(), facts, torch.float32)
    return True


class StageRun(ResumableRun):
    """Teacher, student, data and optimiser of one stage."""

    def __init__(self, folder: Path, config: DistillConfig, stage: Stage, teacher: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config, self.stage = config, stage
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.teacher, self.facts = load_network(teacher, device=self.device)
        self.pairs = PairFolder(Path(config.pairs))
        super().__init__(folder, config, self._build)

    def _build(self) -> KMCDiT:
        """The student begins as its teacher."""
        student = KMCDiT(replace(self.teacher.config, one_evaluation=True), device=self.device)
        student.load_state_dict(self.teacher.state_dict())
        if student.text_colour is not None:  # what words say folds exactly, so it stays as it was learnt
            student.text.requires_grad_(False)
            student.text_colour.requires_grad_(False)
        return student

    def step(self) -> None:
        """One update, then log, save and look for new pairs when it is time."""
        started, config = self.clock(), self.config
        generator = np.random.default_rng([config.seed, self.progress.step])
        torch.manual_seed(int(generator.integers(2**31)))
        batch = self.pairs.batch(generator, config.batch, config.data, self.network.config)
        rate = self.set_rate()
        measures = self._learn(batch, generator)
        self.count(config.batch, config.batch * batch.truth.shape[2], started)
        self.note({**measures, "step_s": self.clock() - started}, lambda: {**vars(self.progress), "learning_rate": rate})
        if self.progress.step % REFRESH_STEPS == 0:
            self.pairs.refresh()

    def save(self) -> None:
        """Write the state and the student's averaged weights, here and as the latest of the whole run."""
        self.save_progress()
        facts = {**self.facts, "distilled": {"steps": self.stage.steps, "stage": self.stage.name, **vars(self.progress)}}
        path = self.folder / "weights.safetensors"
        save_network(path, self.network.config, self.average.weights, facts, torch.float32)
        shutil.copyfile(path, self.folder.parent / "weights.safetensors")

    def _learn(self, batch: Batch, generator: np.random.Generator) -> dict[str, float]:
        told, x, weight = self._scene(batch, generator)
        number = int(generator.integers(self.stage.steps))
        with torch.autocast(self.device.type, torch.bfloat16):
            x = student_start(self.network, told, x, self.stage, number)
            wanted = target(self.teacher, told, x, self.stage, number)
            edits = told.guided(self.network, folded=True).edits(x, told.levels(torch.tensor(1 - number / self.stage.steps)))
        x0 = as_shown(told.picture(self.network, edits), wanted)
        frames = weight[:, None, :, None, None]
        loss = refinement_loss(x0, wanted, edits, batch.subject.to(self.device), weight, self.config.losses)
        loss = loss + self.config.motion * change_loss(x0, wanted, frames)
        norm = self.update(loss)
        return {
            "loss": float(loss.detach()),
            "error": float((frames * (x0.detach() - wanted).abs()).mean()),
            "change": mean_change(x0.detach(), frames),
            "teacher_change": mean_change(wanted, frames),
            "gradient_norm": norm,
        }

    def _scene(self, batch: Batch, generator: np.random.Generator) -> tuple[Told, Tensor, Tensor]:
        """What is told, the start of the bridge and the weight [B,T] of frames (history 0)."""
        config, size = self.config, len(batch.truth)
        conditions = batch.conditions.mapped(lambda tensor: tensor.to(self.device))

        def words(prompts: list[str]) -> Conditions:
            return replace(conditions, text=text_bytes(prompts, self.network.config.text_bytes).to(self.device))

        said = [draw_meaningless(generator) if generator.random() < MEANINGLESS else draw_edit(generator)[0] for _ in range(size)]
        held_against = draw_edit(generator)[0] if generator.random() < config.negative else ""
        with_text = words(said) if generator.random() < config.told else None
        levels = draw_levels(generator, size, batch.truth.shape[2], replace(config.levels, start=1.0))
        told = Told(with_text, words([held_against] * size), float(generator.uniform(0, 2)), levels.level.to(self.device))
        aligned, _ = self.network.aligned(conditions)
        field = torch.randn(size, 3, 1, *aligned.shape[-2:], device=self.device)
        amount = levels.noise.view(-1, 1, 1, 1, 1).to(self.device) * self.network.config.bridge_noise
        noise = amount * uncertainty(conditions.maps, self.network.config.map_channels) * field
        x = bridge_state(batch.truth.to(self.device), aligned, told.fresh, noise)
        return told, x, levels.frame_weight.to(self.device)
