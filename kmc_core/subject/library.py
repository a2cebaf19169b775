"""Pictures of one character become a SubjectLibrary: cut out, rigged, measured, judged.

Not here: networks (the extractor comes in as an argument), mattes (pose/picture_matte.py), files (storage.py).
Called by nodes, evaluation and training.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

import cv2
import numpy as np

from ..errors import SubjectError
from ..pose.picture_matte import picture_matte
from ..types import Canvas, PictureKeypoints, Progress, SubjectLibrary, SubjectView
from .corrections import ViewCorrections, correct_keypoints
from .facing import facing_as_stated, turned_as_stated
from .gate import LOW_DETECTION, rig_problems
from .rig import Rig, build_rig, without_false_face

logger = logging.getLogger(__name__)

UNCORRECTED = ViewCorrections()

LONG_SIDE_PX = 1280
MOST_VIEWS = 7
USABLE_DETECTION = 0.1
ASPECT_TOLERANCE = 0.03
LEAST_TRANSPARENT = 0.02


class PictureExtractor(Protocol):
    """What is needed of pose.extractor.HolisticExtractor."""

    def picture(self, rgb: np.ndarray) -> PictureKeypoints: ...

    def person_mask(self, rgb: np.ndarray, keypoints: PictureKeypoints) -> np.ndarray: ...


def build_subject(
    pictures: Sequence[np.ndarray],
    extractor: PictureExtractor | None,
    *,
    masks: Sequence[np.ndarray | None] = (),
    keypoints: Sequence[PictureKeypoints | None] = (),
    corrections: Mapping[int, ViewCorrections] = MappingProxyType({}),
    facings: Sequence[float | None] = (),
    name: str = "character",
    progress: Progress | None = None,
) -> SubjectLibrary:
    """Build the library of one character from 1 to 7 pictures.

    pictures: uint8 [H,W,3|4]; a fourth channel that is not solid is the matte. masks: float or uint8 [H,W] per picture or
    None, 1 (255) = character, same aspect. keypoints: on the picture as handed in, or None to let the extractor look.
    corrections: joints put right by hand, by index of the picture; they overrule whatever was found.
    facings: which way each picture faces, radians as in facing.read_facings, or None to let it be found.
    The primary view is the most frontal one that is well seen; it sets canvas, bone lengths and background.
    Raises SubjectError for no or too many pictures, a wrong array, a mask of another shape, nobody found.
    """
    if not 1 <= len(pictures) <= MOST_VIEWS:
        raise SubjectError(
            "Wrong number of pictures", got=f"{len(pictures)}", expected=f"1 to {MOST_VIEWS} pictures of one character",
            remedy="Connect at least one picture" if not pictures else "Leave out the pictures that show least",
        )  # fmt: skip
    views, rigs = [], []
    for index, picture in enumerate(pictures):
        if progress is not None:
            progress(index, len(pictures), "Cutting out and rigging the character")
        mask = masks[index] if index < len(masks) else None
        given = keypoints[index] if index < len(keypoints) else None
        corrected = corrections.get(index, UNCORRECTED)
        facing = facings[index] if index < len(facings) else None
        view, rig = build_view(
            picture, extractor, mask=mask, keypoints=given, corrections=corrected, facing=facing, number=index + 1
        )
        views.append(view)
        rigs.append(rig)
    if progress is not None:
        progress(len(pictures), len(pictures), "Character ready")
    return assemble_library(name, views, rigs)


def build_view(
    picture: np.ndarray,
    extractor: PictureExtractor | None,
    *,
    mask: np.ndarray | None = None,
    keypoints: PictureKeypoints | None = None,
    corrections: ViewCorrections = UNCORRECTED,
    facing: float | None = None,
    number: int = 1,
) -> tuple[SubjectView, Rig]:
    """One picture cut out and rigged; arguments as in `build_subject`, `number` names the picture in messages."""
    _check_picture(picture, number)
    working = working_picture(picture)
    canvas = Canvas(*working.shape[:2])
    rgb = _on_grey(working)
    user_mask = None if mask is None else _working_mask(mask, picture, canvas, number)
    if keypoints is not None:
        keypoints = scaled_keypoints(keypoints, canvas.width / picture.shape[1])
    elif extractor is not None:
        keypoints = extractor.picture(rgb)
    if keypoints is not None:
        keypoints = without_false_face(keypoints) if facing is None else turned_as_stated(keypoints, facing)
        keypoints = correct_keypoints(keypoints, corrections.joints, canvas)
    if keypoints is None or _nobody(keypoints):
        raise _nobody_error(number, canvas)
    needs_segmentation = user_mask is None and not _has_transparency(working) and extractor is not None
    probability = extractor.person_mask(rgb, keypoints) if needs_segmentation else None
    matte = picture_matte(working, keypoints, probability, user_mask=user_mask)
    if not keypoints.user_supplied and keypoints.detection < USABLE_DETECTION and matte.alpha.max() < 0.5:
        raise _nobody_error(number, canvas)
    logger.info("picture %d: cut out by %s, detection %.2f", number, matte.method, keypoints.detection)
    rig = build_rig(keypoints, canvas)
    rig = rig if facing is None else facing_as_stated(rig, facing)
    view = SubjectView(
        picture=rgb,
        alpha=np.clip(matte.alpha, 0, 1).astype(np.float32),
        foreground=matte.foreground,
        keypoints=keypoints,
        joints=rig.joints,
        joint_confidence=rig.confidence,
        torso_px=rig.torso_px,
        yaw=rig.yaw,
        head_yaw=rig.head_yaw,
        problems=matte.problems + rig_problems(keypoints, rig, matte.alpha, corrections.rig_indices),
    )
    return view, rig


def assemble_library(name: str, views: Sequence[SubjectView], rigs: Sequence[Rig]) -> SubjectLibrary:
    """Choose the primary view and bring bone lengths of all views to its pixels.

    A bone the primary picture does not show is taken from the first view that does.
    """
    primary = int(np.argmax([_clarity(view) - 0.02 * index for index, view in enumerate(views)]))
    base = rigs[primary]
    scale = np.array([_scale_between(base, rig, views[primary], view) for rig, view in zip(rigs, views, strict=True)], np.float32)
    lengths, known = base.lengths.copy(), base.known.copy()
    for rig, ratio in zip(rigs, scale, strict=True):
        fresh = rig.known & ~known
        lengths[fresh] = rig.lengths[fresh] * ratio
        known |= fresh
    return SubjectLibrary(name, tuple(views), primary, lengths.astype(np.float32), known, scale)


def working_picture(picture: np.ndarray, long_side: int = LONG_SIDE_PX) -> np.ndarray:
    """`picture` [H,W,C] reduced by area averaging to at most long_side px, never enlarged."""
    ratio = long_side / max(picture.shape[:2])
    if ratio >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * ratio)), max(1, round(picture.shape[0] * ratio)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def scaled_keypoints(keypoints: PictureKeypoints, ratio: float) -> PictureKeypoints:
    """Keypoints in pixels of a picture `ratio` times as large."""
    return replace(
        keypoints,
        body=(keypoints.body * ratio).astype(np.float32),
        hands=(keypoints.hands * ratio).astype(np.float32),
        face=(keypoints.face * ratio).astype(np.float32),
    )


def _check_picture(picture: np.ndarray, number: int) -> None:
    right = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3
    if not right or picture.shape[2] not in (3, 4) or min(picture.shape[:2]) < 16:
        raise SubjectError(
            f"Picture {number} cannot be used",
            got=f"{getattr(picture, 'dtype', type(picture).__name__)} {getattr(picture, 'shape', '')}",
            expected="uint8 [H,W,3] or [H,W,4]",
            remedy="Load it with a picture loader",
        )


def _working_mask(mask: np.ndarray, picture: np.ndarray, canvas: Canvas, number: int) -> np.ndarray:
    mask = np.asarray(mask)
    aspect = (mask.shape[1] / mask.shape[0]) / (picture.shape[1] / picture.shape[0]) if mask.ndim == 2 and mask.size else 0.0
    if abs(aspect - 1) > ASPECT_TOLERANCE:
        raise SubjectError(
            f"The mask of picture {number} does not belong to it",
            got=f"a mask of shape {mask.shape}", expected=f"the aspect of the picture, {picture.shape[:2]}",
            remedy="Connect the mask that was made from this picture",
        )  # fmt: skip
    levels = mask.astype(np.float32) * (1.0 if mask.dtype == np.uint8 else 255.0)
    resized = cv2.resize(np.clip(levels, 0, 255), (canvas.width, canvas.height), interpolation=cv2.INTER_AREA)
    if resized.max() < 128:
        raise SubjectError(
            f"The mask of picture {number} is empty", got="no white pixel", expected="white where the character is",
            remedy="Connect a mask that covers the character",
        )  # fmt: skip
    return np.round(resized).astype(np.uint8)


def _on_grey(picture: np.ndarray) -> np.ndarray:
    """Colours of [H,W,3|4]; transparent areas become mid grey, so that hidden colours do not mislead the detectors."""
    if picture.shape[2] == 3:
        return np.ascontiguousarray(picture)
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.round(picture[..., :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)


def _has_transparency(picture: np.ndarray) -> bool:
    return picture.shape[2] == 4 and float((picture[..., 3] < 128).mean()) >= LEAST_TRANSPARENT


def _nobody(keypoints: PictureKeypoints) -> bool:
    """No body at all, or one that neither the person detector nor its own visibility believes in."""
    if keypoints.body_confidence.max() <= 0:
        return True
    unlikely = keypoints.detection < USABLE_DETECTION and float(keypoints.body_confidence.mean()) < 0.5
    return unlikely and not keypoints.user_supplied


def _nobody_error(number: int, canvas: Canvas) -> SubjectError:
    return SubjectError(
        f"Nobody was found in picture {number}",
        got=f"a {canvas.width} x {canvas.height} picture without a recognisable body",
        expected="one clearly visible person, cartoon or drawing of one",
        remedy="Choose a clearer picture, or connect a MASK and POSE_KEYPOINT of the character",
    )


def _clarity(view: SubjectView) -> float:
    """How well a view serves as the primary one: well seen, facing the camera, with a face and few problems."""
    facing = float(np.cos(view.yaw)) + 0.5 * float(np.cos(view.head_yaw))
    face = 0.25 * float(view.keypoints.face_confidence > 0.3)
    return float(view.joint_confidence.mean()) + 0.5 * facing + face - 0.1 * len(view.problems)


def _scale_between(base: Rig, rig: Rig, base_view: SubjectView, view: SubjectView) -> float:
    """Primary px per px of another view: ratio of the bone-length norms over the bones both show.

    Of a figure in which hardly a person was recognised bones are guesses: there the heights of two whole cut-outs compare.
    """
    doubtful = any(not shown.keypoints.user_supplied and shown.keypoints.detection < LOW_DETECTION for shown in (base_view, view))
    heights = [_whole_height(shown.alpha) for shown in (base_view, view)]
    if doubtful and all(heights):
        return heights[0] / heights[1]
    shared = base.known & rig.known
    if shared.sum() >= 3:
        return float(np.linalg.norm(base.lengths[shared]) / max(np.linalg.norm(rig.lengths[shared]), 1e-6))
    return float(base.torso_px / max(rig.torso_px, 1e-6))


def _whole_height(alpha: np.ndarray) -> float:
    """Height, px, of a cut-out that ends within its picture; 0 where the upper or lower edge cuts it off."""
    rows = np.flatnonzero((alpha > 0.5).any(1))
    return float(np.ptp(rows) + 1) if len(rows) and rows[0] > 0 and rows[-1] < len(alpha) - 1 else 0.0
