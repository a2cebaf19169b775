"""Preflight: what in a clip, a motion and a character will go wrong, measured before any sampling, and mended where it can be."""

from .check import preflight
from .findings import Finding, PreflightReport, to_json
from .mending import MENDS, apply_mend
from .noting import with_findings, with_quick_findings
from .pair_checks import pair_findings
from .timeline import timeline_picture

__all__ = [
    "MENDS", "Finding", "PreflightReport", "apply_mend", "pair_findings", "preflight", "timeline_picture", "to_json",
    "with_findings", "with_quick_findings",
]  # fmt: skip
