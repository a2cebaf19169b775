"""A character cut off by the picture's lower edge is continued a little below it, so that a step up shows no cut.

Not here: wider canvases (motion/framing.py). Called by prepared_view.py.
Colours and silhouette are carried straight on (a mirrored hem, badge or pocket would be seen twice); all of it counts as invented.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..types import SubjectView

REACH_IN_TORSO_LENGTHS, REACH_IN_PICTURES = 0.6, 0.35
CUT_SHARE = 0.02  # of the lower edge that must be covered by the character


def extended_below(view: SubjectView) -> SubjectView:
    """The view on a taller canvas (coordinates unchanged), or the view itself where its lower edge is free."""
    height = view.canvas.height
    if (view.alpha[-1] > 0.5).mean() < CUT_SHARE:
        return view
    rows = int(min(REACH_IN_TORSO_LENGTHS * view.torso_px, REACH_IN_PICTURES * height, height - 2))
    if rows < 1:
        return view
    below = ((0, rows), (0, 0))
    return replace(
        view,
        picture=np.pad(view.picture, (*below, (0, 0)), mode="edge"),
        alpha=np.pad(view.alpha, below, mode="edge"),
        foreground=np.pad(view.foreground, (*below, (0, 0)), mode="edge"),
    )
