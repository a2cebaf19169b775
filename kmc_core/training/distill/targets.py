"""What the student should answer: the picture that takes it in one step to where its teacher gets in several.

Progressive distillation (Salimans and Ho, arXiv 2202.00512) on this bridge: a step from level l to r l leads to
x' = x0 + r (x - x0), so the picture that leads to the teacher's x' is x0 = (x' - r x) / (1 - r), in the aligned picture's own
colours (sampling/sampler.py). One substep gives the teacher's own picture: that is the guidance stage (Meng et al., arXiv 2210.03142). No adversary and no score network: on the bridge
the teacher's walk is short and has no randomness of its own, so there is one right answer to regress on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...dit.conditions import Conditions
from ...dit.head import Edits, apply_edits
from ...dit.model import KMCDiT
from ...sampling.guidance import GuidedNetwork
from ...sampling.sampler import edited
from ...sampling.schedule import bridge_levels
from ...sampling.step import bridge_step
from .plan import Stage


@dataclass(frozen=True)
class Told:
    """Conditions of B windows in words (None: silence) and without; weight of guidance, one for all; fresh bool [B,T]: not history."""

    with_text: Conditions | None
    without_text: Conditions
    weight: float
    fresh: Tensor

    def guided(self, network: KMCDiT, folded: bool) -> GuidedNetwork:
        """The sampler's own door to a network; what it has read of the conditions it keeps, so it serves one walk."""
        return GuidedNetwork(network, self.without_text, self.with_text, self.weight, folded)

    def levels(self, level: Tensor) -> Tensor:
        """[B,T]: the level, and 0 for history."""
        return self.fresh * level

    def picture(self, network: KMCDiT, edits: Edits) -> Tensor:
        """Clean estimate [B,3,T,H,W], not yet cut off at -1..1."""
        return apply_edits(*network.aligned(self.without_text), edits)


@torch.no_grad()
def walked(network: KMCDiT, told: Told, x: Tensor, levels: Tensor, folded: bool) -> tuple[Tensor, Edits | None]:
    """x [B,3,T,H,W] at levels[0], walked by the network to levels[-1] as the sampler does, and its last edits; clean history stays."""
    guided, edits = told.guided(network, folded), None
    for level, then in zip(levels[:-1], levels[1:], strict=True):
        edits = guided.edits(x, told.levels(level))
        _, uncoloured = edited(*network.aligned(told.without_text), edits)
        x = bridge_step(x, uncoloured, told.levels(level), told.levels(then))
    return x, edits


@torch.no_grad()
def student_start(student: KMCDiT, told: Told, x: Tensor, stage: Stage, number: int) -> Tensor:
    """Where the student itself gets in `number` steps of the stage: what it will meet when it is used, not what pairs would show."""
    return walked(student, told, x, bridge_levels(stage.steps).to(x.device)[: number + 1], folded=True)[0]


@torch.no_grad()
def target(teacher: KMCDiT, told: Told, x: Tensor, stage: Stage, number: int) -> Tensor:
    """The picture [B,3,T,H,W] wanted of the student at step `number` of the stage, standing at x; in the teacher's last colours."""
    level, then = bridge_levels(stage.steps).to(x.device)[number : number + 2]
    between = torch.linspace(float(level), float(then), stage.substeps + 1, device=x.device)
    reached, edits = walked(teacher, told, x, between, folded=not stage.guidance)
    ratio = then / level
    uncoloured = ((reached - ratio * x) / (1 - ratio)).clamp(-1, 1)
    colours_alone = replace(edits, flow=torch.zeros_like(edits.flow), residual=torch.zeros_like(edits.residual))
    return apply_edits(uncoloured, teacher.aligned(told.without_text)[1], colours_alone)


def as_shown(x0: Tensor, wanted: Tensor) -> Tensor:
    """x0, but where both lie at or beyond the same end of -1..1 the target itself: the sampler cuts off what is beyond."""
    return torch.where((x0.abs() > 1) & (wanted.abs() >= 1) & (x0 * wanted > 0), wanted, x0)


def change_loss(x0: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean absolute error of changes from frame to frame: students of few steps are known to move less. 0 for one frame."""
    if x0.shape[2] < 2:
        return x0.new_zeros(())
    error = (x0[:, :, 1:] - x0[:, :, :-1]) - (wanted[:, :, 1:] - wanted[:, :, :-1])
    return (torch.minimum(weight[:, :, 1:], weight[:, :, :-1]) * error.abs()).mean()


def mean_change(pictures: Tensor, weight: Tensor) -> float:
    """How much pictures [B,3,T,H,W] move: weighted mean change from frame to frame; 0 for one frame."""
    if pictures.shape[2] < 2:
        return 0.0
    both = torch.minimum(weight[:, :, 1:], weight[:, :, :-1])
    return float((both * (pictures[:, :, 1:] - pictures[:, :, :-1]).abs()).mean())
