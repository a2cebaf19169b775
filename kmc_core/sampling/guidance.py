"""Dual-branch guidance: branch A knows identity and motion, branch B also the text. Result A + w (B - A).

Differs from classifier-free guidance (arXiv 2207.12598) in that A is not unconditional: motion is never given up.
Both branches are edits of the same aligned picture, and the formula is applied to the edits, so that the guided
residual and flow can be fused at full resolution; for residual and colour that equals the formula on x0.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..dit.conditions import Conditions, Guidance
from ..dit.head import Edits
from ..dit.model import KMCDiT


def guidance_weight(cfg_scale: float) -> float:
    """The user's 0..1 -> w 0..2: 0 follows the motion alone, 0.5 takes the text as trained, 1 overstates it."""
    return 2.0 * min(max(cfg_scale, 0.0), 1.0)


@dataclass(frozen=True)
class GuidedNetwork:
    """`edits(x, level)` of one window: the only door between the sampler and the network.

    without_text / with_text: the branches' conditions. with_text None (empty prompt) skips branch B and its cost.
    folded: one evaluation per step whatever the weight: the network takes the weight in (dit.conditions.Guidance). Networks
    that were taught so (config.one_evaluation) always do; for others words in the colour grid are exact, the rest first-order.
    """

    network: KMCDiT
    without_text: Conditions
    with_text: Conditions | None
    weight: float
    folded: bool = False

    def edits(self, x: Tensor, level: Tensor) -> Edits:
        """x [1,3,T,H,W], level [1,T] -> guided edits. Weight 0 runs branch A only, weight 1 branch B only."""
        if self.with_text is None or self.weight == 0:
            return self.network.edits(x, level, self.without_text)
        if self.weight != 1 and (self.folded or self.network.config.one_evaluation):
            guidance = Guidance(x.new_full((x.shape[0],), self.weight), self.without_text.text)
            return self.network.edits(x, level, self.with_text, guidance)
        told = self.network.edits(x, level, self.with_text)
        if self.weight == 1:
            return told
        untold = self.network.edits(x, level, self.without_text)
        return untold.combined(told, lambda a, b: a + self.weight * (b - a))
