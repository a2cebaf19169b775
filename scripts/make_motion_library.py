"""Makes the shipped motion library from its choreography: python scripts/make_motion_library.py [--only NAME ...]"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from kmc_core.motion.library.catalogue import (
    BASIS_NAME,
    FOLDER,
    face_basis,
    library_entries,
    load_library_motion,
    write_compact,
    write_face_basis,
)
from kmc_core.motion.library.compact import compacted, fit_face_basis
from kmc_core.pose.drawing import draw_motion_frame
from kmc_core.pose.expression import canonical_face
from kmc_core.training.synthetic.camera import Camera
from kmc_core.training.synthetic.character import Character, build_character
from kmc_core.training.synthetic.landmarks import frame_truth, motion_of
from kmc_core.training.synthetic.library_motions import LibraryPlan
from kmc_core.training.synthetic.library_plans import library_plans
from kmc_core.training.synthetic.performer import performer_design
from kmc_core.training.synthetic.renderer import pose_character
from kmc_core.types import Canvas, HolisticMotion

FPS, CANVAS = 24.0, Canvas(960, 768)
FACE_DIRECTIONS = 12
# far away: the library's picture is nearly orthographic, so that every point lies where its metres say
CAMERA = Camera(target=(0.0, 0.87, 0.0), distance=40.0, focal=16.5)
PX_PER_METRE = CAMERA.focal * CANVAS.height / CAMERA.distance
THUMBNAIL_PX = 128


def perform(character: Character, plan: LibraryPlan) -> HolisticMotion:
    """The exact motion of one period of a plan; nothing hides anything."""
    nothing = np.zeros(CANVAS, np.float32)
    count = round(plan.seconds * FPS)
    truths = [
        frame_truth(character, pose_character(character, plan.goals_of(frame / FPS)), CAMERA, CANVAS, nothing)
        for frame in range(count)
    ]
    return motion_of(truths, FPS, CANVAS, np.zeros((count, 8, 8), np.float32))


def write_thumbnail(name: str, path: Path) -> None:
    """Four poses of the motion in a strip."""
    motion = load_library_motion(name)
    cells = [draw_motion_frame(motion, round(motion.frame_count * part), long_side=256) for part in (0.1, 0.35, 0.6, 0.85)]
    strip = np.concatenate([cell[8:248, 24:-24] for cell in cells], axis=1)
    width = round(strip.shape[1] * THUMBNAIL_PX / strip.shape[0])
    small = cv2.resize(strip, (width, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="names; the face basis is then kept")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    FOLDER.mkdir(parents=True, exist_ok=True)
    character = build_character(performer_design(), 0.6)
    plans = [plan for plan in library_plans() if not options.only or plan.name in options.only]
    motions = {plan.name: perform(character, plan) for plan in plans}
    if not options.only or not (FOLDER / f"{BASIS_NAME}.safetensors").is_file():
        faces = np.concatenate([canonical_face(motion.face).points[::6] for motion in motions.values()])
        write_face_basis(FOLDER, fit_face_basis(faces, FACE_DIRECTIONS))
        face_basis.cache_clear()
    for plan in plans:
        path = FOLDER / f"{plan.name}.safetensors"
        small = compacted(motions[plan.name], face_basis(), loop=True)
        header = {
            "title": plan.title, "kind": plan.kind, "tags": list(plan.tags), "seconds": plan.seconds, "fps": FPS, "loop": True,
            "canvas": list(CANVAS), "px_per_metre": PX_PER_METRE, "author": "KMC project", "licence": "Apache-2.0",
        }  # fmt: skip
        write_compact(path, small, header)
        logging.info("%s: %d directions, %d bytes", plan.name, len(small.directions), path.stat().st_size)
    library_entries.cache_clear()
    for plan in plans:
        write_thumbnail(plan.name, FOLDER / f"{plan.name}.jpg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
