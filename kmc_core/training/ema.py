"""A running average of the weights, which is what gets shipped. Short at first, long later.

Source: Karras et al., "Analyzing and Improving the Training Dynamics of Diffusion Models", arXiv 2312.02696 (warm-up form).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AveragedWeights:
    """float32 average; decay at update n is min(decay, (n + 1) / (n + 10))."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights: dict[str, Tensor] = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take one training step's weights in."""
        decay = min(self.decay, (self.updates + 1) / (self.updates + 10))
        self.updates += 1
        current = network.state_dict()
        names = list(self.weights)
        torch._foreach_lerp_([self.weights[name] for name in names], [current[name] for name in names], 1 - decay)
