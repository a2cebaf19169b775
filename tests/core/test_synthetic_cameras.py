"""Cameras that move: the background goes with them exactly, keypoints and flow too, and pairs hand the camera to the alignment."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from kmc_core.motion.orientation import apply_camera, still_camera
from kmc_core.subject.library import build_subject
from kmc_core.training.moving_camera import camera_since, retarget_seen
from kmc_core.training.pairs import keypoints_at
from kmc_core.training.synthetic.background import Background, random_background
from kmc_core.training.synthetic.camera import Camera, frame_camera
from kmc_core.training.synthetic.camera_moves import CameraMove, camera_at, random_move, scene_points, similarity, turned
from kmc_core.training.synthetic.character import Character, build_character
from kmc_core.training.synthetic.designs import random_design
from kmc_core.training.synthetic.motions import MotionPlan
from kmc_core.training.synthetic.moving_backdrop import MovingBackdrop
from kmc_core.training.synthetic.renderer import Scene, SyntheticClip, render_clip
from kmc_core.training.synthetic.sheet import clip_row
from kmc_core.training.synthetic.sitting import seat_for
from kmc_core.types import Canvas

CANVAS = Canvas(160, 128)
MOVES = {
    "pan": CameraMove(pan=0.10), "tilt": CameraMove(tilt=0.04), "slide": CameraMove(slide=0.08), "dolly": CameraMove(dolly=-0.2),
    "zoom": CameraMove(zoom=0.25), "orbit": CameraMove(orbit=0.2), "sway": CameraMove(sway=0.01, seed=4),
}  # fmt: skip


@pytest.fixture(scope="module")
def character() -> Character:
    return build_character(random_design(3, style="soft", build="man"), detail=0.5)


def _base() -> Camera:
    return frame_camera(random_design(3, build="man").shape, CANVAS, "full", pitch=0.08)


def _clip(character: Character, move: CameraMove, name: str = "idle") -> SyntheticClip:
    seat = seat_for(character.design.shape, 0.0, 2) if name == "sit" else None
    scene = Scene(_base(), background=replace(random_background(6), kind="clutter"), grain=0.0, move=move, seat=seat)
    plan = MotionPlan((name,), (0.0,), 3.0, seed=4)
    return render_clip(character, plan, scene, CANVAS, frames=4, fps=6.0, seed=5, keep_depth=True, keep_flow=True)


@pytest.mark.parametrize("name", MOVES)
def test_every_pixel_of_the_background_goes_where_its_way_says(name: str) -> None:
    base = _base()
    cameras = [camera_at(base, MOVES[name], t) for t in (0.0, 0.25, 0.5)]
    backdrop = MovingBackdrop(Background("clutter", random_background(6).colours, 6), base, cameras, CANVAS)
    before, after, way = backdrop.seen(cameras[1]), backdrop.seen(cameras[2]), backdrop.way(cameras[2], cameras[1])
    look = (backdrop.pixels - 0.5 - way).astype(np.float32)
    carried = cv2.remap(before, look[..., 0], look[..., 1], cv2.INTER_LINEAR, borderValue=(-1, -1, -1))
    known = (carried.min(-1) >= 0)[..., None] * np.ones(3, bool)
    assert np.abs(way).max() > 0.5 and known.mean() > 0.8
    assert np.abs(carried - after)[known].mean() < 0.3 * np.abs(before - after)[known].mean()


def test_a_still_camera_sees_the_background_as_it_was_drawn() -> None:
    base = _base()
    backdrop = MovingBackdrop(random_background(6), base, [base, base], CANVAS)
    assert backdrop.seen(base) is backdrop.picture and not backdrop.way(base, base).any()


def test_turning_on_the_spot_keeps_the_camera_where_it_stands() -> None:
    base = _base()
    assert np.allclose(turned(base, 0.2, 0.1, 0.05).place, base.place)
    point = np.array([[0.0, 1.0, -1.0]])
    assert turned(base, 0.1, 0.0).project(point, CANVAS)[0][0, 0] < base.project(point, CANVAS)[0][0, 0]
    assert turned(base, 0.0, 0.1).project(point, CANVAS)[0][0, 1] > base.project(point, CANVAS)[0][0, 1]


def test_pixels_are_found_again_on_the_floor_and_on_the_wall() -> None:
    base = replace(_base(), yaw=0.2)
    pixels = np.array([[20.0, 30.0], [100.5, 150.0], [60.0, 155.0]])
    points = scene_points(base, CANVAS, pixels, -1.6)
    assert np.allclose(base.project(points, CANVAS)[0], pixels, atol=1e-9)
    assert points[0, 2] == pytest.approx(-1.6) and np.allclose(points[1:, 1], 0, atol=1e-9)


def test_the_similarity_of_a_zoom_is_its_size() -> None:
    base = _base()
    found = similarity(base, replace(base, focal=base.focal * 1.2), CANVAS, -1.6)
    assert np.allclose(found[:, :2], 1.2 * np.eye(2), atol=1e-5)
    assert np.allclose(found @ [CANVAS.width / 2, CANVAS.height / 2, 1], [CANVAS.width / 2, CANVAS.height / 2], atol=1e-3)


def test_moves_are_seeded_and_named() -> None:
    moves = [random_move(seed, 1.0) for seed in range(40)]
    assert moves == [random_move(seed, 1.0) for seed in range(40)]
    assert all(not move.is_still and move.words for move in moves) and not CameraMove().words
    assert {kind for kind in MOVES if any(getattr(move, kind) for move in moves)} == set(MOVES)


@pytest.mark.parametrize("name", ["idle", "sit"])
def test_flow_says_where_the_face_went_while_camera_and_figure_move(character: Character, name: str) -> None:
    clip = _clip(character, CameraMove(pan=0.08, zoom=0.1, middle_s=0.3), name)
    assert clip.flow is not None and clip.flow.shape == (4, *CANVAS, 2) and np.isfinite(clip.flow).all()
    assert clip.motion.camera.shape == (4, 2, 3) and np.allclose(clip.motion.camera[0], np.eye(2, 3), atol=1e-4)
    for frame in range(1, 4):
        points = clip.motion.face[frame, :468, :2]
        column, row = np.clip(points.astype(int), 0, [CANVAS.width - 1, CANVAS.height - 1]).T
        moved = points - clip.motion.face[frame - 1, :468, :2]
        assert np.abs(moved).mean() > 0.5
        assert np.abs(clip.flow[frame, row, column] - moved).mean() < 0.15
    row = clip_row(clip, Canvas(80, 64), shown=3)
    assert row.shape == (80, 5 * 64, 3) and row[:, 3 * 64 : 4 * 64].std() > 1 and row[:, 4 * 64 :].max() == 255
    again = _clip(character, CameraMove(pan=0.08, zoom=0.1, middle_s=0.3), name)
    assert np.array_equal(clip.frames, again.frames) and np.array_equal(clip.flow, again.flow)


def test_a_pair_hands_the_camera_to_plate_and_figure(character: Character) -> None:
    clip = _clip(character, CameraMove(pan=0.08, zoom=0.15, middle_s=0.3))
    subject = build_subject([clip.frames[2]], None, masks=[clip.alpha[2] / np.float32(255)], keypoints=[keypoints_at(clip.motion, 2)])
    camera = camera_since(clip.motion.camera, 2)
    assert np.allclose(camera[2], np.eye(2, 3), atol=1e-4)
    moved = retarget_seen(clip.motion, subject, camera)
    still = retarget_seen(clip.motion, subject, still_camera(4))
    assert np.allclose(moved.character.camera, camera) and np.allclose(still.character.camera, still_camera(4))
    seen = apply_camera(camera, moved.character.joints)[..., :2]
    assert np.linalg.norm(seen - still.character.joints[..., :2], axis=-1).max() < 0.02 * max(CANVAS)
    assert np.allclose(moved.body, clip.motion.body, atol=0.05) and np.allclose(moved.hands, clip.motion.hands, atol=0.05)
