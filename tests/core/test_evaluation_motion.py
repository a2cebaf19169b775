"""Motion measures on motions whose answer is known, the frame store, the costs and the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kmc_core.evaluation.__main__ import main, parser
from kmc_core.evaluation.case import fitted_canvas
from kmc_core.evaluation.cost import Cost
from kmc_core.evaluation.frame_store import FrameStore
from kmc_core.evaluation.motion import TargetMotion, expression_agreement, hands_found, pose_error, speed_ratio
from kmc_core.evaluation.reenact import NUMBERS, empty_row
from kmc_core.evaluation.table import table
from kmc_core.pose.expression import EXPRESSION_NAMES
from kmc_core.pose.skeleton_layouts import rig_joints
from kmc_core.types import Canvas, HolisticMotion

CANVAS = Canvas(400, 300)


def swaying(frames: int = 40) -> HolisticMotion:
    """A body whose points swing sideways, hands in half of the frames, a face that blinks, speaks and turns."""
    random = np.random.default_rng(0)
    rest = random.uniform((100, 60), (200, 340), (33, 2))
    rest[[11, 12]], rest[[23, 24]] = [(180, 100), (120, 100)], [(170, 220), (130, 220)]
    time = np.arange(frames) / frames
    body = rest[None] + np.stack([30 * np.sin(2 * np.pi * time)[:, None] * np.ones(33), np.zeros((frames, 33))], -1)
    expression = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    for name in ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen"):
        expression[:, EXPRESSION_NAMES.index(name)] = 0.5 + 0.5 * np.sin(7 * time + len(name))
    hands_confidence = np.zeros((frames, 2), np.float32)
    hands_confidence[: frames // 2, 0] = 1
    zeros = np.zeros(frames, np.float32)
    return HolisticMotion(
        fps=10,
        canvas=CANVAS,
        body=body.astype(np.float32),
        body_confidence=np.ones((frames, 33), np.float32),
        body_world=np.zeros((frames, 33, 3), np.float32),
        hands=np.zeros((frames, 2, 21, 3), np.float32),
        hands_confidence=hands_confidence,
        face=np.zeros((frames, 478, 3), np.float32),
        face_confidence=np.ones(frames, np.float32),
        expression=expression,
        head_pose=np.stack([0.4 * np.sin(9 * time), zeros, zeros], -1).astype(np.float32),
        root_yaw=zeros,
        camera=np.tile(np.eye(2, 3, dtype=np.float32), (frames, 1, 1)),
    )


def target_of(motion: HolisticMotion) -> TargetMotion:
    return TargetMotion(rig_joints(motion.body), np.ones((motion.frame_count, 19), np.float32), CANVAS, motion)


def test_a_perfect_output_has_no_pose_error_and_full_speed() -> None:
    motion = swaying()
    assert pose_error(target_of(motion), motion) == (0, 0)
    assert speed_ratio(target_of(motion), motion) == pytest.approx(1)


def test_pose_error_is_in_torso_lengths_of_visible_joints() -> None:
    motion = swaying()
    target = target_of(motion)
    moved = replace(motion, body=motion.body + np.float32([12, 0]))
    median, mean = pose_error(target, moved)
    assert median == pytest.approx(12 / 120, rel=1e-4) and mean == pytest.approx(12 / 120, rel=1e-4)
    outlier = target.joints.copy()
    outlier[:, 5] = (-500, 0)
    unsure = target.confidence.copy()
    unsure[:, 9] = 0.1
    outlier[:, 9] += 100
    assert pose_error(TargetMotion(outlier, unsure, CANVAS, motion), moved)[1] == pytest.approx(0.1, rel=1e-4)


def test_frames_without_a_person_are_left_out() -> None:
    motion = swaying()
    confidence, body = motion.body_confidence.copy(), motion.body.copy()
    confidence[5:9], body[5:9] = 0, 0
    assert pose_error(target_of(motion), replace(motion, body=body, body_confidence=confidence))[1] == 0
    nobody = replace(motion, body_confidence=np.zeros_like(confidence))
    assert pose_error(target_of(motion), nobody) == (None, None) and speed_ratio(target_of(motion), nobody) is None


def test_damped_motion_has_a_low_speed_ratio() -> None:
    motion = swaying()
    centre = motion.body.mean(0, keepdims=True)
    assert speed_ratio(target_of(motion), replace(motion, body=centre + 0.5 * (motion.body - centre))) == pytest.approx(0.5, rel=1e-3)
    still = replace(motion, body=np.repeat(motion.body[:1], 40, 0))
    assert speed_ratio(target_of(still), motion) is None


def test_hands_found_counts_only_hands_the_driver_showed_on_the_canvas() -> None:
    motion = swaying()
    target = target_of(motion)
    confidence = np.zeros((40, 2), np.float32)
    confidence[:15, 0], confidence[:, 1] = 0.9, 1
    assert hands_found(target, replace(motion, hands_confidence=confidence)) == pytest.approx(0.75)
    assert hands_found(target._replace(driver=replace(motion, hands_confidence=np.zeros((40, 2)))), motion) is None
    outside = target.joints.copy()
    outside[10:, 5] = (900, 900)
    assert hands_found(target._replace(joints=outside), replace(motion, hands_confidence=confidence)) == 1


def test_expression_agreement_knows_half_amplitude_and_stillness() -> None:
    motion = swaying()
    half = replace(motion, expression=motion.expression * 0.5, head_pose=motion.head_pose * -1)
    agreement = expression_agreement(motion, half)
    assert set(agreement) == {"blink", "jaw", "smile", "yaw", "pitch"}
    assert agreement["jaw"] == {"r": pytest.approx(1), "amplitude": pytest.approx(0.5, rel=1e-4)}
    assert agreement["yaw"] == {"r": pytest.approx(-1), "amplitude": pytest.approx(1, rel=1e-4)}
    assert agreement["smile"] == agreement["pitch"] == {"r": None, "amplitude": None}
    faceless = replace(motion, face_confidence=np.zeros(40, np.float32))
    assert expression_agreement(motion, faceless)["jaw"] == {"r": None, "amplitude": None}


def test_frame_store_returns_what_it_was_given(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), np.uint8)
    store = FrameStore(tmp_path / "frames", Canvas(12, 10))
    for frame in frames:
        store.add(frame)
    assert len(store) == 5 and np.array_equal(np.stack(list(store)), frames) and np.array_equal(store[3], frames[3])
    clip = store.clip(12.5)
    assert clip.fps == 12.5 and np.array_equal(np.stack(list(clip.frames())), frames)


def test_cost_measures_time_and_memory() -> None:
    with Cost() as cost:
        block = np.ones((40, 1024, 1024), np.uint8)
    assert cost.seconds > 0 and (cost.peak_mb is None or cost.peak_mb >= block.nbytes / 2**20)


@pytest.mark.parametrize("canvas", [Canvas(864, 576), Canvas(576, 1024), Canvas(480, 640), Canvas(270, 480), Canvas(1280, 717)])
def test_compared_canvas_keeps_the_aspect(canvas: Canvas) -> None:
    fitted = fitted_canvas(canvas, 512)
    assert max(fitted) <= 512 and max(fitted) >= min(480, max(canvas))
    assert abs(fitted.width * canvas.height / canvas.width - fitted.height) < 0.35


def test_table_lists_rows_means_and_problems() -> None:
    good = empty_row("d05", "first frame", "alignment") | {"psnr": 21.5, "holes": 0.08, "frames_out": 120}
    good["expression"] = {kind: {"r": 0.9, "amplitude": 1.1} for kind in ("blink", "jaw", "smile", "yaw", "pitch")}
    better = empty_row("d06", "first frame", "alignment") | {"psnr": 22.5}
    text = table([good, better, empty_row("d06", "first frame", "kmc", "No network weights were given.")])
    lines = text.splitlines()
    assert "21.50" in lines[1] and "0.90/1.10" in lines[1] and "8.0%" in lines[1]
    assert any(line.startswith("MEAN") and "22.00" in line for line in lines)
    assert "No network weights" in lines[-1]
    assert json.loads(json.dumps(good))["psnr"] == 21.5 and set(NUMBERS) < set(good)


def test_command_refuses_unknown_methods() -> None:
    assert main(["reenact", "--clips", "a.mp4", "--methods", "repeat,magic"]) == 2
    options = parser().parse_args(["reenact", "--clips", "a.mp4", "b.mp4", "--characters", "c.png", "--seconds", "3"])
    assert [path.name for path in options.clips] == ["a.mp4", "b.mp4"] and options.seconds == 3
