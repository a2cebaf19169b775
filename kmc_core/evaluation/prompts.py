"""Does the prompt change what it names, and leave motion and identity alone? One clip, one character, many prompts.

Every prompt's frames are compared with the frames of the empty prompt: light, colour and drawing style where the words name
them, joints and face read back out of both. Called by prompts_command.py. Not here: quality against truth (reenact.py),
what the detector makes of the same change on real frames (prompt_control.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..dit.model import KMCDiT
from ..pose.extractor import HolisticExtractor
from ..pose.skeleton_layouts import rig_joints
from ..sampling.reenact import SamplerSettings, reenact
from ..types import HolisticMotion
from .case import Case
from .drawing_manner import Manner, manner_of
from .frame_store import FrameStore
from .identity import FaceIdentity, likeness
from .motion import SEEN, torso_length
from .prompt_control import PromptControl

LUMA = np.array((0.299, 0.587, 0.114))
FULL, NONE = 0.9, 0.1  # coverage that counts as character, as background
IDENTITY_FRAMES = 8
SHEET_COLUMNS, SHEET_CELL_PX = 7, 300
Row = dict[str, object]


class Look(NamedTuple):
    """Mean colours [3] in 0..1 of character and background, and the mean saturation (0 grey) of the whole picture.

    manner: how the character is drawn (drawing_manner.py).
    """

    subject: np.ndarray
    background: np.ndarray
    saturation: float
    manner: Manner = Manner(0.0, 0.0, 0.0)


class Question(NamedTuple):
    """A prompt, what is measured against the empty prompt, and the range (low, high) a right answer lies in."""

    prompt: str
    measure: str
    low: float
    high: float


def _brightness(plain: Look, told: Look) -> float:
    return float((told.subject @ LUMA) / max(plain.subject @ LUMA, 1e-3))


def _warmth(plain: Look, told: Look) -> float:
    def ratio(look: Look) -> float:
        return float(np.log(max(look.subject[0], 1e-3) / max(look.subject[2], 1e-3)))

    return ratio(told) - ratio(plain)


def _saturation(plain: Look, told: Look) -> float:
    return told.saturation / max(plain.saturation, 1e-3)


def _background_is(colour: tuple[float, float, float]) -> Callable[[Look, Look], float]:
    return lambda plain, told: float(np.abs(told.background - np.array(colour)).mean())


def _of_manner(name: str) -> Callable[[Look, Look], float]:
    return lambda plain, told: float(getattr(told.manner, name) / max(getattr(plain.manner, name), 1e-4))


def _nothing(plain: Look, told: Look) -> float:
    colours = (np.abs(told.subject - plain.subject).max(), np.abs(told.background - plain.background).max())
    return float(max(*colours, *np.abs(np.subtract(told.manner, plain.manner))))


MEASURES: dict[str, Callable[[Look, Look], float]] = {
    "character's brightness, ratio": _brightness,
    "character's warmth, change of log red/blue": _warmth,
    "saturation, ratio": _saturation,
    "background's distance to blue": _background_is((0.15, 0.30, 0.80)),
    "background's distance to red": _background_is((0.80, 0.13, 0.12)),
    "background's distance to white": _background_is((0.95, 0.95, 0.95)),
    "largest change of a mean colour or of manner": _nothing,
    "character's dark lines, ratio": _of_manner("lines"),
    "character's flat area, ratio": _of_manner("flat"),
    "character's fine texture, ratio": _of_manner("texture"),
}
BRIGHT, WARM, SATURATED, TO_BLUE, TO_RED, TO_WHITE, UNCHANGED, LINES, FLAT, TEXTURE = MEASURES
QUESTIONS = (
    Question("at night", BRIGHT, 0.2, 0.7),
    Question("a person dancing in the city at night, high quality", BRIGHT, 0.2, 0.7),
    Question("bright sunny day", BRIGHT, 1.03, 1.6),
    Question("warm evening light", WARM, 0.15, 1.0),
    Question("someone walking on the beach at sunset", WARM, 0.15, 1.0),
    Question("cold winter light", WARM, -1.0, -0.15),
    Question("black and white", SATURATED, 0.0, 0.2),
    Question("vivid colours", SATURATED, 1.15, 3.0),
    Question("blue background", TO_BLUE, 0.0, 0.12),
    Question("in front of a red wall", TO_RED, 0.0, 0.12),
    Question("a dancer before a white backdrop", TO_WHITE, 0.0, 0.12),
    Question("a woman in a red dress, full body", UNCHANGED, 0.0, 0.04),
    Question("a knight walking in a forest", UNCHANGED, 0.0, 0.04),
    Question("toon style", LINES, 1.3, 9.0),
    Question("a cartoon of someone dancing", FLAT, 1.1, 9.0),
    Question("oil painting", TEXTURE, 0.0, 0.85),
    Question("a watercolour of a dancer by the sea", TEXTURE, 0.0, 0.85),
    Question("a realistic photo", FLAT, 0.95, 1.05),
    Question("a platoon of house painters under a balloon", LINES, 0.9, 1.1),
)


def ask(
    case: Case, network: KMCDiT, extractor: HolisticExtractor, folder: Path, *, identity: FaceIdentity | None = None,
    settings: SamplerSettings = SamplerSettings(), questions: Sequence[Question] = QUESTIONS,
) -> Iterator[Row]:  # fmt: skip
    """One row per prompt: prompt, measure, value, low, high, met, elsewhere, pose_shift, pose_control, identity, identity_plain.

    elsewhere: for a background prompt, the largest change of the character's mean colour (0..1), else None.
    pose_shift: median distance of joints read out of both results, in torso lengths; pose_control: the same for the driver's own
    frames with the same change of colour and style, which no joint of theirs moves. identity: likeness to the reference.
    """
    control = PromptControl(case, network, extractor, folder)
    settings = replace(settings, canvas=case.canvas, prompt="")
    plain, coverage = _made(case, network, settings, folder / "plain")
    look, motion = _look(plain, coverage), extractor.track(plain.clip(case.driver.fps))
    likeness_plain = _likeness(case, plain, motion, identity)
    for number, question in enumerate(questions):
        told, _ = _made(case, network, replace(settings, prompt=question.prompt), folder / f"prompt_{number}")
        seen, moved = _look(told, coverage), extractor.track(told.clip(case.driver.fps))
        value = MEASURES[question.measure](look, seen)
        yield {
            **question._asdict(),
            "value": value,
            "met": question.low <= value <= question.high,
            "elsewhere": float(np.abs(seen.subject - look.subject).max()) if question.measure.startswith("background") else None,
            "pose_shift": pose_shift(motion, moved),
            "pose_control": pose_shift(control.plain, control.read(replace(settings, prompt=question.prompt))),
            "identity": _likeness(case, told, moved, identity),
            "identity_plain": likeness_plain,
        }


def sheet(folder: Path, case: Case, count: int, columns: int = SHEET_COLUMNS) -> np.ndarray:
    """The middle frame of the empty prompt and of every prompt after it, row by row, uint8 [H,W,3]; `count` prompts in `folder`."""
    stores = [folder / "plain", *(folder / f"prompt_{number}" for number in range(count))]
    size = (round(case.canvas.width * SHEET_CELL_PX / case.canvas.height), SHEET_CELL_PX)
    cells = []
    for path in stores:
        store = FrameStore.reopened(path, case.canvas)
        cells.append(cv2.resize(store[len(store) // 2], size, interpolation=cv2.INTER_AREA))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    return np.concatenate([np.concatenate(cells[start : start + columns], axis=1) for start in range(0, len(cells), columns)])


def pose_shift(plain: HolisticMotion, told: HolisticMotion) -> float | None:
    """Median distance between the joints of two readings of one motion, in torso lengths; None where nobody is found in both."""
    both = (plain.body_confidence.max(1) > 0) & (told.body_confidence.max(1) > 0)
    if not both.any():
        return None
    first, second = rig_joints(plain.body)[both], rig_joints(told.body)[both]
    return float(np.median(np.linalg.norm(first - second, axis=-1)) / max(torso_length(first), 1.0))


def _made(case: Case, network: KMCDiT, settings: SamplerSettings, path: Path) -> tuple[FrameStore, np.ndarray]:
    """All frames, and the coverage float32 [T,H,W]."""
    store, coverage = FrameStore(path, case.canvas), []
    for frame in reenact(case.motion, case.subject, settings, network):
        store.add(frame.rgb)
        coverage.append(frame.alpha)
    return store, np.stack(coverage)


def _look(store: FrameStore, coverage: np.ndarray) -> Look:
    subject, background, saturation, manner = [], [], [], []
    for frame, alpha in zip(store, coverage, strict=True):
        picture = frame.astype(np.float32) / 255
        subject.append(picture[alpha > FULL].mean(0))
        background.append(picture[alpha < NONE].mean(0) if (alpha < NONE).any() else np.zeros(3))
        saturation.append((picture.max(-1) - picture.min(-1)).mean())
        manner.append(manner_of(picture, alpha))
    return Look(np.mean(subject, 0), np.mean(background, 0), float(np.mean(saturation)), Manner(*np.mean(manner, 0)))


def _likeness(case: Case, store: FrameStore, found: HolisticMotion, identity: FaceIdentity | None) -> float | None:
    view = case.subject.primary_view
    seen = np.flatnonzero(found.face_confidence > SEEN)[:IDENTITY_FRAMES]
    if identity is None or view.keypoints.face_confidence <= SEEN or not len(seen):
        return None
    reference = identity.descriptor(view.picture, view.keypoints.face)
    return float(np.median([likeness(reference, identity.descriptor(store[int(i)], found.face[i])) for i in seen]))
