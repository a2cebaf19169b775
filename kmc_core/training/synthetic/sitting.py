"""Sitting: down onto a seat, still and gesturing, up again; and the seat, which stands in the scene where the motion sits.

The seat is a few boxes, rasterised behind the figure. Not here: the figure (figure_layer.py). Called by motions.py and renderer.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...types import Canvas
from .arm_poses import ARM_POSES, RELAXED, ArmPose, mixed_arm, set_arm
from .camera import Camera
from .posing import PoseGoals
from .raster import rasterise
from .shading import Light
from .skeleton import BodyShape, rotation
from .timing import TAU, ease, wobble

DOWN, BACK = 0.46, 0.42  # where the hips go when sitting, leg lengths
KINDS = ("stool", "cube", "chair", "bench", "armchair")
_LAP = ArmPose((0.02, -0.66, 0.50), (0.8, -0.3, -0.6), (-0.15, -0.25, 1.0), (-0.15, -1.0, -0.2), RELAXED, 0.2)
_GESTURES = ("talk_low", "talk_high", "present", "wave", "chin", "thumb", "point_up", "shrug")


def sit(goals: PoseGoals, t: float, rng: np.random.Generator) -> None:
    """Sits all the time, sits down, stands up, or both: hands in the lap between gestures."""
    course = str(rng.choice(["seated", "down", "up", "both"], p=[0.3, 0.3, 0.2, 0.2]))
    begin, length, end = rng.uniform(0.2, 0.8), rng.uniform(0.8, 1.1), rng.uniform(1.9, 2.2)
    down = float(ease((t - begin) / length)) if course in ("down", "both") else 1.0
    down *= 1 - float(ease((t - end) / length)) if course in ("up", "both") else 1.0
    bow = np.sin(np.pi * down) ** 1.2
    goals.root += [0.0, -DOWN * down**1.3, -BACK * down**0.8]
    goals.pelvis += [0.0, 0.45 * bow - 0.06 * down, 0.0]
    goals.spine += [0.0, 0.40 * bow + 0.04 * down, 0.0]
    goals.head += [0.0, -0.40 * bow, 0.0]
    width, seed = rng.uniform(0.02, 0.16), int(rng.integers(1 << 30))
    score = rng.integers(0, len(_GESTURES), (16, 2))
    for side in (0, 1):
        goals.ankles[side] += [width, 0.0, rng.uniform(-0.02, 0.10) * down]
        goals.knees[side] = [0.12 + 0.5 * width, 0.0, 1.0]
        beat = t / 1.1 + 0.5 * side
        k, u = int(beat) % 16, beat % 1.0
        lift = float(ease(2.4 * np.sin(np.pi * u) - 0.6)) * (score[k, side] % 3 > 0)
        pose = mixed_arm(ARM_POSES["hang"], mixed_arm(_LAP, ARM_POSES[_GESTURES[score[k, side]]], lift), down)
        set_arm(goals, side, mixed_arm(pose, ARM_POSES["front"], 0.25 * float(bow)))
        goals.wrists[side] += 0.02 * wobble(t, seed + side, 3, 0.9)
    goals.head += 0.08 * wobble(t, seed + 9, 3, 0.5)
    goals.pelvis[2] += 0.03 * np.sin(TAU * 0.21 * t) * down


class Box(NamedTuple):
    """A box: middle [3] and half sizes [3] in the seat's axes, metres; tone: factor of the seat's colour."""

    middle: tuple[float, float, float]
    half: tuple[float, float, float]
    tone: float = 1.0


@dataclass(frozen=True)
class Seat:
    """boxes: what it is made of, floor under the standing performer = origin; heading: radians; colour RGB; words: its name."""

    boxes: tuple[Box, ...]
    heading: float
    colour: tuple[float, float, float]
    words: str

    def mesh(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Vertices [N,3] model axes, triangles [M,3], outward normals [M,3] and tones [M]."""
        corner = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        faces = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
        out = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], float)
        turn = rotation("y", self.heading)
        vertices = np.concatenate([np.array(b.middle) + corner * b.half for b in self.boxes]) @ turn.T
        quads = np.concatenate([faces + 8 * k for k in range(len(self.boxes))])
        triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        normals = np.tile(out, (len(self.boxes), 1)) @ turn.T
        tones = np.repeat([b.tone for b in self.boxes], 6)
        return vertices, triangles, np.concatenate([normals] * 2), np.concatenate([tones] * 2)

    @property
    def footprint(self) -> tuple[np.ndarray, float]:
        """Place [3] on the floor under its middle and the radius of its shadow, metres."""
        block = self.boxes[0]
        place = rotation("y", self.heading) @ np.array([block.middle[0], 0.0, block.middle[2]])
        return place, 1.15 * float(max(block.half[0], block.half[2]))


def seat_for(shape: BodyShape, heading: float, seed: int) -> Seat:
    """A seeded seat as high as this body needs it, behind where it stands facing `heading`."""
    rng = np.random.default_rng([seed, 61])
    kind = str(rng.choice(KINDS))
    thick = 0.105 * shape.thickness * shape.hips * (shape.torso / 0.5) ** 0.5
    top = max(shape.ankle + shape.leg * (1 - DOWN) - thick, 0.08)
    half = max(shape.hip + 0.11 * shape.thickness * (shape.torso / 0.5) ** 0.5, 0.18 * shape.leg) * float(rng.uniform(1.05, 1.3))
    front, back = -0.16 * shape.leg, -(BACK + 0.24 + 0.05 * shape.belly) * shape.leg
    middle, deep = 0.5 * (front + back), 0.5 * (front - back)
    slab = 0.5 * min(0.06, 0.4 * top)
    wide = {"bench": 2.2, "armchair": 1.35}.get(kind, 1.0) * half
    seat = Box((0.0, 0.5 * top, middle), (wide, 0.5 * top, deep)) if kind in ("cube", "armchair") else Box((0.0, top - slab, middle), (wide, slab, deep))
    boxes = [seat]
    if kind in ("stool", "chair", "bench"):
        thin = 0.022 + 0.01 * shape.leg
        for x in (-1, 1):
            for z in (-1, 1):
                boxes.append(Box((x * (wide - thin), 0.5 * top - slab, middle + z * (deep - thin)), (thin, 0.5 * top - slab, thin), 0.7))
    if kind in ("chair", "armchair"):
        tall = 0.75 * shape.torso
        boxes.append(Box((0.0, top + 0.5 * tall, back - 0.03), (wide, 0.5 * tall, 0.03 if kind == "chair" else 0.07), 0.9))
    if kind == "armchair":
        boxes += [Box((x * wide, 0.5 * top + 0.10 * shape.torso, middle), (0.06, 0.5 * top + 0.10 * shape.torso, deep), 0.85) for x in (-1, 1)]
    colour = tuple(float(v) for v in np.clip(rng.uniform(0.2, 0.8) + rng.normal(0, 0.12, 3), 0.08, 0.95))
    return Seat(tuple(boxes), heading, colour, f"a{'n' if kind == 'armchair' else ''} {kind}")


def draw_seat(seat: Seat, picture: np.ndarray, camera: Camera, before: Camera, light: Light, canvas: Canvas) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture [H,W,3] with the seat on it; its depth [H,W] metres (0 = none) and its way since camera `before` [H,W,2] px."""
    vertices, triangles, normals, tones = seat.mesh()
    fine = Canvas(canvas.height * 2, canvas.width * 2)
    points, far = camera.project(vertices, fine)
    visible = rasterise(points, far, triangles, fine.height, fine.width, np.ones(len(triangles), bool))
    seen = visible.triangle
    facing = np.clip(normals @ (camera.axes.T @ np.asarray(light.direction) / np.linalg.norm(light.direction)), 0, 1)
    bright = light.ambient * (0.75 + 0.25 * normals[:, 1:2]) * np.asarray(light.sky) + light.strength * facing[:, None] * np.asarray(light.colour)
    layer = np.zeros((fine.height * fine.width, 4), np.float32)
    layer[visible.pixel, :3] = (np.asarray(seat.colour) * tones[:, None] * bright)[seen]
    layer[visible.pixel, 3] = 1.0
    layer = layer.reshape(canvas.height, 2, canvas.width, 2, 4).mean((1, 3))
    depth, way = np.zeros((fine.height, fine.width), np.float32), np.zeros((fine.height, fine.width, 2), np.float32)
    share = visible.weights / far[triangles[seen]]  # its faces are large: weights as perspective has them
    total = share.sum(1)
    depth.reshape(-1)[visible.pixel] = 1 / total
    moved = 0.5 * (points - before.project(vertices, fine)[0])
    way.reshape(-1, 2)[visible.pixel] = (moved[triangles[seen]] * share[..., None]).sum(1) / total[:, None]
    return np.clip(picture * (1 - layer[..., 3:]) + layer[..., :3], 0, 1), depth[1::2, 1::2], way[1::2, 1::2]
