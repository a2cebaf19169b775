"""AdamW (or Muon for the transformer's matrices), with weight decay on matrices only, a warm-up and a cosine.

Sources: Loshchilov and Hutter, arXiv 1711.05101 (AdamW), arXiv 1608.03983 (cosine); Muon: Jordan et al. 2024, with the step
size of arXiv 2502.16982, so that both take the same learning rate.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch
from torch import nn

from ..errors import CheckpointError

OPTIMISERS = ("adamw", "muon")
BETAS = (0.9, 0.95)


class Descent(Protocol):
    """What training needs of an optimiser."""

    @property
    def param_groups(self) -> list[dict[str, Any]]: ...

    def zero_grad(self, set_to_none: bool = True) -> None: ...

    def step(self) -> object: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def build_optimiser(network: nn.Module, learning_rate: float, weight_decay: float, kind: str = "adamw") -> Descent:
    """kind "adamw": two groups, parameters with two or more axes decay, norms and biases do not.

    kind "muon": the same, but the blocks' matrices (not their modulation) go by Muon. Raises CheckpointError for
    another kind, or where this torch has no Muon.
    """
    if kind not in OPTIMISERS:
        raise CheckpointError("Unknown optimiser", got=kind, expected=", ".join(OPTIMISERS), remedy="Correct it in config.json")
    by_muon = [parameter for name, parameter in network.named_parameters() if kind == "muon" and _is_block_matrix(name, parameter)]
    taken = {id(parameter) for parameter in by_muon}
    left = [parameter for parameter in network.parameters() if id(parameter) not in taken]
    matrices = [parameter for parameter in left if parameter.ndim >= 2]
    others = [parameter for parameter in left if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=learning_rate, betas=BETAS)
    if kind == "adamw":
        return adamw
    if not hasattr(torch.optim, "Muon"):
        raise CheckpointError(
            "This torch has no Muon", got=f"torch {torch.__version__}", expected="torch 2.9 or later",
            remedy='Set "optimiser" to "adamw" in config.json',
        )  # fmt: skip
    muon = torch.optim.Muon(by_muon, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    return MuonWithAdamW(adamw, muon)


def _is_block_matrix(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim == 2 and name.startswith("blocks.") and ".modulation." not in name


class MuonWithAdamW:
    """Two optimisers of different parameters that step as one; AdamW's parameters come first in the joint state."""

    def __init__(self, adamw: torch.optim.Optimizer, muon: torch.optim.Optimizer) -> None:
        self.members = (adamw, muon)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Groups of both (not kept: loading a state makes new ones)."""
        return [group for member in self.members for group in member.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for member in self.members:
            member.zero_grad(set_to_none)

    def step(self) -> None:
        """One step of both."""
        for member in self.members:
            member.step()

    def state_dict(self) -> dict[str, Any]:
        """Both states under one numbering: {"state": {number: slots}, "param_groups": [adamw's, muon's]}."""
        adamw, muon = (member.state_dict() for member in self.members)
        joint = {**adamw["state"], **{number + self._first_of_muon: slots for number, slots in muon["state"].items()}}
        return {"state": joint, "param_groups": [adamw["param_groups"], muon["param_groups"]]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        first = self._first_of_muon
        adamw = {number: slots for number, slots in state["state"].items() if number < first}
        muon = {number - first: slots for number, slots in state["state"].items() if number >= first}
        for member, slots, groups in zip(self.members, (adamw, muon), state["param_groups"], strict=True):
            member.load_state_dict({"state": slots, "param_groups": groups})

    @property
    def _first_of_muon(self) -> int:
        return sum(len(group["params"]) for group in self.members[0].param_groups)


def learning_rate_factor(step: int, progress: float, warm_up_steps: int, flat_share: float = 0.3, floor: float = 0.02) -> float:
    """Factor on the base rate: linear warm-up, flat until `flat_share` of the run, then cosine down to `floor`.

    progress 0..1 is the share of the run that is done, by whatever ends it first.
    """
    warm = min(1.0, (step + 1) / max(1, warm_up_steps))
    fall = min(1.0, max(0.0, (progress - flat_share) / (1 - flat_share)))
    return warm * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fall)))


def set_learning_rate(optimiser: Descent, rate: float) -> None:
    """Give every group the same rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
