"""The comparison itself: every clip, on itself or on given characters, by every method, to one row of numbers each.

Rows never stop at a clip that fails: the row says why. Called by __main__.py and by training's checks.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..dit.model import KMCDiT
from ..errors import KMCError
from ..media.clip import Clip, open_clip
from ..media.contact_sheet import contact_sheet, spread_frames, to_height
from ..pose.extractor import HolisticExtractor
from ..sampling.reenact import SamplerSettings, reenact
from ..types import HolisticMotion, Orientation
from .case import ITSELF, Case, character_case, self_case
from .cost import Cost
from .frame_store import FrameStore
from .identity import FaceIdentity, likeness
from .motion import SEEN, expression_agreement, hands_found, pose_error, speed_ratio
from .picture import blurred
from .picture_scores import ColourMeter, StillnessMeter, TruthMeter, flicker

logger = logging.getLogger(__name__)

METHODS = ("repeat", "alignment", "blur", "kmc")
NUMBERS = (
    "psnr", "ssim", "psnr_subject", "psnr_registered", "sharpness", "motion_energy", "psnr_holes", "holes", "pose_median",
    "pose_mean", "hands_found", "expression", "identity", "flicker", "drift_de00", "speed_ratio", "seconds", "peak_mb",
    "frames_in", "frames_out",
)  # fmt: skip
IDENTITY_FRAMES = 40
SHEET_CELL_PX, SHEET_WIDTH_PX = 360, 2400
Row = dict[str, object]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """What to compare. seconds 0 = whole clips; long_side of the compared frames in px; sheets: folder for contact sheets."""

    methods: tuple[str, ...] = METHODS
    seconds: float = 0.0
    long_side: int = 512
    orientation: Orientation = Orientation()
    sampler: SamplerSettings = SamplerSettings()
    sheets: Path | None = None


class Tools(NamedTuple):
    """What measures and makes: the network and the identity descriptor may be missing."""

    extractor: HolisticExtractor
    network: KMCDiT | None
    identity: FaceIdentity | None


def compare(
    clips: Sequence[Path],
    characters: Sequence[Path],
    comparison: Comparison,
    extractor: HolisticExtractor,
    network: KMCDiT | None,
    identity: FaceIdentity | None = None,
    tell: Tell = logger.info,
) -> Iterator[Row]:
    """Yield one row per clip, character (or the clip itself when none is given) and method, as each is finished.

    network None leaves the method "kmc" unmeasured, identity None the column of that name.
    """
    tools = Tools(extractor, network, identity)
    for path in clips:
        try:
            clip = open_clip(path, duration_s=comparison.seconds)
            tell(f"{path.name}: {clip.frame_count} frames at {clip.fps:g} frames/s, reading the motion")
            driver = extractor.track(clip)
        except KMCError as error:
            for character in characters or [Path(ITSELF)]:
                yield from _failed(path.stem, character.stem, comparison.methods, error)
            continue
        for character in characters or [None]:
            try:
                case = _case(clip, driver, character, extractor, comparison)
            except KMCError as error:
                yield from _failed(path.stem, character.stem if character else ITSELF, comparison.methods, error)
                continue
            with tempfile.TemporaryDirectory() as folder:
                yield from _Bench(case, comparison, tools, Path(folder), tell).rows()


def _case(
    clip: Clip, driver: HolisticMotion, character: Path | None, extractor: HolisticExtractor, comparison: Comparison
) -> Case:
    if character is None:
        return self_case(clip, driver, extractor, comparison.long_side)
    return character_case(clip, driver, character, extractor, comparison.orientation, comparison.long_side)


def empty_row(clip: str, character: str, method: str, problem: str | None = None) -> Row:
    """A row in which nothing has been measured."""
    return {"clip": clip, "character": character, "method": method, **dict.fromkeys(NUMBERS), "problem": problem}


def _failed(clip: str, character: str, methods: Sequence[str], error: Exception) -> Iterator[Row]:
    logger.warning("%s on %s: %s", clip, character, error)
    return (empty_row(clip, character, method, str(error)) for method in methods)


class _Bench:
    """Makes and measures the methods of one case; frames live in a folder."""

    def __init__(self, case: Case, comparison: Comparison, tools: Tools, folder: Path, tell: Tell) -> None:
        self.case, self.comparison, self.folder, self.tell = case, comparison, folder, tell
        self.extractor, self.network, self.identity = tools
        self._clip_name = case.clip.path.stem
        self._target = case.target()
        self._coverage = FrameStore(folder / "coverage", case.canvas, channels=0)
        self._results: dict[str, FrameStore] = {}
        self._costs: dict[str, Cost] = {}
        self._control: ColourMeter | None = None

    def rows(self) -> Iterator[Row]:
        """One row per method, in the order asked for; the alignment is always made, its coverage is everybody's mask."""
        self._make("alignment")
        source = self._source_stillness()
        for method in self.comparison.methods:
            if method == "kmc" and self.network is None:
                yield empty_row(self._clip_name, self.case.character, method, "No network weights were given.")
                continue
            if method not in self._results:
                self._make(method)
            row = self._measured(method, source)
            self.tell(f"{self._clip_name} on {self.case.character}: {method} measured")
            yield row
        if self.comparison.sheets is not None:
            self._write_sheet(self.comparison.sheets)

    def _make(self, method: str) -> None:
        store = FrameStore(self.folder / method, self.case.canvas)
        with Cost() as cost:
            for frame in self._frames(method):
                store.add(frame)
        self._results[method], self._costs[method] = store, cost

    def _frames(self, method: str) -> Iterator[np.ndarray]:
        if method == "repeat":
            picture = self.case.reference()
            yield from (picture for _ in range(self.case.frame_count))
        elif method == "blur":
            yield from (blurred(frame) for frame in self._results["alignment"])
        else:
            settings = SamplerSettings(**{**self.comparison.sampler.__dict__, "canvas": self.case.canvas})
            network = self.network if method == "kmc" else None
            for made in reenact(self.case.motion, self.case.subject, settings, network):
                if method == "alignment":
                    self._coverage.add(np.round(made.alpha * 255))
                yield made.rgb

    def _alpha(self, method: str, frame: int) -> np.ndarray:
        if method == "repeat":
            return self.case.reference_alpha()
        return self._coverage[frame].astype(np.float32) / 255

    def _source_stillness(self) -> StillnessMeter:
        meter = StillnessMeter()
        if self.case.driver.matte is not None:
            for number, frame in enumerate(self.case.clip.frames(long_side=self.comparison.long_side)):
                meter.add(frame, self.case.driver.matte[number].astype(np.float32) / 255)
        return meter

    def _measured(self, method: str, source: StillnessMeter) -> Row:
        row = empty_row(self._clip_name, self.case.character, method)
        store, cost = self._results[method], self._costs[method]
        if self.case.has_truth:
            row |= self._truth_numbers(store)
        stillness, colours = StillnessMeter(), ColourMeter()
        for number, frame in enumerate(store):
            alpha = self._alpha(method, number)
            stillness.add(frame, alpha)
            colours.add(frame, alpha)
        if method == "alignment":
            self._control = colours
        control = None if method == "repeat" else self._control
        found = self.extractor.track(store.clip(self.case.driver.fps))
        median, mean = pose_error(self._target, found)
        row |= {
            "pose_median": median,
            "pose_mean": mean,
            "hands_found": hands_found(self._target, found),
            "expression": expression_agreement(self.case.driver, found),
            "identity": self._identity(store, found),
            "flicker": flicker(stillness, source),
            "drift_de00": colours.drift(control),
            "speed_ratio": speed_ratio(self._target, found),
            "seconds": cost.seconds,
            "peak_mb": cost.peak_mb,
            "frames_in": self.case.clip.frame_count,
            "frames_out": len(store),
        }
        return row

    def _identity(self, store: FrameStore, found: HolisticMotion) -> float | None:
        """Median likeness of the faces in up to IDENTITY_FRAMES frames to the reference picture's."""
        view = self.case.subject.primary_view
        seen = np.flatnonzero(found.face_confidence > SEEN)
        if self.identity is None or view.keypoints.face_confidence <= SEEN or not len(seen):
            return None
        reference = self.identity.descriptor(view.picture, view.keypoints.face)
        chosen = seen[spread_frames(len(seen), IDENTITY_FRAMES)]
        shown = [self.identity.descriptor(store[int(frame)], found.face[frame]) for frame in chosen]
        return float(np.median([likeness(reference, descriptor) for descriptor in shown]))

    def _truth_numbers(self, store: FrameStore) -> Row:
        """Frame 0 is the reference itself and is left out."""
        meter = TruthMeter()
        for number, (truth, output) in enumerate(zip(self.case.truth(), store, strict=True)):
            if number:
                meter.add(truth, output, self.case.matte(number), self._alpha("alignment", number))
        return meter.numbers()

    def _write_sheet(self, folder: Path) -> None:
        chosen = spread_frames(self.case.frame_count)
        driver = [to_height(self.case.clip.frame(number), self.case.canvas.height) for number in chosen]
        rows, titles = [driver], ["truth" if self.case.has_truth else "driver"]
        for method in METHODS:
            if method in self._results and (method in self.comparison.methods or method == "alignment"):
                rows.append([self._results[method][number] for number in chosen])
                titles.append(method)
        height, width = self.case.canvas
        sheet = contact_sheet(rows, titles, cell_height=min(SHEET_CELL_PX, height, SHEET_WIDTH_PX * height // (len(chosen) * width)))
        folder.mkdir(parents=True, exist_ok=True)
        character = self.case.character.replace(" ", "_")
        cv2.imwrite(str(folder / f"{self._clip_name}__{character}.png"), sheet[..., ::-1])

