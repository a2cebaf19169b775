"""Camera directives in words: "slow zoom in, pan left 10" as numbers, also from among the words of a prompt.

Not here: what a camera does to the picture (orientation.py). Called by nodes.
"""

from __future__ import annotations

import re

import numpy as np

from ..errors import MotionError
from ..types import CameraDirective

_NUMBER = r"(?P<number>[-+]?\d+(?:\.\d+)?)\s*(?P<unit>%|x\b|times|deg\w*|°)?"
_LITTLE, _MUCH = r"very\s+slow(?:ly)?|slow(?:ly)?|slight(?:ly)?|gentl[ey]|subtl[ey]|small|little", r"fast|quick(?:ly)?|strong(?:ly)?|big"
_AMOUNT = rf"(?:(?P<amount>{_LITTLE}|{_MUCH})\s+)?"
_VERBS = r"(?P<verb>pan|tilt|zoom|orbit|dolly|push|pull|circle|arc|truck)(?:s|es|ning|ming|ing|ging)?"
_WAY = r"(?P<way>left|right|up|down|in|out|back|closer|away)?"
_DIRECTIVE = re.compile(
    r"\b" + _AMOUNT + _VERBS + rf"\b[\s:=]*(?P<after>{_LITTLE}|{_MUCH})?\s*(?:around\s*(?:him|her|them|the\s+\w+)?\s*)?"
    r"(?:to\s+the\s+|to\s+|by\s+)?" + _WAY + rf"[\s:=]*(?P<late>{_LITTLE}|{_MUCH})?[\s:=]*(?:by\s+)?(?:" + _NUMBER + ")?",
    re.IGNORECASE,
)
_STILL = re.compile(r"\b(static|still|fixed|none|locked|stationary|no\s+camera\s+movement)\b", re.IGNORECASE)
_MEANINGS = {"dolly": "zoom", "push": "zoom", "pull": "zoom", "circle": "orbit", "arc": "orbit", "truck": "pan"}
_DEFAULT_DEG = {"pan": 10.0, "tilt": 6.0, "orbit": 20.0}
_DEFAULT_ZOOM = 1.2
_VERY_LITTLE, _LESS, _MORE = 0.35, 0.6, 1.7
# a clause of a prompt speaks of the camera when it says so, or begins with a movement and its direction
_CLAUSES = re.compile(r"\.(?!\d)|[,;:\n]|\band\b|\bthen\b|\bwhile\b", re.IGNORECASE)
_CAMERA = re.compile(r"\b(camera|shot|lens|view)\b", re.IGNORECASE)
_LEADING = re.compile(r"^\s*(?:a\s+|the\s+)?" + _AMOUNT + _VERBS + r"\b", re.IGNORECASE)


def parse_camera_directive(text: str) -> CameraDirective:
    """Read "pan right 10, tilt up 5, zoom 1.2, orbit left 30" into totals over the clip.

    Degrees for pan, tilt and orbit (left and down count negative); zoom is a factor ("1.2", "1.2x", "120 %") or a
    word ("zoom in", "zoom out"). Without numbers the amounts are mild, less with "slow" or "slight", more with "fast" or
    "strong". Empty text and "static" mean a still camera. Raises MotionError for text without any known word.
    """
    matches = list(_DIRECTIVE.finditer(text))
    if not matches and text.strip() and not _STILL.search(text):
        raise MotionError(
            "The camera directive was not understood",
            got=repr(text[:80]),
            expected='words such as "pan right 10, tilt up 5, zoom 1.2, orbit left 30"',
            remedy="Use pan, tilt, zoom or orbit with a direction and a number",
        )
    return _total(matches)


def camera_of_prompt(prompt: str) -> CameraDirective | None:
    """The directive a prompt contains, or None when it says nothing of the camera's movement.

    Only clauses that name the camera, or that begin with a movement and say where to, count: "a frying pan left on the
    stove" moves nothing.
    """
    matches: list[re.Match[str]] = []
    still = False
    for clause in _CLAUSES.split(prompt):
        named = _CAMERA.search(clause) is not None
        still = still or (named and _STILL.search(clause) is not None)
        for match in _DIRECTIVE.finditer(clause):
            directed = match["way"] or (match["number"] and match["unit"]) or match["verb"].lower() in ("orbit", "circle", "arc")
            if directed and (named or _LEADING.match(clause)):
                matches.append(match)
    if matches:
        return _total(matches)
    return CameraDirective() if still else None


def describe_camera(camera: CameraDirective) -> str:
    """A directive in plain words: "pan 10 degrees right, zoom 1.2"; "still" for the default."""
    parts = []
    for name, degrees, (above, below) in (
        ("pan", camera.pan_deg, ("right", "left")), ("tilt", camera.tilt_deg, ("up", "down")), ("orbit", camera.orbit_deg, ("right", "left")),
    ):  # fmt: skip
        if degrees:
            parts.append(f"{name} {abs(degrees):g} degrees {above if degrees > 0 else below}")
    if camera.zoom != 1.0:
        parts.append(f"zoom {camera.zoom:.3g}")
    return ", ".join(parts) or "still"


def combined(one: CameraDirective, other: CameraDirective) -> CameraDirective:
    """Both directives at once: angles add up, zooms multiply; within the limits of each."""
    return _within(one.pan_deg + other.pan_deg, one.tilt_deg + other.tilt_deg, one.zoom * other.zoom, one.orbit_deg + other.orbit_deg)


def _total(matches: list[re.Match[str]]) -> CameraDirective:
    found = {"pan": 0.0, "tilt": 0.0, "orbit": 0.0, "zoom": 1.0}
    for match in matches:
        verb = match["verb"].lower()
        way = {"back": "out", "away": "out", "closer": "in"}.get((match["way"] or "").lower(), (match["way"] or "").lower())
        way = way or {"push": "in", "pull": "out"}.get(verb, "")
        verb = _MEANINGS.get(verb, verb)
        number = float(match["number"]) if match["number"] else None
        amount = _amount(match)
        if verb == "zoom":
            found["zoom"] *= _zoom_factor(number, match["unit"] or "", way, amount)
        else:
            degrees = _DEFAULT_DEG[verb] * amount if number is None else number
            found[verb] += -degrees if way in ("left", "down") else degrees
    return _within(found["pan"], found["tilt"], found["zoom"], found["orbit"])


def _within(pan: float, tilt: float, zoom: float, orbit: float) -> CameraDirective:
    return CameraDirective(
        pan_deg=float(np.clip(pan, -45, 45)), tilt_deg=float(np.clip(tilt, -45, 45)), zoom=float(np.clip(zoom, 0.4, 3.0)),
        orbit_deg=float(np.clip(orbit, -180, 180)),
    )  # fmt: skip


def _amount(match: re.Match[str]) -> float:
    words = (match["amount"] or match["after"] or match["late"] or "").lower()
    if not words:
        return 1.0
    if re.fullmatch(_MUCH, words):
        return _MORE
    return _VERY_LITTLE if words.startswith("very") else _LESS


def _zoom_factor(number: float | None, unit: str, way: str, amount: float) -> float:
    factor = _DEFAULT_ZOOM**amount if number is None else number / 100 if unit == "%" else number
    if unit == "%" and way:
        factor = 1.0 + number / 100
    factor = max(abs(factor), 0.1)
    return 1.0 / factor if way == "out" and factor > 1 else factor
