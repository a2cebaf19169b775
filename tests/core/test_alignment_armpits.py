"""Where an arm stands off the body: the sleeve's underside belongs to the arm, a bulging flank to the trunk."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from alignment_figures import standing_view

from kmc_core.alignment import layers
from kmc_core.alignment.capsules import pixel_centres
from kmc_core.alignment.layers import ALPHA, SLEEVE_ROOT, Layer, _from_root, _stands_off, build_layers
from kmc_core.alignment.part_model import _cut_at_armpits, build_part_model
from kmc_core.pose.skeleton_layouts import LEFT_ARM, RIGHT_ARM
from kmc_core.types import SubjectView

TORSO, ARMS = 0, (2, 3)


def stocky_view() -> SubjectView:
    """The drawn figure with thick sleeves and a belly wider than its shoulders; its left arm is lifted well off the body."""
    view = standing_view()
    joints = view.joints.copy()
    for chain, side in ((LEFT_ARM, 1.0), (RIGHT_ARM, -1.0)):
        shoulder = joints[chain[0], :2]
        for step, joint in enumerate(chain[1:], start=1):
            joints[joint, :2] = shoulder + np.array([side * 26.0, 16.0]) * step
    alpha = np.zeros(view.canvas, np.float32)
    hull = np.round(joints[[3, 7, 15, 11], :2]).astype(np.int32)
    cv2.fillConvexPoly(alpha, hull, 1.0)
    belly = (joints[0, :2] * 0.45 + joints[1, :2] * 0.55).round().astype(int)
    cv2.ellipse(alpha, tuple(int(v) for v in belly), (56, 30), 0, 0, 360, 1.0, -1)
    for chain in (LEFT_ARM, RIGHT_ARM):
        ends = joints[list(chain), :2].round().astype(int)
        for start, end in zip(ends[:-1], ends[1:], strict=True):
            cv2.line(alpha, tuple(int(v) for v in start), tuple(int(v) for v in end), 1.0, 22)
    return replace(view, alpha=alpha, joints=joints)


@pytest.mark.parametrize(("arm", "chain"), list(zip(ARMS, (LEFT_ARM, RIGHT_ARM), strict=True)))
def test_the_underside_of_a_sleeve_goes_with_the_arm_and_the_belly_stays(arm: int, chain: tuple[int, ...]) -> None:
    view = stocky_view()
    labels = np.where(view.alpha > 0.3, TORSO, -1).astype(np.int8)
    _cut_at_armpits(labels, view)
    shoulder, elbow, pelvis = (view.joints[joint, :2] for joint in (chain[0], chain[1], 0))
    down = np.array([-(elbow - shoulder)[1], (elbow - shoulder)[0]]) / np.linalg.norm(elbow - shoulder)
    down *= np.sign(down @ (pelvis - shoulder))
    x, y = (shoulder + 0.75 * (elbow - shoulder) + 7 * down).astype(int)
    assert labels[y, x] == arm
    moved = np.argwhere(labels == arm)[:, ::-1] + 0.5
    assert (np.abs((moved - shoulder) @ down) < 16).all()  # nothing of the flank below the sleeve came along


def test_an_arm_that_hangs_against_the_body_changes_nothing() -> None:
    view = standing_view()
    view = replace(view, alpha=np.ones(view.canvas, np.float32))
    labels = np.zeros(view.canvas, np.int8)
    _cut_at_armpits(labels, view)
    assert (labels == TORSO).all()


def _coverage(layer: Layer, where: np.ndarray) -> float:
    """How much of the places [H,W] of the picture a layer covers, px."""
    (x, y), (height, width) = layer.origin, layer.texture.shape[:2]
    return float((layer.texture[..., ALPHA] * where[y : y + height, x : x + width]).sum())


@pytest.mark.parametrize("arm", ARMS)
def test_the_trunk_carries_no_strip_of_a_sleeve_that_stands_off_and_keeps_one_under_a_hanging_arm(
    arm: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = stocky_view()
    model = build_part_model(view)
    centres = pixel_centres(*view.canvas)
    assert _stands_off(view, model.labels, arm, centres)
    sleeve = (model.labels == arm) & (_from_root(view, model, arm, centres) > SLEEVE_ROOT)
    standing_off = _coverage(build_layers(view, model)[TORSO], sleeve)
    monkeypatch.setattr(layers, "_stands_off", lambda *_: False)
    assert standing_off < 0.7 * _coverage(build_layers(view, model)[TORSO], sleeve)

    shoulder, elbow = view.joints[list((LEFT_ARM, RIGHT_ARM)[arm - 2][:2]), :2]
    length = float(np.linalg.norm(elbow - shoulder))
    joints = view.joints.copy()
    joints[(LEFT_ARM, RIGHT_ARM)[arm - 2][1], :2] = shoulder + [0, length]
    hanging = np.full(view.canvas, TORSO, np.int8)
    outside = centres[..., 0] > shoulder[0] if arm == 2 else centres[..., 0] < shoulder[0]
    hanging[outside & (centres[..., 1] > shoulder[1]) & (centres[..., 1] < shoulder[1] + 2 * length)] = arm
    assert not _stands_off(replace(view, joints=joints), hanging, arm, centres)
