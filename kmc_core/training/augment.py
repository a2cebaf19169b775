"""Changes that keep a pair a pair: mirror, colours, zoom. Each acts on maps, truth, motion and references alike.

Not here: damage done to the reference before alignment (pairs.py). Called by dataset.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..alignment.maps import MAP_CHANNELS
from ..dit.config import FACE_FEATURE_NAMES
from ..pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, RIG_JOINTS, RIGHT_ARM, RIGHT_LEG
from .shards import PairClip

PICTURE, ALPHA, PLATE, INVENTED = (MAP_CHANNELS.index(name) for name in ("red", "alpha", "plate_red", "plate_invented"))


def _mirror_order() -> list[int]:
    order = list(range(len(RIG_JOINTS)))
    for left, right in zip(LEFT_ARM + LEFT_LEG, RIGHT_ARM + RIGHT_LEG, strict=True):
        order[left], order[right] = right, left
    return order


def _face_mirror() -> tuple[list[int], list[float]]:
    """Where each mirrored face feature comes from, and its sign (yaw, roll and sideways gaze turn round)."""
    swapped = [
        name.replace("left_", "\0").replace("right_", "left_").replace("\0", "right_") if "_" in name
        else name.replace("Left", "\0").replace("Right", "Left").replace("\0", "Right")
        for name in FACE_FEATURE_NAMES
    ]  # fmt: skip
    signs = [-1.0 if name in ("head_yaw", "head_roll") or name.endswith("gaze_x") else 1.0 for name in FACE_FEATURE_NAMES]
    return [FACE_FEATURE_NAMES.index(name) for name in swapped], signs


JOINT_ORDER = _mirror_order()
FACE_ORDER, FACE_SIGNS = _face_mirror()


def mirrored(clip: PairClip) -> PairClip:
    """Left becomes right, in pictures and in the subject's sides."""
    flip_x = [1.0, 0.0, 0.0, 0.0]

    def points(values: Tensor) -> Tensor:
        return values * (1 - 2 * torch.tensor(flip_x)) + torch.tensor(flip_x)

    return replace(
        clip,
        maps=clip.maps.flip(-1),
        truth=clip.truth.flip(-1),
        registered=clip.registered.flip(-1),
        subject=clip.subject.flip(-1),
        references=clip.references.flip(-1),
        joints=points(clip.joints[:, JOINT_ORDER]),
        hands=points(clip.hands.flip(1)),
        face=clip.face[:, FACE_ORDER] * torch.tensor(FACE_SIGNS),
    )


def recoloured(clip: PairClip, generator: np.random.Generator) -> PairClip:
    """One random exchange of channels, gamma and gain for every picture of the pair; new people and clothes for free."""
    order = torch.from_numpy(generator.permutation(3) if generator.random() < 0.6 else np.arange(3))
    gain = torch.from_numpy(np.exp(generator.normal(0, 0.12, 3))).float()[:, None, None]
    gamma, inverted = float(np.exp(generator.normal(0, 0.2))), generator.random() < 0.1

    def change(pictures: Tensor) -> Tensor:
        values = (pictures.index_select(-3, order) + 1) / 2
        values = 1 - values if inverted else values
        return (values.clamp(0, 1).pow(gamma) * gain).clamp(0, 1) * 2 - 1

    maps = clip.maps.clone()
    for first in (PICTURE, PLATE):
        maps[:, first : first + 3] = change(clip.maps[:, first : first + 3])
    references = torch.cat((change(clip.references[:, :3]), clip.references[:, 3:]), dim=1)
    return replace(clip, maps=maps, truth=change(clip.truth), registered=change(clip.registered), references=references)


def resized(clip: PairClip, height: int, width: int) -> PairClip:
    """Pictures and maps at another size, averaged when smaller."""
    if clip.truth.shape[-2:] == (height, width):
        return clip

    def change(pictures: Tensor) -> Tensor:
        return interpolate(pictures, size=(height, width), mode="bilinear", align_corners=False, antialias=True)

    return replace(
        clip, maps=change(clip.maps), truth=change(clip.truth), registered=change(clip.registered), subject=change(clip.subject)
    )


def plain_colour(generator: np.random.Generator) -> Tensor:
    """A plain background's colour [3] in -1..1: a third each near white, as studios are, grey of any brightness, and any colour."""
    kind = generator.integers(3)
    tint = generator.normal(0, 0.03, 3)
    base = generator.uniform(-1, 1, 3) if kind == 2 else generator.uniform(0.6, 1.0) if kind == 0 else generator.uniform(-1, 1)
    return torch.from_numpy(np.clip(base + tint, -1, 1)).float()


def rebacked(clip: PairClip, colour: Tensor, is_known: bool = True) -> PairClip:
    """The pair before a plain background [3] in -1..1: as image and transparent outputs look, and pictures from a studio.

    is_known: nothing of it counts as invented, as for a background the user gives; else the map stays. Shadows and rims
    stay: truth and input change by what the old and new plates differ in.
    """
    rgb, plate = colour[:, None, None], clip.maps[:, PLATE : PLATE + 3]
    maps = clip.maps.clone()
    maps[:, PICTURE : PICTURE + 3] += (1 - clip.maps[:, ALPHA : ALPHA + 1]) * (rgb - plate)
    maps[:, PLATE : PLATE + 3] = rgb
    if is_known:
        maps[:, INVENTED] = 0
    change = (1 - clip.subject) * (rgb - plate)
    truth, registered = ((values + change).clamp(-1, 1) for values in (clip.truth, clip.registered))
    maps[:, PICTURE : PICTURE + 3].clamp_(-1, 1)
    return replace(clip, maps=maps, truth=truth, registered=registered)


def in_window(clip: PairClip, region: tuple[slice, slice], height: int, width: int) -> PairClip:
    """Points as fractions of a region (rows, columns) of a height x width picture instead of the whole."""
    rows, columns = region
    scale = torch.tensor((width / (columns.stop - columns.start), height / (rows.stop - rows.start), 1.0, 1.0))
    shift = torch.tensor((columns.start / width, rows.start / height, 0.0, 0.0))

    def points(values: Tensor) -> Tensor:
        return (values - shift) * scale

    return replace(clip, joints=points(clip.joints), hands=points(clip.hands))
