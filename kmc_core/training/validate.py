"""Held-out rendered pairs: alignment, blur and network side by side, in numbers and on a contact sheet.

Not here: real clips (evaluation). Raw PSNR alone may not choose a network: a blur gains too, so sharpness stands beside it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dit.conditions import Conditions, text_bytes
from ..dit.model import KMCDiT
from ..sampling.guidance import GuidedNetwork
from ..sampling.sampler import sample_window
from ..sampling.schedule import bridge_levels
from .dataset import PairFolder
from .measures import blurred, gradient_energy, psnr, ssim
from .registration import registered
from .shards import PairClip

MEASURES = ("psnr", "ssim", "psnr_subject", "ssim_subject", "psnr_registered", "sharpness", "motion")


def validate(
    pairs: Path, network: KMCDiT, *, steps: int = 2, clips: int = 12, frames: int = 6, strengths: tuple[float, ...] = (1.0,)
) -> tuple[dict[str, dict[str, float]], list[Tensor]]:
    """Means over held-out clips: {method: {measure: value}}, and one sheet row [3,H,4W] per clip (aligned, net, truth, 4 x change).

    Methods: alignment, blur, net (and net@s for strengths other than 1). What single conditions are worth: evaluation ablations.
    """
    folder = PairFolder(pairs, held_out=True)
    rows: dict[str, list[dict[str, float]]] = {}
    sheet = []
    for shard in folder.shards[:clips]:
        clip = shard.first(frames)
        refined = sampled(network, told_of(clip, network), steps)
        aligned = clip.maps[:, :3]
        made = {"alignment": aligned, "blur": blurred(aligned)}
        for strength in strengths:
            made["net" if strength == 1 else f"net@{strength:g}"] = aligned + strength * (refined - aligned)
        for name, pictures in made.items():
            rows.setdefault(name, []).append(measure(pictures, clip))
        sheet.append(_sheet_row(clip, refined))
    return {name: {key: float(np.mean([row[key] for row in found])) for key in MEASURES} for name, found in rows.items()}, sheet


def told_of(clip: PairClip, network: KMCDiT, words: str = "") -> Conditions:
    """What the sampler tells a network about a pair clip (B = 1)."""
    return Conditions(
        maps=clip.maps.transpose(0, 1)[None], joints=clip.joints[None], hands=clip.hands[None], face=clip.face[None],
        references=clip.references[None], text=text_bytes([words], network.config.text_bytes),
    )  # fmt: skip


def sampled(network: KMCDiT, told: Conditions, steps: int, noise: Tensor | None = None) -> Tensor:
    """The network's frames [T,3,H,W] in -1..1, as the sampler makes them without words; noise as `sample_window` takes it."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        x0, _ = sample_window(GuidedNetwork(network, told, None, 1.0), bridge_levels(steps), noise=noise)
    return x0[0].transpose(0, 1).float()


def measure(pictures: Tensor, clip: PairClip) -> dict[str, float]:
    """The numbers of one clip; pictures [T,3,H,W] in -1..1. motion: mean change between frames against the truth's.

    psnr_registered: on the subject, after truth has been moved onto THESE pictures, so that no method is judged by place.
    """
    moved_truth = registered(clip.truth, pictures)
    made, truth, beside = ((values.clamp(-1, 1) + 1) / 2 for values in (pictures, clip.truth, moved_truth))
    weight = (torch.maximum(clip.subject, clip.maps[:, 3:4]) > 0.3).float()
    found = [
        {
            "psnr": psnr(a, b),
            "ssim": ssim(a, b),
            "psnr_subject": psnr(a, b, w),
            "ssim_subject": ssim(a, b, w),
            "psnr_registered": psnr(a, r, w),
            "sharpness": gradient_energy(a, w) / max(gradient_energy(b, w), 1e-6),
        }
        for a, b, r, w in zip(made, truth, beside, weight, strict=True)
    ]
    moved = [float((values[1:] - values[:-1]).abs().mean()) for values in (made, truth)]
    return {key: float(np.mean([row[key] for row in found])) for key in MEASURES[:-1]} | {"motion": moved[0] / max(moved[1], 1e-6)}


def _sheet_row(clip: PairClip, refined: Tensor) -> Tensor:
    middle = len(refined) // 2
    change = (4 * (refined[middle] - clip.maps[middle, :3])).clamp(-1, 1)
    return (torch.cat((clip.maps[middle, :3], refined[middle], clip.truth[middle], change), dim=2).clamp(-1, 1) + 1) / 2
