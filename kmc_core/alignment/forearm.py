"""Arms drawn anew: forearms that point at the camera, arms that hair or cloth hides. The picture shows too little of them.

Not here: the arm's own layer (layers.py, deform.py). Called by prepared_view.py once per view and by deform.py.
A tapered, shaded cylinder in the arm's median colour, as long as the bone really is. It replaces the picture's forearm
where the motion shows the bone from the side, and fades back where the motion foreshortens it as the picture does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import SubjectView
from .capsules import distance_to_segment, pixel_centres, smoothstep, unit
from .hands import lit_skin
from .layers import ALPHA, PREMULTIPLIED, REAL, Layer
from .mesh import Mesh
from .part_model import L_ARM, LIMB_JOINTS, R_ARM, PartModel

SHORTEST_SHARE = 0.5  # of the bone's 3-D length that the picture must show
UPPER_ARM, FOREARM = 0, 1
THICKNESS = ((0.085, 0.105), (0.07, 0.09))  # torso lengths, least and most, per bone
TAPER = (0.16, 0.38)
SAME_POSE = (np.radians(15.0), np.radians(40.0))  # an arm turned by less shows the picture's forearm, by more the stand-in
SLEEVE_CONTRAST = 10.0  # Lab distance between a short sleeve and the skin below it; lightness, which shadows change, counts less
LIGHTNESS_WEIGHT = 0.4
BARE_CHROMA = 16.0  # Lab a/b distance up to which a forearm counts as bare skin


@dataclass(frozen=True)
class StandIn:
    """layer: its texture; bone [2,2] px from the nearer to the farther joint in that texture; mesh over it; colour [3] 0..1 and
    radius px at its nearer end."""

    layer: Layer
    bone: np.ndarray
    mesh: Mesh
    colour: np.ndarray
    radius: float


def build_forearm(view: SubjectView, model: PartModel, arm: int, skin: np.ndarray | None) -> StandIn | None:
    """The stand-in for one arm, or None where the picture shows the forearm well or not at all. skin [3] 0..1 of the hands."""
    elbow, wrist = (view.joints[joint].astype(np.float64) for joint in LIMB_JOINTS[arm][FOREARM : FOREARM + 2])
    length = float(np.linalg.norm(wrist - elbow))
    confidence = view.joint_confidence[list(LIMB_JOINTS[arm][FOREARM : FOREARM + 2])].min()
    if confidence < 0.4 or np.linalg.norm((wrist - elbow)[:2]) > SHORTEST_SHARE * length:
        return None
    colour = _colour(view, model, arm, elbow[:2], wrist[:2], skin)
    if colour is None:
        return None
    return _cylinder(arm, FOREARM, length, colour, _radius(view, model, arm, FOREARM), _is_skin(colour, skin))


def build_hidden_arm(
    view: SubjectView, model: PartModel, arm: int, length_px: tuple[float, float], skin: np.ndarray | None
) -> tuple[StandIn, StandIn] | None:
    """Upper arm and forearm of a bare arm that is hidden, like the other one. length_px: of both bones; skin as above."""
    other = L_ARM + R_ARM - arm
    colours = []
    for bone in (UPPER_ARM, FOREARM):
        start, end = (view.joints[joint, :2].astype(np.float64) for joint in LIMB_JOINTS[other][bone : bone + 2])
        colours.append(_colour(view, model, other, start, end, skin, bone))
    if colours[0] is None or colours[1] is None:
        return None
    colour = (colours[0] + colours[1]) / 2
    radii, is_skin = [_radius(view, model, other, bone) for bone in range(2)], _is_skin(colour, skin)
    upper, fore = (_cylinder(arm, bone, length_px[bone], colour, radii[bone], is_skin) for bone in range(2))
    return upper, fore


def _radius(view: SubjectView, model: PartModel, arm: int, bone: int) -> float:
    low, high = THICKNESS[bone]
    return float(np.clip(model.limb_radii[arm][bone], low * view.torso_px, high * view.torso_px))


def _cylinder(arm: int, bone_number: int, length: float, colour: np.ndarray, radius: float, is_skin: bool) -> StandIn:
    pad = int(np.ceil(radius)) + 3
    height, width = 2 * pad, int(np.ceil(length)) + 2 * pad
    centres = pixel_centres(height, width)
    bone = np.array([[pad, pad], [pad + length, pad]], np.float64)
    distance, along = distance_to_segment(centres, bone[0], bone[1])
    thickness = radius * (1 - TAPER[bone_number] * along)
    texture = _shaded(distance, thickness, colour, is_skin)
    return StandIn(Layer(arm, (0, 0), texture), bone, _strip(bone, pad, 9), colour, radius)


def _shaded(distance: np.ndarray, thickness: np.ndarray | float, colour: np.ndarray, is_skin: bool) -> np.ndarray:
    """Texture [h,w,5] of a rounded bone of the given half-width, by the distance from its axis."""
    across = np.clip(distance / thickness, 0, 1)
    alpha = np.clip(thickness - distance + 0.5, 0, 1)
    shade = 0.78 + 0.27 * np.sqrt(1 - across**2)
    rgb = lit_skin(colour, shade) if is_skin else np.clip(colour * shade[..., None], 0, 1)
    return np.dstack([rgb * alpha[..., None], alpha, np.zeros_like(alpha)]).astype(np.float32)


def draw_bare_elbow(upper: Layer, view: SubjectView, stand_in: StandIn) -> Layer:
    """Under a short sleeve the picture's skin down to the elbow gives way to a rounded bone like the drawn forearm.

    Beside a forearm seen end-on that skin is mostly pieces of forearm and hand. `upper`: the arm's layer above the elbow;
    returned as it is where sleeve and forearm have one colour (long sleeves, bare arms) or no hem is found.
    """
    start, end = (view.joints[joint, :2].astype(np.float64) for joint in LIMB_JOINTS[upper.part][:2])
    radius, texture = stand_in.radius, upper.texture
    centres = pixel_centres(*texture.shape[:2]) + np.array(upper.origin)
    distance, along = distance_to_segment(centres, start, end)
    above = (end - centres) @ unit(end - start)  # px above the elbow
    solid = texture[..., ALPHA] > 0.2
    sleeve = solid & (distance < radius) & (along > 0.25) & (along < 0.5)
    if sleeve.sum() < 20:
        return upper
    colours = texture[..., PREMULTIPLIED] / np.maximum(texture[..., ALPHA:ALPHA + 1], 1e-3)
    weights = np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    lab = cv2.cvtColor(np.clip(colours, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB) * weights
    cloth, skin = np.median(lab[sleeve], 0), _lab(stand_in.colour) * weights
    if np.linalg.norm(cloth - skin) < SLEEVE_CONTRAST:
        return upper
    bare = solid & (((lab - skin) ** 2).sum(-1) < ((lab - cloth) ** 2).sum(-1))
    steps = np.arange(0.0, 0.6 * float(np.linalg.norm(end - start)), 2.0)
    near = solid & (distance < radius)
    rows = [near & (np.abs(above - step) < 3) for step in steps]
    shares = np.array([bare[row].mean() if row.any() else 1.0 for row in rows])
    if not len(steps) or shares[-1] > 0.5 or shares[0] < 0.5:
        return upper
    hem = steps[np.flatnonzero(shares < 0.5)[0]]
    below = np.maximum(bare * (1 - smoothstep(0.6, 0.9, (above - hem) / radius)), 1 - smoothstep(-0.4, -0.2, (above - hem) / radius))
    kept = texture.copy()
    kept[..., :4] *= 1 - cv2.GaussianBlur(below.astype(np.float32), (0, 0), max(1.0, 0.03 * radius))[..., None]
    drawn = _shaded(distance, radius, stand_in.colour, True) * (1 - smoothstep(0.2, 0.4, (above - hem) / radius))[..., None]
    covered = kept[..., ALPHA:ALPHA + 1]
    kept[..., REAL] *= np.sign(covered[..., 0])
    kept[..., :4] += (1 - covered) * drawn[..., :4]
    return Layer(upper.part, upper.origin, kept)


def _strip(bone: np.ndarray, pad: int, columns: int) -> Mesh:
    """A 2 x columns quad strip over the whole texture."""
    x = np.linspace(0, bone[1, 0] + pad, columns)
    vertices = np.concatenate([np.stack([x, np.zeros(columns)], 1), np.stack([x, np.full(columns, 2.0 * pad)], 1)])
    first = np.arange(columns - 1)
    upper = np.stack([first, first + 1, first + columns], 1)
    lower = np.stack([first + 1, first + columns + 1, first + columns], 1)
    return Mesh(vertices, np.concatenate([upper, lower]))


def _colour(
    view: SubjectView, model: PartModel, arm: int, start: np.ndarray, end: np.ndarray, skin: np.ndarray | None, bone: int = FOREARM
) -> np.ndarray | None:
    """Colour 0..1 of the arm around one bone; a bare arm takes the skin colour, which is not in shadow.

    Only where a hand was found: a white face says nothing about an animal's arms.
    """
    distance, _ = distance_to_segment(pixel_centres(*view.canvas), start, end)
    near = (distance < 0.8 * model.limb_radii[arm][bone]) & (model.labels == arm) & (view.alpha > 0.8)
    if near.sum() < 20:
        return skin
    found = np.median(view.foreground[near], 0) / 255
    human = view.keypoints.hands_confidence.max() >= 0.5
    if skin is not None and human and np.linalg.norm((_lab(found) - _lab(skin))[1:]) < BARE_CHROMA:
        return 0.25 * found + 0.75 * skin
    return found


def _is_skin(colour: np.ndarray, skin: np.ndarray | None) -> bool:
    return skin is not None and float(np.linalg.norm((_lab(colour) - _lab(skin))[1:])) < BARE_CHROMA / 2


def _lab(colour: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(colour.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]


def stand_in_share(target: np.ndarray, picture: np.ndarray) -> float:
    """How far the stand-in replaces the picture's forearm, 0..1.

    target, picture [3,3]: shoulder, elbow, wrist. By how much of the target's forearm is seen, and by how far upper arm or
    bend differ in the plane from the picture's: turned about its elbow, a forearm seen end-on drags the sleeve round as a
    fan, and in passing through the picture's bend an arm would show the picture's forearm for a few frames.
    """
    fore = target[2] - target[1]
    shown = float(np.linalg.norm(fore[:2])) / max(float(np.linalg.norm(fore)), 1e-6)
    upper, lower = (_angle(target[bone + 1] - target[bone]) - _angle(picture[bone + 1] - picture[bone]) for bone in range(2))
    turned = max(abs((angle + np.pi) % (2 * np.pi) - np.pi) for angle in (upper, lower - upper))
    return max(float(smoothstep(0.4, 0.65, np.array(shown))), float(smoothstep(*SAME_POSE, np.array(turned))))


def _angle(vector: np.ndarray) -> float:
    """Direction of a vector in the picture plane, radians."""
    return float(np.arctan2(vector[1], vector[0]))
