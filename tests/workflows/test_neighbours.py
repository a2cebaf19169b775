"""Core nodes before and after ours: POSE_KEYPOINT, IMAGE, MASK, VIDEO and BOUNDING_BOX mean to both what ComfyUI means by them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from example_graphs import CLIP

PATIENCE_S = 900
FPS = 2.0
FACE_PX = 128


def graph() -> dict[str, tuple[str, dict]]:
    """Core video nodes -> ours -> core pose nodes, and back into ours with everything another detector could give."""
    return {
        "load": ("LoadVideo", {"file": CLIP}),
        "slice": ("Video Slice", {"video": ["load", 0], "start_time": 1.0, "duration": 0.5, "strict_duration": False}),
        "parts": ("GetVideoComponents", {"video": ["slice", 0]}),
        "few": ("ImageFromBatch", {"image": ["parts", 0], "batch_index": 0, "length": 2}),
        "half": ("ImageScaleBy", {"image": ["few", 0], "upscale_method": "area", "scale_by": 0.5}),
        "clip": ("LoadMotionVideo", {"file": "", "video": ["half", 0], "fps": FPS, "override_limits": True}),
        "pose": ("ExtractHolisticPose", {"clip": ["clip", 0], "person": "largest", "smoothing": 0.0, "subtract_camera": False,
                                         "override_limits": True}),
        "drawn": ("SDPoseDrawKeypoints", {
            "keypoints": ["pose", 1], "draw_body": True, "draw_hands": False, "draw_face": False, "draw_feet": False, "stick_width": 2,
            "face_point_size": 2, "score_threshold": 0.3, "draw_head": False}),
        "boxes": ("SDPoseFaceBBoxes", {"keypoints": ["pose", 1], "scale": 1.5, "force_square": True}),
        "faces": ("CropByBBoxes", {"image": ["half", 0], "bboxes": ["boxes", 0], "output_width": FACE_PX, "output_height": FACE_PX,
                                   "padding": 0, "keep_aspect": "stretch"}),
        "upright": ("GrowMask", {"mask": ["pose", 3], "expand": 2, "tapered_corners": True}),
        "matte": ("MaskToImage", {"mask": ["upright", 0]}),
        "again": ("ExtractHolisticPose", {"clip": ["half", 0], "person": "largest", "smoothing": 0.0, "subtract_camera": False,
                                          "override_limits": True, "pose_keypoint": ["pose", 1], "mask": ["upright", 0]}),
        "first_file": ("KMCSaveMotion", {"motion": ["pose", 0], "filename_prefix": "kmc/first", "format": "POSE_KEYPOINT (.json)"}),
        "second_file": ("KMCSaveMotion", {"motion": ["again", 0], "filename_prefix": "kmc/second", "format": "POSE_KEYPOINT (.json)"}),
        **{f"show_{name}": ("PreviewImage", {"images": [name, 0]}) for name in ("half", "drawn", "faces", "matte")},
    }  # fmt: skip


@pytest.fixture(scope="module")
def result(server: object) -> tuple[object, dict]:
    prompt = {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in graph().items()}
    return server, server.run(prompt, timeout_s=PATIENCE_S)["outputs"]


def pictures(result: tuple[object, dict], name: str) -> list[np.ndarray]:
    server, outputs = result
    shown = outputs[f"show_{name}"]["images"]
    return [cv2.imread(str(server.base / item["type"] / item["subfolder"] / item["filename"])) for item in shown]


def test_core_draws_our_keypoints_onto_the_person(result: tuple[object, dict]) -> None:
    """The skeleton has the frames' size and lies on the person's matte."""
    frames, skeletons, mattes = (pictures(result, name) for name in ("half", "drawn", "matte"))
    assert len(frames) == len(skeletons) == len(mattes) == 2
    for frame, skeleton, matte in zip(frames, skeletons, mattes, strict=True):
        assert skeleton.shape == frame.shape
        drawn = skeleton.max(-1) > 60
        inside = cv2.resize(matte[..., 0], drawn.shape[::-1]) > 100
        assert drawn.sum() > 500 and (drawn & inside).sum() / drawn.sum() > 0.85


def test_core_finds_the_face_by_our_keypoints(result: tuple[object, dict]) -> None:
    """The crop shows skin in its middle."""
    for face in pictures(result, "faces"):
        assert face.shape == (FACE_PX, FACE_PX, 3)
        blue, _, red = np.moveaxis(face[40:-40, 40:-40].astype(int), -1, 0)
        assert (red - blue > 25).mean() > 0.4


def test_keypoints_come_back_through_our_own_input(result: tuple[object, dict]) -> None:
    """What core would pass on (POSE_KEYPOINT, MASK, IMAGE without a rate) gives the same body again."""
    server, _ = result
    first, second = (body_of(next((server.base / "output" / "kmc").glob(f"{name}*.json"))) for name in ("first", "second"))
    seen = (first[..., 2] > 0.3) & (second[..., 2] > 0.3)
    assert seen.mean() > 0.7
    assert np.abs(first[..., :2] - second[..., :2])[seen].max() < 1.0


def body_of(path: Path) -> np.ndarray:
    frames = json.loads(path.read_text())
    frames = frames if isinstance(frames, list) else frames["frames"]
    return np.array([frame["people"][0]["pose_keypoints_2d"] for frame in frames]).reshape(len(frames), 18, 3)
