"""A head that reads the joints out of the network's last tokens, while it trains and only then.

Reading them back makes the tokens keep the pose they were told. Its price falls to nothing in the first part of a run and its
weights are never exported. Source of the read-out: soft-argmax, Luvizon et al., arXiv 1710.02322.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..dit.model import KMCDiT
from ..dit.rope import grid_positions
from ..pose.skeleton_layouts import RIG_JOINTS

CERTAIN = 0.3


class PoseHead(nn.Module):
    """Tokens [F,N,D] of a grid (rows, columns) -> joints [F,19,2], x and y as fractions of the window."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.scores = nn.Linear(width, len(RIG_JOINTS))

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        shares = self.scores(self.norm(tokens.float())).softmax(dim=1)
        places = (grid_positions(*grid, tokens.device).float() + 0.5) / torch.tensor(grid, device=tokens.device)
        return torch.einsum("fnj,nc->fjc", shares, places.flip(-1))


def pose_loss(found: Tensor, joints: Tensor) -> Tensor:
    """Mean distance, as a share of the window, of found [F,19,2] from joints [F,19,4] that are certain and in the window."""
    wanted = joints[..., :2]
    counts = ((wanted > 0) & (wanted < 1)).all(-1) & (joints[..., 3] > CERTAIN)
    distance = (found - wanted).square().sum(-1).add(1e-6).sqrt()
    return (distance * counts).sum() / counts.sum().clamp(min=1)


class LastTokens:
    """The tokens that went into the network's decoder last; nothing of the network is changed."""

    def __init__(self, network: KMCDiT) -> None:
        self.tokens: Tensor | None = None
        network.decoder.register_forward_pre_hook(self._take)

    def _take(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.tokens = inputs[0]
