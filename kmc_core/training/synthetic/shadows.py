"""Shadows the figure throws on itself and on what stands behind it, from its own vertices: a coarse depth map seen from the light.

Vertices lie two centimetres apart, as wide as a soft shadow's rim, so no triangle has to be drawn. Source: shadow maps (Williams 1978)
with percentage-closer filtering (Reeves 1987). Called by figure_layer.py and renderer.py.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...types import Canvas
from .background import WALL_Z
from .camera import Camera

CELL_M = 0.022


def light_left(vertices: np.ndarray, normals: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Direct light left [N] 0..1 at vertices [N,3] with normals [N,3]; light [3]: unit vector toward the light, model axes."""
    side = np.cross(light, [0.0, 1.0, 0.0] if abs(light[1]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(side, light), light], axis=1)
    seen = vertices @ frame
    low = seen[:, :2].min(0) - 4 * CELL_M
    cell = ((seen[:, :2] - low) / CELL_M).astype(np.int32)
    width, height = cell.max(0) + 5
    nearest = np.full(width * height, -10.0, np.float32)
    np.maximum.at(nearest, cell[:, 1] * width + cell[:, 0], seen[:, 2].astype(np.float32))
    nearest = cv2.morphologyEx(nearest.reshape(height, width), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    result = np.zeros(len(vertices), np.float32)
    lit = np.flatnonzero(normals @ light > -0.3)  # what faces away gets no direct light anyhow
    asked = (vertices[lit] + 0.026 * normals[lit]) @ frame
    place = ((asked[:, :2] - low) / CELL_M - 0.5).astype(np.float32)
    column, row = np.clip(np.floor(place[:, 0]).astype(np.int32), 1, width - 3), np.clip(np.floor(place[:, 1]).astype(np.int32), 1, height - 3)
    part = np.clip(place - np.stack([column, row], 1), 0, 1)
    dark = np.zeros(len(lit), np.float32)
    limit = asked[:, 2].astype(np.float32) + 0.03
    for y in range(-1, 3):  # the mean of 3 x 3 cells, the outer ones weighted by where the point lies
        wy = {-1: 1 - part[:, 1], 2: part[:, 1]}.get(y, 1.0)
        for x in range(-1, 3):
            wx = {-1: 1 - part[:, 0], 2: part[:, 0]}.get(x, 1.0)
            dark += (nearest[row + y, column + x] > limit) * (wx * wy)
    result[lit] = 1 - dark / 9
    return result


def thrown_shadow(vertices: np.ndarray, camera: Camera, canvas: Canvas, light: np.ndarray, wall: bool, strength: float) -> np.ndarray:
    """Light left on the background [H,W] float32 0..1 under a figure of vertices [N,3]; light [3] as in light_left; wall: there is one."""
    small = Canvas(max(8, canvas.height // 4), max(8, canvas.width // 4))
    way = vertices[:, 1] / max(float(light[1]), 0.12)
    if wall and light[2] > 0.05:
        way = np.minimum(way, (vertices[:, 2] - WALL_Z) / float(light[2]))
    ground = vertices - np.maximum(way, 0)[:, None] * light
    points, depth = camera.project(ground, small)
    column, row = np.floor(points[:, 0]).astype(np.int64), np.floor(points[:, 1]).astype(np.int64)
    inside = (depth > 0.2) & (column >= 0) & (row >= 0) & (column < small.width) & (row < small.height)
    dark = np.zeros(small.height * small.width, np.float32)
    near = np.exp(-way[inside] / 1.2).astype(np.float32)  # the longer the way, the paler and softer
    np.maximum.at(dark, row[inside] * small.width + column[inside], near)
    dark = cv2.morphologyEx(dark.reshape(small), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    dark = cv2.GaussianBlur(dark, (0, 0), max(1.0, small.height / 60))
    return 1 - strength * cv2.resize(dark, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
