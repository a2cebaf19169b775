"""Living faces: blinks, gaze, speech, passing moods. Fills PoseGoals.face and gaze."""

from __future__ import annotations

import numpy as np

from .head import CONTROLS
from .posing import PoseGoals

_MOODS = {
    "smile": {"smile_left": 0.9, "smile_right": 0.9, "squint_left": 0.35, "squint_right": 0.35, "lips_apart": 0.55},
    "surprise": {"brow_up_left": 1.0, "brow_up_right": 1.0, "jaw": 0.55, "open_left": 0.25, "open_right": 0.25},
    "angry": {"brow_down": 1.0, "squint_left": 0.5, "squint_right": 0.5, "frown": 0.6},
    "sad": {"brow_sad": 1.0, "frown": 0.8},
    "pucker": {"pucker": 1.0},
    "smirk": {"smile_left": 0.9, "brow_up_right": 0.6},
    "laugh": {"smile_left": 1.0, "smile_right": 1.0, "jaw": 0.65, "squint_left": 0.7, "squint_right": 0.7},
    "wink": {"open_left": -1.0, "smile_left": 0.6, "squint_left": 0.4},
    "doubt": {"brow_up_left": 0.8, "brow_down": 0.3, "mouth_left": 0.7},
    "puff": {"puff": 1.0, "pucker": 0.4},
}  # fmt: skip
_INDEX = {name: k for k, name in enumerate(CONTROLS)}


def animate_face(goals: PoseGoals, t: float, seed: int, talk: float, mood: float) -> None:
    """Adds a face for time t (s). talk 0..1 moves jaw and lips; mood -1..1 is the resting smile or frown."""
    face = goals.face
    face[_INDEX["smile_left"]] += max(mood, 0) * 0.55
    face[_INDEX["smile_right"]] += max(mood, 0) * 0.55
    face[_INDEX["frown"]] += max(-mood, 0) * 0.6
    _passing_moods(face, t, seed)
    if talk > 0:
        _speech(face, t, seed, talk)
    _gaze(goals, t, seed)
    closing = _blink(t, seed)
    for side in ("left", "right"):
        k = _INDEX[f"open_{side}"]
        face[k] = max(face[k], 0.0) * (1 - closing) - 0.25 * np.clip(-goals.gaze[1], 0, 0.5) * 2
        face[k] = np.clip(face[k] - 0.12 * face[_INDEX[f"squint_{side}"]], 0.0, 1.35)
    goals.face = np.clip(face, 0.0, 1.4)


def _passing_moods(face: np.ndarray, t: float, seed: int) -> None:
    rng = np.random.default_rng([seed, 31])
    names = list(_MOODS)
    start = rng.uniform(-1.0, 0.8)
    for _ in range(24):
        length, name, level = rng.uniform(0.8, 2.0), names[int(rng.integers(len(names)))], rng.uniform(0.4, 1.0)
        u = (t - start) / length
        if 0 < u < 1:
            weight = level * np.sin(np.pi * u) ** 0.7
            for control, value in _MOODS[name].items():
                face[_INDEX[control]] += weight * value
        start += length + rng.uniform(0.1, 1.2)


def _speech(face: np.ndarray, t: float, seed: int, talk: float) -> None:
    rng = np.random.default_rng([seed, 37])
    phase, rate = rng.uniform(0, 6, 4), rng.uniform(2.4, 4.2)
    pause = 0.5 + 0.5 * np.sin(2 * np.pi * 0.31 * t + phase[3])
    voice = talk * np.clip(pause * 2.2 - 0.25, 0, 1)
    syllable = 0.5 + 0.5 * np.sin(2 * np.pi * rate * t + phase[0])
    vowel = np.sin(2 * np.pi * rate * 0.43 * t + phase[1])
    face[_INDEX["jaw"]] += 0.60 * voice * syllable * (0.6 + 0.4 * vowel)
    face[_INDEX["lips_apart"]] += 0.7 * voice * max(vowel, 0)
    face[_INDEX["pucker"]] += 0.8 * voice * max(-vowel, 0)
    lift = voice * max(0.0, np.sin(2 * np.pi * 0.7 * t + phase[2])) ** 3
    for side in ("left", "right"):
        face[_INDEX[f"brow_up_{side}"]] += 0.5 * lift


def _gaze(goals: PoseGoals, t: float, seed: int) -> None:
    """Eyes rest on the viewer against the head's turn, with jumps to other places."""
    rng = np.random.default_rng([seed, 41])
    jumps = rng.uniform(-1, 1, (40, 2)) * [0.35, 0.18] * (rng.random((40, 1)) < 0.5)
    beat = t / 0.9
    k, u = int(beat) % 39, beat % 1.0
    mix = np.clip((u - 0.9) / 0.1, 0, 1)
    target = jumps[k] * (1 - mix) + jumps[k + 1] * mix
    counter = -(goals.head[0] + goals.spine[0]) * 0.6
    goals.gaze = np.clip(goals.gaze + target + [counter, 0.5 * goals.head[1]], [-0.55, -0.35], [0.55, 0.30])


def _blink(t: float, seed: int) -> float:
    rng = np.random.default_rng([seed, 43])
    times = np.cumsum(rng.uniform(0.9, 3.6, 60)) - 0.6
    nearest = np.abs(t - times).min()
    return float(np.clip(1.35 - nearest / 0.085, 0, 1))
