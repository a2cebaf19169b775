"""Small numeric means that all painters share: colours as arrays, smooth steps, smooth noise by table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def rgb(colour: tuple[float, float, float]) -> np.ndarray:
    """A colour as float32 [3]."""
    return np.array(colour, np.float32)


def smooth_step(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below low, 1 above high, smooth between (low > high reverses)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@lru_cache(maxsize=1)
def _noise_table() -> np.ndarray:
    """Tileable smooth noise 0..1, [512,512] uint8, one feature every 8 cells."""
    coarse = np.random.default_rng(11).random((64, 64)).astype(np.float32)
    fine = np.empty((512, 512), np.float32)
    u = np.arange(512) / 8.0
    k, f = np.floor(u).astype(int), (u % 1.0).astype(np.float32)
    f = f * f * (3 - 2 * f)
    rows = coarse[k] * (1 - f)[:, None] + coarse[(k + 1) % 64] * f[:, None]
    fine = rows[:, k] * (1 - f) + rows[:, (k + 1) % 64] * f
    return (255 * (fine - fine.min()) / np.ptp(fine)).astype(np.uint8)


def surface_noise(x: np.ndarray, y: np.ndarray, z: np.ndarray | float = 0.0, seed: int = 0) -> np.ndarray:
    """Smooth pseudo-random values 0..1 with one feature per unit, float32; looked up in a tile of 64 units."""
    u = (x * 8.0 + (0.0 if np.isscalar(z) else z * 5.5) + seed * 131).astype(np.int32) & 511
    v = (y * 8.0 + (0.0 if np.isscalar(z) else z * 6.0) + seed * 57).astype(np.int32) & 511
    return _noise_table()[v, u].astype(np.float32) * np.float32(1 / 255)
