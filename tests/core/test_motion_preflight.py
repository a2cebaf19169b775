"""Preflight on made data with one fault each, and the known truths of real clips where they lie beside the checkout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pose_weights import pose_weights  # noqa: F401  (a fixture)
from procedural_body import picture_keypoints, subject_of, walking_motion

from kmc_core.errors import MotionError
from kmc_core.evaluation.preflight import preflight_command
from kmc_core.media.clip import clip_from_images, open_clip
from kmc_core.motion.preflight import MENDS, apply_mend, preflight, timeline_picture, to_json
from kmc_core.motion.preflight.findings import moments
from kmc_core.motion.preflight.mending import part_of_motion
from kmc_core.motion.preflight.thresholds import THRESHOLDS
from kmc_core.pose.extractor import HolisticExtractor, TrackSettings
from kmc_core.types import Canvas, HolisticMotion, Orientation, SubjectLibrary

SMALL = Canvas(360, 360)


def clean() -> HolisticMotion:
    return walking_motion(frames=76, canvas=SMALL, px_per_metre=160.0, centre=(180.0, 165.0))


def character() -> SubjectLibrary:
    return subject_of(picture_keypoints(), Canvas(720, 720))


def kinds(motion: HolisticMotion, **more: object) -> set[str]:
    return {finding.kind for finding in preflight(motion, **more).findings if finding.severity != "note"}


def judged_pixels(motion: HolisticMotion, person: int, backdrop: np.ndarray, shift_px: float = 0.0) -> set[str]:
    """Findings of a clip in which a textured figure covers the skeleton and the backdrop moves by shift_px a frame."""
    height, width = motion.canvas
    frames = np.empty((motion.frame_count, height, width, 3), np.uint8)
    mattes = np.zeros((motion.frame_count, height // 2, width // 2), np.uint8)
    texture = np.random.default_rng(1).integers(-40, 40, (height // 6, width // 6, 1)).repeat(6, 0).repeat(6, 1)
    for index in range(motion.frame_count):
        move = np.float32([[1, 0, shift_px * index], [0, 1, 0]])
        frame = cv2.warpAffine(backdrop, move, (width, height), borderMode=cv2.BORDER_REFLECT)
        mask = np.zeros((height, width), np.uint8)
        hull = cv2.convexHull(motion.body[index].astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
        mattes[index] = cv2.resize(mask, (width // 2, height // 2)) * 255
        frames[index] = np.where(mask[..., None] > 0, np.clip(person + texture, 0, 255).astype(np.uint8), frame)
    return kinds(replace(motion, matte=mattes), clip=clip_from_images(frames, motion.fps))


def checkered(canvas: Canvas, low: int = 90, high: int = 170) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(low, high, (canvas.height // 24 + 1, canvas.width // 24 + 1), np.uint8)
    grown = cv2.resize(coarse, (canvas.width, canvas.height), interpolation=cv2.INTER_NEAREST)
    return np.repeat(grown[..., None], 3, 2)


def test_a_clean_motion_has_no_findings() -> None:
    report = preflight(clean())
    assert not report.findings and "nothing found" in report.text()
    assert report.facts["framing"] == "full body"


def test_each_fault_is_named() -> None:
    motion = clean()
    count = motion.frame_count
    cases = {
        "cut": replace(motion, cuts=(count // 2,)),
        "people": replace(motion, provenance={"people": 2}),
        "low_frame_rate": replace(motion, fps=5.0),
        "short": part_of_motion(motion, 0, int(motion.fps)),
    }
    hidden = motion.body_confidence.copy()
    hidden[: count // 2, [13, 15]] = 0.05
    cases["hidden_limb"] = replace(motion, body_confidence=hidden)
    absent = motion.body_confidence.copy()
    absent[: count // 4] = 0.0
    cases["nobody"] = replace(motion, body_confidence=absent)
    fast = motion.body.copy()
    fast[count // 2, [16, 18, 20, 22], 0] += 90
    cases["fast"] = replace(motion, body=fast)
    cases["back_view"] = replace(
        motion, root_yaw=np.full(count, 3.0, np.float32), face_confidence=np.zeros(count, np.float32)
    )
    small = Canvas(motion.canvas.height * 3, motion.canvas.width * 3)
    cases["small_performer"] = replace(motion, canvas=small)
    no_hands = motion.hands_confidence * 0
    cases["hands_unseen"] = replace(motion, hands_confidence=no_hands)
    cases["face_unseen"] = replace(motion, face_confidence=motion.face_confidence * 0)
    for kind, faulty in cases.items():
        assert kind in kinds(faulty), kind


def test_back_light_darkness_and_a_moving_camera_are_read_from_pixels() -> None:
    motion = clean()
    short = part_of_motion(motion, 0, 30)
    ordinary = judged_pixels(short, 150, checkered(short.canvas))
    assert not ordinary & {"back_light", "dark", "moving_camera", "low_contrast"}
    assert "back_light" in judged_pixels(short, 70, checkered(short.canvas, 235, 255))
    assert "dark" in judged_pixels(short, 20, checkered(short.canvas, 5, 40))
    assert "moving_camera" in judged_pixels(short, 150, checkered(short.canvas), shift_px=2.0)


def test_a_flat_backdrop_does_not_pass_for_a_moving_camera() -> None:
    motion = part_of_motion(clean(), 0, 16)
    noise = np.random.default_rng(0).normal(0, 20, (16, 2))
    camera = motion.camera.copy()
    camera[:, :, 2] += noise
    wall = np.full((*motion.canvas, 3), 240, np.uint8)
    wandering = replace(motion, camera=camera)
    assert "moving_camera" not in kinds(wandering) | judged_pixels(wandering, 150, wall)


def test_the_pair_is_judged() -> None:
    motion = part_of_motion(clean(), 0, 12)
    subject = character()
    assert not kinds(motion, subject=subject) & {"framing", "facing", "proportions", "rig"}
    turned = replace(motion, root_yaw=np.full(motion.frame_count, 1.6, np.float32))
    assert "facing" in kinds(turned, subject=subject)
    assert "facing" not in kinds(turned, subject=subject, orientation=Orientation("image"))
    stretched = subject.bone_lengths.copy()
    stretched[[11, 12, 15, 16]] *= 1.8
    assert "proportions" in kinds(motion, subject=replace(subject, bone_lengths=stretched))


def test_report_as_json_and_as_picture() -> None:
    report = preflight(replace(clean(), cuts=(10,), fps=5.0))
    back = json.loads(json.dumps(to_json(report)))
    assert [entry["kind"] for entry in back["findings"]] == [finding.kind for finding in report.findings]
    picture = timeline_picture(report, clean())
    assert picture.dtype == np.uint8 and picture.shape[1] == 1120 and picture.std() > 5
    assert timeline_picture(preflight(clean())).shape[1] == 1120


def test_every_threshold_is_ordered_and_has_a_source() -> None:
    for kind, threshold in THRESHOLDS.items():
        assert threshold.source and threshold.remedy and threshold.unit, kind
        assert (threshold.severe <= threshold.warning) if threshold.below else (threshold.warning <= threshold.severe), kind
        assert threshold.mend is None or threshold.mend in MENDS


def test_moments_join_and_drop() -> None:
    mask = np.zeros(100, bool)
    mask[10:20] = mask[22:30] = mask[60] = True
    assert moments(mask, 10.0) == ((1.0, 3.0),)


def test_mends_do_what_they_say() -> None:
    motion = clean()
    count = motion.frame_count
    cut = apply_mend("longest_shot", replace(motion, cuts=(count // 4,))).motion
    assert cut.frame_count == count - count // 4 and not cut.cuts
    camera = motion.camera.copy()
    camera[:, 0, 2] = np.arange(count)
    moved = replace(motion, camera=camera, body=motion.body + camera[:, None, :, 2])
    np.testing.assert_allclose(apply_mend("stabilise", moved).motion.body, motion.body, atol=1e-2)
    gone = motion.hands_confidence.copy()
    gone[5:15] = 0
    held = apply_mend("hold_hands", replace(motion, hands_confidence=gone)).motion
    assert (held.hands_confidence[5:15] > 0.3).all()
    np.testing.assert_allclose(held.hands[10, :, 0, :2], motion.body[10, [15, 16]], atol=1e-3)
    with pytest.raises(MotionError):
        apply_mend("paint it", motion)


def test_choosing_a_view_keeps_every_size() -> None:
    subject = character()
    view = subject.primary_view
    side = replace(view, yaw=1.5)
    both = replace(subject, views=(view, side), view_scale=np.array([1.0, 0.5], np.float32))
    motion = replace(clean(), root_yaw=np.full(clean().frame_count, 1.5, np.float32))
    mended = apply_mend("choose_view", motion, both).subject
    assert mended.primary == 1
    np.testing.assert_allclose(mended.view_scale, [2.0, 1.0])
    np.testing.assert_allclose(mended.bone_lengths, subject.bone_lengths * 2, rtol=1e-6)



@pytest.fixture(scope="module")
def extractor(pose_weights: Path) -> HolisticExtractor:  # noqa: F811
    return HolisticExtractor(pose_weights, workers=1)


@pytest.mark.parametrize(
    ("name", "start_s", "seconds", "kind"),
    [("d29", 2.3, 0.4, "cut"), ("d32", 2.0, 0.7, "people"), ("d23", 1.0, 0.8, "back_view")],
)
def test_known_truths_of_real_clips(
    shared_clips: Path, extractor: HolisticExtractor, name: str, start_s: float, seconds: float, kind: str
) -> None:
    clip = open_clip(next((shared_clips / "driving").glob(f"{name}*")), start_s, seconds)
    assert kind in kinds(extractor.track(clip, TrackSettings(matte=False)))


def test_the_command_writes_findings(shared_clips: Path, pose_weights: Path, tmp_path: Path) -> None:  # noqa: F811
    clip = next((shared_clips / "driving").glob("d08*"))
    table = tmp_path / "findings.json"
    words = ["--clips", str(clip), str(tmp_path / "none.mp4"), "--seconds", "0.8", "--json", str(table)]
    status, text = preflight_command([*words, "--pictures", str(tmp_path), "--pose-weights", str(pose_weights), "--threads", "1"])
    rows = json.loads(table.read_text())
    assert status == 1 and "5 frames per second" in text and "problem" in rows[1]
    assert "low_frame_rate" in {finding["kind"] for finding in rows[0]["findings"]}
    assert (tmp_path / f"{clip.stem}.png").is_file()
