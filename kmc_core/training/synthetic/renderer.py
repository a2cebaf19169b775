"""Renders a character in motion and hands back the frames with their exact truth.

Doors: `render_frame` (one picture), `render_clip` (SyntheticClip). Called by pairs.py, performer.py, default_character.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...types import Canvas, HolisticMotion, PictureKeypoints
from .accessories import gripping
from .background import Background, ground_shadow
from .camera import Camera
from .camera_moves import CameraMove, camera_at, similarity, sky_to_axes
from .character import Character
from .exposure import smear, way_of_pixels
from .figure_layer import paint_figure
from .head import CONTROLS, deform
from .landmarks import FrameTruth, frame_truth, motion_of, picture_keypoints_of
from .motions import MotionPlan, goals_at
from .moving_backdrop import MovingBackdrop
from .posing import PoseGoals, place_face, pose_bones, reach_floor
from .raster import rasterise
from .shading import Light, brush
from .shadows import thrown_shadow
from .sitting import Seat, draw_seat
from .skeleton import BONE
from .surface import vertex_normals
from .trailing import Trail


@dataclass(frozen=True)
class Scene:
    """What surrounds a performer: camera, light (as the camera sees it before it moves), background; grain: noise in grey levels
    of 255; exposure_s: how long the shutter is open; move: how the camera moves; seat: what there is to sit on."""

    camera: Camera
    light: Light = Light()
    background: Background = Background()
    grain: float = 1.5
    outline_px: float = 1.0
    exposure_s: float = 0.0
    move: CameraMove = CameraMove()
    seat: Seat | None = None


@dataclass(frozen=True)
class Posed:
    """A character at one instant: vertices [N,3], normals [N,3], bone turns and places, model axes."""

    vertices: np.ndarray
    normals: np.ndarray
    turns: np.ndarray
    places: np.ndarray
    controls: np.ndarray


class Earlier(NamedTuple):
    """The frame before: vertices [N,3] metres and the camera then; share of the time since that the shutter is open (0: no blur)."""

    vertices: np.ndarray
    camera: Camera
    share: float


@dataclass(frozen=True)
class SyntheticClip:
    """frames uint8 [T,H,W,3]; alpha uint8 [T,H,W]; depth float32 [T,H,W] metres (0 = nothing) or None; motion: exact truth, its camera too;
    reference: a still of the same character in a plain pose, seen as the first frame is, with its exact keypoints and alpha; caption;
    flow float32 [T,H,W,2] or None: px that what a pixel shows has moved since the frame before (before the clip, for the first);
    has_fingers: whether its hands are more than mittens."""

    frames: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray | None
    motion: HolisticMotion
    reference: np.ndarray
    reference_alpha: np.ndarray
    reference_keypoints: PictureKeypoints
    caption: str
    flow: np.ndarray | None = None
    has_fingers: bool = True


@dataclass(frozen=True)
class RenderedFrame:
    """rgb float32 [H,W,3] 0..1 over the background; alpha [H,W]; depth [H,W] metres (0 = nothing); truth of this frame;
    flow [H,W,2]: px moved since the frame before, where the figure is (None without one)."""

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    truth: FrameTruth
    flow: np.ndarray | None = None


def pose_character(character: Character, goals: PoseGoals, grounded: bool = True, trail: Trail | None = None) -> Posed:
    """Skins the character. grounded: feet are lifted out of the floor when they sink; trail: what hangs loose, moved on by a frame."""
    shape, rest = character.design.shape, character.rest
    goals = gripping(character.design.extras, character.design.extras_side, goals)
    turns, places = pose_bones(shape, rest, goals)
    place_face(turns, places, rest, character.eye_centres, goals)
    if grounded:
        sink = min(reach_floor(shape, turns, places, rest), 0.0)
        places[:, 1] -= sink
    surface = character.surface
    points = surface.vertices.copy()
    face = deform(character.head, goals.face)
    points[character.head_range] = character.head_origin + face * shape.head
    offset = places - np.einsum("bij,bj->bi", turns, rest)
    matrices = np.concatenate([turns.reshape(len(turns), 9), offset], axis=1).astype(np.float32)
    mixed = surface.weights @ matrices
    vertices = np.einsum("nij,nj->ni", mixed[:, :9].reshape(-1, 3, 3), points) + mixed[:, 9:]
    if trail is not None:
        head = BONE["head"]
        trail.follow(vertices, turns[head], places[head] + turns[head] @ (character.head_origin - rest[head]))
    return Posed(vertices, vertex_normals(vertices, surface.triangles, character.normals), turns, places, goals.face)


def render_frame(character: Character, posed: Posed, scene: Scene, canvas: Canvas, backdrop: np.ndarray, *, oversample: int = 2, earlier: Earlier | None = None) -> RenderedFrame:
    """One picture. backdrop: float32 [H,W,3] from draw_background. oversample: samples per pixel side (area-averaged)."""
    fine = Canvas(canvas.height * oversample, canvas.width * oversample)
    points, depth = scene.camera.project(posed.vertices, fine)
    surface = character.surface
    visible = rasterise(points, depth, surface.triangles, fine.height, fine.width, character.two_sided)
    layer, coarse = paint_figure(character, posed, scene.camera, scene.light, scene.outline_px, visible, canvas, oversample)
    flow = None
    if earlier is not None:
        moved = points / oversample - earlier.camera.project(earlier.vertices, canvas)[0]
        flow = way_of_pixels(moved, surface.triangles, visible, canvas, oversample)
        layer = smear(layer, coarse, flow * earlier.share) if earlier.share > 0 else layer
    alpha = layer[..., 3]
    feet = posed.places[[BONE["left_foot"], BONE["right_foot"], BONE["pelvis"]]] - [0, 0.07, 0]
    size = character.design.shape
    left = ground_shadow(feet, np.array([0.13 * size.foot, 0.13 * size.foot, 0.34]), scene.camera, canvas, scene.camera.axes.T @ np.array(scene.light.direction), 0.38)
    toward = scene.camera.axes.T @ np.asarray(scene.light.direction) / np.linalg.norm(scene.light.direction)
    left = np.minimum(left, thrown_shadow(posed.vertices, scene.camera, canvas, toward, scene.background.kind != "outdoor", 0.45 * scene.light.hardness))
    rgb = layer[..., :3] + backdrop * left[..., None] * (1 - alpha)[..., None]
    if character.design.style == "painterly":
        rgb = rgb * (1 - alpha[..., None]) + brush(rgb, alpha, character.design.hair_seed) * alpha[..., None]
    truth = frame_truth(character, posed, scene.camera, canvas, coarse)
    return RenderedFrame(np.clip(rgb, 0, 1), alpha, coarse, truth, flow)


def render_clip(character: Character, plan: MotionPlan, scene: Scene, canvas: Canvas, *, frames: int = 24, fps: float = 24.0, seed: int = 0, oversample: int = 2, keep_depth: bool = False, keep_flow: bool = False, start_s: float = 0.0, goals_of: Callable[[float], PoseGoals] | None = None) -> SyntheticClip:  # fmt: skip
    """A clip with exact truth. Same arguments, same bits. goals_of(t) replaces the plan when given; the camera moves with t too."""
    rng = np.random.default_rng([seed, 19])
    times = start_s + np.arange(-1, frames) / fps
    cameras = [camera_at(scene.camera, scene.move, float(t)) for t in times]
    backdrop = MovingBackdrop(scene.background, scene.camera, cameras, canvas)
    noise = rng.normal(0, scene.grain / 255, (canvas.height + 32, canvas.width + 32, 1)).astype(np.float32)
    goals_of = goals_of or (lambda t: goals_at(plan, t))
    pictures, alphas, depths, truths, flows = [], [], [], [], []
    trail = Trail(character.loose, 1 / fps, character.chains)
    before = pose_character(character, goals_of(float(times[0])), trail=trail).vertices
    for k in range(1, frames + 1):
        posed = pose_character(character, goals_of(float(times[k])), trail=trail)
        earlier = Earlier(before, cameras[k - 1], scene.exposure_s * fps) if keep_flow or scene.exposure_s > 0 else None
        seen, behind, way = surroundings(scene, backdrop, cameras[k], cameras[k - 1] if earlier is not None else cameras[k], scene.exposure_s * fps, canvas)
        frame = render_frame(character, posed, seen, canvas, behind, oversample=oversample, earlier=earlier)
        before = posed.vertices
        pictures.append(_develop(frame.rgb, noise, rng))
        alphas.append((frame.alpha * 255 + 0.5).astype(np.uint8))
        depths.append(frame.depth if keep_depth else None)
        flows.append(np.where((frame.depth > 0)[..., None], frame.flow, way) if keep_flow else None)
        truths.append(frame.truth)
    posed = pose_character(character, reference_goals(seed))
    seen, behind, _ = surroundings(scene, backdrop, cameras[1], cameras[1], 0.0, canvas)
    still = render_frame(character, posed, seen, canvas, behind, oversample=oversample)
    motion = motion_of(truths, fps, canvas, np.stack(alphas))
    if not scene.move.is_still:
        motion = replace(motion, camera=np.stack([similarity(cameras[1], camera, canvas, backdrop.wall_z) for camera in cameras[1:]]))
    return SyntheticClip(
        np.stack(pictures), np.stack(alphas), np.stack(depths) if keep_depth else None, motion, _develop(still.rgb, noise, rng),
        (still.alpha * 255 + 0.5).astype(np.uint8), picture_keypoints_of(still.truth), _caption(character, scene), np.stack(flows) if keep_flow else None,
        character.design.kind in ("person", "robot"),
    )  # fmt: skip


def surroundings(scene: Scene, backdrop: MovingBackdrop, camera: Camera, before: Camera, share: float, canvas: Canvas) -> tuple[Scene, np.ndarray, np.ndarray]:
    """The scene as a camera of the clip sees it, what is behind the performer [H,W,3], and its way since the camera before [H,W,2].

    share: of the time since then that the shutter is open.
    """
    light = replace(scene.light, direction=sky_to_axes(scene.camera, camera, scene.light.direction)) if camera != scene.camera else scene.light
    way = backdrop.way(camera, before)
    behind = backdrop.smeared(camera, way, share)
    if scene.seat is not None:
        place, radius = scene.seat.footprint
        behind = behind * ground_shadow(place[None], np.array([radius]), camera, canvas, camera.axes.T @ np.array(light.direction), 0.35)[..., None]
        behind, depth, seat_way = draw_seat(scene.seat, behind, camera, before, light, canvas)
        way = np.where((depth > 0)[..., None], seat_way, way)
    return replace(scene, camera=camera, light=light), behind, way


def _caption(character: Character, scene: Scene) -> str:
    words = [f"{character.design.caption} in {scene.background.words}", scene.light.words, scene.move.words]
    if scene.seat is not None:
        words.insert(1, scene.seat.words)
    return ", ".join(word for word in words if word)


def _develop(rgb: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    h, w = rgb.shape[:2]
    y, x = rng.integers(0, noise.shape[0] - h + 1), rng.integers(0, noise.shape[1] - w + 1)
    return (np.clip(rgb + noise[y : y + h, x : x + w], 0, 1) * 255 + 0.5).astype(np.uint8)


def reference_goals(seed: int) -> PoseGoals:
    """A quiet stance facing the camera, arms a little away, eyes open: how a character picture usually looks."""
    from .arm_poses import ARM_POSES, set_arm

    rng = np.random.default_rng([seed, 23])
    goals = PoseGoals()
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES[str(rng.choice(["away", "away", "hang", "hip", "wave", "present"]))])
        goals.ankles[side] += [rng.uniform(0.02, 0.10), 0, 0]
    goals.heading = float(rng.normal() * 0.15)
    goals.head += rng.normal(0, 0.08, 3)
    goals.face[CONTROLS.index("smile_left")] = goals.face[CONTROLS.index("smile_right")] = float(rng.uniform(0, 0.6))
    return goals


def with_camera(scene: Scene, camera: Camera) -> Scene:
    """The same scene seen from another camera."""
    return replace(scene, camera=camera)
