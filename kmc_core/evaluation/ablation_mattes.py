"""What the cut-out is worth in the aligned picture: rendered characters cut out of one picture in four ways, then animated.

The motion and the keypoints are exact, so that only the matte differs. Called by ablations_command.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from ..alignment.aligner import Aligner
from ..motion.retarget import RetargetSettings, retarget
from ..pose.extractor import HolisticExtractor
from ..pose.foreground_colours import foreground_colours
from ..pose.matte_network import MatteNetwork
from ..pose.picture_matte import picture_matte
from ..subject.library import build_subject
from ..training.measures import psnr
from ..training.pairs import aligned_maps
from ..training.random_scene import random_clip
from ..training.registration import registered
from ..training.synthetic.renderer import SyntheticClip
from ..types import Canvas, SubjectLibrary

Numbers = dict[str, float]
HELD_OUT_SEED = 920_010
CANVAS, FPS = Canvas(384, 320), 6.0
RIM_PX = 3
MATTES = ("exact alpha", "person mask", "analytic cut-out", "with the network")


def matte_rows(
    extractor: HolisticExtractor, network: MatteNetwork, *, clips: int = 6, frames: int = 3, note: Callable[[str], None] = lambda _: None
) -> dict[str, list[Numbers]]:
    """{matte: one entry per rendered clip}: sad of the cut-out (thousands of pixels); PSNR in dB after registration of the
    aligned frames on the subject, on the rim (3 px either side of the true outline), and off the subject."""
    found: dict[str, list[Numbers]] = {}
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + clips):
        clip = random_clip(seed, CANVAS, frames, FPS)
        exact = clip.reference_alpha.astype(np.float32) / 255
        subject = build_subject([clip.reference], None, masks=[exact], keypoints=[clip.reference_keypoints])
        for name, alpha in _alphas(clip, exact, extractor, network).items():
            numbers = _numbers(clip, _with_matte(subject, clip.reference, alpha))
            found.setdefault(name, []).append({"sad": float(np.abs(alpha - exact).sum()) / 1000, **numbers})
        note(f"rendered character {seed}: done")
    return found


def _alphas(clip: SyntheticClip, exact: np.ndarray, extractor: HolisticExtractor, network: MatteNetwork) -> dict[str, np.ndarray]:
    picture, keypoints = clip.reference, clip.reference_keypoints
    person = extractor.person_mask(picture, keypoints)
    analytic = picture_matte(picture, keypoints, person, network=None).alpha
    corrected = picture_matte(picture, keypoints, person, network=network).alpha
    return dict(zip(MATTES, (exact, person.astype(np.float32), analytic, corrected), strict=True))


def _with_matte(subject: SubjectLibrary, picture: np.ndarray, alpha: np.ndarray) -> SubjectLibrary:
    view = replace(subject.views[0], alpha=alpha.astype(np.float32), foreground=foreground_colours(picture, alpha))
    return replace(subject, views=(view,))


def _numbers(clip: SyntheticClip, subject: SubjectLibrary) -> Numbers:
    motion = retarget(clip.motion, subject, settings=RetargetSettings(direct=True))
    maps = aligned_maps(Aligner(subject), motion, CANVAS)
    truth = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    made, target = ((values.clamp(-1, 1) + 1) / 2 for values in (maps[:, :3], registered(truth, maps[:, :3])))
    rows = []
    for index, alpha in enumerate(clip.alpha):
        inside = torch.from_numpy(alpha > 127).float()[None]
        weights = {"subject": inside, "rim": _rim(alpha), "behind": 1 - torch.maximum(inside, _rim(alpha))}
        rows.append({name: psnr(made[index], target[index], weight) for name, weight in weights.items()})
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _rim(alpha: np.ndarray) -> Tensor:
    """float32 [1,H,W]: within 3 px of the outline of alpha uint8 [H,W]."""
    solid = (alpha > 127).astype(np.uint8)
    kernel = np.ones((2 * RIM_PX + 1,) * 2, np.uint8)
    return torch.from_numpy((cv2.dilate(solid, kernel) - cv2.erode(solid, kernel)).astype(np.float32))[None]
