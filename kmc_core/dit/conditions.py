"""All that KMCDiT is told about a window of frames, and how to leave a kind of it out (dropout, guidance branches).

Not here: making these tensors from motion and subject (sampling/conditioning.py). Called by model, sampling, training.
Absence is written in the data itself (confidence 0, transparent reference, padding bytes), so a batch may mix what it drops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

TEXT_PADDING = 256
KINDS = ("body", "hands", "face", "identity", "text")


@dataclass(frozen=True)
class Conditions:
    """B clips, T frames.

    maps        [B,C,T,H,W] alignment maps, KMCDiTConfig.map_channels
    joints      [B,T,19,4] x, y as fractions of the window's width and height, z in torso lengths (away), confidence
    hands       [B,T,2,21,4] the same; z in palm lengths
    face        [B,T,F] KMCDiTConfig.face_features, the last its confidence
    references  [B,V,4,h,w] cut-outs, RGB -1..1 and alpha 0..1; h, w multiples of 16; alpha 0 everywhere = no reference
    text        [B,L] int64 bytes, TEXT_PADDING after the end; a row of padding = no text
    """

    maps: Tensor
    joints: Tensor
    hands: Tensor
    face: Tensor
    references: Tensor
    text: Tensor

    def without(self, *kinds: str, rows: Tensor | None = None) -> Conditions:
        """The same with kinds ("body", "hands", "face", "identity", "text") absent, in all clips or where `rows` bool [B]."""
        changed = self
        for kind in kinds:
            name, index, value = {
                "body": ("joints", (..., 3), 0.0),
                "hands": ("hands", (..., 3), 0.0),
                "face": ("face", (..., -1), 0.0),
                "identity": ("references", (slice(None), slice(None), 3), 0.0),
                "text": ("text", (...,), TEXT_PADDING),
            }[kind]
            tensor = getattr(changed, name).clone()
            emptied = tensor.clone()
            emptied[index] = value
            keep = torch.zeros(len(tensor), dtype=torch.bool, device=tensor.device) if rows is None else ~rows
            tensor = torch.where(keep.view(-1, *[1] * (tensor.ndim - 1)), tensor, emptied)
            changed = replace(changed, **{name: tensor})
        return changed

    @property
    def has_text(self) -> Tensor:
        """bool [B]: the clip has at least one byte of text."""
        return (self.text != TEXT_PADDING).any(dim=1)

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Conditions:
        """Every tensor passed through `change`, for example a move to a device."""
        return Conditions(*(change(getattr(self, entry.name)) for entry in fields(self)))


@dataclass(frozen=True)
class Guidance:
    """How far the words of B clips are followed, for an answer in one evaluation (sampling/guidance.py says what it stands for).

    weight       float [B]: 0 as if nothing were said, 1 as said, 2 overstated
    untold_text  [B,L] int64 bytes of the other branch (a negative prompt), all TEXT_PADDING where it says nothing
    """

    weight: Tensor
    untold_text: Tensor

    @property
    def untold_has_text(self) -> Tensor:
        """bool [B]: the other branch says something."""
        return (self.untold_text != TEXT_PADDING).any(dim=1)


def text_bytes(prompts: Sequence[str], limit: int) -> Tensor:
    """Prompts -> int64 [B, L] UTF-8 bytes, L = the longest, at most `limit` and at least 4; what is longer is cut off."""
    rows = [list(prompt.strip().encode("utf-8"))[:limit] for prompt in prompts]
    length = max(4, *(len(row) for row in rows)) if rows else 4
    return torch.tensor([row + [TEXT_PADDING] * (length - len(row)) for row in rows], dtype=torch.int64)
