"""The background plate: the picture with its character removed and the hole behind it filled in.

Not here: the matte itself (pose/picture_matte.py). Called by the aligner, once per character.

The hole is grown past the matte first, because a rim of character left in the plate shows as a second, static ghost.
Fill: colours carried in from the hole's four sides (rows weigh most: horizons, walls and floors run sideways), then
PatchMatch (Barnes et al. 2009) with patch voting (Wexler et al. 2007), coarse to fine on at most 384 px, preferring
sources at the same height; the final correspondence field copies high frequencies at full resolution.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

PATCH = 7
LEVEL_RATIO = 1.7
LARGEST_LEVEL_PX = 384
SMALLEST_LEVEL_PX = 24
ROW_PENALTY, COLUMN_PENALTY = 2.5, 0.1  # added to the patch cost for squared distance / picture size
VERTICAL_WEIGHT = 0.2
PLAIN_LEVELS = 6.0
SLIVER_SHARE = 16  # gaps narrower than this part of the short side
SMOOTH_FILL_PX = 192


class Plate(NamedTuple):
    """rgb: uint8 [H,W,3] background without the character; invented: float32 [H,W], 1 where the fill made it up."""

    rgb: np.ndarray
    invented: np.ndarray


def background_plate(picture: np.ndarray, alpha: np.ndarray, *, seed: int = 0, method: str = "patchmatch") -> Plate:
    """Remove what `alpha` covers from `picture`.

    picture uint8 [H,W,3]; alpha float [H,W] 0..1; method "patchmatch" (textured scenes) or "pushpull" (fast, smooth).
    A plain backdrop (little texture around the hole) gets a smooth surface either way: copying patches could only add seams.
    Deterministic for equal inputs and seed.
    """
    hole = grown_hole(alpha)
    if not hole.any():
        return Plate(picture.copy(), np.zeros(alpha.shape, np.float32))
    is_plain = _texture_around(picture, hole) <= PLAIN_LEVELS
    if method == "patchmatch" and (~hole).mean() > 0.05 and not is_plain:
        filled = _patchmatch_fill(picture, _from_four_sides(picture, hole), hole, seed)
    else:
        hole = _without_slivers(hole) if is_plain else hole
        filled = _smooth_fill(picture, hole)
    soft = np.maximum(cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 1.5), hole)[..., None]
    rgb = picture * (1 - soft) + np.clip(filled, 0, 255) * soft
    return Plate(np.round(rgb).astype(np.uint8), soft[..., 0].astype(np.float32))


def grown_hole(alpha: np.ndarray) -> np.ndarray:
    """The matte's support, grown by about 1/40 of the short side -> bool [H,W]."""
    size = max(5, min(alpha.shape) // 40) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate((alpha > 0.08).astype(np.uint8), kernel) > 0


def _without_slivers(hole: np.ndarray) -> np.ndarray:
    """The hole with the slivers of backdrop between limbs, where there is still enough left to fill from -> bool [H,W].

    What sharpening and compression leave about people is all they show: a bright line that stays when the legs have gone.
    """
    reach = min(hole.shape) // SLIVER_SHARE
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach | 1, reach | 1))
    padded = np.pad(hole.astype(np.uint8), 2 * reach + 1)  # or else the frame's edge would count as a limb
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)[2 * reach + 1 : -2 * reach - 1, 2 * reach + 1 : -2 * reach - 1] > 0
    return closed if (~closed).mean() > 0.05 else hole


def _smooth_fill(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """A surface over the hole without the steps of push-pull: near to harmonic, made at a small size -> float32 [H,W,3]."""
    known = (~hole).astype(np.float32)
    filled = push_pull(picture.astype(np.float32), known)
    if known.mean() < 0.02:
        return filled
    height, width = hole.shape
    ratio = min(1.0, SMOOTH_FILL_PX / max(height, width))
    size = (max(4, round(width * ratio)), max(4, round(height * ratio)))
    small, inside = _area(filled, size), cv2.resize(1 - known, size, interpolation=cv2.INTER_AREA)[..., None]
    surface = small
    for sigma in (12.0,) * 8 + (6.0,) * 12 + (3.0,) * 20 + (1.5,) * 30:
        surface = small + inside * (cv2.GaussianBlur(surface, (0, 0), sigma) - small)
    surface = cv2.resize(surface, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(hole[..., None], surface, filled)


def push_pull(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Fill where weight is 0 with a smooth extension of where it is 1 (Gortler et al. 1996, push-pull).

    image float32 [H,W,C]; weight float32 [H,W] 0..1 -> float32 [H,W,C]; known pixels keep their value.
    """
    levels = [(image * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        colour, known = levels[-1]
        size = ((colour.shape[1] + 1) // 2, (colour.shape[0] + 1) // 2)
        levels.append((_area(colour, size), cv2.resize(known, size, interpolation=cv2.INTER_AREA)))
    colour, known = levels.pop()
    filled = colour / np.maximum(known, 1e-6)[..., None]
    for colour, known in reversed(levels):
        up = cv2.resize(filled, (colour.shape[1], colour.shape[0]), interpolation=cv2.INTER_LINEAR).reshape(colour.shape)
        filled = colour + (1 - np.clip(known, 0, 1))[..., None] * up
    return filled


def _area(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1)


def _from_four_sides(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Mean of the nearest known colours to the left, right, above and below, weighted by 1 / distance^2 -> float32 [H,W,3]."""
    known = (~hole).astype(np.float32)
    spread = 0.008 * max(hole.shape) + 1  # one noisy border pixel must not become a streak
    colour = cv2.GaussianBlur(picture.astype(np.float32) * known[..., None], (0, 0), spread)
    colour = colour / np.maximum(cv2.GaussianBlur(known, (0, 0), spread), 1e-4)[..., None]
    total, weight = np.zeros_like(colour), np.full(hole.shape, 1e-9, np.float32)
    rows, columns = np.indices(hole.shape)
    for axis, share in ((1, 1.0), (0, VERTICAL_WEIGHT)):
        position = (rows, columns)[axis]
        length = hole.shape[axis]
        before = np.maximum.accumulate(np.where(hole, -1, position), axis)
        after = np.flip(np.minimum.accumulate(np.flip(np.where(hole, length, position), axis), axis), axis)
        for nearest in (before, after):
            found = (nearest >= 0) & (nearest < length)
            index = np.clip(nearest, 0, length - 1)
            source = colour[rows, index] if axis == 1 else colour[index, columns]
            gain = np.where(found, share / (np.abs(position - nearest) / length + 0.01) ** 2, 0).astype(np.float32)
            total += source * gain[..., None]
            weight += gain
    filled = total / weight[..., None]
    soft = cv2.GaussianBlur(filled, (0, 0), 2 * spread)
    return np.where(hole[..., None], soft, picture).astype(np.float32)


def _texture_around(picture: np.ndarray, hole: np.ndarray) -> float:
    """Median local contrast (grey levels) in a ring around the hole: below PLAIN_LEVELS the backdrop is plain."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 0.02 * min(grey.shape) + 1))
    ring = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=max(4, min(grey.shape) // 12)) > 0
    ring &= ~hole
    return float(np.percentile(detail[ring], 75)) if ring.any() else 0.0


def _patchmatch_fill(picture: np.ndarray, base: np.ndarray, hole: np.ndarray, seed: int) -> np.ndarray:
    height, width = hole.shape
    generator = torch.Generator().manual_seed(seed)
    scales = [min(1.0, LARGEST_LEVEL_PX / max(height, width))]
    while scales[-1] / LEVEL_RATIO * min(height, width) > SMALLEST_LEVEL_PX and len(scales) < 6:
        scales.append(scales[-1] / LEVEL_RATIO)
    solved: Tensor | None = None
    field: Tensor | None = None
    for number, scale in enumerate(reversed(scales)):
        size = (max(PATCH + 2, int(width * scale)), max(PATCH + 2, int(height * scale)))
        image = torch.from_numpy(cv2.resize(base, size, interpolation=cv2.INTER_AREA)).permute(2, 0, 1) / 255
        mask = torch.from_numpy(cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.02
        if solved is not None and field is not None:
            finer = F.interpolate(solved[None], image.shape[1:], mode="bilinear", align_corners=False)[0]
            image = torch.where(mask[None], finer, image)
            field = _upsample_field(field, image.shape[1:])
        rounds, sweeps = (4, 2) if number < 3 else (2, 1)
        solved, field = _solve_level(image.contiguous(), mask, field, rounds, sweeps, generator)
    if solved is None or field is None:
        return base
    return _transfer_detail(picture, solved, field)


def _upsample_field(field: Tensor, size: torch.Size) -> Tensor:
    """Source coordinates [h,w,2] (row, column) -> the same field on a finer grid."""
    ratio = torch.tensor([size[0] / field.shape[0], size[1] / field.shape[1]])
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    coarse_row = (rows / ratio[0]).long().clamp(max=field.shape[0] - 1)
    coarse_column = (columns / ratio[1]).long().clamp(max=field.shape[1] - 1)
    within = torch.stack([rows - coarse_row * ratio[0], columns - coarse_column * ratio[1]], -1)
    return (field[coarse_row, coarse_column] * ratio + within).round().long()


def _solve_level(
    image: Tensor, mask: Tensor, field: Tensor | None, rounds: int, sweeps: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Alternate nearest-patch search and voting on one level. image [3,H,W] 0..1, mask bool [H,W]."""
    height, width = mask.shape
    radius = PATCH // 2
    touches_hole = F.max_pool2d(mask[None, None].float(), PATCH, 1, radius)[0, 0] > 0
    inner = torch.zeros_like(mask)
    inner[radius : height - radius, radius : width - radius] = True
    usable = inner & ~touches_hole
    targets, sources = torch.nonzero(touches_hole & inner), torch.nonzero(usable)
    if not len(targets) or not len(sources):
        return image, torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1)

    def random_sources(count: int) -> Tensor:
        return sources[torch.randint(len(sources), (count,), generator=generator)]

    match = random_sources(len(targets)) if field is None else field[targets[:, 0], targets[:, 1]]
    match = torch.stack([match[:, 0].clamp(0, height - 1), match[:, 1].clamp(0, width - 1)], 1)
    unusable = ~usable[match[:, 0], match[:, 1]]
    match[unusable] = random_sources(int(unusable.sum()))
    offsets = torch.stack(torch.meshgrid(*[torch.arange(-radius, radius + 1)] * 2, indexing="ij"), -1).reshape(-1, 2)
    certain = 1 + 2 * (~mask[targets[:, 0, None] + offsets[:, 0], targets[:, 1, None] + offsets[:, 1]]).float()
    certain = certain / certain.sum(1, keepdim=True)
    for _ in range(rounds):
        match, cost = _search(image, usable, targets, match, certain, sweeps, generator)
        image = _vote(image, mask, targets, match, cost, offsets)
    out = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1)
    out[targets[:, 0], targets[:, 1]] = match
    return image, out


def _search(
    image: Tensor, usable: Tensor, targets: Tensor, match: Tensor, certain: Tensor, sweeps: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """PatchMatch propagation (jump flooding over neighbours at 1 and 3 px) and random search, for all targets at once."""
    height, width = usable.shape
    radius = PATCH // 2
    patches = F.unfold(image[None], PATCH, padding=radius)[0].T.reshape(height, width, 3, PATCH * PATCH)
    wanted = patches[targets[:, 0], targets[:, 1]]
    number = torch.full((height, width), -1, dtype=torch.int64)
    number[targets[:, 0], targets[:, 1]] = torch.arange(len(targets))

    penalty = torch.tensor([ROW_PENALTY / height**2, COLUMN_PENALTY / width**2])

    def cost_of(candidate: Tensor) -> Tensor:
        difference = ((wanted - patches[candidate[:, 0], candidate[:, 1]]).pow(2).sum(1) * certain).sum(1)
        return difference + ((candidate - targets).float().pow(2) * penalty).sum(1)

    cost = cost_of(match)

    def improve(candidate: Tensor) -> None:
        nonlocal match, cost
        candidate = torch.stack([candidate[:, 0].clamp(0, height - 1), candidate[:, 1].clamp(0, width - 1)], 1)
        allowed = usable[candidate[:, 0], candidate[:, 1]]
        new_cost = torch.where(allowed, cost_of(candidate), torch.full_like(cost, 1e9))
        better = new_cost < cost
        match, cost = torch.where(better[:, None], candidate, match), torch.where(better, new_cost, cost)

    for _ in range(sweeps):
        for step in (1, 3):
            for shift in ((0, step), (0, -step), (step, 0), (-step, 0)):
                row = (targets[:, 0] - shift[0]).clamp(0, height - 1)
                column = (targets[:, 1] - shift[1]).clamp(0, width - 1)
                neighbour = number[row, column]
                shifted = match[neighbour.clamp(min=0)] + torch.tensor(shift)
                improve(torch.where((neighbour >= 0)[:, None], shifted, match))
        reach = float(max(height, width))
        while reach >= 2:
            improve(match + torch.randint(-int(reach), int(reach) + 1, match.shape, generator=generator))
            reach *= 0.35
    return match, cost


def _vote(image: Tensor, mask: Tensor, targets: Tensor, match: Tensor, cost: Tensor, offsets: Tensor) -> Tensor:
    """Every hole pixel becomes the weighted mean of what the patches over it propose."""
    _, height, width = image.shape
    weight = torch.exp(-cost / (3 * cost.median() + 1e-6)) + 1e-3
    colour, total = torch.zeros(3, height * width), torch.zeros(height * width)
    for offset in offsets:
        to, origin = targets + offset, match + offset
        slot = to[:, 0] * width + to[:, 1]
        colour.index_add_(1, slot, image[:, origin[:, 0], origin[:, 1]] * weight)
        total.index_add_(0, slot, weight)
    voted = (colour / total.clamp(min=1e-8)).view(3, height, width)
    return torch.where((mask & (total.view(height, width) > 0))[None], voted, image)


def _transfer_detail(picture: np.ndarray, solved: Tensor, field: Tensor) -> np.ndarray:
    """Low frequencies from the solved level, high frequencies copied at full size along the correspondence field."""
    height, width = picture.shape[:2]
    level_height, level_width = solved.shape[1:]
    low = cv2.resize(solved.permute(1, 2, 0).numpy() * 255, (width, height), interpolation=cv2.INTER_CUBIC)
    ratio = np.array([height / level_height, width / level_width])
    if ratio.max() <= 1.05:
        return low
    rows, columns = np.mgrid[0:height, 0:width]
    coarse_row = np.minimum((rows / ratio[0]).astype(int), level_height - 1)
    coarse_column = np.minimum((columns / ratio[1]).astype(int), level_width - 1)
    source = field.numpy()[coarse_row, coarse_column] * ratio
    source_row = source[..., 0] + rows - coarse_row * ratio[0]
    source_column = source[..., 1] + columns - coarse_column * ratio[1]
    small = cv2.resize(picture, (level_width, level_height), interpolation=cv2.INTER_AREA)
    detail = picture.astype(np.float32) - cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    copied = cv2.remap(detail, source_column.astype(np.float32), source_row.astype(np.float32), cv2.INTER_LINEAR)
    return low + 0.8 * copied
