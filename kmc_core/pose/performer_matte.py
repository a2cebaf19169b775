"""Collects the performer's matte while a clip is read, and the raw person probability of a still picture.

Not here: how maps are blended and their edge pulled (matte.py), picture cut-outs (picture_matte.py). Called by extractor.py.
Source: MediaPipe selfie segmentation; pose segmentation of BlazePose.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Canvas, PictureKeypoints
from .crops import Pyramid
from .decoders import BodyLandmarks
from .matte import fills_frame, frame_matte, matte_size, paste_region, person_box, selfie_region
from .networks import PoseNetworks, Pyramids

SELFIE_SIDE_PX = 256


class MatteRecorder:
    """One matte per frame with a body. canvas: of the frames as read. `mattes` uint8 [T,h,w], 0 where nobody was found."""

    def __init__(self, networks: PoseNetworks, frame_count: int, canvas: Canvas) -> None:
        self._networks, self._canvas = networks, canvas
        self.mattes = np.zeros((frame_count, *matte_size(canvas)), np.uint8)

    def record(self, frames: np.ndarray, pyramids: Pyramids, body: BodyLandmarks, rois: np.ndarray) -> None:
        """Mattes of a batch, from the worker thread that has just read its bodies."""
        boxes = [person_box(points, seen, self._canvas) for points, seen in zip(body.points, body.visibility, strict=True)]
        looks = [_look(pyramid, box, self._canvas) for pyramid, box in zip(pyramids, boxes, strict=True)]
        probabilities = self._networks.selfie(np.stack([crop for crop, _ in looks]))
        for k, (_, region) in enumerate(looks):
            if region is None:
                maps: dict = {"full": probabilities[k]}
            else:
                maps = {"selfie": (probabilities[k], region)}
                if body.segmentation is not None:
                    maps["pose"] = (body.segmentation[k], rois[k])
            # frame_matte only looks at the frame's shape when it does not sharpen
            self.mattes[frames[k]] = frame_matte(pyramids[k].levels[0], **maps)


def _look(pyramid: Pyramid, box: tuple | None, canvas: Canvas) -> tuple[np.ndarray, np.ndarray | None]:
    """The crop the selfie network should see, and its region (None = the whole picture, stretched)."""
    if box is None or fills_frame(box, canvas):
        return pyramid.stretched(SELFIE_SIDE_PX), None
    region = np.array(selfie_region(box))
    return pyramid.crop(region, SELFIE_SIDE_PX), region


def person_probability(networks: PoseNetworks, pyramid: Pyramid, keypoints: PictureKeypoints) -> np.ndarray:
    """Raw probability of "person" float32 [H,W]: mean of a look at the whole picture and one at the person's region."""
    canvas = Canvas(*pyramid.size)
    whole = networks.selfie(pyramid.stretched(SELFIE_SIDE_PX)[None])[0]
    whole = cv2.resize(whole, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
    box = person_box(keypoints.body, keypoints.body_confidence, canvas)
    if box is None:
        return whole
    region = selfie_region(box)
    near = networks.selfie(pyramid.crop(np.array(region), SELFIE_SIDE_PX)[None])[0]
    pasted, inside = paste_region(near, region, canvas, canvas)
    return np.where(inside, (whole + pasted) / 2, whole).astype(np.float32)
