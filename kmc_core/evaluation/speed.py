"""Quality and seconds side by side: a teacher at its reference setting, a student at few steps, and the teacher's own weights at
the same few steps, on clips that re-enact themselves. Few-step students are known to move less and to mute faces: both are measured.

Not here: the command (speed_command.py) and a whole job in a fresh process (end_to_end.py).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..dit.model import KMCDiT
from ..pose.extractor import HolisticExtractor
from ..sampling.reenact import SamplerSettings, reenact
from .case import Case
from .frame_store import FrameStore
from .motion import expression_agreement, speed_ratio
from .picture_scores import StillnessMeter, TruthMeter, flicker

FACE_TRACKS = ("jaw", "blink")
NUMBERS = (
    "psnr_registered", "ssim", "sharpness", "motion_amplitude", "expression_amplitude", "flicker",
    "sampler_s", "sampler_cpu_s", "node_s", "node_cpu_s",
)  # fmt: skip
TEACHER, STUDENT, UNDISTILLED = "teacher", "student", "undistilled"
LEAST_PSNR_DELTA, MOST_SHARPNESS_DELTA, MOST_MOTION_CHANGE, MOST_FACE_CHANGE, MOST_FLICKER_CHANGE = -0.3, 0.05, 0.03, 0.05, 0.01
"""What a student may cost against its teacher and still count as keeping its quality."""
Row = dict[str, object]


class Entrant(NamedTuple):
    """A way to make the frames. name: TEACHER, STUDENT or UNDISTILLED; settings: steps, prompt, guidance, strength."""

    name: str
    network: KMCDiT
    settings: SamplerSettings

    @property
    def evaluations(self) -> int:
        """Evaluations of the network per step: two where both guidance branches are asked."""
        settings = self.settings
        both = bool(settings.prompt.strip()) and settings.cfg_scale not in (0.0, 0.5)
        return 2 if both and not (settings.folded_guidance or self.network.config.one_evaluation) else 1


def entrants(
    teacher: tuple[KMCDiT, float], student: tuple[KMCDiT, float], reference_steps: int, steps: Sequence[int], prompt: str, cfg_scale: float
) -> list[Entrant]:
    """The rows of the comparison. teacher, student: a network and the strength its weights recommend.

    The teacher asks both branches at `cfg_scale`, the student takes it in one evaluation, and without distillation there is no
    guidance: the prompt as trained (cfg_scale 0.5).
    """
    plain = SamplerSettings(prompt=prompt, cfg_scale=cfg_scale)
    taught, strength = teacher
    rows = [Entrant(TEACHER, taught, replace(plain, steps=reference_steps, network_strength=strength))]
    few = [replace(plain, steps=count) for count in steps]
    rows += [Entrant(STUDENT, student[0], replace(one, network_strength=student[1], folded_guidance=True)) for one in few]
    return rows + [Entrant(UNDISTILLED, taught, replace(one, network_strength=strength, cfg_scale=0.5)) for one in few]


class TimedNetwork:
    """A network that notes the seconds spent inside it: wall and, exact with one thread, processor time."""

    def __init__(self, network: KMCDiT) -> None:
        self._network = network
        self.seconds, self.cpu_seconds = 0.0, 0.0
        for name in ("look", "listen", "see", "answer"):
            setattr(self, name, self._timed(getattr(network, name)))

    def __getattr__(self, name: str) -> object:
        return getattr(self._network, name)

    def _timed(self, part: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            wall, processor = time.perf_counter(), time.thread_time()
            try:
                return part(*arguments)
            finally:
                self.seconds += time.perf_counter() - wall
                self.cpu_seconds += time.thread_time() - processor

        return call


def measure(case: Case, entrant: Entrant, extractor: HolisticExtractor) -> Row:
    """One row of NUMBERS for one clip.

    sampler_s: seconds inside the network; node_s: of all frames with alignment and fusion. motion_amplitude: mean speed of the
    joints read back out of the frames over their targets'; expression_amplitude: range of jaw and blink over the driver's.
    """
    network = TimedNetwork(entrant.network)
    truth, stillness, source = TruthMeter(), StillnessMeter(), _source(case)
    with tempfile.TemporaryDirectory() as folder:
        store, coverage = FrameStore(Path(folder) / "frames", case.canvas), []
        wall, processor = time.perf_counter(), time.process_time()
        for frame in reenact(case.motion, case.subject, replace(entrant.settings, canvas=case.canvas), network):
            store.add(frame.rgb)
            coverage.append(np.round(frame.alpha * 255).astype(np.uint8))
        node_s, node_cpu_s = time.perf_counter() - wall, time.process_time() - processor
        for number, (true, made) in enumerate(zip(case.truth(), store, strict=True)):
            alpha = coverage[number].astype(np.float32) / 255
            stillness.add(made, alpha)
            if number:  # frame 0 is the reference itself
                truth.add(true, made, case.matte(number), alpha)
        found = extractor.track(store.clip(case.driver.fps))
    faces = expression_agreement(case.driver, found)
    ranges = [faces[name]["amplitude"] for name in FACE_TRACKS if faces[name]["amplitude"] is not None]
    pictures = truth.numbers()
    return {
        **{name: pictures[name] for name in ("psnr_registered", "ssim", "sharpness")},
        "motion_amplitude": speed_ratio(case.target(), found),
        "expression_amplitude": float(np.mean(ranges)) if ranges else None,
        "flicker": flicker(stillness, source),
        "sampler_s": network.seconds, "sampler_cpu_s": network.cpu_seconds, "node_s": node_s, "node_cpu_s": node_cpu_s,
    }  # fmt: skip


def _source(case: Case) -> StillnessMeter:
    """The driving clip's own unrest behind its performer."""
    meter = StillnessMeter()
    if case.driver.matte is not None:
        for number, frame in enumerate(case.truth()):
            meter.add(frame, case.matte(number))
    return meter


def compare(
    cases: Sequence[Case], rows: Sequence[Entrant], extractor: HolisticExtractor, tell: Callable[[str], None]
) -> Iterator[Row]:
    """Yield one row per entrant, means over the clips (seconds: sums), when all clips are measured.

    The entrants take turns on every clip, so that a machine that slows down slows all of them.
    """
    measured: list[list[Row]] = [[] for _ in rows]
    for case in cases:
        for place, entrant in enumerate(rows):
            measured[place].append(measure(case, entrant, extractor))
            tell(f"{case.clip.path.stem if case.clip.path else 'clip'}: {entrant.name}, {entrant.settings.steps} steps measured")
    for entrant, clips in zip(rows, measured, strict=True):
        numbers: Row = {}
        for name in NUMBERS:
            values = [clip[name] for clip in clips if clip[name] is not None]
            numbers[name] = float(np.sum(values) if name.endswith("_s") else np.mean(values)) if values else None
        settings = entrant.settings
        yield {"name": entrant.name, "steps": settings.steps, "cfg_scale": settings.cfg_scale, "evaluations": entrant.evaluations,
               **numbers, "frames": sum(case.frame_count for case in cases), "clips": clips}  # fmt: skip


def summary(rows: Sequence[Row], clock: str = "wall") -> Row:
    """The claim in ten numbers, of the student at the fewest steps that keep the teacher's quality (`keeps`), else at its most.

    clock "wall" or "cpu": which seconds the speed-ups are of. Marks the row it speaks of with `claimed`. end_to_end_s is None.
    """
    teacher = next(row for row in rows if row["name"] == TEACHER)
    students = sorted((row for row in rows if row["name"] == STUDENT), key=lambda row: row["steps"])
    for row in students:
        row["keeps_quality"] = keeps(row, teacher)
    student = next((row for row in students if row["keeps_quality"]), students[-1])
    plain = next(row for row in rows if row["name"] == UNDISTILLED and row["steps"] == student["steps"])
    for row in rows:
        row["claimed"] = row is student
    ending = "_cpu_s" if clock == "cpu" else "_s"
    return {
        "reference_steps": teacher["steps"],
        "sampler_speedup": _ratio(teacher["sampler" + ending], student["sampler" + ending]),
        "node_speedup": _ratio(teacher["node" + ending], student["node" + ending]),
        "psnr_delta": _difference(student["psnr_registered"], teacher["psnr_registered"]),
        "ssim_delta": _difference(student["ssim"], teacher["ssim"]),
        "sharpness_delta": _difference(student["sharpness"], teacher["sharpness"]),
        "motion_amplitude_ratio": _ratio(student["motion_amplitude"], teacher["motion_amplitude"]),
        "expression_amplitude_ratio": _ratio(student["expression_amplitude"], teacher["expression_amplitude"]),
        "undistilled_psnr_delta": _difference(plain["psnr_registered"], teacher["psnr_registered"]),
        "end_to_end_s": None,
    }


def keeps(row: Row, teacher: Row) -> bool:
    """Whether a student's row keeps what the teacher's shows; what cannot be measured on these clips is not held against it."""

    def within(difference: float | None, low: float, high: float) -> bool:
        return difference is None or low <= difference <= high

    motion = _ratio(row["motion_amplitude"], teacher["motion_amplitude"])
    face = _ratio(row["expression_amplitude"], teacher["expression_amplitude"])
    return (
        within(_difference(row["psnr_registered"], teacher["psnr_registered"]), LEAST_PSNR_DELTA, np.inf)
        and within(_difference(row["sharpness"], teacher["sharpness"]), -MOST_SHARPNESS_DELTA, MOST_SHARPNESS_DELTA)
        and within(_difference(motion, 1.0), -MOST_MOTION_CHANGE, MOST_MOTION_CHANGE)
        and within(_difference(face, 1.0), -MOST_FACE_CHANGE, MOST_FACE_CHANGE)
        and within(_difference(row["flicker"], teacher["flicker"]), -np.inf, MOST_FLICKER_CHANGE)
    )


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other
