"""A skirt over bare legs swings with the hips as one cloth, and legs show beneath it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from alignment_figures import library_of, standing_view, still_motion

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.part_model import L_LEG, R_LEG, TORSO, build_part_model
from kmc_core.alignment.skirt import FOLLOWS_LEGS, cut_skirt, following
from kmc_core.types import Canvas, SubjectView

CANVAS = Canvas(384, 288)
BLUE = (40, 90, 220)


def dressed_view(colour: tuple[int, int, int] = BLUE) -> SubjectView:
    """The figure in a flared dress that ends above the knees."""
    view = standing_view(CANVAS)
    hips = view.joints[[11, 15], :2].mean(0)
    outline = hips + np.array([[-26, -20], [26, -20], [52, 56], [-52, 56]])
    cloth = np.zeros(CANVAS, np.uint8)
    cv2.fillConvexPoly(cloth, np.round(outline).astype(np.int32), 1)
    colours = view.foreground.copy()
    colours[cloth > 0] = colour
    return replace(view, alpha=np.maximum(view.alpha, cloth.astype(np.float32)), picture=colours, foreground=colours)


def test_the_cloth_goes_to_the_trunk_and_the_legs_go_on_beneath_it() -> None:
    view = dressed_view()
    model = build_part_model(view)
    skirt = cut_skirt(view, model)
    assert skirt is not None
    hips = view.joints[[11, 15], :2].mean(0)
    assert abs(skirt.hem - (hips[1] + 56)) < 6
    blue = (view.foreground == BLUE).all(-1)
    assert (model.labels[blue] == TORSO).mean() > 0.97
    below = np.arange(CANVAS.height)[:, None] > skirt.hem + 6
    assert set(np.unique(model.labels[below & (view.alpha > 0.5) & ~blue])) >= {L_LEG, R_LEG}
    for leg in (L_LEG, R_LEG):
        assert skirt.beneath[leg][int(skirt.hem) - 4].any() and not skirt.beneath[leg][int(hips[1])].any()


def test_cloth_of_the_legs_own_colour_is_no_skirt() -> None:
    view = dressed_view((40, 140, 60))
    model = build_part_model(view)
    before = model.labels.copy()
    assert cut_skirt(view, model) is None and (model.labels == before).all()


def blue_in(view: SubjectView, motion) -> np.ndarray:
    """Where a frame shows the dress, below the hips, bool [H,W]."""
    frame = Aligner(library_of(view), plate_method="pushpull").render(motion, 0, CANVAS)
    colour = frame.rgb.permute(1, 2, 0).numpy() * 255
    below = np.arange(CANVAS.height)[:, None] > view.joints[0, 1] + 25  # the figure's sleeves are blue as well
    return (np.abs(colour - BLUE).max(-1) < 40) & (frame.alpha.numpy() > 0.7) & below


def test_the_hem_swings_away_from_a_leaning_chest_and_stays_whole() -> None:
    view = dressed_view()
    upright = blue_in(view, still_motion(view))
    motion = still_motion(view)
    for joint in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10):  # everything above the hips leans to the right
        motion.joints[0, joint, 0] += 30
    leaning = blue_in(view, motion)
    rows = slice(int(view.joints[0, 1]) + 40, int(view.joints[0, 1]) + 54)
    middle = [np.nonzero(shown[rows])[1].mean() for shown in (upright, leaning)]
    assert middle[1] < middle[0] - 4
    apart = still_motion(view)
    for chain, side in (((12, 13, 14), 1), ((16, 17, 18), -1)):
        apart.joints[0, list(chain), 0] += side * 35
    spread = blue_in(view, apart)
    areas = cv2.connectedComponentsWithStats(spread.astype(np.uint8))[2][1:, cv2.CC_STAT_AREA]
    assert areas.max() > 0.98 * areas.sum()


def test_raised_thighs_take_the_cloth_along() -> None:
    lengths = np.array([100.0, 100.0])
    assert following(np.array([[0.0, 100.0], [10.0, 99.0]]), lengths) == FOLLOWS_LEGS
    assert following(np.array([[0.0, 20.0], [0.0, 100.0]]), lengths) == 1.0
