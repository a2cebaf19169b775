"""What each part of the network is worth: the same weights with one thing taken away, on held-out rendered pairs.

`python -m kmc_core.evaluation ablations --weights FILE --pairs FOLDER --json FILE`; the cut-out's part is in ablation_mattes.py.
Parts are taken away when sampling only: a network trained without them might do better than these rows. "from noise" starts
the walk at noise instead of the aligned frame, which these weights have not learnt; `LevelSettings.from_noise` trains it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dit.model import KMCDiT
from ..sampling.step import shared_noise, uncertain_noise
from ..training.dataset import PairFolder
from ..training.measures import blurred, gradient_energy, psnr
from ..training.registration import registered
from ..training.shards import PairClip, only_frames
from ..training.validate import sampled, told_of

Numbers = dict[str, float]
REGIONS = ("subject", "head", "hands")
MEASURES = (*REGIONS, "sharpness", "change")
LEAST_PIXELS = 60
WHOLE = "network"


def ablation_rows(
    pairs: Path, network: KMCDiT, *, clips: int = 12, frames: int = 4, steps: int = 1, note: Callable[[str], None] = lambda _: None
) -> dict[str, list[Numbers]]:
    """{method: one entry per held-out clip}: PSNR in dB after registration on subject, head and hands (absent where a clip
    shows none), sharpness (1 = truth's), change: mean difference from the whole network on the subject, grey levels."""
    found: dict[str, list[Numbers]] = {}
    for shard in PairFolder(pairs, held_out=True).shards[:clips]:
        clip = shard.first(frames)
        aligned = clip.maps[:, :3]
        made = {name: make(clip, network, steps) for name, make in METHODS.items()}
        for name, pictures in {"alignment": aligned, "blur": blurred(aligned), **made}.items():
            found.setdefault(name, []).append(_numbers(pictures, made[WHOLE], clip, network))
        note(f"{shard.path.stem}: done")
    return found


def means(rows: dict[str, list[Numbers]]) -> dict[str, Numbers]:
    """Per method the means, and per measure NAME the mean difference from the whole network "NAME_less" with its standard
    error "NAME_error", both over the clips that have it."""
    table: dict[str, Numbers] = {}
    for method, found in rows.items():
        table[method] = {}
        for name in MEASURES:
            both = [(row[name], whole[name]) for row, whole in zip(found, rows[WHOLE], strict=True) if name in row and name in whole]
            if both:
                mine, whole_values = np.array(both).T
                less = mine - whole_values
                error = float(less.std(ddof=1) / np.sqrt(len(less))) if len(less) > 1 else float("nan")
                table[method] |= {name: float(mine.mean()), f"{name}_less": float(less.mean()), f"{name}_error": error}
    return table


def _whole(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    return sampled(network, told_of(clip, network), steps)


def _without(*kinds: str) -> Callable[[PairClip, KMCDiT, int], Tensor]:
    return lambda clip, network, steps: sampled(network, told_of(clip, network).without(*kinds), steps)


def _without_pose(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    told = told_of(clip, network).without("body", "hands", "face")
    maps = told.maps.clone()
    maps[:, [network.config.channel(name) for name in ("pose_raster", "hole")]] = 0
    return sampled(network, replace(told, maps=maps), steps)


def _one_by_one(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    """Every frame alone: what attention through time is worth."""
    return torch.cat([_whole(only_frames(clip, index, index + 1), network, steps) for index in range(len(clip.truth))])


def _only_noise(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    """From a field of noise: what the sampler adds to the aligned frame makes the start of the bridge that field."""
    told = told_of(clip, network)
    return sampled(network, told, steps, shared_noise(*told.maps.shape[-2:], seed=0) - told.maps[:, :3])


def _bridge_noise(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    told = told_of(clip, network)
    return sampled(network, told, steps, uncertain_noise(told.maps, network.config, 1.0, seed=0))


METHODS: dict[str, Callable[[PairClip, KMCDiT, int], Tensor]] = {
    WHOLE: _whole,
    "two steps more": lambda clip, network, steps: _whole(clip, network, steps + 2),
    "without reference tokens": _without("identity"),
    "without body tokens": _without("body"),
    "without hand tokens": _without("hands"),
    "without face tokens": _without("face"),
    "without any motion": _without_pose,
    "frames one by one": _one_by_one,
    "bridge with its noise": _bridge_noise,
    "from noise": _only_noise,
    "from noise, 8 steps": lambda clip, network, steps: _only_noise(clip, network, 8),
}


def _numbers(pictures: Tensor, whole: Tensor, clip: PairClip, network: KMCDiT) -> Numbers:
    truth = registered(clip.truth, pictures)
    made, target, raw, beside = ((values.clamp(-1, 1) + 1) / 2 for values in (pictures, truth, clip.truth, whole))
    maps, channel = clip.maps, network.config.channel
    subject = (torch.maximum(clip.subject, maps[:, 3:4]) > 0.3).float()
    regions = {"subject": subject} | {name: (maps[:, channel(name) : channel(name) + 1] > 0.3).float() for name in REGIONS[1:]}
    numbers: Numbers = {}
    for name, weight in regions.items():
        shown = [index for index in range(len(made)) if float(weight[index].sum()) >= LEAST_PIXELS]
        if shown:
            numbers[name] = float(np.mean([psnr(made[index], target[index], weight[index]) for index in shown]))
    sharp = [gradient_energy(a, w) / max(gradient_energy(b, w), 1e-6) for a, b, w in zip(made, raw, subject, strict=True)]
    change = (subject * (made - beside).abs()).sum() / (3 * subject.sum()).clamp(min=1)
    return numbers | {"sharpness": float(np.mean(sharp)), "change": float(change) * 255}

