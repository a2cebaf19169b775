"""From raw tracks to the finished HolisticMotion: canvas pixels, smoothing, expression, head pose, camera, report.

Not here: reading frames (extractor.py). Called by extractor.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..types import Canvas, HolisticMotion
from .camera import estimate_camera, subtract_camera
from .clip_tracking import FoundPerson, RawTracks
from .cuts import scene_ranges
from .expression import canonical_face, expression_coefficients, head_pose
from .plausibility import implausible_bodies
from .skeleton_layouts import rig_joints, torso_yaw
from .smoothing import smooth_motion

if TYPE_CHECKING:
    from ..media.clip import Clip

DETECTOR = "MediaPipe holistic networks (0.10.21) in torch, two-pass clip mode"


def raw_motion(clip: Clip, read_canvas: Canvas, person: FoundPerson, tracks: RawTracks) -> HolisticMotion:
    """Raw tracks (pixels of the frames as read) as a motion in pixels of the clip's canvas; nothing smoothed or derived."""
    canvas, count = Canvas(*clip.canvas), clip.frame_count
    wrong = implausible_bodies(tracks.body.points, tracks.body.found, person.scenes, clip.fps)
    believed = (tracks.body.found & ~wrong)[:, None]
    ratio = np.array([canvas.width / read_canvas.width, canvas.height / read_canvas.height, 1.0], np.float32)
    ratio[2] = ratio[0]
    hands_confidence = np.stack([hand.presence * hand.found for hand in tracks.hands], 1) * believed
    return HolisticMotion(
        fps=clip.fps,
        canvas=canvas,
        body=tracks.body.points * ratio[:2],
        body_confidence=tracks.visibility * believed,
        body_world=tracks.world,
        hands=np.stack([hand.points for hand in tracks.hands], 1) * ratio,
        hands_confidence=hands_confidence.clip(0, 1).astype(np.float32),
        face=tracks.face.points * ratio,
        face_confidence=(tracks.face.presence * tracks.face.found).clip(0, 1).astype(np.float32),
        expression=np.zeros((count, 0), np.float32),
        head_pose=np.zeros((count, 3), np.float32),
        root_yaw=np.zeros(count, np.float32),
        camera=np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1)),
        cuts=person.cuts,
        source=clip,
    )


def derived(motion: HolisticMotion) -> HolisticMotion:
    """Fill in what follows from the points: expression, head pose, facing of the torso."""
    canonical = canonical_face(motion.face, motion.face_confidence)
    absent = (motion.face_confidence <= 0)[:, None]
    scenes = scene_ranges(motion.cuts, motion.frame_count)
    return replace(
        motion,
        expression=expression_coefficients(motion.face, motion.face_confidence, scenes=scenes),
        head_pose=np.where(absent, 0, head_pose(canonical.rotation)).astype(np.float32),
        root_yaw=torso_yaw(rig_joints(motion.body_world)).astype(np.float32),
    )


def finished_motion(
    raw: HolisticMotion, luma: Sequence[np.ndarray], matte: np.ndarray | None, smoothing: float, removes_camera: bool
) -> HolisticMotion:
    """Smooth, estimate the camera (and remove it when asked), derive the rest. luma: camera.luma_thumbnail per frame."""
    motion = smooth_motion(replace(raw, matte=matte), smoothing)
    camera = estimate_camera(luma, motion.canvas, motion.body, motion.body_confidence, motion.cuts, matte)
    motion = replace(motion, camera=camera.matrices)
    if removes_camera:
        motion = subtract_camera(motion)
    return replace(derived(motion), provenance={"camera_notes": camera.notes})


def report(person: FoundPerson, tracks: RawTracks, choice: str | int, clip_notes: Sequence[str]) -> dict[str, object]:
    """Numbers and sentences for the provenance. Shares are of all frames, before gaps were filled."""
    found = float(tracks.body.found.mean())
    notes = list(clip_notes)
    if person.track.people > 1:
        notes.append(f"{person.track.people} people are in the clip; followed: {choice}.")
    if not tracks.body.found.any():
        notes.append("Nobody was found in the clip.")
    elif found < 0.95:
        notes.append(f"The performer was found in {found:.0%} of the frames.")
    return {
        "detector": DETECTOR,
        "person": str(choice),
        "people": person.track.people,
        "frames_searched": person.looked_at,
        "frames_detected": person.detected,
        "body_found": found,
        "left_hand_found": float(tracks.hands[0].found.mean()),
        "right_hand_found": float(tracks.hands[1].found.mean()),
        "face_found": float(tracks.face.found.mean()),
        "hands_first_look": tuple(tracks.first_hands),
        "hands_second_look": tracks.second_hands,
        "duplicate_hands": tracks.duplicates,
        "notes": tuple(notes),
    }
