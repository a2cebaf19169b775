"""Findings about the clip: people, cuts, camera, light, blur, duration, frame rate.

Not here: the performer's body (body_checks.py), the character (pair_checks.py). Called by check.py.
"""

from __future__ import annotations

import numpy as np

from ...media.limits import LIMITS
from ...pose.cuts import scene_ranges
from ...types import HolisticMotion, Orientation
from ..lift import smooth_over_time
from ..orientation import LARGEST_JERK, apply_camera
from .findings import Finding, found, moments
from .pixels import PixelStatistics
from .thresholds import THRESHOLDS

GLARE = 0.96
"""97th percentile of the background's luma above which it is glaring"""
LEAST_LOOKS = 4
"""looks in one scene that must have followed the camera"""
SHAKE_SIGMA_S = 0.15


def clip_findings(motion: HolisticMotion, pixels: PixelStatistics | None, orientation: Orientation) -> list[Finding]:
    """Everything that can be said without looking at limbs."""
    findings = _people(motion) + _cuts(motion) + _timing(motion, orientation)
    if pixels is not None:
        findings += _light(motion, pixels) + _blur(motion, pixels)
    return findings + camera_findings(motion, pixels)


def _people(motion: HolisticMotion) -> list[Finding]:
    people = int(motion.provenance.get("people", 1) or 0)
    return found("people", people, f"{people} people are in the clip, one is followed")


def _cuts(motion: HolisticMotion) -> list[Finding]:
    cuts = [cut for cut in motion.cuts if 0 < cut < motion.frame_count]
    spans = tuple((round(cut / motion.fps, 3), round((cut + 1) / motion.fps, 3)) for cut in cuts)
    where = ", ".join(str(cut) for cut in cuts[:6])
    plural = "s" if len(cuts) > 1 else ""
    return found("cut", len(cuts), f"The clip cuts to another scene {len(cuts)} time{plural} (frame {where})", spans)


def _timing(motion: HolisticMotion, orientation: Orientation) -> list[Finding]:
    longest = orientation.max_seconds
    findings = found("short", motion.seconds, f"The clip is only {motion.seconds:.1f} s long, {LIMITS.min_clip_s:g} s is the least")
    ratio = (motion.seconds - 1.01 / motion.fps) / longest
    findings += found("long", ratio, f"The clip is {motion.seconds:.1f} s long, orientation {orientation.mode} takes {longest:g} s")
    return findings + found("low_frame_rate", motion.fps, f"The clip has {motion.fps:.3g} frames per second")


def _light(motion: HolisticMotion, pixels: PixelStatistics) -> list[Finding]:
    seen = _body_seen(motion)[: len(pixels.performer)]
    if not seen.any():
        return []
    findings: list[Finding] = []
    # a dark dress before a white wall is no back light: the background must be glaring and even the skin dark against it
    ratio = pixels.bright_performer / np.maximum(pixels.bright_background, 0.02)
    glaring = seen & (pixels.bright_background > GLARE)
    if glaring.sum() > 0.5 * seen.sum():
        lit = float(np.median(ratio[glaring]))
        where = moments(glaring & (ratio < THRESHOLDS["back_light"].warning), motion.fps)
        findings += found("back_light", lit, "The performer is lit from behind: the background outshines the skin", where)
    if not findings:
        findings += found("dark", float(np.median(pixels.bright_performer[seen])), "The performer is very dark")
    return findings + found("low_contrast", float(np.median(pixels.spread[seen])), "The performer shows hardly any contrast")


def _blur(motion: HolisticMotion, pixels: PixelStatistics) -> list[Finding]:
    seen = _body_seen(motion)[: len(pixels.edges)]
    if seen.sum() < 3:
        return []
    usual = float(np.percentile(pixels.edges[seen], 80))
    findings = found("soft_picture", usual, "The clip is soft: edges of the performer are blurred throughout")
    if findings:
        return findings
    relative = smooth_over_time(pixels.edges, 1.0) / max(usual, 1e-3)
    where = moments(seen & (relative < 0.45), motion.fps)
    worst = float(np.percentile(relative[seen], 5))
    return found("blur", worst, "Some moments are blurred", where) if where else []


def camera_findings(motion: HolisticMotion, pixels: PixelStatistics | None) -> list[Finding]:
    """Travel and shake of the camera. Travel is followed in the pixels where there are any; the motion's own estimate counts
    only while it is calm, for on flat backdrops it wanders."""
    travel, shake, where = 0.0, 0.0, np.zeros(motion.frame_count, bool)
    for start, stop in scene_ranges(motion.cuts, motion.frame_count):
        path = _corner_path(motion, start, stop)
        jerk = float(np.sqrt((np.diff(path, 2, axis=0) ** 2).sum(-1).mean())) if len(path) > 2 else 0.0
        way = np.linalg.norm(path, axis=-1).mean(1)
        if pixels is not None:
            way = _looked_way(pixels.camera_travel[start:stop])
        elif jerk > LARGEST_JERK:
            continue
        travel = max(travel, float(way.max(initial=0.0)))
        if way.max(initial=0.0) > THRESHOLDS["moving_camera"].warning:
            where[start : start + len(way)] = np.abs(np.gradient(way)) * motion.fps > 0.01 if len(way) > 1 else False
            if jerk < LARGEST_JERK:
                rest = path - smooth_over_time(path, max(SHAKE_SIGMA_S * motion.fps, 1.0))
                shake = max(shake, float(np.sqrt((rest**2).sum(-1).mean())))
    spans = moments(where, motion.fps)
    findings = found("moving_camera", travel, f"The camera moves: the background shifts by {travel:.0%} of the picture", spans)
    return findings + found("shaking_camera", shake, "The camera shakes", spans)


def _corner_path(motion: HolisticMotion, start: int, stop: int) -> np.ndarray:
    """Way of the picture's corners since the scene's start by the motion's own camera [t,4,2], in long sides."""
    canvas = motion.canvas
    corners = np.array([[0, 0], [canvas.width, 0], [0, canvas.height], [canvas.width, canvas.height]], np.float64)
    moved = apply_camera(motion.camera[start:stop], np.tile(corners, (stop - start, 1, 1)))
    return (moved - corners) / max(canvas)


def _looked_way(travel: np.ndarray) -> np.ndarray:
    """The followed way [t] with the frames between looks filled in; zeros where nothing could be followed."""
    looked = np.flatnonzero(travel >= 0)
    if len(looked) < LEAST_LOOKS:
        return np.zeros(len(travel))
    return np.interp(np.arange(len(travel)), looked, travel[looked])


def _body_seen(motion: HolisticMotion) -> np.ndarray:
    return (motion.body_confidence[:, [11, 12]] > 0.3).any(1)
