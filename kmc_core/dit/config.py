"""Sizes of KMCDiT as one frozen record, and the named presets. Not here: what the sizes mean (model.py).

Called by model.py, checkpoints and training. A key that is not a field is an error, so a mistyped setting cannot pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from ..alignment.maps import MAP_CHANNELS
from ..errors import CheckpointError
from ..pose.expression import EXPRESSION_NAMES

FACE_FEATURE_NAMES = (
    "head_yaw", "head_pitch", "head_roll", "left_eye_openness", "right_eye_openness", "mouth_gap",
    "left_gaze_x", "left_gaze_y", "right_gaze_x", "right_gaze_y", *EXPRESSION_NAMES, "confidence",
)  # fmt: skip

LARGEST_SIZE, LARGEST_DEPTH, MOST_NAMES = 65_536, 256, 1024


@dataclass(frozen=True)
class KMCDiTConfig:
    """Everything needed to build the network that a weights file fits.

    map_channels       names of the alignment maps in channel order; must equal what alignment renders
    face_features      names of the face vector, the last one its confidence
    width, depth, heads         transformer tokens; width is a multiple of 4 * heads
    bottleneck         width between patch pixels and tokens (JiT, arXiv 2511.13720)
    stem_channels      half-resolution features; quarter resolution has twice as many
    condition_width    width of the vector that modulates the blocks (adaLN-zero)
    text_width, text_depth, text_stride, text_bytes   byte encoder; one token per `text_stride` bytes, `text_bytes` at most
    text_colour        whether words also speak to the colour grid directly (False in weights made before it existed)
    one_evaluation     whether the weights were taught to take the guidance weight in (conditions.Guidance; training/distill)
    text_in_blocks     whether words reach the blocks (their tokens and their summary); False where they change colours alone
    max_views          reference views the network knows apart
    flow_limit_px      largest displacement of the flow, px of the base canvas
    mask_dilation_px   how far the edit mask reaches beyond its seeds, px of the base canvas
    bridge_noise       noise (of the -1..1 range) at level 1 where uncertainty is 1
    rope_theta         base of the rotary frequencies, in tokens and frames
    """

    map_channels: tuple[str, ...] = MAP_CHANNELS
    face_features: tuple[str, ...] = FACE_FEATURE_NAMES
    width: int = 256
    depth: int = 6
    heads: int = 4
    patch: int = 16
    bottleneck: int = 128
    stem_channels: int = 32
    condition_width: int = 64
    text_width: int = 128
    text_depth: int = 2
    text_stride: int = 4
    text_bytes: int = 512
    text_colour: bool = False
    text_in_blocks: bool = True
    one_evaluation: bool = False
    max_views: int = 7
    flow_limit_px: float = 8.0
    mask_dilation_px: int = 12
    bridge_noise: float = 0.15
    rope_theta: float = 100.0

    def __post_init__(self) -> None:
        if self.width % (4 * self.heads):
            raise CheckpointError(
                "The network's width does not divide into rotary heads",
                got=f"width {self.width}, heads {self.heads}",
                expected="a multiple of 4 x heads",
                remedy="Change width or heads in the network's config",
            )
        if self.patch != 16:
            raise CheckpointError(
                "Only patch 16 is built", got=str(self.patch), expected="16", remedy="Set patch to 16 in the network's config"
            )

    @property
    def in_channels(self) -> int:
        """Channels of the pixel stem's input: the maps and the three of the bridge state."""
        return len(self.map_channels) + 3

    def channel(self, name: str) -> int:
        """Index of a map by name. Raises CheckpointError for a name the network was not built with."""
        if name not in self.map_channels:
            raise CheckpointError("The network lacks an alignment map", got=name, expected=", ".join(self.map_channels))
        return self.map_channels.index(name)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> KMCDiTConfig:
        """Inverse of `to_dict`. Raises CheckpointError for an unknown key or a value no network can have."""
        if not isinstance(values, Mapping):
            raise CheckpointError("The weights file has no config", got=type(values).__name__, expected="a table of sizes")
        unknown = sorted(set(values) - {entry.name for entry in fields(cls)})
        if unknown:
            raise CheckpointError(
                "The network's config has unknown keys",
                got=", ".join(unknown),
                expected=", ".join(entry.name for entry in fields(cls)),
                remedy="Use weights written by this version of the pack",
            )
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        unfit = [name for name, value in values.items() if not _is_fit(name, value, getattr(cls, name))]
        if unfit:
            raise CheckpointError(
                "The network's config holds a value that no network can have", got=f"{unfit[0]} {values[unfit[0]]!r}"[:80],
                expected="sizes from 1 to 65536 and names", remedy="Fetch the weights file again",
            )  # fmt: skip
        return cls(**values)


def _is_fit(name: str, value: object, default: object) -> bool:
    """Of the default's type and of a size that can be built."""
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and 0 < len(value) <= MOST_NAMES and all(isinstance(name, str) for name in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (isinstance(default, int) and not isinstance(value, int)):
        return False
    least, most = 0 if isinstance(default, float) else 1, LARGEST_DEPTH if name.endswith("depth") else LARGEST_SIZE
    return least <= value <= most


PRESETS: dict[str, KMCDiTConfig] = {
    "nano": KMCDiTConfig(text_colour=True, text_in_blocks=False),
    "tiny": KMCDiTConfig(
        width=32, depth=2, heads=2, bottleneck=16, stem_channels=8, condition_width=16, text_width=16, text_depth=1, text_bytes=64, text_colour=True,
    ),
}
