"""Asks the cut-out network and brings its answer to the picture's full size.

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
from .matte_network import MULTIPLE, MatteNetwork, load_matte_network

logger = logging.getLogger(__name__)

BUILT_IN_MATTE = Path(__file__).resolve().parents[1] / "weights" / "kmc_matte.safetensors"
LONG_SIDE_PX = 512
"""pictures are shown to the network at most this large, the size it was trained at"""


@lru_cache(maxsize=1)
def built_in_network(path: Path = BUILT_IN_MATTE) -> MatteNetwork | None:
    """The network that came with the pack, read once; None (and a note in the log) where its weights are missing."""
    if not path.is_file():
        logger.info("There are no cut-out weights at %s: cut-outs are made without the network", path)
        return None
    return load_matte_network(path)[0]


def network_inputs(rgb: np.ndarray, keypoints: PictureKeypoints, person: np.ndarray, analytic: np.ndarray) -> np.ndarray:
    """float32 [h,w,7] as matte_network.INPUTS, 0..1, of a picture uint8 [H,W,3] shrunk to at most 512 px.

    person, analytic float32 [H,W]; keypoints in pixels of the picture.
    """
    factor = min(1.0, LONG_SIDE_PX / max(rgb.shape[:2]))
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
