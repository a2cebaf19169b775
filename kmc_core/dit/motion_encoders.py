"""Motion as tokens, one encoder per kind. Part and depth maps of the body enter as pixels; here come what pixels blur.

body: one token per rig joint in 3-D; hands: one per point of each hand; face: one for expression, one for head pose.
Every token carries its place in the picture, so video tokens find it by rotary position. Only video tokens attend to
them, frame by frame. Not here: attention (blocks.py).
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..pose.skeleton_layouts import HEAD, RIG_JOINTS
from .conditions import Conditions
from .config import KMCDiTConfig

HEAD_POSE_FEATURES = 3


class MotionTokens(NamedTuple):
    """tokens [B,T,M,D]; places [B,T,M,2] = (y, x) as fractions of the window; visible bool [B,T,M]."""

    tokens: Tensor
    places: Tensor
    visible: Tensor


class PointEncoder(nn.Module):
    """Points [...,K,4] (x, y, z, confidence) -> tokens [...,K,D]: what the point is, plus a small network of where it is."""

    def __init__(
        self, points: int, width: int, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.names = operations.Embedding(points, width, **place)
        self.rise = operations.Linear(4, width, **place)
        self.out = operations.Linear(width, width, **place)
        nn.init.normal_(self.names.weight, std=0.5)

    def forward(self, points: Tensor) -> Tensor:
        names = self.names(torch.arange(points.shape[-2], device=points.device))
        return self.out(nn.functional.silu(self.rise(points) + names))


class FaceEncoder(nn.Module):
    """Face vector [...,F] -> [...,2,D]: expression and head pose."""

    def __init__(
        self, features: int, width: int, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.expression = operations.Linear(features - HEAD_POSE_FEATURES, width, **place)
        self.head_pose = operations.Linear(HEAD_POSE_FEATURES, width, **place)
        self.out = operations.Linear(width, width, **place)

    def forward(self, face: Tensor) -> Tensor:
        pose, expression = face[..., :HEAD_POSE_FEATURES], face[..., HEAD_POSE_FEATURES:]
        return self.out(nn.functional.silu(torch.stack((self.expression(expression), self.head_pose(pose)), dim=-2)))


class MotionEncoder(nn.Module):
    """Conditions -> MotionTokens of body (19), hands (42) and face (2), time-aligned with the frames."""

    def __init__(
        self, config: KMCDiTConfig, *, operations: ModuleType, device: torch.device | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        place = {"operations": operations, "device": device, "dtype": dtype}
        self.body = PointEncoder(len(RIG_JOINTS), config.width, **place)
        self.hands = PointEncoder(42, config.width, **place)
        self.face = FaceEncoder(len(config.face_features), config.width, **place)

    def forward(self, conditions: Conditions) -> MotionTokens:
        joints, hands, face = conditions.joints, conditions.hands.flatten(2, 3), conditions.face
        tokens = torch.cat((self.body(joints), self.hands(hands), self.face(face)), dim=2)
        head = joints[:, :, HEAD : HEAD + 1, [1, 0]].expand(-1, -1, 2, -1)
        places = torch.cat((joints[..., [1, 0]], hands[..., [1, 0]], head), dim=2)
        visible = torch.cat((joints[..., 3], hands[..., 3], face[..., -1:].expand(-1, -1, 2)), dim=2) > 0
        return MotionTokens(tokens, places, visible)
