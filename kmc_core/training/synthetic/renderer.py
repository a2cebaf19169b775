"""Renders a character in motion and hands back the frames with their exact truth.

Doors: `render_frame` (one picture), `render_clip` (SyntheticClip). Called by pairs.py, performer.py, default_character.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...types import Canvas, HolisticMotion, PictureKeypoints
from .accessories import gripping
from .background import Background, draw_background, ground_shadow
from .camera import Camera
from .character import Character
from .exposure import smear, way_of_pixels
from .figure_layer import paint_figure
from .head import CONTROLS, deform
from .landmarks import FrameTruth, frame_truth, motion_of, picture_keypoints_of
from .motions import MotionPlan, goals_at
from .posing import PoseGoals, place_face, pose_bones, reach_floor
from .raster import rasterise
from .shading import Light, brush
from .shadows import thrown_shadow
from .skeleton import BONE
from .surface import vertex_normals
from .trailing import Trail


@dataclass(frozen=True)
class Scene:
    """What surrounds a performer: camera, light, background; grain: noise in grey levels of 255;
    exposure_s: how long the shutter is open."""

    camera: Camera
    light: Light = Light()
    background: Background = Background()
    grain: float = 1.5
    outline_px: float = 1.0
    exposure_s: float = 0.0


@dataclass(frozen=True)
class Posed:
    """A character at one instant: vertices [N,3], normals [N,3], bone turns and places, model axes;
    way [N,3]: what each vertex moves while the shutter is open, metres (None: nothing is blurred)."""

    vertices: np.ndarray
    normals: np.ndarray
    turns: np.ndarray
    places: np.ndarray
    controls: np.ndarray
    way: np.ndarray | None = None


@dataclass(frozen=True)
class SyntheticClip:
    """frames uint8 [T,H,W,3]; alpha uint8 [T,H,W]; depth float32 [T,H,W] metres (0 = nothing) or None; motion: exact truth;
    reference: a still of the same character in a plain pose, with its exact keypoints and alpha; caption."""

    frames: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray | None
    motion: HolisticMotion
    reference: np.ndarray
    reference_alpha: np.ndarray
    reference_keypoints: PictureKeypoints
    caption: str


@dataclass(frozen=True)
class RenderedFrame:
    """rgb float32 [H,W,3] 0..1 over the background; alpha [H,W]; depth [H,W] metres (0 = nothing); truth of this frame."""

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    truth: FrameTruth


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
        trail.follow(vertices)
    return Posed(vertices, vertex_normals(vertices, surface.triangles, character.normals), turns, places, goals.face)


def render_frame(character: Character, posed: Posed, scene: Scene, canvas: Canvas, backdrop: np.ndarray, *, oversample: int = 2) -> RenderedFrame:
    """One picture. backdrop: float32 [H,W,3] from draw_background. oversample: samples per pixel side (area-averaged)."""
    fine = Canvas(canvas.height * oversample, canvas.width * oversample)
    points, depth = scene.camera.project(posed.vertices, fine)
    surface = character.surface
    visible = rasterise(points, depth, surface.triangles, fine.height, fine.width, character.two_sided)
    layer, coarse = paint_figure(character, posed, scene.camera, scene.light, scene.outline_px, visible, canvas, oversample)
    if posed.way is not None:
        layer = smear(layer, coarse, way_of_pixels(posed.vertices, posed.way, surface.triangles, visible, scene.camera, canvas, oversample))
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
    return RenderedFrame(np.clip(rgb, 0, 1), alpha, coarse, truth)


def render_clip(character: Character, plan: MotionPlan, scene: Scene, canvas: Canvas, *, frames: int = 24, fps: float = 24.0, seed: int = 0, oversample: int = 2, keep_depth: bool = False, start_s: float = 0.0, goals_of: Callable[[float], PoseGoals] | None = None) -> SyntheticClip:  # fmt: skip
    """A clip with exact truth. Same arguments, same bits. goals_of(t) replaces the plan when given."""
    rng = np.random.default_rng([seed, 19])
    backdrop = draw_background(scene.background, scene.camera, canvas)
    noise = rng.normal(0, scene.grain / 255, (canvas.height + 32, canvas.width + 32, 1)).astype(np.float32)
    goals_of = goals_of or (lambda t: goals_at(plan, t))
    pictures, alphas, depths, truths = [], [], [], []
    trail = Trail(character.loose, 1 / fps)
    before = pose_character(character, goals_of(start_s - 1 / fps), trail=trail).vertices
    for k in range(frames):
        posed = pose_character(character, goals_of(start_s + k / fps), trail=trail)
        if scene.exposure_s > 0:
            posed, before = replace(posed, way=(posed.vertices - before) * (scene.exposure_s * fps)), posed.vertices
        frame = render_frame(character, posed, scene, canvas, backdrop, oversample=oversample)
        pictures.append(_develop(frame.rgb, noise, rng))
        alphas.append((frame.alpha * 255 + 0.5).astype(np.uint8))
        if keep_depth:
            depths.append(frame.depth)
        truths.append(frame.truth)
    posed = pose_character(character, reference_goals(seed))
    still = render_frame(character, posed, scene, canvas, backdrop, oversample=oversample)
    caption = f"{character.design.caption} in {scene.background.words}, {scene.light.words}"
    return SyntheticClip(
        np.stack(pictures), np.stack(alphas), np.stack(depths) if keep_depth else None, motion_of(truths, fps, canvas, np.stack(alphas)),
        _develop(still.rgb, noise, rng), (still.alpha * 255 + 0.5).astype(np.uint8), picture_keypoints_of(still.truth), caption,
    )  # fmt: skip


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
