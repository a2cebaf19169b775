"""Draws docs/any_body.jpg for the README: the demo's performer drives three very different characters of this project.

python scripts/make_bodies_sheet.py [docs/any_body.jpg]
"""

from __future__ import annotations

import sys
from pathlib import Path

from demo_inputs import default_clip
from environment import CACHE, ROOT
from make_library_sheet import still

import cv2
import numpy as np

from kmc_core.dit.weights_file import load_network
from kmc_core.evaluation.command_line import pose_folder
from kmc_core.media.clip import open_clip
from kmc_core.media.contact_sheet import contact_sheet
from kmc_core.motion.retarget import retarget
from kmc_core.motion.trimming import trim_motion
from kmc_core.pose.extractor import HolisticExtractor
from kmc_core.pose.weights import ensure_weights
from kmc_core.sampling.reenact import SamplerSettings, reenact
from kmc_core.subject.library import build_subject
from kmc_core.training.synthetic.designs import random_design
from kmc_core.types import Canvas

BUILDS = (("chibi", 3), ("heavy_man", 8), ("girl", 21))
CELL = Canvas(400, 272)
MOMENTS_PER_ROW = 8


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "any_body.jpg"
    extractor = HolisticExtractor(ensure_weights(pose_folder()))
    clip = open_clip(default_clip(CACHE / "demo"), fps=8)
    motion = extractor.track(clip)
    network, facts = load_network(ROOT / "kmc_core" / "weights" / "kmc_nano.safetensors")
    shown = np.linspace(2, clip.frame_count - 2, MOMENTS_PER_ROW).astype(int)
    rows = [[clip.frame(int(index)) for index in shown]]
    for build, seed in BUILDS:
        subject = build_subject([still(random_design(seed, build=build))], extractor)
        moved = retarget(trim_motion(motion, int(shown[-1]) + 1), subject)
        settings = SamplerSettings(canvas=CELL, network_strength=float(facts.get("recommended_strength", 1.0)))
        frames = [frame.rgb for frame in reenact(moved, subject, settings, network)]
        rows.append([frames[index] for index in shown])
    sheet = contact_sheet(rows, ["the performer", *(build.replace("_", " ") for build, _ in BUILDS)])
    cv2.imwrite(str(target), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return 0


if __name__ == "__main__":
    sys.exit(main())
