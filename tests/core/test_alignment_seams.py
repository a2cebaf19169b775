"""In the picture's own pose the layers show no seams; limbs bend about their middle; a flank stays with the trunk."""

from __future__ import annotations

import cv2
import numpy as np
from alignment_figures import library_of, standing_view, still_motion

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.bare_arms import _flank_below_the_hem
from kmc_core.alignment.mesh import bend_offset
from kmc_core.alignment.part_model import L_ARM, LIMB_JOINTS, TORSO, build_part_model


def test_the_picture_in_its_own_pose_has_no_seams() -> None:
    view = standing_view()
    frame = Aligner(library_of(view), plate_method="pushpull").render(still_motion(view), 0, view.canvas)
    solid = cv2.erode((view.alpha > 0.99).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    off = np.abs(frame.rgb.permute(1, 2, 0).numpy() - view.foreground / 255).max(-1)[solid]
    assert np.quantile(off, 0.99) < 0.001 and (off > 0.02).mean() < 0.007


def test_a_limb_bends_about_its_middle() -> None:
    own = np.zeros((100, 100), bool)
    own[:, 40:60] = True
    chain = np.array([[45.0, 20.0], [45.0, 50.0], [45.0, 80.0], [45.0, 90.0]])
    assert np.allclose(bend_offset(own, chain, 10.0), [5, 0], atol=1)
    assert np.allclose(bend_offset(own, chain, 5.0), [3, 0], atol=0.6)  # never far from the joint
    assert (bend_offset(~own, chain, 10.0) == 0).all()


def test_cloth_below_a_short_sleeve_goes_back_to_the_trunk_and_a_tattoo_stays() -> None:
    view = standing_view()
    model = build_part_model(view)
    shoulder, elbow = view.joints[list(LIMB_JOINTS[L_ARM][:2]), :2]
    place = np.stack(np.meshgrid(np.arange(view.canvas.width), np.arange(view.canvas.height)), -1) + 0.5
    along = ((place - shoulder) @ (elbow - shoulder)) / float((elbow - shoulder) @ (elbow - shoulder))
    arm = model.labels == L_ARM
    touching = arm & (cv2.dilate((model.labels == TORSO).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    sleeve, flank = arm & (along < 0.3), touching & (along > 0.5)
    model.labels[touching & ~flank & (along > 0.3)] = -1
    middle = (0.25 * shoulder + 0.75 * elbow).astype(int)
    tattoo = np.zeros_like(arm)
    tattoo[middle[1] - 1 : middle[1] + 2, middle[0] - 1 : middle[0] + 2] = True
    tattoo &= ~cv2.dilate(flank.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    cloth = sleeve | flank | tattoo
    found = _flank_below_the_hem(view, model, L_ARM, ~sleeve, cloth)
    if flank.any():
        assert found[flank].all()
    assert not found[sleeve & (along < 0.2)].any() and not found[tattoo].any()
