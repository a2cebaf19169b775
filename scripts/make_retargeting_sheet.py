"""Draws docs/retargeting.jpg: the driver, the 2-D rescale, ours and the true pose of other bodies, all skeletons of this project.

python scripts/make_retargeting_sheet.py [docs/retargeting.jpg]
"""

from __future__ import annotations

import sys
from pathlib import Path

from environment import ROOT

import cv2
import numpy as np

from kmc_core.evaluation.rescale_2d import rescale_2d
from kmc_core.evaluation.retarget import perform, truth_for, with_true_depth
from kmc_core.evaluation.retarget_bodies import BODIES, CANVAS, build_figure, subject_of
from kmc_core.evaluation.retarget_plans import FPS, VIEWS
from kmc_core.media.contact_sheet import contact_sheet
from kmc_core.motion.retarget import retarget
from kmc_core.pose.skeleton_layouts import HEAD, LEFT_ARM, LEFT_LEG, NECK, RIG_BONES, rig_joints

# body, view, moment in seconds
MOMENTS = (
    ("chibi", "front", 0.7), ("robot", "back", 0.75), ("long_limbed", "seated", 1.0), ("giant", "crouched", 1.0),
    ("child", "lying", 1.2), ("heavy", "turning_image", 1.4),
)  # fmt: skip
CELL_PX = 340
LEFT, RIGHT, MIDDLE = (66, 133, 214), (222, 121, 59), (70, 70, 78)
LEFT_JOINTS = {*LEFT_ARM, *LEFT_LEG}


def drawn(joints: np.ndarray, face: np.ndarray | None = None) -> np.ndarray:
    """A skeleton [19,2|3] of the canvas as a picture cut round it, uint8 [H,W,3]."""
    picture = np.full((*CANVAS, 3), 247, np.uint8)
    size = max(4, round(np.linalg.norm(np.ptp(joints[:, :2], axis=0)) / 45))
    for child, parent in RIG_BONES:
        colour = LEFT if child in LEFT_JOINTS else MIDDLE if child in (NECK, HEAD) else RIGHT
        ends = [tuple(np.round(joints[joint, :2]).astype(int).tolist()) for joint in (parent, child)]
        cv2.line(picture, *ends, colour, size, cv2.LINE_AA)
    if face is not None:
        hull = cv2.convexHull(np.round(face[:, :2]).astype(np.int32))
        cv2.polylines(picture, [hull], True, MIDDLE, max(2, size // 2), cv2.LINE_AA)
    return picture


def cropped(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Square cut-outs of equal size round what is drawn, scaled to one cell."""
    boxes = [cv2.boundingRect((picture.min(-1) < 240).astype(np.uint8)) for picture in pictures]
    side = round(1.15 * max(max(box[2:]) for box in boxes))
    out = []
    for picture, (x, y, w, h) in zip(pictures, boxes, strict=True):
        padded = cv2.copyMakeBorder(picture, side, side, side, side, cv2.BORDER_CONSTANT, value=(247, 247, 247))
        left, top = x + w // 2 + side - side // 2, y + h // 2 + side - side // 2
        out.append(cv2.resize(padded[top : top + side, left : left + side], (CELL_PX, CELL_PX), interpolation=cv2.INTER_AREA))
    return out


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "retargeting.jpg"
    views, adult = {view.name: view for view in VIEWS}, build_figure()
    rows = []
    for body, name, moment in MOMENTS:
        view, frame = views[name], round(moment * FPS)
        driver = perform(adult, view).motion
        figure = build_figure(*BODIES[body])
        subject = subject_of(figure, body)
        truth = truth_for(figure, view, subject)
        flat = with_true_depth(rescale_2d(driver, subject.primary_view), truth)
        moved = retarget(driver, subject, view.orientation)
        face = moved.face[frame] if moved.face_confidence[frame] > 0 else None
        seen = driver.face[frame] if driver.face_confidence[frame] > 0 else None
        first = cropped([drawn(rig_joints(driver.body)[frame], seen)])
        others = cropped([drawn(flat[frame]), drawn(moved.character.joints[frame], face), drawn(truth.joints[frame])])
        rows.append(first + others)
    columns = [list(column) for column in zip(*rows, strict=True)]
    sheet = contact_sheet(columns, ["driver", "2-D rescale", "KMC", "true pose"], cell_height=CELL_PX)
    cv2.imwrite(str(target), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return 0


if __name__ == "__main__":
    sys.exit(main())
