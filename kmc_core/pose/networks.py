"""The pose networks as functions: frames and regions in, landmarks in frame pixels out.

Not here: which regions to look at (clip_tracking.py, picture_tracking.py), raw output formats (decoders.py).
Called by the two trackers, from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from .crops import Pyramid, crop_to_frame, stack_crops
from .decoders import (
    FACE_ANCHORS,
    PALM_ANCHORS,
    PERSON_ANCHORS,
    WIDE_FACE_ANCHORS,
    AnchorGrid,
    BodyLandmarks,
    Detection,
    FaceLandmarks,
    HandLandmarks,
    decode_body,
    decode_detections,
    decode_face,
    decode_hand,
)
from .tflite_network import TfliteNetwork
from .weights import network_path

_BODY_OUTPUTS = (0, 1, 3, 4)
_SEGMENTATION_OUTPUT = 2

Pyramids = Sequence[Pyramid]
Rois = np.ndarray
"""float64 [B,4], one per pyramid"""


class PoseNetworks:
    """Loads each network on first use. folder: checked weights (weights.py); device: any torch device."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self._folder, self._device = folder, torch.device(device)
        self._loaded: dict[tuple[str, tuple[int, ...] | None], TfliteNetwork] = {}
        self._lock = threading.Lock()

    def _run(self, network: str, crops: np.ndarray, outputs: tuple[int, ...] | None = None, signed: bool = False) -> list[np.ndarray]:
        """crops uint8 [B,S,S,3] -> float32 outputs; the input range is 0..1, or -1..1 when `signed`."""
        with self._lock:
            key = (network, outputs)
            if key not in self._loaded:
                self._loaded[key] = TfliteNetwork(network_path(self._folder, network), outputs).to(self._device)
        picture = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).float()
        picture = picture.div_(127.5).sub_(1) if signed else picture.div_(255)
        return [output.float().cpu().numpy() for output in self._loaded[key](picture)]

    def _detect(
        self, network: str, grid: AnchorGrid, pyramids: Pyramids, rois: Rois, threshold: float, signed: bool
    ) -> list[list[Detection]]:
        boxes, logits = self._run(network, stack_crops(pyramids, rois, grid.side_px, zero_border=True), signed=signed)
        found = []
        for raw, logit, roi in zip(boxes, logits, rois, strict=True):
            detections = decode_detections(raw, logit, grid, threshold)
            found.append([Detection(d.score, crop_to_frame(d.box, roi), crop_to_frame(d.points, roi)) for d in detections])
        return found

    def find_people(self, pyramids: Pyramids, rois: Rois, threshold: float = 0.5) -> list[list[Detection]]:
        """People per ROI, best first; points 0 and 1 are hip centre and scale point. Frame pixels."""
        return self._detect("pose_detection", PERSON_ANCHORS, pyramids, rois, threshold, signed=True)

    def find_faces(self, pyramids: Pyramids, rois: Rois, threshold: float = 0.5) -> list[list[Detection]]:
        """Faces that fill a good part of the ROI (short range). Frame pixels; for a turned ROI `box` spans its corners."""
        return self._detect("face_detection_short_range", FACE_ANCHORS, pyramids, rois, threshold, signed=True)

    def find_small_faces(self, pyramids: Pyramids, rois: Rois, threshold: float = 0.5) -> list[list[Detection]]:
        """Faces that may be small in the ROI (full range)."""
        return self._detect("face_detection_full_range_sparse", WIDE_FACE_ANCHORS, pyramids, rois, threshold, signed=True)

    def find_palms(self, pyramids: Pyramids, rois: Rois, threshold: float = 0.5) -> list[list[Detection]]:
        """Palms per ROI; point 0 = wrist, 2 = middle-finger knuckle."""
        return self._detect("palm_detection_full", PALM_ANCHORS, pyramids, rois, threshold, signed=False)

    def body(self, pyramids: Pyramids, rois: Rois, with_segmentation: bool = False) -> BodyLandmarks:
        """Body landmarks in each ROI. Segmentation doubles the cost."""
        outputs = (*_BODY_OUTPUTS, _SEGMENTATION_OUTPUT) if with_segmentation else _BODY_OUTPUTS
        landmarks, presence, heatmap, world, *segmentation = self._run("pose_landmark_full", stack_crops(pyramids, rois, 256), outputs)
        return decode_body(landmarks, presence, heatmap, world, rois, segmentation[0] if segmentation else None)

    def recrop_hand(self, pyramids: Pyramids, rois: Rois) -> np.ndarray:
        """Centre and direction point of the hand in each ROI, [B,2,2] frame pixels."""
        (points,) = self._run("hand_recrop", stack_crops(pyramids, rois, 256))
        return crop_to_frame(points.reshape(-1, 2, 2).astype(np.float64) / 256, rois)

    def hand(self, pyramids: Pyramids, rois: Rois) -> HandLandmarks:
        """Hand landmarks in each ROI."""
        landmarks, presence, handedness, _ = self._run("hand_landmark_full", stack_crops(pyramids, rois, 224))
        return decode_hand(landmarks, presence, handedness, rois)

    def face(self, pyramids: Pyramids, rois: Rois) -> FaceLandmarks:
        """Face mesh with irises in each ROI."""
        return decode_face(self._run("face_landmark_with_attention", stack_crops(pyramids, rois, 192)), rois)

    def selfie(self, pictures: np.ndarray) -> np.ndarray:
        """Probability of "person" for pictures uint8 [B,256,256,3] -> float32 [B,256,256]."""
        (probability,) = self._run("selfie_segmentation", pictures)
        return probability[..., 0]
