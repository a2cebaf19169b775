"""The comparison of a teacher and a student: its claim in closed form, and the whole command on a few real frames with tiny networks."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
import torch
from pose_weights import pose_weights  # noqa: F401  (a fixture)
from test_dit_model import TINY, shaken, some_conditions

from kmc_core.dit.weights_file import save_network
from kmc_core.errors import KMCError
from kmc_core.evaluation.end_to_end import timed_job
from kmc_core.evaluation.speed import STUDENT, TEACHER, UNDISTILLED, Entrant, TimedNetwork, entrants, keeps, summary
from kmc_core.evaluation.speed_command import speed_command
from kmc_core.media.clip import open_clip
from kmc_core.media.writer import VideoWriter
from kmc_core.sampling.reenact import SamplerSettings

KEYS = [
    "reference_steps", "sampler_speedup", "node_speedup", "psnr_delta", "ssim_delta", "sharpness_delta", "motion_amplitude_ratio",
    "expression_amplitude_ratio", "undistilled_psnr_delta", "end_to_end_s",
]  # fmt: skip
GOOD = {
    "name": TEACHER, "steps": 8, "psnr_registered": 22.0, "ssim": 0.8, "sharpness": 0.9, "motion_amplitude": 1.0,
    "expression_amplitude": 0.8, "flicker": 1.2, "sampler_s": 40.0, "sampler_cpu_s": 30.0, "node_s": 60.0, "node_cpu_s": 50.0,
}  # fmt: skip


def student(steps: int, **other: object) -> dict[str, object]:
    return {**GOOD, "name": STUDENT, "steps": steps, "sampler_s": 2.0 * steps, "node_s": 10.0 + steps, "sampler_cpu_s": 3.0 * steps, **other}


def test_the_claim_is_of_the_fewest_steps_that_keep_the_quality() -> None:
    muted = student(1, motion_amplitude=0.9)
    rows = [dict(GOOD), muted, student(2, psnr_registered=21.9), student(4), *({**student(n, psnr_registered=21.5), "name": UNDISTILLED} for n in (1, 2, 4))]
    claim = summary(rows)
    assert list(claim) == KEYS
    assert [row["steps"] for row in rows if row["claimed"]] == [2] and not muted["keeps_quality"]
    assert claim["sampler_speedup"] == 10 and claim["node_speedup"] == 5 and claim["reference_steps"] == 8
    assert claim["psnr_delta"] == pytest.approx(-0.1) and claim["undistilled_psnr_delta"] == pytest.approx(-0.5)
    assert claim["motion_amplitude_ratio"] == 1 and claim["end_to_end_s"] is None
    assert summary(rows, "cpu")["sampler_speedup"] == 5
    worse = [dict(GOOD), *(student(n, psnr_registered=20.0) for n in (1, 4)), {**student(4), "name": UNDISTILLED}]
    assert summary(worse)["psnr_delta"] == -2 and [row["steps"] for row in worse if row["claimed"]] == [4]


@pytest.mark.parametrize(
    "cost",
    [{"psnr_registered": 21.69}, {"sharpness": 0.84}, {"sharpness": 0.96}, {"motion_amplitude": 0.96}, {"motion_amplitude": 1.04},
     {"expression_amplitude": 0.75}, {"flicker": 1.22}],
)  # fmt: skip
def test_each_loss_alone_loses_the_claim(cost: dict[str, float]) -> None:
    assert keeps(student(4), GOOD) and keeps(student(4, expression_amplitude=None), GOOD)
    assert not keeps(student(4, **cost), GOOD)


def test_rows_are_what_they_are_called() -> None:
    network = shaken()
    rows = entrants((network, 0.5), (network, 0.7), 3, [1, 4], "a person", 0.7)
    assert [(row.name, row.settings.steps, row.evaluations, row.settings.network_strength) for row in rows] == [
        (TEACHER, 3, 2, 0.5), (STUDENT, 1, 1, 0.7), (STUDENT, 4, 1, 0.7), (UNDISTILLED, 1, 1, 0.5), (UNDISTILLED, 4, 1, 0.5)
    ]  # fmt: skip
    assert rows[1].settings.cfg_scale == 0.7 and rows[3].settings.cfg_scale == 0.5
    assert Entrant(TEACHER, network, SamplerSettings(cfg_scale=0.7)).evaluations == 1, "no prompt: one branch"


def test_the_network_is_timed_and_unchanged() -> None:
    network, conditions = shaken(), some_conditions()
    timed, x, level = TimedNetwork(network), conditions.maps[:, :3], torch.ones(2)
    with torch.no_grad():
        look, told = timed.look(conditions.maps), timed.listen(conditions)
        edits = timed.answer(timed.see(x, look), level, look, told)
        assert torch.equal(edits.residual, network.edits(x, level, conditions).residual)
    assert timed.config is network.config and 0 < timed.cpu_seconds < 60 and timed.seconds > 0


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_network(path, TINY, shaken().state_dict(), {"recommended_strength": 0.5}, torch.float32)
    return path


def test_the_command_on_real_frames(shared_clips: Path, pose_weights: Path, weights: Path, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "numbers" / "speed.json"
    status, table = speed_command([
        "--clips", str(shared_clips / "driving" / "d05_dance_studio.mp4"), "--seconds", "0.6", "--long-side", "192", "--teacher", str(weights),
        "--reference-steps", "3", "--steps", "1", "--clock", "cpu", "--no-end-to-end", "--pose-weights", str(pose_weights), "--json", str(out),
    ])  # fmt: skip
    assert status == 0, table
    found = json.loads(out.read_text())
    assert list(found) == [*KEYS, "rows"] and found["reference_steps"] == 3 and found["end_to_end_s"] is None
    assert [(row["name"], row["steps"], row["evaluations"]) for row in found["rows"]] == [(TEACHER, 3, 2), (STUDENT, 1, 1), (UNDISTILLED, 1, 1)]
    teacher, one, plain = found["rows"]
    assert all(row["frames"] == 15 and 10 < row["psnr_registered"] < 60 and row["motion_amplitude"] > 0 for row in found["rows"])
    assert teacher["sampler_cpu_s"] > 2 * one["sampler_cpu_s"] and found["sampler_speedup"] > 2, "six evaluations against one"
    assert found["psnr_delta"] == pytest.approx(one["psnr_registered"] - teacher["psnr_registered"])
    assert found["undistilled_psnr_delta"] == pytest.approx(plain["psnr_registered"] - teacher["psnr_registered"])
    assert "student, 1 x 1" in table and "sampler_speedup" in table


def test_a_whole_job_in_a_fresh_process(shared_clips: Path, pose_weights: Path, weights: Path, tmp_path: Path) -> None:  # noqa: F811
    source = open_clip(shared_clips / "driving" / "d05_dance_studio.mp4", duration_s=0.08)
    frames = [frame[::4, ::4] for frame in source.frames()]
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    with VideoWriter(tmp_path / "clip.mp4", (height, width), Fraction(25)) as writer:
        for frame in frames:
            writer.write(frame[:height, :width])
    cv2.imwrite(str(tmp_path / "picture.png"), source.frame(0)[::2, ::2, ::-1])
    made = timed_job(tmp_path / "clip.mp4", tmp_path / "picture.png", weights, pose_weights, tmp_path / "made.mp4", steps=1)
    assert made["frames"] == len(frames) == open_clip(tmp_path / "made.mp4").frame_count
    assert 0 < sum(made["stages"].values()) < made["seconds"] and made["cpu_seconds"] > 0
    with pytest.raises(KMCError, match="fresh process"):
        timed_job(tmp_path / "missing.mp4", tmp_path / "picture.png", weights, pose_weights, tmp_path / "none.mp4")
