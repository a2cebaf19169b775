"""Motions to files and back: own format bit for bit, BVH and POSE_KEYPOINT within 0.5 % of the torso, bad files refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from procedural_body import picture_keypoints, subject_of, walking_motion

from kmc_core.errors import KMCError, MotionError
from kmc_core.motion.bvh import parse_bvh, read_bvh, write_bvh
from kmc_core.motion.bvh_skeleton import HAND_POINTS, points_of
from kmc_core.motion.pose_keypoint_file import read_pose_keypoint_file, write_pose_keypoint_file
from kmc_core.motion.retarget import retarget
from kmc_core.motion.storage import ARRAYS, load_motion, save_motion
from kmc_core.pose.skeleton_layouts import OPENPOSE_18, PELVIS, rig_joints
from kmc_core.types import Canvas, HolisticMotion

TOLERANCE = 0.005

MIXAMO = """HIERARCHY
ROOT mixamorig:Hips
{{ OFFSET 0 100 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
 JOINT mixamorig:Spine
 {{ OFFSET 0 10 0 CHANNELS 3 Zrotation Yrotation Xrotation
  JOINT mixamorig:Neck {{ OFFSET 0 40 0 CHANNELS 3 Zrotation Yrotation Xrotation
   JOINT mixamorig:Head {{ OFFSET 0 10 0 CHANNELS 3 Zrotation Yrotation Xrotation End Site {{ OFFSET 0 20 0 }} }} }}
  {arms} }}
 {legs} }}
MOTION Frames: 2 Frame Time: 0.0333333
{values}
"""


def tracked() -> HolisticMotion:
    """Walks sideways and waves; bones change their lengths a little, as tracked ones do."""
    motion = walking_motion(frames=30, walk_m=0.4)
    noise = np.random.default_rng(0).normal(0, 0.004, motion.body_world.shape)
    noise[:, [23, 24]] = 0
    world = (motion.body_world + noise).astype(np.float32)
    return replace(motion, body_world=world, body=motion.body + (300 * noise[..., :2]).astype(np.float32))


def torso_error(one: HolisticMotion, other: HolisticMotion) -> float:
    """Largest distance of a rig joint, pelvis-centred, in torso lengths."""
    first, second = (rig_joints(motion.body_world.astype(np.float64)) for motion in (one, other))
    first, second = first - first[:, PELVIS, None], second - second[:, PELVIS, None]
    return float(np.linalg.norm(first - second, axis=-1).max() / np.linalg.norm(first[:, 1], axis=-1).mean())


def test_own_files_come_back_bit_for_bit(tmp_path: Path) -> None:
    motion = replace(tracked(), cuts=(7,), matte=np.full((30, 9, 9), 255, np.uint8), provenance={"people": 1, "notes": ("a", "b")})
    path = save_motion(motion, tmp_path / "walk", title="Walk", tags=("legs",))
    assert path.name == "walk.safetensors" and not list(tmp_path.glob("*.part"))
    back = load_motion(path)
    for name in (*ARRAYS, "matte"):
        np.testing.assert_array_equal(getattr(back, name), getattr(motion, name))
    assert (back.fps, back.canvas, back.cuts) == (motion.fps, motion.canvas, motion.cuts)
    assert back.provenance["people"] == 1 and back.provenance["notes"] == ["a", "b"]


def test_a_motion_on_a_character_is_not_stored(tmp_path: Path) -> None:
    on_character = retarget(walking_motion(frames=6), subject_of(picture_keypoints(), Canvas(720, 720)))
    with pytest.raises(MotionError, match="before KMC Retarget"):
        save_motion(on_character, tmp_path / "x")


def test_bvh_keeps_points_path_and_hands(tmp_path: Path) -> None:
    motion = tracked()
    back = read_bvh(write_bvh(motion, tmp_path / "walk.bvh"))
    assert back.frame_count == motion.frame_count and back.fps == pytest.approx(motion.fps, rel=1e-6)
    assert torso_error(motion, back) < TOLERANCE
    first, second = points_of(motion)[0], points_of(back)[0]
    torso = np.linalg.norm(first[:, 1] - first[:, 0], axis=-1).mean()
    hands = np.r_[HAND_POINTS[0] : HAND_POINTS[1] + 20]
    own = [points[:, hands] - points[:, PELVIS, None] for points in (first, second)]
    assert np.abs(own[0] - own[1]).max() < 2 * TOLERANCE * torso
    way = [points[:, PELVIS] - points[:1, PELVIS] for points in (first, second)]
    assert np.abs(way[0] - way[1])[:, :2].max() < 2 * TOLERANCE * torso


def test_bvh_with_rotations_alone_is_exact_for_rigid_bones(tmp_path: Path) -> None:
    motion = walking_motion(frames=12)
    text = write_bvh(motion, tmp_path / "rigid.bvh", stretch=False).read_text()
    assert text.count("Xposition") == 1
    assert torso_error(motion, read_bvh(tmp_path / "rigid.bvh")) < TOLERANCE


def mixamo_file(folder: Path, rename: str = "") -> Path:
    channels = "CHANNELS 3 Zrotation Yrotation Xrotation"
    arms = legs = ""
    for side, sign in (("Left", 1), ("Right", -1)):
        arms += (
            f"JOINT mixamorig:{side}Shoulder {{ OFFSET {5 * sign} 38 0 {channels} "
            f"JOINT mixamorig:{side}Arm {{ OFFSET {12 * sign} 0 0 {channels} "
            f"JOINT mixamorig:{side}ForeArm {{ OFFSET {28 * sign} 0 0 {channels} "
            f"JOINT mixamorig:{side}Hand {{ OFFSET {26 * sign} 0 0 {channels} "
            f"End Site {{ OFFSET {9 * sign} 0 0 }} }} }} }} }}\n"
        )
        legs += (
            f"JOINT mixamorig:{side}UpLeg {{ OFFSET {9 * sign} -5 0 {channels} JOINT mixamorig:{side}Leg {{ OFFSET 0 -42 0 {channels} "
            f"JOINT mixamorig:{side}Foot {{ OFFSET 0 -42 0 {channels} End Site {{ OFFSET 0 -6 14 }} }} }} }}\n"
        )
    count = 6 + 3 * (3 + 8 + 6)
    still = ["0"] * count
    moved = ["10", "100", "0", *["0"] * (count - 3)]
    names = MIXAMO.format(arms=arms, legs=legs, values=" ".join(still) + "\n" + " ".join(moved))
    path = folder / "mixamo.bvh"
    path.write_text(names.replace("mixamorig:LeftForeArm", rename) if rename else names)
    return path


def test_files_of_other_programs_are_read_by_their_names(tmp_path: Path) -> None:
    motion = read_bvh(mixamo_file(tmp_path))
    joints = rig_joints(motion.body_world[0])
    assert joints[5, 0] > joints[4, 0] > joints[3, 0] > 0 > joints[9, 0]  # the subject's left is the picture's right
    assert joints[13, 1] > joints[12, 1] > joints[11, 1] and joints[2, 1] < joints[1, 1]
    assert joints[14, 2] < joints[13, 2]  # toes towards the camera
    assert motion.hands_confidence.max() == 0 and motion.face_confidence.max() == 0
    assert abs(float(motion.root_yaw[0])) < 0.05
    assert motion.body[1, 23, 0] > motion.body[0, 23, 0]
    with pytest.raises(MotionError, match="left elbow"):
        read_bvh(mixamo_file(tmp_path, rename="Banana"))


def test_pose_keypoint_files_keep_every_point_they_can_hold(tmp_path: Path) -> None:
    motion = tracked()
    back = read_pose_keypoint_file(write_pose_keypoint_file(motion, tmp_path / "walk.json"))
    assert back.fps == motion.fps and back.canvas == motion.canvas
    torso = np.linalg.norm(rig_joints(motion.body)[:, 1] - rig_joints(motion.body)[:, 0], axis=-1).mean()
    kept = sorted({point for source in OPENPOSE_18 for point in source} | {29, 30, 31, 32})
    assert np.abs(back.body[:, kept] - motion.body[:, kept]).max() < TOLERANCE * torso
    assert np.abs(back.hands[..., :2] - motion.hands[..., :2]).max() < TOLERANCE * torso


def damaged(data: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    kind = seed % 4
    if kind == 0:
        return data[: int(rng.integers(0, len(data)))]
    raw = bytearray(data)
    if kind == 1:
        for place in rng.integers(0, len(raw), 20):
            raw[place] = int(rng.integers(256))
    elif kind == 2:
        place = int(rng.integers(0, len(raw)))
        raw[place : place + 40] = bytes(rng.integers(0, 256, 400, dtype=np.uint8))
    else:
        raw[:8] = int(rng.integers(0, 2**62)).to_bytes(8, "little")
    return bytes(raw)


@pytest.mark.parametrize("ending", ["safetensors", "bvh", "json"])
def test_damaged_files_give_our_own_errors(tmp_path: Path, ending: str) -> None:
    motion = walking_motion(frames=3)
    writer, reader = {
        "safetensors": (save_motion, load_motion),
        "bvh": (write_bvh, read_bvh),
        "json": (write_pose_keypoint_file, read_pose_keypoint_file),
    }[ending]  # fmt: skip
    data = writer(motion, tmp_path / f"good.{ending}").read_bytes()
    broken = tmp_path / f"bad.{ending}"
    for seed in range(60):
        broken.write_bytes(damaged(data, seed))
        try:
            back = reader(broken)
        except KMCError as error:
            assert str(error)
        else:
            assert np.isfinite(back.body).all() and np.isfinite(back.body_world).all()


def test_hostile_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    no_points = '[{"people": [{"pose_keypoints_2d": [[]]}], "canvas_width": 5, "canvas_height": 5}]'
    for value in ("[]", "{}", "3", '"a"', "[1]", '[{"people": 4}]', "[" * 5000, '[{"canvas_width": 1e400}]', no_points):
        path.write_text(value)
        with pytest.raises(KMCError):
            read_pose_keypoint_file(path)
    bvh = mixamo_file(tmp_path)
    good = bvh.read_text()
    many, no_number = ("Frames: 2", "Frames: 99999999999"), ("OFFSET 0 40 0", "OFFSET 0 nan 0")
    for old, new in (many, no_number, ("0.0333333", "0"), ("0.0333333", "1e-320")):
        bvh.write_text(good.replace(old, new, 1))
        with pytest.raises(MotionError):
            read_bvh(bvh)
    assert parse_bvh(mixamo_file(tmp_path)).positions.shape[0] == 2
    missing = tmp_path / "none.safetensors"
    for reader in (load_motion, read_bvh, read_pose_keypoint_file):
        with pytest.raises(MotionError, match="no file"):
            reader(missing)


def test_json_written_is_a_plain_list_that_other_packs_read(tmp_path: Path) -> None:
    frames = json.loads(write_pose_keypoint_file(walking_motion(frames=2), tmp_path / "a.json").read_text())
    assert isinstance(frames, list) and {"people", "canvas_width", "canvas_height", "fps"} <= set(frames[0])
