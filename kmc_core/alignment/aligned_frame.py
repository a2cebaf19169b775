"""The record the alignment hands over for every frame."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class AlignedFrame:
    """The re-posed character on the output canvas, torch float32 unless said.

    rgb         [3,H,W] 0..1, multiplied by alpha; alpha [H,W] 0..1
    part        int16 [H,W]: -1 none, 0 torso, 1 head, 2 / 3 left / right arm, 4 / 5 left / right leg, 6 face,
                7 / 8 left / right hand
    depth       [H,W] torso lengths behind (+) or before (-) the pelvis; 0 where nothing is
    source_uv   [2,H,W] 0..1 place (x, y) in the view's picture; 0 where nothing is
    stretch     [H,W] log of the area ratio against the body's scale (0 = as in the picture)
    real        [H,W] 1 = true texture, 0 = filled, procedural or nothing
    confidence  [H,W] of the joints that moved the pixel
    view_gap    cosine of the angle between the view's facing and the facing asked for
    """

    rgb: Tensor
    alpha: Tensor
    part: Tensor
    depth: Tensor
    source_uv: Tensor
    stretch: Tensor
    real: Tensor
    confidence: Tensor
    view_gap: float
