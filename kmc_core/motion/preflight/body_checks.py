"""Findings about the performer: presence, size, speed, hidden and crossing limbs, hands, face, limbs out of the picture, matte.

Not here: the clip as such (clip_checks.py), the character (pair_checks.py). Called by check.py.
"""

from __future__ import annotations

import numpy as np

from ...pose.cuts import scene_ranges
from ...pose.expression import canonical_face
from ...pose.skeleton_layouts import HEAD, rig_joints
from ...subject.gate import bones_inside
from ...subject.rig import bone_confidence, joint_confidence
from ...types import HolisticMotion
from .findings import Finding, found, moments
from .thresholds import FACE_IN_VIEW_PX, THRESHOLDS

STANDARD_SHORT_SIDE_PX = 720
SEEN, HIDDEN = 0.4, 0.25
LIMBS = {"left arm": (4, 5), "right arm": (8, 9), "left leg": (12, 13), "right leg": (16, 17)}
EXTREMES = {"head": 2, "left hand": 5, "right hand": 9, "left foot": 13, "right foot": 17}
BACK_VIEW_RAD = np.radians(115.0)
FRAMINGS = ("face", "half body", "three quarters", "full body")


def framing_of(confidence: np.ndarray) -> int:
    """0 face, 1 half body, 2 down to the knees, 3 full body, from mean joint confidence [19] inside the picture."""
    if confidence[[13, 17]].max() > SEEN:
        return 3
    if confidence[[12, 16]].max() > SEEN:
        return 2
    return 1 if confidence[[4, 8, 11, 15]].max() > SEEN else 0


def body_findings(motion: HolisticMotion) -> list[Finding]:
    """Everything about limbs, hands, face and matte of the performer."""
    present = (motion.body_confidence > 0.2).any(1)
    findings = found(
        "nobody", 1 - float(present.mean()), f"The performer is not seen in {1 - present.mean():.0%} of the frames",
        moments(~present, motion.fps),
    )  # fmt: skip
    if not present.any():
        return findings
    inside = joint_confidence(motion.body, motion.body_confidence, motion.canvas)
    findings += _size(motion, inside, present) + _speed(motion, inside) + _back(motion, inside, present)
    findings += _hidden(motion, present) + _crossing(motion, inside, present) + _cropped(motion, present)
    return findings + _hands(motion, inside) + _hand_before_face(motion) + _face(motion, present) + _matte(motion, present)


def _size(motion: HolisticMotion, inside: np.ndarray, present: np.ndarray) -> list[Finding]:
    """Height of what is seen of the body as a share of the picture; a face or half body fills it by its own measure."""
    joints = rig_joints(motion.body)
    heights = np.full(motion.frame_count, np.nan)
    for frame in np.flatnonzero(present):
        seen = inside[frame] > SEEN
        if seen.sum() >= 6:
            heights[frame] = np.ptp(joints[frame, seen, 1]) * 1.12
    if not np.isfinite(heights).any() or framing_of(inside[present].mean(0)) < 2:
        return []
    share = float(np.nanmedian(heights)) / motion.canvas.height
    return found("small_performer", share, f"The performer is only {share:.0%} of the picture's height")


def _speed(motion: HolisticMotion, inside: np.ndarray) -> list[Finding]:
    """Fastest joint in px per frame of a picture whose short side is 720 px; cuts do not count as speed."""
    joints = rig_joints(motion.body) * (STANDARD_SHORT_SIDE_PX / min(motion.canvas))
    if motion.frame_count < 2:
        return []
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    steps = np.where(np.minimum(inside[1:], inside[:-1]) > SEEN, steps, 0.0)
    steps[[cut - 1 for cut in motion.cuts if 0 < cut < motion.frame_count]] = 0.0
    fastest = np.concatenate([[0.0], steps[:, list(EXTREMES.values())].max(1)])
    peak = float(np.percentile(fastest, 99)) if motion.frame_count > 50 else float(fastest.max())
    where = moments(fastest > THRESHOLDS["fast"].warning, motion.fps, 0.0)
    return found("fast", peak, f"Limbs move by up to {peak:.0f} px per frame", where)


def _back(motion: HolisticMotion, inside: np.ndarray, present: np.ndarray) -> list[Finding]:
    trusted = present & (inside[:, [3, 7]].min(1) > SEEN)
    away = trusted & (np.abs(motion.root_yaw) > BACK_VIEW_RAD) & (motion.face_confidence < 0.3)
    where = moments(away, motion.fps, 0.4)
    share = float(away.sum() / max(trusted.sum(), 1))
    return found("back_view", share, f"The performer is seen from behind in {share:.0%} of the frames", where) if where else []


def _hidden(motion: HolisticMotion, present: np.ndarray) -> list[Finding]:
    """Limbs inside the picture that something hides."""
    size = np.array([motion.canvas.width, motion.canvas.height])
    joints, confidence = rig_joints(motion.body), rig_joints(motion.body_confidence[..., None])[..., 0]
    within = ((joints > 0.02 * size) & (joints < 0.98 * size)).all(-1)
    findings: list[Finding] = []
    for name, points in LIMBS.items():
        usable = present & within[:, points].all(1)
        if usable.mean() < 0.2 or confidence[:, points].max() < SEEN:
            continue
        lost = usable & (confidence[:, points].min(1) < HIDDEN)
        share = float(lost.sum() / usable.sum())
        findings += found("hidden_limb", share, f"The {name} is hidden in {share:.0%} of the frames", moments(lost, motion.fps))
    return findings


def _crossing(motion: HolisticMotion, inside: np.ndarray, present: np.ndarray) -> list[Finding]:
    """Forearms or shins of both sides crossing each other in the picture."""
    joints = rig_joints(motion.body).astype(np.float64)
    findings: list[Finding] = []
    for name, left, right in (("arms", (4, 5), (8, 9)), ("legs", (12, 13), (16, 17))):
        usable = present & (inside[:, [*left, *right]].min(1) > SEEN)
        if usable.sum() < 3:
            continue
        cross = usable & _segments_cross(*(joints[:, joint] for joint in (*left, *right)))
        share = float(cross.sum() / usable.sum())
        findings += found("crossing_limbs", share, f"The {name} cross in {share:.0%} of the frames", moments(cross, motion.fps))
    return findings


def _segments_cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Whether segments a-b and c-d [T,2] intersect [T]."""

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])

    return (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)


def _cropped(motion: HolisticMotion, present: np.ndarray) -> list[Finding]:
    """Limbs that are in the picture part of the time and leave it; what never shows is framing, not a fault."""
    size = np.array([motion.canvas.width, motion.canvas.height])
    joints, confidence = rig_joints(motion.body), rig_joints(motion.body_confidence[..., None])[..., 0]
    outside = ((joints < 0) | (joints > size)).any(-1)
    findings: list[Finding] = []
    for name, joint in EXTREMES.items():
        lost = np.zeros(motion.frame_count, bool)
        for start, stop in scene_ranges(motion.cuts, motion.frame_count):
            scene = slice(start, stop)
            shown = present[scene] & ~outside[scene, joint] & (confidence[scene, joint] > 0.5)
            if shown.sum() >= 0.3 * max(present[scene].sum(), 1):
                lost[scene] = present[scene] & outside[scene, joint]
        share = float(lost.sum() / present.sum())
        what = f"The {name} leaves the picture in {share:.0%} of the frames"
        findings += found("cropped_limb", share, what, moments(lost, motion.fps))
    return findings


def _hands(motion: HolisticMotion, inside: np.ndarray) -> list[Finding]:
    """Hands that should be seen (wrist well inside the picture, not hidden) and are not."""
    size = np.array([motion.canvas.width, motion.canvas.height])
    findings: list[Finding] = []
    for side, (name, wrist, elbow) in enumerate((("left hand", 15, 13), ("right hand", 16, 14))):
        way = motion.body[:, wrist] + 0.4 * (motion.body[:, wrist] - motion.body[:, elbow])
        expected = (inside[:, (5, 9)[side]] > SEEN) & ((way > 0) & (way < size)).all(-1)
        if expected.mean() < 0.25 or expected.sum() < 3:
            continue
        seen = motion.hands_confidence[:, side] > 0.3
        share = float(seen[expected].mean())
        what = f"The {name} is recognised in only {share:.0%} of the frames that show it"
        findings += found("hands_unseen", share, what, moments(expected & ~seen, motion.fps))
    return findings


def _hand_before_face(motion: HolisticMotion) -> list[Finding]:
    seen = motion.face_confidence > 0.3
    if seen.sum() < 3:
        return []
    low, high = motion.face[..., :2].min(1), motion.face[..., :2].max(1)
    margin = 0.1 * (high - low)
    before = np.zeros(motion.frame_count, bool)
    for side in (0, 1):
        fingers = motion.hands[:, side, :, :2]
        within = ((fingers > (low + margin)[:, None]) & (fingers < (high - margin)[:, None])).all(-1).mean(1) > 0.25
        before |= seen & (motion.hands_confidence[:, side] > 0.3) & within
    share = float(before.mean())
    return found("hand_before_face", share, f"A hand covers the face in {share:.0%} of the frames", moments(before, motion.fps))


def _face(motion: HolisticMotion, present: np.ndarray) -> list[Finding]:
    """Faces that are not seen although the head is in view and not turned away; tiny ones are the small performer's finding."""
    size = np.array([motion.canvas.width, motion.canvas.height])
    head = rig_joints(motion.body)[:, HEAD]
    away = np.abs(motion.root_yaw) > BACK_VIEW_RAD
    expected = present & ((head > 0) & (head < size)).all(-1) & ~away
    if expected.sum() < 3:
        return []
    seen = motion.face_confidence > 0.3
    share = float(seen[expected].mean())
    what = f"The face is seen in only {share:.0%} of the frames"
    findings = found("face_unseen", share, what, moments(expected & ~seen, motion.fps))
    if not findings and seen.any():
        eyes_px = float(np.median(canonical_face(motion.face[seen], motion.face_confidence[seen]).scale))
        if eyes_px < FACE_IN_VIEW_PX:
            return found("face_unseen", 0.4, f"The face is tiny ({eyes_px:.0f} px between the eyes' corners)")
    return findings


def _matte(motion: HolisticMotion, present: np.ndarray) -> list[Finding]:
    """Share of the skeleton that the performer's matte covers, at three looks a second."""
    if motion.matte is None:
        return []
    frames = np.flatnonzero(present)[:: max(round(motion.fps / 3), 1)]
    ratio = motion.matte.shape[2] / motion.canvas.width, motion.matte.shape[1] / motion.canvas.height
    inside = joint_confidence(motion.body, motion.body_confidence, motion.canvas)
    joints = rig_joints(motion.body) * ratio
    shares = np.ones(len(frames))
    for at, frame in enumerate(frames):
        covered = bones_inside(joints[frame], motion.matte[frame] / 255.0)
        used = (bone_confidence(inside[frame]) > SEEN) & (covered >= 0)
        shares[at] = covered[used].mean() if used.any() else 1.0
    share = float(np.median(shares))
    return found("matte", share, f"The performer's matte covers only {share:.0%} of the skeleton")
