"""When every frame of a file is shown, and at which constant rate that is served.

Only packet headers are read (no decoding) unless the container carries no presentation times.
Not here: pixels (decoding.py). Called by clip.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ..errors import MediaError
from .decoding import decoded_frames
from .source import CONVERT, EXPECTED, opened, picture_stream

COMMON_RATES = tuple(
    Fraction(*pair)
    for pair in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1), (15, 1), (12, 1), (10, 1))
)
MIN_GRID_OCCUPANCY = 0.9
MAX_RATE = 1000
LONGEST_LAST_FRAME_S = 5.0
LONGEST_FILE_S = 24 * 3600


@dataclass(frozen=True)
class Timeline:
    """Presentation times of one file's frames.

    shown         int64 [N] strictly increasing, in time_base units
    end           when the last frame stops being shown, time_base units
    rate          constant rate that keeps the file's frames and its duration
    constant      the frames lie on the grid of `rate` (False: variable frame rate)
    counted       the file has no times; `shown` are running numbers of decoded frames and seeking is impossible
    promised      frames the header promises (0 = unknown); more than N means a broken tail
    """

    shown: np.ndarray
    end: int
    time_base: Fraction
    rate: Fraction
    constant: bool
    counted: bool
    promised: int

    @property
    def seconds(self) -> float:
        return float((self.end - int(self.shown[0])) * self.time_base)

    def nearest(self, times: np.ndarray) -> np.ndarray:
        """Seconds after the first frame [K] -> time of the nearest frame [K]; between two equally near, the earlier."""
        targets = times / float(self.time_base) + float(self.shown[0])
        later = np.clip(np.searchsorted(self.shown, targets), 1, max(len(self.shown) - 1, 1))
        if len(self.shown) == 1:
            return np.full(len(times), self.shown[0])
        earlier = later - 1
        # half a tick of slack: a rounded timestamp must not flip a tie
        take_later = self.shown[later] - targets < targets - self.shown[earlier] - 1e-6
        return np.where(take_later, self.shown[later], self.shown[earlier])


def read_timeline(path: Path) -> Timeline:
    """Index the frames of a file by its packets. Raises MediaError when there is none."""
    with opened(path) as container:
        stream = picture_stream(container, path.name)
        shown, duration, complete = _packet_times(container, stream)
        time_base, promised = stream.time_base, stream.frames
        rates = [rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate and 0 < rate <= MAX_RATE]
    if complete and len(shown) and (max(shown) - min(shown)) * time_base > LONGEST_FILE_S:
        raise MediaError(
            "The clip's times make no sense", got=f"{path.name}: {float((max(shown) - min(shown)) * time_base) / 3600:.0f} h",
            expected=f"at most {LONGEST_FILE_S // 3600} h", remedy=CONVERT,
        )  # fmt: skip
    if complete and len(shown):
        return _timeline(np.unique(np.asarray(shown, np.int64)), duration, time_base, rates, promised)
    return _counted_timeline(path, rates)


def _packet_times(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> tuple[list[int], int, bool]:
    shown: list[int] = []
    latest, duration, complete = None, 0, True
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None:
                return [], 0, False
            shown.append(packet.pts)
            if latest is None or packet.pts >= latest:
                latest, duration = packet.pts, packet.duration or 0
    except av.error.FFmpegError:  # a broken tail: what came before it is kept
        pass
    return shown, duration, complete


def _counted_timeline(path: Path, rates: list[Fraction]) -> Timeline:
    count = sum(1 for _ in decoded_frames(path, None, counted=True))
    if not count:
        raise MediaError("The clip has no frames", got=path.name, expected=EXPECTED, remedy=CONVERT)
    rate = rates[0] if rates else Fraction(25)
    return Timeline(np.arange(count, dtype=np.int64), count, 1 / rate, rate, constant=True, counted=True, promised=0)


def _timeline(shown: np.ndarray, last_duration: int, time_base: Fraction, rates: list[Fraction], promised: int) -> Timeline:
    steps = np.diff(shown)
    typical = int(np.median(steps)) if len(steps) else max(1, round(1 / (time_base * (rates[0] if rates else 25))))
    last = last_duration if 0 < last_duration * time_base <= LONGEST_LAST_FRAME_S else typical
    rate = grid_rate(shown, time_base, rates)
    if rate is not None:
        return Timeline(shown, int(shown[-1]) + last, time_base, rate, True, False, promised)
    end = int(shown[-1]) + last
    rate = (len(shown) / ((end - int(shown[0])) * time_base)).limit_denominator(1001)
    return Timeline(shown, end, time_base, rate, False, False, promised)


def grid_rate(shown: np.ndarray, time_base: Fraction, rates: list[Fraction]) -> Fraction | None:
    """The constant rate on whose grid all times [N] lie (a few frames may be missing), or None for variable rate.

    Tried in order: what the file says, then a usual rate near the measured one, then the measured one.
    """
    if len(shown) < 2:
        return rates[0] if rates else Fraction(25)
    measured = Fraction(len(shown) - 1) / (int(shown[-1] - shown[0]) * time_base)
    usual = [rate for rate in COMMON_RATES if abs(rate / measured - 1) < 0.02]
    for rate in (*rates, *usual, measured.limit_denominator(1001)):
        places = (shown - shown[0]) * float(time_base * rate)
        grid = np.round(places)
        # a container's clock may be as coarse as a millisecond: both ends of a step are rounded
        tolerance = min(0.45, max(0.06, 1.05 * float(time_base * rate)))
        on_grid = np.abs(places - grid).max() <= tolerance and np.diff(grid).min() >= 1
        if on_grid and len(shown) >= MIN_GRID_OCCUPANCY * (grid[-1] + 1):
            return rate
    return None
