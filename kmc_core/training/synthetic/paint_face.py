"""The painted features of a face: brows, lashes, lips, blush, nostrils, stubble; and the eyes.

Face coordinates are head units of the closed face (head.py): features ride on the skin, so they follow every expression.
"""

from __future__ import annotations

import numpy as np

from .head import EYE_Y, MOUTH_Y, FaceShape
from .noise import rgb, smooth_step, surface_noise
from .paint import Palette


def paint_face(face: FaceShape, palette: Palette, p: np.ndarray, softness: float) -> np.ndarray:
    """RGB [P,3] at face coordinates p [P,4] = (x, y, -, side of the mouth). softness: about one pixel in head units."""
    x, y = p[:, 0], p[:, 1]
    skin = rgb(palette.skin)
    colour = np.tile(skin, (len(p), 1)) * (0.985 + 0.03 * surface_noise(x * 120, y * 120))[:, None]
    soft = max(softness, 0.0006)
    m = np.abs(x)
    warm = palette.blush * (np.exp(-(((m - 0.043) / 0.016) ** 2) - ((y + 0.032) / 0.013) ** 2) + 0.5 * np.exp(-((x / 0.012) ** 2) - ((y + 0.034) / 0.008) ** 2))
    colour = _mix(colour, skin * rgb((1.0, 0.72, 0.68)), 0.55 * warm)
    if palette.freckles > 0:
        spots = smooth_step(0.70, 0.80, surface_noise(x * 420, y * 420, seed=9)) * np.exp(-((y + 0.025) / 0.016) ** 2) * (m < 0.05)
        colour = _mix(colour, skin * rgb((0.78, 0.62, 0.52)), 0.6 * palette.freckles * spots)
    if palette.beard > 0:
        below = smooth_step(-0.044, -0.060, y + 0.12 * np.maximum(m - 0.030, 0)) + smooth_step(0.052, 0.062, m) * smooth_step(-0.01, -0.03, y)
        lip_gap = smooth_step(0.8, 1.15, np.hypot(x / (face.mouth_width * 1.12), (y - MOUTH_Y) / 0.0135))
        grain = 0.65 + 0.35 * surface_noise(x * 900, y * 300)
        colour = _mix(colour, rgb(palette.hair) * 0.9, np.clip(below, 0, 1) * lip_gap * grain * palette.beard)
    lines = 1.0
    if palette.furry:
        lines = 0.15
        tufts = 0.6 * surface_noise(x * 110, y * 60) + 0.4 * surface_noise(x * 260, y * 150, seed=2)
        muzzle = smooth_step(1.15, 0.85, np.hypot(x / 0.036, (y + 0.060) / 0.031))
        colour = _mix(colour, rgb(palette.fur[1]), muzzle) * (1 + 0.5 * float(smooth_step(0.010, 0.003, np.array(softness))) * (tufts - 0.5))[:, None]
    colour = _lips(face, palette, colour, p, soft)
    nostril = np.exp(-(((m - 0.0078 * face.nose_width) / 0.0036) ** 2) - ((y + 0.0432) / 0.0022) ** 2)
    colour = _mix(colour, skin * rgb((0.35, 0.22, 0.20)), 0.85 * lines * np.clip(nostril * 1.4, 0, 1))
    crease = np.exp(-(((m - 0.0165 * face.nose_width) / 0.0022) ** 2) - ((y + 0.038) / 0.006) ** 2)
    colour = _mix(colour, skin * rgb((0.70, 0.55, 0.52)), 0.45 * lines * crease)
    colour = _eyes_round(face, palette, colour, x, y, soft, lines)
    return _brows(face, palette, colour, x, y, soft)


def _mix(colour: np.ndarray, other: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return colour + (other - colour) * np.clip(amount, 0, 1)[:, None]


def _lips(face: FaceShape, palette: Palette, colour: np.ndarray, p: np.ndarray, soft: float) -> np.ndarray:
    x, d = p[:, 0], p[:, 1] - MOUTH_Y
    u = np.clip(1 - (x / (face.mouth_width * 1.0)) ** 2, 0, 1)
    upper = 0.0082 * face.lips * u**0.62 * (1 - 0.20 * np.exp(-((x / 0.0045) ** 2)))
    lower = 0.0112 * face.lips * u**0.55
    edge = soft * 1.5 + 0.0006
    inside = np.where(p[:, 3] > 0, smooth_step(edge, -edge, d - upper), smooth_step(edge, -edge, -d - lower)) * (u > 0)
    tone = np.where(p[:, 3] > 0, 0.90, 1.04)[:, None] * rgb(palette.lips)
    colour = colour + (tone - colour) * (inside * (0.80 + 0.2 * palette.makeup))[:, None]
    line = np.exp(-((d / (0.0010 + 0.5 * soft)) ** 2)) * smooth_step(1.06, 0.98, np.abs(x) / face.mouth_width)
    return _mix(colour, rgb(palette.lips) * 0.42, 0.85 * line)


def _eyes_round(face: FaceShape, palette: Palette, colour: np.ndarray, x: np.ndarray, y: np.ndarray, soft: float, lines: float) -> np.ndarray:
    """Lash lines along both lids, the fold above, a little shade in the sockets; lines 0..1: how much of fold and shade."""
    across = (np.abs(x) - face.eye_gap) / face.eye_width
    d = y - EYE_Y
    lens = np.clip(1 - across**2, 0, 1)
    skin = rgb(palette.skin)
    socket = np.exp(-((across / 1.35) ** 2) - ((d - 0.005) / 0.011) ** 2)
    colour = _mix(colour, skin * rgb((0.80, 0.66, 0.64)), 0.30 * lines * socket)
    if palette.makeup > 0:
        colour = _mix(colour, skin * rgb((0.62, 0.42, 0.48)), 0.55 * palette.makeup * np.exp(-((across / 1.1) ** 2) - ((d - 0.007) / 0.006) ** 2) * (d > 0))
    fold = np.exp(-(((d - 0.0115 * lens**0.4) / (0.0016 + soft)) ** 2)) * smooth_step(1.15, 0.85, np.abs(across))
    colour = _mix(colour, skin * rgb((0.52, 0.38, 0.35)), 0.55 * lines * fold)
    thick = (0.0034 + 0.0014 * palette.makeup) * (0.55 + 0.45 * smooth_step(-1.0, 0.8, across)) + 0.5 * soft
    lash = smooth_step(thick + soft, thick - soft, d) * (d > -0.0001) * smooth_step(1.16, 1.06, across) * smooth_step(-1.10, -1.0, across)
    colour = _mix(colour, rgb(palette.brow) * 0.35 + 0.02, 0.95 * lash)
    under = smooth_step(0.0016 + soft, 0.0004, -d) * (d <= 0.0001) * smooth_step(1.08, 0.98, np.abs(across))
    return _mix(colour, skin * rgb((0.42, 0.28, 0.27)), 0.70 * under * (0.5 + 0.5 * smooth_step(-0.5, 0.9, across)))


def _brows(face: FaceShape, palette: Palette, colour: np.ndarray, x: np.ndarray, y: np.ndarray, soft: float) -> np.ndarray:
    across = (np.abs(x) - face.eye_gap) / face.eye_width
    middle = 0.0265 + face.brow_height - 0.0030 * (across - 0.25) ** 2 - 0.0012 * smooth_step(0.9, 1.7, across)
    thick = 0.0033 * smooth_step(1.62, 0.1, across) * (0.7 + 0.3 * smooth_step(-1.2, -0.6, across)) + 0.0006
    d = np.abs(y - middle)
    hair = 0.75 + 0.25 * surface_noise(across * 26 + y * 900, y * 500, seed=4)
    inside = smooth_step(thick + soft + 0.0006, thick - soft - 0.0006, d) * smooth_step(-1.28, -1.02, across) * smooth_step(1.66, 1.40, across)
    return _mix(colour, rgb(palette.brow), 0.88 * inside * hair)


def paint_eyes(palette: Palette, p: np.ndarray, iris_size: float, softness: float) -> np.ndarray:
    """RGB [P,3] of eyeballs at p [P,4] = (x, y in radii from the iris centre). iris_size: radius in the same unit."""
    r = np.hypot(p[:, 0], p[:, 1])
    angle = np.arctan2(p[:, 1], p[:, 0])
    white = rgb(palette.sclera) * (1.0 - 0.22 * smooth_step(0.45, 0.85, r))[:, None]
    iris, size = rgb(palette.iris), iris_size
    soft = softness * 1.2 + 0.010
    streak = 0.80 + 0.35 * surface_noise(angle * 9, r * 10, seed=6)
    glow = 0.75 + 0.65 * smooth_step(0.3, -0.9, p[:, 1] / size)
    tint = iris[None] * (streak * glow)[:, None]
    tint = tint * (1 - 0.55 * smooth_step(0.72 * size, 1.0 * size, r))[:, None]
    colour = white + (tint - white) * smooth_step(size + soft, size - soft, r)[:, None]
    pupil = smooth_step(size * 0.46 + soft, size * 0.46 - soft, r)
    return colour + (rgb((0.02, 0.018, 0.02)) - colour) * pupil[:, None]
