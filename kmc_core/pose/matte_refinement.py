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
from .colour_evidence import bounded, step_between
from .matte_network import ANALYTIC, BONES, MULTIPLE, PERSON, MatteNetwork, load_matte_network

logger = logging.getLogger(__name__)

BUILT_IN_MATTE = Path(__file__).resolve().parents[1] / "weights" / "kmc_matte.safetensors"
LONG_SIDE_PX = 512
"""pictures are shown to the network first at most this large, the size it was trained at"""
FINE_SIDE_PX = 1024
"""and then, with its own first answer as the cut-out, at most this large: for edges and hair"""
EDGE_SHARE = 1 / 90
"""band round the analytic outline, as a share of the long side, in which the network is believed as it is"""
DECIDED = 0.35
"""elsewhere it is believed piece by piece, where it is at most this far from a clear yes or no"""
FOG_SHARE = 1 / 120
"""radius in which half transparency is averaged, as a share of the long side"""
FOG_LEAST = 0.1
"""mean distance from 0 or 1, beyond the analytic one's, at which an answer begins to be mere doubt"""
CLAIMED = (0.5, 0.8)
"""probability of "person" from which the analytic cut-out stands where the network only doubts; below, the doubt counts"""
LARGEST_PIECE = 0.5
"""of the character's area: larger pieces are left alone, unless the segmentation sees them as the network does"""
AGREEMENT = 0.3
"""mean difference of segmentation and answer up to which they see a piece alike"""
LEAST_SEEN = 0.1
"""of the cut-out's area the segmentation must claim to be asked about pieces"""
SURE_PERSON = 0.95
ADDED_SHARE = 1 / 256
"""probability needed to add to the cut-out more than slivers; half width of a sliver, as a share of the long side"""
LEAST_OVERLAP = 0.9
"""of segmentation and cut-out, for the segmentation to be shown to the network"""
BONES_HELD = 0.6
"""or the mean probability it must have along the bones"""
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

    person, analytic float32 [H,W] in 0..1; keypoints in pixels of the picture.
    """
    inputs = network_inputs(rgb, keypoints, person, analytic, LONG_SIDE_PX)
    alpha, is_known = first_look(inputs, network)
    if max(rgb.shape[:2]) > LONG_SIDE_PX:
        larger = cv2.resize(alpha, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        inputs = network_inputs(rgb, keypoints, person if is_known else larger, larger, FINE_SIDE_PX)
        alpha = near_edge(inputs, network_alpha(network, inputs))
    return cv2.resize(contrasted(alpha), rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)


def first_look(inputs: np.ndarray, network: MatteNetwork) -> tuple[np.ndarray, bool]:
    """Corrected alpha [h,w] at the size of inputs [h,w,7], and whether the segmentation knows this character.

    Where it does not (drawings, toys), the cut-out takes its place and only edges are corrected.
    """
    if is_known(inputs):
        return trusted(inputs, network_alpha(network, inputs)), True
    inputs = inputs.copy()
    inputs[..., PERSON] = inputs[..., ANALYTIC]
    return near_edge(inputs, network_alpha(network, inputs)), False


def is_known(inputs: np.ndarray) -> bool:
    """Whether the segmentation agrees with the cut-out, or holds the bones of a body that was found."""
    bones = inputs[..., BONES] > 0.5
    holds_bones = bool(bones.any()) and float(inputs[..., PERSON][bones].mean()) > BONES_HELD
    return holds_bones or overlap(inputs[..., PERSON], inputs[..., ANALYTIC]) >= LEAST_OVERLAP


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
    analytic = inputs[..., ANALYTIC]
    answer = bounded(answer, analytic, inputs[..., :3], inputs[..., PERSON])
    believed = _edge_band(analytic)
    doubt = np.minimum(answer, 1 - answer)
    room = LARGEST_PIECE * max(float(analytic.sum()), 1.0)
    labels, pixels, (doubts, contradictions) = _pieces(
        (np.abs(answer - analytic) > 0.3) & ~believed, doubt, np.abs(answer - inputs[..., PERSON])
    )
    is_asked = float(inputs[..., PERSON].sum()) > LEAST_SEEN * float(analytic.sum())
    decided = (doubts < DECIDED) & ((pixels < room) | (is_asked & (contradictions < AGREEMENT)))
    believed |= decided[labels]
    result = analytic + _weight(believed, answer, inputs) * (answer - analytic)
    return np.where(inputs[..., BONES] > 0.5, np.maximum(result, analytic), result).astype(np.float32)


def contrasted(alpha: np.ndarray) -> np.ndarray:
    """Alpha stretched a little about one half: a network rarely says quite 0 or quite 1."""
    return ((alpha - 0.5) * CONTRAST + 0.5).clip(0, 1).astype(np.float32)


def _pieces(where: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Connected pieces of bool [h,w]: labels [h,w], and per label its pixels and the mean of each of values [h,w].

    Label 0 is no piece and never passes.
    """
    count, labels = cv2.connectedComponents(where.astype(np.uint8), connectivity=4)
    pixels = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    means = [np.bincount(labels.ravel(), value.ravel(), minlength=count) / pixels for value in values]
    pixels[0] = labels.size
    for mean in means:
        mean[0] = 1.0
    return labels, pixels, means


def near_edge(inputs: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The cut-out of inputs [h,w,7], replaced by the network's answer [h,w] in a band round its outline."""
    analytic = inputs[..., ANALYTIC]
    answer = bounded(answer, analytic, inputs[..., :3], inputs[..., PERSON])
    weight = _weight(_edge_band(analytic), answer, inputs)
    return (analytic + weight * (answer - analytic)).astype(np.float32)


def _weight(believed: np.ndarray, answer: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """float32 [h,w]: how far the answer counts; not where it is fog over what the segmentation claims, nor where
    it adds what the segmentation is not sure of."""
    person, analytic = inputs[..., PERSON], inputs[..., ANALYTIC]
    radius = max(round(max(answer.shape) * ADDED_SHARE), 2)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    thick = cv2.morphologyEx(((answer - analytic) > 0.3).astype(np.uint8), cv2.MORPH_OPEN, element)
    unsure = (cv2.dilate(thick, element) > 0) & (person < SURE_PERSON)
    soft = cv2.GaussianBlur((believed & ~unsure).astype(np.float32), (0, 0), 1.0)
    return soft * (1 - fog(answer, analytic) * step_between(person, *CLAIMED))


def fog(answer: np.ndarray, analytic: np.ndarray) -> np.ndarray:
    """float32 [h,w], 1 where the answer is half transparent over a wide area and the analytic cut-out is not: mere doubt."""
    radius = max(round(max(answer.shape) * FOG_SHARE), 2)
    doubt = [cv2.blur(np.minimum(alpha, 1 - alpha), (2 * radius + 1, 2 * radius + 1)) for alpha in (answer, analytic)]
    return ((doubt[0] - doubt[1] - FOG_LEAST) / FOG_LEAST).clip(0, 1).astype(np.float32)


def _edge_band(alpha: np.ndarray) -> np.ndarray:
    """bool [h,w]: soft pixels and what lies close to the outline."""
    radius = max(round(max(alpha.shape) * EDGE_SHARE), 2)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inner = cv2.erode((alpha > 0.95).astype(np.uint8), element, borderValue=1)
    outer = cv2.dilate((alpha > 0.05).astype(np.uint8), element)
    return (outer > 0) & (inner == 0)
