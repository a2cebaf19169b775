"""The training loop: pairs in, an averaged network out. Resumable, deterministic in its data order, one thread by default.

Weights and moments are float32; the network's inside runs in bfloat16 autocast. Called by `python -m kmc_core.training`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dit.conditions import Conditions
from ..dit.head import Edits, apply_edits
from ..dit.model import KMCDiT
from ..dit.weights_file import save_network
from ..sampling.sampler import edited
from ..sampling.step import uncertainty
from .aids import TrainingAids
from .bridge_levels import Levels, Shown, draw_levels, shown_state, walked_state
from .dataset import Batch, PairFolder
from .losses import flow_loss, refinement_loss, region_weight, registered_target, with_fixed_flow
from .resumable import ResumableRun
from .run_config import RunConfig, read_run_config
from .stage import START_NAME, facts_of_run, start_weights
from .state import RunProgress

LOGGER = logging.getLogger(__name__)
REFRESH_STEPS = 100


def train(folder: Path, should_stop: Callable[[], bool] | None = None) -> RunProgress:
    """Train the run described by `folder`/config.json; goes on from `folder`/state.safetensors if it is there.

    Writes state.safetensors, weights.safetensors (the average, float32) and log.csv into the folder.
    """
    run = Run(folder)
    LOGGER.info("training %s: %d shards, at step %d", folder, len(run.pairs.shards), run.progress.step)
    return run.go_on(should_stop)


class Run(ResumableRun):
    """Network, data and optimiser of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.config: RunConfig = read_run_config(folder / "config.json")
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.pairs = PairFolder(Path(self.config.pairs))
        self._start = folder / START_NAME
        self._gains: list[tuple[float, float]] = []
        super().__init__(folder, self.config, self._build, optimiser=self.config.optimiser)

    def _build(self) -> KMCDiT:
        network = KMCDiT(self.config.network, device=self.device).to(memory_format=torch.channels_last)
        if self._start.exists():
            network.load_state_dict(start_weights(self._start, self.config.network))
        if network.text_colour is not None:  # learnt by the text stage, from words alone
            network.text.requires_grad_(False)
            network.text_colour.requires_grad_(False)
        if not network.config.text_in_blocks:  # nothing behind the blocks can know what was said: no colours of the pixels' own
            network.text_summary.requires_grad_(False)
            network.decoder.colour.requires_grad_(False)
        return network

    def build_aids(self) -> TrainingAids | None:
        """The pose head and the critic, if the losses ask for them."""
        losses = self.config.losses
        wanted = losses.pose or losses.adversarial or losses.features
        return TrainingAids(self.network, losses, self.device) if wanted else None

    def step(self) -> None:
        """One update, then log, save and look for new pairs when it is time."""
        started = self.clock()
        config = self.config
        generator = np.random.default_rng([config.seed, self.progress.step])
        torch.manual_seed(int(generator.integers(2**31)))
        batch = self.pairs.batch(generator, config.batch, config.data, config.network)
        loaded = self.clock()
        rate = self.set_rate()
        measures = self._learn(batch, generator)
        self.count(config.batch, config.batch * batch.truth.shape[2], started)
        if not bool(batch.conditions.has_text.any()):  # edits by text would drown the gain
            self._gains.append((measures["aligned_error"], measures["error"]))
        seconds = {"loading_s": loaded - started, "step_s": self.clock() - started}
        if self.note({**measures, **seconds}, lambda: self._facts(rate)):
            self._gains = []
        if self.progress.step % REFRESH_STEPS == 0:
            self.pairs.refresh()

    def save(self) -> None:
        """Write state and averaged weights."""
        self.save_progress()
        facts = facts_of_run(self.folder, self.progress)
        save_network(self.folder / "weights.safetensors", self.config.network, self.average.weights, facts, torch.float32)

    def take_over(self, prefix: str) -> None:
        """Put weights whose names begin with `prefix`, trained elsewhere, into the average."""
        for name, value in self.network.state_dict().items():
            if name.startswith(prefix):
                self.average.weights[name] = value.detach().clone()

    def _learn(self, batch: Batch, generator: np.random.Generator) -> dict[str, float]:
        conditions = batch.conditions.mapped(lambda tensor: tensor.to(self.device))
        truth, subject = batch.truth.to(self.device), batch.subject.to(self.device)
        true_flow, registered = batch.flow.to(self.device), batch.registered.to(self.device)
        levels = Levels(*(part.to(self.device) for part in draw_levels(generator, *truth.shape[0:3:2], self.config.levels)))
        aligned, alpha = self.network.aligned(conditions)
        noise = self._noise(conditions.maps, levels.noise)
        shown = shown_state(generator, truth, aligned, true_flow, registered, levels, noise, self.config.levels)
        x, level, frame_weight = self._on_own_walk(generator, shown, conditions)
        with torch.autocast(self.device.type, torch.bfloat16):
            edits = self.network.edits(x, level, conditions)
        x0 = apply_edits(aligned, alpha, with_fixed_flow(edits, registered))
        truth = registered_target(truth, true_flow, edits, registered)
        losses = self.config.losses
        regions = region_weight(conditions.maps, losses, self.config.network)
        loss = refinement_loss(x0, truth, edits, subject, frame_weight, losses, regions)
        off_px = flow_loss(edits, true_flow, subject, frame_weight)
        loss = loss + losses.flow * off_px
        weight = subject * frame_weight[:, None, :, None, None]
        norm, aid_numbers = self._descend(loss, x0, truth, weight, conditions.joints)
        return {
            "loss": float(loss.detach()),
            "gradient_norm": norm,
            "flow_off_px": float(off_px.detach()),
            "flow_off_still_px": float(flow_loss(_still(edits), true_flow, subject, frame_weight)),
            "error": _weighted_square(x0.detach() - truth, weight),
            "aligned_error": _weighted_square(aligned - truth, weight),
            **aid_numbers,
        }

    def _on_own_walk(self, generator: np.random.Generator, shown: Shown, conditions: Conditions) -> Shown:
        """Some windows, if the settings ask for it, one step further along the sampler's own way."""
        share = self.config.levels.walked
        if not share:
            return shown
        aligned, alpha = self.network.aligned(conditions)
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
            answer = self.network.edits(shown.x, shown.level, conditions)
        _, made = edited(aligned, alpha, answer)
        return walked_state(generator, shown, made, aligned, share)

    def _descend(self, loss: Tensor, x0: Tensor, truth: Tensor, weight: Tensor, joints: Tensor) -> tuple[float, dict[str, float]]:
        """Update network and aids -> (norm of the gradient, the aids' numbers)."""
        if self.aids is None:
            return self.update(loss), {}
        made, wanted, counted = (part.transpose(1, 2).flatten(0, 1) for part in (x0, truth, weight))
        added, numbers = self.aids.loss(made, wanted, counted, joints.flatten(0, 1), self.progress.step, self.share)
        norm = self.update(loss + added)
        return norm, {**numbers, **self.aids.learn(made, wanted, counted)}

    def _noise(self, maps: Tensor, amount: Tensor) -> Tensor:
        """One field per window, shared by its frames, only where alignment is uncertain."""
        field = torch.randn(len(maps), 3, 1, *maps.shape[-2:], device=maps.device)
        strength = amount.view(-1, 1, 1, 1, 1) * self.config.network.bridge_noise
        return strength * uncertainty(maps, self.config.network.map_channels) * field

    def _facts(self, rate: float) -> dict[str, float]:
        before, after = np.mean(self._gains, axis=0) if self._gains else (1.0, 1.0)
        gain_db = float(10 * np.log10(max(before, 1e-9) / max(after, 1e-9)))
        return {**vars(self.progress), "learning_rate": rate, "gain_db": gain_db, "shards": len(self.pairs.shards)}


def _still(edits: Edits) -> Edits:
    return replace(edits, flow=torch.zeros_like(edits.flow))


def _weighted_square(difference: Tensor, weight: Tensor) -> float:
    return float((weight * difference.square()).sum() / (3 * weight.sum()).clamp(min=1))
