"""Collects picture measures over a clip, one frame at a time, and turns them into the numbers of one row.

Frames come in order and are not kept; only the previous one is. Called by reenact.py.
"""

from __future__ import annotations

import cv2
import numpy as np

from .colour import colour_drift, mean_lab
from .picture import decibels, gradient_energy, psnr, registered, squared_error, ssim

SUBJECT, SOLID = 0.3, 0.5
BACKGROUND_GUARD = 0.015
MIN_BACKGROUND = 0.05
STILL_LEVELS = 0.25
"""Frame difference in grey levels that any camera's background has; a source below it counts as this still."""


def background_of(alpha: np.ndarray) -> np.ndarray:
    """bool [H,W]: safely outside the character of a coverage map [H,W] 0..1."""
    reach = max(1, round(BACKGROUND_GUARD * max(alpha.shape)))
    grown = cv2.dilate((alpha > 0.05).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    return grown == 0


class StillnessMeter:
    """Mean absolute frame difference of what is background in both of two successive frames, in grey levels."""

    def __init__(self) -> None:
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._levels: list[float] = []

    def add(self, frame: np.ndarray, alpha: np.ndarray) -> None:
        """One frame uint8 [H,W,3] and the character's coverage [H,W] 0..1, or [h,w] of another size."""
        if alpha.shape != frame.shape[:2]:
            alpha = cv2.resize(alpha, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        background = background_of(alpha)
        if self._before is not None:
            both = background & self._before[1]
            if both.mean() >= MIN_BACKGROUND:
                self._levels.append(float(np.abs(frame.astype(np.int16) - self._before[0])[both].mean()))
        self._before = (frame.astype(np.int16), background)

    @property
    def level(self) -> float | None:
        """Grey levels; None without two frames that show background."""
        return float(np.mean(self._levels)) if self._levels else None


class ColourMeter:
    """The character's mean colour in every frame."""

    def __init__(self) -> None:
        self._colours: list[np.ndarray] = []

    def add(self, frame: np.ndarray, alpha: np.ndarray) -> None:
        """One frame uint8 [H,W,3] and coverage [H,W]; frames without the character are left out."""
        colour = mean_lab(frame[::2, ::2], alpha[::2, ::2] > SOLID)
        if colour is not None:
            self._colours.append(colour)

    @property
    def colours(self) -> np.ndarray:
        """L*a*b* [T,3]."""
        return np.array(self._colours).reshape(-1, 3)

    def drift(self, control: ColourMeter | None) -> float | None:
        """CIEDE2000 from start to end, less the control's own change when both have seen the same frames."""
        usable = control is not None and len(control.colours) == len(self._colours)
        return colour_drift(self.colours, control.colours if usable else None)


class TruthMeter:
    """Everything that needs the true frames. The subject is the union of the true matte and the alignment's coverage."""

    def __init__(self) -> None:
        self._psnr: list[float] = []
        self._ssim: list[float] = []
        self._subject: list[float] = []
        self._registered: list[float] = []
        self._sharpness = np.zeros(2)
        self._movement = np.zeros(2)
        self._hole_error, self._hole_pixels, self._subject_pixels = 0.0, 0, 0
        self._before: tuple[np.ndarray, np.ndarray] | None = None

    def add(self, truth: np.ndarray, output: np.ndarray, matte: np.ndarray | None, alpha: np.ndarray) -> None:
        """True and made frame uint8 [H,W,3]; true matte [H,W] 0..1 or None; the alignment's coverage [H,W] 0..1."""
        subject = alpha > SUBJECT if matte is None else (matte > SUBJECT) | (alpha > SUBJECT)
        self._psnr.append(psnr(truth, output))
        self._ssim.append(ssim(truth, output))
        if subject.any():
            self._subject.append(psnr(truth, output, subject))
            self._registered.append(psnr(truth, registered(truth, output), subject))
            self._sharpness += (gradient_energy(output, subject), gradient_energy(truth, subject))
        if self._before is not None and subject.any():
            for place, (now, before) in enumerate(zip((output, truth), self._before, strict=True)):
                self._movement[place] += np.abs(now.astype(np.int16) - before)[subject].mean()
        self._before = (output.astype(np.int16), truth.astype(np.int16))
        if matte is not None:
            holes = (matte > SOLID) & (alpha < SOLID)
            self._hole_error += float(squared_error(truth, output)[holes].sum())
            self._hole_pixels += int(holes.sum())
            self._subject_pixels += int((matte > SOLID).sum())

    def numbers(self) -> dict[str, float | None]:
        """psnr, ssim, psnr_subject, psnr_registered, sharpness, motion_energy, psnr_holes, holes."""
        return {
            "psnr": _mean(self._psnr),
            "ssim": _mean(self._ssim),
            "psnr_subject": _mean(self._subject),
            "psnr_registered": _mean(self._registered),
            "sharpness": _ratio(*self._sharpness),
            "motion_energy": _ratio(*self._movement),
            "psnr_holes": decibels(self._hole_error / self._hole_pixels) if self._hole_pixels else None,
            "holes": _ratio(self._hole_pixels, self._subject_pixels),
        }


def flicker(output: StillnessMeter, source: StillnessMeter) -> float | None:
    """The output's background unrest over the driving clip's own; 1 = as still as the source. None without background."""
    if output.level is None or source.level is None:
        return None
    return output.level / max(source.level, STILL_LEVELS)


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
