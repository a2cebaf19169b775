"""The preflight itself: all checks, the facts, one report.

Not here: mending (mending.py), drawing (timeline.py). Called by nodes and by the evaluation command.
"""

from __future__ import annotations

import logging

import numpy as np

from ...errors import KMCError, MotionError
from ...media.clip import Clip
from ...subject.rig import joint_confidence
from ...types import HolisticMotion, Orientation, SubjectLibrary
from .body_checks import FRAMINGS, body_findings, framing_of
from .clip_checks import clip_findings
from .findings import Finding, PreflightReport
from .pair_checks import pair_findings
from .pixels import PixelStatistics, pixel_statistics

logger = logging.getLogger(__name__)
ORDER = {"severe": 0, "warning": 1, "note": 2}


def preflight(
    motion: HolisticMotion,
    subject: SubjectLibrary | None = None,
    clip: Clip | None = None,
    orientation: Orientation = Orientation(),
) -> PreflightReport:
    """Measure what may go wrong before anything is sampled.

    clip: default the motion's own source; without either, light, blur and the proof of the camera are left out.
    subject: adds the checks of the pair. A clip whose frames cannot be read, or a pair that cannot be retargeted, becomes
    a fact of the report, not an error. Raises MotionError for a motion without frames.
    """
    if motion.frame_count < 1:
        raise MotionError("The motion has no frames", got="0 frames", expected="1 or more", remedy="Track a clip first")
    facts = _facts(motion)
    pixels = _pixels(motion, clip or motion.source, facts)
    findings = clip_findings(motion, pixels, orientation) + body_findings(motion)
    if subject is not None:
        facts["character"] = subject.name
        facts["picture_framing"] = FRAMINGS[framing_of(subject.primary_view.joint_confidence)]
        findings += _pair(motion, subject, orientation, facts)
    return PreflightReport(tuple(sorted(findings, key=_rank)), facts, motion.seconds, motion.fps)


def _rank(finding: Finding) -> tuple[int, str]:
    return ORDER[finding.severity], finding.kind


def _facts(motion: HolisticMotion) -> dict[str, object]:
    present = (motion.body_confidence > 0.2).any(1)
    inside = joint_confidence(motion.body, motion.body_confidence, motion.canvas)
    shown = inside[present].mean(0) if present.any() else np.zeros(19)
    return {
        "frames": motion.frame_count,
        "canvas": f"{motion.canvas.width}x{motion.canvas.height}",
        "people": int(motion.provenance.get("people", 1) or 0),
        "framing": FRAMINGS[framing_of(shown)] if present.any() else "nobody",
        "cuts": [int(cut) for cut in motion.cuts],
        "body_seen": round(float(present.mean()), 3),
        "face_seen": round(float((motion.face_confidence > 0.3).mean()), 3),
        "hands_seen": [round(float((motion.hands_confidence[:, side] > 0.3).mean()), 3) for side in (0, 1)],
    }


def _pixels(motion: HolisticMotion, clip: Clip | None, facts: dict[str, object]) -> PixelStatistics | None:
    if clip is None:
        facts["pixels"] = "not looked at: no clip"
        return None
    try:
        pixels = pixel_statistics(clip, motion)
    except KMCError as error:
        logger.warning("preflight without pixels: %s", error)
        facts["pixels"] = f"not looked at: {error}"
        return None
    for name in ("performer", "bright_performer", "background", "bright_background", "spread", "edges"):
        facts[f"{name}_median"] = round(float(np.median(getattr(pixels, name))), 3)
    return pixels


def _pair(
    motion: HolisticMotion, subject: SubjectLibrary, orientation: Orientation, facts: dict[str, object]
) -> list[Finding]:
    try:
        return pair_findings(motion, subject, orientation)
    except MotionError as error:
        facts["pair"] = f"not looked at: {error}"
        return []
