"""The control of the retargeting table: limbs of a 2-D skeleton rescaled one by one, as pose packs for diffusion models do.

Every limb's vector in the picture is multiplied by (character's limb / driver's limb), both measured in the picture, left and
right averaged; limbs are then chained from the pelvis, which starts where the picture has it. Kinder than the packs, which
measure the driver in one frame only: here the driver's limb is its median over the clip. Source: the pose alignment
of MusePose and UniAnimate. Not used by the product.
"""

from __future__ import annotations

import numpy as np

from ..pose.skeleton_layouts import PELVIS, RIG_BONE_PAIRS, RIG_BONES, bone_vectors, rig_joints
from ..types import HolisticMotion, SubjectView

LEG_BONES = (11, 12, 15, 16)
LARGEST_RATIO = 10.0


def rescale_2d(motion: HolisticMotion, view: SubjectView) -> np.ndarray:
    """Joints [T,19,2] px on the character's picture."""
    driver = rig_joints(motion.body.astype(np.float64))
    vectors = bone_vectors(driver)
    ratio = _limb_ratios(np.median(np.linalg.norm(vectors, axis=-1), axis=0), view)
    joints = np.zeros_like(driver)
    for bone, (child, parent) in enumerate(RIG_BONES):
        joints[:, child] = joints[:, parent] + vectors[:, bone] * ratio[bone]
    path = driver[:, PELVIS] - driver[0, PELVIS]
    joints += (path * ratio[list(LEG_BONES)].mean())[:, None]
    return joints + view.joints[PELVIS, :2]


def _limb_ratios(driver_px: np.ndarray, view: SubjectView) -> np.ndarray:
    """Character's over driver's length in the picture of every bone [18]."""
    own_px = np.linalg.norm(bone_vectors(view.joints[:, :2].astype(np.float64)), axis=-1)
    ratio = own_px / np.maximum(driver_px, 1e-3)
    for left, right in RIG_BONE_PAIRS:
        ratio[left] = ratio[right] = (own_px[left] + own_px[right]) / max(driver_px[left] + driver_px[right], 1e-3)
    return np.minimum(ratio, LARGEST_RATIO)
