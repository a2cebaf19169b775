"""Cuts the character out of a still picture and frees its edge of the old background. The best source wins.

Not here: networks (extractor.py gives `probability`), rigs (subject/). Called by subject/library.py.
Order: the user's mask, the picture's own alpha channel, a uniform backdrop (backdrop_cutout.py), else the scene
(scene_cutout.py) with a closed-form soft edge. What backdrop or scene gave is then corrected by a small network
(matte_refinement.py) where its weights are there.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import cv2
import numpy as np

from ..errors import PoseError
from ..types import PictureKeypoints
from .backdrop_cutout import Backdrop, backdrop_alpha, cut_from_backdrop, find_backdrop
from .body_capsules import SkeletonMasks, skeleton_masks
from .closed_form_matting import solve_alpha
from .foreground_colours import foreground_colours
from .matte_network import MatteNetwork
from .matte_refinement import built_in_network, corrected_matte
from .scene_cutout import certain_inside, claimed_part, cut_from_scene

WORK_SIDE_PX = 768
"""long side at which soft edges are solved"""
SEED_SIDE_PX = 512
LEAST_TRANSPARENT_SHARE = 0.02
LEAST_AREA, MOST_AREA = 0.01, 0.97


class PictureMatte(NamedTuple):
    """alpha float32 [H,W] 0..1; foreground uint8 [H,W,3] colours continued under soft edges; method: "user mask",
    "alpha channel", "backdrop", "scene" or "none"; problems: what a user should check, plain sentences."""

    alpha: np.ndarray
    foreground: np.ndarray
    method: str
    problems: tuple[str, ...]


def picture_matte(
    rgb: np.ndarray,
    keypoints: PictureKeypoints,
    probability: np.ndarray | None,
    alpha: np.ndarray | None = None,
    user_mask: np.ndarray | None = None,
    network: MatteNetwork | Literal["built in"] | None = "built in",
) -> PictureMatte:
    """Cut-out of the character in a picture uint8 [H,W,3] (or [H,W,4], whose fourth channel is then `alpha`).

    keypoints: on that picture; probability: float32 [H,W] of the person segmentation, or None; alpha: uint8 or float
    [H,W]; user_mask: bool, uint8 or float in 0..1, any size, stretched to the picture.
    network: corrects a cut-out that neither mask nor alpha channel gave; None: the analytic cut-out as it is.
    Raises PoseError for wrong shapes.
    """
    rgb, alpha = _checked(rgb, alpha)
    height, width = rgb.shape[:2]
    if user_mask is not None:
        found, method = _soft_user_mask(rgb, _as_unit(user_mask)), "user mask"
    elif alpha is not None and (alpha_unit := _as_unit(alpha)) is not None and _is_meaningful(alpha_unit):
        found, method = alpha_unit, "alpha channel"
    else:
        segmented = np.zeros((height, width), np.float32) if probability is None else probability.astype(np.float32)
        found, method = analytic_matte(rgb, keypoints, segmented)
        chosen = built_in_network() if network == "built in" else network
        if chosen is not None and method != "none":
            found = corrected_matte(rgb, keypoints, segmented, found, chosen)
    problems = _problems(found, keypoints, method)
    return PictureMatte(found, foreground_colours(rgb, found), method, problems)


def analytic_matte(rgb: np.ndarray, keypoints: PictureKeypoints, probability: np.ndarray) -> tuple[np.ndarray, str]:
    """Alpha float32 [H,W] and method ("backdrop", "scene" or "none") from segmentation, skeleton and colours alone.

    rgb uint8 [H,W,3]; probability float32 [H,W] of the person segmentation.
    """
    height, width = rgb.shape[:2]
    factor = min(1.0, WORK_SIDE_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    picture = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    likely = cv2.resize(probability, size, interpolation=cv2.INTER_AREA)
    skeleton = skeleton_masks(keypoints, likely.shape, factor)
    backdrop = find_backdrop(picture, certain_inside(likely, skeleton))
    if backdrop is not None:
        mask = cut_from_backdrop(backdrop, skeleton, likely)
        is_sure = _is_segmentation_sure(likely, keypoints, skeleton, mask)
        if not is_sure and _is_plausible(mask, likely, skeleton):
            soft = soften_edge(picture, mask, skeleton, backdrop_alpha(picture, backdrop, mask))
            return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), "backdrop"
    if not (likely > 0.5).any():
        return np.zeros((height, width), np.float32), "none"
    mask = _scene_mask(picture, likely, keypoints, factor, backdrop)
    soft = soften_edge(picture, mask, skeleton)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), "scene"


def _is_segmentation_sure(
    likely: np.ndarray, keypoints: PictureKeypoints, skeleton: SkeletonMasks, backdrop_mask: np.ndarray
) -> bool:
    """A detected human whose bones lie inside a segmentation that hesitates nowhere, with a face or a matching backdrop."""
    bones = skeleton.bones > 0
    if keypoints.detection < 0.5 or not bones.any():
        return False
    claimed = claimed_part(likely, skeleton)
    agreement = (claimed & backdrop_mask).sum() / max((claimed | backdrop_mask).sum(), 1)
    if keypoints.face_confidence < 0.5 and agreement < 0.85:
        return False
    near = cv2.dilate(claimed.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    hesitant = near & (likely > 0.1) & (likely < 0.9)
    return bool(claimed[bones].mean() > 0.9 and hesitant.sum() < 0.35 * max(claimed.sum(), 1))


def _scene_mask(
    picture: np.ndarray, likely: np.ndarray, keypoints: PictureKeypoints, factor: float, backdrop: Backdrop | None
) -> np.ndarray:
    """The hard cut, made at a smaller size for speed."""
    shrink = min(1.0, SEED_SIDE_PX / max(likely.shape))
    size = (max(round(likely.shape[1] * shrink), 1), max(round(likely.shape[0] * shrink), 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small_likely = cv2.resize(likely, size, interpolation=cv2.INTER_AREA)
    skeleton = skeleton_masks(keypoints, small_likely.shape, factor * shrink)
    empty = None if backdrop is None else cv2.resize(backdrop.empty.astype(np.float32), size) > 0.5
    mask = cut_from_scene(small, small_likely, skeleton, empty)
    return cv2.resize(mask.astype(np.float32), likely.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5


def soften_edge(
    picture: np.ndarray, mask: np.ndarray, skeleton: SkeletonMasks, guess: np.ndarray | None = None
) -> np.ndarray:
    """Alpha float32 [H,W] of a hard mask: solved in a narrow band, a wide one round the head (hair).

    guess: alpha the solution leans on (default: the mask with a soft edge).
    """
    side = max(mask.shape)
    narrow, wide = max(round(side / 256), 2), max(round(side / 90), 4)
    hard = mask.astype(np.uint8)
    band = _band(hard, narrow)
    if skeleton.head is not None:
        x, y, radius = skeleton.head
        hair = np.zeros_like(hard)
        cv2.circle(hair, (int(x), int(y - 0.3 * radius)), int(2.4 * radius) + wide, 1, -1)
        band |= _band(hard, wide) & (hair > 0)
    band &= skeleton.bones == 0
    known = np.where(band, 0.5, hard).astype(np.float32)
    if guess is None:
        guess = cv2.GaussianBlur(hard.astype(np.float32), (0, 0), 1.0)
    solved = solve_alpha(picture.astype(np.float32) / 255, known, guess)
    return ((solved - 0.5) * 1.15 + 0.5).clip(0, 1)


def _band(hard: np.ndarray, radius: int) -> np.ndarray:
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return (cv2.dilate(hard, element) - cv2.erode(hard, element, borderValue=1)) > 0


def _soft_user_mask(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The user's mask at picture size; a hard one gets a soft edge a few pixels wide, solved on the colours."""
    height, width = rgb.shape[:2]
    is_hard = float(((mask > 0.05) & (mask < 0.95)).mean()) < 0.002
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    if not is_hard:
        return mask
    factor = min(1.0, WORK_SIDE_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    picture = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    hard = (small > 0.5).astype(np.uint8)
    known = np.where(_band(hard, 2), 0.5, hard).astype(np.float32)
    solved = solve_alpha(picture.astype(np.float32) / 255, known, cv2.GaussianBlur(small, (0, 0), 0.7))
    return cv2.resize(solved, (width, height), interpolation=cv2.INTER_LINEAR)


def _is_plausible(mask: np.ndarray, likely: np.ndarray, skeleton: SkeletonMasks) -> bool:
    """A backdrop cut must have a sensible size, hold the bones and agree with a confident segmentation."""
    if not LEAST_AREA < mask.mean() < 0.9:
        return False
    bones = skeleton.bones > 0
    if bones.any() and mask[bones].mean() < 0.8:
        return False
    sure = likely > 0.9
    return not (sure.mean() > 0.03 and mask[sure].mean() < 0.85)


def _is_meaningful(alpha: np.ndarray) -> bool:
    transparent = float((alpha < 0.5).mean())
    return LEAST_TRANSPARENT_SHARE < transparent < 1 - LEAST_AREA


def _problems(alpha: np.ndarray, keypoints: PictureKeypoints, method: str) -> tuple[str, ...]:
    problems = []
    area = float((alpha > 0.5).mean())
    if area < LEAST_AREA:
        problems.append("No character could be cut out of the picture; connect a mask")
    elif area > MOST_AREA:
        problems.append("The cut-out fills the whole picture; connect a mask")
    if keypoints.detection > 0.35 and method == "scene":
        skeleton = skeleton_masks(keypoints, alpha.shape, 1.0)
        bones = skeleton.bones > 0
        if bones.any() and float((alpha[bones] > 0.5).mean()) < 0.85:
            problems.append("Parts of the body lie outside the cut-out; connect a mask")
    return tuple(problems)


def _as_unit(mask: np.ndarray) -> np.ndarray:
    values = np.asarray(mask)
    if values.ndim == 3:
        values = values[..., -1] if values.shape[-1] in (1, 4) else values[0] if values.shape[0] == 1 else values.max(-1)
    scale = 255.0 if values.dtype == np.uint8 and values.max(initial=0) > 1 else 1.0
    return np.nan_to_num(values.astype(np.float32) / scale).clip(0, 1)


def _checked(rgb: np.ndarray, alpha: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    if not (isinstance(rgb, np.ndarray) and rgb.dtype == np.uint8 and rgb.ndim == 3 and rgb.shape[2] in (3, 4)):
        raise PoseError(
            "This is not a picture",
            got=f"{getattr(rgb, 'dtype', type(rgb).__name__)} {getattr(rgb, 'shape', '')}",
            expected="uint8 [H,W,3] or [H,W,4]",
            remedy="Hand in an RGB picture",
        )
    if rgb.shape[2] == 4:
        alpha = rgb[..., 3] if alpha is None else alpha
        rgb = np.ascontiguousarray(rgb[..., :3])
    return rgb, alpha
