"""Findings that travel with a motion, so that a production record can state what was known before sampling.

Not here: finding them (check.py). Called by nodes; kept in a motion's provenance under FINDINGS as plain tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ...types import HolisticMotion, Orientation, SubjectLibrary
from .body_checks import body_findings
from .clip_checks import clip_findings
from .findings import Finding
from .pair_checks import pair_findings

FINDINGS = "findings"


def with_findings(motion: HolisticMotion, findings: Sequence[Finding]) -> HolisticMotion:
    """The motion with `findings` noted in its provenance, in place of earlier ones."""
    noted = [asdict(finding) | {"seconds": [list(span) for span in finding.seconds]} for finding in findings]
    return replace(motion, provenance={**motion.provenance, FINDINGS: noted})


def findings_without_pixels(
    motion: HolisticMotion, subject: SubjectLibrary, orientation: Orientation, retargeted: HolisticMotion
) -> list[Finding]:
    """What the skeleton alone tells of clip, body and pair: quick, no frame of the clip is read."""
    return clip_findings(motion, None, orientation) + body_findings(motion) + pair_findings(motion, subject, orientation, retargeted)


def with_quick_findings(
    motion: HolisticMotion, subject: SubjectLibrary, orientation: Orientation, retargeted: HolisticMotion
) -> HolisticMotion:
    """`retargeted` with the preflight's findings that `motion` already carries, else with those the skeleton alone tells."""
    if FINDINGS in motion.provenance:
        return replace(retargeted, provenance={**retargeted.provenance, FINDINGS: motion.provenance[FINDINGS]})
    return with_findings(retargeted, findings_without_pixels(motion, subject, orientation, retargeted))
