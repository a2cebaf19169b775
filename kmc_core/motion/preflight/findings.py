"""What the preflight says: findings, their moments, and the report as JSON and text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from .thresholds import LEAST_SPAN_S, MERGE_GAP_S, THRESHOLDS

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Finding:
    """One thing that may go wrong.

    kind: a key of THRESHOLDS; severity: "severe", "warning" or "note"; seconds: (start, end) moments, empty = the whole clip
    or the picture; measured, limit: in the unit of the threshold; what: the sentence; remedy: what to do; mend: a key of
    MENDS that repairs it, or None.
    """

    kind: str
    severity: str
    seconds: Spans
    measured: float
    limit: float
    what: str
    remedy: str
    mend: str | None = None

    @property
    def sentence(self) -> str:
        """What, where, what to do, in one line."""
        where = ", ".join(f"{start:.1f}-{end:.1f} s" for start, end in self.seconds[:4])
        more = f" and {len(self.seconds) - 4} more" if len(self.seconds) > 4 else ""
        return f"{self.what}{f' ({where}{more})' if where else ''}. {self.remedy}."


@dataclass(frozen=True)
class PreflightReport:
    """findings: worst first; facts: plain numbers and words (framing, frame rate, people ...); seconds, fps: of the motion."""

    findings: tuple[Finding, ...]
    facts: Mapping[str, object]
    seconds: float
    fps: float

    @property
    def mends(self) -> tuple[str, ...]:
        """Names of the mends that would help, each once."""
        return tuple(dict.fromkeys(finding.mend for finding in self.findings if finding.mend))

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def text(self) -> str:
        """The report for a person: a verdict, then a line per finding."""
        counts = {level: sum(finding.severity == level for finding in self.findings) for level in ("severe", "warning")}
        if not any(counts.values()):
            head = "Preflight: nothing found that would harm the result."
        else:
            head = f"Preflight: {counts['severe']} severe, {counts['warning']} to look at."
        return "\n".join([head, *(f"{finding.severity}: {finding.sentence}" for finding in self.findings)])


def found(kind: str, measured: float, what: str, seconds: Spans = (), remedy: str = "", mend: str | None = None) -> list[Finding]:
    """A list of one finding if `measured` is past the threshold of `kind`, else an empty list."""
    threshold = THRESHOLDS[kind]
    severity = threshold.severity(float(measured))
    if severity is None:
        return []
    limit = threshold.severe if severity == "severe" else threshold.warning
    return [
        Finding(kind, severity, seconds, float(measured), float(limit), what, remedy or threshold.remedy, mend or threshold.mend)
    ]


def moments(mask: np.ndarray, fps: float, least_s: float = LEAST_SPAN_S) -> Spans:
    """Frames where `mask` [T] is True as (start, end) seconds; near ones are joined, very short ones left out."""
    at = np.flatnonzero(np.asarray(mask, bool))
    if not len(at):
        return ()
    groups = np.split(at, np.flatnonzero(np.diff(at) > max(MERGE_GAP_S * fps, 1)) + 1)
    spans = [(round(float(group[0]) / fps, 3), round(float(group[-1] + 1) / fps, 3)) for group in groups]
    return tuple(span for span in spans if span[1] - span[0] >= least_s)


def to_json(report: PreflightReport) -> dict[str, object]:
    """The report as plain numbers, strings and lists; `json.dumps` accepts it."""
    return {
        "seconds": round(report.seconds, 3),
        "fps": round(report.fps, 3),
        "facts": dict(report.facts),
        "findings": [asdict(finding) | {"seconds": [list(span) for span in finding.seconds]} for finding in report.findings],
    }
