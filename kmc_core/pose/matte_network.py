"""The network that corrects a cut-out: picture, rough masks and skeleton in; alpha and the character's own colours out.

A U-Net with one residual block per level, half resolution at its finest, and a thin full-resolution head. Zero-initialised:
untrained it hands back the analytic cut-out. Not here: when it is asked and how far it is believed (matte_refinement.py),
training (training/matting). Source: Ronneberger et al. 2015, "U-Net"; He et al. 2016, "Deep residual learning".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle, silu

from ..checkpoints.format import load_checkpoint, save_checkpoint
from ..errors import CheckpointError

FORMAT, VERSION = "kmc-matte", 1
INPUTS = ("red", "green", "blue", "person", "analytic", "bones", "reach")
PERSON, ANALYTIC, BONES = (INPUTS.index(name) for name in ("person", "analytic", "bones"))
MULTIPLE = 32
"""height and width must be multiples of this"""


@dataclass(frozen=True)
class MatteNetworkConfig:
    """widths: channels at 1/2, 1/4, 1/8, 1/16, 1/32 of the picture; head: channels at full resolution."""

    widths: tuple[int, ...] = (24, 48, 96, 128, 160)
    head: int = 8


class ResidualBlock(nn.Module):
    """Norm, 3x3, SiLU, 3x3 (zero at the start)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B,C,H,W] -> [B,C,H,W]."""
        return x + self.second(silu(self.first(self.norm(x))))


class MatteNetwork(nn.Module):
    """See the file's first lines."""

    def __init__(self, config: MatteNetworkConfig = MatteNetworkConfig()) -> None:
        super().__init__()
        self.config = config
        widths, head = config.widths, config.head
        self.stem = nn.Conv2d(4 * len(INPUTS), widths[0], 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.encoder = nn.ModuleList(ResidualBlock(width) for width in widths)
        self.context = nn.Linear(widths[-1], widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.enlarge = nn.Conv2d(widths[0], 4 * head, 3, padding=1)
        self.head = nn.Conv2d(head + len(INPUTS), head, 3, padding=1)
        self.out = nn.Conv2d(head, 4, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B,7,H,W] as INPUTS, all 0..1, H and W multiples of 32 -> alpha [B,1,H,W] and colours [B,3,H,W].

        Both are the input plus a correction, about 0..1 but not clipped: a clip or a sigmoid would hide from training
        the very pixels that are surely wrong.
        """
        centred = inputs * 2 - 1
        x = silu(self.stem(pixel_unshuffle(centred, 2)))
        levels = []
        for index, block in enumerate(self.encoder):
            x = block(x)
            if index < len(self.down):
                levels.append(x)
                x = silu(self.down[index](x))
        x = x + self.context(x.mean((2, 3)))[..., None, None]
        for index in reversed(range(len(self.decoder))):
            x = levels[index] + interpolate(self.up[index](x), scale_factor=2, mode="nearest")
            x = self.decoder[index](x)
        x = pixel_shuffle(self.enlarge(x), 2)
        x = self.out(silu(self.head(torch.cat([x, centred], 1)))).float()
        return inputs[:, ANALYTIC : ANALYTIC + 1].float() + x[:, :1], inputs[:, :3].float() + x[:, 1:]


def save_matte_network(path: Path, network: MatteNetwork, facts: dict[str, object], dtype: torch.dtype = torch.float32) -> None:
    """Weights as `dtype`, sizes and training facts in the header."""
    tensors = {name: value.to(dtype) for name, value in network.state_dict().items()}
    header = {"format": FORMAT, "version": VERSION, "config": asdict(network.config), "training": facts}
    save_checkpoint(path, tensors, json.loads(json.dumps(header)))


def load_matte_network(path: Path) -> tuple[MatteNetwork, dict[str, object]]:
    """The network (float32, evaluation mode) and its training facts. Raises CheckpointError for any other file."""
    tensors, header = load_checkpoint(path, FORMAT, VERSION)
    sizes = header.get("config")
    try:
        config = MatteNetworkConfig(tuple(int(width) for width in sizes["widths"]), int(sizes["head"]))
        network = MatteNetwork(config)
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError("The cut-out network's weights do not fit", got=f"{Path(path).name}: {error}") from error
    facts = header.get("training")
    return network.eval(), facts if isinstance(facts, dict) else {}
