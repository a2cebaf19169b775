"""The demo's own driving clip: five seconds of a rendered performer who waves, dances and talks to a synthesised beat.

Called by scripts/make_performer.py and the demo on first use. Not here: encoding (media.writer).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from ...media.writer import VideoWriter
from ...types import AudioTrack, Canvas, Progress
from .arm_poses import ARM_POSES, mixed_arm, set_arm
from .background import Background, draw_background
from .camera import frame_camera
from .character import CharacterDesign, build_character
from .clothes import Outfit
from .fabrics import Fabric
from .face_motion import animate_face
from .head import CONTROLS, FaceShape
from .paint import Palette
from .posing import PoseGoals
from .renderer import Scene, pose_character, render_frame
from .shading import Light
from .skeleton import BodyShape
from .timing import ease, wobble

CANVAS, FPS, SECONDS, BEATS_PER_S, SAMPLE_RATE = Canvas(960, 768), 24, 5.0, 2.0, 48000
# (beat, left arm, right arm); arms move to each entry over the beat before it
_SCORE = (
    (0, "away", "wave"), (2.5, "away", "wave"), (3, "present", "present"), (4, "wide_up", "wide_up"), (5, "hip", "point_up"), (6, "point_up", "hip"),
    (7, "wide_up", "away"), (8, "talk_high", "talk_high"), (9, "present", "talk_low"), (10, "wave", "wave"),
)  # fmt: skip


def performer_design() -> CharacterDesign:
    """Noor: long dark hair, coral sweater, navy trousers."""
    return CharacterDesign(
        name="noor",
        shape=BodyShape(leg=0.78, torso=0.475, neck=0.082, head=1.22, shoulder=0.150, hip=0.083, arm=0.51, hand=1.04, thickness=0.90, waist=0.92, hips=1.04, bust=0.45),
        face=FaceShape(eye_width=0.0174, eye_height=1.08, nose=0.85, nose_width=0.92, mouth_width=0.0250, lips=1.05, jaw=0.98, chin=0.8),
        hair="long",
        hair_seed=87,
        outfit=Outfit(sleeve=0.62, leg=0.95, loose=0.6, shoe="sneaker"),
        palette=Palette(
            skin=(0.84, 0.64, 0.51), lips=(0.72, 0.36, 0.34), hair=(0.19, 0.11, 0.08), brow=(0.10, 0.06, 0.05), iris=(0.30, 0.19, 0.10), blush=0.5, makeup=0.25,
            top=Fabric((0.88, 0.38, 0.32)), bottom=Fabric((0.15, 0.19, 0.32), (0.30, 0.35, 0.50), "denim"), shoe=Fabric((0.93, 0.93, 0.92)),
        ),
        caption="a woman with long dark hair in a coral top and navy trousers",
    )  # fmt: skip


def performer_goals(t: float) -> PoseGoals:
    """The choreography at t seconds."""
    goals, beat = PoseGoals(), t * BEATS_PER_S
    last = max(k for k, entry in enumerate(_SCORE) if entry[0] <= beat)
    following = min(last + 1, len(_SCORE) - 1)
    amount = float(ease((beat - (_SCORE[following][0] - 1.0)) / 0.85)) if following > last else 0.0
    for side in (0, 1):
        set_arm(goals, side, mixed_arm(ARM_POSES[_SCORE[last][1 + side]], ARM_POSES[_SCORE[following][1 + side]], amount))
        goals.curls[side] = np.clip(goals.curls[side] + 0.10 + 0.08 * wobble(t, 5 + side, 5, 1.2), 0, 1)
    wave = float(ease((2.8 - beat) / 0.8))
    goals.wrists[1] += wave * np.array([0.12 * np.sin(2 * np.pi * 2.0 * t), 0.0, 0.0])
    goals.fingers_to[1] += wave * np.array([0.40 * np.sin(2 * np.pi * 2.0 * t), 0.0, 0.0])
    dancing = float(ease((beat - 2.2) / 0.8) * ease((8.4 - beat) / 0.8))
    groove, bounce = np.sin(np.pi * beat), 0.5 - 0.5 * np.cos(2 * np.pi * beat)
    goals.root += dancing * np.array([0.09 * groove, -0.02 - 0.035 * bounce, 0.0])
    goals.pelvis += dancing * np.array([0.20 * groove, 0.0, 0.08 * groove])
    goals.spine += dancing * np.array([-0.26 * groove, 0.03 * bounce, -0.13 * groove])
    goals.head += np.array([0.10, 0.05, 0.06]) * wobble(t, 9, 3, 0.6) + dancing * np.array([0.10 * groove, 0.04 * bounce, 0.06 * groove])
    for side in (0, 1):
        free = dancing * max(0.0, groove * (1 if side == 1 else -1))
        goals.ankles[side] += [0.09 - 0.08 * free, 0.08 * free**2, 0.04 * free]
        goals.foot_pitch[side] += 0.45 * free
    _act(goals, t, beat)
    return goals


def _act(goals: PoseGoals, t: float, beat: float) -> None:
    """Speech, blinks and gaze, and a smile that carries the dance."""
    animate_face(goals, t, 12, 0.9 * float(ease((beat - 7.6) / 0.6)) + 0.3 * float(ease((1.6 - beat) / 0.5)), 0.55)
    laugh = float(np.exp(-(((beat - 4.5) / 1.3) ** 2)))
    for name, value in (("smile_left", 0.5), ("smile_right", 0.5), ("jaw", 0.35), ("brow_up_left", 0.3), ("brow_up_right", 0.3)):
        k = CONTROLS.index(name)
        goals.face[k] = min(goals.face[k] + laugh * value, 1.2)


def beat_track(seconds: float = SECONDS) -> AudioTrack:
    """Drums, bass and chords at two beats a second, float32 stereo, peak 0.8."""
    rate, total = SAMPLE_RATE, round(seconds * SAMPLE_RATE)
    time, mix, rng = np.arange(total) / SAMPLE_RATE, np.zeros((2, total)), np.random.default_rng(2)

    def add(start: float, sound: np.ndarray, pan: float = 0.0) -> None:
        first = round(start * rate)
        length = min(len(sound), total - first)
        if length > 0:
            mix[0, first : first + length] += sound[:length] * (1 - pan)
            mix[1, first : first + length] += sound[:length] * (1 + pan)

    u = np.arange(round(0.30 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 * u + 9 * (1 - np.exp(-u * 28)))) * np.exp(-u * 11)
    hat = np.diff(rng.normal(size=round(0.05 * rate) + 1)) * np.exp(-np.arange(round(0.05 * rate)) / rate * 90) * 0.16
    snare = rng.normal(size=len(u)) * np.exp(-u * 24) * 0.30 + np.sin(2 * np.pi * 190 * u) * np.exp(-u * 30) * 0.3
    for k in range(int(seconds * BEATS_PER_S)):
        start = k / BEATS_PER_S
        add(start, kick * 0.8)
        add(start + 0.25, hat, 0.25)
        add(start + 0.375, hat * 0.6, -0.25)
        if k % 2:
            add(start, snare)
        chord = ((220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7), (164.8, 207.7, 246.9))[(k // 2) % 4]
        v = np.arange(round(0.45 * rate)) / rate
        pluck = sum(np.sin(2 * np.pi * f * v) + 0.3 * np.sin(4 * np.pi * f * v) for f in chord) * np.exp(-v * 6) * 0.07
        add(start, pluck, -0.2)
        add(start + 0.25, np.sin(2 * np.pi * chord[0] / 2 * v) * np.exp(-v * 5) * 0.30)
    mix *= np.minimum(1.0, (seconds - time) / 0.15)
    return AudioTrack((0.8 * mix / np.abs(mix).max()).astype(np.float32), rate)


def write_performer(path: Path, *, canvas: Canvas = CANVAS, seconds: float = SECONDS, detail: float = 1.5, progress: Progress | None = None) -> Path:
    """Renders the clip and writes it with its sound to `path` (MP4); returns the path. Takes a minute or two."""
    design = performer_design()
    character = build_character(design, detail)
    camera = frame_camera(design.shape, canvas, "full", focal=2.4, margin=1.10, shift=(0.0, 0.02))
    background = Background("room", ((0.78, 0.82, 0.84), (0.62, 0.55, 0.50), (0.55, 0.66, 0.70), (0.86, 0.78, 0.62), (0.50, 0.58, 0.52), (0.72, 0.52, 0.46)), 4, "a room")
    scene = Scene(camera, Light((-0.45, 0.55, 0.75)), background, grain=1.2)
    backdrop = draw_background(background, camera, canvas)
    count = round(seconds * FPS)
    rng = np.random.default_rng(1)
    noise = rng.normal(0, scene.grain / 255, (*canvas, 1)).astype(np.float32)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, canvas, Fraction(FPS), beat_track(count / FPS), metadata={"title": "KMC demo performer", "comment": "rendered by this project"}) as writer:
        for k in range(count):
            frame = render_frame(character, pose_character(character, performer_goals(k / FPS)), scene, canvas, backdrop)
            writer.write((np.clip(frame.rgb + np.roll(noise, 37 * k, axis=(0, 1)), 0, 1) * 255 + 0.5).astype(np.uint8))
            if progress is not None:
                progress(k + 1, count, "rendering the performer")
    return path
