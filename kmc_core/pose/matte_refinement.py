"""Asks the cut-out network, believes it where it may be believed, and brings the answer to the picture's full size.

Not here: the network itself (matte_network.py), the analytic cut-out it corrects and the order of sources (picture_matte.py).
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from ..types import PictureKeypoints
from .body_capsules import skeleton_masks
from .colour_evidence import bounded
from .matte_network import MULTIPLE, MatteNetwork, load_matte_network

logger = logging.getLogger(__name__)

BUILT_IN_MATTE = Path(__file__).resolve().parents[1] / "weights" / "kmc_matte.safetensors"
LONG_SIDE_PX = 512
"""pictures are shown to the network first at most this large, the size it was trained at"""
FINE_SIDE_PX = 1024
"""and then, with its own first answer as the cut-out, at most this large: for edges and hair"""
EDGE_SHARE = 1 / 90
"""band round the analytic outline, as a share of the long side, in which the network is believed as it is"""
DECIDED = 0.25
"""elsewhere it is believed piece by piece, where it is at most this far from a clear yes or no"""
LARGEST_PIECE = 0.1
"""of the character's area: larger pieces are left alone"""
LEAST_OVERLAP = 0.75
"""of segmentation and cut-out, for the segmentation to be shown to the network"""
CONTRAST = 1.1


@lru_cache(maxsize=1)
def built_in_network(path: Path = BUILT_IN_MATTE) -> MatteNetwork | None:
    """The network that came with the pack, read once; None (and a note in the log) where its weights are missing."""
    if not path.is_file():
        logger.info("There are no cut-out weights at %s: cut-outs are made without the network", path)
        return None
    return load_matte_network(path)[0]


def corrected_matte(
    rgb: np.ndarray, keypoints: PictureKeypoints, person: np.ndarray, analytic: np.ndarray, network: MatteNetwork
) -> np.ndarray:
    """Alpha float32 [H,W] of a picture uint8 [H,W,3]: the analytic cut-out with the network's trusted corrections.

    person, analytic float32 [H,W] in 0..1; keypoints in pixels of the picture. Where the person segmentation does not
    know the character (drawings, toys), the cut-out takes its place and only edges are corrected.
    """
    knows = overlap(person, analytic) >= LEAST_OVERLAP
    if not knows:
        person = analytic
    inputs = network_inputs(rgb, keypoints, person, analytic, LONG_SIDE_PX)
    alpha = (trusted if knows else near_edge)(inputs, network_alpha(network, inputs))
    if max(rgb.shape[:2]) > LONG_SIDE_PX:
        larger = cv2.resize(alpha, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        inputs = network_inputs(rgb, keypoints, person, larger, FINE_SIDE_PX)
        alpha = near_edge(inputs, network_alpha(network, inputs))
    return cv2.resize(contrasted(alpha), rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)


def overlap(person: np.ndarray, analytic: np.ndarray) -> float:
    """Intersection over union of two masks [H,W] in 0..1."""
    first, second = person > 0.5, analytic > 0.5
    return float((first & second).sum() / max((first | second).sum(), 1))


def network_inputs(rgb: np.ndarray, keypoints: PictureKeypoints, person: np.ndarray, analytic: np.ndarray, long_side: int) -> np.ndarray:
    """float32 [h,w,7] as matte_network.INPUTS, 0..1, of a picture uint8 [H,W,3] shrunk to at most `long_side` px.

    person, analytic float32 [H,W]; keypoints in pixels of the picture.
    """
    factor = min(1.0, long_side / max(rgb.shape[:2]))
    size = (max(round(rgb.shape[1] * factor), 1), max(round(rgb.shape[0] * factor), 1))
    picture, likely, cut = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (rgb, person, analytic))
    skeleton = skeleton_masks(keypoints, size[::-1], factor)
    return np.dstack([picture.astype(np.float32) / 255, likely, cut, skeleton.bones, skeleton.reach]).astype(np.float32)


@torch.no_grad()
def network_alpha(network: MatteNetwork, inputs: np.ndarray) -> np.ndarray:
    """The network's alpha float32 [h,w] in 0..1 for inputs [h,w,7]; edges are continued to a multiple of 32."""
    height, width = inputs.shape[:2]
    below, right = -height % MULTIPLE, -width % MULTIPLE
    padded = np.pad(inputs, ((0, below), (0, right), (0, 0)), mode="edge")
    alpha, _ = network(torch.from_numpy(padded).permute(2, 0, 1)[None])
    return np.ascontiguousarray(alpha[0, 0, :height, :width].clamp(0, 1).numpy())


def trusted(inputs: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The analytic cut-out of inputs [h,w,7], replaced by the network's answer [h,w] where that may be believed.

    Near the outline always; elsewhere whole pieces on which the network is decided; never against bones or clear colours.
    """
    analytic = inputs[..., 4]
    answer = bounded(answer, analytic, inputs[..., :3])
    believed = _edge_band(analytic)
    piece_map = (np.abs(answer - analytic) > 0.3) & ~believed
    count, labels = cv2.connectedComponents(piece_map.astype(np.uint8), connectivity=4)
    if count > 1:
        doubt = np.minimum(answer, 1 - answer)
        pixels = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
        mean = np.bincount(labels.ravel(), doubt.ravel(), minlength=count) / pixels
        decided = (mean < DECIDED) & (pixels < LARGEST_PIECE * max(float(analytic.sum()), 1.0))
        decided[0] = False
        believed |= decided[labels]
    weight = cv2.GaussianBlur(believed.astype(np.float32), (0, 0), 1.0)
    result = analytic + weight * (answer - analytic)
    return np.where(inputs[..., 5] > 0.5, np.maximum(result, analytic), result).astype(np.float32)


def contrasted(alpha: np.ndarray) -> np.ndarray:
    """Alpha stretched a little about one half: a network rarely says quite 0 or quite 1."""
    return ((alpha - 0.5) * CONTRAST + 0.5).clip(0, 1).astype(np.float32)


def near_edge(inputs: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The cut-out of inputs [h,w,7], replaced by the network's answer [h,w] in a band round its outline."""
    analytic = inputs[..., 4]
    answer = bounded(answer, analytic, inputs[..., :3])
    weight = cv2.GaussianBlur(_edge_band(analytic).astype(np.float32), (0, 0), 1.0)
    return (analytic + weight * (answer - analytic)).astype(np.float32)


def _edge_band(alpha: np.ndarray) -> np.ndarray:
    """bool [h,w]: soft pixels and what lies close to the outline."""
    radius = max(round(max(alpha.shape) * EDGE_SHARE), 2)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inner = cv2.erode((alpha > 0.95).astype(np.uint8), element, borderValue=1)
    outer = cv2.dilate((alpha > 0.05).astype(np.uint8), element)
    return (outer > 0) & (inner == 0)
