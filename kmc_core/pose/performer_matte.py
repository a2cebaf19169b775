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
from .regions import pose_roi

SELFIE_SIDE_PX = 256
PART_SHARE = 0.6
"""height of the upper and of the lower part of a person, as a share of the whole"""
TRUSTED_DETECTION = 0.4
BODY_SEEN = 0.3


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
    """Raw probability of "person" float32 [H,W] of a still picture.

    Mean of up to five looks, each where it sees: the selfie network on the whole picture, on the person's region and on its
    upper and lower part, and the body network's own segmentation. (On 35 composites with known mattes the mean overlap
    rose from .918 with the first two to .954.)
    """
    canvas = Canvas(*pyramid.size)
    whole = networks.selfie(pyramid.stretched(SELFIE_SIDE_PX)[None])[0]
    total = cv2.resize(whole, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
    box = person_box(keypoints.body, keypoints.body_confidence, canvas)
    if box is None:
        return total
    count = np.ones(total.shape, np.float32)
    regions = _picture_regions(box)
    maps = networks.selfie(np.stack([pyramid.crop(region, SELFIE_SIDE_PX) for region in regions]))
    looks = list(zip(maps, regions, strict=True)) + _body_look(networks, pyramid, keypoints)
    for probability, region in looks:
        pasted, inside = paste_region(probability, region, canvas, canvas)
        total += pasted
        count += inside
    return (total / count).astype(np.float32)


def _picture_regions(box: tuple[float, float, float, float]) -> list[np.ndarray]:
    """The person's square, and squares round the upper and the lower part."""
    x0, y0, x1, y1 = box
    centre_x, height = (x0 + x1) / 2, y1 - y0
    side = max(x1 - x0, PART_SHARE * height) * 1.1
    half = PART_SHARE / 2 * height
    upper, lower = np.array([centre_x, y0 + half, side, 0.0]), np.array([centre_x, y1 - half, side, 0.0])
    return [np.array(selfie_region(box)), upper, lower]


def _body_look(networks: PoseNetworks, pyramid: Pyramid, keypoints: PictureKeypoints) -> list[tuple[np.ndarray, np.ndarray]]:
    """The body network's segmentation and its region; nothing for a body that the detector does not vouch for."""
    seen = keypoints.body_confidence > BODY_SEEN
    if keypoints.detection < TRUSTED_DETECTION or not seen.any():
        return []
    hips = keypoints.body[[23, 24]].mean(0).astype(np.float64)
    reach = float(np.linalg.norm(keypoints.body[seen] - hips, axis=-1).max())
    roi = np.array([*hips, 2.5 * max(reach, 8.0), 0.0])
    for _ in range(2):
        body = networks.body([pyramid], roi[None])
        roi = pose_roi(body.anchors[0, 0], body.anchors[0, 1])
    body = networks.body([pyramid], roi[None], with_segmentation=True)
    if body.segmentation is None or body.presence[0] < 0.5:
        return []
    return [(body.segmentation[0], roi)]
