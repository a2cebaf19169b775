"""POSE_KEYPOINT, FACE_LANDMARKS, BOUNDING_BOX and MASK as other nodes really write them."""

from __future__ import annotations

import numpy as np
import pytest

from kmc_core.errors import PoseError
from kmc_core.pose import external_hints, face_landmarks, interchange
from kmc_core.pose.expression import EXPRESSION_NAMES
from kmc_core.pose.skeleton_layouts import OPENPOSE_18
from kmc_core.types import Canvas
from test_pose_expression import make_face, turn
from test_pose_smoothing import make_motion

CANVAS = Canvas(600, 800)


def standing_motion(frames: int = 12):
    """A standing person with hands at the wrists and a frontal face, shifting 2 px per frame."""
    motion = make_motion(frames)
    motion = interchange.replace(motion, canvas=CANVAS)
    places = {0: (400, 120), 2: (408, 112), 5: (392, 112), 7: (420, 116), 8: (380, 116), 11: (440, 180), 12: (360, 180)}
    places |= {13: (455, 240), 14: (345, 240), 15: (460, 295), 16: (340, 295), 23: (420, 300), 24: (380, 300)}
    places |= {25: (422, 390), 26: (378, 390), 27: (424, 480), 28: (376, 480), 29: (424, 490), 30: (376, 490)}
    places |= {31: (434, 500), 32: (366, 500)}
    shift = np.arange(frames)[:, None] * (2, 0)
    for joint in range(33):
        motion.body[:, joint] = np.array(places.get(joint, (400, 130))) + shift
    for side, wrist in enumerate((15, 16)):
        shape = np.random.default_rng(side).normal(0, 6, (21, 2)) + (0, 12)
        shape[0] = 0
        motion.hands[:, side, :, :2] = motion.body[:, None, wrist] + shape
        motion.hands[:, side, :, 2] = 0
    face = make_face() * 10 + (400, 118, 0)
    motion.face[:] = face + np.c_[shift, np.zeros(frames)][:, None]
    return motion


def test_writing_and_reading_keeps_body_and_hands():
    motion = standing_motion()
    frames = interchange.to_pose_keypoint(motion)
    assert len(frames) == 12 and frames[0]["canvas_height"] == 600 and len(frames[0]["people"]) == 1
    person = frames[3]["people"][0]
    assert len(person["pose_keypoints_2d"]) == 54 and len(person["face_keypoints_2d"]) == 210
    assert len(person["foot_keypoints_2d"]) == 18 and len(person["hand_left_keypoints_2d"]) == 63
    back = interchange.from_pose_keypoint(frames, 30.0, smoothing=0.0)
    named = sorted({source for sources in OPENPOSE_18 for source in sources if source not in ()} | {29, 30, 31, 32})
    np.testing.assert_allclose(back.body[:, named], motion.body[:, named], atol=0.01)
    np.testing.assert_allclose(back.hands[..., :2], motion.hands[..., :2], atol=0.01)
    assert back.canvas == CANVAS and back.fps == 30.0
    for name in ("body", "body_world", "hands", "face", "expression", "head_pose", "root_yaw"):
        assert np.isfinite(getattr(back, name)).all(), name
    assert abs(back.body_world[0, [23, 24]].mean()) < 0.2 and abs(back.root_yaw).max() < 0.3


def test_absent_people_are_written_as_empty_frames_and_read_as_gaps():
    motion = standing_motion()
    motion.body_confidence[4:6] = 0
    motion.face_confidence[4:6] = 0
    motion.hands_confidence[4:6] = 0
    frames = interchange.to_pose_keypoint(motion)
    assert frames[4]["people"] == []
    back = interchange.from_pose_keypoint(frames, 30.0)
    assert (back.body_confidence[4, [11, 12]] > 0.3).all()
    np.testing.assert_allclose(back.body[4, 11], motion.body[4, 11], atol=1.0)


def test_swapped_hand_keys_go_to_the_nearer_wrist():
    frames = interchange.to_pose_keypoint(standing_motion())
    straight = interchange.from_pose_keypoint(frames, 30.0)
    for frame in frames:
        person = frame["people"][0]
        left, right = person["hand_left_keypoints_2d"], person["hand_right_keypoints_2d"]
        person["hand_left_keypoints_2d"], person["hand_right_keypoints_2d"] = right, left
    swapped = interchange.from_pose_keypoint(frames, 30.0)
    np.testing.assert_allclose(swapped.hands, straight.hands)
    for frame in frames:
        frame["people"][0]["hand_left_keypoints_2d"] = None
    alone = interchange.from_pose_keypoint(frames, 30.0)
    assert alone.hands_confidence[0].tolist() == [1.0, 0.0]  # the "right" key holds the hand at the left wrist


def test_normalised_coordinates_none_parts_and_minus_ones():
    frames = interchange.to_pose_keypoint(standing_motion())
    expected = interchange.from_pose_keypoint(frames, 30.0).body[:, [11, 16, 27]]
    for frame in frames:
        person = frame["people"][0]
        points = np.array(person["pose_keypoints_2d"]).reshape(-1, 3) / (800, 600, 1)
        points[14:] = -1  # missing as SDPose writes it
        person["pose_keypoints_2d"] = points.ravel().tolist()
        for key in ("foot_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d"):
            person[key] = None
        del person["hand_right_keypoints_2d"]
        frame["animals"] = [[1, 2, 3]]
    motion = interchange.from_pose_keypoint(frames, 30.0)
    np.testing.assert_allclose(motion.body[:, [11, 16, 27]], expected, atol=0.1)
    assert not motion.hands_confidence.any() and not motion.body_confidence[:, [7, 8]].any()
    assert "animals" in motion.provenance["notes"][0]
    assert (motion.body_confidence[:, [31, 17]] < 0.3).all()


def test_the_larger_person_is_followed_whatever_the_order():
    large = interchange.to_pose_keypoint(standing_motion())
    for index, frame in enumerate(large):
        small = {
            "pose_keypoints_2d": (np.array(frame["people"][0]["pose_keypoints_2d"]).reshape(-1, 3) * (0.4, 0.4, 1)).ravel()
        }
        frame["people"].insert(index % 2, small)
    motion = interchange.from_pose_keypoint(large, 30.0, smoothing=0.0)
    np.testing.assert_allclose(motion.body[:, 11], standing_motion().body[:, 11], atol=0.01)
    assert any("2 people" in note for note in motion.provenance["notes"])


@pytest.mark.parametrize("value", [[], [{"people": []}], [{"canvas_width": 8, "canvas_height": 8, "people": []}], [3], ["x"]])
def test_nonsense_and_nobody_are_refused_with_a_remedy(value):
    with pytest.raises(PoseError, match=r"\. "):
        interchange.from_pose_keypoint(value, 30.0)


def test_a_body_without_legs_still_gets_finite_hips_and_depth():
    frames = interchange.to_pose_keypoint(standing_motion(3))
    for frame in frames:
        points = np.array(frame["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
        points[8:14] = 0
        frame["people"][0]["pose_keypoints_2d"] = points.ravel().tolist()
    motion = interchange.from_pose_keypoint(frames, 30.0)
    assert not motion.body_confidence[:, [23, 24, 25, 27]].any()
    torso = np.linalg.norm(motion.body[:, [11, 12]].mean(1) - motion.body[:, [23, 24]].mean(1), axis=-1)
    assert (torso > 80).all() and np.isfinite(motion.body_world).all()


def test_foreshortened_thighs_come_towards_the_camera():
    motion = standing_motion(8)
    motion.body[4:, [25, 26], 1] -= 60  # knees drawn up in the picture: thighs point at the camera
    back = interchange.from_pose_keypoint(interchange.to_pose_keypoint(motion), 30.0, smoothing=0.0)
    assert (back.body_world[5:, 25, 2] < back.body_world[5:, 23, 2] - 0.15).all()
    assert abs(back.body_world[0, 25, 2] - back.body_world[0, 23, 2]) < 0.1


def test_face_points_tell_blinks_and_turns():
    motion = standing_motion(30)
    motion.face[10:13][:, [387, 386, 385, 373, 374, 380], 1] = 118
    for index in range(20, 30):
        motion.face[index] = make_face() @ turn(0.4).T * 10 + (400, 118, 0)
    back = interchange.from_pose_keypoint(interchange.to_pose_keypoint(motion), 30.0)
    assert not back.face_confidence.any()
    blink = back.expression[:, [EXPRESSION_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]]
    assert blink[11, 0] > 0.8 and blink[11, 1] < 0.2 and blink[2].max() < 0.1


def test_a_single_picture_comes_back_as_user_supplied():
    frames = interchange.to_pose_keypoint(standing_motion(2))
    points = interchange.keypoints_from_pose_keypoint(frames, Canvas(1200, 1600))
    assert points.user_supplied and points.detection == 1.0 and points.body.shape == (33, 2)
    np.testing.assert_allclose(points.body[11], (880, 360), atol=0.1)


def test_merging_replaces_only_what_was_given_and_refuses_other_lengths():
    motion = standing_motion()
    frames = interchange.to_pose_keypoint(motion)
    for frame in frames:
        points = np.array(frame["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
        points[4, :2] += 30  # right wrist
        points[13] = 0  # left ankle unknown to the other detector
        frame["people"][0]["pose_keypoints_2d"] = points.ravel().tolist()
    merged = interchange.merge_pose_keypoint(motion, frames)
    assert (merged.body[:, 16] - motion.body[:, 16]).mean() > 20
    np.testing.assert_array_equal(merged.body[:, 27], motion.body[:, 27])
    with pytest.raises(PoseError, match="same frames"):
        interchange.merge_pose_keypoint(motion, frames[:5])


def _landmarks(frames: int = 6) -> dict:
    face = make_face() * 40 + (100, 90, 0)
    one = {
        "landmarks_xy": face[:, :2],
        "landmarks_3d": face * 0.5,
        "blendshapes": {"jawOpen": 0.1},
        "score": 0.9,
        "presence": 4.0,
    }
    small = dict(one, landmarks_xy=face[:, :2] * 0.2, blendshapes={})
    per_frame = [[small, dict(one, blendshapes={"jawOpen": 0.1 + 0.5 * (index == 3)})] for index in range(frames)]
    per_frame[4] = []
    return {"frames": per_frame, "image_size": (200, 300), "connection_sets": {}}


def test_face_landmarks_give_the_largest_face_with_depth_and_neutral_blendshapes():
    track = face_landmarks.from_face_landmarks(_landmarks(), Canvas(400, 600))
    np.testing.assert_allclose(track.face[0], (make_face() * 40 + (100, 90, 0)) * 2, atol=1e-2)
    assert track.confidence[0] == np.float32(0.9) and track.confidence[4] == 0
    jaw = track.expression[:, EXPRESSION_NAMES.index("jawOpen")]
    assert abs(jaw[3] - 0.5) < 1e-5 and jaw[0] == 0
    with pytest.raises(PoseError):
        face_landmarks.from_face_landmarks([1, 2])


def test_merging_face_landmarks_keeps_our_face_where_none_was_given():
    motion = standing_motion(6)
    merged = face_landmarks.merge_face_landmarks(motion, _landmarks())
    np.testing.assert_array_equal(merged.face[4], motion.face[4])
    assert np.abs(merged.face[0] - motion.face[0]).max() > 1 and merged.expression.shape[1] == len(EXPRESSION_NAMES)


def test_boxes_in_every_form_core_nodes_write():
    box = {"x": 10, "y": 20, "width": 100, "height": 200}
    big = {"x": 300, "y": 50, "width": 200, "height": 400, "label": "person", "score": 0.9}
    read = external_hints.person_boxes_from_bounding_boxes
    np.testing.assert_array_equal(read(box, CANVAS, 3), [[10, 20, 110, 220]] * 3)
    np.testing.assert_array_equal(read([box, big], CANVAS, 4)[0], [300, 50, 500, 450])
    per_frame = [[box, big], [], [dict(big, x=310), box], [dict(big, label="car")]]
    found = read(per_frame, CANVAS, 4)
    np.testing.assert_array_equal(found[[0, 2], 0], [300, 310])
    assert not found[[1, 3]].any()
    with pytest.raises(PoseError):
        read([[{"left": 3}]], CANVAS, 1)
    with pytest.raises(PoseError):
        read("box", CANVAS, 1)


def test_masks_name_a_person_and_become_a_matte():
    mask = np.zeros((5, 300, 400), np.float32)
    mask[:, 50:150, 100:200] = 1
    mask[3] = 0
    boxes = external_hints.person_boxes_from_mask(mask, CANVAS, 5)
    np.testing.assert_array_equal(boxes[0], [200, 100, 400, 300])
    assert not boxes[3].any()
    matte = external_hints.matte_from_mask(mask, 5)
    assert matte.shape == (5, 192, 256) and matte.max() == 255 and matte.dtype == np.uint8
    assert external_hints.matte_from_mask(mask[0], 5) is None
    with pytest.raises(PoseError, match="same frames"):
        external_hints.person_boxes_from_mask(mask, CANVAS, 9)
