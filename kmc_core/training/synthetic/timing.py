"""How things start, stop and wander over time. Called by every file of motions."""

from __future__ import annotations

import numpy as np

TAU = 2 * np.pi


def ease(t: float | np.ndarray) -> float | np.ndarray:
    """Smooth 0..1."""
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def wobble(t: float, seed: int, count: int, rate: float) -> np.ndarray:
    """Slow smooth noise [count] about -1..1: three sines of seeded phases near `rate` Hz."""
    rng = np.random.default_rng(seed)
    phase, speed = rng.uniform(0, 2 * np.pi, (3, count)), rate * rng.uniform(0.5, 1.5, (3, count))
    return np.sin(2 * np.pi * speed * t + phase).mean(0) * 1.4
