"""Networks that only help to train (pose head, patch critic), with the optimiser that teaches them. Never exported.

Which of them exist is said by the loss weights; without any, training is what it was. Called by train.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..dit.model import KMCDiT
from .losses import LossWeights
from .patch_critic import PatchCritic, critic_loss, critic_opinion
from .pose_head import LastTokens, PoseHead, pose_loss

LEARNING_RATE = 4e-4


class TrainingAids:
    """pose: the head and the tap it drinks from; critic: the patch critic; either may be None."""

    def __init__(self, network: KMCDiT, weights: LossWeights, device: torch.device) -> None:
        self.weights = weights
        self.pose = PoseHead(network.config.width).to(device) if weights.pose else None
        self.critic = PatchCritic().to(device) if weights.adversarial or weights.features else None
        self._last = LastTokens(network) if self.pose is not None else None
        self._parts = {name: part for name, part in (("pose", self.pose), ("critic", self.critic)) if part is not None}
        parameters = [parameter for part in self._parts.values() for parameter in part.parameters()]
        self.optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, betas=(0.5, 0.99), weight_decay=0.01)

    def loss(self, made: Tensor, truth: Tensor, weight: Tensor, joints: Tensor, step: int, share: float) -> tuple[Tensor, dict[str, float]]:
        """What they add to the refiner's loss, and their numbers for the log.

        made, truth [F,3,H,W] in -1..1; weight [F,1,H,W] 0..1; joints [F,19,4]; step and share: how far the run is.
        """
        total, numbers = torch.zeros((), device=made.device), {}
        if self.pose is not None:
            left = max(0.0, 1 - share / self.weights.pose_until)
            grid = tuple(-(-side // 16) for side in made.shape[-2:])
            off = pose_loss(self.pose(self._last.tokens, grid), joints) if left else total
            total, numbers["pose_off"] = total + self.weights.pose * left * off, float(off.detach())
        if self.critic is not None:
            self.critic.requires_grad_(False)
            dislike, unlike = critic_opinion(self.critic, truth, made, weight)
            is_ready = float(step >= self.weights.critic_after)
            total = total + is_ready * (self.weights.adversarial * dislike + self.weights.features * unlike)
            numbers |= {"dislike": float(dislike.detach()), "unlike": float(unlike.detach())}
        return total, numbers

    def learn(self, made: Tensor, truth: Tensor, weight: Tensor) -> dict[str, float]:
        """One step of their own, after the refiner's gradients have been computed."""
        numbers = {}
        if self.critic is not None:
            self.critic.requires_grad_(True)
            loss = critic_loss(self.critic, truth, made, weight)
            loss.backward()
            numbers["critic"] = float(loss.detach())
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return numbers

    def state_dict(self) -> dict[str, Tensor]:
        """Weights as "pose.*" and "critic.*", moments as "moments.NUMBER.SLOT"."""
        tensors = {f"{part}.{name}": value for part, network in self._parts.items() for name, value in network.state_dict().items()}
        for number, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"moments.{number}.{slot}": value for slot, value in slots.items()}
        return tensors

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Inverse of `state_dict`."""
        for part, network in self._parts.items():
            network.load_state_dict({name[len(part) + 1 :]: value for name, value in tensors.items() if name.startswith(part + ".")})
        state = self.optimiser.state_dict()
        for name, value in tensors.items():
            if name.startswith("moments."):
                _, number, slot = name.split(".")
                state["state"].setdefault(int(number), {})[slot] = value
        self.optimiser.load_state_dict(state)

    @property
    def names(self) -> set[str]:
        """Which parts there are."""
        return set(self._parts)
