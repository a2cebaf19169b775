"""`python -m kmc_core.evaluation speed --clips FILE ... --json FILE`: what a distilled network saves and what it costs."""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

from ..dit.model import KMCDiT
from ..dit.weights_file import RECOMMENDED_STRENGTH, load_network
from ..errors import KMCError
from ..media.clip import open_clip
from ..pose.extractor import HolisticExtractor
from .case import self_case
from .command_line import BUILT_IN_NETWORK, CACHE, add_pose_weights, extractor_of, use_threads, write_json
from .end_to_end import timed_job
from .speed import NUMBERS, Row, compare, entrants, summary

logger = logging.getLogger(__name__)
DEMO = (CACHE / "demo" / "performer.mp4", CACHE / "demo" / "character.png")


def parser() -> argparse.ArgumentParser:
    """The command line after the word "speed"."""
    command = argparse.ArgumentParser(prog="kmc_core.evaluation speed", description=__doc__)
    command.add_argument("--clips", nargs="+", type=Path, required=True, help="clips that re-enact themselves from their first frame")
    command.add_argument("--seconds", type=float, default=1.5, help="of each clip from its start; reading poses back is slow")
    command.add_argument("--long-side", type=int, default=512, help="of the compared frames, px")
    command.add_argument("--teacher", type=Path, default=BUILT_IN_NETWORK, help="weights")
    command.add_argument("--student", type=Path, help="weights; none: the distilled ones of the pack, else the teacher's, one evaluation")
    command.add_argument("--reference-steps", type=int, default=1, help="the teacher's best setting, as measured by the table of distillation")
    command.add_argument("--steps", default="1,2,4,8", help="of the student")
    command.add_argument("--prompt", default="a person dancing", help="names no light or place, since the truth has its own")
    command.add_argument("--cfg-scale", type=float, default=0.7, help="of teacher and student")
    command.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor time on one thread, for a busy machine")
    command.add_argument("--end-to-end", nargs=2, type=Path, default=DEMO, metavar=("CLIP", "PICTURE"), help="of the 5 s job; default: the demo's")
    command.add_argument("--no-end-to-end", action="store_true", help="leave the 5 s job out")
    command.add_argument("--json", type=Path, help="file for the numbers")
    add_pose_weights(command)
    return command


def speed_command(arguments: list[str]) -> tuple[int, str]:
    """Run it. Returns the exit status (0 measured, 1 without the whole job, 2 nothing was measured) and a table."""
    options = parser().parse_args(arguments)
    if options.clock == "cpu":
        options.threads = 1
    use_threads(options.threads)
    try:
        rows = _rows(options, extractor_of(options))
    except (KMCError, ValueError) as error:
        return 2, str(error)
    found = summary(rows, options.clock) | {"rows": rows}
    status, words = 0, []
    if not options.no_end_to_end:
        try:
            whole = _whole_job(options)
            found["end_to_end_s"] = whole["seconds"]
            rows.append({"name": "end to end", **whole})
        except KMCError as error:
            status, words = 1, [str(error)]
    write_json(options.json, found)
    return status, "\n".join([*_lines(found), *words])


def _rows(options: argparse.Namespace, extractor: HolisticExtractor) -> list[Row]:
    steps = sorted({int(word) for word in options.steps.split(",")})
    teacher = _network(options.teacher)
    file = _student_file(options)
    student = teacher if file.samefile(options.teacher) else _network(file)
    cases = []
    for path in options.clips:
        clip = open_clip(path, duration_s=options.seconds)
        cases.append(self_case(clip, extractor.track(clip), extractor, options.long_side))
        logger.info("%s: %d frames read", path.name, clip.frame_count)
    lined_up = entrants(teacher, student, options.reference_steps, steps, options.prompt, options.cfg_scale)
    rows = list(compare(cases, lined_up, extractor, logger.info))
    for row in rows:
        row["weights"] = file.name if row["name"] == "student" else options.teacher.name
    return rows


def _student_file(options: argparse.Namespace) -> Path:
    if options.student is not None:
        return options.student
    distilled = options.teacher.with_name(options.teacher.stem + "_distilled.safetensors")
    return distilled if distilled.is_file() else options.teacher


def _network(path: Path) -> tuple[KMCDiT, float]:
    network, facts = load_network(path)
    return network, float(facts.get(RECOMMENDED_STRENGTH, 1.0))


def _whole_job(options: argparse.Namespace) -> dict[str, object]:
    clip, picture = options.end_to_end
    with tempfile.TemporaryDirectory() as folder:
        return timed_job(clip.resolve(), picture.resolve(), _student_file(options).resolve(), options.pose_weights.resolve(), Path(folder) / "video.mp4")


def _lines(found: Row) -> list[str]:
    def cell(value: object) -> str:
        return f"{value:8.3f}" if isinstance(value, float) else f"{'-' if value is None else value:>8}"

    titles = ("PSNR", "SSIM", "sharp", "motion", "face", "flicker", "net s", "net cpu", "node s", "node cpu")
    lines = [f"{'row':26}" + "".join(f"{title:>9}" for title in titles)]
    for row in found["rows"]:
        if row["name"] == "end to end":
            stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in row["stages"].items())
            lines.append(f"end to end {row['seconds']:.1f} s ({row['cpu_seconds']:.1f} s of processor): {stages}")
            continue
        name = f"{'*' if row['claimed'] else ' '} {row['name']}, {row['steps']} x {row['evaluations']}"
        lines.append(f"{name:26}" + " ".join(["", *(cell(row[key]) for key in NUMBERS)]))
    return lines + [f"{name} {cell(value).strip()}" for name, value in found.items() if name != "rows"]
