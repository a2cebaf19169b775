"""Quiet a raw track without delaying it: gaps filled, forward-backward One-Euro filter, scene by scene.

Not here: detection, camera motion. Called by the extractor and by the importers.
Source: One-Euro filter (Casiez, Roussel, Vogel 2012); run in both directions and averaged, its lag cancels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from ..types import HolisticMotion
from .cuts import scene_ranges

MIN_CUTOFF_HZ = 1.0
SPEED_COEFFICIENT = 5.0
"""rise of the cut-off per object size and second (object = torso)"""
DERIVATIVE_CUTOFF_HZ = 1.0
SEEN = 0.3
"""joints below this visibility are interpolated before filtering"""
BODY_GAP_FRAMES = 12
HAND_GAP_FRAMES = 6
FACE_GAP_FRAMES = 6
TORSO_M = 0.5
STILL_S = 0.5
STILL, MOVING = 0.005, 0.010
"""a joint that strays less than this from its own mean over STILL_S, in torsos, does not move: BlazePose wanders by .3-.45 %
on a torso that optical flow finds at rest, in time with the mouth; signers' shoulders stray .5-.8 %, dancers' 5-10 %"""
BODY_WRISTS = (15, 16)


def smooth_motion(motion: HolisticMotion, strength: float = 1.0) -> HolisticMotion:
    """Fill short gaps and smooth every track of a raw motion; nothing crosses a scene cut.

    strength: 0 only fills gaps, 1 is the measured default, 2 is twice as calm. Absent frames of the input have
    confidence 0 and any finite value. Gaps of the whole body up to 12 frames, of hands and face up to 6, are interpolated
    and get a confidence that fades with the distance to the nearest seen frame; in longer gaps the values are held finite
    and the confidence is 0. Expression and head pose are not recomputed here.
    """
    scenes = scene_ranges(motion.cuts, motion.frame_count)
    tracks = {
        name: np.array(getattr(motion, name), np.float32)
        for name in ("body", "body_confidence", "body_world", "hands", "hands_confidence", "face", "face_confidence")
    }
    for first, stop in scenes:
        scene = {name: track[first:stop] for name, track in tracks.items()}
        _smooth_body(scene, motion.fps, strength)
        _smooth_hands(scene, motion.fps, strength)
        _smooth_face(scene, strength)
    return replace(motion, **tracks)


def one_euro(values: np.ndarray, fps: float, scale: float, strength: float = 1.0) -> np.ndarray:
    """Causal One-Euro filter of points [T,...,D]; the speed that opens the filter is that of the whole point.

    scale: 1 / object size in the unit of `values`, so that speeds are object sizes per second. strength > 0.
    """
    out = np.empty(values.shape, np.float64)
    out[0] = values[0]
    speed = np.zeros_like(out[0])
    derivative_gain = _gain(DERIVATIVE_CUTOFF_HZ, fps)
    for frame in range(1, len(values)):
        step = (values[frame] - values[frame - 1]) * (fps * scale)
        speed += derivative_gain * (step - speed)
        magnitude = np.linalg.norm(speed, axis=-1, keepdims=True)
        cutoff = (MIN_CUTOFF_HZ + SPEED_COEFFICIENT * magnitude) / strength
        out[frame] = out[frame - 1] + _gain(cutoff, fps) * (values[frame] - out[frame - 1])
    return out


def smooth_zero_lag(values: np.ndarray, fps: float, scale: float, strength: float = 1.0) -> np.ndarray:
    """Mean of the One-Euro filter run forwards and backwards over [T,...,D]: no lag. Keeps the dtype.

    The track is first continued by half a second of its own point reflection at both ends, where a lag would remain.
    """
    if strength <= 0 or len(values) < 3:
        return values.copy()
    margin = min(len(values) - 1, max(round(fps / 2), 2))
    before = 2 * values[:1] - values[margin:0:-1]
    after = 2 * values[-1:] - values[-2 : -margin - 2 : -1]
    padded = np.concatenate([before, values, after])
    forward = one_euro(padded, fps, scale, strength)
    backward = one_euro(padded[::-1], fps, scale, strength)[::-1]
    return ((forward + backward) / 2)[margin : margin + len(values)].astype(values.dtype)


def rested(values: np.ndarray, fps: float, scale: float, strength: float = 1.0) -> np.ndarray:
    """Points [T,J,D] without the slow wander of joints that are at rest; moving joints stay as they are. Keeps the dtype.

    scale as in `one_euro`; strength 0 leaves everything as it is. Steady drifts are their own mean and stay.
    """
    sigma = STILL_S * fps
    if strength <= 0 or len(values) < 3:
        return values
    mean = gaussian_filter1d(values.astype(np.float64), sigma, axis=0, mode="nearest")
    astray = gaussian_filter1d(((values - mean) ** 2).sum(-1), sigma, axis=0, mode="nearest")
    share = np.clip((MOVING - np.sqrt(astray) * scale / strength) / (MOVING - STILL), 0.0, 1.0)[..., None]
    return (values + share * (mean - values)).astype(values.dtype)


def interpolate_gaps(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Linear interpolation over time of [T,...] where seen [T] is False; held at both ends; unchanged if never seen."""
    known = np.flatnonzero(seen)
    if len(known) in (0, len(values)):
        return values.copy()
    frames = np.arange(len(values))
    after = np.searchsorted(known, frames).clip(0, len(known) - 1)
    before = (np.searchsorted(known, frames, side="right") - 1).clip(0)
    left, right = known[before], known[after]
    weight = (frames - left) / np.maximum(right - left, 1)
    weight = weight.clip(0, 1).reshape(-1, *[1] * (values.ndim - 1))
    return (values[left] * (1 - weight) + values[right] * weight).astype(values.dtype)


def fading_confidence(confidence: np.ndarray, longest_gap: int) -> np.ndarray:
    """Confidence [T] with gaps of at most `longest_gap` frames filled, fading with the distance to the nearest seen frame.

    Only gaps seen on both sides are filled; everything else that was 0 stays 0.
    """
    out = confidence.astype(np.float32).copy()
    known = np.flatnonzero(confidence > 0)
    for left, right in zip(known[:-1], known[1:], strict=True):
        missing = right - left - 1
        if 0 < missing <= longest_gap:
            frames = np.arange(left + 1, right)
            distance = np.minimum(frames - left, right - frames)
            base = min(confidence[left], confidence[right])
            out[frames] = base * (1 - distance / (longest_gap + 1))
    return out


def torso_length_px(body: np.ndarray, confidence: np.ndarray) -> float:
    """Median distance mid-shoulder to mid-hip over frames [T,33,2] in which anybody is seen; at least 1 px."""
    seen = confidence[:, [11, 12]].min(-1) > 0
    if not seen.any():
        return 1.0
    spine = body[seen][:, [11, 12]].mean(1) - body[seen][:, [23, 24]].mean(1)
    return float(max(np.median(np.linalg.norm(spine, axis=-1)), 1.0))


def _gain(cutoff_hz: np.ndarray | float, fps: float) -> np.ndarray | float:
    return 1 / (1 + fps / (2 * np.pi * cutoff_hz))


def _smooth_body(scene: dict[str, np.ndarray], fps: float, strength: float) -> None:
    confidence = scene["body_confidence"]
    present = (confidence > 0).any(-1)
    torso = torso_length_px(scene["body"], confidence)
    for name, scale in (("body", 1 / torso), ("body_world", 1 / TORSO_M)):
        track = interpolate_gaps(scene[name], present)
        for joint in range(track.shape[1]):
            usable = _usable_frames(confidence[:, joint] >= SEEN, BODY_GAP_FRAMES)
            track[:, joint] = interpolate_gaps(track[:, joint], usable)
        scene[name][:] = rested(smooth_zero_lag(track, fps, scale, strength), fps, scale, strength)
    faded = fading_confidence(present.astype(np.float32), BODY_GAP_FRAMES)
    confidence[:] = interpolate_gaps(confidence, present) * faded[:, None]


def _usable_frames(seen: np.ndarray, longest_gap: int) -> np.ndarray:
    """seen [T] plus the frames of gaps longer than `longest_gap`, where the network's guess beats a straight line."""
    usable = seen.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], seen, [True]]).astype(np.int8)))
    for first, stop in edges.reshape(-1, 2):
        if stop - first > longest_gap:
            usable[first:stop] = True
    return usable


def _smooth_hands(scene: dict[str, np.ndarray], fps: float, strength: float) -> None:
    torso = torso_length_px(scene["body"], scene["body_confidence"])
    for side, wrist_point in enumerate(BODY_WRISTS):
        points, confidence = scene["hands"][:, side], scene["hands_confidence"][:, side]
        if not (confidence > 0).any():
            continue
        # In a gap the shape is interpolated in the frame of the body's wrist, which goes on moving.
        wrist = np.zeros((len(points), 1, 3), np.float32)
        wrist[:, 0, :2] = scene["body"][:, wrist_point]
        filled = interpolate_gaps(points - wrist, confidence > 0) + wrist
        points[:] = smooth_zero_lag(filled, fps, 1 / torso, strength)
        confidence[:] = fading_confidence(confidence, HAND_GAP_FRAMES)


def _smooth_face(scene: dict[str, np.ndarray], strength: float) -> None:
    confidence = scene["face_confidence"]
    if not (confidence > 0).any():
        return
    face = interpolate_gaps(scene["face"], confidence > 0)
    # A stronger filter eats lip motion; raw jitter of the mesh is already below 0.1 % of a torso.
    if strength > 0 and len(face) >= 5:
        face = savgol_filter(face, 5, 2, axis=0, mode="interp")
    scene["face"][:] = face
    confidence[:] = fading_confidence(confidence, FACE_GAP_FRAMES)
