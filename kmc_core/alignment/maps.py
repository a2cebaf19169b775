"""The alignment as the network sees it: one stack of maps per frame.

Not here: how the network uses them (dit/). Called by sampling and training on frames drawn at the network's own size.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from ..pose.skeleton_layouts import HEAD, NECK, PELVIS, RIG_BONES
from .aligned_frame import AlignedFrame
from .part_model import ARM_RADII, FACE, HEAD_PART, L_ARM, L_HAND, L_LEG, LEG_RADII, R_ARM, R_HAND, R_LEG, TORSO, PartModel
from .plate import Plate

MAP_CHANNELS = (
    "red", "green", "blue", "alpha", "torso", "head", "arms", "legs", "hands", "depth", "real", "stretch", "confidence",
    "view_gap", "plate_red", "plate_green", "plate_blue", "plate_invented", "temporal_residual", "pose_raster", "hole",
)  # fmt: skip
PART_GROUPS = ((TORSO,), (HEAD_PART, FACE), (L_ARM, R_ARM), (L_LEG, R_LEG), (L_HAND, R_HAND))
SUBPIXEL_BITS = 4
# half-widths of the drawn pose in torso lengths, per RIG_BONES, of a usual body; hands and feet, flat things seen from any
# side, are drawn as thin as they can be
HAND_RADIUS, FOOT_RADIUS = 0.06, 0.08
_ARM, _LEG = (*ARM_RADII[:2], HAND_RADIUS), (*LEG_RADII[:2], FOOT_RADIUS)
POSE_RADII = np.array([0.16, 0.11, 0.1, *_ARM, 0.1, *_ARM, 0.12, *_LEG, 0.12, *_LEG]) * 0.6
LIMB_BONES = {L_ARM: (3, 4), R_ARM: (7, 8), L_LEG: (11, 12), R_LEG: (15, 16)}  # the two long bones of each, in RIG_BONES
OWN_SHARE, TAPER = 0.55, 1.4


def pose_radii(model: PartModel, torso_px: float) -> np.ndarray:
    """POSE_RADII [18] of one character: no limb is drawn wider than OWN_SHARE of what its matte measured.

    Drawn too wide, the background between slim legs would count as a hole in the body, and be painted over. A skirt is
    measured as a thigh; so an upper bone is never drawn wider than TAPER times the lower one.
    """
    radii = POSE_RADII.copy()
    for part, bones in LIMB_BONES.items():
        for bone, measured in zip(bones, model.limb_radii[part], strict=False):
            radii[bone] = min(radii[bone], OWN_SHARE * float(measured) / max(torso_px, 1e-6))
        upper, lower = bones
        radii[upper] = min(radii[upper], TAPER * radii[lower])
    return radii


def network_maps(
    frame: AlignedFrame,
    previous: AlignedFrame | None,
    plate: Plate,
    joints: np.ndarray,
    joint_confidence: np.ndarray,
    radii: np.ndarray = POSE_RADII,
) -> Tensor:
    """Stack of maps float32 [21,H,W] in the order of MAP_CHANNELS.

    previous: the aligned frame before (None: no residual); plate: of the same canvas; joints [19,2|3] px of the canvas;
    radii [18] of the drawn bones in torso lengths (pose_radii).
    Colours (over the plate) and plate -1..1; depth in torso lengths and stretch clipped to -1..1; all others 0..1.
    """
    alpha = frame.alpha[None]
    background = torch.from_numpy(plate.rgb).permute(2, 0, 1).float() / 255
    shown = over_plate(frame, background)
    parts = [torch.isin(frame.part, torch.tensor(group, dtype=torch.int16))[None] * alpha for group in PART_GROUPS]
    residual = torch.zeros_like(alpha)
    if previous is not None:
        residual = (shown - over_plate(previous, background)).abs().mean(0, keepdim=True)
    pose = torch.from_numpy(pose_raster(joints, joint_confidence, frame.alpha.shape, radii))[None]
    stack = [
        shown * 2 - 1,
        alpha,
        *parts,
        frame.depth[None].clamp(-1, 1),
        frame.real[None],
        frame.stretch[None].clamp(-1, 1),
        frame.confidence[None],
        torch.full_like(alpha, 0.5 + 0.5 * frame.view_gap),
        background * 2 - 1,
        torch.from_numpy(plate.invented)[None],
        residual,
        pose,
        (pose > 0.25) * (1 - alpha),
    ]
    return torch.cat(stack).float()


def over_plate(frame: AlignedFrame, background: Tensor) -> Tensor:
    """The aligned character over a background [3,H,W] 0..1 -> [3,H,W] 0..1."""
    return (frame.rgb + background * (1 - frame.alpha)).clamp(0, 1)


def pose_raster(
    joints: np.ndarray, joint_confidence: np.ndarray, shape: tuple[int, int], radii: np.ndarray = POSE_RADII
) -> np.ndarray:
    """The pose as solid bones and a head, each as bright as it is certain -> float32 [H,W] 0..1."""
    length = joints.shape[1]
    torso = max(float(np.linalg.norm(joints[NECK, :length] - joints[PELVIS, :length])), 2.0)
    limit = 8 * max(shape)
    raster = np.zeros(tuple(shape), np.uint8)
    points = np.clip(joints[:, :2], -limit, limit) - 0.5
    order = np.argsort([min(joint_confidence[a], joint_confidence[b]) for a, b in RIG_BONES], kind="stable")
    for bone in order:  # certain bones are drawn last
        child, parent = RIG_BONES[bone]
        brightness = float(np.clip(min(joint_confidence[child], joint_confidence[parent]), 0, 1))
        ends = [tuple(int(v) for v in np.round(points[joint] * (1 << SUBPIXEL_BITS))) for joint in (parent, child)]
        thickness = max(1, round(2 * radii[bone] * torso))
        cv2.line(raster, ends[0], ends[1], round(255 * brightness), thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    centre = tuple(int(v) for v in np.round(points[HEAD] * (1 << SUBPIXEL_BITS)))
    radius = max(1, round(0.16 * torso)) << SUBPIXEL_BITS
    brightness = round(255 * float(np.clip(joint_confidence[HEAD], 0, 1)))
    cv2.circle(raster, centre, radius, brightness, -1, cv2.LINE_AA, SUBPIXEL_BITS)
    return raster.astype(np.float32) / 255
