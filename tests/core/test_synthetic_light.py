"""Folds that follow the pose and shadows that follow the light."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.training.synthetic.camera import frame_camera
from kmc_core.training.synthetic.character import Character, build_character
from kmc_core.training.synthetic.designs import random_design
from kmc_core.training.synthetic.fabrics import PATTERNS, Fabric, fabric_colour
from kmc_core.training.synthetic.folds import bend
from kmc_core.training.synthetic.posing import PoseGoals
from kmc_core.training.synthetic.renderer import pose_character
from kmc_core.training.synthetic.shadows import light_left, thrown_shadow
from kmc_core.training.synthetic.skeleton import BONE
from kmc_core.training.synthetic.surface import among
from kmc_core.types import Canvas


@pytest.fixture(scope="module")
def character() -> Character:
    return build_character(random_design(12, style="soft", build="man"), detail=0.6)


def _strength(character: Character, goals: PoseGoals, joint: str, radius: float) -> float:
    """Mean fold strength of the cloth that lies around a joint at rest."""
    table = character.folds.at(pose_character(character, goals).vertices, np.eye(3))
    near = np.linalg.norm(character.surface.vertices - character.rest[BONE[joint]], axis=1) < radius
    cloth = near & (np.linalg.norm(table[:, :3], axis=1) > 0.5)
    assert cloth.sum() > 20
    return float(table[cloth, 3:].mean())


def test_a_bent_knee_creases_its_trousers_and_not_the_other_leg(character: Character) -> None:
    straight, bent = PoseGoals(), PoseGoals()
    bent.ankles[0] = [0.0, 0.45, 0.25]
    gain = {side: _strength(character, bent, f"{side}_shin", 0.12) - _strength(character, straight, f"{side}_shin", 0.12) for side in ("left", "right")}
    assert gain["left"] > 0.04 and abs(gain["right"]) < 0.25 * gain["left"]


def test_folds_bend_normals_by_their_strength_only() -> None:
    rng = np.random.default_rng(0)
    normal = np.tile(np.array([0.0, 0.0, 1.0], np.float32), (500, 1))
    paint, wave = rng.uniform(-0.3, 0.3, (500, 4)).astype(np.float32), np.full(500, 0.05, np.float32)
    folds = np.zeros((500, 7), np.float32)
    folds[:, 1] = 1.0
    flat, light = bend(normal, folds, paint, wave)
    assert np.allclose(flat, normal) and np.allclose(light, 1)
    folds[:, 3] = 0.6  # pressed across: ridges run up, normals turn sideways
    bent, light = bend(normal, folds, paint, wave)
    assert np.allclose(np.linalg.norm(bent, axis=1), 1, atol=1e-5) and light.min() < 0.95
    assert np.abs(bent[:, 0]).mean() > 0.1 and np.abs(bent[:, 1]).max() < 1e-5


def test_a_ball_before_a_board_darkens_what_lies_behind_it() -> None:
    x, y = np.meshgrid(np.arange(-0.6, 0.6, 0.02), np.arange(-0.6, 0.6, 0.02))
    board = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], 1)
    way = np.random.default_rng(1).normal(size=(600, 3))
    ball = way / np.linalg.norm(way, axis=1, keepdims=True)
    points = np.concatenate([board, 0.15 * ball + [0.0, 0.0, 0.5]])
    normals = np.concatenate([np.tile([0.0, 0.0, 1.0], (len(board), 1)), ball])
    light = np.array([0.6, 0.0, 0.8])
    left = light_left(points, normals, light)[: len(board)]
    shadow = np.linalg.norm(board - [-0.375, 0.0, 0.0], axis=1)
    assert left[shadow < 0.08].max() < 0.2 and left[np.abs(board[:, 0] + 0.375) > 0.3].min() > 0.95


def test_the_shadow_on_the_floor_lies_away_from_the_light(character: Character) -> None:
    canvas = Canvas(160, 240)
    camera = frame_camera(character.design.shape, canvas, "wide", pitch=0.3)
    vertices = pose_character(character, PoseGoals()).vertices
    light = np.array([0.8, 0.6, 0.0])
    left = thrown_shadow(vertices, camera, canvas, light, wall=False, strength=0.5)
    assert left.min() > 0.45 and left[:, : canvas.width // 2].mean() < left[:, canvas.width // 2 :].mean() - 0.005


def test_cloth_finer_than_a_pixel_fades_into_its_mean() -> None:
    rng = np.random.default_rng(2)
    p = np.column_stack([rng.uniform(-0.2, 0.2, (4000, 2)), np.full(4000, 0.1), np.zeros(4000)]).astype(np.float32)
    for pattern in PATTERNS:
        fabric = Fabric((0.2, 0.4, 0.5), (0.8, 0.7, 0.6), pattern, 0.05, "words", seed=3)
        near, far = fabric_colour(fabric, p, 0.001), fabric_colour(fabric, p, 0.03)
        assert near.shape == (4000, 3) and np.isfinite(near).all() and -0.3 < near.min() and near.max() < 1.4, pattern
        assert far.std(0).max() < near.std(0).max() + 0.02, pattern
    assert fabric_colour(Fabric((0.2, 0.4, 0.5), (0.8, 0.7, 0.6), "knit"), p, 0.02).std(0).max() < 0.5 * fabric_colour(Fabric((0.2, 0.4, 0.5), (0.8, 0.7, 0.6), "knit"), p, 0.001).std(0).max()


def test_what_is_sewn_on_a_garment_is_on_its_front() -> None:
    y = np.linspace(-0.3, 0.1, 400)
    front = np.column_stack([0 * y, y, 0 * y + 0.1, 0 * y]).astype(np.float32)
    back = front * np.array([1, 1, -1, 1], np.float32)
    for details in ("shirt", "zip", "lanyard"):
        fabric = Fabric((0.6, 0.3, 0.3), (0.9, 0.9, 0.9), details=details)
        assert np.allclose(fabric_colour(fabric, back), (0.6, 0.3, 0.3)), details
        assert not np.allclose(fabric_colour(fabric, front), (0.6, 0.3, 0.3)), details


def test_patterns_run_round_the_body_without_a_jump() -> None:
    surface = build_character(random_design(12, style="soft", build="man"), detail=0.6).surface
    cloth = among(surface.material, ("top", "bottom"))
    corners = surface.paint[surface.triangles[cloth], 0]
    edge = np.linalg.norm(surface.vertices[surface.triangles[cloth, 0]] - surface.vertices[surface.triangles[cloth, 1]], axis=1)
    assert (np.ptp(corners, axis=1) > 6 * edge + 0.01).mean() < 0.02
