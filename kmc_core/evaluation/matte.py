"""How good cut-outs are: rendered pictures with exact alpha, the bare person mask, the analytic cut-out, the
network's bare answer, and the correction that cut-outs really get from it.

`python -m kmc_core.evaluation matte --json FILE`. Pictures are rendered on first use (training/matting/stills.py) from seeds
that training never sees. Sources of the measures: Rhemann et al. 2009, "A perceptually motivated online benchmark for image
matting" (SAD, MSE, gradient); rim error is the mean colour error of the band 3 px inside the true edge.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np

from ..pose.foreground_colours import foreground_colours
from ..pose.matte_network import ANALYTIC, PERSON, MatteNetwork, load_matte_network
from ..pose.matte_refinement import BUILT_IN_MATTE, contrasted, first_look, network_alpha
from ..training.matting.dataset import Example, StillFolder
from .command_line import add_pose_weights, extractor_of, write_json

HELD_OUT_SEED = 920_100
RIM_PX = 3


def matte_measures(alpha: np.ndarray, colours: np.ndarray, truth: Example) -> dict[str, float]:
    """sad: thousands of pixels; mse: x 1000; gradient: x 1000 summed; rim: grey levels; shown: grey levels of the cut-out laid
    over magenta and over green, in the band round the outline.

    alpha float32 [H,W], colours uint8 [H,W,3] estimated; truth: as the dataset hands it.
    """
    difference = alpha - truth.alpha
    gradients = [
        np.hypot(*(cv2.GaussianBlur(cv2.Sobel(a, cv2.CV_32F, dx, 1 - dx), (0, 0), 1.4) / 4 for dx in (0, 1))) for a in (alpha, truth.alpha)
    ]
    solid = cv2.erode((truth.alpha > 0.95).astype(np.uint8), np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8), borderValue=1)
    rim = (truth.alpha > 0.05) & (solid == 0)
    around = cv2.dilate(rim.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    error = np.abs(colours / 255.0 - truth.colours).mean(-1)
    shown = 0.0
    for over in ((1.0, 0.0, 1.0), (0.0, 0.8, 0.0)):
        mine = alpha[..., None] * (colours / 255.0) + (1 - alpha[..., None]) * over
        wanted = truth.alpha[..., None] * truth.colours + (1 - truth.alpha[..., None]) * over
        shown += float(np.abs(mine - wanted).mean(-1)[around].mean()) / 2 if around.any() else 0.0
    return {
        "sad": float(np.abs(difference).sum()) / 1000,
        "mse": float((difference**2).mean()) * 1000,
        "gradient": float(((gradients[0] - gradients[1]) ** 2).sum()) / 1000,
        "rim": float(error[rim].mean()) * 255 if rim.any() else 0.0,
        "shown": shown * 255,
    }


def compare_mattes(folder: Path, network: MatteNetwork | None, pictures: int) -> dict[str, dict[str, float]]:
    """Mean measures of every method over the first pictures of a folder of stills."""
    stills = StillFolder(folder)
    rows: dict[str, list[dict[str, float]]] = {}
    for number in range(min(pictures, 2 * len(stills.files))):
        truth = stills.whole(number // 2, number % 2)
        for method, alpha in _alphas(truth, network).items():
            picture = (truth.inputs[..., :3] * 255 + 0.5).astype(np.uint8)
            rows.setdefault(method, []).append(matte_measures(alpha, foreground_colours(picture, alpha), truth))
    return {method: {name: float(np.mean([row[name] for row in found])) for name in found[0]} for method, found in rows.items()}


def _alphas(truth: Example, network: MatteNetwork | None) -> dict[str, np.ndarray]:
    person, analytic = (np.ascontiguousarray(truth.inputs[..., channel]) for channel in (PERSON, ANALYTIC))
    if network is None:
        return {"person": person, "analytic": analytic}
    answer = network_alpha(network, truth.inputs)
    corrected = contrasted(first_look(truth.inputs, network)[0])
    return {"person": person, "analytic": analytic, "network": answer, "corrected": corrected}


def matte_command(words: list[str]) -> tuple[int, str]:
    """Run the command; exit status and the table to print."""
    command = argparse.ArgumentParser(prog="kmc_core.evaluation matte", description=__doc__)
    command.add_argument("--stills", type=Path, default=Path("runs/matting/test"), help="folder, filled when it has too few")
    command.add_argument("--pictures", type=int, default=80)
    command.add_argument("--network", type=Path, default=BUILT_IN_MATTE)
    add_pose_weights(command)
    command.add_argument("--json", type=Path, help="file for the numbers")
    options = command.parse_args(words)
    _fill(options.stills, -(-options.pictures // 2), options)
    network = load_matte_network(options.network)[0] if options.network.is_file() else None
    if network is None:
        logging.info("There are no weights at %s: the network is left out.", options.network)
    found = compare_mattes(options.stills, network, options.pictures)
    write_json(options.json, {"pictures": options.pictures, "methods": found})
    names = list(next(iter(found.values())))
    lines = [f"{'':10}" + "".join(f"{name:>10}" for name in names)]
    lines += [f"{method:10}" + "".join(f"{values[name]:10.2f}" for name in names) for method, values in found.items()]
    return 0, "\n".join(lines)


def _fill(folder: Path, count: int, options: argparse.Namespace) -> None:
    if len(list(folder.glob("*.npz"))) >= count:
        return
    from ..training.matting.stills import build_stills

    build_stills(folder, count, HELD_OUT_SEED, extractor_of(options))
