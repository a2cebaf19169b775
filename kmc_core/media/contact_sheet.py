"""Pictures for eyes: a sheet of frames in titled rows, and two pictures side by side. Used by scripts, nodes and evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

PAPER, INK = 24, (235, 235, 235)
GAP_PX, TITLE_PX = 4, 22


def contact_sheet(rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str] = (), cell_height: int = 200) -> np.ndarray:
    """Rows of uint8 [H,W,3] pictures of any sizes -> one uint8 sheet; each row is scaled to cell_height px and titled.

    Empty rows are left out. An empty sheet is one small dark picture.
    """
    titles = [*titles, *([""] * (len(rows) - len(titles)))]
    strips = [_strip(row, title, cell_height) for row, title in zip(rows, titles, strict=False) if len(row)]
    if not strips:
        return np.full((TITLE_PX, TITLE_PX, 3), PAPER, np.uint8)
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(strip, ((0, GAP_PX), (0, width - strip.shape[1]), (0, 0)), constant_values=PAPER) for strip in strips]
    return np.concatenate(padded)


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two uint8 [H,W,3] pictures at the height of the right one, left scaled; width and height are even."""
    height = right.shape[0] + right.shape[0] % 2
    both = np.concatenate([to_height(left, height), to_height(right, height)], axis=1)
    return np.pad(both, ((0, 0), (0, both.shape[1] % 2), (0, 0)), mode="edge")


def to_height(picture: np.ndarray, height: int) -> np.ndarray:
    """The picture scaled to `height` px, aspect kept."""
    if picture.shape[0] == height:
        return picture
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    shrinks = height < picture.shape[0]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def spread_frames(frame_count: int, shown: int = 8) -> list[int]:
    """Indices of at most `shown` frames spread evenly over a clip, first and last included."""
    return sorted({round(place) for place in np.linspace(0, frame_count - 1, min(shown, frame_count))}) if frame_count else []


def _strip(row: Sequence[np.ndarray], title: str, cell_height: int) -> np.ndarray:
    gap = np.full((cell_height, GAP_PX, 3), PAPER, np.uint8)
    cells = [part for picture in row for part in (to_height(picture, cell_height), gap)]
    strip = np.concatenate(cells, axis=1)
    if not title:
        return strip
    needed = cv2.getTextSize(title, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)[0][0] + 8
    strip = np.pad(strip, ((TITLE_PX, 0), (0, max(0, needed - strip.shape[1])), (0, 0)), constant_values=PAPER)
    cv2.putText(strip, title, (4, TITLE_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return strip
