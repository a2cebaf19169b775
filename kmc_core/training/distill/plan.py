"""What a distillation run is told, and the stages that follow from it: guidance first, then half the steps at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...errors import CheckpointError
from ..bridge_levels import LevelSettings
from ..dataset import DataSettings
from ..losses import LossWeights


@dataclass(frozen=True)
class Stage:
    """The student walks the bridge in `steps`; each of them stands for `substeps` of its teacher. guidance: the first stage,
    where the teacher is the file itself with its two branches; later ones learn from the stage before."""

    steps: int
    substeps: int
    guidance: bool = False

    @property
    def name(self) -> str:
        """For logs."""
        return "guidance" if self.guidance else f"{self.steps * self.substeps} to {self.steps} steps"


def _unregistered() -> DataSettings:
    return DataSettings(frames=((1, 0.3), (4, 0.7)), registered=0.0, edited=0.0, captioned=0.0)


@dataclass(frozen=True)
class DistillConfig:
    """teacher: a weights file; pairs: folder of shards (only what the network is told is read, never the truth as a target).

    teacher_steps -> student_steps: powers of two apart; halving False goes there in one stage instead of one per halving.
    The run ends at `minutes` or `steps`, whichever first, shared evenly among the stages.
    told / negative: shares of batches with a prompt, and of those with a negative prompt; weight of guidance uniform 0..2.
    losses as in training, against the teacher's picture; motion: factor of the error of changes between frames.
    levels: noise and clean history, as in training (`start` is not used: the student starts where it is used).
    """

    teacher: str = "kmc_core/weights/kmc_nano.safetensors"
    pairs: str = "runs/pairs"
    teacher_steps: int = 4
    student_steps: int = 1
    halving: bool = True
    minutes: float = 60.0
    steps: int = 1_000_000
    batch: int = 4
    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    warm_up_steps: int = 20
    clip_norm: float = 1.0
    ema: float = 0.99
    save_minutes: float = 5.0
    threads: int = 1
    seed: int = 0
    told: float = 0.5
    negative: float = 0.2
    motion: float = 0.5
    data: DataSettings = field(default_factory=_unregistered)
    levels: LevelSettings = field(default_factory=LevelSettings)
    losses: LossWeights = field(default_factory=lambda: LossWeights(residual=0.0))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In order. Raises CheckpointError unless teacher_steps is student_steps times a power of two."""
        ratio, rest = divmod(self.teacher_steps, max(1, self.student_steps))
        if self.student_steps < 1 or rest or ratio < 1 or ratio & (ratio - 1):
            raise CheckpointError(
                "Steps cannot be halved from the teacher's to the student's",
                got=f"{self.teacher_steps} to {self.student_steps}", expected="a power of two between them, for example 8 to 2",
                remedy="Change --teacher-steps or --student-steps",
            )  # fmt: skip
        found = [Stage(self.teacher_steps, 1, guidance=True)]
        if not self.halving and ratio > 1:
            return (*found, Stage(self.student_steps, ratio))
        while found[-1].steps > self.student_steps:
            found.append(Stage(found[-1].steps // 2, 2))
        return tuple(found)
