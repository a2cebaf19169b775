"""What a piece of work costs: seconds and peak memory of this process."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)


class Cost:
    """Context manager; afterwards `seconds` and `peak_mb` (None where the system does not tell).

    On Linux the peak is that of the work itself; elsewhere it is the process's peak so far.
    """

    seconds: float = 0.0
    peak_mb: float | None = None

    def __enter__(self) -> Cost:
        self._restarted = _restart_peak()
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.seconds = time.perf_counter() - self._start
        self.peak_mb = _peak_mb()


def _restart_peak() -> bool:
    """Ask the kernel to forget this process's peak. Source: proc(5), /proc/pid/clear_refs value 5."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError as error:
        logger.debug("the memory peak cannot be restarted: %s", error)
        return False
    return True


def _peak_mb() -> float | None:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    try:
        import resource
        import sys
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
