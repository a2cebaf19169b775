"""Rendering for the sampler: one aligned frame over its background, at the network's size with maps and at output size.

Not here: the network and windows (reenact.py). Nothing of a frame is kept beyond the one before it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..alignment.aligned_frame import AlignedFrame
from ..alignment.aligner import Aligner
from ..alignment.maps import network_maps
from ..types import Canvas, CharacterMotion
from .background import PlateSource


class CompositeFrame(NamedTuple):
    """rgb [3,H,W] in -1..1: alignment over its plate; alpha [1,H,W] of the character."""

    rgb: Tensor
    alpha: Tensor


class FrameRenderer:
    """Draws the frames of one motion on one subject with one background."""

    def __init__(self, aligner: Aligner, character: CharacterMotion, background: PlateSource) -> None:
        self._aligner, self._character, self._background = aligner, character, background
        self._previous: tuple[int, Canvas, AlignedFrame] | None = None

    def composite(self, frame: int, canvas: Canvas) -> CompositeFrame:
        """One frame at any size."""
        aligned = self._aligner.render(self._character, frame, canvas)
        plate = torch.from_numpy(self._background.plate(frame, canvas).rgb).permute(2, 0, 1).float() / 255
        rgb = aligned.rgb + plate * (1 - aligned.alpha)
        return CompositeFrame(rgb.clamp(0, 1) * 2 - 1, aligned.alpha[None])

    def maps(self, frame: int, canvas: Canvas) -> Tensor:
        """The network's maps [C,H,W] of one frame; frames must be asked for in order for the temporal map to be cheap."""
        aligned = self._aligner.render(self._character, frame, canvas)
        joints = self._aligner.target_joints(self._character, frame, canvas)
        maps = network_maps(
            aligned,
            self._frame_before(frame, canvas),
            self._background.plate(frame, canvas),
            joints,
            self._character.joint_confidence[frame],
            self._aligner.pose_radii(),
        )
        self._previous = (frame, canvas, aligned)
        return maps

    def _frame_before(self, frame: int, canvas: Canvas) -> AlignedFrame | None:
        if frame == 0:
            return None
        if self._previous is not None and self._previous[:2] == (frame - 1, canvas):
            return self._previous[2]
        return self._aligner.render(self._character, frame - 1, canvas)
