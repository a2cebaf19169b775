"""Pictures in profile: the far arm and leg are behind the body, the near arm lies on the trunk, and the joints tell no width.

Not here: which way a picture faces (subject/rig.py). Called by prepared_view.py, part_model.py, mesh.py and deform.py.
A hidden limb is drawn as a copy of the near one: seen from the side both look alike, and the picture has nothing better.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, NECK, PELVIS, RIGHT_ARM, RIGHT_LEG
from ..types import SubjectView
from .capsules import unit
from .plate import push_pull

PROFILE_SINE = 0.87  # 60 to 120 degrees
HIDDEN = 0.5  # mean confidence of what hangs on a hidden limb's root; detectors give 0 to 0.3, and 1 to one that is seen
SIDES = ((LEFT_ARM, RIGHT_ARM), (LEFT_LEG, RIGHT_LEG))
SLIMMEST, WIDEST = 0.12, 0.40  # from the spine to the chest or the back, torso lengths
HEIGHTS = ((0.12, 0.22, 0.32, 0.42), (0.62, 0.72, 0.82, 0.92))  # along the spine: where upper and lower trunk are measured
ROOT_COVER, ROOT_TAPER = 0.15, 0.5
OVER_TRUNK = 0.10  # torso lengths
LEG_UNDER_ARM = 1.2  # half-widths of the leg
SQUEEZE = 8
# cloth this wide (torso lengths) that narrows so much within the reach ends in a hem
HEM_ABOVE, HEM_NARROWS, HEM_REACH, HEM_OVER = 0.45, 0.75, 0.10, 1.2


def in_profile(view: SubjectView) -> bool:
    """Whether the trunk is seen from the side."""
    return abs(float(np.sin(view.yaw))) > PROFILE_SINE


def hidden_limbs(view: SubjectView) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """(hidden joints, joints of the near limb) per limb that is behind the body; empty unless in profile.

    Someone who faces the picture's right turns the right side to the camera.
    """
    if not in_profile(view):
        return ()
    near, far = (1, 0) if view.yaw > 0 else (0, 1)
    pairs = ((pair[far], pair[near]) for pair in SIDES)
    return tuple((hidden, seen) for hidden, seen in pairs if view.joint_confidence[list(hidden[1:])].mean() < HIDDEN)


def with_hidden_limbs(view: SubjectView) -> SubjectView:
    """The view with its hidden limbs laid on the near ones (joints and hand points), without confidence; others unchanged."""
    hidden = hidden_limbs(view)
    if not hidden:
        return view
    joints, confidence, keypoints = view.joints.copy(), view.joint_confidence.copy(), view.keypoints
    for far, near in hidden:
        joints[list(far), :2] = view.joints[list(near), :2]  # depths stay: between the shoulders they are the trunk's width
        confidence[list(far[1:])] = 0.0
        if far in SIDES[0]:
            side = SIDES[0].index(far)
            hands, seen = keypoints.hands.copy(), keypoints.hands_confidence.copy()
            hands[side], seen[side] = hands[1 - side], seen[1 - side]
            keypoints = replace(keypoints, hands=hands, hands_confidence=seen)
    return replace(view, joints=joints, joint_confidence=confidence, keypoints=keypoints)


def side_polygon(view: SubjectView) -> np.ndarray:
    """The trunk's outline [4,2] px in profile, ordered as any torso polygon; its width is measured on the matte."""
    neck, pelvis = (view.joints[joint, :2].astype(np.float64) for joint in (NECK, PELVIS))
    down = unit(pelvis - neck)
    across = np.array([down[1], -down[0]])
    corners = []
    for end, heights in zip((neck, pelvis), HEIGHTS, strict=True):
        starts = [neck + share * (pelvis - neck) for share in heights]
        corners.append([end + side * across * _reach(view, starts, side * across) for side in (1.0, -1.0)])
    return np.array([*corners[0], *corners[1][::-1]])


def under_trunk(view: SubjectView, polygon: np.ndarray) -> np.ndarray:
    """The trunk's polygon [4,2] with what it covers of the legs: in profile a leg's root is narrower than the hips it hangs on.

    [6,2] in profile: tapered, so that no corner stands off a leg that swings.
    """
    if not in_profile(view):
        return polygon
    down = ROOT_COVER * (view.joints[PELVIS, :2] - view.joints[NECK, :2])
    middle = polygon[2:].mean(0)
    return np.array([*polygon[:3], *(middle + ROOT_TAPER * (polygon[2:] - middle) + down), polygon[3]])


def _reach(view: SubjectView, starts: list[np.ndarray], direction: np.ndarray) -> float:
    """Median length, px, of the matte from the starting points onwards, within what a trunk can measure."""
    torso = view.torso_px
    steps = np.arange(0.0, WIDEST * torso)
    lengths = []
    for start in starts:
        column, row = np.floor(start + steps[:, None] * direction).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < view.canvas.width) & (row < view.canvas.height)
        covered = inside & (view.alpha[row.clip(0, view.canvas.height - 1), column.clip(0, view.canvas.width - 1)] > 0.4)
        lengths.append(len(steps) if covered.all() else int(np.argmin(covered)))
    return float(np.clip(np.median(lengths), SLIMMEST * torso, WIDEST * torso))


def laid_over(arm: np.ndarray, trunk: np.ndarray) -> np.ndarray:
    """Signed distances (torso lengths) from an arm, such that inside its outline it is nearer than the trunk it lies on."""
    return np.where(arm < 0, np.minimum(arm, trunk) - OVER_TRUNK, arm)


def legs_under_arm(view: SubjectView, from_leg: np.ndarray, below_hips: np.ndarray, on_arm: np.ndarray) -> np.ndarray:
    """Where a leg goes on beneath the near arm, in profile -> bool. from_leg: distance from its bones in its half-widths."""
    return on_arm & below_hips & (from_leg < LEG_UNDER_ARM) if in_profile(view) else np.zeros_like(on_arm)


def fill_across(colour: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Unknown pixels from the known ones beside rather than above and below them: what an arm hides of a trunk.

    colour float32 [h,w,3], known bool [h,w] -> [h,w,3]. Push-pull on a copy squeezed sideways.
    """
    height, width = known.shape
    narrow = max(1, width // SQUEEZE)
    weight = known.astype(np.float32)
    mass = cv2.resize(weight, (narrow, height), interpolation=cv2.INTER_AREA)
    mean = cv2.resize(colour * weight[..., None], (narrow, height), interpolation=cv2.INTER_AREA) / np.maximum(mass, 1e-6)[..., None]
    filled = push_pull(mean, np.minimum(1.0, mass * SQUEEZE))
    return np.where(known[..., None], colour, np.clip(cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1))


def hem_row(view: SubjectView, cloth: np.ndarray, arms: np.ndarray) -> int | None:
    """The row where a skirt or coat ends, in profile; None for trousers. bool [H,W]: cloth = trunk and legs; arms may hide it.

    It ends where the figure suddenly becomes narrower, or at the ankles if it is still wide there.
    """
    torso = view.torso_px
    leg = list(RIGHT_LEG if view.yaw > 0 else LEFT_LEG)[:3]
    hip, knee, ankle = (float(view.joints[joint, 1]) for joint in leg)
    reach = max(2, round(HEM_REACH * torso))
    first, last = int(max(0.0, hip + 0.15 * torso)), int(min(ankle - 0.1 * torso, len(cloth) - reach - 1))
    rows = np.arange(first, last)
    if not len(rows):
        return None
    axis = np.interp(np.arange(len(cloth)), view.joints[leg, 1], view.joints[leg, 0])
    widths = np.array([_width_about(cloth[row], arms[row], int(axis[row])) for row in range(len(cloth))])
    widths = np.convolve(widths, np.ones(3) / 3, "same")
    ends = (widths[rows] > HEM_ABOVE * torso) & (widths[rows + reach] < HEM_NARROWS * widths[rows])
    if ends.any():
        hem = int(rows[ends][0]) + reach
        below = widths[hem : hem + 2 * reach]
        return hem + int(np.argmax(below < HEM_OVER * below.min()))  # a hem seen from the side is not level
    shin = int(np.clip((knee + ankle) / 2, 0, len(widths) - 1))
    return last if widths[shin] > HEM_ABOVE * torso else None


def _width_about(cloth: np.ndarray, arm: np.ndarray, column: int) -> float:
    """Extent, px, of the cloth [W] that hangs together about a column; an arm before it bridges it and adds nothing outside."""
    gaps = np.flatnonzero(~(cloth | arm))
    left, right = gaps[gaps < column].max(initial=-1) + 1, gaps[gaps > column].min(initial=len(cloth))
    inside = np.flatnonzero(cloth[left:right])
    return float(np.ptp(inside) + 1) if len(inside) else 0.0
