"""Procedural hands laid over an aligned frame, behind whatever is nearer than they are.

Not here: the drawing of a hand (hands.py). Called by the aligner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ..types import Canvas, CharacterMotion
from .aligned_frame import AlignedFrame
from .deform import MovedPart, TargetPose
from .hands import draw_hand
from .own_hand import OwnHand, fit_own_hand, follow_points
from .part_model import L_ARM, L_HAND, LIMB_JOINTS
from .prepared_view import PreparedView

NEARER_THAN_ARM = 0.16  # torso lengths: a hand usually lies before what it touches
DEPTH_TOLERANCE = 0.02
WRIST = 2


class HandTarget(NamedTuple):
    """points [21,3] canvas px, palm_px, colour [3] 0..1, part number, opacity 0..1 of the drawn hand; own: the picture's hand
    where it is like the driver's (own_hand.py), and nothing of the drawn one shows as far as it is alike."""

    points: np.ndarray
    palm_px: float
    colour: np.ndarray
    part: int
    opacity: float
    own: OwnHand | None = None


def has_human_hand(view: PreparedView, side: int) -> bool:
    """Whether a drawn human hand suits: one was found on the picture, or a face was and this hand is cut off by the edge."""
    keypoints, canvas = view.subject.keypoints, view.subject.canvas
    if keypoints.hands_confidence.max() >= 0.5:
        return True
    chain = list(LIMB_JOINTS[L_ARM + side])
    wrist, knuckles = view.joints[chain[WRIST], :2], view.joints[chain[WRIST + 1], :2]
    fingertips = wrist + (knuckles - wrist) / max(float(np.linalg.norm(knuckles - wrist)), 1e-6) * 1.6 * view.palm_px
    is_cut_off = (fingertips < 0).any() or fingertips[0] >= canvas.width or fingertips[1] >= canvas.height
    return keypoints.face_confidence >= 0.5 and bool(is_cut_off)


def hand_target(
    view: PreparedView, character: CharacterMotion, frame: int, pose: TargetPose, side: int, keep_own: bool = True
) -> HandTarget | None:
    """The driver's hand at the character's wrist and size, or None where it was not seen. side: 0 left, 1 right.

    keep_own: the picture's own hand is shown where it is like the driver's.
    """
    opacity = float(np.clip(character.hand_confidence[frame, side] * 5 - 0.5, 0, 1))  # half-seen hands look like ghosts
    if opacity <= 0 or view.hand_colour is None or (L_ARM + side) not in view.meshes:
        return None
    palm = view.palm_px * pose.scale
    wrist = pose.joints[LIMB_JOINTS[L_ARM + side][WRIST]]
    points = character.hands[frame, side].astype(np.float64) * palm + wrist
    points[:, 2] -= NEARER_THAN_ARM * view.torso_px * pose.scale
    part = L_HAND + side
    own = fit_own_hand(view, side, points, palm, pose.scale) if keep_own and part in view.meshes else None
    return HandTarget(points, palm, view.hand_colour, part, opacity * (1 - own.share if own is not None else 1.0), own)


def own_hand(part: MovedPart, hands: list[HandTarget]) -> MovedPart:
    """The picture's own hand goes to the driver's points where it is like them, and fades out as far as the drawn one fades in."""
    for hand in hands:
        if part.part == hand.part:
            moved = part if hand.own is None else follow_points(part, hand.own)
            return replace(moved, opacity=1 - hand.opacity)
    return part


def lay_hand_over(aligned: AlignedFrame, hand: HandTarget, origin: float, reach: float) -> None:
    """Draw the hand into the frame (in place). origin: the pelvis' depth, reach: one torso length, both canvas px."""
    height, width = aligned.alpha.shape
    patch = draw_hand(hand.points, hand.palm_px, hand.colour, Canvas(height, width))
    if patch is None:
        return
    rows = slice(patch.y0, patch.y0 + patch.alpha.shape[0])
    columns = slice(patch.x0, patch.x0 + patch.alpha.shape[1])
    depth = (torch.from_numpy(patch.depth) - origin) / max(reach, 1e-6)
    part, alpha = aligned.part[rows, columns], aligned.alpha[rows, columns]
    own = (part == hand.part) | (part == hand.part - L_HAND + L_ARM)
    seen = (depth < aligned.depth[rows, columns] + DEPTH_TOLERANCE) | (alpha < 0.5) | own
    share = torch.from_numpy(patch.alpha) * seen * hand.opacity
    colour = torch.from_numpy(patch.rgb).permute(2, 0, 1)
    aligned.rgb[:, rows, columns] = aligned.rgb[:, rows, columns] * (1 - share) + colour * share
    aligned.alpha[rows, columns] = alpha + (1 - alpha) * share
    strong = share > 0.5
    aligned.part[rows, columns] = torch.where(strong, torch.tensor(hand.part, dtype=torch.int16), part)
    aligned.depth[rows, columns] = torch.where(strong, depth.float(), aligned.depth[rows, columns])
    aligned.real[rows, columns] *= 1 - share
    aligned.stretch[rows, columns] *= 1 - share
    aligned.confidence[rows, columns] = torch.where(
        strong, torch.tensor(hand.opacity), aligned.confidence[rows, columns]
    )
