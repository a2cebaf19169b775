"""Measures the table of face_attachment.py: shows the pose extractor frontal heads and reads where its points fall on the grid.

Run once per change of head.py's grid; training and the demo only read the table.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from ...pose.extractor import HolisticExtractor
from ...types import Canvas
from .background import draw_background
from .camera import Camera
from .character import Character, build_character
from .designs import random_design
from .face_attachment import TABLE
from .head import CONTROLS
from .posing import PoseGoals
from .raster import rasterise
from .renderer import Posed, Scene, pose_character, render_frame

_LOGGER = logging.getLogger(__name__)
_CANVAS = Canvas(640, 560)


def measure_attachments(weights_folder: Path, heads: int = 24) -> None:
    """Writes TABLE from `heads` random realistic heads; logs the spread."""
    extractor = HolisticExtractor(weights_folder)
    readings = []
    for seed in range(heads):
        design = random_design(9000 + seed, style="soft", build=("man", "woman", "heroic", "tall")[seed % 4])
        design = replace(design, hair=("none", "buzz", "bun")[seed % 3], palette=replace(design.palette, beard=0.0))
        reading = _read_head(build_character(design), extractor)
        if reading is not None:
            readings.append(reading)
    table = np.median(np.stack(readings), axis=0)
    spread = np.abs(np.stack(readings) - table).mean((0, 1))
    _LOGGER.info("%d heads, mean spread in marks: column %.3f, row %.3f", len(readings), *spread)
    table = symmetric(table)
    TABLE.write_text(json.dumps({"source": "pose extractor on rendered heads", "heads": len(readings), "marks": np.round(table, 4).tolist()}), encoding="utf-8")


def symmetric(table: np.ndarray) -> np.ndarray:
    """The table made mirror-symmetric: every point is averaged with the mirror image of its partner."""
    mirrored = table * [-1, 1]
    cost = np.linalg.norm((table[:, None] - mirrored[None]) * [1.0, 1.5], axis=2)
    _, partner = linear_sum_assignment(cost)
    return 0.5 * (table + mirrored[partner])


def _read_head(character: Character, extractor: HolisticExtractor) -> np.ndarray | None:
    """Marks [468,2] of one head with open eyes and parted lips, or None when the extractor finds no face."""
    goals = PoseGoals()
    goals.face[CONTROLS.index("jaw")], goals.face[CONTROLS.index("lips_apart")] = 0.30, 0.5
    size = character.design.shape
    camera = Camera((0.0, size.height - 0.14 * size.head, 0.0), 3.0, 0.0, 0.0, 3.0 / (0.50 * size.head))
    scene = Scene(camera, grain=0.0)
    posed = pose_character(character, goals)
    frame = render_frame(character, posed, scene, _CANVAS, draw_background(scene.background, camera, _CANVAS))
    found = extractor.picture((frame.rgb * 255 + 0.5).astype(np.uint8))
    if found.face_confidence < 0.5:
        return None
    return _marks_at(character, posed, camera, found.face[:468, :2])


def _marks_at(character: Character, posed: Posed, camera: Camera, pixels: np.ndarray) -> np.ndarray:
    """Grid marks [P,2] of the visible head surface nearest to pixels [P,2]."""
    grid = character.head
    points, depth = camera.project(posed.vertices[character.head_range], _CANVAS)
    factor = 2
    visible = rasterise(points * factor, depth, grid.triangles, _CANVAS.height * factor, _CANVAS.width * factor)
    marks = np.zeros((len(grid.vertices), 2))
    for shown in (grid.above, grid.below):
        marks[shown] = np.stack(np.broadcast_arrays(grid.column_marks[None, :], grid.row_marks[:, None]), axis=-1)
    corners = marks[grid.triangles[visible.triangle]]
    keep = np.ptp(corners[..., 0], axis=1) < 2.0  # not across the seam behind
    values = np.einsum("pk,pkc->pc", visible.weights, corners)[keep]
    width = _CANVAS.width * factor
    places = np.stack([visible.pixel[keep] % width + 0.5, visible.pixel[keep] // width + 0.5], axis=1) / factor
    _, nearest = cKDTree(places).query(pixels)
    return values[nearest]
