"""What KMC Retarget Skeleton tells about its result: what happens, touches, camera, views. Sentences only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..kmc_core.alignment.views import views_served
from ..kmc_core.motion.camera_words import describe_camera
from ..kmc_core.motion.orientation import apply_camera, inverse_camera
from ..kmc_core.motion.semantics import MotionEvent, motion_events
from ..kmc_core.types import Contact, HolisticMotion, Orientation, SubjectLibrary

MOST_LISTED = 12
STILL_PX = 0.5
LEAST_BEYOND = 0.01


def motion_sentences(motion: HolisticMotion, subject: SubjectLibrary, orientation: Orientation) -> list[str]:
    """Lines about a retargeted motion: what happens when, what touches what, the camera, and which picture serves when."""
    lines = [
        _listed("What happens", [_event(event) for event in motion_events(motion)]),
        _listed("Touches kept", [_contact(contact, motion.fps) for contact in motion.character.contacts if contact.place != "ground"]),
        _standing(motion.character.contacts),
        f"Camera: {_camera(motion, orientation)}.",
    ]
    if len(subject.views) > 1:
        spans = views_served(subject, motion.character, motion.fps)
        for part in ("body", "head"):
            served = [f"picture {span.view + 1} {_times(span.start_s, span.end_s)}" for span in spans if span.part == part]
            lines.append(_listed(f"Shown for the {part}", served))
    return [line for line in lines if line]


def _listed(title: str, entries: list[str]) -> str:
    if not entries:
        return ""
    more = f" and {len(entries) - MOST_LISTED} more" if len(entries) > MOST_LISTED else ""
    return f"{title}: {', '.join(entries[:MOST_LISTED])}{more}."


def _times(start_s: float, end_s: float) -> str:
    return f"{start_s:.1f} to {end_s:.1f} s"


def _event(event: MotionEvent) -> str:
    side = f" ({event.side})" if event.side else ""
    return f"{event.kind.replace('_', ' ')}{side} {_times(event.start_s, event.end_s)}"


def _contact(contact: Contact, fps: float) -> str:
    return f"{contact.part.replace('_', ' ')} on {contact.place.replace('_', ' ')} {_times(contact.start / fps, contact.stop / fps)}"


def _standing(contacts: Iterable[Contact]) -> str:
    counts = [sum(contact.part == foot and contact.place == "ground" for contact in contacts) for foot in ("left_foot", "right_foot")]
    if not any(counts):
        return ""
    return f"Feet planted: left {_often(counts[0])}, right {_often(counts[1])}."


def _often(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _camera(motion: HolisticMotion, orientation: Orientation) -> str:
    camera, canvas = motion.character.camera.astype(np.float64), motion.character.canvas
    corners = np.array([[0, 0], [canvas.width, 0], [0, canvas.height], [canvas.width, canvas.height]], np.float64)
    corners = np.broadcast_to(corners, (len(camera), 4, 2))
    seen = apply_camera(inverse_camera(camera), corners)
    beyond = float((np.maximum(-seen, seen - corners[0, 3]) / corners[0, 3]).max())
    edge = f", up to {beyond:.0%} beyond the picture, which is mirrored there" if beyond > LEAST_BEYOND else ""
    if orientation.directs_camera:
        return describe_camera(orientation.camera) + edge
    travel = float(np.linalg.norm(apply_camera(camera, corners) - corners, axis=-1).max())
    return f"the clip's own, up to {travel:.0f} px{edge}" if travel > STILL_PX else "still"
