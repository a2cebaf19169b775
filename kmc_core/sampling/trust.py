"""How much of the network's edits a frame and a pixel take: little where the character stands as in its own picture.

There the aligned frame is the picture itself, shading and folds included, and whatever a network does to it is a loss;
the farther a pose lies from the picture's, the more there is to mend. Heads have a model of their own in the alignment,
and a small network only fogs them; beside the character it guesses at shadows. Not here: the edits (dit/head.py).
Called by reenact.py.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..types import CharacterMotion, SubjectView

SEEN = 0.5
FEWEST_JOINTS = 4
NEAR, FAR = 0.02, 0.10  # root mean square distance of the joints from the picture's, torso lengths
HEAD_SHARE, OUTSIDE_SHARE = 0.0, 0.5  # chosen on five real clips, part by part (model card)


def edit_share(trust: np.ndarray, maps: Tensor, channels: tuple[str, ...]) -> Tensor:
    """Share of the edits every pixel takes: trust [T] of the frames, maps [C,T,H,W] -> float32 [1,1,T,H,W] 0..1."""
    head, alpha = (maps[channels.index(name)] for name in ("head", "alpha"))
    pixels = (1 - (1 - HEAD_SHARE) * head) * (OUTSIDE_SHARE + (1 - OUTSIDE_SHARE) * alpha)
    return (torch.from_numpy(trust).to(pixels)[:, None, None] * pixels)[None, None]


def edit_trust(character: CharacterMotion, view: SubjectView) -> np.ndarray:
    """Share of the edits each frame takes, float32 [T] 0..1; 1 where too few joints of the picture are known."""
    change = pose_change(character, view)
    ramp = np.clip((change - NEAR) / (FAR - NEAR), 0.0, 1.0)
    return np.where(np.isfinite(change), ramp * ramp * (3 - 2 * ramp), 1.0).astype(np.float32)


def pose_change(character: CharacterMotion, view: SubjectView) -> np.ndarray:
    """Distance of every frame's joints from those of the picture, torso lengths, once place and size are taken out.

    float64 [T]: root mean square over the joints that lie on the picture and are seen in it; NaN where there are too few.
    """
    height, width = view.canvas
    own = view.joints[:, :2].astype(np.float64)
    inside = (own >= 0).all(1) & (own[:, 0] < width) & (own[:, 1] < height)
    used = inside & (view.joint_confidence > SEEN)
    if used.sum() < FEWEST_JOINTS:
        return np.full(len(character.joints), np.nan)
    before = own[used] - own[used].mean(0)
    now = character.joints[:, used, :2].astype(np.float64)
    now = now - now.mean(1, keepdims=True)
    size = (now * before).sum((1, 2)) / max(float((before**2).sum()), 1e-9)
    apart = now / np.maximum(size, 1e-6)[:, None, None] - before
    return np.sqrt((apart**2).sum(-1).mean(-1)) / max(view.torso_px, 1e-6)
