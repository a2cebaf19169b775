"""Soft alpha inside a band of unknown pixels, from the colours alone.

Not here: deciding what is foreground (scene_cutout.py, backdrop_cutout.py). Called by picture_matte.py.
Source: Levin, Lischinski, Weiss 2008, "A closed-form solution to natural image matting"; only windows that touch the band
enter the system, which conjugate gradients solve in a fraction of a second.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import cg

EPSILON = 1e-5
"""variance of 0..1 colours below which a 3x3 window counts as flat"""
PRIOR_WEIGHT = 5e-3
TOLERANCE = 1e-3
MOST_ITERATIONS = 150


def solve_alpha(picture: np.ndarray, known: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Alpha float32 [H,W] in 0..1.

    picture float32 [H,W,3] in 0..1; known [H,W]: 0 background, 1 foreground, 0.5 unknown; guess [H,W]: alpha that the
    solution starts from and leans on weakly where colours do not tell.
    """
    unknown = known == 0.5
    alpha = np.where(unknown, guess, known).astype(np.float64)
    count = int(unknown.sum())
    if count == 0:
        return alpha.astype(np.float32)
    touched = cv2.dilate(unknown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    touched[[0, -1]] = touched[:, [0, -1]] = False
    laplacian, pixels = _laplacian(picture.astype(np.float64), touched)
    is_free = unknown.ravel()[pixels]
    free_rows = laplacian[np.flatnonzero(is_free)]
    right_side = -free_rows[:, np.flatnonzero(~is_free)] @ alpha.ravel()[pixels[~is_free]]
    matrix = free_rows[:, np.flatnonzero(is_free)] + diags(np.full(int(is_free.sum()), PRIOR_WEIGHT))
    start = alpha.ravel()[pixels[is_free]]
    right_side = right_side + PRIOR_WEIGHT * start
    inverse_diagonal = diags(1 / np.maximum(matrix.diagonal(), 1e-9))
    solved, _ = cg(matrix, right_side, x0=start, rtol=TOLERANCE, maxiter=MOST_ITERATIONS, M=inverse_diagonal)
    alpha.ravel()[pixels[is_free]] = solved
    return alpha.clip(0, 1).astype(np.float32)


def _laplacian(picture: np.ndarray, centres: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    """Matting Laplacian of the 3x3 windows centred where `centres`; second: flat pixel index of each row."""
    height, width = centres.shape
    ys, xs = np.nonzero(centres)
    shift_y, shift_x = np.mgrid[-1:2, -1:2].reshape(2, 9)
    window = (ys[:, None] + shift_y) * width + xs[:, None] + shift_x
    colours = picture.reshape(-1, 3)[window]
    colours -= colours.mean(1, keepdims=True)
    covariance = np.einsum("kni,knj->kij", colours, colours) / 9 + np.eye(3) * (EPSILON / 9)
    affinity = (1 + np.einsum("kni,kij,kmj->knm", colours, np.linalg.inv(covariance), colours, optimize=True)) / 9
    values = np.eye(9)[None] - affinity
    pixels, local = np.unique(window, return_inverse=True)
    local = local.reshape(window.shape)
    rows, columns = np.repeat(local, 9, axis=1).ravel(), np.tile(local, (1, 9)).ravel()
    size = len(pixels)
    return coo_matrix((values.ravel(), (rows, columns)), shape=(size, size)).tocsr(), pixels
