"""Rooms, gradients and clutter behind the performer, drawn once per clip, and the soft shadow under the feet."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ...types import Canvas
from .camera import Camera

WALL_Z, SKYLINE_Z = -1.6, -30.0  # where the wall stands, and how far away the sky meets the ground outdoors, metres
KINDS = ("plain", "gradient", "room", "clutter", "texture", "outdoor", "studio")


@dataclass(frozen=True)
class Background:
    """kind (KINDS), two or more RGB colours 0..1, seed. words: how a caption names it."""

    kind: str = "studio"
    colours: tuple[tuple[float, float, float], ...] = ((0.80, 0.82, 0.85), (0.62, 0.60, 0.58))
    seed: int = 0
    words: str = "a studio"


def random_background(seed: int) -> Background:
    """A seeded background."""
    rng = np.random.default_rng([seed, 5])
    kind = str(rng.choice(KINDS, p=[0.10, 0.15, 0.25, 0.20, 0.10, 0.10, 0.10]))
    base = rng.uniform(0.22, 0.92)
    colours = tuple(tuple(float(v) for v in np.clip(base + rng.normal(0, 0.075, 3) + rng.normal(0, 0.12), 0.05, 0.97)) for _ in range(6))
    words = {"plain": "a plain wall", "gradient": "a gradient backdrop", "room": "a room", "clutter": "a cluttered room", "texture": "a textured wall", "outdoor": "a field under the sky", "studio": "a studio"}[kind]
    return Background(kind, colours, seed, words)


def wall_of(background: Background) -> float:
    """How far behind the performer (z < 0) what stands upright stands, metres."""
    return SKYLINE_Z if background.kind == "outdoor" else WALL_Z


def draw_background(background: Background, camera: Camera, canvas: Canvas) -> np.ndarray:
    """Float32 [H,W,3] RGB 0..1. The floor meets the wall where the camera sees it stand (wall_of)."""
    rng = np.random.default_rng([background.seed, 7])
    h, w = canvas
    colours = np.array(background.colours, np.float32)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    edge, _ = camera.project(np.array([[0.0, 0.0, wall_of(background)]]), canvas)
    horizon = float(np.clip(edge[0, 1], -h, 2 * h))
    if background.kind == "plain":
        picture = np.tile(colours[0], (h, w, 1))
    elif background.kind == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        t = ((x - w / 2) * np.cos(angle) + (y - h / 2) * np.sin(angle)) / (0.5 * np.hypot(h, w)) * 0.5 + 0.5
        picture = _between(colours[0], colours[1], np.clip(t, 0, 1))
    elif background.kind == "texture":
        noise = sum(cv2.resize(rng.random((max(2, h // s), max(2, w // s))).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC) * a for s, a in ((4, 0.2), (16, 0.3), (64, 0.5)))
        picture = _between(colours[0], 0.5 * (colours[0] + colours[1]), np.clip(noise, 0, 1))
    elif background.kind == "outdoor":
        sky = _between(np.array([0.45, 0.66, 0.92], np.float32), np.array([0.86, 0.92, 0.97], np.float32), np.clip(y / max(horizon, 1), 0, 1))
        grass = _between(np.array([0.42, 0.58, 0.28], np.float32), np.array([0.28, 0.44, 0.20], np.float32), np.clip((y - horizon) / h * 2, 0, 1))
        picture = np.where((y > horizon)[..., None], grass, sky)
        _hills(picture, horizon, rng)
    else:
        picture = _room(background, colours, horizon, camera, canvas, rng, x, y)
    picture = cv2.GaussianBlur(np.ascontiguousarray(picture, np.float32), (0, 0), max(0.6, h / 500))
    vignette = 1 - 0.18 * (((x - w / 2) / w) ** 2 + ((y - h / 2) / h) ** 2)[..., None] * rng.uniform(0, 2)
    return np.clip(picture * vignette, 0, 1).astype(np.float32)


def _between(first: np.ndarray, second: np.ndarray, t: np.ndarray) -> np.ndarray:
    return first + (second - first) * t[..., None]


def _hills(picture: np.ndarray, horizon: float, rng: np.random.Generator) -> None:
    h, w = picture.shape[:2]
    for k in range(3):
        x = np.linspace(0, 1, 40)
        ridge = horizon - h * (0.10 - 0.03 * k) * (0.6 + 0.4 * np.sin(x * rng.uniform(4, 12) + rng.uniform(0, 6)) + 0.2 * rng.random(40))
        points = np.concatenate([np.stack([x * w, ridge], 1), [[w, horizon + 1], [0, horizon + 1]]]).astype(np.int32)
        shade = 0.75 - 0.15 * k
        cv2.fillPoly(picture, [points], (0.40 * shade, 0.55 * shade, 0.45 * shade), cv2.LINE_AA)


def _room(background: Background, colours: np.ndarray, horizon: float, camera: Camera, canvas: Canvas, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    h, w = canvas
    wall = _between(colours[0] * 1.02, colours[0] * 0.90, np.clip(np.abs(x / w - rng.uniform(0.3, 0.7)) * 1.2 + 0.2 * y / h, 0, 1))
    floor = _between(colours[1] * 0.80, colours[1] * 1.02, np.clip((y - horizon) / (0.4 * h), 0, 1))
    if background.kind == "studio":
        soft = 1 / (1 + np.exp(-(y - horizon) / (0.03 * h)))
        return wall * (1 - soft[..., None]) + floor * soft[..., None]
    picture = np.where((y > horizon)[..., None], floor, wall).astype(np.float32)
    skirting = int(max(2, h * 0.012))
    if 0 < horizon < h:
        picture[max(0, int(horizon) - skirting) : int(horizon)] *= 0.82
    if rng.random() < 0.5 and horizon < h:
        _floor_lines(picture, horizon, camera, canvas, colours[1] * 0.72)
    count = int(rng.integers(1, 4)) if background.kind == "room" else int(rng.integers(6, 16))
    for _ in range(count):
        _thing(picture, horizon, colours[2 + int(rng.integers(len(colours) - 2))], rng)
    return picture


def _floor_lines(picture: np.ndarray, horizon: float, camera: Camera, canvas: Canvas, colour: np.ndarray) -> None:
    for k in np.arange(-3.0, 3.01, 0.5):
        ends, depth = camera.project(np.array([[k, 0.0, WALL_Z], [k, 0.0, 1.2]]), canvas)
        if depth.min() > 0.1:
            cv2.line(picture, *[tuple(int(v) for v in np.clip(e, -9999, 9999)) for e in ends], tuple(float(c) for c in colour), max(1, canvas.height // 400), cv2.LINE_AA)


def _thing(picture: np.ndarray, horizon: float, colour: np.ndarray, rng: np.random.Generator) -> None:
    """A frame, window, cupboard, lamp, plant or ball."""
    h, w = picture.shape[:2]
    kind = rng.choice(["frame", "window", "box", "ball", "plant", "lamp", "shelf"])
    cx, tone = rng.uniform(0, w), tuple(float(c) for c in colour)
    dark = tuple(0.6 * c for c in tone)
    size = rng.uniform(0.06, 0.20) * h
    ground = min(horizon, h) + rng.uniform(-0.01, 0.10) * h
    if kind in ("frame", "window", "shelf"):
        cy = horizon * rng.uniform(0.15, 0.6)
        half = np.array([size * rng.uniform(0.5, 1.1), size * (0.12 if kind == "shelf" else rng.uniform(0.5, 1.0))])
        a, b = (int(cx - half[0]), int(cy - half[1])), (int(cx + half[0]), int(cy + half[1]))
        cv2.rectangle(picture, a, b, (0.85, 0.91, 0.97) if kind == "window" else tone, -1)
        cv2.rectangle(picture, a, b, dark, max(1, int(h * 0.006)))
        if kind == "window":
            cv2.line(picture, (int(cx), a[1]), (int(cx), b[1]), dark, max(1, int(h * 0.005)))
        elif kind == "frame":
            cv2.circle(picture, (int(cx), int(cy)), int(half.min() * 0.5), tuple(float(c) for c in rng.random(3)), -1, cv2.LINE_AA)
    elif kind == "box":
        cv2.rectangle(picture, (int(cx - size * 0.6), int(ground - size * 1.6)), (int(cx + size * 0.6), int(ground)), tone, -1)
        for k in range(1, 4):
            y = int(ground - size * 1.6 * k / 4)
            cv2.line(picture, (int(cx - size * 0.55), y), (int(cx + size * 0.55), y), dark, 1, cv2.LINE_AA)
    elif kind == "ball":
        cv2.circle(picture, (int(cx), int(ground - size * 0.4)), int(size * 0.4), tone, -1, cv2.LINE_AA)
        cv2.circle(picture, (int(cx - size * 0.1), int(ground - size * 0.5)), int(size * 0.15), tuple(min(1.0, c * 1.2) for c in tone), -1, cv2.LINE_AA)
    elif kind == "plant":
        cv2.rectangle(picture, (int(cx - size * 0.2), int(ground - size * 0.5)), (int(cx + size * 0.2), int(ground)), tone, -1)
        for _ in range(14):
            angle = rng.uniform(-1.3, 1.3)
            tip = (int(cx + np.sin(angle) * size * 1.1), int(ground - size * 0.5 - np.cos(angle) * size * 1.2))
            cv2.line(picture, (int(cx), int(ground - size * 0.5)), tip, (0.20, float(rng.uniform(0.35, 0.55)), 0.22), max(2, int(size * 0.10)), cv2.LINE_AA)
    else:
        cv2.line(picture, (int(cx), int(ground)), (int(cx), int(ground - size * 2.2)), dark, max(2, int(size * 0.06)), cv2.LINE_AA)
        top = int(ground - size * 2.2)
        cv2.fillPoly(picture, [np.array([[cx - size * 0.5, top], [cx + size * 0.5, top], [cx + size * 0.3, top - size * 0.6], [cx - size * 0.3, top - size * 0.6]]).astype(np.int32)], (0.97, 0.93, 0.80), cv2.LINE_AA)


def ground_shadow(places: np.ndarray, radii: np.ndarray, camera: Camera, canvas: Canvas, light: np.ndarray, strength: float) -> np.ndarray:
    """Light left on the background [H,W] float32 0..1: a soft dark ellipse on the floor under each place [N,3], drawn away from the light."""
    small = Canvas(max(8, canvas.height // 4), max(8, canvas.width // 4))
    dark = np.zeros(small, np.float32)
    slant = -light[[0, 2]] / max(light[1], 0.3)
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for place, radius in zip(places, radii, strict=True):
        height = max(float(place[1]), 0.0)
        centre = np.array([place[0] + slant[0] * height * 0.35, 0.0, place[2] + slant[1] * height * 0.35])
        ring = centre + radius * np.stack([np.cos(angle), 0 * angle, np.sin(angle)], axis=1)
        points, depth = camera.project(ring, small)
        if depth.min() < 0.2:
            continue
        mask = np.zeros(small, np.float32)
        cv2.fillPoly(mask, [np.clip(points * 16, -(2**20), 2**20).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
        dark = 1 - (1 - dark) * (1 - mask * strength / (1 + 6 * height))
    dark = cv2.GaussianBlur(dark, (0, 0), max(1.0, small.height / 70))
    return 1 - cv2.resize(dark, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
