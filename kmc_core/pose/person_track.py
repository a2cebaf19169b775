"""Whom to follow: links person detections over time and chooses one track per scene.

Not here: the detector (networks.py), landmarks (clip_tracking.py). Called by clip_tracking.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import PoseError
from .regions import wrap_angle

MEMORY_FRAMES = 15
"""a track that is not seen again within so many frames ends"""
NEAREST_DISTANCE = 0.35
"""greatest jump between linked detections, in ROI sides"""
NEAREST_SIZE = 0.6
"""greatest |log size ratio| between linked detections"""
NEAREST_TURN = 1.2
"""greatest turn between linked detections, radians"""
LYING_WEIGHT = 0.4
"""what a lying body's detection weighs against an upright one: merged or half-hidden people are often seen as lying giants"""
SUBSTANTIAL = 0.2
"""a track counts as a person when its weight is at least this share of the scene's heaviest"""

BOX_OVERLAP = 0.2
"""a detection belongs to a given box when their intersection over union is at least this"""
BOX_MARGIN = 1.25
"""a body's region against the longer side of its box"""

PERSON_CHOICES = ("largest", "left", "right", "centre")


@dataclass
class _Track:
    rois: dict[int, np.ndarray] = field(default_factory=dict)
    weight: float = 0.0

    def add(self, frame: int, score: float, roi: np.ndarray) -> None:
        self.rois[frame] = roi
        uprightness = max(float(np.cos(roi[3])), 0.0)
        self.weight += score * float(roi[2]) * (LYING_WEIGHT + (1 - LYING_WEIGHT) * uprightness)

    @property
    def last_frame(self) -> int:
        return next(reversed(self.rois))

    @property
    def mean_x(self) -> float:
        return float(np.mean([roi[0] for roi in self.rois.values()]))


@dataclass(frozen=True)
class PersonTrack:
    """The chosen person. rois [T,4] (valid where found [T]); people: most substantial tracks in any one scene."""

    rois: np.ndarray
    found: np.ndarray
    people: int


def check_person(person: str | int) -> None:
    """Raises PoseError unless `person` is one of PERSON_CHOICES or an index >= 0 (0 = largest, 1 = next ...)."""
    if person in PERSON_CHOICES or (isinstance(person, int) and not isinstance(person, bool) and person >= 0):
        return
    raise PoseError(
        "Unknown choice of person",
        got=repr(person),
        expected=", ".join(PERSON_CHOICES) + " or a number from 0 (largest first)",
        remedy="Choose which person to follow",
    )


def choose_person(
    detections: Sequence[Sequence[tuple[float, np.ndarray]]], scenes: Sequence[tuple[int, int]], person: str | int, width: float
) -> PersonTrack:
    """Link and choose. detections: per frame (score, body ROI [4]) pairs, empty where none or not looked for;
    person: see check_person; width: of the frame, for "centre"."""
    check_person(person)
    rois, found = np.zeros((len(detections), 4)), np.zeros(len(detections), bool)
    people = 0
    for start, stop in scenes:
        tracks = _link(detections, start, stop)
        if not tracks:
            continue
        heaviest = max(track.weight for track in tracks)
        substantial = [track for track in tracks if track.weight >= SUBSTANTIAL * heaviest]
        people = max(people, _most_at_once(substantial))
        for frame, roi in _choose(substantial, person, width).rois.items():
            rois[frame], found[frame] = roi, True
    return PersonTrack(rois, found, people)


def follow_boxes(
    detections: Sequence[Sequence[tuple[float, np.ndarray]]], boxes: np.ndarray, otherwise: PersonTrack
) -> PersonTrack:
    """Follow the person that another detector or a mask points at.

    boxes: float [T,4] (x0, y0, x1, y1) px, width 0 = unknown. Where our own detector agrees with the box, its region is
    taken (it knows how the body is turned); else the box itself. Frames without a box keep `otherwise`'s choice.
    """
    rois, found = otherwise.rois.copy(), otherwise.found.copy()
    for frame, box in enumerate(boxes):
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        overlaps = [_overlap(roi, box) for _, roi in detections[frame]]
        if overlaps and max(overlaps) >= BOX_OVERLAP:
            rois[frame] = detections[frame][int(np.argmax(overlaps))][1]
        else:
            side = BOX_MARGIN * max(box[2] - box[0], box[3] - box[1])
            rois[frame] = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, side, 0.0)
        found[frame] = True
    return PersonTrack(rois, found, otherwise.people)


def _overlap(roi: np.ndarray, box: np.ndarray) -> float:
    """Intersection over union of a body's region, without its margin and cut to the box's own proportions, and a box."""
    longest = max(box[2] - box[0], box[3] - box[1])
    half = 0.5 * roi[2] / BOX_MARGIN * np.array([box[2] - box[0], box[3] - box[1]]) / longest
    low, high = np.maximum(roi[:2] - half, box[:2]), np.minimum(roi[:2] + half, box[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / float(4 * np.prod(half) + np.prod(box[2:] - box[:2]) - shared)


def _link(detections: Sequence[Sequence[tuple[float, np.ndarray]]], start: int, stop: int) -> list[_Track]:
    tracks: list[_Track] = []
    for frame in range(start, stop):
        left = list(detections[frame])
        for track in sorted(tracks, key=lambda candidate: -candidate.weight):
            if frame - track.last_frame > MEMORY_FRAMES:
                continue
            previous = track.rois[track.last_frame]
            costs = [_jump(previous, roi) for _, roi in left]
            if costs and min(costs) < np.inf:
                track.add(frame, *left.pop(int(np.argmin(costs))))
        for score, roi in left:
            tracks.append(_Track())
            tracks[-1].add(frame, score, roi)
    return tracks


def _jump(previous: np.ndarray, roi: np.ndarray) -> float:
    distance = float(np.hypot(*(roi[:2] - previous[:2]))) / previous[2]
    growth = abs(float(np.log(roi[2] / previous[2])))
    turn = abs(float(wrap_angle(roi[3] - previous[3])))
    is_near = distance < NEAREST_DISTANCE and growth < NEAREST_SIZE and turn < NEAREST_TURN
    return distance + growth + 0.3 * turn if is_near else np.inf


def _most_at_once(tracks: Sequence[_Track]) -> int:
    frames = [frame for track in tracks for frame in track.rois]
    return int(np.bincount(frames).max()) if frames else 0


def _choose(tracks: Sequence[_Track], person: str | int, width: float) -> _Track:
    if isinstance(person, int):
        return sorted(tracks, key=lambda track: -track.weight)[min(person, len(tracks) - 1)]
    keys: dict[str, Callable[[_Track], float]] = {
        "largest": lambda track: track.weight,
        "left": lambda track: -track.mean_x,
        "right": lambda track: track.mean_x,
        "centre": lambda track: -abs(track.mean_x - width / 2),
    }
    return max(tracks, key=keys[person])
