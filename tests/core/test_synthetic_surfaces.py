"""Procedural solids, the rasteriser, the head grid and the bones, against slow or closed-form references."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.training.synthetic.body import body_field, body_solids, skin_weights
from kmc_core.training.synthetic.face_attachment import attachment_table, grid_weights
from kmc_core.training.synthetic.hair import STYLES, hair_mesh
from kmc_core.training.synthetic.head import CONTROLS, FaceShape, build_head, deform
from kmc_core.training.synthetic.implicit import DistanceGrid, Ellipsoid, Tube
from kmc_core.training.synthetic.posing import PoseGoals, pose_bones
from kmc_core.training.synthetic.raster import rasterise
from kmc_core.training.synthetic.skeleton import BONE, FINGER_BONES, BodyShape, hand_joints, rest_joints, two_bone


def _signed_volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (vertices[triangles[:, k]].astype(float) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_a_sphere_becomes_a_closed_mesh_of_its_own_volume() -> None:
    grid = DistanceGrid(np.full(3, -0.3), np.full(3, 0.3), 0.02).add(Ellipsoid(np.zeros(3), (0.2, 0.2, 0.2)), 0.0)
    vertices, triangles = grid.mesh()
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).all()
    assert _signed_volume(vertices, triangles) == pytest.approx(4 / 3 * np.pi * 0.2**3, rel=0.03)


def test_a_tube_measures_true_distances_beside_its_axis() -> None:
    tube = Tube(np.zeros(3), np.array([0.0, 1.0, 0.0]), (0.1, 0.2))
    x, y, z = np.array([0.5, -0.5]), np.array([0.5, 0.0]), np.zeros(2)
    assert np.allclose(tube.distance(x, y, z), [0.35, 0.4], atol=1e-6)


def _plain_raster(points: np.ndarray, depth: np.ndarray, triangles: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    nearest, index = np.full((height, width), np.inf), np.full((height, width), -1)
    for number, (a, b, c) in enumerate(triangles):
        p, q, r = points[a], points[b], points[c]
        area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        if area >= 0:
            continue
        for row in range(height):
            for column in range(width):
                s = np.array([column + 0.5, row + 0.5])
                weights = [((v[0] - u[0]) * (s[1] - u[1]) - (v[1] - u[1]) * (s[0] - u[0])) / area for u, v in ((q, r), (r, p), (p, q))]
                if min(weights) > 0:
                    z = weights[0] * depth[a] + weights[1] * depth[b] + weights[2] * depth[c]
                    if z < nearest[row, column]:
                        nearest[row, column], index[row, column] = z, number
    return nearest, index


def test_the_rasteriser_agrees_with_a_pixel_by_pixel_loop() -> None:
    rng = np.random.default_rng(3)
    points, depth = rng.uniform(-4, 28, (24, 2)), rng.uniform(1, 3, 24)
    triangles = rng.integers(0, 24, (30, 3))
    triangles = triangles[[len(set(t)) == 3 for t in triangles.tolist()]]
    nearest, index = _plain_raster(points, depth, triangles, 20, 24)
    visible = rasterise(points, depth, triangles, 20, 24)
    found = np.full(20 * 24, -1)
    found[visible.pixel] = visible.triangle
    assert (found.reshape(20, 24) == index).mean() > 0.995
    assert np.allclose(visible.depth, nearest.reshape(-1)[visible.pixel], atol=1e-4)
    assert np.allclose(visible.weights.sum(1), 1, atol=1e-5)


def test_tiny_triangles_far_from_the_origin_keep_their_depth() -> None:
    points = np.array([[4000.2, 3000.2], [4000.9, 3000.9], [4000.9, 3000.1]])
    visible = rasterise(points, np.array([2.0, 2.0, 2.0]), np.array([[0, 1, 2]]), 3100, 4100)
    assert len(visible.pixel) == 1 and abs(float(visible.depth[0]) - 2.0) < 1e-4


def test_skin_weights_sum_to_one_and_keep_to_their_side() -> None:
    solids = body_solids(BodyShape())
    vertices, _ = body_field(solids, 0.03).mesh()
    weights = skin_weights(solids, vertices)
    assert np.allclose(weights.sum(1), 1, atol=1e-4) and weights.min() >= -1e-6
    far_left = vertices[:, 0] > 0.06
    assert weights[far_left][:, [BONE["right_forearm"], BONE["right_shin"], BONE["right_thigh"]]].max() < 1e-3


def test_posing_keeps_every_bone_length() -> None:
    shape, goals = BodyShape(), PoseGoals()
    rest = rest_joints(shape)
    goals.wrists[0], goals.ankles[1] = [0.3, 0.6, 0.2], [0.1, 0.3, 0.3]
    _, places = pose_bones(shape, rest, goals)
    for first, second in (("left_upper_arm", "left_forearm"), ("left_forearm", "left_hand"), ("right_thigh", "right_shin"), ("right_shin", "right_foot")):
        length = np.linalg.norm(rest[BONE[first]] - rest[BONE[second]])
        assert np.linalg.norm(places[BONE[first]] - places[BONE[second]]) == pytest.approx(length, rel=1e-6)


def test_two_bone_reach_meets_targets_within_reach() -> None:
    target = np.array([0.2, -0.3, 0.1])
    first, second, hinge = two_bone(np.zeros(3), target, np.array([0.0, 0.0, -1.0]), 0.28, 0.25)
    assert np.allclose(first * 0.28 + second * 0.25, target, atol=1e-6)
    assert abs(hinge @ first) < 1e-6 and abs(hinge @ second) < 1e-6


def test_hands_mirror_each_other_and_curl_toward_the_palm() -> None:
    shape, goals = BodyShape(), PoseGoals()
    points = hand_joints(shape)
    assert np.allclose(points[0] * [-1, 1, 1], points[1])
    goals.curls[:] = 1.0
    _, places = pose_bones(shape, rest_joints(shape), goals)
    tip, root = places[FINGER_BONES[0, 2, 2]], places[FINGER_BONES[0, 2, 0]]
    assert np.linalg.norm(tip - root) < 0.7 * np.linalg.norm(points[0, 11] - points[0, 9])


@pytest.mark.parametrize("detail", [0.6, 1.0])
def test_lids_close_over_the_eyes_and_open_again(detail: float) -> None:
    grid = build_head(FaceShape(), detail)
    table = attachment_table()
    assert table is not None
    vertices, weights = grid_weights(grid.row_marks, grid.column_marks, grid.above, grid.below, table)

    def gaps(**values: float) -> tuple[float, float]:
        controls = np.array([values.get(name, 0.0) for name in CONTROLS])
        points = np.einsum("pk,pkc->pc", weights, deform(grid, controls)[vertices])
        return float(points[159, 1] - points[145, 1]), float(points[13, 1] - points[14, 1])

    assert gaps()[0] < 0.002 < 0.006 < gaps(open_right=1.0)[0]
    assert gaps()[1] < 0.004 and gaps(jaw=1.0)[1] > 0.015


def test_attachments_are_mirror_symmetric() -> None:
    table = attachment_table()
    assert table is not None and table.shape == (468, 2)
    for left, right in ((263, 33), (362, 133), (291, 61), (454, 234)):
        assert np.allclose(table[left], table[right] * [-1, 1], atol=1e-3)


def test_every_hair_style_is_a_mesh() -> None:
    for style in STYLES[1:]:
        mesh = hair_mesh(style, 1, 0.010)
        assert mesh is not None and len(mesh[1]) > 100 and np.isfinite(mesh[0]).all()
