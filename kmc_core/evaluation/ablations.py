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

from ..dit.conditions import Conditions, text_bytes
from ..dit.model import KMCDiT
from ..sampling.guidance import GuidedNetwork
from ..sampling.sampler import sample_window
from ..sampling.schedule import bridge_levels
from ..sampling.step import shared_noise, uncertainty
from ..training.dataset import PairFolder
from ..training.measures import blurred, gradient_energy, psnr
from ..training.registration import registered
from ..training.shards import PairClip, Shard

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
        clip = _frames_of(shard, frames)
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


def _sampled(
    clip: PairClip, network: KMCDiT, steps: int, change: Callable[[Conditions], Conditions] = lambda told: told,
    noise: Callable[[Tensor, KMCDiT], Tensor] | None = None,
) -> Tensor:  # fmt: skip
    """Pictures [T,3,H,W] as the sampler makes them without text."""
    told = change(
        Conditions(
            maps=clip.maps.transpose(0, 1)[None], joints=clip.joints[None], hands=clip.hands[None], face=clip.face[None],
            references=clip.references[None], text=text_bytes([""], network.config.text_bytes),
        )
    )  # fmt: skip
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        field = None if noise is None else noise(told.maps, network)
        x0, _ = sample_window(GuidedNetwork(network, told, None, 1.0), bridge_levels(steps), noise=field)
    return x0[0].transpose(0, 1).float()


def _without(*kinds: str) -> Callable[[PairClip, KMCDiT, int], Tensor]:
    return lambda clip, network, steps: _sampled(clip, network, steps, lambda told: told.without(*kinds))


def _without_pose(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    def change(told: Conditions) -> Conditions:
        maps = told.maps.clone()
        maps[:, [network.config.channel(name) for name in ("pose_raster", "hole")]] = 0
        return replace(told.without("body", "hands", "face"), maps=maps)

    return _sampled(clip, network, steps, change)


def _one_by_one(clip: PairClip, network: KMCDiT, steps: int) -> Tensor:
    """Every frame alone: what attention through time is worth."""
    return torch.cat([_sampled(_one_frame(clip, index), network, steps) for index in range(len(clip.truth))])


def _one_frame(clip: PairClip, index: int) -> PairClip:
    moving = (name for name, value in vars(clip).items() if isinstance(value, Tensor) and name != "references")
    return replace(clip, **{name: getattr(clip, name)[index : index + 1] for name in moving})


def _only_noise(maps: Tensor, network: KMCDiT) -> Tensor:
    """What makes the start of the bridge a field of noise: the sampler adds it to the aligned frame."""
    return shared_noise(*maps.shape[-2:], seed=0) - maps[:, :3]


def _bridge_noise(maps: Tensor, network: KMCDiT) -> Tensor:
    return network.config.bridge_noise * uncertainty(maps, network.config.map_channels) * shared_noise(*maps.shape[-2:], seed=0)


METHODS: dict[str, Callable[[PairClip, KMCDiT, int], Tensor]] = {
    WHOLE: _sampled,
    "two steps more": lambda clip, network, steps: _sampled(clip, network, steps + 2),
    "without reference tokens": _without("identity"),
    "without body tokens": _without("body"),
    "without hand tokens": _without("hands"),
    "without face tokens": _without("face"),
    "without any motion": _without_pose,
    "frames one by one": _one_by_one,
    "bridge with its noise": lambda clip, network, steps: _sampled(clip, network, steps, noise=_bridge_noise),
    "from noise": lambda clip, network, steps: _sampled(clip, network, steps, noise=_only_noise),
    "from noise, 8 steps": lambda clip, network, steps: _sampled(clip, network, 8, noise=_only_noise),
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


def _frames_of(shard: Shard, frames: int) -> PairClip:
    return shard.read(range(min(frames, shard.frame_count)), (slice(0, shard.height), slice(0, shard.width)))
