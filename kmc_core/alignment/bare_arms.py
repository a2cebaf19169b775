"""Bare arms carry skin alone: hair, bag and dress that hang beside or before them stay with the trunk.

Not here: the labels themselves (part_model.py) and the arms drawn instead of hidden ones (forearm.py). Called by
prepared_view.py once per view. Skin is told from hair and cloth by colour histograms (Jones and Rehg 2002).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from ..pose.skeleton_layouts import FACE_OVAL
from ..types import SubjectView
from .capsules import disc, distance_to_segment, pixel_centres, polygon_mask
from .part_model import ARM_RADII, HEAD_PART, L_ARM, LIMB_JOINTS, R_ARM, TORSO, PartModel, has_face

LEAST_SKIN, HIDDEN_SKIN = 0.6, 0.4  # shares of the axis: a bare arm shows more skin, a hidden one less
AXIS_SHARE = 0.45  # of the radius: what counts as the axis
KEPT_SHARE, WIDEST = 0.6, 1.15  # of a usual radius: what stays with a bare arm whatever its colour, and what can be arm at all
THIN_SHARE = 0.025  # torso lengths: half the width of what is thick enough to be hair or cloth
LEAST_PIXELS = 60
HEM_MARGIN = 0.1  # upper arm lengths below the lowest sleeve seen on the axis: hems run askew
CLEARLY_CLOTH = 1.5  # log ratio of the trunk's to the skin's share of a colour: the shaded rim of an arm is no cloth


class BareArms(NamedTuple):
    """Arms that are bare, and arms of which hair or cloth hides so much that they must be drawn anew."""

    bare: frozenset[int]
    hidden: frozenset[int]


def release_from_bare_arms(view: SubjectView, model: PartModel) -> BareArms:
    """Find bare and hidden arms; pixels on them that are no skin go to the trunk (model.labels in place).

    An arm is hidden when the other one is bare and its own axis shows other things. Nothing happens without a face or
    with keypoints from the user: skin is not known there.
    """
    nothing = BareArms(frozenset(), frozenset())
    if not has_face(view) or view.keypoints.user_supplied or model.close_up:
        return nothing
    found = _skin_and_cloth(view, model)
    if found is None:
        return nothing
    skin, cloth = found
    shares = {arm: _skin_on_axis(view, model, arm, skin) for arm in (L_ARM, R_ARM)}
    bare = frozenset(arm for arm, share in shares.items() if share is not None and share > LEAST_SKIN)
    hidden = frozenset(arm for arm, share in shares.items() if bare and share is not None and share < HIDDEN_SKIN)
    rim = max(1, round(max(view.canvas) / 400))
    smooth = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_CLOSE, disc(2 * rim))
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_OPEN, disc(rim)) > 0
    thin = disc(max(2, round(THIN_SHARE * view.torso_px)))
    for arm in bare | hidden:
        kept = smooth
        if arm in bare:
            kept = (smooth & (_from_axis(view, arm, 3.0) < WIDEST)) | (_from_axis(view, arm, 1.3) < KEPT_SHARE)
        released = (model.labels == arm) & ~kept
        if arm in bare:  # the shaded rim of the arm itself is no skin to the histograms
            released &= cv2.morphologyEx(released.astype(np.uint8), cv2.MORPH_OPEN, thin) > 0
            released |= _flank_below_the_hem(view, model, arm, skin, cloth)
        model.labels[released] = TORSO
    return BareArms(bare, hidden)


def _skin_and_cloth(view: SubjectView, model: PartModel) -> tuple[np.ndarray, np.ndarray] | None:
    """Pixels more like the face and the hands than like trunk and hair, and pixels clearly more like the trunk than like face
    and hands -> bool [H,W] each; None where too little is seen."""
    face = polygon_mask(view.canvas, view.keypoints.face[list(FACE_OVAL), :2]) > 0
    solid = view.alpha > 0.9
    own = face & solid
    for side in range(2):
        if view.keypoints.hands_confidence[side] >= 0.5:
            own |= (polygon_mask(view.canvas, view.keypoints.hands[side, [0, 1, 5, 9, 13, 17], :2]) > 0) & solid
    trunk = polygon_mask(view.canvas, model.torso_polygon) > 0
    trunk &= (model.labels == TORSO) & solid
    hair = (model.labels == HEAD_PART) & ~cv2.dilate(face.astype(np.uint8), disc(max(2, round(0.15 * model.head_radius)))).astype(bool)
    hair &= solid
    if own.sum() < LEAST_PIXELS or trunk.sum() < LEAST_PIXELS:
        return None
    lab = cv2.cvtColor(view.foreground, cv2.COLOR_RGB2LAB).astype(np.int64) // np.array([16, 8, 8])
    bins = (lab[..., 0] * 32 + lab[..., 1]) * 32 + lab[..., 2]

    def shares(mask: np.ndarray) -> np.ndarray:
        counts = np.bincount(bins[mask], minlength=16 * 32 * 32).reshape(16, 32, 32).astype(np.float32)
        return gaussian_filter(counts, (1.6, 0.9, 0.9)).ravel() / max(float(counts.sum()), 1.0)

    of_cloth, of_skin = shares(trunk), shares(own)
    others = of_cloth
    if hair.sum() >= LEAST_PIXELS:
        others = np.maximum(others, shares(hair))
    ratio = np.log(of_skin + 1e-6) - np.log(others + 1e-6)
    cloth = np.log(of_cloth + 1e-6) - np.log(of_skin + 1e-6)
    skin = cv2.blur(ratio[bins].astype(np.float32), (5, 5)) > 0
    return skin, cv2.blur(cloth[bins].astype(np.float32), (3, 3)) > CLEARLY_CLOTH


def _skin_on_axis(view: SubjectView, model: PartModel, arm: int, skin: np.ndarray) -> float | None:
    """Share of skin along the arm between shoulder and wrist (the lesser of both bones); None where it is not on the picture."""
    if view.joint_confidence[list(LIMB_JOINTS[arm][:3])].min() < 0.4:
        return None
    shares = []
    for bone in range(2):
        start, end = (view.joints[joint, :2].astype(np.float64) for joint in LIMB_JOINTS[arm][bone : bone + 2])
        distance, along = distance_to_segment(pixel_centres(*view.canvas), start, end)
        axis = (distance < AXIS_SHARE * model.limb_radii[arm][bone]) & (along > 0.2) & (along < 0.9) & (view.alpha > 0.8)
        if axis.sum() < LEAST_PIXELS:
            return None
        shares.append(float(skin[axis].mean()))
    return min(shares) if max(shares) > HIDDEN_SKIN else max(shares)


def _flank_below_the_hem(view: SubjectView, model: PartModel, arm: int, skin: np.ndarray, cloth: np.ndarray) -> np.ndarray:
    """The trunk's cloth below a short sleeve that hangs together with the trunk -> bool [H,W]: the flank beside a lowered arm."""
    start, end = (view.joints[joint, :2].astype(np.float64) for joint in LIMB_JOINTS[arm][:2])
    own = model.labels == arm
    centres = pixel_centres(*view.canvas)
    distance, along = distance_to_segment(centres, start, end)
    axis = own & (distance < AXIS_SHARE * model.limb_radii[arm][0])
    below = np.ones(view.canvas, bool)
    for low in np.arange(0.9, -0.05, -0.1):  # from the elbow up to where the sleeve begins
        band = axis & (along >= low) & (along < low + 0.1)
        if band.any() and skin[band].mean() < 0.5:
            below = (centres - start) @ (end - start) > (low + HEM_MARGIN) * float((end - start) @ (end - start))
            break
    count, piece = cv2.connectedComponents((own & below & cloth).astype(np.uint8))
    beside = cv2.dilate((model.labels == TORSO).astype(np.uint8), disc(1)) > 0
    touching = np.bincount(piece[beside], minlength=count) > 0
    touching[0] = False
    return touching[piece]


def _from_axis(view: SubjectView, arm: int, hand_factor: float) -> np.ndarray:
    """Distance from the arm's bones in usual radii [H,W]; the hand's counts as `hand_factor` times as thick."""
    nearest = np.full(view.canvas, np.inf, np.float32)
    chain, centres = LIMB_JOINTS[arm], pixel_centres(*view.canvas)
    for bone, usual in enumerate(ARM_RADII):
        start, end = (view.joints[joint, :2] for joint in chain[bone : bone + 2])
        radius = usual * view.torso_px * (hand_factor if bone == 2 else 1.0)
        nearest = np.minimum(nearest, distance_to_segment(centres, start, end)[0] / radius)
    return nearest
