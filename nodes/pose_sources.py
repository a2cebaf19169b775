"""Other detectors beside ours: what is linked to ExtractHolisticPose's optional sockets, applied in the right order.

Hints (mask, box) say whom to follow and go in before tracking; keypoints and landmarks replace ours afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ..kmc_core.media.clip import Clip
from ..kmc_core.pose.external_hints import matte_from_mask, person_boxes_from_bounding_boxes, person_boxes_from_mask
from ..kmc_core.pose.extractor import HolisticExtractor, TrackSettings
from ..kmc_core.pose.face_landmarks import merge_face_landmarks
from ..kmc_core.pose.interchange import merge_pose_keypoint
from ..kmc_core.types import HolisticMotion
from . import host


class PoseSources(NamedTuple):
    """Values of the optional sockets, None where nothing is linked."""

    pose_keypoint: list | None = None
    face_landmarks: dict | None = None
    mask: torch.Tensor | None = None
    bounding_box: object = None

    def person_boxes(self, clip: Clip) -> np.ndarray | None:
        """Boxes [T,4] of the person to follow; a linked box is more exact than a mask and wins."""
        if self.bounding_box is not None:
            return person_boxes_from_bounding_boxes(self.bounding_box, clip.canvas, clip.frame_count)
        if self.mask is not None:
            return person_boxes_from_mask(self.mask.cpu().numpy(), clip.canvas, clip.frame_count)
        return None


def track_with_sources(
    extractor: HolisticExtractor, clip: Clip, settings: TrackSettings, sources: PoseSources, progress: host.ProgressBar
) -> HolisticMotion:
    """The clip's motion with everything that is linked taken into account. A mask per frame becomes the matte."""
    boxes = sources.person_boxes(clip)
    hints = {} if boxes is None else {"person_boxes": boxes}
    motion = extractor.track(clip, settings, progress=progress, should_stop=host.should_stop, **hints)
    if sources.pose_keypoint:
        motion = merge_pose_keypoint(motion, sources.pose_keypoint)
    if sources.face_landmarks:
        motion = merge_face_landmarks(motion, sources.face_landmarks)
    if sources.mask is not None and len(sources.mask) == clip.frame_count:
        matte = matte_from_mask(sources.mask.cpu().numpy(), clip.frame_count)
        motion = motion if matte is None else replace(motion, matte=matte)
    return motion
