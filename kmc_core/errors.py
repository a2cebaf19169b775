"""The pack's own errors. Every message follows one form: what happened, what was got, what was expected, what to do.

Called by every room at its doors (file load, constructor, node input), never inside a network's forward pass.
"""

from __future__ import annotations


class KMCError(ValueError):
    """Base of all refusals. Build it with the four parts; the remedy comes first because ComfyUI's toast is short.

    >>> str(KMCError("The clip is too short", got="1.2 s", expected="3 to 30 s", remedy="Choose a longer clip"))
    'Choose a longer clip. The clip is too short: got 1.2 s, expected 3 to 30 s.'
    """

    def __init__(self, what: str, *, got: str = "", expected: str = "", remedy: str = "") -> None:
        self.what, self.got, self.expected, self.remedy = what, got, expected, remedy
        details = ", ".join(part for part in (got and f"got {got}", expected and f"expected {expected}") if part)
        sentence = f"{what}: {details}." if details else f"{what}."
        super().__init__(f"{remedy}. {sentence}" if remedy else sentence)


class MediaError(KMCError):
    """A clip, picture or sound cannot be read or written."""


class PoseError(KMCError):
    """No usable person was found, or a pose input is malformed."""


class SubjectError(KMCError):
    """A character picture or subject library cannot be used."""


class MotionError(KMCError):
    """A motion cannot be retargeted onto this subject."""


class CheckpointError(KMCError):
    """A weights file is missing, of another version, or does not fit the network."""


class LimitError(KMCError):
    """An input lies outside the published limits (an advanced override exists)."""


class Cancelled(Exception):
    """The caller's `should_stop` answered True; no half-written file is left behind."""
