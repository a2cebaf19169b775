"""Overlapping textures of one view: six body layers, two hands cut from the arms, and the face.

Not here: labels (part_model.py) and meshes (mesh.py). Called once per view by the aligner.

Neighbouring layers overlap, so that a moved limb opens no gap. In the overlap the true picture is copied where the cloth
is the same (torso and thighs; the arm's root); elsewhere a part's own colours are extended by push-pull. A layer never
leaves the matte, and colours come from the view's foreground estimate, so that no old background travels along.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..pose.skeleton_layouts import FACE_OVAL, HAND_EDGES, HEAD, NECK
from ..types import SubjectView
from .capsules import disc, distance_to_segment, pixel_centres, polygon_mask, smoothstep, unit
from .part_model import (
    BODY_PARTS, FACE, FAINTEST, HEAD_PART, L_ARM, L_HAND, L_LEG, LIMB_JOINTS, R_ARM, R_LEG, TORSO, PartModel,
)  # fmt: skip
from .plate import push_pull
from .profile import fill_across, in_profile, legs_under_arm, under_trunk

PREMULTIPLIED, ALPHA, REAL = slice(0, 3), 3, 4
TEXTURE_CHANNELS = 5
BESIDE_ARM = 0.05  # torso lengths
SLEEVE_ROOT = 1.1  # half-widths of the arm about the shoulder within which the trunk continues under a sleeve
ABOUT_FINGERS = (0.45, 0.7)  # palm lengths from the lines between the hand's points
TOUCHES_UP_TO = 0.7  # upper arm lengths from the shoulder


@dataclass(frozen=True)
class Layer:
    """One texture of a view.

    origin   (x, y) px of the texture's top-left corner in the view's picture
    texture  float32 [h,w,5]: colour 0..1 multiplied by alpha (3), alpha, real (1 = true picture, 0 = filled)
    """

    part: int
    origin: tuple[int, int]
    texture: np.ndarray


def build_layers(
    view: SubjectView, model: PartModel, bare_arms: frozenset[int] = frozenset(), under_skirt: dict[int, np.ndarray] | None = None
) -> dict[int, Layer]:
    """Part number -> layer, for the parts that the view shows. Hands are split from arms by `split_hand`.

    bare_arms: arms of another cloth than the trunk, under which it needs no band; under_skirt: legs that the trunk's
    cloth hangs over -> where they continue beneath it, bool [H,W].
    """
    layers = {}
    for part in BODY_PARTS:
        own = model.labels == part
        if own.sum() >= 12:
            layers[part] = _body_layer(view, model, part, own, bare_arms, under_skirt or {})
    return layers


def _body_layer(
    view: SubjectView, model: PartModel, part: int, own: np.ndarray, bare_arms: frozenset[int], under_skirt: dict[int, np.ndarray]
) -> Layer:
    window = _window(own, view, model, part)
    centres = pixel_centres(own.shape[0], own.shape[1])[window]
    labels, alpha = model.labels[window], view.alpha[window]
    own, matte = own[window], view.alpha[window] > FAINTEST
    hidden, same_cloth = _overlap(view, model, part, labels, centres, matte)
    if under_skirt and part in (TORSO, L_LEG, R_LEG):  # bare legs are no cloth, and cloth is no leg
        same_cloth &= labels < L_LEG if part == TORSO else labels >= L_LEG
        if part != TORSO:
            hidden = under_skirt[part][window] & matte & (labels == TORSO)
    rim = max(1, round(max(view.canvas) / 768))
    # arms and head lie over what they touch, which continues beneath them: a band of their own colour would fatten them
    band = rim if part in (L_ARM, R_ARM, HEAD_PART) else max(2, int(0.035 * view.torso_px))
    support = (cv2.dilate((own | hidden).astype(np.uint8), disc(band)) > 0) & matte
    if part == TORSO and under_skirt:
        support &= (labels < L_LEG) | (cv2.dilate(own.astype(np.uint8), disc(rim)) > 0)
    if part == TORSO:  # a raised arm would bare the band as a fringe along the flank; a sleeve's root needs it
        close = cv2.dilate((own | hidden).astype(np.uint8), disc(rim)) > 0
        for arm in (L_ARM, R_ARM):
            if arm in bare_arms:
                support &= close | (labels != arm)
            elif _stands_off(view, labels, arm, centres):
                support &= close | (labels != arm) | (_from_root(view, model, arm, centres) < SLEEVE_ROOT)
    on_top = part in (L_ARM, R_ARM, HEAD_PART)
    source = own | (same_cloth & support)
    certain = (cv2.erode((source | ~matte).astype(np.uint8), disc(rim)) > 0) & source & ~_beside_arm(view, part, labels)
    if on_top:
        certain = source | (support & (cv2.dilate(own.astype(np.uint8), disc(rim)) > 0))
    if certain.sum() < 30:
        certain = source
    colour = view.foreground[window].astype(np.float32) / 255
    across = part == TORSO and in_profile(view)
    filled = fill_across(colour, certain) if across else push_pull(colour, certain.astype(np.float32))
    colour = np.where(certain[..., None], colour, np.clip(filled, 0, 1))
    softness = 1.2 * rim
    share = cv2.GaussianBlur(support.astype(np.float32), (0, 0), softness)
    whole = cv2.GaussianBlur(matte.astype(np.float32), (0, 0), softness)
    coverage = np.clip(share / np.maximum(whole, 1e-3), 0, 1) * support
    if on_top:
        coverage = np.maximum(coverage, own)
    coverage = alpha * coverage
    real = cv2.GaussianBlur(source.astype(np.float32), (0, 0), 0.8) * source
    texture = np.dstack([colour * coverage[..., None], coverage, real]).astype(np.float32)
    return Layer(part, (window[1].start, window[0].start), texture)


def _beside_arm(view: SubjectView, part: int, labels: np.ndarray) -> np.ndarray:
    """Pixels so near to an arm that lies on the trunk or a leg, in profile, that they may still be its own -> bool [h,w]."""
    if not in_profile(view) or part not in (TORSO, L_LEG, R_LEG):
        return np.zeros(labels.shape, bool)
    arms = ((labels == L_ARM) | (labels == R_ARM)).astype(np.uint8)
    return cv2.dilate(arms, disc(max(1, round(BESIDE_ARM * view.torso_px)))) > 0


def _window(own: np.ndarray, view: SubjectView, model: PartModel, part: int) -> tuple[slice, slice]:
    """Bounding box of the part with room for its overlap."""
    margin = int(0.12 * view.torso_px) + 8
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    low = np.array([columns[0], rows[0]]) - margin
    high = np.array([columns[-1], rows[-1]]) + margin + 1
    if part == TORSO:
        low = np.minimum(low, np.floor(model.torso_polygon.min(0)) - margin)
        high = np.maximum(high, np.ceil(model.torso_polygon.max(0)) + margin)
    elif part in LIMB_JOINTS:
        root, radius = view.joints[LIMB_JOINTS[part][0], :2], 1.6 * model.limb_radii[part][0]
        low, high = np.minimum(low, root - radius), np.maximum(high, root + radius)
    height, width = own.shape
    (x0, y0), (x1, y1) = np.floor(low).astype(int), np.ceil(high).astype(int)
    return slice(max(0, y0), min(height, y1)), slice(max(0, x0), min(width, x1))


def _overlap(
    view: SubjectView, model: PartModel, part: int, labels: np.ndarray, centres: np.ndarray, matte: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(where the part continues under its neighbours, where a neighbour's true pixels may stand for its own)."""
    joints, torso = view.joints[:, :2], view.torso_px
    none = np.zeros(labels.shape, bool)
    if part in LIMB_JOINTS:
        start, end = joints[LIMB_JOINTS[part][0]], joints[LIMB_JOINTS[part][1]]
        radius = float(model.limb_radii[part][0])
        is_arm = part in (L_ARM, R_ARM)
        centre = start - unit(end - start) * radius * (0.1 if is_arm else 0.35)
        cap = np.linalg.norm(centres - centre, axis=-1) < radius * (1.0 if is_arm else 1.15)
        near_root = np.linalg.norm(centres - start, axis=-1) < 1.3 * radius
        same_cloth = ((labels == TORSO) & near_root) if is_arm else (labels == TORSO) | (labels >= L_LEG)
        hidden = cap & ((labels == TORSO) | (labels == part))
        if not is_arm:
            shank = joints[LIMB_JOINTS[part][2]]
            from_leg = np.minimum(distance_to_segment(centres, start, end)[0], distance_to_segment(centres, end, shank)[0]) / radius
            below_hips = (centres - start) @ unit(end - start) > 0
            hidden |= legs_under_arm(view, from_leg, below_hips, (labels == L_ARM) | (labels == R_ARM))
        return hidden & matte, same_cloth
    if part == TORSO:
        hidden = polygon_mask(view.canvas, under_trunk(view, model.torso_polygon))
        hidden = hidden[_window_of(centres)] > 0
        same_cloth = labels >= L_LEG
        for arm in (L_ARM, R_ARM):
            from_root = _from_root(view, model, arm, centres)
            hidden |= from_root < 0.8
            same_cloth |= (labels == arm) & (from_root < 0.9) & (not in_profile(view))
        throat = model.head_start + (joints[HEAD] - joints[NECK]) * 0.15
        from_neck = distance_to_segment(centres, joints[NECK], throat)[0]
        hidden |= from_neck < 0.12 * torso
        same_cloth |= (labels == HEAD_PART) & (from_neck < 0.09 * torso)
        return hidden & matte & (labels != TORSO), same_cloth
    return none, none


def _from_root(view: SubjectView, model: PartModel, limb: int, centres: np.ndarray) -> np.ndarray:
    """Distance of pixel centres [h,w,2] from a limb's first joint, in its half-widths there."""
    radius = max(float(model.limb_radii[limb][0]), 1.0)
    return np.linalg.norm(centres - view.joints[LIMB_JOINTS[limb][0], :2], axis=-1) / radius


def _stands_off(view: SubjectView, labels: np.ndarray, arm: int, centres: np.ndarray) -> bool:
    """Whether an arm touches the trunk about its shoulder only; one that hangs against the flank hides some of it."""
    trunk = cv2.dilate((labels == TORSO).astype(np.uint8), disc(1)) > 0
    shoulder, elbow = view.joints[list(LIMB_JOINTS[arm][:2]), :2]
    border = np.linalg.norm(centres[trunk & (labels == arm)] - shoulder, axis=-1)
    return len(border) == 0 or float(np.percentile(border, 95)) < TOUCHES_UP_TO * float(np.linalg.norm(elbow - shoulder))


def _window_of(centres: np.ndarray) -> tuple[slice, slice]:
    x, y = int(centres[0, 0, 0]), int(centres[0, 0, 1])
    return slice(y, y + centres.shape[0]), slice(x, x + centres.shape[1])


def hand_frame(view: SubjectView, arm: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Wrist [2] px, unit direction to the knuckles [2], palm length px, from the 21 points or else from the rig."""
    side = arm - L_ARM
    if view.keypoints.hands_confidence[side] >= 0.5:
        points = view.keypoints.hands[side, :, :2]
        palm = float(np.linalg.norm(points[9] - points[0]))
        return points[0], unit(points[9] - points[0]), max(palm, 1.0)
    chain = LIMB_JOINTS[arm]
    wrist, knuckles = view.joints[chain[2], :2], view.joints[chain[3], :2]
    return wrist, unit(knuckles - wrist), 0.2 * view.torso_px


def split_hand(layer: Layer, view: SubjectView) -> tuple[Layer, Layer]:
    """Cut an arm's layer at the wrist into (arm, hand). Both keep a common strip, so that no seam shows between them."""
    wrist, along, palm = hand_frame(view, layer.part)
    height, width = layer.texture.shape[:2]
    offset = pixel_centres(height, width) + np.array(layer.origin) - wrist
    ahead = (offset @ along) / palm
    near = 1 - smoothstep(2.4, 2.8, np.hypot(offset[..., 0], offset[..., 1]) / palm)
    side = layer.part - L_ARM
    if view.keypoints.hands_confidence[side] >= 0.5:  # before a folded arm's shoulder, only what lies about the fingers is hand
        points = view.keypoints.hands[side, :, :2].astype(np.float32) - wrist.astype(np.float32)
        strokes = [distance_to_segment(offset, points[start], points[end])[0] for start, end in HAND_EDGES]
        near *= 1 - smoothstep(*ABOUT_FINGERS, np.min(strokes, axis=0) / palm)
    arm, hand = layer.texture.copy(), layer.texture.copy()
    arm[..., :4] *= (1 - smoothstep(0.10, 0.22, ahead) * near)[..., None]
    hand[..., :4] *= (smoothstep(-0.12, 0.0, ahead) * near)[..., None]
    return Layer(layer.part, layer.origin, arm), Layer(layer.part - L_ARM + L_HAND, layer.origin, hand)


def upper_arm_layer(layer: Layer, view: SubjectView, model: PartModel) -> Layer:
    """The part of an arm's layer above the elbow, with soft ends."""
    start, end = (view.joints[joint, :2] for joint in LIMB_JOINTS[layer.part][:2])
    radius, down = float(model.limb_radii[layer.part][0]), unit(end - start)
    height, width = layer.texture.shape[:2]
    offset = (pixel_centres(height, width) + np.array(layer.origin) - end) / max(radius, 1.0)
    aside = np.abs(offset @ np.array([-down[1], down[0]]))
    texture = layer.texture.copy()
    texture[..., :4] *= ((1 - smoothstep(0.2, 0.4, offset @ down)) * (1 - smoothstep(1.4, 1.7, aside)))[..., None]
    return Layer(layer.part, layer.origin, texture)


def face_layer(view: SubjectView, model: PartModel) -> Layer:
    """The skin inside the face oval, fading out well before the rim, where the head's smoother mesh continues it."""
    face = view.keypoints.face[:, :2]
    height, width = view.canvas
    low, high = np.floor(face.min(0)).astype(int) - 4, np.ceil(face.max(0)).astype(int) + 5
    rows = slice(max(0, low[1]), max(1, min(height, high[1])))
    columns = slice(max(0, low[0]), max(1, min(width, high[0])))
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    inside = polygon_mask(shape, face[list(FACE_OVAL)] - [columns.start, rows.start])
    inside &= (model.labels[rows, columns] == HEAD_PART).astype(np.uint8)
    eye_distance = float(np.linalg.norm(face[33] - face[263]))
    rim = max(1, round(0.08 * eye_distance))
    inside = cv2.erode(np.pad(inside, 1), disc(rim))[1:-1, 1:-1]
    coverage = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(1.0, 0.035 * eye_distance))
    coverage *= view.alpha[rows, columns]
    colour = view.foreground[rows, columns].astype(np.float32) / 255
    texture = np.dstack([colour * coverage[..., None], coverage, np.ones(shape, np.float32)]).astype(np.float32)
    return Layer(FACE, (columns.start, rows.start), texture)
