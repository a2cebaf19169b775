"""The one mesh type of the synthetic room: a skinned, painted triangle surface, and how surfaces are joined.

Not here: how surfaces are shaped (body.py, head.py, ...) or coloured (paint.py). Called by character.py and renderer.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .skeleton import BONES

# what a triangle is made of; paint.py turns it into colour
MATERIALS = ("skin", "face", "eye", "teeth", "mouth", "hair", "top", "bottom", "shoe", "sole", "coat", "accessory", "sock", "skirt", "shell", "fur")
MATERIAL = {name: k for k, name in enumerate(MATERIALS)}


def among(material: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """True where material ids [P] are one of the named materials."""
    table = np.zeros(len(MATERIALS), bool)
    table[[MATERIAL[name] for name in names]] = True
    return table[material]


# what the outline pass and the network call a part: 0 torso, 1 head, 2/3 arms, 4/5 legs, 6 hair, 7 skirt
TORSO, HEAD, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG, HAIR, SKIRT = range(8)


@dataclass
class Surface:
    """vertices [N,3] rest metres; triangles [M,3]; weights [N,B]; material [M]; part [M]; paint [N,4] paint coordinates; shade [N] 0..1 occlusion light."""

    vertices: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray
    material: np.ndarray
    part: np.ndarray
    paint: np.ndarray
    shade: np.ndarray

    @staticmethod
    def build(vertices: np.ndarray, triangles: np.ndarray, weights: np.ndarray, material: str, part: int | np.ndarray, paint: np.ndarray | None = None) -> Surface:
        """A surface of one material; `paint` defaults to the rest position."""
        count = len(triangles)
        coordinates = np.zeros((len(vertices), 4), np.float32)
        source = vertices if paint is None else paint
        coordinates[:, : source.shape[1]] = source
        return Surface(
            vertices.astype(np.float32), triangles.astype(np.int32), weights.astype(np.float32),
            np.full(count, MATERIAL[material], np.int32), np.broadcast_to(np.asarray(part, np.int32), (count,)).copy(),
            coordinates, np.ones(len(vertices), np.float32),
        )  # fmt: skip

    def keep_triangles(self, keep: np.ndarray) -> Surface:
        """The surface with only the triangles where keep [M] is true; unused vertices are dropped."""
        triangles = self.triangles[keep]
        used = np.unique(triangles)
        renumber = np.full(len(self.vertices), -1, np.int32)
        renumber[used] = np.arange(len(used))
        return Surface(
            self.vertices[used], renumber[triangles], self.weights[used], self.material[keep], self.part[keep], self.paint[used], self.shade[used]
        )


def join(surfaces: list[Surface]) -> Surface:
    """All surfaces as one, in order."""
    offsets = np.cumsum([0] + [len(s.vertices) for s in surfaces[:-1]])
    return Surface(
        np.concatenate([s.vertices for s in surfaces]),
        np.concatenate([s.triangles + o for s, o in zip(surfaces, offsets, strict=True)]).astype(np.int32),
        np.concatenate([s.weights for s in surfaces]),
        np.concatenate([s.material for s in surfaces]),
        np.concatenate([s.part for s in surfaces]),
        np.concatenate([s.paint for s in surfaces]),
        np.concatenate([s.shade for s in surfaces]),
    )


def normal_operator(triangles: np.ndarray, count: int) -> sparse.csr_matrix:
    """Sparse [count, M] matrix that sums the normals of the triangles around every vertex."""
    rows = triangles.reshape(-1)
    columns = np.repeat(np.arange(len(triangles)), 3)
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(count, len(triangles)))


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray, operator: sparse.csr_matrix) -> np.ndarray:
    """Area-weighted unit normals [N,3] of vertices [N,3]."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    total = operator @ np.cross(b - a, c - a)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def one_bone(count: int, bone: int) -> np.ndarray:
    """Weights [count, B] that follow one bone rigidly."""
    weights = np.zeros((count, len(BONES)), np.float32)
    weights[:, bone] = 1.0
    return weights
