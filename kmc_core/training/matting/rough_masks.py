"""How rough masks go wrong beyond what the stills show: eaten and grown edges, lost and added pieces, no segmentation at all.

Called by dataset.py.
"""

from __future__ import annotations

import cv2
import numpy as np


def damaged_person(person: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Probability float32 [H,W] made worse: smoother, less sure, with pieces missing; rarely gone."""
    dice = generator.random()
    if dice < 0.04:
        return np.zeros_like(person)
    out = person
    if dice < 0.4:
        out = cv2.GaussianBlur(out, (0, 0), float(generator.uniform(1, 6)))
    if generator.random() < 0.3:
        out = out * (1 - generator.uniform(0.3, 1.0) * patches(out.shape, generator))
    if generator.random() < 0.3:
        out = np.clip((out - 0.5) * generator.uniform(0.5, 1.4) + 0.5 + generator.normal(0, 0.08), 0, 1)
    return out.astype(np.float32)


def damaged_cut(analytic: np.ndarray, person: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Cut-out float32 [H,W] made worse: grown, eaten, pieces lost or added along its edge; sometimes the bare segmentation."""
    if generator.random() < 0.12:
        return (cv2.GaussianBlur((person > 0.5).astype(np.float32), (0, 0), 1.0)).astype(np.float32)
    out = analytic
    reach = int(generator.integers(1, 6))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    kind = generator.choice(["kept", "grown", "eaten", "lost", "added"], p=[0.4, 0.15, 0.1, 0.15, 0.2])
    where = patches(out.shape, generator)
    if kind in ("grown", "added"):
        wide = cv2.dilate(out, disc) if kind == "grown" else cv2.dilate(cv2.dilate(out, disc), disc)
        out = np.maximum(out, wide * (where > 0.5))
    elif kind == "eaten":
        out = np.where(where > 0.5, cv2.erode(out, disc), out)
    elif kind == "lost":
        out = out * (where < 0.5)
    return out.astype(np.float32)


def patches(shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Smooth random patches over about a quarter of the picture, float32 [H,W] 0..1."""
    cells = int(generator.integers(3, 12))
    coarse = generator.random((cells + 2, cells + 2)).astype(np.float32)
    field = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip((field - 0.68) * 12, 0, 1)
