"""Whether the face is still the same person: a face descriptor of the reference against those of the output.

Source: the ResNet of dlib's face recognition (He et al. 2016, King 2017), weights as packed by face-api.js.
On stylised characters it is a relative measure, not a threshold. Called by reenact.py; weights: identity_weights.py.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .identity_weights import read_weights

CHIP_PX, CHIP_MARGIN = 150, 0.25
# Face Mesh points and their places in dlib's five-point face chip: left eye's outer and inner corner, right eye's, nose base
CHIP_POINTS = (263, 362, 33, 133, 2)
CHIP_PLACES = ((0.8595674596, 0.2134981538), (0.6460604764, 0.2289674388), (0.1205750621, 0.2137274527), (0.3340850614, 0.2290642403), (0.4901123136, 0.6277975316))  # fmt: skip
MEAN_COLOUR, COLOUR_SCALE = (122.782, 117.001, 104.298), 256.0
STRANGERS_COSINE, SAME_COSINE = 0.85, 0.98
"""Median cosine of two people, and of two pictures of one person: the ends of the similarity scale."""
STAGES = ((32, 3), (64, 3), (128, 2), (256, 2))


class FaceIdentity:
    """Face descriptors. weights_folder as returned by identity_weights.ensure_identity_weights."""

    def __init__(self, weights_folder: Path) -> None:
        self._weights = read_weights(weights_folder)

    def descriptor(self, picture: np.ndarray, face: np.ndarray) -> np.ndarray:
        """Unit vector [128] of the face whose mesh points [478,2|3] (px) are given on a uint8 [H,W,3] picture."""
        chip = torch.from_numpy(face_chip(picture, face)).permute(2, 0, 1)[None].float()
        with torch.inference_mode():
            vector = self._network((chip - torch.tensor(MEAN_COLOUR)[:, None, None]) / COLOUR_SCALE)[0].numpy()
        return vector / max(float(np.linalg.norm(vector)), 1e-9)

    def _network(self, chips: Tensor) -> Tensor:
        x = F.max_pool2d(self._convolved(chips, "conv32_down", stride=2, padding=0), 3, 2)
        for index, (width, blocks) in enumerate(STAGES):
            if index:
                x = self._shrinking_block(x, f"conv{width}_down")
            for block in range(1, blocks + 1):
                name = f"conv{width}_{block}"
                x = F.relu(self._convolved(self._convolved(x, f"{name}/conv1"), f"{name}/conv2", active=False) + x)
        x = self._shrinking_block(x, "conv256_down_out")
        return x.mean((2, 3)) @ self._weights["fc"]

    def _convolved(self, x: Tensor, name: str, stride: int = 1, padding: int = 1, active: bool = True) -> Tensor:
        weights = self._weights
        y = F.conv2d(x, weights[f"{name}/conv/filters"], weights[f"{name}/conv/bias"], stride, padding)
        y = y * weights[f"{name}/scale/weights"][:, None, None] + weights[f"{name}/scale/biases"][:, None, None]
        return F.relu(y) if active else y

    def _shrinking_block(self, x: Tensor, name: str) -> Tensor:
        """Half the size, more channels: both paths are zero-padded to each other's shape."""
        y = self._convolved(self._convolved(x, f"{name}/conv1", stride=2, padding=0), f"{name}/conv2", active=False)
        skip = F.avg_pool2d(x, 2, 2)
        y = F.pad(y, (0, skip.shape[3] - y.shape[3], 0, skip.shape[2] - y.shape[2]))
        return F.relu(y + F.pad(skip, (0, 0, 0, 0, 0, y.shape[1] - skip.shape[1])))


def face_chip(picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The aligned face crop uint8 [150,150,3] that the descriptor expects."""
    places = (np.array(CHIP_PLACES) + CHIP_MARGIN) / (1 + 2 * CHIP_MARGIN) * CHIP_PX
    points = face[list(CHIP_POINTS), :2].astype(np.float64)
    return cv2.warpAffine(np.ascontiguousarray(picture), similarity_transform(points, places), (CHIP_PX, CHIP_PX))


def similarity_transform(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares rotation, scale and shift [2,3] of 2-D points [N,2]. Source: Umeyama 1991."""
    a = (source - source.mean(0)) @ (1, 1j)
    b = (target - target.mean(0)) @ (1, 1j)
    turn = (np.conj(a) @ b) / max(float((np.conj(a) @ a).real), 1e-12)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target.mean(0) - linear @ source.mean(0)])


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Similarity of two descriptors, 0 (as two people usually are) to 1 (as two pictures of one person usually are)."""
    return float(np.clip((first @ second - STRANGERS_COSINE) / (SAME_COSINE - STRANGERS_COSINE), 0, 1))
