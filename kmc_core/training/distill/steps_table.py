"""Quality against steps, noise and guidance on held-out pairs: which setting of a teacher is its best, and what a student keeps of it.

Not here: real clips and whole-node seconds (evaluation). A student is compared with the truth AND with its teacher's frames:
few-step students are known to move less, which the truth alone would hide.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...dit.model import KMCDiT
from ...sampling.guidance import GuidedNetwork, guidance_weight
from ...sampling.sampler import sample_window
from ...sampling.schedule import bridge_levels
from ...sampling.step import uncertain_noise
from ..captions import draw_edit
from ..dataset import PairFolder
from ..measures import psnr
from ..shards import PairClip, only_frames
from ..validate import measure, told_of

KEPT = ("psnr_subject", "psnr_registered", "ssim_subject", "sharpness")


@dataclass(frozen=True)
class Setting:
    """One row: whose weights, steps, noise 0..1 of the bridge noise, cfg_scale (None: no prompt), one or two evaluations per step."""

    weights: str
    steps: int
    noise: float = 0.0
    cfg_scale: float | None = None
    folded: bool = False


@dataclass(frozen=True)
class TableClip:
    """A held-out clip, its truth with what `prompt` names done to it, and what the prompt is."""

    clip: PairClip
    edited: PairClip
    prompt: str


def held_out_clips(pairs: Path, clips: int, frames: int, seed: int = 0) -> list[TableClip]:
    """The first frames of held-out clips, spread over the folder, each with a prompt drawn for it."""
    shards = PairFolder(pairs, held_out=True).shards
    found = []
    for number, shard in enumerate(shards[:: max(1, len(shards) // clips)][:clips]):
        clip = shard.first(frames)
        words, edit = draw_edit(np.random.default_rng([seed, number, 61]))
        truth = edit((clip.truth + 1) / 2, clip.subject).clamp(0, 1) * 2 - 1
        found.append(TableClip(clip, replace(clip, truth=truth), words))
    return found


def steps_table(
    networks: Mapping[str, KMCDiT], settings: Sequence[Setting], reference: Setting, clips: Sequence[TableClip]
) -> list[dict[str, object]]:
    """A row per setting: the measures of validate.py against the truth (edited where a prompt is given), PSNR and motion against
    the reference setting's own frames with the same words at the same cfg_scale, and seconds of this process per frame.
    """
    rows: list[dict[str, list[float]]] = [{} for _ in settings]
    for clip in clips:
        references = {scale: _frames(networks[reference.weights], replace(reference, cfg_scale=scale), clip)[0]
                      for scale in {setting.cfg_scale for setting in settings}}  # fmt: skip
        for setting, row in zip(settings, rows, strict=True):
            pictures, seconds = _frames(networks[setting.weights], setting, clip)
            found = measure(pictures, clip.clip if setting.cfg_scale is None else clip.edited)
            beside = references[setting.cfg_scale]
            for name, value in {
                **{name: found[name] for name in KEPT},
                "psnr_to_reference": float(np.mean([psnr((a + 1) / 2, (b + 1) / 2) for a, b in zip(pictures, beside, strict=True)])),
                "motion_to_reference": _moved(pictures) / max(_moved(beside), 1e-6),
                "seconds_per_frame": seconds,
            }.items():  # fmt: skip
                row.setdefault(name, []).append(value)
    return [{**vars(setting), **{name: float(np.mean(values)) for name, values in row.items()}} for setting, row in zip(settings, rows, strict=True)]


def folding_error(network: KMCDiT, clips: Sequence[TableClip], weight: float = 1.8) -> float:
    """Largest difference (of the -1..1 range) of pictures between two branches and one evaluation, in float32, first frame of each clip."""
    worst = 0.0
    for entry in clips:
        told, untold = (told_of(only_frames(entry.clip, 0, 1), network, words) for words in (entry.prompt, ""))
        made = []
        for folded in (False, True):
            with torch.no_grad():
                made.append(sample_window(GuidedNetwork(network, untold, told, weight, folded), bridge_levels(1))[0])
        worst = max(worst, float((made[0] - made[1]).abs().max()))
    return worst


def _frames(network: KMCDiT, setting: Setting, entry: TableClip) -> tuple[Tensor, float]:
    """Frames [T,3,H,W] in -1..1 of a clip, and CPU seconds per frame."""
    untold = told_of(entry.clip, network)
    told = None if setting.cfg_scale is None else told_of(entry.clip, network, entry.prompt)
    weight = guidance_weight(setting.cfg_scale or 0.0)
    noise = uncertain_noise(untold.maps, network.config, setting.noise, seed=0) if setting.noise > 0 else None
    started = time.process_time()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        guided = GuidedNetwork(network, untold, told, weight, setting.folded)
        x0, _ = sample_window(guided, bridge_levels(setting.steps), noise=noise)
    return x0[0].transpose(0, 1).float().clamp(-1, 1), (time.process_time() - started) / len(entry.clip.maps)


def _moved(pictures: Tensor) -> float:
    return float((pictures[1:] - pictures[:-1]).abs().mean()) if len(pictures) > 1 else 1.0
