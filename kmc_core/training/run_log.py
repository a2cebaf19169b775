"""The table a run leaves behind: means of what was measured, one row of log.csv every few steps."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path


class RunLog:
    """Collects measures by name; a NaN (not measured in this step) counts neither way."""

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every
        self._values: dict[str, list[float]] = {}
        self._added = 0

    def add(self, measures: Mapping[str, float], facts: Mapping[str, object]) -> dict[str, float] | None:
        """Take in one step; every `every` steps writes a row (facts first) and returns the means, else None."""
        for name, value in measures.items():
            self._values.setdefault(name, []).append(float(value))
        self._added += 1
        if self._added < self.every:
            return None
        means = {name: _mean(values) for name, values in self._values.items()}
        row = {**facts, **means}
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if is_new:
                writer.writeheader()
            writer.writerow({key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()})
        self._values, self._added = {}, 0
        return means


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else float("nan")
