"""Events in plain English, short enough for a prompt."""

from __future__ import annotations

from collections.abc import Iterable

from .events import MotionEvent

MOST_PHRASES = 6
LEAST_CONFIDENCE = 0.45
WORDS = {
    "walk": "walking", "run": "running", "turn": "turning to the {side}", "spin": "spinning round to the {side}", "jump": "jumping",
    "kick": "kicking with the {side} leg", "punch": "punching with the {side} fist", "sit": "sitting", "crouch": "crouching down",
    "lie": "lying down", "bow": "bowing", "dance": "dancing", "wave": "waving with the {side} hand", "clap": "clapping",
    "point": "pointing with the {side} hand", "touch_face": "touching the face with the {side} hand",
    "raise_arm": "raising the {side} arm", "gesture": "gesturing with the {side} hand", "nod": "nodding",
    "shake_head": "shaking the head", "look": "looking to the {side}",
}  # fmt: skip
PLURAL = {"hand": "hands", "arm": "arms", "fist": "fists", "leg": "legs"}


def event_phrase(event: MotionEvent) -> str:
    """One event: "waving with the right hand"."""
    words = WORDS[event.kind].format(side=event.side or "other")
    if event.side == "both":
        words = words.replace("the both ", "both ")
        for one, many in PLURAL.items():
            words = words.replace(f"both {one}", f"both {many}")
    return words


def motion_sentence(events: Iterable[MotionEvent]) -> str:
    """The course of a motion: "walking, then turning to the left while waving with the right hand"; "" without events.

    What begins while something else still goes on follows with "while"; repetitions and unsure events are left out.
    """
    told: list[tuple[MotionEvent, str]] = []
    for event in events:
        phrase = event_phrase(event)
        if event.confidence >= LEAST_CONFIDENCE and (not told or phrase not in [words for _, words in told[-2:]]):
            told.append((event, phrase))
    told = told[:MOST_PHRASES]
    if not told:
        return ""
    text, latest = told[0][1], told[0][0]
    joined_by_while = False
    for event, phrase in told[1:]:
        overlap = min(latest.end_s, event.end_s) - event.start_s
        together = not joined_by_while and overlap > 0.4 * min(event.end_s - event.start_s, latest.end_s - latest.start_s)
        text += f" while {phrase}" if together else f", then {phrase}"
        joined_by_while = together
        latest = event if event.end_s >= latest.end_s or not together else latest
    return text
