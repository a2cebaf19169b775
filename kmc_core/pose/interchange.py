"""Reads and writes what other ComfyUI nodes call a pose: POSE_KEYPOINT dictionaries.

Not here: FACE_LANDMARKS (face_landmarks.py), boxes and masks (external_hints.py), depth of flat bodies (body_lifting.py). Called by nodes.
POSE_KEYPOINT: one dictionary per frame {"canvas_width", "canvas_height", "people": [{"pose_keypoints_2d": 18 x (x, y, score),
"foot_keypoints_2d": 6, "face_keypoints_2d": 68 or 70, "hand_left_keypoints_2d": 21, "hand_right_keypoints_2d": 21}]}.
Traps met in the wild: parts are None or missing; coordinates absolute or 0..1; absent points are 0,0,0 or -1; scores only
0 or 1; one common node swaps the hands' keys, so a hand goes to the nearer wrist; animals come under "animals".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import PoseError
from ..types import Canvas, HolisticMotion, PictureKeypoints
from .body_lifting import blazepose_from_openpose, lift_body
from .expression import EXPRESSION_NAMES
from .face_points import LandmarkFace, expression_from_face_points, pose_from_face_points
from .skeleton_layouts import IBUG_68, OPENPOSE_18, OPENPOSE_FEET, rig_joints, torso_yaw
from .smoothing import smooth_motion

FACE_POINTS = 478
LARGEST_SIDE_PX, FARTHEST_PX, MOST_PEOPLE = 65_536, 1e6, 100
LINK_DISTANCE = 0.5
"""people of neighbouring frames are the same if their centres are nearer than this share of their size"""


class _Person(NamedTuple):
    """Arrays of (x, y px, score); absent points have score 0."""

    body: np.ndarray
    feet: np.ndarray
    face: np.ndarray
    hands: tuple[np.ndarray, np.ndarray]


def to_pose_keypoint(motion: HolisticMotion) -> list[dict]:
    """A motion as POSE_KEYPOINT: absolute pixels of its canvas, real scores, absent points 0,0,0; one person per frame."""
    frames = []
    for index in range(motion.frame_count):
        body, confidence = motion.body[index], motion.body_confidence[index]
        openpose = np.array(
            [[*body[list(source)].mean(0), confidence[list(source)].min()] for source in OPENPOSE_18], np.float32
        )
        feet = np.c_[body[list(OPENPOSE_FEET)], confidence[list(OPENPOSE_FEET)]]
        face_score = np.full((70, 1), motion.face_confidence[index], np.float32)
        face = np.hstack([motion.face[index][[*IBUG_68, 468, 473], :2], face_score])
        hands = [
            np.hstack([motion.hands[index, side, :, :2], np.full((21, 1), motion.hands_confidence[index, side])])
            for side in range(2)
        ]
        person = {
            "pose_keypoints_2d": _flat(openpose),
            "foot_keypoints_2d": _flat(feet),
            "face_keypoints_2d": _flat(face),
            "hand_left_keypoints_2d": _flat(hands[0]),
            "hand_right_keypoints_2d": _flat(hands[1]),
        }
        frames.append(
            {
                "version": "1.0",
                "canvas_width": int(motion.canvas.width),
                "canvas_height": int(motion.canvas.height),
                "people": [person] if (confidence > 0).any() or motion.face_confidence[index] > 0 else [],
            }
        )
    return frames


def from_pose_keypoint(
    frames: Sequence[Mapping] | Mapping, fps: float, canvas: Canvas | None = None, smoothing: float = 1.0
) -> HolisticMotion:
    """POSE_KEYPOINT -> motion: the person with the largest summed size is followed, gaps are filled, depth is made up.

    canvas: size to scale to (default: the dictionary's own). With 68 or 70 face points head pose and expression are
    measured on them; the 478-point mesh stays absent (confidence 0). provenance["notes"] tells what was left out.
    Raises PoseError for a malformed value or when no frame holds a person.
    """
    frames = [frames] if isinstance(frames, Mapping) else frames or []
    if isinstance(frames, str) or not isinstance(frames, Sequence):
        raise _malformed(frames)
    own = _canvas_of(frames, canvas)
    people = [_read_people(frame, own) for frame in frames]
    notes = _notes(frames, people)
    chosen = follow_largest(people)
    if not any(person is not None for person in chosen):
        raise PoseError(
            "The connected keypoints hold no person",
            got=", ".join(notes) or f"{len(frames)} empty frames",
            expected="at least one person with shoulders",
            remedy="Check the pose detector's picture, or leave POSE_KEYPOINT unconnected",
        )
    motion = _build(chosen, fps, own, notes, smoothing)
    return motion if canvas is None or canvas == own else _scaled(motion, canvas)


def keypoints_from_pose_keypoint(frame: Mapping | Sequence[Mapping], canvas: Canvas) -> PictureKeypoints:
    """One POSE_KEYPOINT frame (or the first of a list) -> a picture's keypoints on `canvas`, marked as user-supplied."""
    motion = from_pose_keypoint([frame] if isinstance(frame, Mapping) else list(frame)[:1], 1.0, canvas, smoothing=0.0)
    return PictureKeypoints(
        body=motion.body[0],
        body_confidence=motion.body_confidence[0],
        body_world=motion.body_world[0],
        hands=motion.hands[0],
        hands_confidence=motion.hands_confidence[0],
        face=motion.face[0],
        face_confidence=float(motion.face_confidence[0]),
        detection=1.0,
        user_supplied=True,
    )


def merge_pose_keypoint(motion: HolisticMotion, frames: Sequence[Mapping] | Mapping) -> HolisticMotion:
    """Replace body and hands of a motion by those of POSE_KEYPOINT in every frame where they were given.

    Depth, face, matte, camera and cuts stay the motion's own; the number of frames must agree (PoseError).
    """
    other = from_pose_keypoint(frames, motion.fps, motion.canvas)
    if other.frame_count != motion.frame_count:
        raise PoseError(
            "The connected keypoints do not belong to this clip",
            got=f"{other.frame_count} frames",
            expected=f"{motion.frame_count} frames",
            remedy="Detect poses on the same frames that are connected as the clip",
        )
    named = other.body_confidence >= 0.3
    merged_body = np.where(named[..., None], other.body, motion.body)
    merged_confidence = np.where(named, other.body_confidence, motion.body_confidence)
    absent = (motion.body_confidence <= 0).all(-1)
    world = np.where(absent[:, None, None], other.body_world, motion.body_world)
    hands_given = other.hands_confidence > 0
    hands = np.where(hands_given[..., None, None], other.hands, motion.hands)
    return replace(
        motion,
        body=merged_body.astype(np.float32),
        body_confidence=merged_confidence.astype(np.float32),
        body_world=world.astype(np.float32),
        hands=hands.astype(np.float32),
        hands_confidence=np.where(hands_given, other.hands_confidence, motion.hands_confidence).astype(np.float32),
        provenance={**motion.provenance, "body": "POSE_KEYPOINT input"},
    )


def follow_largest(people: Sequence[Sequence[_Person]]) -> list[_Person | None]:
    """Link people over time by nearness and keep the track with the largest sum of sizes; None where it is not seen."""
    tracks: list[dict[int, _Person]] = []
    last: list[tuple[int, np.ndarray, float]] = []
    for index, found in enumerate(people):
        free = list(found)
        for track, (seen_at, centre, size) in list(enumerate(last)):
            if index - seen_at > 15 or not free:
                continue
            distances = [float(np.linalg.norm(_centre_and_size(person)[0] - centre)) for person in free]
            nearest = int(np.argmin(distances))
            if distances[nearest] < LINK_DISTANCE * size * (1 + 0.2 * (index - seen_at)):
                person = free.pop(nearest)
                tracks[track][index] = person
                last[track] = (index, *_centre_and_size(person))
        for person in free:
            tracks.append({index: person})
            last.append((index, *_centre_and_size(person)))
    if not tracks:
        return [None] * len(people)
    best = max(tracks, key=lambda track: sum(_centre_and_size(person)[1] for person in track.values()))
    return [best.get(index) for index in range(len(people))]


def _build(chosen: list[_Person | None], fps: float, canvas: Canvas, notes: list[str], smoothing: float) -> HolisticMotion:
    body, feet, hands, hands_confidence, faces = _stacked(chosen)
    points, confidence = blazepose_from_openpose(body, feet, hands, hands_confidence)
    empty = HolisticMotion(
        fps=fps,
        canvas=canvas,
        body=points,
        body_confidence=confidence,
        body_world=np.zeros((len(chosen), 33, 3), np.float32),
        hands=hands,
        hands_confidence=hands_confidence,
        face=np.zeros((len(chosen), FACE_POINTS, 3), np.float32),
        face_confidence=np.zeros(len(chosen), np.float32),
        expression=np.zeros((len(chosen), len(EXPRESSION_NAMES)), np.float32),
        head_pose=np.zeros((len(chosen), 3), np.float32),
        root_yaw=np.zeros(len(chosen), np.float32),
        camera=np.tile(np.eye(2, 3, dtype=np.float32), (len(chosen), 1, 1)),
        provenance={"detector": "POSE_KEYPOINT input", "notes": tuple(notes)},
    )
    motion = smooth_motion(empty, smoothing)
    world = lift_body(motion.body, motion.body_confidence)
    return replace(
        motion,
        body_world=world,
        root_yaw=torso_yaw(rig_joints(world)).astype(np.float32),
        head_pose=pose_from_face_points(faces),
        expression=expression_from_face_points(faces),
    )


def _stacked(chosen: list[_Person | None]) -> tuple[np.ndarray, ...]:
    frames = len(chosen)
    body, feet = np.zeros((frames, 18, 3), np.float32), np.zeros((frames, 6, 3), np.float32)
    hands, hands_confidence = np.zeros((frames, 2, 21, 3), np.float32), np.zeros((frames, 2), np.float32)
    faces = LandmarkFace(np.zeros((frames, 70, 2), np.float32), np.zeros(frames, np.float32))
    for index, person in enumerate(chosen):
        if person is None:
            continue
        body[index], feet[index] = person.body, person.feet
        for side, hand in enumerate(_sided_hands(person)):
            if hand is not None:
                hands[index, side, :, :2] = hand[:, :2]
                hands_confidence[index, side] = hand[:, 2].mean()
        faces.points[index] = person.face[:, :2]
        if (person.face[:68, 2] > 0).mean() > 0.9:
            faces.confidence[index] = person.face[:68, 2].mean()
    return body, feet, hands, hands_confidence, faces


def _sided_hands(person: _Person) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(left, right) by the nearer body wrist, whatever the key said; the key decides only without wrists."""
    usable = [hand if _is_whole_hand(hand) else None for hand in person.hands]
    wrists, seen = person.body[[7, 4], :2], person.body[[7, 4], 2] > 0
    if not seen.all():
        return usable[0], usable[1]
    distance = np.full((2, 2), np.inf)
    for index, hand in enumerate(usable):
        if hand is not None:
            distance[index] = np.linalg.norm(hand[0, :2] - wrists, axis=-1)
    if all(hand is not None for hand in usable):
        is_swapped = distance[0, 1] + distance[1, 0] < distance[0, 0] + distance[1, 1]
    else:
        given = 0 if usable[0] is not None else 1
        is_swapped = usable[given] is not None and distance[given, 1 - given] < distance[given, given]
    return (usable[1], usable[0]) if is_swapped else (usable[0], usable[1])


def _is_whole_hand(hand: np.ndarray) -> bool:
    return bool(hand[0, 2] > 0 and (hand[:, 2] > 0).mean() > 0.7)


def _read_people(frame: Mapping, canvas: Canvas) -> list[_Person]:
    people = []
    listed = frame.get("people") or []
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        raise _malformed(listed)
    for person in listed[:MOST_PEOPLE]:
        if not isinstance(person, Mapping):
            raise _malformed(person)
        parts = {
            name: _read_points(person.get(key), count)
            for name, key, count in (
                ("body", "pose_keypoints_2d", 18),
                ("feet", "foot_keypoints_2d", 6),
                ("face", "face_keypoints_2d", 70),
                ("left", "hand_left_keypoints_2d", 21),
                ("right", "hand_right_keypoints_2d", 21),
            )
        }
        _to_pixels(list(parts.values()), canvas)
        if (parts["body"][:, 2] > 0).sum() >= 3:
            people.append(_Person(parts["body"], parts["feet"], parts["face"], (parts["left"], parts["right"])))
    return people


def _read_points(value: object, count: int) -> np.ndarray:
    """A flat or nested list of x, y, score -> float32 [count,3]; absent, negative or non-finite points get score 0."""
    points = np.zeros((count, 3), np.float32)
    if value is None:
        return points
    try:
        given = np.array([np.nan if number is None else number for number in np.ravel(np.array(value, object))], np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise _malformed(value) from error
    given = given[: len(given) // 3 * 3].reshape(-1, 3)[:count]
    if not len(given):
        return points
    near = (np.abs(given[:, :2]) < FARTHEST_PX).all(-1)  # also False for what is no number
    present = near & np.isfinite(given[:, 2]) & (given[:, 2] > 0) & (given[:, :2] > -1).all(-1) & (given[:, :2] != 0).any(-1)
    points[: len(given)] = np.where(present[:, None], given, 0)
    points[:, 2] = points[:, 2].clip(0, 1)
    return points


def _to_pixels(parts: list[np.ndarray], canvas: Canvas) -> None:
    """Normalised coordinates (no present number above 2) become pixels, in place."""
    present = [part[part[:, 2] > 0, :2] for part in parts]
    largest = max((float(np.abs(points).max()) for points in present if len(points)), default=0.0)
    if 0 < largest <= 2.0:
        for part in parts:
            part[:, :2] *= (canvas.width, canvas.height)


def _canvas_of(frames: Sequence[Mapping], wanted: Canvas | None) -> Canvas:
    for frame in frames:
        if not isinstance(frame, Mapping):
            raise _malformed(frame)
    for frame in frames:
        try:
            own = Canvas(int(frame["canvas_height"]), int(frame["canvas_width"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if min(own) > 0 and max(own) <= LARGEST_SIDE_PX:
            return own
    if wanted is None:
        raise PoseError(
            "The connected keypoints name no picture size",
            got=f"{len(frames)} frames",
            expected="canvas_width and canvas_height",
            remedy="Connect a POSE_KEYPOINT output",
        )
    return wanted


def _notes(frames: Sequence[Mapping], people: Sequence[Sequence[_Person]]) -> list[str]:
    notes = []
    animals = sum(bool(frame.get("animals")) for frame in frames)
    if animals:
        notes.append(f"animals in {animals} frames were ignored")
    most = max((len(found) for found in people), default=0)
    if most > 1:
        notes.append(f"up to {most} people were given; the largest was followed")
    return notes


def _centre_and_size(person: _Person) -> tuple[np.ndarray, float]:
    seen = person.body[person.body[:, 2] > 0, :2]
    return seen.mean(0), float(np.linalg.norm(np.ptp(seen, axis=0)))


def _scaled(motion: HolisticMotion, canvas: Canvas) -> HolisticMotion:
    ratio = np.array([canvas.width / motion.canvas.width, canvas.height / motion.canvas.height], np.float32)
    hands = motion.hands.copy()
    hands[..., :2] *= ratio
    hands[..., 2] *= ratio.mean()
    return replace(motion, canvas=canvas, body=motion.body * ratio, hands=hands)


def _flat(points: np.ndarray) -> list[float]:
    """x, y, score in one list; absent points are written 0, 0, 0."""
    return np.where(points[:, 2:] > 0, points, 0).astype(float).round(3).ravel().tolist()


def _malformed(value: object) -> PoseError:
    return PoseError(
        "The connected keypoints cannot be read",
        got=repr(value)[:80],
        expected="POSE_KEYPOINT: a dictionary per frame with people",
        remedy="Connect the output of a pose detector",
    )
