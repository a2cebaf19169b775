"""A small network that tells patches of truth from patches the refiner made, trained beside it and never exported.

Two uses: its verdict (hinge, Lim and Ye, arXiv 1705.02894) and its features as a measure of likeness (pix2pixHD, arXiv
1711.11585). Patches of 38 px (PatchGAN, arXiv 1611.07004); spectral norm, arXiv 1802.05957.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (32, 64, 96)


class PatchCritic(nn.Module):
    """Pictures [F,3,H,W] in -1..1 -> (verdict per patch [F,1,H/8,W/8], features of every layer)."""

    def __init__(self) -> None:
        super().__init__()
        sides = zip((3, *WIDTHS), WIDTHS, strict=False)
        self.layers = nn.ModuleList(spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)) for before, after in sides)
        self.verdict = spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 3, padding=1))

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers:
            pictures = leaky_relu(layer(pictures), 0.2)
            features.append(pictures)
        return self.verdict(pictures), features


def critic_loss(critic: PatchCritic, truth: Tensor, made: Tensor, weight: Tensor) -> Tensor:
    """Hinge: truth above 1, made below -1; pictures [F,3,H,W], weight [F,1,H,W] 0..1 says where it counts."""
    real, fake = critic(torch.cat((truth, made.detach())))[0].chunk(2)
    counts = adaptive_avg_pool2d(weight, real.shape[-2:])
    loss = (1 - real).relu() + (1 + fake).relu()
    return (counts * loss).sum() / counts.sum().clamp(min=1)


def critic_opinion(critic: PatchCritic, truth: Tensor, made: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """How much the critic dislikes what was made, and how far its features are from those of the truth; both for the refiner."""
    both, features = critic(torch.cat((made, truth)))  # in one pass: every pass in training moves the spectral norms a little
    verdict = both.chunk(2)[0]
    counts = adaptive_avg_pool2d(weight, verdict.shape[-2:])
    dislike = -(counts * verdict).sum() / counts.sum().clamp(min=1)
    unlike = torch.zeros((), device=made.device)
    for feature in features:
        found, wanted = feature.chunk(2)
        here = adaptive_avg_pool2d(weight, found.shape[-2:])
        unlike = unlike + (here * (found - wanted.detach()).abs()).sum() / (found.shape[1] * here.sum()).clamp(min=1) / len(features)
    return dislike, unlike
