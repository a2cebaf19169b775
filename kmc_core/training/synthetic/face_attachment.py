"""Where the 478 face points sit on the head's grid (measured once with the pose extractor), and where they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .character import Character
    from .renderer import Posed


def attach_face(character: Character, posed: Posed) -> np.ndarray | None:
    """Places [478,3] of the face points in model axes, metres; None when the table of attachments is absent."""
    return None
