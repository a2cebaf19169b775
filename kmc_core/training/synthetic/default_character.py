"""The project's own character: a friendly full-body illustration for the demo, drawn by code in toon style.

Not here: random characters (designs.py). Called by scripts/make_default_character.py and the demo.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...types import Canvas
from .arm_poses import OPEN, ArmPose, set_arm
from .camera import frame_camera
from .character import CharacterDesign, build_character
from .clothes import Outfit
from .fabrics import Fabric
from .head import CONTROLS, FaceShape
from .paint import Palette
from .posing import PoseGoals
from .renderer import Scene, pose_character, render_frame
from .shading import Light
from .skeleton import BodyShape

CANVAS = Canvas(1152, 768)
_STANCE = ArmPose((0.52, -0.80, 0.12), (0.4, 0.1, -0.9), (0.42, -0.90, 0.12), (-0.45, -0.20, 0.90), OPEN, 0.8)


def default_design() -> CharacterDesign:
    """Mika: copper bob, mustard sweater with a star, teal trousers, white trainers."""
    return CharacterDesign(
        name="mika",
        shape=BodyShape(leg=0.78, torso=0.435, neck=0.078, head=1.36, shoulder=0.142, hip=0.082, arm=0.49, hand=1.02, foot=0.94, thickness=0.86, waist=0.92, hips=0.98, bust=0.30),
        face=FaceShape(eye_width=0.0222, eye_height=1.56, eye_gap=0.0366, nose=0.62, nose_width=0.86, mouth_width=0.0220, lips=0.92, jaw=0.92, chin=0.62, cheek=1.1, width=1.05, brow_height=0.0080, iris=1.14),
        hair="bob",
        hair_seed=1,
        outfit=Outfit(sleeve=0.97, leg=0.97, loose=0.9, leg_loose=0.35, flare=0.0, shoe="sneaker"),
        palette=Palette(
            skin=(0.96, 0.79, 0.68), lips=(0.80, 0.42, 0.40), hair=(0.62, 0.27, 0.13), brow=(0.40, 0.17, 0.09), iris=(0.20, 0.46, 0.40), blush=0.85, freckles=0.0,
            top=Fabric((0.95, 0.72, 0.22), (0.99, 0.95, 0.86), "print", 0.036, "star"), bottom=Fabric((0.14, 0.42, 0.46)), shoe=Fabric((0.97, 0.96, 0.94)), sole=(0.90, 0.36, 0.30),
        ),
        style="toon",
        caption="a young woman with a copper bob in a mustard sweater and teal trousers, cartoon drawing",
    )  # fmt: skip


def default_goals() -> PoseGoals:
    """A relaxed A-pose, hands open, smiling at the viewer."""
    goals = PoseGoals()
    for side in (0, 1):
        set_arm(goals, side, _STANCE)
        goals.ankles[side] += [0.07, 0, 0]
    for name, value in (("smile_left", 0.55), ("smile_right", 0.55), ("brow_up_left", 0.15), ("brow_up_right", 0.15)):
        goals.face[CONTROLS.index(name)] = value
    return goals


def draw_default_character(canvas: Canvas = CANVAS, detail: float = 2.2) -> np.ndarray:
    """The illustration, uint8 [H,W,3]; the same on every call. Takes some seconds."""
    design = default_design()
    character = build_character(design, detail)
    camera = frame_camera(design.shape, canvas, "full", focal=3.2, margin=1.0)
    light = Light(direction=(-0.42, 0.60, 0.70), ambient=0.62, strength=0.46)
    frame = render_frame(character, pose_character(character, default_goals()), Scene(camera, light, grain=0.0, outline_px=1.6), canvas, _backdrop(canvas), oversample=3)
    return (np.clip(frame.rgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def _backdrop(canvas: Canvas) -> np.ndarray:
    """A calm two-tone backdrop with a large disc, RGB 0..1."""
    h, w = canvas
    y = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    picture = np.tile(np.array([0.93, 0.95, 0.96], np.float32) * (1 - y) + np.array([0.86, 0.89, 0.92], np.float32) * y, (1, w, 1))
    cv2.circle(picture, (w // 2, int(h * 0.44)), int(w * 0.46), (0.84, 0.91, 0.93), -1, cv2.LINE_AA)
    floor = int(h * 0.90)
    picture[floor:] = np.array([0.80, 0.84, 0.87], np.float32)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)
