"""Ending a training run from outside without losing it. Called by the command lines of both trainings."""

from __future__ import annotations

import signal
from collections.abc import Callable


def stop_signals() -> Callable[[], bool]:
    """True once the process was asked to end (SIGTERM, SIGINT): the step is finished, the run saved, and then it leaves."""
    stops: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stops.append(received))
    return lambda: bool(stops)
