"""Dual-branch guidance: branch A knows identity and motion, branch B also the text. Result A + w (B - A).

Differs from classifier-free guidance (arXiv 2207.12598) in that A is not unconditional: motion is never given up.
Both branches are edits of the same aligned picture, and the formula is applied to the edits, so that the guided
residual and flow can be fused at full resolution; for residual and colour that equals the formula on x0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from ..dit.conditions import Conditions, Guidance
from ..dit.head import Edits
from ..dit.model import KMCDiT
from ..dit.readings import Look, Told


def guidance_weight(cfg_scale: float) -> float:
    """The user's 0..1 -> w 0..2: 0 follows the motion alone, 0.5 takes the text as trained, 1 overstates it."""
    return 2.0 * min(max(cfg_scale, 0.0), 1.0)


@dataclass(frozen=True)
class GuidedNetwork:
    """`edits(x, level)` of one window: the only door between the sampler and the network.

    without_text / with_text: the branches' conditions, of the same maps. with_text None (empty prompt) skips branch B and its cost.
    folded: one evaluation per step whatever the weight: the network takes the weight in (dit.conditions.Guidance). Networks
    that were taught so (config.one_evaluation) always do; for others words in the colour grid are exact, the rest first-order.
    """

    network: KMCDiT
    without_text: Conditions
    with_text: Conditions | None
    weight: float
    folded: bool = False

    def edits(self, x: Tensor, level: Tensor, first: int = 0) -> Edits:
        """x [1,3,T,H,W], level [1,T] -> guided edits of the frames from `first` on.

        Weight 0 runs branch A only, weight 1 branch B only. What the conditions say is read at the first call and kept; the
        bridge state goes through the pixel stem once for both branches.
        """
        seen = self.network.see(x, self._look)

        def answer(told: Told) -> Edits:
            return self.network.answer(seen, level, self._look, told, first)

        if self.with_text is None or self.weight == 0:
            return answer(self._untold)
        if self.weight != 1 and (self.folded or self.network.config.one_evaluation):
            return answer(self._both)
        told = answer(self._told)
        if self.weight == 1:
            return told
        return answer(self._untold).combined(told, lambda a, b: a + self.weight * (b - a))

    @cached_property
    def _look(self) -> Look:
        return self.network.look(self.without_text.maps)

    @cached_property
    def _untold(self) -> Told:
        return self.network.listen(self.without_text)

    @cached_property
    def _told(self) -> Told:
        return self.network.listen(self.with_text)

    @cached_property
    def _both(self) -> Told:
        """Both branches for one evaluation."""
        maps = self.without_text.maps
        return self.network.listen(self.with_text, Guidance(maps.new_full((len(maps),), self.weight), self.without_text.text))
