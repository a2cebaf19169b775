"""The driver's camera is near: limbs towards it look long. Here perspective is measured, taken out and given back.

A perspective is known by its inverse focal length in 1/px ("nearness"; 0 = seen from very far): a point at depth z px behind
the pelvis is seen (1 + z * nearness) times smaller about the picture's centre. Without this, sitting legs and reaching arms
change their lengths with their depth. Not here: lifting (lift.py). Called by lift.py, proportions.py, retarget.py.
Source: pinhole camera; regularised least squares over the clip.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..types import Canvas

if TYPE_CHECKING:
    from .lift import Scene

USUAL_FOCAL, SHORTEST_FOCAL = 1.6, 0.7  # in long sides of the canvas
CANDIDATES = 29
SMALLEST_ERROR = 0.002  # of the body's extent: how far apart picture and metric skeleton are at the very least
MOST_FRAMES = 90
PRIOR_WIDTH = 0.5


def estimate_nearness(points: np.ndarray, world: np.ndarray, confidence: np.ndarray, scale: np.ndarray, canvas: Canvas) -> float:
    """The driver's inverse focal length in 1/px, between 0 and that of a very wide lens.

    points [T,J,2] px, world [T,J,3] metres, confidence [J], scale [T] px per metre. What fits the metric skeleton best,
    drawn to a usual lens as far as the pose (say, standing upright) and the detector's own contradictions leave it open.
    """
    chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_FRAMES)).astype(int))
    points, world, scale = points[chosen], world[chosen], scale[chosen]
    weight = np.clip(confidence, 0.0, 1.0) + 1e-3
    usual = 1.0 / (USUAL_FOCAL * max(canvas))
    candidates = np.linspace(0.0, 1.0 / (SHORTEST_FOCAL * max(canvas)), CANDIDATES)
    spread = np.ptp(world[..., 1], axis=-1).mean() * scale.mean() + 1e-6
    cost = np.array([_misfit(flattened(points, world[..., 2] * scale[:, None], n, canvas), world, weight) for n in candidates])
    error = cost.min() / weight.sum() + (SMALLEST_ERROR * spread) ** 2
    cost = cost / error + ((candidates - usual) / (PRIOR_WIDTH * usual)) ** 2
    best = int(cost.argmin())
    if 0 < best < CANDIDATES - 1:
        below, here, above = cost[best - 1 : best + 2]
        shift = 0.5 * (below - above) / max(below - 2 * here + above, 1e-12)
        return float(candidates[best] + np.clip(shift, -0.5, 0.5) * (candidates[1] - candidates[0]))
    return float(candidates[best])


def _misfit(points: np.ndarray, world: np.ndarray, weight: np.ndarray) -> float:
    """Sum over joints of the squared px that remain when the metric skeleton [T,J,3] is moved and scaled onto points [T,J,2]."""
    share = weight / weight.sum()
    across = points - np.einsum("j,tjc->tc", share, points)[:, None]
    metric = world[..., :2] - np.einsum("j,tjc->tc", share, world[..., :2])[:, None]
    size = np.einsum("j,tjc,tjc->t", share, across, metric) / np.maximum(np.einsum("j,tjc,tjc->t", share, metric, metric), 1e-12)
    rest = across - size[:, None, None] * metric
    return float(np.einsum("j,tjc,tjc->", weight, rest, rest) / len(points))


def flattened(points: np.ndarray, depth: np.ndarray, nearness: float, canvas: Canvas) -> np.ndarray:
    """Picture points [...,2] at depth [...] px behind the pelvis as seen from very far away."""
    centre = np.array([canvas.width / 2, canvas.height / 2])
    return centre + (points - centre) * np.maximum(1.0 + depth * nearness, 0.2)[..., None]


def foreshortened(joints: np.ndarray, nearness: float, canvas: Canvas) -> np.ndarray:
    """Joints [...,J,3] px of a flattened body as the near camera sees them; z stays. Undoes `flattened`."""
    centre = np.array([canvas.width / 2, canvas.height / 2])
    seen = joints.copy()
    seen[..., :2] = centre + (joints[..., :2] - centre) / np.maximum(1.0 + joints[..., 2:] * nearness, 0.2)
    return seen


def flattened_scene(scene: Scene, depth: np.ndarray, head_depth: np.ndarray, nearness: float) -> Scene:
    """A scene whose body points [T,33,2], at depth [T,33] px, hands and face are seen from very far away."""
    if nearness <= 0:
        return scene
    body = flattened(scene.body.astype(np.float64), depth, nearness, scene.canvas)
    size = np.maximum(1.0 + depth[:, [15, 16]] * nearness, 0.2)[:, :, None, None]
    hands = scene.hands.astype(np.float64) * size
    hands[..., :2] += (body[:, [15, 16]] - size[..., 0] * scene.body[:, [15, 16]])[:, :, None]
    size = np.maximum(1.0 + head_depth * nearness, 0.2)[:, None, None]
    head = scene.body[:, [7, 8]].astype(np.float64).mean(1)
    face = scene.face * size
    face[..., :2] += (body[:, [7, 8]].mean(1) - size[:, 0] * head)[:, None]
    return replace(scene, body=body, hands=hands, face=face)
