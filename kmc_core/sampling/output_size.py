"""Output and base canvases. Modes are pixel areas, so that any aspect gets the detail and cost the mode's name promises."""

from __future__ import annotations

import math

from ..errors import KMCError
from ..types import Canvas

MODE_AREAS = {"draft": 640 * 360, "std": 1280 * 720, "pro": 1920 * 1080}
BASE_AREA = 512 * 288


def output_canvas(subject: Canvas, mode: str) -> Canvas:
    """The subject's aspect at the mode's area ("draft" 640x360, "std" 1280x720, "pro" 1920x1080), both sides even.

    Raises KMCError for an unknown mode.
    """
    if mode not in MODE_AREAS:
        raise KMCError("Unknown mode", got=mode, expected=", ".join(MODE_AREAS), remedy="Choose draft, std or pro")
    return _of_area(subject, MODE_AREAS[mode])


def base_canvas(output: Canvas) -> Canvas:
    """Where the network works: the output's aspect at 512x288 area, never larger than the output. Both sides even."""
    return _of_area(output, min(BASE_AREA, output.height * output.width))


def _of_area(shape: Canvas, area: int) -> Canvas:
    ratio = math.sqrt(area / (shape.height * shape.width))
    return Canvas(max(2, 2 * round(shape.height * ratio / 2)), max(2, 2 * round(shape.width * ratio / 2)))
