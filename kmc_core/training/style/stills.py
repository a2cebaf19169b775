"""The same instant of the same character as a photograph, a toon and a painting, pixel for pixel.

A still is one .npy of uint8 [3,V,H,W,3]: photo, toon and painting (PARTS) of V views of one character. The toon figure is the engine's own
toon shading with ink, its surroundings are drawn by hand.py; the painting is hand.py's of the photograph, with a small brush on
faces and hands (the engine's painterly touch is a canvas fixed to the screen, which no function of the picture can know).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ...types import Canvas
from ..matting.backdrops import random_backdrop
from ..synthetic.background import draw_background, random_background
from ..synthetic.camera import frame_camera
from ..synthetic.character import Character, build_character
from ..synthetic.designs import random_design
from ..synthetic.landmarks import FrameTruth, picture_keypoints_of
from ..synthetic.motions import MOTIONS, UPPER_BODY, goals_at, plan_motion
from ..synthetic.renderer import Scene, pose_character, render_frame
from ..synthetic.shading import random_light
from .hand import flat_shades, inked, painted

LOGGER = logging.getLogger(__name__)
CANVASES = (Canvas(512, 384), Canvas(448, 448), Canvas(384, 512))
FRAMINGS = ("full", "half", "close")
PARTS = ("photo", "toon", "painting")
OUTLINE_PX = 1.4


def build_stills(folder: Path, count: int, seed: int, should_stop: Callable[[], bool] | None = None) -> None:
    """Write stills `seed` .. `seed + count - 1` that are not there yet, unless asked to stop. Same seed, same bits."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + count):
        path = folder / f"{number:06d}.npy"
        if should_stop is not None and should_stop():
            return
        if path.exists():
            continue
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            np.save(stream, make_still(number))
        part.replace(path)
        if number % 25 == 0:
            LOGGER.info("still %d", number)


def make_still(seed: int) -> np.ndarray:
    """One character from afar, from the hips up and from close by: uint8 [3,V,H,W,3] as in this file's first lines."""
    generator = np.random.default_rng([seed, 331])
    design = random_design(seed, style="soft")
    character = build_character(design, detail=0.8)
    canvas = CANVASES[int(generator.integers(len(CANVASES)))]
    views = [_view(character, framing, canvas, seed, generator) for framing in FRAMINGS]
    return np.stack([np.stack([view[name] for view in views]) for name in PARTS])


def _view(character: Character, framing: str, canvas: Canvas, seed: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    design, number = character.design, int(generator.integers(1 << 30))
    camera = frame_camera(
        design.shape, canvas, framing, yaw=float(generator.normal(0, 0.3)), pitch=float(generator.normal(0.02, 0.08)),
        focal=float(generator.uniform(1.4, 3.0)), margin=float(generator.uniform(0.85, 1.1)),
        shift=(float(generator.normal(0, 0.06)), float(generator.normal(0, 0.03))),
    )  # fmt: skip
    scene = Scene(camera, random_light(number), random_background(number), grain=0.0, outline_px=OUTLINE_PX)
    plan = plan_motion(seed, 3.0, tuple(MOTIONS) if framing == "full" else UPPER_BODY)
    posed = pose_character(character, goals_at(plan, float(generator.uniform(0.2, 2.8))))
    own = generator.random() < 0.6
    backdrop = draw_background(scene.background, camera, canvas) if own else random_backdrop(canvas, generator, None)
    photo = render_frame(character, posed, scene, canvas, backdrop)
    drawn = replace(character, design=replace(design, style="toon"))
    toon = render_frame(drawn, posed, scene, canvas, backdrop)
    around = inked(flat_shades(_bytes(toon.rgb)))
    figure = toon.alpha[..., None]
    picture = _bytes(photo.rgb)
    return {
        "photo": picture,
        "toon": _bytes(figure * toon.rgb + (1 - figure) * around),
        "painting": _bytes(painted(picture, small_parts(photo.truth, canvas))),
    }


def small_parts(truth: FrameTruth, canvas: Canvas) -> np.ndarray:
    """1 on the face and the hands, 0 elsewhere, soft between: float32 [H,W]."""
    seen = picture_keypoints_of(truth)
    mask = np.zeros(canvas, np.float32)
    for points in (seen.face, *seen.hands):
        points = points[:, :2]
        if np.isfinite(points).all() and len(points):
            hull = cv2.convexHull(np.clip(points, -2e3, 4e3).astype(np.int32))
            cv2.fillConvexPoly(mask, hull, 1.0)
    size = max(3, round(canvas.height / 60))
    return cv2.GaussianBlur(cv2.dilate(mask, np.ones((size, size), np.uint8)), (0, 0), size / 2)


def _bytes(values: np.ndarray) -> np.ndarray:
    return (np.nan_to_num(values).clip(0, 1) * 255 + 0.5).astype(np.uint8)
