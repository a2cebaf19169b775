"""A perspective camera and how it frames a performer. Model axes in, pixels out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...types import Canvas
from .skeleton import BodyShape, rotation

FRAMINGS = ("full", "wide", "half", "close")


@dataclass(frozen=True)
class Camera:
    """Looks at `target` (metres) from `distance`; yaw > 0 moves it to the picture's right, pitch > 0 above; focal in canvas heights."""

    target: tuple[float, float, float]
    distance: float
    yaw: float = 0.0
    pitch: float = 0.0
    focal: float = 2.0
    roll: float = 0.0

    @property
    def axes(self) -> np.ndarray:
        """Rotation [3,3] from model axes to camera axes (x right, y up, z toward the viewer)."""
        return rotation("z", self.roll) @ rotation("x", self.pitch) @ rotation("y", -self.yaw)

    @property
    def place(self) -> np.ndarray:
        """Where it stands [3], metres."""
        return np.asarray(self.target) + self.axes.T @ np.array([0.0, 0.0, self.distance])

    def rays(self, pixels: np.ndarray, canvas: Canvas) -> np.ndarray:
        """Directions [...,3] in model axes through pixels [...,2] of the canvas; one metre of depth long."""
        scale = self.focal * canvas.height
        x, y = (pixels[..., 0] - canvas.width / 2) / scale, (canvas.height / 2 - pixels[..., 1]) / scale
        return np.stack([x, y, -np.ones_like(x)], axis=-1) @ self.axes

    def project(self, points: np.ndarray, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
        """Points [N,3] metres -> pixels [N,2] of the canvas and depth [N] metres."""
        local = (points - np.asarray(self.target)) @ self.axes.T
        depth = self.distance - local[:, 2]
        scale = self.focal * canvas.height / np.maximum(depth, 1e-3)
        return np.stack([canvas.width / 2 + local[:, 0] * scale, canvas.height / 2 - local[:, 1] * scale], axis=1), depth


def frame_camera(shape: BodyShape, canvas: Canvas, framing: str = "full", *, yaw: float = 0.0, pitch: float = 0.0, focal: float = 2.0, shift: tuple[float, float] = (0.0, 0.0), margin: float = 1.0, roll: float = 0.0) -> Camera:  # fmt: skip
    """A camera that shows the whole body with room for gestures ("wide": raised arms, "full"), head to hips ("half") or head and chest ("close")."""
    height = shape.height
    spans = {"wide": (-0.05 * height, 1.16 * height + 0.6 * shape.arm), "full": (-0.05 * height, 1.10 * height), "half": (shape.ankle + 0.78 * shape.leg, height * 1.07), "close": (height - 0.50 * shape.head - 0.10, height + 0.07)}
    low, high = spans[framing]
    need = (high - low) * margin
    width = {"wide": 2.5, "full": 2.0, "half": 1.45, "close": 1.1}[framing] * (shape.arm + shape.shoulder) * (0.8 if framing == "close" else 1.0)
    need = max(need, width * margin * canvas.height / canvas.width * 0.9)
    distance = focal * need
    middle = 0.5 * (low + high) if framing in ("full", "wide") else high - 0.5 * need
    target = (shift[0] * need, middle + shift[1] * need, 0.0)
    return Camera(target, distance, yaw, pitch, focal, roll)
