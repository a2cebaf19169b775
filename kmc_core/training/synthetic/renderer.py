"""Renders a character in motion and hands back the frames with their exact truth.

Doors: `render_frame` (one picture), `render_clip` (SyntheticClip). Called by pairs.py, performer.py, default_character.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ...types import Canvas, HolisticMotion, PictureKeypoints
from .background import Background, draw_background, ground_shadow
from .camera import Camera
from .character import Character
from .head import CONTROLS, deform
from .landmarks import FrameTruth, frame_truth, motion_of, picture_keypoints_of
from .motions import MotionPlan, goals_at
from .paint import surface_colour
from .paint_face import paint_eyes, paint_face
from .posing import PoseGoals, place_face, pose_bones, reach_floor
from .raster import Visible, rasterise
from .shading import Light, brush, outline, shade, soft_occlusion
from .skeleton import BONE
from .surface import MATERIAL, vertex_normals


@dataclass(frozen=True)
class Scene:
    """What surrounds a performer: camera, light, background; grain: noise in grey levels of 255."""

    camera: Camera
    light: Light = Light()
    background: Background = Background()
    grain: float = 1.5
    outline_px: float = 1.0


@dataclass(frozen=True)
class Posed:
    """A character at one instant: vertices [N,3], normals [N,3], bone turns and places, model axes."""

    vertices: np.ndarray
    normals: np.ndarray
    turns: np.ndarray
    places: np.ndarray
    controls: np.ndarray


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


def pose_character(character: Character, goals: PoseGoals, grounded: bool = True) -> Posed:
    """Skins the character. grounded: feet are lifted out of the floor when they sink."""
    shape, rest = character.design.shape, character.rest
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
    return Posed(vertices, vertex_normals(vertices, surface.triangles, character.normals), turns, places, goals.face)


def render_frame(character: Character, posed: Posed, scene: Scene, canvas: Canvas, backdrop: np.ndarray, *, oversample: int = 2) -> RenderedFrame:
    """One picture. backdrop: float32 [H,W,3] from draw_background. oversample: samples per pixel side (area-averaged)."""
    fine = Canvas(canvas.height * oversample, canvas.width * oversample)
    points, depth = scene.camera.project(posed.vertices, fine)
    surface = character.surface
    visible = rasterise(points, depth, surface.triangles, fine.height, fine.width, character.two_sided)
    layer, depth_map = _paint_layer(character, posed, scene, visible, fine, oversample)
    small = cv2.resize(layer, (canvas.width, canvas.height), interpolation=cv2.INTER_AREA)
    alpha = small[..., 3]
    feet = posed.places[[BONE["left_foot"], BONE["right_foot"], BONE["pelvis"]]] - [0, 0.07, 0]
    size = character.design.shape
    left = ground_shadow(feet, np.array([0.13 * size.foot, 0.13 * size.foot, 0.34]), scene.camera, canvas, scene.camera.axes.T @ np.array(scene.light.direction), 0.38)
    rgb = small[..., :3] + backdrop * left[..., None] * (1 - alpha)[..., None]
    if character.design.style == "painterly":
        rgb = rgb * (1 - alpha[..., None]) + brush(rgb, alpha, character.design.hair_seed) * alpha[..., None]
    coarse = depth_map[oversample // 2 :: oversample, oversample // 2 :: oversample]
    truth = frame_truth(character, posed, scene.camera, canvas, coarse)
    return RenderedFrame(np.clip(rgb, 0, 1), alpha, coarse, truth)


def _paint_layer(character: Character, posed: Posed, scene: Scene, visible: Visible, fine: Canvas, oversample: int) -> tuple[np.ndarray, np.ndarray]:
    """Premultiplied RGBA float32 [H,W,4] and depth [H,W] (0 = nothing) at the fine canvas."""
    surface, design = character.surface, character.design
    corners = surface.triangles[visible.triangle]
    attributes = np.concatenate([_calmed_normals(character, posed) @ scene.camera.axes.T.astype(np.float32), surface.paint, surface.shade[:, None]], axis=1).astype(np.float32)
    mixed = sum(attributes[corners[:, k]] * visible.weights[:, k : k + 1] for k in range(3))
    normal = mixed[:, :3] / np.maximum(np.linalg.norm(mixed[:, :3], axis=1, keepdims=True), 1e-6)
    normal = np.where(normal[:, 2:] < -0.05, -normal, normal)
    material = surface.material[visible.triangle]
    scale = scene.camera.focal * fine.height / scene.camera.distance * design.shape.head
    softness = 1.0 / scale
    colour = surface_colour(
        design.palette, material, mixed[:, 3:7],
        lambda q: paint_face(design.face, design.palette, q, softness),
        lambda q: paint_eyes(design.palette, q, character.iris, softness / character.head.eye_radius),
    )  # fmt: skip
    depth = np.zeros(fine.height * fine.width, np.float32)
    depth[visible.pixel] = visible.depth
    depth = depth.reshape(fine)
    covered = depth > 0
    metre = scene.camera.focal * fine.height / scene.camera.distance
    soft = soft_occlusion(depth, covered, max(1, int(metre * 0.018))).reshape(-1)[visible.pixel]
    lit = shade(colour, normal, material, mixed[:, 7] * (0.35 + 0.65 * soft), scene.light, design.style)
    _lid_shadow(lit, material, mixed[:, 3:7], posed, character)
    layer = np.zeros((fine.height * fine.width, 4), np.float32)
    if design.style == "toon":
        group = np.full(fine.height * fine.width, -1, np.int32)
        kind = np.where(np.isin(material, [MATERIAL["eye"], MATERIAL["teeth"], MATERIAL["mouth"]]), MATERIAL["face"], material)
        group[visible.pixel] = np.where(kind == MATERIAL["face"], MATERIAL["skin"], kind)
        line = outline(group.reshape(fine), depth, max(1, round(oversample * scene.outline_px)), 0.035).reshape(-1)[visible.pixel]
        lit = np.where(line[:, None], colour * 0.22, lit)
    layer[visible.pixel, :3] = np.clip(lit, 0, 1)
    layer[visible.pixel, 3] = 1.0
    return layer.reshape(*fine, 4), depth


def _calmed_normals(character: Character, posed: Posed) -> np.ndarray:
    """Normals with the face's bent toward those of a plain egg: drawn styles want large calm planes of light."""
    share = {"soft": 0.30, "toon": 0.80, "painterly": 0.45}[character.design.style]
    normals = posed.normals.copy()
    grid = character.head
    egg = (grid.vertices - [0.0, -0.005, -0.020]) / np.array([0.085, 0.125, 0.105]) ** 2
    egg /= np.linalg.norm(egg, axis=1, keepdims=True)
    mixed = (1 - share) * normals[character.head_range] + share * egg @ posed.turns[BONE["head"]].T
    normals[character.head_range] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return normals


def _lid_shadow(lit: np.ndarray, material: np.ndarray, paint: np.ndarray, posed: Posed, character: Character) -> None:
    """The upper lid darkens the top of the eyeball, in place."""
    eye = np.flatnonzero(material == MATERIAL["eye"])
    if len(eye):
        lit[eye] *= (1 - 0.42 * np.clip((paint[eye, 1] - 0.10) / 0.28, 0, 1))[:, None]


def render_clip(character: Character, plan: MotionPlan, scene: Scene, canvas: Canvas, *, frames: int = 24, fps: float = 24.0, seed: int = 0, oversample: int = 2, keep_depth: bool = False, start_s: float = 0.0, goals_of: Callable[[float], PoseGoals] | None = None) -> SyntheticClip:  # fmt: skip
    """A clip with exact truth. Same arguments, same bits. goals_of(t) replaces the plan when given."""
    rng = np.random.default_rng([seed, 19])
    backdrop = draw_background(scene.background, scene.camera, canvas)
    noise = rng.normal(0, scene.grain / 255, (canvas.height + 32, canvas.width + 32, 1)).astype(np.float32)
    goals_of = goals_of or (lambda t: goals_at(plan, t))
    pictures, alphas, depths, truths = [], [], [], []
    for k in range(frames):
        posed = pose_character(character, goals_of(start_s + k / fps))
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
