"""A forearm seen end-on in the picture: no fan of cloth about its elbow, a clean bare elbow under a short sleeve."""

from __future__ import annotations

import numpy as np
from alignment_figures import standing_view

from kmc_core.alignment.capsules import bone_transform, distance_to_segment, pixel_centres
from kmc_core.alignment.deform import WIDEST, bounded_width, skin
from kmc_core.alignment.forearm import StandIn, draw_bare_elbow, stand_in_share
from kmc_core.alignment.layers import Layer
from kmc_core.alignment.mesh import Mesh, chain_weights
from kmc_core.alignment.part_model import L_ARM, LIMB_JOINTS
from kmc_core.types import Canvas

PICTURE = np.array([[0.0, 0, 0], [0, 100, 0], [15, 95, -90]])  # shoulder, elbow, wrist: the hand points at the camera
CLOTH, SKIN = np.array([0.85, 0.9, 0.9]), np.array([0.7, 0.5, 0.4])


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])


def test_the_picture_s_forearm_is_shown_only_near_the_picture_s_pose() -> None:
    assert stand_in_share(PICTURE, PICTURE) == 0
    assert stand_in_share(turned(PICTURE, 10) + 50, PICTURE) == 0
    for degrees in (-120, -60, 60, 170):  # as foreshortened as in the picture, but bent another way
        bent = PICTURE.copy()
        bent[2] = PICTURE[1] + turned(PICTURE[2:] - PICTURE[1], degrees)[0]
        assert stand_in_share(bent, PICTURE) == 1
    assert stand_in_share(turned(PICTURE, 60), PICTURE) == 1
    assert stand_in_share(PICTURE * [1, 1, 0] + [[0, 0, 0], [0, 0, 0], [60, 0, 0]], PICTURE) == 1


def test_no_limb_grows_wider_than_a_quarter_more() -> None:
    chain = np.array([[32.5, 48.7], [31.1, 82.7], [26.9, 74], [23.2, 70.8]])  # the forearm folds back beside the sleeve
    target = np.array([[33.0, 46], [23, 73], [20, 85], [19, 87]])
    transforms = [bone_transform(chain[i : i + 2], target[i : i + 2], 1.0) for i in range(3)]
    vertices = np.stack(np.meshgrid(np.linspace(23, 41, 19), np.linspace(49, 86, 38)), -1).reshape(-1, 2)
    weights = chain_weights(vertices, chain, np.array([10.0, 4, 6.2]))
    moved = skin(vertices, weights, transforms, chain)
    bounded = bounded_width(vertices, moved, weights, chain, target, WIDEST)

    def width(points: np.ndarray, bones: np.ndarray) -> np.ndarray:
        return np.min([distance_to_segment(points, bones[bone], bones[bone + 1])[0] for bone in range(3)], 0)

    widest = width(vertices, chain).max()
    assert width(moved, target).max() > 2.5 * widest  # the fan
    assert width(bounded, target).max() <= WIDEST * widest + 1e-6
    still = [bone_transform(chain[i : i + 2], chain[i : i + 2], 1.0) for i in range(3)]
    same = skin(vertices, weights, still, chain)
    assert np.allclose(bounded_width(vertices, same, weights, chain, chain, WIDEST), vertices)


def short_sleeve(cloth_share: float) -> tuple[Layer, StandIn, np.ndarray]:
    """An upper arm whose sleeve covers `cloth_share` of it; below, skin with a dark smear and a hole."""
    view = standing_view(Canvas(384, 288))
    start, end = (view.joints[joint, :2].astype(np.float64) for joint in LIMB_JOINTS[L_ARM][:2])
    distance, _ = distance_to_segment(pixel_centres(384, 288), start, end)
    along = ((pixel_centres(384, 288) - start) @ (end - start)) / ((end - start) @ (end - start))
    colour = np.where((along < cloth_share)[..., None], CLOTH, SKIN)
    colour[(along > 0.75) & (along < 0.85)] = (0.25, 0.15, 0.1)
    alpha = (distance < 12).astype(np.float32)
    alpha[(along > 0.9) & (along < 0.97)] = 0
    texture = np.dstack([colour * alpha[..., None], alpha, alpha]).astype(np.float32)
    mesh = Mesh(np.zeros((3, 2)), np.array([[0, 1, 2]]))
    return Layer(L_ARM, (0, 0), texture), StandIn(Layer(L_ARM, (0, 0), texture), np.zeros((2, 2)), mesh, SKIN, 9.0), along


def test_a_bare_elbow_is_whole_and_of_one_colour_and_the_sleeve_stays() -> None:
    layer, stand_in, along = short_sleeve(0.6)
    view = standing_view(Canvas(384, 288))
    drawn = draw_bare_elbow(layer, view, stand_in)
    start, end = (view.joints[joint, :2].astype(np.float64) for joint in LIMB_JOINTS[L_ARM][:2])
    axis = distance_to_segment(pixel_centres(384, 288), start, end)[0] < 5
    below = axis & (along > 0.72) & (along < 1)
    assert drawn.texture[below, 3].min() > 0.95
    assert np.abs(drawn.texture[below, :3] - SKIN).max() < 0.15 and drawn.texture[below, 4].max() < 0.6
    sleeve = along < 0.45
    assert np.allclose(drawn.texture[sleeve], layer.texture[sleeve], atol=1e-5)


def test_long_sleeves_and_bare_arms_keep_the_picture_s_elbow() -> None:
    for share in (1.5, 0.0):
        layer, stand_in, _ = short_sleeve(share)
        assert draw_bare_elbow(layer, standing_view(Canvas(384, 288)), stand_in) is layer
