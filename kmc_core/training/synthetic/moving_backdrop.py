"""What lies behind the performer, seen by a camera that moves: the picture of background.py hung up on a wall and laid on a floor.

It is drawn once, as far as any camera of the clip sees, and looked up through the floor's and the wall's geometry, so its way from
frame to frame is exact and the feet stay on it. Not here: which way the camera goes (camera_moves.py). Called by renderer.py.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ...types import Canvas
from .background import Background, draw_background, wall_of
from .camera import Camera
from .camera_moves import scene_points

FURTHEST_VIEW = 2.5  # how many times the first picture's width and height are drawn at most; mirrored beyond


class MovingBackdrop:
    """A background for the cameras of one clip."""

    def __init__(self, background: Background, base: Camera, cameras: list[Camera], canvas: Canvas) -> None:
        """base: the camera the background is composed for; cameras: all that will look at it."""
        self.base, self.canvas, self.wall_z = base, canvas, wall_of(background)
        self.moves = any(camera != base for camera in cameras)
        self.reach, self.density = self._needs(cameras) if self.moves else (1.0, 1.0)
        size = self.reach * self.density
        wide = Canvas(round(canvas.height * size), round(canvas.width * size))
        self.picture = draw_background(background, replace(base, focal=base.focal / self.reach), wide)
        y, x = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(np.float64)
        self.pixels = np.stack([x + 0.5, y + 0.5], axis=-1)
        self._looked_at: tuple[Camera, np.ndarray] | None = None

    def seen(self, camera: Camera) -> np.ndarray:
        """The background as `camera` sees it, float32 [H,W,3]."""
        if not self.moves:
            return self.picture
        place = self._in_base(self._points(camera))
        height, width = self.picture.shape[:2]
        scale = height / (self.canvas.height * self.reach)
        look = (place - [self.canvas.width / 2, self.canvas.height / 2]) * scale + [width / 2 - 0.5, height / 2 - 0.5]
        look = look.astype(np.float32)
        return np.clip(cv2.remap(self.picture, look[..., 0], look[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), 0, 1)

    def way(self, camera: Camera, before: Camera) -> np.ndarray:
        """How far every pixel of `camera`'s picture has moved since `before` [H,W,2] px."""
        if camera == before:
            return np.zeros((*self.canvas, 2), np.float32)
        points = self._points(camera)
        earlier = before.project(points.reshape(-1, 3), self.canvas)[0].reshape(self.pixels.shape)
        return (self.pixels - earlier).astype(np.float32)

    def smeared(self, camera: Camera, way: np.ndarray, share: float) -> np.ndarray:
        """As `seen`, mixed over the `share` of its way [H,W,2] that the shutter is open, where that shows."""
        picture = self.seen(camera)
        if share <= 0 or np.abs(way).max() * share < 1.0:
            return picture
        step = way * np.float32(share)
        x, y = self.pixels[..., 0].astype(np.float32) - 0.5, self.pixels[..., 1].astype(np.float32) - 0.5
        moments = [cv2.remap(picture, x + s * step[..., 0], y + s * step[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for s in (-0.4, -0.2, 0.2, 0.4)]
        return (picture + sum(moments)) / 5

    def _points(self, camera: Camera) -> np.ndarray:
        """What every pixel of a camera sees; kept until another looks."""
        if self._looked_at is None or self._looked_at[0] != camera:
            self._looked_at = camera, scene_points(camera, self.canvas, self.pixels, self.wall_z)
        return self._looked_at[1]

    def _in_base(self, points: np.ndarray) -> np.ndarray:
        return self.base.project(points.reshape(-1, 3), self.canvas)[0].reshape(*points.shape[:-1], 2)

    def _needs(self, cameras: list[Camera]) -> tuple[float, float]:
        """How much more than the base camera's picture is seen, and how many times as finely."""
        y, x = np.meshgrid(np.linspace(0, self.canvas.height, 5), np.linspace(0, self.canvas.width, 5), indexing="ij")
        grid = np.stack([x, y], axis=-1)
        half = np.array([self.canvas.width, self.canvas.height]) / 2
        reach, density = 1.0, 1.0
        for camera in cameras:
            place = self._in_base(scene_points(camera, self.canvas, grid, self.wall_z))
            reach = max(reach, float(np.abs((place - half) / half).max()))
            step = np.linalg.norm(place[:, 1:] - place[:, :-1], axis=-1).mean() / (x[0, 1] - x[0, 0])
            density = max(density, 1 / max(float(step), 1e-3))
        return min(reach * 1.02, FURTHEST_VIEW), min(density, 1.6)
