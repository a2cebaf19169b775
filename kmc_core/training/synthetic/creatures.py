"""Random robots and plush toys: proportions, colours, faces and captions. Called by designs.py."""

from __future__ import annotations

import colorsys

import numpy as np

from .accessories import HELD
from .character import CharacterDesign
from .head import FaceShape
from .paint import Palette
from .plush import KINDS
from .skeleton import BodyShape

MANNERS = {"soft": "", "toon": ", cartoon drawing", "painterly": ", painting"}
RGB = tuple[float, float, float]
_METALS: tuple[tuple[str, RGB], ...] = (
    ("white", (0.88, 0.89, 0.90)), ("silver", (0.66, 0.68, 0.71)), ("dark", (0.26, 0.28, 0.31)), ("blue", (0.28, 0.42, 0.66)), ("red", (0.66, 0.20, 0.17)),
    ("yellow", (0.86, 0.68, 0.20)), ("green", (0.30, 0.50, 0.36)), ("orange", (0.84, 0.44, 0.16)), ("copper", (0.66, 0.42, 0.28)),
)  # fmt: skip
_LIGHTS: tuple[tuple[str, RGB], ...] = (("blue", (0.30, 0.85, 1.0)), ("green", (0.35, 1.0, 0.55)), ("red", (1.0, 0.30, 0.22)), ("yellow", (1.0, 0.85, 0.30)))
_FURS: tuple[tuple[str, RGB, RGB], ...] = (
    ("brown", (0.50, 0.32, 0.19), (0.80, 0.64, 0.46)), ("honey", (0.78, 0.57, 0.32), (0.94, 0.83, 0.64)), ("grey", (0.55, 0.55, 0.58), (0.86, 0.84, 0.84)),
    ("white", (0.90, 0.88, 0.85), (0.94, 0.78, 0.76)), ("pink", (0.88, 0.60, 0.68), (0.97, 0.86, 0.86)), ("blue", (0.42, 0.58, 0.80), (0.85, 0.90, 0.96)), ("black", (0.17, 0.16, 0.17), (0.80, 0.78, 0.75)),
)  # fmt: skip


def random_creature(build: str, style: str, rng: np.random.Generator) -> CharacterDesign:
    """A robot or a plush toy (build) in one of shading.STYLES."""
    extras = (str(rng.choice(HELD)),) if rng.random() < 0.13 else ()
    held = f", a {extras[0]} in one hand" if extras else ""
    make = _robot if build == "robot" else _plush
    return make(style, extras, held, rng)


def _vary(base: dict[str, float], spread: float, rng: np.random.Generator) -> BodyShape:
    return BodyShape(**{name: float(value * (1 + spread * np.clip(rng.normal(), -2, 2))) for name, value in base.items()})


def _robot(style: str, extras: tuple[str, ...], held: str, rng: np.random.Generator) -> CharacterDesign:
    base = {"leg": 0.70, "torso": 0.56, "neck": 0.060, "head": 1.08, "shoulder": 0.200, "hip": 0.105, "arm": 0.60, "hand": 1.22, "foot": 1.25, "thickness": 1.08}
    shape = _vary(base, 0.08, rng)
    (main, shell), (second, trim) = (_METALS[int(k)] for k in rng.choice(len(_METALS), 2, replace=False))
    glow, light = _LIGHTS[int(rng.integers(len(_LIGHTS)))]
    plate = tuple(float(v) for v in np.clip(np.mean(shell) * np.array([0.95, 0.97, 1.0]) * 0.6 + 0.26, 0, 0.88))
    dark = (0.13, 0.14, 0.16)
    palette = Palette(
        skin=plate, lips=tuple(0.55 * v for v in plate), brow=tuple(0.5 * v for v in plate), iris=light, sclera=(0.07, 0.09, 0.11), blush=0.0,
        accessory=colorsys.hls_to_rgb(float(rng.random()), 0.4, 0.5), shell=(shell, trim, dark, tuple(1.5 * v for v in light)),
    )  # fmt: skip
    u = lambda a, b: float(rng.uniform(a, b))  # noqa: E731
    face = FaceShape(eye_width=0.0185 * u(0.95, 1.08), eye_height=1.1, eye_gap=0.0345, nose=u(0.5, 0.8), mouth_width=0.0225, lips=0.7, jaw=u(0.98, 1.08), chin=0.9, cheek=0.6, iris=1.15)
    caption = f"a robot of {main} metal with {second} parts and {glow} eyes{held}{MANNERS[style]}"
    return CharacterDesign("robot", shape, face, "none", int(rng.integers(1 << 20)), palette=palette, style=style, caption=caption, extras=extras, extras_side=int(rng.integers(2)), kind="robot")


def _plush(style: str, extras: tuple[str, ...], held: str, rng: np.random.Generator) -> CharacterDesign:
    base = {"leg": 0.36, "torso": 0.37, "neck": 0.042, "head": 1.42, "shoulder": 0.128, "hip": 0.082, "arm": 0.34, "hand": 0.78, "foot": 0.95, "thickness": 1.12, "belly": 0.40, "waist": 1.12, "hips": 1.05}
    shape, kind = _vary(base, 0.06, rng), str(rng.choice(KINDS))
    name, fur, patch = _FURS[int(rng.integers(len(_FURS)))]
    scarf = float(rng.random())
    skin = fur
    palette = Palette(
        skin=skin, lips=tuple(0.45 * v for v in patch), brow=tuple(0.9 * v for v in fur), iris=(0.16, 0.10, 0.06), sclera=(0.06, 0.045, 0.04), blush=float(rng.uniform(0.4, 0.9)),
        accessory=colorsys.hls_to_rgb(scarf, float(rng.uniform(0.35, 0.6)), 0.6), fur=(fur, patch), furry=True,
    )  # fmt: skip
    u = lambda a, b: float(rng.uniform(a, b))  # noqa: E731
    face = FaceShape(eye_width=0.0170 * u(0.92, 1.08), eye_height=1.45, eye_gap=0.0395, eye_tilt=0.0, nose=0.5, nose_width=1.0, mouth_width=0.0200, lips=0.5, chin=0.5, cheek=1.6, jaw=1.12, width=1.20, iris=1.25)
    toy = {"bear": "teddy bear", "rabbit": "plush rabbit", "cat": "plush cat"}[kind]
    caption = f"a {toy} of {name} fur with a scarf{held}{MANNERS[style]}"
    return CharacterDesign("plush", shape, face, "none", int(rng.integers(1 << 20)), palette=palette, style=style, caption=caption, extras=extras, extras_side=int(rng.integers(2)), kind=kind)
