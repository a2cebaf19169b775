"""Which picture of the character is shown when: by facing, with hysteresis and short cross-fades.

Not here: drawing. Called by the aligner once per motion, and by the retargeting node for its report; pure functions of
the motion, so that frames may be asked for in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..pose.cuts import scene_ranges
from ..types import CharacterMotion, SubjectLibrary
from .deform import torso_signs

HYSTERESIS_DEG = 12.0
FADE_FRAMES = 5
YAW_SIGMA_S = 0.12
PROFILE_SINE = 0.77
BODY_CARE, HEAD_CARE = (1.8, 3.0), (1.3, 2.0)
"""A picture in profile hides half of the character: degrees away from it, towards the front and towards the back, count as so many."""


class Share(NamedTuple):
    """One picture to draw in a frame: view of the body, view of the head, weight 0..1 (the weights sum to 1)."""

    body_view: int
    head_view: int
    weight: float


class MotionTracks(NamedTuple):
    """Decisions over a whole motion. shares: per frame what to draw; torso_sign [T] +-1 (deform.torso_signs)."""

    shares: tuple[tuple[Share, ...], ...]
    torso_sign: np.ndarray


def motion_tracks(subject: SubjectLibrary, character: CharacterMotion) -> MotionTracks:
    """Views by torso yaw for the body and by head yaw for the head."""
    frames = len(character.joints)
    signs = np.concatenate([torso_signs(character.joints[start:stop]) for start, stop in scene_ranges(character.cuts, frames)])
    if len(subject.views) == 1:
        return MotionTracks(((Share(0, 0, 1.0),),) * frames, signs)
    count, cuts = len(subject.views), character.cuts
    body = choose_views(character.body_yaw, np.array([view.yaw for view in subject.views]), cuts, character.fps, BODY_CARE)
    head = choose_views(character.head_yaw, np.array([view.head_yaw for view in subject.views]), cuts, character.fps, HEAD_CARE)
    body, head = fade_weights(body, count, cuts), fade_weights(head, count, cuts)
    return MotionTracks(tuple(_pairs(body[frame], head[frame]) for frame in range(frames)), signs)


class ViewSpan(NamedTuple):
    """Picture number `view` (0 = first) of `part` "body" or "head" is the strongest from start_s to end_s."""

    part: str
    view: int
    start_s: float
    end_s: float


def views_served(subject: SubjectLibrary, character: CharacterMotion, fps: float) -> tuple[ViewSpan, ...]:
    """Which picture serves which seconds, body first; a library of one picture gives one span for each part."""
    spans = []
    for part, yaw, own, care in (
        ("body", character.body_yaw, [view.yaw for view in subject.views], BODY_CARE),
        ("head", character.head_yaw, [view.head_yaw for view in subject.views], HEAD_CARE),
    ):
        chosen = choose_views(yaw, np.array(own), character.cuts, fps, care)
        changes = [0, *(np.flatnonzero(np.diff(chosen)) + 1), len(chosen)]
        for start, stop in zip(changes[:-1], changes[1:], strict=True):
            spans.append(ViewSpan(part, int(chosen[start]), float(start / fps), float(stop / fps)))
    return tuple(spans)


def choose_views(
    wanted: np.ndarray, available: np.ndarray, cuts: Sequence[int] = (), fps: float = 25.0, care: tuple[float, float] = BODY_CARE
) -> np.ndarray:
    """Index of the view per frame: the nearest facing (profiles only from close by), left only for one that is 12 degrees nearer.

    wanted [T], available [V], radians; cuts: first frames of new scenes, which choose afresh; fps: of wanted; care: as
    BODY_CARE -> int [T].
    """
    scenes = scene_ranges(cuts, len(wanted))
    if len(scenes) > 1:
        return np.concatenate([choose_views(wanted[start:stop], available, (), fps, care) for start, stop in scenes])
    smooth = gaussian_filter1d(np.unwrap(wanted.astype(np.float64)), YAW_SIGMA_S * fps, mode="nearest")
    gaps = np.abs((smooth[:, None] - available + np.pi) % (2 * np.pi) - np.pi)
    cared = np.where(np.cos(smooth)[:, None] > np.cos(available), *care)
    gaps *= np.where(np.abs(np.sin(available)) > PROFILE_SINE, cared, 1.0)
    chosen = np.zeros(len(wanted), np.int64)
    current = int(gaps[0].argmin()) if len(gaps) else 0
    for frame, gap in enumerate(gaps):
        nearest = int(gap.argmin())
        if gap[nearest] + np.radians(HYSTERESIS_DEG) < gap[current]:
            current = nearest
        chosen[frame] = current
    return chosen


def fade_weights(chosen: np.ndarray, views: int, cuts: Sequence[int] = ()) -> np.ndarray:
    """Weights [T,V] that cross-fade over five frames around each change of view, never over a cut."""
    scenes = scene_ranges(cuts, len(chosen))
    if len(scenes) > 1:
        return np.concatenate([fade_weights(chosen[start:stop], views) for start, stop in scenes])
    weights = np.eye(views)[chosen]
    padded = np.pad(weights, ((FADE_FRAMES // 2, FADE_FRAMES // 2), (0, 0)), mode="edge")
    return sum(padded[shift : shift + len(chosen)] for shift in range(FADE_FRAMES)) / FADE_FRAMES


def _pairs(body: np.ndarray, head: np.ndarray) -> tuple[Share, ...]:
    """What to draw for weights [V] of body and head: together where both fade alike, else all their products."""
    if np.allclose(body, head):
        return tuple(Share(int(view), int(view), float(body[view])) for view in np.flatnonzero(body))
    views = [(int(b), int(h)) for b in np.flatnonzero(body) for h in np.flatnonzero(head)]
    return tuple(Share(b, h, float(body[b] * head[h])) for b, h in views)
