"""Reads one performer out of a streaming clip: two looks at body, hands and face, in memory that does not grow with length.

First pass over the clip (`find_person`): thumbnails for cuts, person detector on every few frames, choice of track.
Second pass (`ClipReader`): frames arrive in chunks; each stage runs as soon as its neighbours in time are known:
body -> smoothed region -> body again -> hands and face regions -> hands, face -> regions from landmarks -> again.
A frame is forgotten once its last stage is done.

Not here: smoothing, gap filling, expression (smoothing.py, expression.py). Called by extractor.py.
Source: MediaPipe holistic graph, made offline: regions come from both time directions instead of the frame before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .crops import Pyramid, whole_frame
from .cuts import cut_thumbnail, scene_cuts, scene_ranges
from .decoders import BodyLandmarks
from .hand_sides import drop_duplicates
from .networks import PoseNetworks, Pyramids
from .person_track import PersonTrack, choose_person, follow_boxes
from .regions import (
    face_roi_from_body,
    face_roi_from_detector,
    face_roi_from_mesh,
    fill_and_smooth,
    hand_roi_from_body,
    hand_roi_from_landmarks,
    hand_roi_from_recrop,
    pose_roi,
)
from .worker_threads import WorkerThreads, split_evenly

CHUNK_FRAMES = 16
BATCH, FACE_BATCH = 4, 8
"""crops per call: more would leave the cache (and, above 32 MB per activation, the allocator's reuse)"""
DETECTED, PRESENT = 0.5, 0.5
"""weaker detections are often misplaced: a body is followed by its landmarks there instead"""
WRIST_SEEN = 0.1
LARGEST_GROWTH, LEAST_POINTS = 0.2, 12
"""a body followed without detector: greatest |log size ratio| from frame to frame, fewest visible points"""
SECOND_HAND_BONUS = 0.05
DETECTOR_REACH, BODY_REACH, PART_REACH = 15, 8, 6
"""frames a finding counts forward and backward"""
DETECTOR_SIGMA, BODY_SIGMA, FACE_SIGMA = 1.0, 1.5, 1.0
# (wrist, pinky, index) of the body for left and right
_HAND_POINTS = ((15, 17, 19), (16, 18, 20))


def _lookahead(reach: int, sigma: float) -> int:
    return reach + int(3 * sigma + 0.5)


@dataclass(frozen=True)
class FoundPerson:
    """What the first pass knows: cuts, scenes, the person's rough track."""

    cuts: tuple[int, ...]
    scenes: list[tuple[int, int]]
    track: PersonTrack
    looked_at: int
    detected: int


class PersonFinder:
    """First pass: feed every frame in chunks with `add`, then ask `choose`. detector_stride: look at every n-th frame."""

    def __init__(self, networks: PoseNetworks, workers: WorkerThreads, detector_stride: int) -> None:
        self._networks, self._workers, self._stride = networks, workers, detector_stride
        self._thumbnails: list[np.ndarray] = []
        self._detections: list[list[tuple[float, np.ndarray]]] = []
        self._looked_at = 0
        self._width = 0

    def add(self, frames: Sequence[np.ndarray]) -> None:
        """The next frames uint8 [H,W,3]."""
        first = len(self._thumbnails)
        self._thumbnails.extend(self._workers.map(cut_thumbnail, frames))
        self._detections.extend([] for _ in frames)
        chosen = [k for k in range(len(frames)) if (first + k) % self._stride == 0]
        pieces = split_evenly(chosen, 2, BATCH)
        found = self._workers.map(self._detect, [[frames[k] for k in piece] for piece in pieces])
        for k, people in zip(chosen, (one for piece in found for one in piece), strict=True):
            self._detections[first + k] = people
        self._looked_at += len(chosen)
        self._width = frames[0].shape[1]

    def _detect(self, frames: Sequence[np.ndarray]) -> list[list[tuple[float, np.ndarray]]]:
        pyramids = [Pyramid(frame) for frame in frames]
        rois = np.stack([whole_frame(*pyramid.size) for pyramid in pyramids])
        return [
            [(one.score, pose_roi(one.points[0], one.points[1])) for one in people]
            for people in self._networks.find_people(pyramids, rois, DETECTED)
        ]

    def choose(self, person: str | int, boxes: np.ndarray | None = None) -> FoundPerson:
        """Cuts and the person's track, once every frame has been added. boxes [T,4] px of these frames win over `person`."""
        cuts = scene_cuts(self._thumbnails)
        scenes = scene_ranges(cuts, len(self._thumbnails))
        track = choose_person(self._detections, scenes, person, self._width)
        if boxes is not None:
            track = follow_boxes(self._detections, boxes, track)
        return FoundPerson(cuts, scenes, track, self._looked_at, int(track.found.sum()))


@dataclass
class _Part:
    """One tracked part over the whole clip: region, found or not, presence, points."""

    rois: np.ndarray
    found: np.ndarray
    presence: np.ndarray
    points: np.ndarray

    @classmethod
    def empty(cls, frames: int, points: int, dimensions: int) -> _Part:
        return cls(np.zeros((frames, 4)), np.zeros(frames, bool), np.zeros(frames), np.zeros((frames, points, dimensions), np.float32))


@dataclass
class RawTracks:
    """Unsmoothed result in pixels of the frames as they were fed; absent frames are zeros with presence 0."""

    body: _Part
    visibility: np.ndarray
    world: np.ndarray
    hands: tuple[_Part, _Part]
    right_handed: np.ndarray
    face: _Part
    duplicates: int = 0
    first_hands: list[int] = field(default_factory=lambda: [0, 0])
    second_hands: int = 0

    @classmethod
    def empty(cls, frames: int) -> RawTracks:
        """Nothing seen yet."""
        return cls(
            body=_Part.empty(frames, 33, 2),
            visibility=np.zeros((frames, 33), np.float32),
            world=np.zeros((frames, 33, 3), np.float32),
            hands=(_Part.empty(frames, 21, 3), _Part.empty(frames, 21, 3)),
            right_handed=np.zeros((frames, 2)),
            face=_Part.empty(frames, 478, 3),
        )


class ClipReader:
    """Second pass: feed the same frames again with `add`, call `finish`, then read `tracks`.

    on_bodies(frame numbers, pyramids, bodies, ROIs): called for every batch of final bodies, from worker threads, while
    their pixels are there (mattes). with_segmentation: the bodies given to it carry BlazePose's own mask.
    longest_unseen: frames a body is followed from frame to frame where the detector has lost it. first_look_stride: the
    first body look, which only places the second one's region, is taken at every n-th frame.
    """

    def __init__(
        self, networks: PoseNetworks, workers: WorkerThreads, person: FoundPerson, frame_count: int,
        on_bodies: Callable[[np.ndarray, Pyramids, BodyLandmarks, np.ndarray], None] | None = None,
        with_segmentation: bool = False, longest_unseen: int = 0, first_look_stride: int = 1,
    ) -> None:  # fmt: skip
        self._networks, self._workers, self._person, self._count = networks, workers, person, frame_count
        self._on_bodies, self._with_segmentation = on_bodies, with_segmentation
        self.tracks = RawTracks.empty(frame_count)
        self._pyramids: dict[int, Pyramid] = {}
        self._read = self._bodies = self._parts = self._faces = 0
        self._first_hands = (_Part.empty(frame_count, 21, 3), _Part.empty(frame_count, 21, 3))
        self._first_body = _Part.empty(frame_count, 0, 2)
        self._unseen_frames, self._longest_unseen = np.zeros(frame_count, int), longest_unseen
        self._first_look_stride = first_look_stride
        self._face_regions = _Part.empty(frame_count, 0, 2)
        self._first_faces = _Part.empty(frame_count, 478, 3)

    def add(self, frames: Sequence[np.ndarray]) -> None:
        """The next frames uint8 [H,W,3]."""
        start = self._read
        self._pyramids.update((start + k, Pyramid(frame)) for k, frame in enumerate(frames))
        self._read += len(frames)
        self._advance(start, is_last=False)

    @property
    def frames_held(self) -> int:
        """Frames that still wait for a later stage."""
        return len(self._pyramids)

    def finish(self) -> RawTracks:
        """Run what was waiting for later frames."""
        self._advance(self._read, is_last=True)
        return self.tracks

    def _advance(self, start: int, is_last: bool) -> None:
        """Run every stage up to where the stage before allows."""
        self._first_body_pass(start, self._read)
        horizon = self._horizon(self._read, _lookahead(BODY_REACH, BODY_SIGMA), self._bodies, is_last)
        self._second_body_pass(self._bodies, horizon)
        self._first_hand_pass(self._bodies, horizon)
        self._face_detector(self._bodies, horizon)
        self._bodies = horizon
        horizon = self._horizon(self._bodies, PART_REACH, self._parts, is_last)
        self._second_hand_pass(self._parts, horizon)
        self._first_face_pass(self._parts, horizon)
        self._parts = horizon
        horizon = self._horizon(self._parts, _lookahead(PART_REACH, FACE_SIGMA), self._faces, is_last)
        self._second_face_pass(self._faces, horizon)
        for frame in range(self._faces, horizon):
            del self._pyramids[frame]
        self._faces = horizon

    @staticmethod
    def _horizon(done: int, lookahead: int, reached: int, is_last: bool) -> int:
        return done if is_last else max(done - lookahead, reached)

    def _near(self, part: _Part, start: int, stop: int, reach: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
        """Filled and smoothed regions of frames start..stop-1, from their neighbourhood only."""
        margin = _lookahead(reach, sigma) + int(3 * sigma + 0.5)
        low, high = max(start - margin, 0), min(stop + margin, self._count)
        scenes = [(max(a, low) - low, min(b, high) - low) for a, b in self._person.scenes if a < high and b > low]
        rois, usable = fill_and_smooth(part.rois[low:high], part.found[low:high], scenes, reach, sigma)
        return rois[start - low : stop - low], usable[start - low : stop - low]

    def _run(self, network: Callable, frames: np.ndarray, rois: np.ndarray, batch: int = BATCH, wants_places: bool = False) -> list:
        """network(pyramids, rois) over (frame, roi) pairs in batches on the workers -> [(places, result)] in order.

        places: numbers of the batch's pairs; handed to the network too when it wants them.
        """
        self._workers.check()
        pieces = [np.asarray(piece) for piece in split_evenly(range(len(frames)), 2, batch)]

        def call(piece: np.ndarray) -> object:
            pyramids = [self._pyramids[int(frame)] for frame in frames[piece]]
            return network(*([piece] if wants_places else []), pyramids, rois[piece])

        return list(zip(pieces, self._workers.map(call, pieces), strict=True))

    def _first_body_pass(self, start: int, stop: int) -> None:
        detector = _Part(self._person.track.rois, self._person.track.found, np.zeros(0), np.zeros(0))
        rois, usable = self._near(detector, start, stop, DETECTOR_REACH, DETECTOR_SIGMA)
        first = self._first_body
        numbers = np.arange(start, stop)
        is_looked_at = (numbers % self._first_look_stride == 0) | np.isin(numbers, [a for a, _ in self._person.scenes])
        frames = numbers[usable & is_looked_at]
        for piece, body in self._run(self._networks.body, frames, rois[frames - start]):
            where = frames[piece]
            first.rois[where] = pose_roi(body.anchors[:, 0], body.anchors[:, 1])
            first.found[where] = body.presence > PRESENT
        for frame in numbers[~usable]:
            self._continue_body(int(frame))

    def _continue_body(self, frame: int) -> None:
        """Where the detector has lost the person: look where a frame just before saw the body."""
        first = self._first_body
        scene_start = max(a for a, _ in self._person.scenes if a <= frame)
        seen = [k for k in range(frame - 1, max(frame - 1 - self._first_look_stride, scene_start - 1), -1) if first.found[k]]
        if not seen or self._unseen_frames[seen[0]] >= self._longest_unseen:
            return
        ((_, body),) = self._run(self._networks.body, np.array([frame]), first.rois[seen[0]][None])
        roi = pose_roi(body.anchors[0, 0], body.anchors[0, 1])
        is_alike = abs(np.log(max(roi[2], 1e-3) / first.rois[seen[0], 2])) < LARGEST_GROWTH
        enough_seen = (body.visibility[0] > 0.5).sum() >= LEAST_POINTS
        if body.presence[0] > PRESENT and is_alike and enough_seen:
            first.rois[frame], first.found[frame] = roi, True
            self._unseen_frames[frame] = self._unseen_frames[seen[0]] + 1

    def _second_body_pass(self, start: int, stop: int) -> None:
        rois, usable = self._near(self._first_body, start, stop, BODY_REACH, BODY_SIGMA)
        frames, rois = np.flatnonzero(usable) + start, rois[usable]
        track = self.tracks.body

        def look(piece: np.ndarray, pyramids: Pyramids, chosen: np.ndarray) -> BodyLandmarks:
            body = self._networks.body(pyramids, chosen, self._with_segmentation)
            if self._on_bodies is not None:
                self._on_bodies(frames[piece], pyramids, body, chosen)
            return body

        for piece, body in self._run(look, frames, rois, wants_places=True):
            where = frames[piece]
            is_there = body.presence > PRESENT
            track.rois[where], track.found[where], track.presence[where] = rois[piece], is_there, body.presence
            track.points[where] = np.where(is_there[:, None, None], body.points, 0)
            self.tracks.visibility[where] = body.visibility * is_there[:, None]
            self.tracks.world[where] = np.where(is_there[:, None, None], body.world, 0)

    def _first_hand_pass(self, start: int, stop: int) -> None:
        body = self.tracks.body
        frames, sides, guesses = [], [], []
        for side, (wrist, pinky, index) in enumerate(_HAND_POINTS):
            seen = np.flatnonzero(self.tracks.visibility[start:stop, wrist] > WRIST_SEEN) + start
            points = body.points[seen].astype(np.float64)
            frames.append(seen)
            sides.append(np.full(len(seen), side))
            guesses.append(hand_roi_from_body(points[:, wrist], points[:, pinky], points[:, index]))
        frame, side, guess = np.concatenate(frames), np.concatenate(sides), np.concatenate(guesses)
        rois = guess.copy()
        for piece, points in self._run(self._networks.recrop_hand, frame, guess):
            rois[piece] = hand_roi_from_recrop(points)
        self._look_at_hands(self._first_hands, frame, side, rois, 0.0)
        for number, part in enumerate(self._first_hands):
            self.tracks.first_hands[number] += int(part.found[start:stop].sum())

    def _look_at_hands(self, hands: tuple[_Part, _Part], frame: np.ndarray, side: np.ndarray, rois: np.ndarray, bonus: float) -> None:
        """Run the hand network and keep a result when it beats what is there by presence + bonus."""
        for piece, result in self._run(self._networks.hand, frame, rois):
            for k, at in enumerate(piece):
                part, where = hands[side[at]], frame[at]
                if result.presence[k] > PRESENT and result.presence[k] + bonus > part.presence[where]:
                    part.rois[where], part.found[where], part.presence[where] = rois[at], True, result.presence[k]
                    part.points[where] = result.points[k]
                    self.tracks.right_handed[where, side[at]] = result.right_handed[k]

    def _second_hand_pass(self, start: int, stop: int) -> None:
        """Hands again in regions from their own landmarks, gaps bridged; skipped where the first region already agrees."""
        frames, sides, wanted = [], [], []
        for number, (first, final) in enumerate(zip(self._first_hands, self.tracks.hands, strict=True)):
            low, high = max(start - 2 * PART_REACH, 0), min(stop + 2 * PART_REACH, self._count)
            by_landmarks = _Part(first.rois.copy(), first.found, first.presence, first.points)
            seen = np.flatnonzero(first.found[low:high]) + low
            by_landmarks.rois[seen] = hand_roi_from_landmarks(first.points[seen].astype(np.float64))
            rois, usable = self._near(by_landmarks, start, stop, PART_REACH, 0.0)
            for name in ("rois", "found", "presence", "points"):
                getattr(final, name)[start:stop] = getattr(first, name)[start:stop]
            # a frame without any body has no hand to look for
            again = usable & self.tracks.body.found[start:stop]
            again &= ~(first.found[start:stop] & _agree(first.rois[start:stop], rois))
            frames.append(np.flatnonzero(again) + start)
            sides.append(np.full(int(again.sum()), number))
            wanted.append(rois[again])
        frame = np.concatenate(frames)
        self.tracks.second_hands += len(frame)
        self._look_at_hands(self.tracks.hands, frame, np.concatenate(sides), np.concatenate(wanted), SECOND_HAND_BONUS)
        self.tracks.duplicates += drop_duplicates(self.tracks, start, stop)

    def _face_detector(self, start: int, stop: int) -> None:
        frames = np.flatnonzero(self.tracks.body.found[start:stop]) + start
        bodies = self.tracks.body.points[frames].astype(np.float64)
        rois = face_roi_from_body(bodies)
        for piece, found in self._run(self._networks.find_faces, frames, rois, FACE_BATCH):
            for at, faces in zip(piece, found, strict=True):
                if faces:
                    nearest = max(faces, key=lambda face, at=at: face.score - _distance(face.points[2], bodies[at, 0], rois[at]))
                    self._face_regions.rois[frames[at]] = face_roi_from_detector(nearest.points)
                    self._face_regions.found[frames[at]] = True

    def _first_face_pass(self, start: int, stop: int) -> None:
        rois, usable = self._near(self._face_regions, start, stop, PART_REACH, 0.0)
        self._look_at_faces(self._first_faces, np.flatnonzero(usable) + start, rois[usable])

    def _second_face_pass(self, start: int, stop: int) -> None:
        first, low, high = self._first_faces, max(start - 3 * PART_REACH, 0), min(stop + 3 * PART_REACH, self._count)
        by_mesh = _Part(first.rois.copy(), first.found, first.presence, first.points)
        seen = np.flatnonzero(first.found[low:high]) + low
        by_mesh.rois[seen] = face_roi_from_mesh(first.points[seen].astype(np.float64))
        rois, usable = self._near(by_mesh, start, stop, PART_REACH, FACE_SIGMA)
        for name in ("rois", "found", "presence", "points"):
            getattr(self.tracks.face, name)[start:stop] = getattr(first, name)[start:stop]
        usable &= self.tracks.body.found[start:stop]
        self._look_at_faces(self.tracks.face, np.flatnonzero(usable) + start, rois[usable])

    def _look_at_faces(self, part: _Part, frames: np.ndarray, rois: np.ndarray) -> None:
        for piece, faces in self._run(self._networks.face, frames, rois, FACE_BATCH):
            there = faces.presence > PRESENT
            where = frames[piece][there]
            part.rois[where], part.found[where], part.presence[where] = rois[piece][there], True, faces.presence[there]
            part.points[where] = faces.points[there]


def _agree(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether two hand regions [...,4] are so alike that looking again would change nothing."""
    side = np.maximum(one[..., 2], 1e-3)
    shift = np.linalg.norm(one[..., :2] - other[..., :2], axis=-1) / side
    turn = np.abs((one[..., 3] - other[..., 3] + np.pi) % (2 * np.pi) - np.pi)
    return (shift < 0.12) & (np.abs(one[..., 2] - other[..., 2]) / side < 0.25) & (turn < np.radians(20))


def _distance(point: np.ndarray, other: np.ndarray, roi: np.ndarray) -> float:
    return float(np.hypot(*(point - other)) / max(roi[2], 1e-3))
