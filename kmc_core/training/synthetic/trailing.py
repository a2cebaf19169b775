"""Loose things lag: skirts, coat tails, bobbed hair and untucked hems follow the body a moment later; locks swing (locks.py).

Each loose vertex is drawn toward its place on the body with a time constant, and hangs between the two. Called by renderer.py.
"""

from __future__ import annotations

import numpy as np

from .locks import Chains, Swing
from .skeleton import BodyShape
from .surface import MATERIAL, Surface

LAG_S, FARTHEST_M = 0.09, 0.11


def looseness(surface: Surface, shape: BodyShape, untucked: bool, head_y: float) -> np.ndarray:
    """How freely each vertex hangs [N] 0..1, from what it is made of and how far below its fastening it lies at rest; head_y metres."""
    material = np.full(len(surface.vertices), -1)
    for corner in range(3):
        material[surface.triangles[:, corner]] = surface.material
    y, hip_y = surface.vertices[:, 1], shape.ankle + shape.leg
    below_hips = np.clip((hip_y - y) / (0.8 * shape.leg), 0, 1)
    below_ears = np.clip((head_y - 0.10 * shape.head - y) / (0.20 * shape.head), 0, 1)
    free = np.zeros(len(y), np.float32)
    free[material == MATERIAL["skirt"]] = 0.65
    free[material == MATERIAL["coat"]] = 0.60
    free *= below_hips
    free = np.where(material == MATERIAL["hair"], 0.55 * below_ears, free)
    if untucked:
        hem = np.clip((hip_y + 0.12 * shape.torso - y) / (0.2 * shape.torso), 0, 1)
        free = np.where(material == MATERIAL["top"], 0.15 * hem, free)
    return free.astype(np.float32)


class Trail:
    """Where loose vertices have been, and the chains of locks; one per clip, `follow` once per frame in order."""

    def __init__(self, free: np.ndarray, seconds_per_frame: float, chains: Chains | None = None) -> None:
        self.swing = Swing(chains, seconds_per_frame) if chains is not None else None
        self.loose = np.flatnonzero(free > 0.01)
        self.share = free[self.loose, None]
        self.keep = float(np.exp(-seconds_per_frame / LAG_S))
        self.place: np.ndarray | None = None

    def follow(self, vertices: np.ndarray, head_turn: np.ndarray, head_place: np.ndarray) -> None:
        """Moves the loose ones of vertices [N,3] in place toward where they were, and locks as they swing; head: as in Swing.follow."""
        if self.swing is not None:
            self.swing.follow(vertices, head_turn, head_place)
        now = vertices[self.loose]
        self.place = now if self.place is None else now + (self.place - now) * self.keep
        behind = (self.place - now) * self.share
        length = np.linalg.norm(behind, axis=1, keepdims=True)
        vertices[self.loose] = now + behind * np.minimum(1.0, FARTHEST_M / np.maximum(length, 1e-6))
