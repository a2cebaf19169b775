"""Draws a picture as a toon (flat shades, ink) and as a painting; how much of each is what a prompt says. A file of its own.

A U-Net of plain convolutions: no normalisation over the picture, so that a still corner stays still whatever moves elsewhere.
It adds to the picture and starts as doing nothing. Trained by training/style; called by sampling/drawing.py.
Source: Ronneberger et al. 2015, "U-Net"; He et al. 2016, "Deep residual learning".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, pixel_shuffle, pixel_unshuffle, relu

from ..checkpoints.format import load_checkpoint, save_checkpoint
from ..errors import CheckpointError
from .conditions import TEXT_PADDING, text_bytes

FORMAT, VERSION = "kmc-style", 1
STYLES = ("toon", "painting")
BUILT_IN_STYLE = Path(__file__).resolve().parents[1] / "weights" / "kmc_style.safetensors"
MOST_BYTES, REACH = 4096, 16


@dataclass(frozen=True)
class StyleConfig:
    """widths: channels at 1/2, 1/4, 1/8, 1/16 of the picture; letters, word: channels of a byte and of a word in the reader."""

    widths: tuple[int, ...] = (16, 40, 72, 104)
    letters: int = 16
    word: int = 48


class Touch(nn.Module):
    """3x3, ReLU, 3x3 (zero at the start), added to [B,C,H,W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(relu(self.first(x)))


class Draughtsman(nn.Module):
    """Pictures [B,3,H,W] in -1..1 -> each in every style [B,S,3,H,W], about -1..1 but not clipped; any H and W."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        widths = config.widths
        self.stem = nn.Conv2d(12, widths[0], 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.encoder = nn.ModuleList(Touch(width) for width in widths)
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(Touch(width) for width in widths[:-1])
        self.out = nn.Conv2d(widths[0], 4 * 3 * len(STYLES), 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.multiple = 2 ** len(widths)

    def forward(self, pictures: Tensor) -> Tensor:
        height, width = pictures.shape[-2:]
        border = (0, -width % self.multiple, 0, -height % self.multiple)
        padded = pad(pictures, border, mode="replicate") if any(border) else pictures
        x = relu(self.stem(pixel_unshuffle(padded, 2).contiguous(memory_format=torch.channels_last)))
        levels = []
        for index, touch in enumerate(self.encoder):
            x = touch(x)
            if index < len(self.down):
                levels.append(x)
                x = relu(self.down[index](x))
        for index in reversed(range(len(self.decoder))):
            x = self.decoder[index](levels[index] + interpolate(self.up[index](x), scale_factor=2, mode="nearest"))
        added = pixel_shuffle(self.out(x), 2)[..., :height, :width].float()
        return pictures[:, None] + added.unflatten(1, (len(STYLES), 3))


class StyleReader(nn.Module):
    """Text [B,L] int64 (conditions.text_bytes, small letters) -> how much of each style it asks for [B,S], 0..1.

    Looks at about twenty bytes at a time and takes the clearest request, so unknown words add nothing however long the prompt.
    Apart from the byte encoder of text.py: that was taught to let words of no colour fall, "cartoon" among them.
    """

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.bytes = nn.Embedding(TEXT_PADDING + 1, config.letters)
        self.layers = nn.ModuleList(
            nn.Conv1d(before, config.word, 5, padding=2 * spread, dilation=spread)
            for before, spread in ((config.letters, 1), (config.word, 2), (config.word, 4))
        )
        self.out = nn.Linear(config.word, len(STYLES))
        nn.init.constant_(self.out.bias, -3.0)

    def logits(self, text: Tensor) -> Tensor:
        """[B,S]; above 0 means asked for."""
        text = pad(text, (0, REACH), value=TEXT_PADDING)  # a prompt ends alike, alone or beside longer ones
        x = self.bytes(text).transpose(1, 2)
        for layer in self.layers:
            x = relu(layer(x))
        return self.out(x.transpose(1, 2)).amax(1)

    def forward(self, text: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(text))


class StyleNetwork(nn.Module):
    """Both: what is asked for, and drawing it."""

    def __init__(self, config: StyleConfig = StyleConfig()) -> None:
        super().__init__()
        self.config = config
        self.pictures = Draughtsman(config)
        self.words = StyleReader(config)
        self.register_buffer("gains", torch.ones(len(STYLES)))  # a mean over what might be drawn is too faint; measured in training

    def asked(self, prompts: Sequence[str]) -> Tensor:
        """How much of each style prompts ask for [B,S], 0..1."""
        device = self.words.out.weight.device
        return self.words(text_bytes([f" {prompt.lower()} " for prompt in prompts], MOST_BYTES).to(device))

    def drawn(self, pictures: Tensor, amounts: Tensor) -> Tensor:
        """Pictures [B,3,H,W] in -1..1 with `amounts` [S] 0..1 of each style (of sum 1 at most) -> the same shape, -1..1."""
        changes = self.pictures(pictures) - pictures[:, None]
        return (pictures + (changes * (self.gains * amounts).view(-1, 1, 1, 1)).sum(1)).clamp(-1, 1)


def save_style(path: str | Path, network: StyleNetwork, facts: dict[str, object], dtype: torch.dtype = torch.float32) -> None:
    """Weights as `dtype`, sizes and training facts in the header."""
    tensors = {name: value.to(dtype) for name, value in network.state_dict().items()}
    header = {"format": FORMAT, "version": VERSION, "config": asdict(network.config), "training": facts}
    save_checkpoint(path, tensors, json.loads(json.dumps(header)))


def load_style(path: str | Path = BUILT_IN_STYLE) -> tuple[StyleNetwork, dict[str, object]]:
    """The network (float32, evaluation mode) and its training facts. Raises CheckpointError for any other file."""
    tensors, header = load_checkpoint(path, FORMAT, VERSION)
    sizes = header.get("config")
    try:
        config = StyleConfig(tuple(int(width) for width in sizes["widths"]), int(sizes["letters"]), int(sizes["word"]))
        with torch.device("meta"):  # the header may promise anything: its shapes alone
            network = StyleNetwork(config)
        network.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError("The style network's weights do not fit", got=f"{Path(path).name}: {error}"[:300]) from error
    if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
        raise CheckpointError("The style network's weights are not finite", got=Path(path).name, remedy="Fetch the weights file again")
    network.pictures.to(memory_format=torch.channels_last)
    facts = header.get("training")
    return network.eval().requires_grad_(False), facts if isinstance(facts, dict) else {}
