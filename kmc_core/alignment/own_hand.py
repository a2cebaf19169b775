"""The picture's own hand, moved onto the driver's 21 points where both are much alike: nothing drawn looks as real.

Not here: drawing hands (hands.py) and laying them over (hand_overlay.py). Called by the aligner through hand_overlay.py.
A turn and a size about the wrist bring the picture's points as near to the wanted ones as they go; what is left over is
spread smoothly over the hand (inverse distances, Shepard 1968). The more is left over, the more of a drawn hand is shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .capsules import smoothstep
from .deform import MovedPart
from .prepared_view import PreparedView

ALIKE, UNLIKE = 0.13, 0.24  # root mean square of what is left over, palm lengths
SIZES = (0.7, 1.4)  # against the body's own scale: a hand seen along its fingers is another picture
WRIST_STRIP = (-0.1, 0.35)  # palm lengths ahead of the wrist in which the arm's movement goes over into the hand's
NEAR = 0.15  # palm lengths within which one point has its way


class OwnHand(NamedTuple):
    """share 0..1: how much the picture's hand is to be trusted; wrist [2] and points [21,2] picture px; target_wrist [2] and
    left_over [21,2] canvas px; linear [2,2]: picture px about the wrist to canvas px; palm_px in the picture."""

    share: float
    wrist: np.ndarray
    points: np.ndarray
    target_wrist: np.ndarray
    linear: np.ndarray
    left_over: np.ndarray
    palm_px: float


def fit_own_hand(view: PreparedView, side: int, target: np.ndarray, palm_px: float, scale: float) -> OwnHand | None:
    """Bring the picture's hand to target [21,3] canvas px; None where the picture shows none, not all of it, or another one.

    palm_px: the target's palm in canvas px; scale: canvas px per picture px of the body; side: 0 left, 1 right.
    """
    keypoints, canvas = view.subject.keypoints, view.subject.canvas
    own = keypoints.hands[side, :, :2].astype(np.float64)
    palm = float(np.linalg.norm(own[9] - own[0]))
    if keypoints.hands_confidence[side] < 0.5 or palm < 2 or palm_px < 2:
        return None
    if (own < 0).any() or (own[:, 0] >= canvas.width).any() or (own[:, 1] >= canvas.height).any():
        return None
    here, there = own - own[0], target[:, :2] - target[0, :2]
    total = max(float((here**2).sum()), 1e-6)
    cosine = float((here * there).sum()) / total
    sine = float((here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]).sum()) / total
    linear = np.array([[cosine, -sine], [sine, cosine]])
    left_over = there - here @ linear.T
    share = 1 - float(smoothstep(ALIKE, UNLIKE, np.sqrt((left_over**2).sum(1).mean()) / palm_px))
    size = float(np.hypot(cosine, sine)) / max(scale, 1e-6)
    if share <= 0 or not SIZES[0] < size < SIZES[1]:
        return None
    return OwnHand(share, own[0], own, target[0, :2], linear, left_over, palm)


def follow_points(part: MovedPart, hand: OwnHand) -> MovedPart:
    """The hand's layer moved onto the wanted points; about the wrist it stays with the arm."""
    offset = part.source - hand.wrist
    squared = ((part.source[:, None] - hand.points) ** 2).sum(-1)
    weights = 1 / (squared + (NEAR * hand.palm_px) ** 2)
    weights /= weights.sum(1, keepdims=True)
    moved = hand.target_wrist + offset @ hand.linear.T + weights @ hand.left_over
    along = (hand.points[9] - hand.wrist) / hand.palm_px
    share = smoothstep(*WRIST_STRIP, offset @ along / hand.palm_px)[:, None]
    return replace(part, target=np.column_stack([part.target[:, :2] * (1 - share) + moved * share, part.target[:, 2]]))
