"""Base-resolution edits onto the full-resolution alignment: texture comes from the reference at its own resolution,
the network's cost stays that of the base.

Residual and mask are upsampled along the edges of the aligned picture (joint bilateral upsampling, Kopf et al. 2007);
the flow is smooth and is upsampled bilinearly. At scale 1 the result is the network's own output.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..dit.head import Edits, colour_change, warp

EDGE_WIDTH = 0.12  # difference of guides (-1..1 range) that counts as an edge


def fuse(aligned: Tensor, alpha: Tensor, base_aligned: Tensor, edits: Edits, strength: float = 1.0) -> Tensor:
    """Edit one full-resolution frame.

    aligned [3,H,W] in -1..1 and alpha [1,H,W]: alignment over its plate at output size; base_aligned [3,h,w]: the same at
    the network's size; edits: of this one frame (B = T = 1), made at [h,w]; strength 0 gives `aligned` itself.
    Returns float32 [3,H,W] in -1..1.
    """
    if strength == 0:
        return aligned.clone()
    flow, residual, mask = edits.flow[0, :, 0], edits.residual[0, :, 0], edits.mask[0, :, 0]
    edited = aligned.clone()
    box = _bounds(mask, aligned.shape[-2:])
    if box is not None:
        flow_up, residual_up, mask_up = _at_full_size(aligned, base_aligned, flow, residual, mask, box)
        rows, columns = box
        moved = _warp_in_box(aligned, flow_up, box)
        inside = aligned[:, rows, columns]
        edited[:, rows, columns] = inside + mask_up * (moved - inside + residual_up)
    if edits.colour.any():
        edited = edited + colour_change(edited[None], edits.colour[:, :, 0], alpha[None])[0]
    edited = edited.clamp(-1, 1)
    return edited if strength == 1 else aligned + strength * (edited - aligned)


def _bounds(mask: Tensor, size: torch.Size) -> tuple[slice, slice] | None:
    """Rows and columns of the full frame that hold all of the mask, with a margin; None if the mask is empty."""
    found = []
    for axis, length in ((1, size[0]), (2, size[1])):
        used = torch.nonzero(mask.amax(dim=(0, 3 - axis)) > 0).flatten()
        if not len(used):
            return None
        ratio = length / mask.shape[axis]
        found.append(slice(max(0, int((int(used[0]) - 1) * ratio)), min(length, int((int(used[-1]) + 2) * ratio) + 1)))
    return found[0], found[1]


def _at_full_size(
    aligned: Tensor, base_aligned: Tensor, flow: Tensor, residual: Tensor, mask: Tensor, box: tuple[slice, slice]
) -> tuple[Tensor, Tensor, Tensor]:
    """Flow (in full-size px), residual and mask [*,h',w'] inside the box."""
    height, width = aligned.shape[-2:]
    rows, columns = box
    scale = torch.tensor((width / flow.shape[-1], height / flow.shape[-2]), device=flow.device)[:, None, None]
    flow_up = interpolate(flow[None], size=(height, width), mode="bilinear", align_corners=False)[0, :, rows, columns] * scale
    values = joint_bilateral(torch.cat((residual, mask)), base_aligned, aligned[:, rows, columns], (height, width), box)
    return flow_up, values[:3], values[3:]


def joint_bilateral(values: Tensor, guide: Tensor, full_guide: Tensor, size: tuple[int, int], box: tuple[slice, slice]) -> Tensor:
    """Upsample values [C,h,w] to the box of a [H,W] frame; each pixel trusts the four base samples around it by how near
    they are and how much their guide [3,h,w] looks like its own full_guide [3,h',w'].
    """
    below_y, above_y, part_y = _neighbours(values.shape[-2], size[0], box[0], values.device)
    below_x, above_x, part_x = _neighbours(values.shape[-1], size[1], box[1], values.device)
    total = torch.zeros(values.shape[0], *full_guide.shape[-2:], device=values.device)
    weights = torch.zeros(1, *full_guide.shape[-2:], device=values.device)
    for y, near_y in ((below_y, 1 - part_y), (above_y, part_y)):
        for x, near_x in ((below_x, 1 - part_x), (above_x, part_x)):
            difference = (guide[:, y][:, :, x] - full_guide).square().sum(0, keepdim=True)
            weight = (near_y[:, None] * near_x) * (torch.exp(difference * (-0.5 / EDGE_WIDTH**2)) + 1e-4)
            total += weight * values[:, y][:, :, x]
            weights += weight
    return total / weights


def _neighbours(base: int, full: int, part: slice, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For full-size pixels of `part`: the base samples before and after, and how far (0..1) towards the one after."""
    place = (torch.arange(part.start, part.stop, device=device, dtype=torch.float64) + 0.5) * (base / full) - 0.5
    place = place.clamp(0, base - 1)
    below = place.floor().long()
    return below, (below + 1).clamp(max=base - 1), (place - below).float()


def _warp_in_box(aligned: Tensor, flow: Tensor, box: tuple[slice, slice]) -> Tensor:
    """warp() for the pixels of a box only, sampling from the whole frame: flow [2,h',w'] -> [3,h',w']."""
    margin = int(flow.abs().max()) + 3  # two pixels to the side, as bicubic sampling reads them
    (rows, columns), (height, width) = box, aligned.shape[-2:]
    top, left = max(0, rows.start - margin), max(0, columns.start - margin)
    bottom, right = min(height, rows.stop + margin), min(width, columns.stop + margin)
    padded = torch.zeros(1, 2, bottom - top, right - left, device=flow.device)
    inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    padded[0, :, inner[0], inner[1]] = flow
    return warp(aligned[None, :, top:bottom, left:right], padded)[0][:, inner[0], inner[1]]
