"""Worker threads for networks on the CPU: a few workers, each of them single-threaded inside.

Not here: what the workers do. Called by extractor.py.
Why: two OpenMP threads inside one small convolution wait for each other and collapse as soon as anything else uses a core
(measured 8 -> 150 ms per call); two independent workers do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from types import TracebackType
from typing import TypeVar

import cv2
import torch

from ..errors import Cancelled
from ..types import ShouldStop

Result = TypeVar("Result")


class WorkerThreads:
    """Context manager around a thread pool. torch's and OpenCV's process-wide thread counts are put back on exit."""

    def __init__(self, workers: int, should_stop: ShouldStop | None = None) -> None:
        self._workers, self._should_stop = max(workers, 1), should_stop or (lambda: False)

    def __enter__(self) -> WorkerThreads:
        self._torch_threads, self._opencv_threads = torch.get_num_threads(), cv2.getNumThreads()
        cv2.setNumThreads(1)
        # one more than the workers: the next frames are decoded beside them
        self._pool = ThreadPoolExecutor(self._workers + 1, "kmc-pose", torch.set_num_threads, (1,))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(self._torch_threads)
        cv2.setNumThreads(self._opencv_threads)

    def submit(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Start one call on a worker."""
        return self._pool.submit(function, *arguments)

    def check(self) -> None:
        """Raises Cancelled when the caller wants the work abandoned."""
        if self._should_stop():
            raise Cancelled

    def map(self, function: Callable[..., Result], *arguments: Iterable[object]) -> list[Result]:
        """function over zipped arguments, results in order; raises Cancelled between results."""
        futures = [self._pool.submit(function, *call) for call in zip(*arguments, strict=True)]
        results = []
        try:
            for future in futures:
                self.check()
                results.append(future.result())
        finally:
            for future in futures[len(results) :]:
                future.cancel()
        return results


def split_evenly(items: Sequence[Result], parts: int, largest: int) -> list[Sequence[Result]]:
    """Consecutive, equally long pieces: a multiple of `parts` of them where possible, none longer than `largest`."""
    if not items:
        return []
    pieces = -(-len(items) // largest)
    pieces = min(len(items), -(-pieces // parts) * parts)
    edges = [round(k * len(items) / pieces) for k in range(pieces + 1)]
    return [items[start:stop] for start, stop in pairwise(edges)]
