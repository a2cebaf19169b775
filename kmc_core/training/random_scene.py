"""One random rendered clip per seed: who, doing what, seen from where, in what light. Called by pairs.py."""

from __future__ import annotations

import numpy as np

from ..types import Canvas
from .synthetic.background import random_background
from .synthetic.camera import frame_camera
from .synthetic.camera_moves import CameraMove, random_move
from .synthetic.character import build_character
from .synthetic.designs import random_design
from .synthetic.motions import plan_motion, suitable_motions
from .synthetic.renderer import Scene, SyntheticClip, render_clip
from .synthetic.shading import random_light
from .synthetic.sitting import seat_for

FRAMINGS = {"full": 0.4, "wide": 0.2, "half": 0.27, "close": 0.13}
PROGRAMME_S = 3.0
MOVING_CAMERAS = 0.3  # share of clips


def random_clip(seed: int, canvas: Canvas, frames: int, fps: float, keep_truth: bool = False) -> SyntheticClip:
    """A clip of `frames` frames somewhere in a three-second programme of motions; same arguments, same bits.

    keep_truth: depth and flow too.

    No grain: noise in the truth could only teach a blur (references get theirs in damage.py).
    """
    generator = np.random.default_rng([seed, 43])
    design = random_design(seed)
    framing = str(generator.choice(list(FRAMINGS), p=list(FRAMINGS.values())))
    character = build_character(design, detail=1.0 if framing == "close" else 0.7)
    camera = frame_camera(
        design.shape,
        canvas,
        framing,
        yaw=float(generator.normal(0, 0.15)),
        pitch=float(generator.normal(0.02, 0.06)),
        focal=float(generator.uniform(1.4, 3.0)),
        shift=(float(generator.normal(0, 0.04)), float(generator.normal(0, 0.02))),
        margin=float(generator.uniform(0.95, 1.15)),
    )
    exposure_s = float(generator.uniform(0.005, 0.025)) if generator.random() < 0.5 else 0.0
    start_s = float(generator.uniform(0, max(0.0, PROGRAMME_S - frames / fps)))
    plan = plan_motion(seed, PROGRAMME_S, suitable_motions(framing, design.outfit.skirt))
    move = random_move(seed, start_s + 0.5 * frames / fps) if generator.random() < MOVING_CAMERAS else CameraMove()
    seat = seat_for(design.shape, plan.heading, seed) if "sit" in plan.names else None
    scene = Scene(camera, random_light(seed), random_background(seed), grain=0.0, exposure_s=exposure_s, move=move, seat=seat)
    return render_clip(character, plan, scene, canvas, frames=frames, fps=fps, seed=seed, start_s=start_s, keep_depth=keep_truth, keep_flow=keep_truth)
