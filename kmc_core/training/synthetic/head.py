"""The head: a grid wrapped round a skull with slits for eyes and mouth, and how expressions move it.

Head units are metres of an adult head: origin between the ears at eye level, x subject's left, y up, z front.
At rest eyes and mouth are closed; "open" eyes are an expression like any other, so lids and lips can never tear.
Not here: colours (paint_face.py), eyeballs and teeth (mouth_and_eyes.py), hair (hair.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

MOUTH_Y, EYE_Y = -0.066, -0.002
CONTROLS = (
    "open_left", "open_right", "squint_left", "squint_right", "jaw", "smile_left", "smile_right", "brow_up_left", "brow_up_right",
    "brow_down", "brow_sad", "pucker", "frown", "lips_apart", "mouth_left", "puff",
)  # fmt: skip


@dataclass(frozen=True)
class FaceShape:
    """Factors and offsets of a face, 1 or 0 = ordinary. eye_width: half width, metres; eye_gap: centre from the midline."""

    eye_width: float = 0.0164
    eye_height: float = 1.0
    eye_gap: float = 0.0325
    eye_tilt: float = 0.08
    nose: float = 1.0
    nose_width: float = 1.0
    mouth_width: float = 0.0245
    lips: float = 1.0
    jaw: float = 1.0
    chin: float = 1.0
    cheek: float = 1.0
    width: float = 1.0
    brow_height: float = 0.0
    iris: float = 1.0


# row table of the skull: front (y, z), side (y, x, z), back (y, z)
_ROWS = np.array([
    (0.113, -0.010, 0.113, 0.000, -0.012, 0.113, -0.014),
    (0.110, 0.022, 0.109, 0.028, -0.012, 0.109, -0.040),
    (0.097, 0.055, 0.094, 0.052, -0.012, 0.092, -0.075),
    (0.070, 0.079, 0.066, 0.069, -0.012, 0.064, -0.095),
    (0.040, 0.0895, 0.036, 0.0755, -0.011, 0.034, -0.102),
    (0.018, 0.0895, 0.016, 0.0762, -0.010, 0.012, -0.102),
    (-0.002, 0.0855, -0.002, 0.0755, -0.009, -0.008, -0.099),
    (-0.022, 0.0860, -0.022, 0.0730, -0.007, -0.026, -0.092),
    (-0.044, 0.0870, -0.040, 0.0690, -0.004, -0.040, -0.082),
    (-0.066, 0.0850, -0.056, 0.0640, -0.002, -0.052, -0.074),
    (-0.086, 0.0810, -0.072, 0.0590, 0.000, -0.062, -0.068),
    (-0.102, 0.0760, -0.083, 0.0520, 0.004, -0.070, -0.064),
    (-0.1125, 0.0670, -0.092, 0.0430, 0.006, -0.076, -0.061),
    (-0.1165, 0.0500, -0.098, 0.0340, 0.006, -0.080, -0.059),
    (-0.1130, 0.0300, -0.100, 0.0280, 0.002, -0.084, -0.057),
    (-0.1080, 0.0100, -0.096, 0.0250, -0.010, -0.090, -0.045),
])  # fmt: skip


@dataclass
class HeadGrid:
    """vertices [N,3] head units (eyes and mouth closed); triangles; plain [N,2] face coordinates (x, y) before features;
    shapes [K,N,3] displacement of every control at 1; lid_zone [N] 1/0/-1 = left/no/right lid; mouth_side [N] 1 above the lips' slit.
    row_marks [R], column_marks [C]: face-independent coordinates of rows and columns (eye corners, lips at the same marks on every face);
    above, below [R,C]: the vertex a row shows to the quads over and under it (they differ along slits)."""

    vertices: np.ndarray
    triangles: np.ndarray
    plain: np.ndarray
    shapes: np.ndarray
    eye_centres: np.ndarray
    eye_radius: float
    lid_zone: np.ndarray
    mouth_side: np.ndarray
    row_marks: np.ndarray
    column_marks: np.ndarray
    above: np.ndarray
    below: np.ndarray


def _row_positions(detail: float) -> np.ndarray:
    """Row parameters (indices into _ROWS, fractional), dense at eyes, nose and lips; contains the slits exactly."""
    heights = _ROWS[:, 0]
    knots = np.arange(len(_ROWS))
    front_rows = np.arange(3, 13)
    at = lambda y: float(np.interp(-y, -heights[front_rows], knots[front_rows]))  # noqa: E731
    eye, mouth = at(EYE_Y), at(MOUTH_Y)
    pieces = [
        (0.0, at(0.060), 9), (at(0.060), at(0.020), 8), (at(0.020), eye, 10), (eye, at(-0.014), 6), (at(-0.014), at(-0.030), 6),
        (at(-0.030), at(-0.052), 13), (at(-0.052), mouth, 8), (mouth, at(-0.079), 8), (at(-0.079), at(-0.112), 7), (at(-0.112), len(_ROWS) - 1.0, 7),
    ]  # fmt: skip
    rows = [np.linspace(a, b, max(2, round(n * detail)) + 1)[:-1] for a, b, n in pieces]
    return np.concatenate([*rows, [len(_ROWS) - 1.0]])


def _columns(face: FaceShape, detail: float) -> tuple[np.ndarray, np.ndarray]:
    """Azimuths in [-pi, pi), 0 in front, dense over the face, exact at the corners of eyes and mouth; and their marks."""
    inner, outer = face.eye_gap - face.eye_width, face.eye_gap + face.eye_width
    angle = lambda x: float(np.arcsin(min(x / (0.0756 * face.width), 0.99) ** 1.12))  # noqa: E731
    places = [0.0, angle(face.mouth_width * 0.5), angle(inner), angle(outer), angle(0.062), 1.55, 2.2, np.pi]
    if places[2] <= places[1]:
        places[1] = 0.5 * places[2]
    counts = [6, 5, 16, 6, 7, 6, 6]
    marks = np.concatenate([np.linspace(k, k + 1, max(2, round(n * detail)) + 1)[:-1] for k, n in enumerate(counts)])
    half = np.interp(marks, np.arange(8), places)
    return np.concatenate([[-np.pi], -half[:0:-1], half]), np.concatenate([[-7.0], -marks[:0:-1], marks])


def build_head(face: FaceShape, detail: float = 1.0) -> HeadGrid:
    """A closed-eyed, closed-mouthed head. detail scales the number of rows and columns."""
    rows, (angles, marks) = _row_positions(detail), _columns(face, detail)
    table = np.stack([PchipInterpolator(np.arange(len(_ROWS)), _ROWS[:, k])(rows) for k in range(7)], axis=1)
    points = _wrap(table, angles, face)
    number = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    eye_row, mouth_row = (int(np.argmin(np.abs(table[:, 0] - y))) for y in (EYE_Y, MOUTH_Y))
    slits = [(eye_row, face.eye_gap, face.eye_width), (eye_row, -face.eye_gap, face.eye_width), (mouth_row, 0.0, face.mouth_width)]
    below, source = _cut_slits(points, number, angles, slits)
    flat, row_of = points.reshape(-1, 3)[source], source // len(angles)
    is_lower = np.arange(len(source)) >= number.size
    has_copy = np.zeros(len(source), bool)
    has_copy[number[below != number]] = True
    side_at = lambda row: np.where(row_of == row, np.where(is_lower, -1.0, np.where(has_copy, 1.0, 0.0)), np.sign(row - row_of))  # noqa: E731
    angle = angles[source % len(angles)]
    vertices = _sculpt(flat, face, angle)
    front = np.clip((np.cos(angle) - 0.05) / 0.3, 0, 1)
    plain, mouth_side = flat[:, :2], side_at(mouth_row)
    shapes = expression_shapes(face, vertices, plain, side_at(eye_row), mouth_side, front)
    lid = (np.abs(np.abs(plain[:, 0]) - face.eye_gap) < face.eye_width * 1.5) & (np.abs(plain[:, 1] - EYE_Y) < 0.022) & (front > 0.3)
    centre, radius = eye_sphere(face)
    return HeadGrid(
        vertices, _triangles(number, below), plain, shapes, np.stack([centre, centre * [-1, 1, 1]]), radius,
        np.where(lid, np.sign(plain[:, 0]), 0).astype(np.int8), mouth_side, rows, marks, number, below,
    )  # fmt: skip


def _cut_slits(points: np.ndarray, number: np.ndarray, angles: np.ndarray, slits: list[tuple[int, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Doubles the vertices along slits (row, centre x, half width): the lower copies [R,C] and the grid vertex every vertex comes from."""
    below, extra, total = number.copy(), [], number.size
    for row, centre, half in slits:
        inside = np.flatnonzero((np.abs(angles) < 1.5) & (np.abs(points[row, :, 0] - centre) < half * 0.995))
        below[row, inside] = total + np.arange(len(inside))
        total += len(inside)
        extra.append(number[row, inside])
    return below, np.concatenate([number.reshape(-1), *extra])


def _wrap(table: np.ndarray, angles: np.ndarray, face: FaceShape) -> np.ndarray:
    """Row table [R,7] and azimuths [C] -> skull points [R,C,3]."""
    cosine, sine = np.cos(angles)[None], np.sin(angles)[None]
    fy, fz, sy, sx, sz, by, bz = (table[:, k : k + 1] for k in range(7))
    front = cosine > 0
    power = np.where(front, 2 / 2.25, 2 / 2.05)
    c, s = np.sign(cosine) * np.abs(cosine) ** power, np.sign(sine) * np.abs(sine) ** power
    lower = np.clip((-0.01 - sy) / 0.05, 0, 1)
    x = sx * face.width * (1 + (face.jaw - 1) * lower) * s
    z = sz + np.where(front, fz - sz, sz - bz) * c
    chin = np.clip((-0.080 - fy) / 0.030, 0, 1)  # rows stay level over the face, and curve up round the chin
    weight = np.where(front, np.clip((1.25 - 0.25 * chin) * np.abs(cosine) ** (1.6 + 1.0 * chin), 0, 1), np.abs(cosine) ** 1.6)
    y = sy + np.where(front, fy - sy, by - sy) * weight
    return np.stack([x, y + 0 * x, z], axis=-1)


def _triangles(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quads between row r (its lower copies) and row r + 1 (its upper copies), closed round the head."""
    a, b = below[:-1], np.roll(below[:-1], -1, axis=1)
    c, d = above[1:], np.roll(above[1:], -1, axis=1)
    quads = np.stack([a, c, d, b], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def _bump(x: np.ndarray, y: np.ndarray, cx: float, cy: float, sx: float, sy: float) -> np.ndarray:
    return np.exp(-(((x - cx) / sx) ** 2) - ((y - cy) / sy) ** 2)


def _sculpt(p: np.ndarray, face: FaceShape, angle: np.ndarray) -> np.ndarray:
    """Nose, sockets, brow ridge, cheeks, lips, chin as displacements along z (and a little y)."""
    x, y, z = p.T
    front = np.clip((np.cos(angle) - 0.12) / 0.3, 0, 1)
    m, g = np.abs(x), face.eye_gap
    dz = -0.0055 * _bump(m, y, g - 0.002, 0.001, 0.017, 0.013)
    dz += -0.0035 * _bump(m, y, 0.012, 0.004, 0.007, 0.010)
    dz += 0.0035 * _bump(m, y, g * 0.9, 0.024, 0.024, 0.008)
    dz += 0.0045 * face.cheek * _bump(m, y, 0.044, -0.030, 0.020, 0.016)
    dz += 0.0030 * _bump(m, y, 0.020, -0.055, 0.012, 0.016)
    dz += 0.0080 * (face.chin - 0.4) * _bump(x, y, 0.0, -0.099, 0.018, 0.013)
    dz += -0.0035 * _bump(x, y, 0.0, -0.083, 0.022, 0.006)
    # lips
    muzzle = 0.0045 * _bump(x, y, 0, -0.062, 0.024, 0.020)
    width = face.mouth_width
    taper = np.clip(1 - (x / (width * 1.02)) ** 2, 0, 1) ** 1.0
    thick = face.lips
    lips = 0.0048 * thick * np.exp(-(((y - MOUTH_Y - 0.0050) / 0.0042) ** 2)) + 0.0056 * thick * np.exp(-(((y - MOUTH_Y + 0.0065) / 0.0052) ** 2))
    groove = -0.0030 * np.exp(-(((y - MOUTH_Y) / 0.0018) ** 2))
    dz += muzzle + (lips + groove) * taper
    dz += -0.0012 * _bump(x, y, 0, -0.052, 0.004, 0.006)
    # nose
    profile = np.interp(y, [-0.0485, -0.0445, -0.0400, -0.0350, -0.0290, -0.015, 0.000, 0.012, 0.024], [0, 0.003, 0.0130, 0.0180, 0.0178, 0.0110, 0.0050, 0.0022, 0.0]) * face.nose
    broad = np.interp(y, [-0.045, -0.035, -0.025, -0.005, 0.015], [0.0098, 0.0116, 0.0108, 0.0098, 0.0125]) * face.nose_width
    dz += profile * np.exp(-np.abs(x / broad) ** 2.0)
    dz += 0.0085 * face.nose * _bump(m, y, 0.0125 * face.nose_width, -0.0375, 0.0050 * face.nose_width, 0.0055)
    out = p.copy()
    out[:, 2] += dz * front
    return _eye_dome(out, face, front)


def eye_sphere(face: FaceShape) -> tuple[np.ndarray, float]:
    """Centre [3] of the left eyeball (mirror x for the right) and its radius, head units; wider than a real one so that lids rest on it."""
    radius = face.eye_width * 1.45
    return np.array([face.eye_gap, EYE_Y + 0.0030, 0.0815 - radius]), radius


def _eye_dome(p: np.ndarray, face: FaceShape, front: np.ndarray) -> np.ndarray:
    """Lays the skin round the slits onto the eyeballs."""
    centre, radius = eye_sphere(face)
    across, up = np.abs(p[:, 0]) - centre[0], p[:, 1] - centre[1]
    dome = centre[2] + np.sqrt(np.maximum((radius * 1.05) ** 2 - across**2 - up**2, 1e-8))
    reach = (across / (face.eye_width * 1.22)) ** 2 + ((p[:, 1] - EYE_Y) / (0.0105 * face.eye_height)) ** 2
    weight = np.clip(1.75 - reach, 0, 1) * (front > 0.2)
    p[:, 2] += (dome - p[:, 2]) * weight
    return p


def expression_shapes(face: FaceShape, vertices: np.ndarray, plain: np.ndarray, eye_side: np.ndarray, mouth_side: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Displacement [K,N,3] of every control in CONTROLS at value 1."""
    x, y = plain.T
    shapes = np.zeros((len(CONTROLS), len(vertices), 3))
    at = lambda name: shapes[CONTROLS.index(name)]  # noqa: E731
    for side, sign in (("left", 1.0), ("right", -1.0)):
        across = (sign * x - face.eye_gap) / face.eye_width  # -1 inner corner, 1 outer corner
        lens = np.clip(1 - across**2, 0, 1)
        up = (lens**0.62) * (1 + 0.06 * across) * 0.0096 * face.eye_height
        down = (lens**0.75) * (1 - 0.12 * across) * 0.0027 * face.eye_height
        dy = np.abs(y - EYE_Y)
        fall_up = np.clip(1 - dy / (0.019 * max(face.eye_height, 1.0)), 0, 1) ** 1.3
        fall_down = np.clip(1 - dy / 0.014, 0, 1) ** 1.5
        near = (front > 0.1) * 1.0
        at(f"open_{side}")[:, 1] = np.where(eye_side > 0, up * fall_up, -down * fall_down) * near
        at(f"squint_{side}")[:, 1] = np.where(eye_side < 0, 0.0045 * lens**0.6 * fall_down, -0.0025 * lens**0.6 * fall_up) * near
        soft = np.exp(-((across / 1.7) ** 2)) * (sign * x > -0.004) * near
        brow = soft * np.exp(-(((y - 0.026) / 0.016) ** 2))
        at(f"brow_up_{side}")[:, 1] = 0.0085 * brow
        at("brow_down")[:, 1] += -0.0065 * brow * np.exp(-(((across + 0.8) / 1.1) ** 2))
        at("brow_down")[:, 0] += -sign * 0.0025 * brow * np.exp(-(((across + 1) / 0.8) ** 2))
        at("brow_sad")[:, 1] += 0.0085 * brow * np.exp(-(((across + 1.1) / 0.8) ** 2)) - 0.003 * brow * np.exp(-(((across - 0.9) / 0.6) ** 2))
        _smile(at(f"smile_{side}"), x, y, sign, face, front)
    _jaw(at("jaw"), vertices, x, y, mouth_side, face, front)
    _lips(at, x, y, mouth_side, face, front)
    return shapes


def _smile(shape: np.ndarray, x: np.ndarray, y: np.ndarray, sign: float, face: FaceShape, front: np.ndarray) -> None:
    w = face.mouth_width
    u = np.clip(sign * x / w, 0, None)
    reach = np.where(u < 1, u**1.9, np.exp(-(((u - 1) / 0.55) ** 2))) * front
    corner = reach * np.exp(-(((y - MOUTH_Y) / 0.019) ** 2))
    shape[:, 0] += sign * 0.0080 * corner
    shape[:, 1] += 0.0100 * corner - 0.0008 * np.exp(-((u / 0.5) ** 2)) * (u > 0) * np.exp(-(((y - MOUTH_Y) / 0.015) ** 2)) * front
    shape[:, 2] += -0.0055 * corner
    cheek = _bump(sign * x, y, 0.040, -0.030, 0.018, 0.016) * front
    shape[:, 1] += 0.0045 * cheek
    shape[:, 2] += 0.0045 * cheek


def _jaw(shape: np.ndarray, p: np.ndarray, x: np.ndarray, y: np.ndarray, mouth_side: np.ndarray, face: FaceShape, front: np.ndarray) -> None:
    """A turn of about 20 degrees about the hinge under the ears, fading out over the cheeks."""
    hinge_y, hinge_z = -0.020, 0.0
    below = mouth_side < 0
    lip = np.clip(1 - (np.abs(x) / (face.mouth_width * 1.0)) ** 2.2, 0, 1)  # at the slit: full in the middle, half at the corners
    under = np.clip((MOUTH_Y - y) / 0.030, 0, 1)
    weight = np.where(below, 0.30 + 0.70 * np.maximum(lip**0.55, under), 0.30 * np.clip(1 - (y - MOUTH_Y) / 0.045, 0, 1) * (1 - lip**0.7) ** 1.0)
    weight = weight * np.clip((p[:, 2] - 0.0) / 0.035, 0, 1) * np.clip(1.0 - (np.abs(x) - 0.030) / 0.05, 0, 1)
    theta = 0.36
    shape[:, 1] = -theta * (p[:, 2] - hinge_z) * weight
    shape[:, 2] = theta * (p[:, 1] - hinge_y) * weight * 0.8
    shape[:, 0] = -0.05 * x * weight


def _lips(at, x: np.ndarray, y: np.ndarray, mouth_side: np.ndarray, face: FaceShape, front: np.ndarray) -> None:
    w = face.mouth_width
    near = _bump(x, y, 0, MOUTH_Y, w * 1.3, 0.013) * front
    pucker = at("pucker")
    pucker[:, 0] = -0.40 * x * np.exp(-((x / (w * 1.5)) ** 2)) * np.exp(-(((y - MOUTH_Y) / 0.018) ** 2)) * front
    pucker[:, 2] = 0.0075 * _bump(x, y, 0, MOUTH_Y, w * 0.7, 0.012) * front
    frown = at("frown")
    for sign in (1.0, -1.0):
        corner = _bump(sign * x, y, w, MOUTH_Y, 0.013, 0.014) * front
        frown[:, 1] += -0.0065 * corner
    lens = np.clip(1 - (x / w) ** 2, 0, 1) ** 0.7
    apart = at("lips_apart")
    fall = np.exp(-(((y - MOUTH_Y) / 0.012) ** 2))
    apart[:, 1] = np.where(mouth_side > 0, 0.0038, -0.0046) * lens * fall * front
    at("mouth_left")[:, 0] = 0.010 * near
    puff = _bump(np.abs(x), y, 0.038, -0.058, 0.016, 0.020) * front
    at("puff")[:, 2] = 0.006 * puff
    at("puff")[:, 0] = 0.005 * puff * np.sign(x)


def deform(grid: HeadGrid, controls: np.ndarray) -> np.ndarray:
    """Head vertices [N,3] under controls [K] (open_left/right 1 = ordinary open eyes); lids slide over the eyeballs."""
    points = grid.vertices + np.tensordot(controls, grid.shapes, axes=1)
    for sign, centre in ((1, grid.eye_centres[0]), (-1, grid.eye_centres[1])):
        chosen = np.flatnonzero(grid.lid_zone == sign)
        offset = points[chosen] - centre
        length = np.linalg.norm(offset, axis=1)
        wanted = grid.eye_radius * 1.05
        push = np.where((length < wanted) & (offset[:, 2] > 0), wanted / np.maximum(length, 1e-6), 1.0)
        points[chosen] = centre + offset * push[:, None]
    return points
