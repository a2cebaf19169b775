"""`python -m kmc_core.evaluation preflight --clips ... --json FILE`: what the preflight finds in clips, with its own time.

Not here: the checks (motion/preflight). Called by __main__.py.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import cv2

from ..errors import KMCError
from ..media.clip import open_clip
from ..motion.preflight import PreflightReport, preflight, timeline_picture, to_json
from ..pose.extractor import HolisticExtractor
from ..subject.storage import load_subject
from ..types import HolisticMotion, Orientation, SubjectLibrary
from .command_line import add_pose_weights, extractor_of, use_threads, write_json

logger = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """The command line after the word "preflight"."""
    command = argparse.ArgumentParser(prog="kmc_core.evaluation preflight", description=__doc__)
    command.add_argument("--clips", nargs="+", type=Path, required=True, help="driving clips")
    command.add_argument("--subject", type=Path, help="a saved subject library (.safetensors) for the checks of the pair")
    command.add_argument("--orientation", choices=("video", "image"), default="video")
    command.add_argument("--seconds", type=float, default=0.0, help="of each clip from its start; 0: all")
    command.add_argument("--json", type=Path, help="file for the findings")
    command.add_argument("--pictures", type=Path, help="folder for timelines")
    add_pose_weights(command)
    return command


def preflight_command(arguments: list[str]) -> tuple[int, str]:
    """Run it. Returns the exit status (0 every clip was checked, 1 some were not, 2 nothing could be) and the text to show."""
    options = parser().parse_args(arguments)
    use_threads(options.threads)
    try:
        extractor = extractor_of(options)
        subject = load_subject(options.subject) if options.subject else None
    except KMCError as error:
        return 2, str(error)
    rows, texts = [], []
    for path in options.clips:
        row, text = _one_clip(path, options, extractor, subject)
        rows.append(row)
        texts.append(f"{path.name}\n{text}")
        write_json(options.json, rows)
    return (1 if any("problem" in row for row in rows) else 0), "\n\n".join(texts)


def _one_clip(
    path: Path, options: argparse.Namespace, extractor: HolisticExtractor, subject: SubjectLibrary | None
) -> tuple[dict[str, object], str]:
    try:
        started = time.perf_counter()
        motion = extractor.track(open_clip(path, duration_s=options.seconds))
        tracked = time.perf_counter()
        report = preflight(motion, subject, orientation=Orientation(options.orientation))
        row = to_json(report) | {
            "clip": path.name,
            "pose_seconds": round(tracked - started, 2),
            "preflight_seconds": round(time.perf_counter() - tracked, 3),
        }
    except KMCError as error:
        return {"clip": path.name, "problem": str(error)}, str(error)
    if options.pictures is not None:
        _write_timeline(options.pictures / f"{path.stem}.png", report, motion)
    return row, report.text()


def _write_timeline(path: Path, report: PreflightReport, motion: HolisticMotion) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), timeline_picture(report, motion)[..., ::-1])
