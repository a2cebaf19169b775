"""The comparison as text for a terminal: one line per row, and the mean of every method below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

COLUMNS = (
    ("psnr", "PSNR", "{:.2f}"),
    ("ssim", "SSIM", "{:.3f}"),
    ("psnr_subject", "subj dB", "{:.2f}"),
    ("psnr_registered", "regist dB", "{:.2f}"),
    ("sharpness", "sharp", "{:.2f}"),
    ("motion_energy", "motion", "{:.2f}"),
    ("psnr_holes", "holes dB", "{:.2f}"),
    ("holes", "holes", "{:.1%}"),
    ("pose_median", "pose med", "{:.3f}"),
    ("pose_mean", "pose mean", "{:.3f}"),
    ("hands_found", "hands", "{:.0%}"),
    ("identity", "ident", "{:.3f}"),
    ("flicker", "flick", "{:.2f}"),
    ("drift_de00", "drift", "{:.2f}"),
    ("speed_ratio", "speed", "{:.2f}"),
    ("seconds", "s", "{:.1f}"),
    ("peak_mb", "MB", "{:.0f}"),
    ("frames_out", "frames", "{:.0f}"),
)
EXPRESSIONS = ("blink", "jaw", "smile", "yaw", "pitch")


def table(rows: Sequence[dict[str, object]]) -> str:
    """All rows and the means of each method; a dash where nothing could be measured. Expression cells are r / amplitude."""
    header = ["clip", "character", "method", *(title for _, title, _ in COLUMNS), *EXPRESSIONS]
    lines = [header, *(_cells(row) for row in rows)]
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    if len(rows) > len(methods):
        lines += [_cells(mean_row([row for row in rows if row["method"] == method])) for method in methods]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = ["  ".join(cell.ljust(width) if place < 3 else cell.rjust(width) for place, (cell, width) in enumerate(zip(line, widths))) for line in lines]
    problems = [f"{row['clip']} on {row['character']}, {row['method']}: {row['problem']}" for row in rows if row.get("problem")]
    return "\n".join([*text, *problems])


def mean_row(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """The mean of what was measured in the rows of one method."""
    mean: dict[str, object] = {"clip": "MEAN", "character": "", "method": rows[0]["method"]}
    for name, _, _ in COLUMNS:
        values = [row[name] for row in rows if row.get(name) is not None]
        mean[name] = float(np.mean(values)) if values else None
    faces = [row["expression"] for row in rows if row.get("expression")]
    mean["expression"] = {
        kind: {
            part: float(np.mean(values)) if (values := [face[kind][part] for face in faces if face[kind][part] is not None]) else None
            for part in ("r", "amplitude")
        }
        for kind in EXPRESSIONS
    }
    return mean


def _cells(row: dict[str, object]) -> list[str]:
    cells = [str(row["clip"]), str(row["character"]), str(row["method"])]
    cells += [_cell(row.get(name), form) for name, _, form in COLUMNS]
    faces = row.get("expression") or {}
    for kind in EXPRESSIONS:
        parts = [_cell((faces.get(kind) or {}).get(part), "{:.2f}") for part in ("r", "amplitude")]
        cells.append("-" if parts == ["-", "-"] else "/".join(parts))
    return cells


def _cell(value: object, form: str) -> str:
    return "-" if value is None else form.format(value)
