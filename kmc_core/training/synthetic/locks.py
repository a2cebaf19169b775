"""Hair in locks: each is a bent tube with a chain of its own, which lags, swings and falls, so that locks move one by one.

A lock's chain hangs on springs from where the head and the back would carry it, keeps its length, falls with gravity when the head
leans, and does not go into the head. Not here: which styles have locks (hair.py), lagging cloth (trailing.py).
Source of the chain: follow-the-leader lengths (Müller, Kim, Chentanez 2012, "Fast simulation of inextensible hair and fur").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NODES = 5
STEP_S = 1 / 90
GRAVITY = 9.81
INTO_HEAD_M = 0.004  # how far a lock may be pressed toward the head
_SIDES = 7


class Lock(NamedTuple):
    """path [K,3] from root to tip, radius: of its middle, both head units; flat: how much thinner it is toward the head;
    tone: factor of the hair's colour; rate: swings in a second."""

    path: np.ndarray
    radius: float
    flat: float = 0.65
    tone: float = 1.0
    rate: float = 1.6


class LockMesh(NamedTuple):
    """vertices [N,3] (the first L * NODES are the chains' nodes, in no triangle), triangles [M,3], tone [N];
    lock [N] and share [N] 0 root .. 1 tip of every vertex."""

    vertices: np.ndarray
    triangles: np.ndarray
    tone: np.ndarray
    lock: np.ndarray
    share: np.ndarray


def lock_mesh(locks: list[Lock], rings: int = 9) -> LockMesh:
    """One tube per lock, thin at the root and pointed at the tip; and the nodes of its chain."""
    shares = np.linspace(0, 1, rings)
    profile = np.interp(shares, [0, 0.15, 0.5, 0.8, 1.0], [0.75, 1.0, 1.0, 0.7, 0.08])
    turn = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
    nodes, points, triangles = [], [], []
    count = len(locks) * NODES
    for number, lock in enumerate(locks):
        nodes.append(_along(lock.path, np.linspace(0, 1, NODES)))
        path = _along(lock.path, shares)
        way = np.gradient(path, axis=0)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        outward = path * [1, 0, 1] + [0, 0, 0.012]
        outward -= way * (outward * way).sum(1, keepdims=True)
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
        aside = np.cross(way, outward)
        size = (lock.radius * profile)[:, None, None]
        ring = path[:, None] + size * (lock.flat * np.cos(turn)[:, None] * outward[:, None] + np.sin(turn)[:, None] * aside[:, None])
        first = count + number * rings * _SIDES
        grid = first + np.arange(rings * _SIDES).reshape(rings, _SIDES)
        a, b, c, d = grid[:-1], np.roll(grid[:-1], -1, 1), grid[1:], np.roll(grid[1:], -1, 1)
        triangles += [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)]
        points.append(ring.reshape(-1, 3))
    of = np.arange(len(locks))
    lock = np.concatenate([np.repeat(of, NODES), np.repeat(of, rings * _SIDES)])
    share = np.concatenate([np.tile(np.linspace(0, 1, NODES), len(locks)), np.tile(np.repeat(shares, _SIDES), len(locks))])
    return LockMesh(np.concatenate(nodes + points), np.concatenate(triangles).astype(np.int32), np.array([lock.tone for lock in locks])[lock], lock, share)


def _along(path: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Points at shares of the length of a smooth curve through path [K,3]."""
    from scipy.interpolate import CubicSpline

    fine = CubicSpline(np.arange(len(path)), path)(np.linspace(0, len(path) - 1, 60))
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    return np.stack([np.interp(shares * length[-1], length, fine[:, k]) for k in range(3)], axis=1)


@dataclass(frozen=True)
class Chains:
    """What of a surface hangs on chains. nodes [L,NODES] and vertices [V]: indices into it; lock [V], segment [V] and part [V] 0..1:
    where along which chain a vertex is; rate [L]: swings in a second."""

    nodes: np.ndarray
    vertices: np.ndarray
    lock: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    rate: np.ndarray


def build_chains(mesh: LockMesh, locks: list[Lock], first: int) -> Chains:
    """The chains of a lock mesh whose vertices begin at `first` of the character's surface."""
    nodes = np.arange(len(locks) * NODES).reshape(-1, NODES)
    moving = np.arange(nodes.size, len(mesh.vertices))
    place = mesh.share[moving] * (NODES - 1)
    segment = np.minimum(place.astype(int), NODES - 2)
    return Chains(
        first + nodes, first + moving, mesh.lock[moving], segment, (place - segment)[:, None].astype(np.float32),
        np.array([lock.rate for lock in locks]),
    )  # fmt: skip


class Swing:
    """The chains of one clip; `follow` once per frame in order."""

    def __init__(self, chains: Chains, seconds_per_frame: float) -> None:
        self.chains, self.steps = chains, max(1, round(seconds_per_frame / STEP_S))
        self.step_s = seconds_per_frame / self.steps
        along = np.linspace(0, 1, NODES)[None, :, None]
        self.pull = (2 * np.pi * chains.rate[:, None, None] * (1.6 - 0.6 * along)) ** 2  # stiffer near the root
        self.drag = 2 * 0.28 * np.sqrt(self.pull)
        self.place: np.ndarray | None = None
        self.speed, self.carried = np.zeros((*chains.nodes.shape, 3)), np.zeros((*chains.nodes.shape, 3))

    def follow(self, vertices: np.ndarray, head_turn: np.ndarray, head_place: np.ndarray) -> None:
        """Moves the locks of vertices [N,3] in place; head_turn [3,3] and head_place [3] (of its centre): where the head is."""
        carried = vertices[self.chains.nodes].astype(np.float64)
        if self.place is None:
            self.place, self.carried = carried.copy(), carried
        lean = GRAVITY * 0.5 * (np.array([0.0, -1.0, 0.0]) - head_turn @ [0.0, -1.0, 0.0])
        outward = (carried - head_place) - (carried - head_place) @ head_turn[:, 1:2] * head_turn[:, 1]
        outward /= np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-6)
        for k in range(1, self.steps + 1):
            goal = self.carried + (carried - self.carried) * (k / self.steps)
            self._advance(goal, lean, outward)
        self.carried = carried
        gone = (self.place - carried).astype(vertices.dtype)
        c = self.chains
        vertices[c.vertices] += gone[c.lock, c.segment] * (1 - c.part) + gone[c.lock, c.segment + 1] * c.part

    def _advance(self, goal: np.ndarray, lean: np.ndarray, outward: np.ndarray) -> None:
        """One step of the springs, then lengths and the head put right; the root stays on the head."""
        before = self.place
        speed = self.speed + self.step_s * (self.pull * (goal - before) + lean)
        speed /= 1 + self.step_s * self.drag
        place = before + self.step_s * speed
        place[:, 0] = goal[:, 0]
        links = np.linalg.norm(np.diff(goal, axis=1), axis=-1, keepdims=True)
        for k in range(1, NODES):
            inward = np.minimum(((place[:, k] - goal[:, k]) * outward[:, k]).sum(-1, keepdims=True) + INTO_HEAD_M, 0.0)
            way = place[:, k] - inward * outward[:, k] - place[:, k - 1]
            place[:, k] = place[:, k - 1] + way * (links[:, k - 1] / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-6))
        self.speed, self.place = (place - before) / self.step_s, place
