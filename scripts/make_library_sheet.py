"""Draws the sheet of docs/motion_library.md: library motions on three of the project's own characters.

python scripts/make_library_sheet.py [docs/motion_library.jpg]
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from kmc_core.alignment.aligner import Aligner  # noqa: E402
from kmc_core.alignment.maps import over_plate  # noqa: E402
from kmc_core.evaluation.command_line import pose_folder  # noqa: E402
from kmc_core.media.contact_sheet import contact_sheet  # noqa: E402
from kmc_core.motion.library import find_entry, load_library_motion  # noqa: E402
from kmc_core.motion.retarget import retarget  # noqa: E402
from kmc_core.pose.extractor import HolisticExtractor  # noqa: E402
from kmc_core.pose.weights import ensure_weights  # noqa: E402
from kmc_core.subject.library import build_subject  # noqa: E402
from kmc_core.training.synthetic.background import draw_background, random_background  # noqa: E402
from kmc_core.training.synthetic.camera import frame_camera  # noqa: E402
from kmc_core.training.synthetic.character import CharacterDesign, build_character  # noqa: E402
from kmc_core.training.synthetic.default_character import default_goals, draw_default_character  # noqa: E402
from kmc_core.training.synthetic.designs import random_design  # noqa: E402
from kmc_core.training.synthetic.performer import performer_design  # noqa: E402
from kmc_core.training.synthetic.renderer import Scene, pose_character, render_frame  # noqa: E402
from kmc_core.types import Canvas, SubjectLibrary  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
MOTIONS = ("walk", "run", "wave", "point", "clap", "bow", "dance_groove", "dance_disco", "fight_punches", "fight_kicks", "exercise_squats",
           "exercise_jacks", "signs_slow", "laugh", "shrug", "sway")  # fmt: skip
MOMENTS = (0.2, 0.45, 0.7)
CELL, PICTURE = Canvas(220, 150), Canvas(900, 614)
OTHER_DESIGN_SEED = 5


def still(design: CharacterDesign) -> np.ndarray:
    """A character picture uint8 [H,W,3] in a relaxed stance with room around it."""
    character = build_character(design, 1.2)
    camera = frame_camera(design.shape, PICTURE, "full", focal=3.0, margin=1.08)
    scene = Scene(camera, grain=0.0)
    backdrop = draw_background(random_background(4), camera, PICTURE)
    frame = render_frame(character, pose_character(character, default_goals()), scene, PICTURE, backdrop)
    return (np.clip(frame.rgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def moments(subject: SubjectLibrary, aligner: Aligner, name: str) -> list[np.ndarray]:
    """Some frames of a library motion on a character, uint8 [H,W,3]."""
    motion = retarget(load_library_motion(name), subject)
    plate = torch.from_numpy(aligner.plate(CELL).rgb.copy()).permute(2, 0, 1).float() / 255
    pictures = []
    for part in MOMENTS:
        frame = aligner.render(motion.character, int(part * motion.frame_count), CELL)
        pictures.append((over_plate(frame, plate).permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8))
    return pictures


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "motion_library.jpg"
    extractor = HolisticExtractor(ensure_weights(pose_folder()), workers=1)
    pictures = [draw_default_character(), still(performer_design()), still(random_design(OTHER_DESIGN_SEED))]
    subjects = [build_subject([picture], extractor) for picture in pictures]
    aligners = [Aligner(subject) for subject in subjects]
    rows, titles = [], []
    for first in range(0, len(MOTIONS), 2):
        pair = MOTIONS[first : first + 2]
        row = []
        for name in pair:
            for subject, aligner in zip(subjects, aligners, strict=True):
                row += moments(subject, aligner, name)
            logging.info("%s", name)
        rows.append(row)
        titles.append(f"{find_entry(pair[0]).title}   |   {find_entry(pair[1]).title}")
    sheet = contact_sheet(rows, titles, cell_height=150)
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 84])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
