"""How many frames a second one core renders, by canvas and drawing style: CPU time, so that other work beside it does not count."""

from __future__ import annotations

import time

from ...types import Canvas
from .background import draw_background, random_background
from .camera import frame_camera
from .character import build_character
from .designs import random_design
from .motions import goals_at, plan_motion
from .renderer import Scene, pose_character, render_frame
from .shading import STYLES, random_light

CANVASES = (Canvas(320, 208), Canvas(400, 400), Canvas(512, 288), Canvas(768, 512))


def throughput_table(frames: int = 6, seeds: tuple[int, ...] = (3, 11)) -> str:
    """Lines of frames per CPU second with the whole body in view, one line per canvas; the last is seconds to build a character."""
    lines = ["canvas      " + "".join(f"{style:>12}" for style in STYLES)]
    building, built = 0.0, 0
    speeds: dict[tuple[Canvas, str], float] = {}
    for style in STYLES:
        characters = []
        for seed in seeds:
            started = time.process_time()
            characters.append(build_character(random_design(seed, style=style), detail=0.7))
            building, built = building + time.process_time() - started, built + 1
        for canvas in CANVASES:
            spent = 0.0
            for seed, character in zip(seeds, characters, strict=True):
                camera = frame_camera(character.design.shape, canvas, "full")
                scene, plan = Scene(camera, random_light(seed), random_background(seed)), plan_motion(seed, 3.0)
                backdrop = draw_background(scene.background, camera, canvas)
                for frame in range(-1, frames):  # the first one fills tables and is not counted
                    started = time.process_time()
                    render_frame(character, pose_character(character, goals_at(plan, 0.5 + frame / 12)), scene, canvas, backdrop)
                    spent += (time.process_time() - started) * (frame >= 0)
            speeds[canvas, style] = frames * len(seeds) / spent
    for canvas in CANVASES:
        lines.append(f"{canvas.width:4} x {canvas.height:<5}" + "".join(f"{speeds[canvas, style]:12.1f}" for style in STYLES))
    return "\n".join([*lines, f"a character is built in {building / built:.2f} s"])
