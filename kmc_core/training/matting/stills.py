"""Renders characters once, puts each into two pictures and runs the real pipeline on both: what it gets wrong is what to learn.

A still is one .npz of uint8: layer [H,W,4] (premultiplied), shade [H,W] (light left on the ground), and per picture V = 2:
pictures [V,H,W,3], colours [V,H,W,3] (the character's own, straight), alphas, persons (probability), analytics (the present
cut-out), bones, reaches [V,H,W]. Called by `python -m kmc_core.training.matting stills`.
"""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from ...pose.body_capsules import skeleton_masks
from ...pose.extractor import HolisticExtractor
from ...pose.picture_matte import analytic_matte
from ...types import Canvas, PictureKeypoints
from ..damage import damaged_keypoints
from ..synthetic.background import draw_background, ground_shadow, random_background
from ..synthetic.camera import frame_camera
from ..synthetic.character import build_character
from ..synthetic.designs import random_design
from ..synthetic.landmarks import picture_keypoints_of
from ..synthetic.motions import MOTIONS, UPPER_BODY, goals_at, plan_motion
from ..synthetic.renderer import Scene, pose_character, reference_goals, render_frame
from ..synthetic.shading import random_light
from ..synthetic.skeleton import BONE
from .attachments import attach_things, textured
from .backdrops import random_backdrop
from .composition import composed, developed, hiding_palette, recoloured, softened, with_company, with_obstacle

LOGGER = logging.getLogger(__name__)
CANVASES = ((Canvas(512, 352), 0.5), (Canvas(448, 448), 0.3), (Canvas(352, 512), 0.2))
FRAMINGS = {"full": 0.42, "wide": 0.13, "half": 0.27, "close": 0.18}


def build_stills(folder: Path, count: int, seed: int, extractor: HolisticExtractor) -> None:
    """Write stills `seed` .. `seed + count - 1` that are not there yet. Same seed, same bits (given the pose networks)."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + count):
        path = folder / f"{number:06d}.npz"
        if path.exists():
            continue
        arrays = make_still(number, extractor)
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            np.savez(stream, **arrays)
        part.replace(path)
        if number % 25 == 0:
            LOGGER.info("still %d", number)


def make_still(seed: int, extractor: HolisticExtractor) -> dict[str, np.ndarray]:
    """One character in two pictures; arrays as named in this file's first lines."""
    generator = np.random.default_rng([seed, 307])
    layer, shade, scene, keypoints = render_layer(seed, generator)
    layer = textured(layer, generator) if generator.random() < 0.6 else layer
    layer = attach_things(layer, keypoints, generator)
    rows = [_picture(number, layer, shade, scene, keypoints, extractor, generator, seed) for number in range(2)]
    stacked = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return {"layer": _bytes(layer), "shade": _bytes(shade), **stacked}


def render_layer(seed: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, PictureKeypoints]:
    """Premultiplied figure [H,W,4], light left on the ground [H,W], the scene's own backdrop [H,W,3], exact keypoints."""
    canvas = CANVASES[int(generator.choice(len(CANVASES), p=[share for _, share in CANVASES]))][0]
    framing = str(generator.choice(list(FRAMINGS), p=list(FRAMINGS.values())))
    design = random_design(seed)
    character = build_character(design, detail=1.0 if framing == "close" else 0.7)
    camera = frame_camera(
        design.shape, canvas, framing, yaw=float(generator.normal(0, 0.2)), pitch=float(generator.normal(0.02, 0.07)),
        focal=float(generator.uniform(1.4, 3.0)), margin=float(generator.uniform(0.9, 1.1)),
        shift=(float(generator.normal(0, 0.05)), float(generator.normal(0, 0.02))),
    )  # fmt: skip
    light = random_light(seed)
    scene = Scene(camera, light, random_background(seed), grain=0.0)
    allowed = UPPER_BODY if framing in ("half", "close") else tuple(MOTIONS)
    goals = (
        reference_goals(seed)
        if generator.random() < 0.35
        else goals_at(plan_motion(seed, 3.0, allowed), float(generator.uniform(0.3, 2.7)))
    )
    posed = pose_character(character, goals)
    frame = render_frame(character, posed, scene, canvas, np.zeros((*canvas, 3), np.float32), oversample=3)
    feet = posed.places[[BONE["left_foot"], BONE["right_foot"], BONE["pelvis"]]] - [0, 0.07, 0]
    radii = np.array([0.13 * design.shape.foot, 0.13 * design.shape.foot, 0.34]) * generator.uniform(0.7, 1.5)
    direction = camera.axes.T @ np.array(light.direction)
    shade = ground_shadow(feet, radii, camera, canvas, direction, float(generator.uniform(0.1, 0.75)))
    layer = np.dstack([np.minimum(frame.rgb, frame.alpha[..., None]), frame.alpha]).astype(np.float32)
    return layer, shade.astype(np.float32), draw_background(scene.background, camera, canvas), picture_keypoints_of(frame.truth)


def _picture(
    number: int, layer: np.ndarray, shade: np.ndarray, scene: np.ndarray, keypoints: PictureKeypoints,
    extractor: HolisticExtractor, generator: np.random.Generator, seed: int,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Picture 0 stands in its own scene, picture 1 (recoloured) in front of something invented, perhaps with company."""
    shape = layer.shape[:2]
    backdrop, figure = scene, layer
    if number == 1:
        figure = recoloured(layer, generator)
        palette = hiding_palette(figure, generator) if generator.random() < 0.3 else None
        backdrop = random_backdrop(shape, generator, palette)
        if generator.random() < 0.15:
            backdrop = with_company(backdrop, render_layer(seed + 500_000, generator)[0], generator)
    figure = softened(figure, generator)
    picture = composed(figure, backdrop, shade)
    if generator.random() < 0.08:
        figure, picture = with_obstacle(figure, picture, generator)
    image = developed(picture, generator)
    torso = float(np.linalg.norm(keypoints.body[[11, 12]].mean(0) - keypoints.body[[23, 24]].mean(0)))
    seen = damaged_keypoints(keypoints, torso, generator)
    person = extractor.person_mask(image, seen)
    analytic, _ = analytic_matte(image, seen, person)
    masks = skeleton_masks(seen, shape, 1.0)
    colours = cv2.GaussianBlur(figure, (0, 0), 3.0)
    straight = np.where(
        figure[..., 3:] > 0.02, figure[..., :3] / np.maximum(figure[..., 3:], 0.02), colours[..., :3] / np.maximum(colours[..., 3:], 1e-3)
    )
    return {
        "pictures": image, "colours": _bytes(straight), "alphas": _bytes(figure[..., 3]), "persons": _bytes(person),
        "analytics": _bytes(analytic), "bones": masks.bones, "reaches": masks.reach,
    }  # fmt: skip


def _bytes(values: np.ndarray) -> np.ndarray:
    return (np.nan_to_num(values).clip(0, 1) * 255 + 0.5).astype(np.uint8)
