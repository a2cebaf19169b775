"""Fast geometry against slow plain loops: skinning, torso quad, weights, bone transforms, view choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from alignment_figures import library_of, standing_view, still_motion

from kmc_core.alignment.aligner import Aligner
from kmc_core.alignment.bare_arms import release_from_bare_arms
from kmc_core.alignment.capsules import apply_affine, bone_transform, distance_to_segment
from kmc_core.alignment.deform import TargetPose, drawn_side, skin, torso_coordinates, torso_frame, torso_points, torso_signs
from kmc_core.alignment.head import limited_rotation, yaw_rotation
from kmc_core.alignment.mesh import chain_weights
from kmc_core.alignment.part_model import HEAD_PART, L_ARM, L_LEG, R_ARM, R_LEG, TORSO, build_part_model
from kmc_core.alignment.prepared_view import prepare_view
from kmc_core.alignment.views import choose_views, fade_weights
from kmc_core.types import Canvas


def test_skinning_equals_a_loop_over_vertices() -> None:
    generator = np.random.default_rng(0)
    chain = np.array([[0.0, 0], [0, 100], [5, 180], [8, 210]])
    target = np.array([[50.0, 20], [110, 90], [60, 150], [20, 160]])
    transforms = [bone_transform(chain[i : i + 2], target[i : i + 2], 1.3) for i in range(3)]
    vertices, bend = generator.uniform(-20, 200, (40, 2)), generator.uniform(0, 1, 40)
    weights = np.zeros((40, 3))
    for number in range(40):
        first = number % 2
        weights[number, first], weights[number, first + 1] = 1 - bend[number], bend[number]
    weights[:6] = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    fast = skin(vertices, weights, transforms, chain)
    for number, vertex in enumerate(vertices):
        first = 1 if weights[number, 2] > 0 else 0
        share, joint = weights[number, first + 1], chain[first + 1]
        angles, sizes = [], []
        for matrix in transforms[first : first + 2]:
            left, values, right = np.linalg.svd(matrix[:, :2])
            angles.append(np.angle(complex(*(left @ right)[:, 0])))
            sizes.append(right.T @ np.diag(values) @ right)
        step = (angles[1] - angles[0] + np.pi) % (2 * np.pi) - np.pi
        turn = np.exp(1j * (angles[0] + share * step))
        offset = ((1 - share) * sizes[0] + share * sizes[1]) @ (vertex - joint)
        centres = [matrix @ np.array([*joint, 1.0]) for matrix in transforms[first : first + 2]]
        turned = turn * complex(*offset)
        slow = (1 - share) * centres[0] + share * centres[1] + [turned.real, turned.imag]
        assert np.allclose(fast[number], slow)


def test_a_folded_elbow_keeps_its_outer_curve() -> None:
    chain = np.array([[0.0, 0], [0, 100], [0, 200], [0, 230]])
    target = np.array([[0.0, 0], [0, 100], [60, 20], [70, 0]])
    transforms = [bone_transform(chain[i : i + 2], target[i : i + 2], 1.0) for i in range(3)]
    corner = skin(np.array([[-15.0, 100], [15.0, 100]]), np.array([[0.5, 0.5, 0]] * 2), transforms, chain)
    assert np.allclose(np.linalg.norm(corner - chain[1], axis=1), 15)


def test_a_bone_transform_carries_its_ends_and_keeps_the_width() -> None:
    source, target = np.array([[10.0, 10], [10, 60]]), np.array([[100.0, 40], [130, 40]])
    matrix = bone_transform(source, target, 2.0)
    assert np.allclose(apply_affine(matrix, source[0]), target[0])
    across = apply_affine(matrix, source[0] + [3, 0]) - apply_affine(matrix, source[0])
    assert np.isclose(np.linalg.norm(across), 6.0)
    assert np.allclose(apply_affine(bone_transform(source, source, 1.0), np.array([[3.0, 4]])), [[3, 4]])


def test_chain_weights_are_shares_and_follow_the_nearest_bone() -> None:
    chain = np.array([[0.0, 0], [0, 100], [80, 160], [90, 190]])
    points = np.random.default_rng(1).uniform(-50, 200, (300, 2))
    weights = chain_weights(points, chain, np.array([15.0, 11, 12]))
    assert np.allclose(weights.sum(1), 1) and (weights >= 0).all()
    assert chain_weights(np.array([[2.0, 40]]), chain, np.array([15.0, 11, 12]))[0, 0] == 1
    position = distance_to_segment(np.array([[2.0, 40]]), chain[0], chain[1])
    assert np.allclose(position, [[2], [0.4]])


def test_torso_coordinates_invert_torso_points() -> None:
    joints = standing_view(Canvas(384, 288)).joints.astype(np.float64)
    frame = torso_frame(joints, 1.0)
    points = np.random.default_rng(2).uniform(0, 1, (50, 2)) * np.ptp(joints[:, :2], 0) * 0.4 + joints[1, :2] - 20
    assert np.abs(torso_points(frame, torso_coordinates(frame, points)) - points).max() < 0.5


def test_the_torso_s_side_does_not_flicker() -> None:
    joints = np.repeat(standing_view(Canvas(384, 288)).joints[None], 40, 0).astype(np.float64)
    around = np.linspace(0, np.pi, 40) + 0.02 * np.sin(np.arange(40) * 2.0)
    for frame, angle in enumerate(around):
        joints[frame] = (joints[frame] - joints[frame, 0]) @ yaw_rotation(angle).T + joints[frame, 0]
    signs = torso_signs(joints)
    assert signs[0] == 1 and signs[-1] == -1 and np.count_nonzero(np.diff(signs)) == 1


def test_limited_rotation_caps_yaw_and_keeps_small_turns() -> None:
    assert np.allclose(limited_rotation(yaw_rotation(0.3)), yaw_rotation(0.3))
    assert np.allclose(limited_rotation(yaw_rotation(1.4), 0.75), yaw_rotation(0.75), atol=1e-6)


def test_a_bare_arm_keeps_its_skin_and_leaves_what_hangs_beside_it() -> None:
    view = standing_view(Canvas(384, 288))
    model = build_part_model(view)
    arms = release_from_bare_arms(replace(view, keypoints=replace(view.keypoints, user_supplied=True)), model)
    assert arms.bare == arms.hidden == frozenset()
    before = model.labels.copy()
    release_from_bare_arms(view, model)
    changed = before != model.labels
    assert np.isin(before[changed], (L_ARM, R_ARM)).all() and (model.labels[changed] == TORSO).all()


def test_parts_are_where_they_were_drawn() -> None:
    view = standing_view(Canvas(384, 288))
    labels = build_part_model(view).labels
    joints = view.joints[:, :2]
    places = {
        TORSO: (joints[0] + joints[1]) / 2, HEAD_PART: joints[2], L_ARM: (joints[4] + joints[5]) / 2,
        R_ARM: (joints[8] + joints[9]) / 2, L_LEG: (joints[12] + joints[13]) / 2, R_LEG: (joints[16] + joints[17]) / 2,
    }  # fmt: skip
    for part, (x, y) in places.items():
        assert labels[int(y), int(x)] == part
    assert (labels[view.alpha < 0.02] == -1).all()


def test_views_change_late_and_fade() -> None:
    available = np.radians([0.0, 90.0])
    wanted = np.radians(np.concatenate([np.linspace(0, 50, 50), np.linspace(50, 40, 30), np.linspace(40, 90, 50)]))
    chosen = choose_views(wanted, available)
    assert chosen[0] == 0 and chosen[79] == 0 and chosen[-1] == 1 and np.count_nonzero(np.diff(chosen)) == 1
    weights = fade_weights(chosen, 2)
    assert np.allclose(weights.sum(1), 1) and 3 <= np.count_nonzero((weights[:, 0] > 0) & (weights[:, 0] < 1)) <= 5


def test_a_body_seen_from_behind_its_picture_is_the_mirror_image_down_to_the_feet() -> None:
    view = standing_view(Canvas(384, 288), seed=3)
    motion = still_motion(view)
    motion.joints[0, :, 0] = 288 - motion.joints[0, :, 0]
    aligned = Aligner(library_of(view), plate_method="pushpull").render(motion, 0, Canvas(384, 288))
    below = slice(int(view.joints[1, 1]) + 20, 384)
    mirrored, drawn = view.alpha[below, ::-1] > 0.5, aligned.alpha.numpy()[below] > 0.5
    assert (drawn & mirrored).sum() > 0.93 * (drawn | mirrored).sum()
    expected = view.picture[below, ::-1].astype(np.float32)
    made = aligned.rgb.permute(1, 2, 0).numpy()[below] * 255
    assert np.abs(made - expected)[drawn & mirrored].mean() < 8


def test_a_picture_in_profile_is_never_turned_over() -> None:
    view = standing_view(Canvas(384, 288))
    joints = view.joints.copy()
    middle = joints[[3, 7, 11, 15], 0].mean()
    for joint, depth in ((3, 30), (7, -30), (11, 20), (15, -20)):
        joints[joint, 0], joints[joint, 2] = middle, depth
    profile = replace(view, joints=joints, yaw=np.pi / 2)
    pose = TargetPose(joints, np.ones(19), 1.0, -1.0, np.eye(3))
    assert drawn_side(prepare_view(profile), pose) == (1.0, 1.0) and drawn_side(prepare_view(view), pose) == (-1.0, 1.0)


def test_a_profile_is_shown_only_from_close_by() -> None:
    pictures = np.radians([0.0, 90.0])
    for wanted, view in ((30, 0), (55, 0), (62, 1), (100, 1), (175, 0), (-150, 0), (-90, 0)):
        assert (choose_views(np.full(8, np.radians(wanted)), pictures) == view).all(), wanted
    four = np.radians([0.0, 90.0, 180.0, -90.0])
    for wanted, view in ((55, 0), (62, 1), (-95, 3), (110, 1), (118, 2), (-150, 2)):
        assert (choose_views(np.full(8, np.radians(wanted)), four) == view).all(), wanted
