"""One training pair clip per file: alignment maps and rendered truth as bytes, motion as float16, caption in the header.

Read lazily: a crop costs only its own bytes. Not here: making pairs (pairs.py), augmentation (augment.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from ..alignment.maps import MAP_CHANNELS
from ..checkpoints.format import load_checkpoint, load_header, save_checkpoint
from ..pose.skeleton_layouts import HEAD

FORMAT, VERSION = "kmc-pairs", 1
CERTAIN = 0.3
SIGNED_MAPS = frozenset({"red", "green", "blue", "depth", "stretch", "plate_red", "plate_green", "plate_blue"})
_SIGNED = [name in SIGNED_MAPS for name in MAP_CHANNELS]


@dataclass(frozen=True)
class PairClip:
    """T frames of one pair. Pictures are float32 here and bytes in the file.

    maps [T,C,H,W] as alignment gives them; truth [T,3,H,W] and registered [T,3,H,W] (truth moved onto the alignment) -1..1;
    subject [T,1,H,W] true matte; joints [T,19,4], hands [T,2,21,4], face [T,F], references [V,4,h,w] as dit.Conditions
    """

    maps: Tensor
    truth: Tensor
    registered: Tensor
    subject: Tensor
    joints: Tensor
    hands: Tensor
    face: Tensor
    references: Tensor
    caption: str


def only_frames(clip: PairClip, start: int, stop: int) -> PairClip:
    """Frames start..stop of a clip."""
    moving = (name for name, value in vars(clip).items() if isinstance(value, Tensor) and name != "references")
    return replace(clip, **{name: getattr(clip, name)[start:stop] for name in moving})


def _to_bytes(values: Tensor, signed: bool) -> Tensor:
    return ((values + 1) * 127.5 if signed else values * 255).round().clamp(0, 255).to(torch.uint8)


def _from_bytes(values: Tensor, signed: bool) -> Tensor:
    return values.float() / 127.5 - 1 if signed else values.float() / 255


def _maps_to_bytes(maps: Tensor) -> Tensor:
    return torch.stack([_to_bytes(maps[:, index], signed) for index, signed in enumerate(_SIGNED)], dim=1)


def _maps_from_bytes(maps: Tensor) -> Tensor:
    signed = torch.tensor(_SIGNED)[:, None, None]
    values = maps.float()
    return torch.where(signed, values / 127.5 - 1, values / 255)


def save_pair_clip(path: Path, clip: PairClip, facts: dict[str, object]) -> None:
    """Write one shard. facts: plain JSON about how it was made."""
    references = torch.cat([_to_bytes(clip.references[:, :3], True), _to_bytes(clip.references[:, 3:], False)], dim=1)
    tensors = {
        "maps": _maps_to_bytes(clip.maps),
        "truth": _to_bytes(clip.truth, True),
        "registered": _to_bytes(clip.registered, True),
        "subject": _to_bytes(clip.subject, False),
        "references": references,
        "joints": clip.joints.half(),
        "hands": clip.hands.half(),
        "face": clip.face.half(),
    }
    header = {"format": FORMAT, "version": VERSION, "caption": clip.caption, "channels": list(MAP_CHANNELS), "facts": facts}
    save_checkpoint(path, tensors, header)


def load_pair_clip(path: Path) -> PairClip:
    """A whole shard. Raises CheckpointError for a foreign file."""
    tensors, header = load_checkpoint(path, FORMAT, VERSION)
    return _clip(tensors, str(header["caption"]))


def _clip(tensors: dict[str, Tensor], caption: str) -> PairClip:
    references = tensors["references"]
    references = torch.cat([_from_bytes(references[:, :3], True), _from_bytes(references[:, 3:], False)], dim=1)
    return PairClip(
        maps=_maps_from_bytes(tensors["maps"]),
        truth=_from_bytes(tensors["truth"], True),
        registered=_from_bytes(tensors["registered"], True),
        subject=_from_bytes(tensors["subject"], False),
        joints=tensors["joints"].float(),
        hands=tensors["hands"].float(),
        face=tensors["face"].float(),
        references=references,
        caption=caption,
    )


class Shard:
    """A pair clip on disk, read by windows and crops."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with safe_open(path, "pt") as opened:
            self.frame_count, _, self.height, self.width = opened.get_slice("truth").get_shape()
            subject = opened.get_tensor("subject")[:, 0, ::8, ::8]
            joints, hands = opened.get_tensor("joints").float(), opened.get_tensor("hands").float()
        self.caption = str(load_header(path, FORMAT, VERSION)["caption"])
        rows, columns = np.nonzero((subject > 100).any(0).numpy())
        self.subject_places = np.stack((rows, columns), axis=1) * 8  # where crops like to look
        self.region_places = {"head": self._seen(joints[:, HEAD]), "hands": self._seen(hands.mean(2).flatten(0, 1))}

    def _seen(self, points: Tensor) -> np.ndarray:
        """Points [N,4] in fractions, with confidence -> those that are certain and in the picture, int [n,2] rows and columns."""
        x, y, _, confidence = points.numpy().T
        seen = (confidence > CERTAIN) & (x > 0) & (x < 1) & (y > 0) & (y < 1)
        return np.stack((y[seen] * self.height, x[seen] * self.width), axis=1).astype(int)

    def first(self, frames: int) -> PairClip:
        """The first frames, whole pictures."""
        return self.read(range(min(frames, self.frame_count)), (slice(0, self.height), slice(0, self.width)))

    def read(self, frames: Sequence[int], region: tuple[slice, slice]) -> PairClip:
        """Some frames of a region (rows, columns) as a PairClip; motion stays in fractions of the WHOLE picture."""
        chosen = list(frames)
        first, last = min(chosen), max(chosen) + 1
        step = torch.tensor([frame - first for frame in chosen])
        rows, columns = region
        tensors: dict[str, Tensor] = {}
        with safe_open(self.path, "pt") as opened:
            for name in ("maps", "truth", "registered", "subject"):
                tensors[name] = opened.get_slice(name)[first:last, :, rows, columns][step]
            for name in ("joints", "hands", "face"):
                tensors[name] = opened.get_slice(name)[first:last][step]
            tensors["references"] = opened.get_tensor("references")
        return _clip(tensors, self.caption)
