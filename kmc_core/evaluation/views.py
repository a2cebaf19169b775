"""Are several pictures of a character better than one when it turns? Rendered characters turn where a single picture shows nothing.

A part of a turn between 60 and 180 degrees is rendered with exact truth; subject libraries of one, two and four pictures of the same character
go through build_subject, and alignment and network are measured against the rendered frames. Called by views_command.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from ..dit.model import KMCDiT
from ..motion.retarget import RetargetSettings, retarget
from ..sampling.reenact import SamplerSettings, reenact
from ..subject.library import build_subject
from ..training.synthetic.arm_poses import ARM_POSES, set_arm
from ..training.synthetic.background import draw_background, random_background
from ..training.synthetic.camera import frame_camera
from ..training.synthetic.character import Character, build_character
from ..training.synthetic.designs import random_design
from ..training.synthetic.landmarks import picture_keypoints_of
from ..training.synthetic.motions import MotionPlan, goals_at
from ..training.synthetic.posing import PoseGoals
from ..training.synthetic.renderer import Scene, SyntheticClip, pose_character, reference_goals, render_clip, render_frame
from ..training.synthetic.shading import random_light
from ..types import Canvas, Orientation, PictureKeypoints, SubjectLibrary
from .identity import FaceIdentity, likeness
from .picture import psnr, registered
from .picture_scores import TruthMeter

CANVAS, FRAMES, FPS = Canvas(448, 320), 8, 24.0
VIEW_SETS: dict[str, tuple[int, ...]] = {"front": (0,), "front, side": (0, 90), "front, back": (0, 180), "front, sides, back": (0, 90, 180, -90)}
STARTS_DEG, DEG_PER_S = (60.0, 150.0, 105.0), 90.0  # where a turn begins, by character, and how fast it goes
HEAD_RADIUS = 0.42  # torso lengths
_BUILDS = ("woman", "man", "tall", "heavy_man", "girl", "elder", "heavy_woman", "heroic")
_MOTIONS = ("talk", "walk", "idle", "wave")
Row = dict[str, object]


class Still(NamedTuple):
    """One picture of the character: uint8 [H,W,3], its alpha uint8 [H,W] and exact keypoints."""

    picture: np.ndarray
    alpha: np.ndarray
    keypoints: PictureKeypoints


class Turn(NamedTuple):
    """A rendered turn and the stills it may be made from, by facing in degrees (positive: to the picture's right)."""

    name: str
    clip: SyntheticClip
    stills: dict[int, Still]


def rendered_turn(seed: int, canvas: Canvas = CANVAS, frames: int = FRAMES) -> Turn:
    """A photo-like character that turns on from 60, 150 or 105 degrees while it moves, odd seeds to the other side; same seed, same turn."""
    design = random_design(seed, style="soft", build=_BUILDS[seed % len(_BUILDS)])
    character = build_character(design, detail=0.8)
    camera = frame_camera(design.shape, canvas, "wide", focal=2.4)
    scene = Scene(camera, random_light(seed), random_background(seed), grain=0.0)
    name = _MOTIONS[seed // 2 % len(_MOTIONS)]
    plan, way = MotionPlan((name,), (0.0,), frames / FPS + 1.0, seed=seed), 1.0 if seed % 2 == 0 else -1.0
    start = STARTS_DEG[seed % len(STARTS_DEG)]

    def goals_of(t: float) -> PoseGoals:
        goals = goals_at(plan, t + 0.5)
        goals.heading = way * float(np.radians(start + DEG_PER_S * t))
        return goals

    clip = render_clip(character, plan, scene, canvas, frames=frames, fps=FPS, seed=seed, goals_of=goals_of)
    facings = sorted({facing for angles in VIEW_SETS.values() for facing in angles})
    return Turn(f"{seed} {design.name} {start * way:+.0f}", clip, {facing: _still(character, scene, canvas, seed, facing) for facing in facings})


def _still(character: Character, scene: Scene, canvas: Canvas, seed: int, facing: int) -> Still:
    goals = reference_goals(seed)
    for side in (0, 1):  # no hand before the face
        set_arm(goals, side, ARM_POSES["away"])
    goals.heading = float(np.radians(facing))
    frame = render_frame(character, pose_character(character, goals), scene, canvas, draw_background(scene.background, scene.camera, canvas))
    rgb, alpha = ((values * 255 + 0.5).astype(np.uint8) for values in (frame.rgb, frame.alpha))
    return Still(rgb, alpha, picture_keypoints_of(frame.truth))


def library_of(turn: Turn, facings: Sequence[int], extractor: object | None) -> SubjectLibrary:
    """The subject library of some of the stills. extractor None: from exact keypoints and mattes, else from the pictures alone."""
    stills = [turn.stills[facing] for facing in facings]
    if extractor is not None:
        return build_subject([still.picture for still in stills], extractor)
    masks = [still.alpha.astype(np.float32) / 255 for still in stills]
    return build_subject([still.picture for still in stills], None, masks=masks, keypoints=[still.keypoints for still in stills])


def compare_views(
    seeds: Sequence[int], network: KMCDiT | None, strength: float = 1.0, *, extractor: object | None = None, identity: FaceIdentity | None = None,
    canvas: Canvas = CANVAS, frames: int = FRAMES, on_sheet: Callable[[np.ndarray], None] | None = None,
) -> Iterator[Row]:  # fmt: skip
    """One row per character, set of views and method ("alignment", and "kmc" where a network is given).

    Numbers of a row: psnr_subject, psnr_registered, ssim, sharpness (picture_scores.TruthMeter), psnr_head (registered, on
    the head alone), identity: likeness of the faces to the true ones, None where no face shows or identity is None; beyond 60 degrees the
    descriptor hardly tells people apart and a shift of 4 px costs as much as another person. on_sheet gets one picture per character.
    """
    methods = ("alignment",) if network is None else ("alignment", "kmc")
    for seed in seeds:
        turn = rendered_turn(seed, canvas, frames)
        shown = [_strip(turn.clip.frames)]
        for views, facings in VIEW_SETS.items():
            subject = library_of(turn, facings, extractor)
            motion = retarget(turn.clip.motion, subject, Orientation("video"), RetargetSettings(direct=True))
            for method in methods:
                settings = replace(SamplerSettings(canvas=canvas), network_strength=strength if method == "kmc" else 0.0)
                made = list(reenact(motion, subject, settings, network if method == "kmc" else None))
                pictures = np.stack([frame.rgb for frame in made])
                yield {"character": turn.name, "views": views, "method": method, **_numbers(turn.clip, pictures, np.stack([frame.alpha for frame in made]), identity)}
                shown.append(_strip(pictures))
        if on_sheet is not None:
            on_sheet(np.concatenate(shown))


def _numbers(clip: SyntheticClip, made: np.ndarray, coverage: np.ndarray, identity: FaceIdentity | None) -> dict[str, float | None]:
    meter, alike, heads = TruthMeter(), [], []
    for frame, (truth, output) in enumerate(zip(clip.frames, made, strict=True)):
        meter.add(truth, output, clip.alpha[frame].astype(np.float32) / 255, coverage[frame])
        heads.append(psnr(truth, registered(truth, output), head_mask(clip.motion.body[frame], truth.shape[:2])))
        if identity is not None and clip.motion.face_confidence[frame] > 0:
            face = clip.motion.face[frame]
            alike.append(likeness(identity.descriptor(truth, face), identity.descriptor(output, face)))
    numbers = meter.numbers()
    chosen = {name: numbers[name] for name in ("psnr_subject", "psnr_registered", "ssim", "sharpness")}
    return {**chosen, "psnr_head": float(np.mean(heads)), "identity": float(np.mean(alike)) if alike else None}


def head_mask(body: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Where the head is: bool [H,W], an upright oval about the ears of BlazePose points [33,2] px, half a torso high."""
    torso = float(np.linalg.norm(body[[11, 12]].mean(0) - body[[23, 24]].mean(0)))
    centre = body[[7, 8]].mean(0) - [0.0, 0.08 * torso]
    rows, columns = np.indices(shape)
    return np.hypot((columns + 0.5 - centre[0]) / 0.8, rows + 0.5 - centre[1]) < HEAD_RADIUS * torso


def _strip(frames: np.ndarray, height: int = 240) -> np.ndarray:
    """Four frames side by side, uint8 [height,W,3]."""
    chosen = frames[np.linspace(0, len(frames) - 1, 4).round().astype(int)]
    width = round(frames.shape[2] * height / frames.shape[1])
    return np.concatenate([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in chosen], axis=1)


def means(rows: Sequence[Row]) -> list[Row]:
    """The mean of every set of views and method over the characters; None where nothing was measured."""
    result = []
    for views in VIEW_SETS:
        for method in dict.fromkeys(str(row["method"]) for row in rows):
            group = [row for row in rows if row["views"] == views and row["method"] == method]
            mean: Row = {"character": "MEAN", "views": views, "method": method}
            for name in ("psnr_subject", "psnr_registered", "psnr_head", "ssim", "sharpness", "identity"):
                values = [float(row[name]) for row in group if row[name] is not None]
                mean[name] = float(np.mean(values)) if values else None
            result.append(mean)
    return result
