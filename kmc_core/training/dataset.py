"""Random windows and crops of pair clips, augmented and told in words: what one training step sees.

Shards may be added to the folder while training runs; `refresh` finds them. Not here: reading shards (shards.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dit.conditions import KINDS, Conditions, text_bytes
from ..dit.config import KMCDiTConfig
from ..errors import CheckpointError
from .augment import in_window, mirrored, plain_colour, rebacked, recoloured, resized
from .captions import draw_edit
from .registration import registration_flow
from .shards import PairClip, Shard


@dataclass(frozen=True)
class DataSettings:
    """crop: (height, width) px; frames: (length, share) choices of window length; registered: share of examples judged
    after registration; edited / captioned: shares of batches with a text edit / with the plain caption, the rest has no text;
    dropped: chance to drop body, hands, face, identity each; zoom: range of sizes a crop is taken at;
    recoloured / rebacked: shares with other colours / before a plain background; head / hands: shares of crops centred
    there, taken at a size from close_zoom."""

    crop: tuple[int, int] = (160, 128)
    frames: tuple[tuple[int, float], ...] = ((1, 0.65), (3, 0.35))
    registered: float = 0.8
    edited: float = 0.12
    captioned: float = 0.08
    dropped: float = 0.08
    zoom: tuple[float, float] = (0.8, 1.3)
    recoloured: float = 0.7
    rebacked: float = 0.3
    head: float = 0.0
    hands: float = 0.0
    close_zoom: tuple[float, float] = (1.0, 1.8)


@dataclass(frozen=True)
class Batch:
    """conditions of B windows; truth [B,3,T,H,W] in -1..1; subject [B,1,T,H,W] where errors count most;
    flow [B,2,T,H,W] px: truth(p) = aligned(p + flow); registered bool [B]: judge the picture after registration."""

    conditions: Conditions
    truth: Tensor
    subject: Tensor
    flow: Tensor
    registered: Tensor


@dataclass(frozen=True)
class Example:
    """One window of a batch; the clip's truth may carry an edit its caption names."""

    clip: PairClip
    flow: Tensor
    registered: bool
    dropped: frozenset[str]


class PairFolder:
    """All shards below a folder; one in ten (by name) is held out for validation."""

    def __init__(self, folder: Path, held_out: bool = False) -> None:
        self.folder, self.held_out = folder, held_out
        self.shards: list[Shard] = []
        self._known: set[Path] = set()
        self.refresh()
        if not self.shards:
            raise CheckpointError(
                "No training pairs", got=str(folder), expected="pair shards (*.safetensors)",
                remedy="Run python -m kmc_core.training pairs first",
            )  # fmt: skip

    def refresh(self) -> int:
        """Look for new shards -> number of shards."""
        for path in sorted(self.folder.glob("*.safetensors")):
            if path not in self._known and is_held_out(path) == self.held_out:
                self.shards.append(Shard(path))
            self._known.add(path)
        return len(self.shards)

    def batch(self, generator: np.random.Generator, size: int, settings: DataSettings, config: KMCDiTConfig) -> Batch:
        """`size` windows of one length, drawn from the generator alone."""
        lengths, shares = zip(*settings.frames, strict=True)
        frames = int(generator.choice(lengths, p=np.array(shares) / sum(shares)))
        chance = float(generator.random())  # one kind of text per batch: silent batches skip the colour grid altogether
        telling = "edit" if chance < settings.edited else "caption" if chance < settings.edited + settings.captioned else ""
        examples = [self._example(generator, frames, settings, telling) for _ in range(size)]
        return _collated(examples, config)

    def _example(
        self, generator: np.random.Generator, frames: int, settings: DataSettings, telling: str
    ) -> Example:
        shard = self.shards[generator.integers(len(self.shards))]
        height, width = settings.crop
        region = _random_region(generator, shard, settings)
        clip = shard.read(_random_frames(generator, shard.frame_count, frames), region)
        clip = resized(in_window(clip, region, shard.height, shard.width), height, width)
        if generator.random() < 0.5:
            clip = mirrored(clip)
        if generator.random() < settings.rebacked:
            clip = rebacked(clip, plain_colour(generator), is_known=bool(generator.random() < 0.4))
        changed = generator.random() < settings.recoloured
        if changed:
            clip = recoloured(clip, generator)
        flow = registration_flow(clip.maps[:, :3], clip.truth)
        is_registered = bool(generator.random() < settings.registered)
        truth, caption = _told(generator, clip.truth, clip, "" if changed else clip.caption, telling)
        dropped = frozenset(kind for kind in KINDS[:4] if generator.random() < settings.dropped)
        return Example(PairClip(**{**vars(clip), "truth": truth, "caption": caption}), flow, is_registered, dropped)


def is_held_out(path: Path) -> bool:
    """Every tenth clip number is never trained on."""
    digits = "".join(character for character in path.stem if character.isdigit())
    return bool(digits) and int(digits) % 10 == 0


def _told(generator: np.random.Generator, truth: Tensor, clip: PairClip, caption: str, telling: str) -> tuple[Tensor, str]:
    """The target and its words. telling "edit": a change the words name; "caption": the clip's own; "": silence."""
    if telling == "edit":
        words, edit = draw_edit(generator)
        return edit((truth + 1) / 2, clip.subject).clamp(0, 1) * 2 - 1, words
    return truth, caption if telling else ""


def _random_frames(generator: np.random.Generator, available: int, wanted: int) -> list[int]:
    """Frames in a row (repeating the last if the clip is short), one in three windows at double speed."""
    stride = 2 if generator.random() < 0.33 and 2 * wanted <= available else 1
    start = int(generator.integers(max(1, available - (wanted - 1) * stride)))
    return [min(start + number * stride, available - 1) for number in range(wanted)]


def _random_region(generator: np.random.Generator, shard: Shard, settings: DataSettings) -> tuple[slice, slice]:
    """Rows and columns of a crop, never larger than the clip: around head or hands as often as asked, else mostly on the subject."""
    close = _close_places(generator, shard, settings)
    if len(close):
        return _region(shard, settings, _between(generator, settings.close_zoom), close[generator.integers(len(close))])
    zoom = _between(generator, settings.zoom) if generator.random() < 0.5 else 1.0
    places = shard.subject_places
    if len(places) and generator.random() < 0.8:
        return _region(shard, settings, zoom, places[generator.integers(len(places))])
    return _region(shard, settings, zoom, (generator.integers(shard.height), generator.integers(shard.width)))


def _close_places(generator: np.random.Generator, shard: Shard, settings: DataSettings) -> np.ndarray:
    """Places [n,2] of what this crop shall be centred on, none for an ordinary crop."""
    if settings.head or settings.hands:
        chance = generator.random()
        if chance < settings.head + settings.hands:
            return shard.region_places["head" if chance < settings.head else "hands"]
    return np.empty((0, 2), int)


def _between(generator: np.random.Generator, limits: tuple[float, float]) -> float:
    return float(np.exp(generator.uniform(*np.log(limits))))


def _region(shard: Shard, settings: DataSettings, zoom: float, centre: Sequence[int]) -> tuple[slice, slice]:
    zoom = max(zoom, settings.crop[0] / shard.height, settings.crop[1] / shard.width)
    height, width = (min(limit, round(side / zoom)) for side, limit in zip(settings.crop, (shard.height, shard.width), strict=True))
    top = int(np.clip(centre[0] - height // 2, 0, shard.height - height))
    left = int(np.clip(centre[1] - width // 2, 0, shard.width - width))
    return slice(top, top + height), slice(left, left + width)


def _collated(examples: list[Example], config: KMCDiTConfig) -> Batch:
    clips = [example.clip for example in examples]
    alpha = config.channel("alpha")
    conditions = Conditions(
        maps=torch.stack([clip.maps.transpose(0, 1) for clip in clips]),
        joints=torch.stack([clip.joints for clip in clips]),
        hands=torch.stack([clip.hands for clip in clips]),
        face=torch.stack([clip.face for clip in clips]),
        references=_padded([clip.references for clip in clips]),
        text=text_bytes([clip.caption for clip in clips], config.text_bytes),
    )
    for kind in KINDS[:4]:
        rows = torch.tensor([kind in example.dropped for example in examples])
        if rows.any():
            conditions = conditions.without(kind, rows=rows)
    subject = torch.stack([torch.maximum(clip.subject, clip.maps[:, alpha : alpha + 1]).transpose(0, 1) for clip in clips])
    return Batch(
        conditions,
        torch.stack([clip.truth.transpose(0, 1) for clip in clips]),
        subject,
        torch.stack([example.flow.transpose(0, 1) for example in examples]),
        torch.tensor([example.registered for example in examples]),
    )


def _padded(references: list[Tensor]) -> Tensor:
    """References of different sizes and counts in one tensor; what is added is transparent."""
    shape = [max(tensor.shape[axis] for tensor in references) for axis in range(4)]
    out = torch.zeros(len(references), *shape)
    for row, tensor in enumerate(references):
        views, channels, height, width = tensor.shape
        out[row, :views, :channels, :height, :width] = tensor
    return out
