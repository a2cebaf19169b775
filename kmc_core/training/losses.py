"""What the network is asked to minimise: robust colour error, its gradients, texture energy, and a price on the residual.

Not here: weights of examples (dataset.py). Charbonnier: Charbonnier et al. 1994. The texture term holds the local
gradient energy at the truth's: plain regression averages what it cannot know, which is a blur.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool3d

from ..dit.config import KMCDiTConfig
from ..dit.head import Edits, warp

SOFTNESS = 1e-2
REGION_PX = 7


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms (flow: per px); `subject` is the weight of a subject pixel against `background` for one outside.

    square: factor of the squared colour error. The absolute error asks for the median and so leaves most shading alone;
    the square is what PSNR counts.
    head, hands: added to that weight where the maps say head or hands; pose: price of the pose head's error (a share of the
    window), falling to 0 when `pose_until` of the run is done; adversarial, features: of the patch critic's verdict and of its
    features, from step `critic_after` on. 0 leaves a term out.
    """

    gradient: float = 0.5
    texture: float = 0.2
    residual: float = 0.01
    flow: float = 0.0
    subject: float = 2.0
    background: float = 0.4
    square: float = 0.0
    head: float = 0.0
    hands: float = 0.0
    pose: float = 0.0
    pose_until: float = 0.5
    adversarial: float = 0.0
    features: float = 0.0
    critic_after: int = 100


def charbonnier(difference: Tensor) -> Tensor:
    """sqrt(d^2 + c^2) - c: absolute value, smooth at zero; elementwise."""
    return (difference.square() + SOFTNESS**2).sqrt() - SOFTNESS


def registered_target(truth: Tensor, true_flow: Tensor, edits: Edits, registered: Tensor) -> Tensor:
    """The picture to compare with: truth, or (where registered bool [B]) truth moved to where the edits' flow has put things.

    true_flow [B,2,T,H,W] px: truth(p) = aligned(p + true_flow); once the edits' flow equals it, nothing is moved.
    """
    moved = warp(_frames(truth), _frames(edits.flow.detach() - true_flow))
    moved = moved.unflatten(0, (len(truth), -1)).transpose(1, 2).clamp(-1, 1)
    return torch.where(registered.view(-1, 1, 1, 1, 1), moved, truth)


def with_fixed_flow(edits: Edits, registered: Tensor) -> Edits:
    """Edits whose flow gets no gradient where `registered`: its target moves with it, so a picture error would chase its own tail."""
    flow = torch.where(registered.view(-1, 1, 1, 1, 1), edits.flow.detach(), edits.flow)
    return replace(edits, flow=flow)


def flow_loss(edits: Edits, true_flow: Tensor, subject: Tensor, frames: Tensor) -> Tensor:
    """Mean distance in px between predicted and true flow on the subject."""
    weight = subject * frames[:, None, :, None, None]
    distance = ((edits.flow - true_flow).square().sum(1, keepdim=True) + 0.01).sqrt()
    return (weight * distance).sum() / weight.sum().clamp(min=1)


def region_weight(maps: Tensor, weights: LossWeights, config: KMCDiTConfig) -> Tensor | float:
    """What head and hands weigh more, a little beyond their edges too: maps [B,C,T,H,W] -> [B,1,T,H,W] (0 if nothing does)."""
    total: Tensor | float = 0.0
    for name, factor in (("head", weights.head), ("hands", weights.hands)):
        if factor:
            part = maps[:, config.channel(name) : config.channel(name) + 1]
            total = total + factor * max_pool3d(part, (1, REGION_PX, REGION_PX), 1, (0, REGION_PX // 2, REGION_PX // 2))
    return total


def refinement_loss(
    x0: Tensor, truth: Tensor, edits: Edits, subject: Tensor, frames: Tensor, weights: LossWeights, regions: Tensor | float = 0.0
) -> Tensor:
    """Scalar loss. x0, truth [B,3,T,H,W] in -1..1; subject [B,1,T,H,W] 0..1; frames [B,T] weight of each frame (history 0).

    regions: weight added per pixel, from region_weight.
    """
    weight = weights.background + (weights.subject - weights.background) * subject + regions
    weight = weight * frames[:, None, :, None, None]
    x0, truth, weight, residual = (_frames(part) for part in (x0, truth, weight, edits.residual * edits.mask))
    difference = x0 - truth
    loss = (weight * charbonnier(difference)).mean()
    if weights.square:
        loss = loss + weights.square * (weight * difference.square()).mean()
    loss = loss + weights.gradient * gradient_loss(difference, weight)
    loss = loss + weights.texture * texture_loss(x0, truth, weight)
    return loss + weights.residual * (weight * residual.abs()).mean()


def gradient_loss(difference: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean absolute forward difference of an error [F,C,H,W] along both axes."""
    down = weight[..., 1:, :] * (difference[..., 1:, :] - difference[..., :-1, :]).abs()
    across = weight[..., 1:] * (difference[..., 1:] - difference[..., :-1]).abs()
    return down.mean() + across.mean()


def texture_loss(x0: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted difference of gradient energy in 8 px cells: blind to where an edge lies, not to whether it is there."""
    return (avg_pool2d(weight, 8) * (_energy(x0) - _energy(truth)).abs()).mean()


def _energy(pictures: Tensor) -> Tensor:
    down = charbonnier(pictures[..., 1:, :-1] - pictures[..., :-1, :-1])
    across = charbonnier(pictures[..., :-1, 1:] - pictures[..., :-1, :-1])
    energy = (down + across).mean(1, keepdim=True)
    return avg_pool2d(torch.nn.functional.pad(energy, (0, 1, 0, 1)), 8)


def _frames(x: Tensor) -> Tensor:
    """[B,C,T,H,W] -> [B*T,C,H,W]."""
    return x.transpose(1, 2).flatten(0, 1)
