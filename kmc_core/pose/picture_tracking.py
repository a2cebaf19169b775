"""Reads the person of one still picture, from photos to cartoons: many guesses where the body is, refined and compared.

Not here: mattes, rigs, sanity checks (subject). Called by extractor.py.
The landmark network's presence is about 1 even on animals, so the person detector's score is handed on as `detection`.
Source: MediaPipe holistic graph; candidate regions and refinement measured on photos, paintings, drawings and 3-D characters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .crops import Pyramid, whole_frame
from .decoders import Detection
from .hand_sides import are_together, is_same_hand, true_side
from .networks import PoseNetworks
from .regions import (
    face_roi_from_body,
    face_roi_from_detector,
    face_roi_from_mesh,
    hand_roi_from_body,
    hand_roi_from_landmarks,
    hand_roi_from_palm,
    hand_roi_from_recrop,
    pose_roi,
)

CANDIDATE_SCORE = 0.1
CANDIDATES = 3
WHOLE_PICTURE_SCALES = (1.0, 1.3)
REFINEMENTS = 2
SILHOUETTE_SCALES = (1.0, 1.3)
LEAST_SILHOUETTE = 0.02
"""share of the picture"""
LEAST_EXTENT = 0.25
"""of the picture's long side"""
WORTH_REFINING = 0.3
PRESENT = 0.5
POINT_SEEN = 0.5
FACE_SCORES = (0.4, 0.3)
"""face detector thresholds: inside the head region, in the whole picture"""
PALM_SCORE = 0.4
WRIST_SEEN = 0.1
_HAND_POINTS = ((15, 17, 19), (16, 18, 20))


@dataclass
class FoundBody:
    """points [33,2] px, visibility [33], world [33,3] m, roi [4], presence, detection (person detector's score here)."""

    points: np.ndarray
    visibility: np.ndarray
    world: np.ndarray
    roi: np.ndarray
    presence: float
    detection: float

    @property
    def visible_points(self) -> int:
        return int((self.visibility > POINT_SEEN).sum())


def find_body(networks: PoseNetworks, pyramid: Pyramid) -> FoundBody | None:
    """The most credible body of a picture, None when no guess holds one.

    Guesses: the person detector's, the whole picture, and the silhouette that the person segmentation sees.
    """
    height, width = pyramid.size
    people = networks.find_people([pyramid], whole_frame(height, width)[None], CANDIDATE_SCORE)[0][:CANDIDATES]
    guesses = [(pose_roi(one.points[0], one.points[1]), one.score) for one in people]
    guesses += [(whole_frame(height, width, scale), 0.0) for scale in WHOLE_PICTURE_SCALES]
    silhouette = _silhouette_box(networks.selfie(pyramid.stretched(256)[None])[0], height, width)
    if silhouette is not None:
        low, high = silhouette
        side = float((high - low).max())
        guesses += [(np.array([*(low + high) / 2, side * scale, 0.0]), 0.0) for scale in SILHOUETTE_SCALES]
    bodies = [_refined(networks, pyramid, roi, score) for roi, score in guesses]
    for body in bodies:
        body.detection = max(body.detection, _detection_at(body, people))
    bodies = [body for body in bodies if body.presence > PRESENT and _is_large_enough(body, height, width)]
    return max(bodies, key=lambda body: _credibility(body, silhouette), default=None)


def _silhouette_box(probability: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Corners (px) of what a person segmentation [h,w] of the stretched picture sees; None when that is next to nothing."""
    is_person = probability > 0.5
    if is_person.mean() < LEAST_SILHOUETTE:
        return None
    # 1 % of stray pixels at each end are ignored
    columns, rows = np.cumsum(is_person.sum(0)), np.cumsum(is_person.sum(1))
    limits = [np.searchsorted(counts, np.array([0.01, 0.99]) * counts[-1]) for counts in (columns, rows)]
    box = np.array(limits, float).T
    box[1] += 1
    box *= np.array([width, height]) / np.array(probability.shape[::-1])
    return box[0], box[1]


def _is_large_enough(body: FoundBody, height: int, width: int) -> bool:
    """A body the detector does not vouch for must fill a good part of the picture: small ones are found in any texture."""
    inside = np.clip(body.points, 0, [width, height])
    return body.detection >= 0.5 or float(np.ptp(inside, axis=0).max()) > LEAST_EXTENT * max(height, width)


def _credibility(body: FoundBody, silhouette: tuple[np.ndarray, np.ndarray] | None) -> float:
    """Presence saturates near 1 on anything, so visible points, uprightness, the detector, the silhouette and a trunk
    as long as in space decide too."""
    spine = body.points[[23, 24]].mean(0) - body.points[[11, 12]].mean(0)
    uprightness = float(spine[1]) / max(float(np.hypot(*spine)), 1e-3)
    score = min(body.presence, 0.95) + 0.5 * body.visible_points / 33 + 0.5 * uprightness + 0.7 * body.detection
    score -= _squeezed(body)
    if silhouette is not None:
        seen = body.points[body.visibility > POINT_SEEN]
        score += _box_overlap(seen.min(0), seen.max(0), *silhouette) if len(seen) else 0.0
    return score


def _squeezed(body: FoundBody) -> float:
    """How much shorter the trunk is in the picture than in space, both against the shoulders' width in the picture, 0..1.

    A half-length figure whose region ends at the picture's edge gets its hips squeezed into the picture, and the network
    explains that by a trunk that leans in depth.
    """
    across, across_m = (float(np.linalg.norm(points[11, :2] - points[12, :2])) for points in (body.points, body.world))
    trunk, trunk_m = (np.linalg.norm(points[[23, 24]].mean(0) - points[[11, 12]].mean(0)) for points in (body.points, body.world))
    return max(0.0, 1 - float(trunk / max(trunk_m, 1e-6)) * across_m / max(across, 1e-6))


def _box_overlap(low: np.ndarray, high: np.ndarray, other_low: np.ndarray, other_high: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    shared = np.prod(np.maximum(np.minimum(high, other_high) - np.maximum(low, other_low), 0))
    return float(shared / max(np.prod(high - low) + np.prod(other_high - other_low) - shared, 1e-9))


def _detection_at(body: FoundBody, people: list[Detection]) -> float:
    """Score of the detection that means this body, for bodies found another way: same place, turn and size."""
    scores = []
    for one in people:
        roi = pose_roi(one.points[0], one.points[1])
        is_near = np.hypot(*(roi[:2] - body.roi[:2])) < 0.2 * body.roi[2]
        is_alike = np.cos(roi[3] - body.roi[3]) > 0.7 and 0.6 < roi[2] / body.roi[2] < 1.7
        if is_near and is_alike:
            scores.append(one.score)
    return max(scores, default=0.0)


def _look_at_body(networks: PoseNetworks, pyramid: Pyramid, roi: np.ndarray, detection: float) -> tuple[FoundBody, np.ndarray]:
    body = networks.body([pyramid], roi[None])
    found = FoundBody(body.points[0], body.visibility[0], body.world[0], roi, float(body.presence[0]), detection)
    return found, pose_roi(body.anchors[0, 0], body.anchors[0, 1])


def _refined(networks: PoseNetworks, pyramid: Pyramid, roi: np.ndarray, detection: float) -> FoundBody:
    best, next_roi = _look_at_body(networks, pyramid, roi, detection)
    for _ in range(REFINEMENTS):
        if best.presence < WORTH_REFINING:
            break
        again, after = _look_at_body(networks, pyramid, next_roi, detection)
        if again.presence < best.presence - 0.05:
            break
        best, next_roi = again, after
    return best


@dataclass
class FoundHand:
    """points [21,3] px, presence, right_handed 0..1, roi [4]."""

    points: np.ndarray
    presence: float
    right_handed: float
    roi: np.ndarray


def find_hands(networks: PoseNetworks, pyramid: Pyramid, body: FoundBody | None) -> list[FoundHand | None]:
    """(left, right) hand or None: through the body's wrists, and the palm detector where that fails."""
    hands: list[FoundHand | None] = [None, None]
    if body is not None:
        for side, (wrist, pinky, index) in enumerate(_HAND_POINTS):
            if body.visibility[wrist] > WRIST_SEEN:
                guess = hand_roi_from_body(body.points[wrist], body.points[pinky], body.points[index])
                roi = hand_roi_from_recrop(networks.recrop_hand([pyramid], guess[None]))[0]
                hands[side] = _look_at_hand(networks, pyramid, roi)
    if body is not None and hands[0] is not None and hands[1] is not None:
        _keep_one_side(hands, body)
    if None in hands:
        _fill_by_palms(networks, pyramid, body, hands)
    return hands


def _look_at_hand(networks: PoseNetworks, pyramid: Pyramid, roi: np.ndarray) -> FoundHand | None:
    """First look, then one in the region of the hand's own landmarks; the better of the two, None below presence."""
    best: FoundHand | None = None
    for bonus in (0.0, 0.05):
        hand = networks.hand([pyramid], roi[None])
        presence = float(hand.presence[0])
        if best is None or presence + bonus > best.presence:
            best = FoundHand(hand.points[0], presence, float(hand.right_handed[0]), roi)
        if best.presence <= PRESENT:
            return None
        roi = hand_roi_from_landmarks(best.points)
    return best


def _keep_one_side(hands: list[FoundHand | None], body: FoundBody) -> None:
    left, right = hands
    side_px = (left.roi[2] + right.roi[2]) / 2
    if not is_same_hand(left.points, right.points, side_px):
        return
    if are_together(body.points[[15, 16]], body.visibility[[15, 16]], side_px):
        return
    wrists = np.stack([left.points[0, :2], right.points[0, :2]])
    handedness = (left.right_handed + right.right_handed) / 2
    side = true_side(wrists, body.points[[15, 16]], body.visibility[[15, 16]], handedness, side_px)
    hands[1 - side] = None


def _fill_by_palms(networks: PoseNetworks, pyramid: Pyramid, body: FoundBody | None, hands: list[FoundHand | None]) -> None:
    """Search the body's region (or the picture) for palms and give new hands to the empty sides."""
    area = body.roi if body is not None else whole_frame(*pyramid.size)
    upright = np.array([area[0], area[1], area[2], 0.0])
    for palm in networks.find_palms([pyramid], upright[None], PALM_SCORE)[0]:
        hand = _look_at_hand(networks, pyramid, hand_roi_from_palm(palm.box[0], palm.box[1], palm.points[0], palm.points[2]))
        if hand is None:
            continue
        others = [one for one in hands if one is not None]
        if any(np.hypot(*(one.points[0, :2] - hand.points[0, :2])) < 0.5 * one.roi[2] for one in others):
            continue
        side = _side_of(hand, body)
        if side is not None and hands[side] is None:
            hands[side] = hand


def _side_of(hand: FoundHand, body: FoundBody | None) -> int | None:
    """0 left, 1 right: the nearer wrist of the body, handedness without one; None when far from both wrists."""
    if body is None:
        return int(hand.right_handed > 0.5)
    distance = np.linalg.norm(body.points[[15, 16]] - hand.points[0, :2], axis=-1)
    return int(distance.argmin()) if distance.min() < 1.0 * hand.roi[2] else None


@dataclass
class FoundFace:
    """points [478,3] px, presence."""

    points: np.ndarray
    presence: float


def find_face(networks: PoseNetworks, pyramid: Pyramid, body: FoundBody | None) -> FoundFace | None:
    """The face at the body's head, else the best face of the picture; None when the mesh does not hold."""
    rois = []
    if body is not None:
        head = face_roi_from_body(body.points)
        near = networks.find_faces([pyramid], head[None], FACE_SCORES[0])[0]
        near = near or networks.find_small_faces([pyramid], head[None], FACE_SCORES[1])[0]
        rois += [face_roi_from_detector(face.points) for face in near[:1]]
    whole = whole_frame(*pyramid.size)
    anywhere = networks.find_small_faces([pyramid], whole[None], FACE_SCORES[1])[0]
    anywhere += networks.find_faces([pyramid], whole[None], FACE_SCORES[1])[0]
    rois += [face_roi_from_detector(face.points) for face in anywhere if _belongs(face, body)]
    for roi in rois:
        face = _look_at_face(networks, pyramid, roi)
        if face is not None:
            return face
    return None


def _belongs(face: Detection, body: FoundBody | None) -> bool:
    """Whether a face found in the whole picture is this body's: its nose lies within the head's reach."""
    if body is None:
        return True
    reach = face_roi_from_body(body.points)[2] / 2
    return float(np.hypot(*(face.points[2] - body.points[0]))) < reach


def _look_at_face(networks: PoseNetworks, pyramid: Pyramid, roi: np.ndarray) -> FoundFace | None:
    face = networks.face([pyramid], roi[None])
    best = FoundFace(face.points[0], float(face.presence[0]))
    if best.presence < WORTH_REFINING:
        return None
    face = networks.face([pyramid], face_roi_from_mesh(best.points)[None])
    if face.presence[0] > best.presence - 0.1:
        best = FoundFace(face.points[0], float(face.presence[0]))
    return best if best.presence > PRESENT else None
