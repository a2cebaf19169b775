"""The whole alignment on a drawn figure: the picture's own pose gives the picture back; equal input gives equal frames."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from alignment_figures import library_of, standing_view, still_motion

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.maps import MAP_CHANNELS, OWN_SHARE, TAPER, network_maps, pose_radii
from kmc_core.alignment.part_model import L_LEG
from kmc_core.errors import SubjectError
from kmc_core.types import Canvas, CharacterMotion


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner(library_of(standing_view(Canvas(640, 480))), plate_method="pushpull")


def waving(frames: int = 6) -> CharacterMotion:
    """The left arm is raised and the right knee lifted, a little more every frame."""
    view = standing_view(Canvas(640, 480))
    motion = still_motion(view, frames)
    joints = motion.joints.copy()
    for frame in range(frames):
        share = frame / max(frames - 1, 1)
        joints[frame, 4] += np.array([20, -60, -10]) * share
        joints[frame, 5] += np.array([-10, -200, -30]) * share
        joints[frame, 6] += np.array([-20, -240, -40]) * share
        joints[frame, 16] += np.array([-30, -40, -30]) * share
    return replace(motion, joints=joints)


def test_the_picture_s_own_pose_gives_the_picture_back(aligner: Aligner) -> None:
    view = aligner.subject.primary_view
    aligned = aligner.render(still_motion(view), 0, view.canvas)
    inside = view.alpha > 0.9
    drawn = aligned.rgb.permute(1, 2, 0).numpy()[inside] * 255
    error = ((drawn - view.picture[inside]) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 35
    assert aligned.alpha.numpy()[inside].min() > 0.85
    assert aligned.alpha.numpy()[view.alpha < 0.01].max() < 0.05


def test_equal_input_gives_equal_frames_in_any_order(aligner: Aligner) -> None:
    motion, canvas = waving(), Canvas(320, 240)
    forward = [aligner.render(motion, frame, canvas) for frame in range(6)]
    other = Aligner(aligner.subject, plate_method="pushpull")
    for frame in (4, 1):
        again = other.render(motion, frame, canvas)
        for name in ("rgb", "alpha", "part", "depth", "source_uv", "stretch", "real", "confidence"):
            assert torch.equal(getattr(again, name), getattr(forward[frame], name)), name


@pytest.mark.parametrize("canvas", [Canvas(640, 480), Canvas(257, 191), Canvas(33, 25), Canvas(7, 5)])
def test_frames_and_maps_are_finite_and_in_range(aligner: Aligner, canvas: Canvas) -> None:
    motion = waving()
    previous = None
    for frame in (0, 5):
        aligned = aligner.render(motion, frame, canvas)
        maps = network_maps(
            aligned, previous, aligner.plate(canvas), aligner.target_joints(motion, frame, canvas), motion.joint_confidence[frame]
        )
        previous = aligned
        assert maps.shape == (len(MAP_CHANNELS), *canvas) and torch.isfinite(maps).all()
        for name, channel in zip(MAP_CHANNELS, maps, strict=True):
            signed = name in ("red", "green", "blue", "plate_red", "plate_green", "plate_blue", "depth", "stretch")
            assert channel.min() >= (-1 if signed else 0) - 1e-5 and channel.max() <= 1 + 1e-5, name
        assert int(aligned.part.min()) >= -1 and int(aligned.part.max()) <= 8
        assert (aligned.rgb <= aligned.alpha + 1e-4).all()
        assert (aligned.source_uv >= 0).all() and (aligned.source_uv <= 1).all()


@pytest.mark.parametrize("eaten_px", [0, 9])
def test_bones_of_slim_limbs_are_drawn_slim(eaten_px: int) -> None:
    """The background beside a slim leg is no hole in the body: the drawn pose stays inside the cloth of its own picture."""
    view = standing_view(Canvas(640, 480))
    slim = replace(view, alpha=cv2.erode(view.alpha, np.ones((2 * eaten_px + 1, 2 * eaten_px + 1))))
    aligner, motion = Aligner(library_of(slim), plate_method="pushpull"), still_motion(slim)
    arguments = (
        aligner.render(motion, 0, slim.canvas), None, aligner.plate(slim.canvas), motion.joints[0], motion.joint_confidence[0]
    )  # fmt: skip
    legs = slice(int(0.6 * 640), int(0.85 * 640))  # below the hips, above the shoes

    def hole(maps: torch.Tensor) -> float:
        return float(maps[MAP_CHANNELS.index("hole"), legs].sum())

    own = hole(network_maps(*arguments, aligner.pose_radii()))
    assert own < 100
    assert eaten_px == 0 or own < 0.3 * hole(network_maps(*arguments))


def test_a_skirt_does_not_make_thighs_thick() -> None:
    model = Aligner(library_of(standing_view(Canvas(640, 480))), plate_method="pushpull").view(0).model
    skirt = replace(model, limb_radii={**model.limb_radii, L_LEG: np.array([90.0, 9.0, 9.0])})
    radii = pose_radii(skirt, 100.0)
    assert radii[11] == pytest.approx(TAPER * radii[12]) and radii[12] == pytest.approx(OWN_SHARE * 0.09)


def test_a_raised_arm_leaves_its_old_place(aligner: Aligner) -> None:
    motion, canvas = waving(), Canvas(640, 480)
    old_wrist = motion.joints[0, 5, :2].astype(int)
    aligned = aligner.render(motion, 5, canvas)
    assert aligned.alpha[old_wrist[1], old_wrist[0]] < 0.05
    middle = ((motion.joints[5, 4, :2] + motion.joints[5, 5, :2]) / 2).astype(int)
    assert aligned.alpha[middle[1], middle[0]] > 0.9 and int(aligned.part[middle[1], middle[0]]) in (2, 7)


def test_the_camera_moves_character_and_plate_together(aligner: Aligner) -> None:
    view = aligner.subject.primary_view
    motion = still_motion(view)
    camera = np.array([[[1.1, 0, 12.0], [0, 1.1, -20.0]]], np.float32)
    moved = replace(motion, camera=camera)
    joints = aligner.target_joints(moved, 0, view.canvas)
    assert np.allclose(joints[:, :2], view.joints[:, :2] * 1.1 + [12, -20], atol=1e-3)
    assert aligner.plate(view.canvas, moved, 0).invented.max() <= 1
    still, shifted = aligner.render(motion, 0, view.canvas), aligner.render(moved, 0, view.canvas)
    assert float(shifted.alpha.sum()) > 1.05 * float(still.alpha.sum())


def test_a_figure_off_the_canvas_gives_an_empty_frame(aligner: Aligner) -> None:
    motion = waving()
    away = replace(motion, joints=motion.joints + np.array([5000, 0, 0], np.float32))
    aligned = aligner.render(away, 0, Canvas(64, 48))
    assert float(aligned.alpha.sum()) == 0 and int(aligned.part.max()) == -1


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(SubjectError, match="hands"):
        Aligner(library_of(standing_view(Canvas(64, 48))), hands="paws")


def test_two_views_cross_fade_when_the_body_turns() -> None:
    front = standing_view(Canvas(160, 120))
    side = replace(front, picture=255 - front.picture, foreground=255 - front.foreground, yaw=np.pi / 2, head_yaw=np.pi / 2)
    aligner = Aligner(library_of(front, side), plate_method="pushpull", face="rigid")
    frames = 22
    turning = np.linspace(0, np.pi / 2, frames).astype(np.float32)
    motion = replace(still_motion(front, frames), body_yaw=turning, head_yaw=turning)
    colours = []
    for frame in range(frames):
        aligned = aligner.render(motion, frame, front.canvas)
        colours.append(float(aligned.rgb.sum() / aligned.alpha.sum()))
        assert abs(float(aligned.alpha.max()) - 1) < 1e-3
    steps = np.abs(np.diff(colours))
    assert abs(colours[0] - colours[-1]) > 0.05 and 3 <= np.count_nonzero(steps > 0.02) <= 8
    assert steps.max() < 0.5 * abs(colours[0] - colours[-1])


def test_a_head_goes_with_a_body_that_stands_otherwise_than_its_picture() -> None:
    view = standing_view(Canvas(160, 120), with_face=True)
    aligner = Aligner(library_of(view), plate_method="pushpull", face="rigid")
    yaw = np.radians([0.0, 20.0, 70.0]).astype(np.float32)
    motion = replace(still_motion(view, 3), body_yaw=yaw, head_yaw=yaw)
    poses = [aligner._pose(motion, frame, view.canvas, 0, 0, 1.0).head_rotation for frame in range(3)]
    turns = [float(np.degrees(np.arctan2(-pose[0, 2], pose[2, 2]))) for pose in poses]
    assert turns[:2] == pytest.approx([0.0, 0.0], abs=0.1)  # a head alone turns against the neutral one
    assert turns[2] == pytest.approx(43.0, abs=1.0)  # as far as one picture carries
