"""What the network may do to the aligned picture, and doing it: a small flow, a residual, a low-resolution grid of colour transforms.

x0 = colour(aligned + mask * (warp(aligned, flow) - aligned + residual)). Never free RGB: identity stays the reference's.
All edits zero gives the aligned picture bit for bit. The same edits are later applied at full resolution (sampling/fusion.py).
The colour grid follows bilateral grids reduced to two slices, character and background (HDRNet, arXiv 1707.02880).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, max_pool2d

from .config import KMCDiTConfig
from .patches import RawEdits

COLOUR_CELL_TOKENS = 4
MASK_SOFTENING_PX = 5
FLOW_GAIN_PX = 3.0  # px per unit of the decoder's output, near zero


@dataclass(frozen=True)
class Edits:
    """flow [B,2,T,H,W] (x, y) px of this canvas; residual [B,3,T,H,W] of the -1..1 range; mask [B,1,T,H,W] 0..1;
    colour [B,24,T,h,w] two 3x4 affine transforms minus identity (character, background), coarse, stretched over the canvas.
    """

    flow: Tensor
    residual: Tensor
    mask: Tensor
    colour: Tensor

    def combined(self, other: Edits, change: Callable[[Tensor, Tensor], Tensor]) -> Edits:
        """Edits made field by field from two predictions for the same window (the mask is this one's)."""
        return Edits(
            change(self.flow, other.flow), change(self.residual, other.residual), self.mask, change(self.colour, other.colour)
        )

    def scaled(self, shares: Tensor) -> Edits:
        """Flow and residual times the share [B,1,T,H,W] 0..1 of each pixel; what words ask of the colours stays."""
        return Edits(self.flow * shares, self.residual * shares, self.mask, self.colour)

    def at(self, frames: slice) -> Edits:
        """The edits of some of the frames."""
        return Edits(self.flow[:, :, frames], self.residual[:, :, frames], self.mask[:, :, frames], self.colour[:, :, frames])


def edit_mask(maps: Tensor, config: KMCDiTConfig) -> Tensor:
    """Where the network may write: around the character, invented plate, pose and holes. maps [F,C,H,W] -> [F,1,H,W] 0..1."""
    seeds = torch.stack([maps[:, config.channel(name)] for name in ("alpha", "plate_invented", "pose_raster", "hole")], dim=1)
    seed = (seeds.amax(dim=1, keepdim=True) > 0.05).to(maps.dtype)
    reach = config.mask_dilation_px
    seed = max_pool2d(seed, (2 * reach + 1, 1), 1, (reach, 0))
    seed = max_pool2d(seed, (1, 2 * reach + 1), 1, (0, reach))
    return smoothed(seed, MASK_SOFTENING_PX)


def smoothed(x: Tensor, size: int) -> Tensor:
    """Box filter of odd size; at the border the mean of what is there."""
    return avg_pool2d(x, size, 1, size // 2, count_include_pad=False)


def warp(pictures: Tensor, flow: Tensor) -> Tensor:
    """Picture at p + flow(p): pictures [F,C,H,W], flow [F,2,H,W] px -> [F,C,H,W]; the border repeats. Exact where flow is 0.

    Bicubic: bilinear sampling between pixels blurs, and a network that is paid for small errors learns to move things by half
    a pixel for the blur alone.
    """
    height, width = pictures.shape[-2:]
    y = torch.arange(height, dtype=torch.float32, device=flow.device)[:, None]
    x = torch.arange(width, dtype=torch.float32, device=flow.device)
    grid = torch.stack(((x + flow[:, 0] + 0.5) * (2 / width) - 1, (y + flow[:, 1] + 0.5) * (2 / height) - 1), dim=-1)
    moved = grid_sample(pictures, grid.to(pictures.dtype), mode="bicubic", padding_mode="border", align_corners=False)
    still = pictures + (moved - moved.detach())  # exact where nothing moves, and the flow still gets its gradient
    return torch.where((flow == 0).all(dim=1, keepdim=True), still, moved)


def colour_change(pictures: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    """What the colour grid adds: pictures [F,3,H,W] in -1..1, colour [F,24,h,w], alpha [F,1,H,W] -> [F,3,H,W]."""
    size = pictures.shape[-2:]

    def added(transform: Tensor) -> Tensor:
        matrix = interpolate(transform, size=size, mode="bilinear", align_corners=False).unflatten(1, (3, 4))
        return (matrix[:, :, :3] * pictures[:, None]).sum(2) + matrix[:, :, 3]

    return alpha * added(colour[:, :12]) + (1 - alpha) * added(colour[:, 12:])


def read_edits(raw: RawEdits, mask: Tensor, has_text: Tensor, config: KMCDiTConfig) -> Edits:
    """Decoder numbers -> edits with units. raw of F frames, mask [F,1,H,W] (`edit_mask`), has_text [F]; result has B = F, T = 1.

    Without text the colour grid is closed, so nothing outside the edit mask can change.
    """
    size = mask.shape[-2:]
    flow = interpolate(smoothed(raw.flow.float(), 3), size=size, mode="bilinear", align_corners=False)
    flow = config.flow_limit_px * torch.tanh(flow * (FLOW_GAIN_PX / config.flow_limit_px))
    colour = avg_pool2d(raw.colour.float(), COLOUR_CELL_TOKENS, ceil_mode=True, count_include_pad=False)
    colour = colour * has_text.to(colour.dtype).view(-1, 1, 1, 1) if has_text.any() else torch.zeros_like(colour)
    return Edits(flow[:, :, None], raw.residual.float()[:, :, None], mask[:, :, None], colour[:, :, None])


def apply_edits(aligned: Tensor, alpha: Tensor, edits: Edits) -> Tensor:
    """aligned [B,3,T,H,W] in -1..1 and its alpha [B,1,T,H,W] -> the edited picture, same shape, float32."""
    batch = aligned.shape[0]

    def frames(x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(0, 1).float()

    picture, flow, mask = frames(aligned), frames(edits.flow), frames(edits.mask)
    edited = picture + mask * (warp(picture, flow) - picture + frames(edits.residual))
    if edits.colour.requires_grad or edits.colour.any():  # closed without text: nothing to compute
        edited = edited + colour_change(edited, frames(edits.colour), frames(alpha))
    return edited.unflatten(0, (batch, -1)).transpose(1, 2)
