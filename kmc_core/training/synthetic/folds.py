"""Folds that come and go with the pose: cloth pressed together wrinkles across the pressing, cloth pulled wrinkles along the pull.

The skinned mesh already says where cloth is pressed and pulled: how its metric differs from rest. Four families of ridges, one per
orientation, each as strong as the pressing along it. Source: wrinkle tension fields (Rohmer et al., Animation Wrinkling, 2010).
Not here: lengths of cloth, collisions. Called by character.py (build) and figure_layer.py (every frame).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse

from .noise import surface_noise
from .surface import Surface, among

CLOTH = ("top", "bottom", "coat", "skirt")
SPREAD_M = 0.045  # how far a crease reaches from the joint that makes it
WAVE_M = {"top": 0.052, "bottom": 0.056, "coat": 0.070, "skirt": 0.075}
_ANGLES = np.arange(4) * np.pi / 4  # orientation of each family: across, diagonal, along, other diagonal
_COS, _SIN = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)
_TILE, _CELLS = 1024, 16  # lookup table side and its cells per wave


@dataclass(frozen=True)
class FoldField:
    """vertices [C] cloth vertices of the surface; corners [M,3] into them; inverse [M,2,2] of rest edges in (across, along);
    gather [C,M] averages triangles at vertices; spread [C,C] one step of smoothing, done `steps` times; base [C,4] folds at rest."""

    vertices: np.ndarray
    corners: np.ndarray
    inverse: np.ndarray
    gather: sparse.csr_matrix
    spread: sparse.csr_matrix
    steps: int
    base: np.ndarray

    def at(self, vertices: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """Table [N,7] for posed vertices [N,3]: tangent along the cloth in camera axes (3), strength of the four families."""
        a, b, c = (vertices[self.vertices[self.corners[:, k]]] for k in range(3))
        first, second = b - a, c - a
        across = first * self.inverse[:, 0, 0, None] + second * self.inverse[:, 1, 0, None]
        along = first * self.inverse[:, 0, 1, None] + second * self.inverse[:, 1, 1, None]
        metric = np.stack([(across**2).sum(1) - 1, (along**2).sum(1) - 1, 2 * (across * along).sum(1)], axis=1)
        mixed = self.gather @ np.concatenate([np.clip(metric, -1, 2), along], axis=1).astype(np.float32)
        strain = mixed[:, :3]
        for _ in range(self.steps):
            strain = self.spread @ strain
        longer = strain[:, :1] * _COS**2 + strain[:, 1:2] * _SIN**2 + strain[:, 2:] * (_COS * _SIN)
        pulled = np.roll(longer, 2, axis=1)  # the family whose ridges run along the pull
        strength = self.base + 1.7 * np.clip(-longer - 0.04, 0, 0.5) + 0.9 * np.clip(pulled - 0.08, 0, 0.4)
        table = np.zeros((len(vertices), 7), np.float32)
        table[self.vertices, :3] = mixed[:, 3:] @ axes.T
        table[self.vertices, 3:] = np.minimum(strength, 0.95)
        return table


def build_folds(surface: Surface, loose: float, seed: int) -> FoldField:
    """The field of a joined surface. loose 0..1.5: how much the cloth hangs in folds of its own."""
    chosen = np.flatnonzero(among(surface.material, CLOTH))
    used, corners = np.unique(surface.triangles[chosen], return_inverse=True)
    corners = corners.reshape(-1, 3).astype(np.int32)
    points, height = surface.vertices[used].astype(np.float64), surface.paint[used, 1].astype(np.float64)
    inverse, sound = _rest_inverse(points[corners], height[corners])
    rows, columns = corners.reshape(-1), np.repeat(np.arange(len(corners)), 3)
    gather = sparse.csr_matrix((np.repeat(sound, 3), (rows, columns)), shape=(len(used), len(corners)))
    gather = sparse.diags(1 / np.maximum(np.asarray(gather.sum(1)).ravel(), 1e-9)) @ gather
    spread, step = _smoothing(points, corners)
    base = np.full((len(used), 4), 0.05 + 0.07 * loose, np.float32)
    hanging = np.zeros(len(used), bool)
    hanging[corners[among(surface.material[chosen], ("skirt", "coat"))]] = True
    base[hanging] = np.array([0.40, 0.10, 0.03, 0.10]) * (0.6 + 0.4 * loose)
    x, y, z = (points / 0.16).astype(np.float32).T
    patches = np.stack([surface_noise(x, y, z, seed % 90 + 11 * k) for k in range(4)], axis=1)
    base *= 0.25 + 1.6 * patches**1.5
    steps = int(np.clip(round((SPREAD_M / step) ** 2), 1, 14))
    return FoldField(used, corners, inverse, gather.tocsr().astype(np.float32), spread, steps, base.astype(np.float32))


def _rest_inverse(corner: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse [M,2,2] of each rest triangle's edges in its own (across, along) axes, and 1 where the triangle is sound [M]."""
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    normal = np.cross(first, second)
    area = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = normal / np.maximum(area, 1e-12)
    rise = (height[:, 1] - height[:, 0])[:, None] * np.cross(second, normal) + (height[:, 2] - height[:, 0])[:, None] * np.cross(normal, first)
    steep = np.linalg.norm(rise, axis=1, keepdims=True)
    along = np.where(steep > 0.05 * area, rise / np.maximum(steep, 1e-12), first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12))
    across = np.cross(along, normal)
    dot = lambda u, v: (u * v).sum(1)  # noqa: E731
    a, b, c, d = dot(first, across), dot(second, across), dot(first, along), dot(second, along)
    determinant = a * d - b * c
    sound = np.abs(determinant) > 1e-8
    safe = np.where(sound, determinant, 1.0)
    inverse = np.stack([np.stack([d, -b], 1), np.stack([-c, a], 1)], 1) / safe[:, None, None]
    return (inverse * sound[:, None, None]).astype(np.float32), sound.astype(np.float64)


def _smoothing(points: np.ndarray, corners: np.ndarray) -> tuple[sparse.csr_matrix, float]:
    """Mean over each vertex and its neighbours [C,C], and the typical edge length in metres."""
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    count = len(points)
    near = sparse.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    near.data[:] = 1
    near = near + sparse.identity(count)
    step = float(np.median(np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)))
    return (sparse.diags(1 / np.asarray(near.sum(1)).ravel()) @ near).tocsr().astype(np.float32), step


@lru_cache(maxsize=1)
def _ridges() -> np.ndarray:
    """Tileable ridges [1024,1024,2]: height -0.5..0.5 and its slope across the ridge, one wave per 16 cells of the second axis."""
    rng = np.random.default_rng(29)
    total = np.zeros((_TILE, _TILE), np.float32)
    frequency = np.fft.fftfreq(_TILE) * _TILE
    for wave, share in ((1.0, 1.0), (2.1, 0.30)):
        centre = _TILE / _CELLS * wave / 1.6
        ring = np.exp(-(((np.hypot(frequency[:, None], frequency[None, :]) - centre) / (0.45 * centre)) ** 2))
        total += share * np.fft.ifft2(np.fft.fft2(rng.normal(size=(_TILE, _TILE))) * ring).real.astype(np.float32) / float(ring.std())
    total /= 2.5 * total.std()
    total = 0.5 - np.sqrt(total**2 + 0.02)  # smooth crests pressed to narrow valleys
    total = np.clip(total - total.mean(), -0.5, 0.5)
    slope = (np.roll(total, -1, 1) - np.roll(total, 1, 1)) * (0.5 * _CELLS)
    return np.stack([total, np.clip(slope / 2.2, -1, 1)], axis=-1).astype(np.float32)


def bend(normal: np.ndarray, folds: np.ndarray, paint: np.ndarray, wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normals [P,3] bent by the folds, and ambient light left in their valleys [P]. folds [P,7] from FoldField.at, paint [P,4], wave [P] metres."""
    along = folds[:, :3] - (folds[:, :3] * normal).sum(1, keepdims=True) * normal
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    across = np.cross(along, normal)
    scale = np.float32(_CELLS) / wave
    s, t = (paint[:, 0] + 0.4 * paint[:, 2]) * scale, (paint[:, 1] + 0.3 * paint[:, 2]) * scale
    table, tilt, dip = _ridges(), np.zeros((2, len(normal)), np.float32), np.zeros(len(normal), np.float32)
    for k in range(4):
        strength = folds[:, 3 + k]
        over, beside = s * _COS[k] + t * _SIN[k] + 14.0 * strength, (t * _COS[k] - s * _SIN[k]) * 0.30  # creases creep as they deepen
        found = table[(beside.astype(np.int32) + 211 * k) & (_TILE - 1), (over.astype(np.int32) + 307 * k) & (_TILE - 1)]
        tilt[0] += strength * found[:, 1] * _COS[k]
        tilt[1] += strength * found[:, 1] * _SIN[k]
        dip += strength * found[:, 0]
    bent = normal - tilt[0][:, None] * across - tilt[1][:, None] * along
    return bent / np.linalg.norm(bent, axis=1, keepdims=True), np.clip(1 + 0.5 * dip, 0.6, 1.1)
