"""The face layer: expressions, eyelids, gaze and mouth on the view's own 478-point mesh.

Not here: turning the head (head.py). Called by prepared_view.py once per view and by deform.py every frame.
Displacements are the driver's, in the head's own axes and in outer-eye distances (MediaPipe Face Mesh topology,
Kartynnik et al. 2019). Lids are not displaced but placed, by openness: that is what really closes an eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import Delaunay

from ..pose.expression import gaze, head_axes
from ..pose.skeleton_layouts import INNER_LIPS, LEFT_IRIS, RIGHT_IRIS
from ..types import CharacterMotion, SubjectView
from .capsules import smoothstep
from .head import ear_plane
from .part_model import has_face

SMALLEST_EYE_DISTANCE_PX = 12.0
SMALLEST_MOUTH_PX = 8.0
SHOWS_TEETH = 0.05  # inner-lip gap / mouth width
IVORY = np.array([0.73, 0.70, 0.66])
# the rim that stays with the head (the jaw, chin and lower cheeks move)
FIXED_RIM = (10, 338, 297, 332, 284, 251, 389, 356, 454, 127, 162, 21, 54, 103, 67, 109, 234, 93, 323, 132, 361)


@dataclass(frozen=True)
class _Eye:
    """Indices of one eye: outer and inner corner, lids from outer to inner corner, two rings of skin above, iris."""

    corners: tuple[int, int]
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    crease: tuple[int, ...]
    socket: tuple[int, ...]
    iris: tuple[int, ...]


EYES = (
    _Eye((263, 362), (466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382),
         (467, 260, 259, 257, 258, 286, 414), (342, 445, 444, 443, 442, 441, 413), LEFT_IRIS),
    _Eye((33, 133), (246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155),
         (247, 30, 29, 27, 28, 56, 190), (113, 225, 224, 223, 222, 221, 189), RIGHT_IRIS),
)  # fmt: skip
CREASE_FOLLOWS, SOCKET_FOLLOWS = 0.55, 0.15


@dataclass(frozen=True)
class FaceModel:
    """points [478,3]: x, y picture px, z px relative to the ears' plane; triangles [M,3] with non-zero area;
    axes [3,3] head to picture; eye_distance_px between the outer corners; gaze [2,2] the picture's own;
    mouth_open: inner-lip gap / mouth width of the picture; paints_mouth: False for tiny or flat mouths;
    teeth [3]: colour 0..1 of the teeth, the picture's own where it shows them."""

    points: np.ndarray
    triangles: np.ndarray
    axes: np.ndarray
    eye_distance_px: float
    gaze: np.ndarray
    mouth_open: float
    paints_mouth: bool
    teeth: np.ndarray


def build_face(view: SubjectView) -> FaceModel | None:
    """The view's face, or None where it has none or one too small to move."""
    face = view.keypoints.face.astype(np.float64)
    eye_distance = float(np.linalg.norm(face[33] - face[263])) if has_face(view) else 0.0
    if eye_distance < SMALLEST_EYE_DISTANCE_PX:
        return None
    points = face - [0, 0, ear_plane(view)]
    triangles = Delaunay(face[:, :2]).simplices.astype(np.int64)
    area = _areas(face, triangles)
    triangles = triangles[np.abs(area) > 1e-3]
    axes = head_axes(face[None])[0].astype(np.float64)
    mouth_width = float(np.linalg.norm(face[78, :2] - face[308, :2]))
    mouth_open = float(np.linalg.norm(face[13, :2] - face[14, :2])) / max(mouth_width, 1.0)
    return FaceModel(
        points,
        triangles,
        axes,
        eye_distance,
        gaze((face @ axes)[None])[0],
        mouth_open,
        mouth_width >= SMALLEST_MOUTH_PX,
        _teeth_colour(view, mouth_open),
    )


def _teeth_colour(view: SubjectView, mouth_open: float) -> np.ndarray:
    """Mean of the lightest parts between the picture's lips, if they are open and light enough to be teeth; else ivory."""
    outline = np.round(view.keypoints.face[list(INNER_LIPS), :2]).astype(np.int32)
    mask = np.zeros(view.alpha.shape, np.uint8)
    cv2.fillPoly(mask, [outline], 1)
    inside = view.foreground[mask > 0].astype(np.float64) / 255
    if mouth_open < SHOWS_TEETH or len(inside) < 12:
        return IVORY
    light = inside.mean(1)
    teeth = inside[light >= np.percentile(light, 60)].mean(0)
    return teeth if teeth.mean() > 0.5 and np.ptp(teeth) < 0.35 else IVORY


def express(model: FaceModel, character: CharacterMotion, frame: int) -> np.ndarray:
    """The face's points [478,3] in picture px with the frame's expression, before the head turns."""
    points = model.points.copy()
    if character.face_displacement is not None:
        local = character.face_displacement[frame].astype(np.float64) * model.eye_distance_px
        local[list(FIXED_RIM)] = 0
        for eye in EYES:
            _calm_eye(local, eye)
        points += local @ model.axes.T
    for side, eye in enumerate(EYES):
        if character.face_displacement is not None:
            # sideways gaze is absolute, vertical gaze counts from the driver's own resting one (motion/face_motion.py)
            _move_iris(points, model, eye, character.gaze[frame, side] - [model.gaze[side, 0], 0.0])
        _place_lids(points, eye, float(character.eye_openness[frame, side]))
    return points


def _calm_eye(displacement: np.ndarray, eye: _Eye) -> None:
    """Lids and iris move with the eye's corners only; openness and gaze place them afterwards (in place)."""
    outer, inner = displacement[eye.corners[0]], displacement[eye.corners[1]]
    share = np.linspace(0, 1, len(eye.upper) + 2)[1:-1, None]
    between = outer * (1 - share) + inner * share
    displacement[list(eye.upper)] = between
    displacement[list(eye.lower)] = between + 0.5 * (displacement[list(eye.lower)] - between)
    displacement[list(eye.iris)] = (outer + inner) / 2


def _move_iris(points: np.ndarray, model: FaceModel, eye: _Eye, shift: np.ndarray) -> None:
    half_width = np.linalg.norm(points[eye.corners[0]] - points[eye.corners[1]]) / 2
    local = np.array([*np.clip(shift, (-0.45, -0.25), (0.45, 0.25)), 0.0]) * half_width
    points[list(eye.iris)] += local @ model.axes.T


def _place_lids(points: np.ndarray, eye: _Eye, openness: float) -> None:
    """Move the upper lid onto the lower one as openness falls to 0; the skin above it follows, the iris is squeezed."""
    openness = float(np.clip(openness, 0.0, 1.35))
    upper, lower = points[list(eye.upper)], points[list(eye.lower)]
    raised = lower + 0.12 * max(0.0, 1 - openness) * (upper - lower)
    closed = raised + openness * (upper - lower)
    drop = closed - upper
    points[list(eye.upper)], points[list(eye.lower)] = closed, raised
    points[list(eye.crease)] += CREASE_FOLLOWS * drop
    points[list(eye.socket)] += SOCKET_FOLLOWS * drop
    if openness < 1:
        down = (lower - upper).mean(0)
        height = max(float(down @ down), 1e-6)
        middle = (closed.mean(0) + raised.mean(0)) / 2
        offset = points[list(eye.iris)] - (upper.mean(0) + lower.mean(0)) / 2
        along = np.clip(offset @ down / height, -0.5, 0.5)[:, None] * down
        points[list(eye.iris)] = middle + offset - (offset @ down / height)[:, None] * down + along * openness


def front_triangles(model: FaceModel, moved: np.ndarray) -> np.ndarray:
    """Triangles [M,3] that still face the camera as they do in the picture; moved [478,>=2]."""
    return model.triangles[_areas(moved, model.triangles) * _areas(model.points, model.triangles) > 0]


def _areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, corner], :2] for corner in range(3))
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


@dataclass(frozen=True)
class Paint:
    """A patch to lay over the canvas at column x0, row y0: rgb float32 [h,w,3] 0..1, alpha float32 [h,w]."""

    x0: int
    y0: int
    rgb: np.ndarray
    alpha: np.ndarray


def mouth_paint(model: FaceModel, moved: np.ndarray, lip_colour: np.ndarray, shape: tuple[int, int]) -> Paint | None:
    """The inside of a mouth that the picture shows closed: dark, with a strip of upper teeth.

    moved [478,>=2] canvas px; lip_colour [3] 0..1; shape: canvas (height, width). None while there is nothing to paint.
    """
    width = float(np.linalg.norm(moved[78, :2] - moved[308, :2]))
    opened = float(np.linalg.norm(moved[13, :2] - moved[14, :2])) / max(width, 1.0)
    if not model.paints_mouth or model.mouth_open > 0.25 or opened - model.mouth_open < 0.07:
        return None
    outline = moved[list(INNER_LIPS), :2]
    low = np.maximum(np.floor(outline.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(outline.max(0)).astype(int) + 3, shape[::-1])
    if (high <= low).any():
        return None
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    corners = np.round((outline - low - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, 4)
    strength = min(1.0, (opened - model.mouth_open - 0.07) / 0.15)
    alpha = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.5, 0.012 * width)) * strength
    dark = np.array([0.20, 0.075, 0.08]) * 0.85 + 0.12 * lip_colour
    rows = np.arange(mask.shape[0]) + low[1] + 0.5
    columns = np.arange(mask.shape[1]) + low[0] + 0.5
    upper_lip = moved[[78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308], :2]
    upper_lip = upper_lip[np.argsort(upper_lip[:, 0], kind="stable")]
    lip_edge = np.interp(columns, upper_lip[:, 0], upper_lip[:, 1])
    depth = (rows[:, None] - lip_edge[None]) / max(width, 1.0)
    side = np.abs((columns - outline[:, 0].mean()) / max(width / 2, 1.0))[None]
    teeth = (1 - smoothstep(0.09, 0.14, depth)) * (1 - smoothstep(0.5, 0.85, side)) * smoothstep(0.1, 0.25, np.array(opened))
    ivory = model.teeth * (1 - 0.35 * side[..., None])
    rgb = dark * (1 - teeth[..., None]) + ivory * teeth[..., None]
    return Paint(int(low[0]), int(low[1]), rgb.astype(np.float32), alpha.astype(np.float32))
