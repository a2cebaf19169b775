"""A contact sheet of random characters in motion: the quickest way to judge this room by eye."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ...types import Canvas
from .background import random_background
from .camera import frame_camera
from .character import build_character
from .designs import random_design
from .motions import goals_at, plan_motion, suitable_motions
from .moving_backdrop import MovingBackdrop
from .renderer import Scene, SyntheticClip, pose_character, render_frame, surroundings
from .shading import random_light
from .sitting import seat_for

TILE = Canvas(420, 280)
JPEG_WIDTH = 1600


def character_tile(seed: int, canvas: Canvas = TILE, framing: str | None = None) -> np.ndarray:
    """One random character in a random instant, uint8 [H,W,3]."""
    rng = np.random.default_rng([seed, 211])
    design = random_design(seed)
    character = build_character(design)
    framing = framing or str(rng.choice(["full", "full", "wide", "half", "close"]))
    names = suitable_motions(framing, design.outfit.skirt)
    plan = plan_motion(seed, 3.0, (names[seed % len(names)],))
    camera = frame_camera(design.shape, canvas, framing, yaw=float(rng.normal() * 0.15), pitch=float(rng.normal() * 0.05), focal=float(rng.uniform(1.6, 3.0)))
    seat = seat_for(design.shape, plan.heading, seed) if "sit" in plan.names else None
    scene = Scene(camera, random_light(seed), random_background(seed), seat=seat)
    behind = surroundings(scene, MovingBackdrop(scene.background, camera, [camera], canvas), camera, camera, 0.0, canvas)[1]
    frame = render_frame(character, pose_character(character, goals_at(plan, float(rng.uniform(0.6, 2.4)))), scene, canvas, behind)
    return (frame.rgb * 255 + 0.5).astype(np.uint8)


def write_sheet(path: Path, characters: int, first_seed: int = 0, columns: int = 8) -> None:
    """Writes a picture of `characters` tiles."""
    tiles = [character_tile(first_seed + k) for k in range(characters)]
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 255))
    rows = [np.concatenate(tiles[k : k + columns], axis=1) for k in range(0, len(tiles), columns)]
    _save(path, rows)


def clip_row(clip: SyntheticClip, canvas: Canvas, shown: int = 8) -> np.ndarray:
    """Moments of a clip beside each other, then flow (hue: its direction) and depth (near is bright) of one of them, uint8 [H,W,3]."""
    last = len(clip.frames) - 1
    pictures = [clip.frames[k] for k in np.linspace(0, last, shown).round().astype(int)]
    if clip.flow is not None and clip.depth is not None:
        way, depth = clip.flow[last // 2], clip.depth[last // 2]
        size = np.hypot(way[..., 0], way[..., 1])
        hue = (np.degrees(np.arctan2(way[..., 1], way[..., 0])) % 360).astype(np.float32)
        tinted = cv2.cvtColor(np.dstack([hue, np.clip(size / 8, 0, 1), np.ones_like(size)]).astype(np.float32), cv2.COLOR_HSV2RGB)
        near = np.where(depth > 0, 1.15 - (depth - depth[depth > 0].min()) / max(float(np.ptp(depth[depth > 0])), 1e-3), 0) if (depth > 0).any() else depth
        pictures += [(tinted * 255).astype(np.uint8), (np.clip(near, 0, 1)[..., None] * 255).astype(np.uint8).repeat(3, 2)]
    return np.concatenate([cv2.resize(p, (canvas.width, canvas.height), interpolation=cv2.INTER_AREA) for p in pictures], axis=1)


def write_clip_sheet(path: Path, clips: list[SyntheticClip], canvas: Canvas = Canvas(240, 160)) -> None:
    """Writes a picture with one clip to a line; canvas: of one moment."""
    _save(path, [clip_row(clip, canvas) for clip in clips])


def _save(path: Path, rows: list[np.ndarray]) -> None:
    """A JPEG is made at most 1600 px wide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.ascontiguousarray(np.concatenate(rows)[..., ::-1])
    if path.suffix.lower() in (".jpg", ".jpeg"):
        scale = min(1.0, JPEG_WIDTH / whole.shape[1])
        whole = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        path.write_bytes(cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, 86])[1].tobytes())
    else:
        path.write_bytes(cv2.imencode(".png", whole)[1].tobytes())
