"""Distillation at tiny size: steps and guidance fold into the student, a run goes on where it stopped, a LoRA is the merge."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from test_training_parts import pair_clip

from kmc_core.dit.conditions import Conditions, text_bytes
from kmc_core.dit.config import PRESETS
from kmc_core.dit.model import KMCDiT
from kmc_core.dit.weights_file import load_network, save_network
from kmc_core.errors import CheckpointError
from kmc_core.sampling.guidance import GuidedNetwork
from kmc_core.sampling.sampler import sample_window
from kmc_core.sampling.schedule import bridge_levels
from kmc_core.training.__main__ import main
from kmc_core.training.bridge_levels import LevelSettings
from kmc_core.training.dataset import DataSettings
from kmc_core.training.distill.lora import extract_lora, load_lora, lora_of, merged
from kmc_core.training.distill.plan import DistillConfig, Stage
from kmc_core.training.distill.run import distil
from kmc_core.training.distill.steps_table import Setting, folding_error, held_out_clips, steps_table
from kmc_core.training.distill.targets import Told, as_shown, change_loss, mean_change, target, walked
from kmc_core.training.run_config import write_run_config
from kmc_core.training.shards import save_pair_clip


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards, and a teacher to whom words and steps matter much: one step is 20 dB from four, one evaluation 17 dB from two branches."""
    folder = tmp_path_factory.mktemp("distillation")
    for number in range(8, 13):
        save_pair_clip(folder / "pairs" / f"clip_{number:05d}.safetensors", pair_clip(seed=number), {})
    torch.manual_seed(0)
    weights = KMCDiT(PRESETS["tiny"]).state_dict()
    weights = {name: tensor + 0.06 * torch.randn_like(tensor) for name, tensor in weights.items()}
    for name, factor in (("decoder.residual.weight", 4), ("text_summary.weight", 6), ("text_colour.shares.weight", 0.2)):
        weights[name] *= factor
    save_network(folder / "teacher.safetensors", PRESETS["tiny"], weights, {"step": 7}, torch.float32)
    return folder


def run_folder(workplace: Path, name: str, **options: object) -> Path:
    data = DataSettings(crop=(32, 32), frames=((1, 0.5), (3, 0.5)), registered=0, edited=0, captioned=0, recoloured=0, dropped=0)
    values = {"steps": 40, "batch": 2, "learning_rate": 1e-3, "warm_up_steps": 5, "ema": 0.9, "teacher_steps": 2} | options
    config = DistillConfig(teacher=str(workplace / "teacher.safetensors"), pairs=str(workplace / "pairs"), data=data, **values)
    write_run_config(workplace / name / "config.json", config)
    return workplace / name


def told_of(network: KMCDiT, words: str = "", weight: float = 1.0) -> tuple[Told, torch.Tensor]:
    clip = pair_clip(frames=3, height=32, width=32)
    conditions = Conditions(clip.maps.transpose(0, 1)[None], clip.joints[None], clip.hands[None], clip.face[None],
                            clip.references[None], text_bytes([""], 64))  # fmt: skip
    with_text = replace(conditions, text=text_bytes([words], 64)) if words else None
    return Told(with_text, conditions, weight, torch.tensor([[0.0, 1.0, 1.0]])), conditions.maps[:, :3]


def test_stages_halve_and_impossible_steps_are_refused() -> None:
    assert DistillConfig(teacher_steps=8, student_steps=2).stages == (Stage(8, 1, True), Stage(4, 2), Stage(2, 2))
    assert DistillConfig(teacher_steps=8, student_steps=2, halving=False).stages == (Stage(8, 1, True), Stage(2, 4))
    assert DistillConfig(teacher_steps=1).stages == (Stage(1, 1, True),)
    for teacher, student in ((6, 4), (6, 2), (2, 4), (4, 0)):
        with pytest.raises(CheckpointError, match="halved"):
            _ = DistillConfig(teacher_steps=teacher, student_steps=student).stages


def test_a_student_that_says_the_target_gets_where_its_teacher_gets(workplace: Path) -> None:
    teacher, _ = load_network(workplace / "teacher.safetensors")
    told, x = told_of(teacher)
    stage = Stage(2, 2)
    reached, _ = walked(teacher, told, x, torch.tensor([1.0, 0.75, 0.5]), folded=True)
    wanted = target(teacher, told, x, stage, 0)
    assert torch.allclose((wanted + 0.5 * (x - wanted))[:, :, 1:], reached[:, :, 1:], atol=1e-5)
    assert torch.allclose(reached[:, :, 0], x[:, :, 0], atol=1e-6)  # history stays as it was shown
    told, x = told_of(teacher, "red light", 1.4)
    with torch.no_grad():
        guided = GuidedNetwork(teacher, told.without_text, told.with_text, 1.4)
        own = target(teacher, replace(told, fresh=torch.ones(1, 3)), x, Stage(1, 1, True), 0).clamp(-1, 1)
        clean, _ = sample_window(guided, bridge_levels(1))
    same = (own - clean).abs() < 1e-4  # but where the uncoloured picture was cut off: one substep of one step is the dual branch's own
    assert same.float().mean() > 0.8


def test_distillation_brings_one_step_nearer_to_four_than_the_teacher_s_own_one_step(workplace: Path) -> None:
    folder = run_folder(workplace, "run", teacher_steps=4, halving=False)
    assert distil(folder).step == 40
    student, facts = load_network(folder / "weights.safetensors")
    teacher, _ = load_network(workplace / "teacher.safetensors")
    assert student.config.one_evaluation and facts["distilled"]["steps"] == 1 and facts["step"] == 7
    settings = [Setting("teacher", 4), Setting("teacher", 1), Setting("student", 1)]
    rows = steps_table({"teacher": teacher, "student": student}, settings, settings[0], held_out_clips(workplace / "pairs", 1, 4))
    reference, undistilled, distilled = (row["psnr_to_reference"] for row in rows)
    assert reference > 80 > distilled > undistilled + 2
    assert rows[0]["motion_to_reference"] == 1 and set(rows[0]) >= {"psnr_registered", "sharpness", "seconds_per_frame"}
    for stage in ("stage_1", "stage_2"):
        with (folder / stage / "log.csv").open() as file:
            (row,) = csv.DictReader(file)
        assert int(row["step"]) == 20 and float(row["change"]) == pytest.approx(float(row["teacher_change"]), rel=0.3)
    for name, tensor in teacher.state_dict().items():  # words' colours fold exactly, so they stay
        if name.startswith(("text.", "text_colour")):
            assert torch.equal(student.state_dict()[name], tensor), name


def test_guidance_is_learnt_where_words_reach_the_blocks(workplace: Path) -> None:
    folder = run_folder(workplace, "guidance", teacher_steps=1, told=1.0, negative=0.0)
    distil(folder)
    student, _ = load_network(folder / "weights.safetensors")
    teacher, _ = load_network(workplace / "teacher.safetensors")
    clips, reference = held_out_clips(workplace / "pairs", 1, 2), Setting("teacher", 1, 0, 0.9)
    settings = [replace(reference, folded=True), replace(reference, weights="student")]
    untaught, taught = steps_table({"teacher": teacher, "student": student}, settings, reference, clips)
    assert folding_error(teacher, clips) > 0.1
    assert taught["psnr_to_reference"] > untaught["psnr_to_reference"] + 0.7


def test_a_continued_run_equals_an_uninterrupted_one(workplace: Path) -> None:
    whole = run_folder(workplace, "whole", steps=6)
    distil(whole)
    parted = run_folder(workplace, "parted", steps=6)
    for stop_after in (2, 2):
        stops = iter([False] * stop_after + [True])
        distil(parted, lambda stops=stops: next(stops))
    assert distil(parted).step == 6
    first, second = (load_network(path / "weights.safetensors")[0].state_dict() for path in (whole, parted))
    assert all(torch.allclose(value, second[name], atol=1e-6) for name, value in first.items())


def test_a_teacher_whose_words_act_through_colour_alone_skips_the_guidance_stage(workplace: Path) -> None:
    weights = load_file(workplace / "teacher.safetensors")
    for name in weights:
        if name.startswith(("text_summary", "blocks")) and ("context.key_value" in name or "text_summary" in name):
            weights[name] = torch.zeros_like(weights[name])
    save_network(workplace / "plain_words.safetensors", PRESETS["tiny"], weights, {}, torch.float32)
    folder = run_folder(workplace, "skipping", steps=10)
    values = json.loads((folder / "config.json").read_text()) | {"teacher": str(workplace / "plain_words.safetensors")}
    (folder / "config.json").write_text(json.dumps(values))
    assert distil(folder).step == 10  # all of them for the steps
    first, _ = load_network(folder / "stage_1" / "weights.safetensors")
    assert first.config.one_evaluation and all(torch.equal(value, weights[name]) for name, value in first.state_dict().items())
    assert not (folder / "stage_1" / "state.safetensors").exists() and (folder / "stage_2" / "state.safetensors").exists()
    assert distil(folder).step == 10
    values |= {"teacher_steps": 1}
    (workplace / "folding" / "config.json").parent.mkdir()
    (workplace / "folding" / "config.json").write_text(json.dumps(values))
    assert distil(workplace / "folding").step == 0  # guidance alone, and nothing to learn
    assert load_network(workplace / "folding" / "weights.safetensors")[0].config.one_evaluation


def test_what_the_sampler_cuts_off_is_no_error() -> None:
    x0, wanted = torch.tensor([1.4, 1.4, -1.4, 0.5]), torch.tensor([1.0, 0.2, 1.0, 1.0])
    assert torch.equal(as_shown(x0, wanted), torch.tensor([1.0, 1.4, -1.4, 0.5]))


def test_changes_between_frames_are_priced_and_measured() -> None:
    wanted, weight = torch.rand(1, 3, 4, 8, 8), torch.ones(1, 1, 4, 1, 1)
    calmed = wanted.mean(2, keepdim=True) + 0.5 * (wanted - wanted.mean(2, keepdim=True))
    assert change_loss(wanted + 0.2, wanted, weight) < 1e-6 < change_loss(calmed, wanted, weight)
    assert mean_change(calmed, weight) == pytest.approx(0.5 * mean_change(wanted, weight), rel=1e-3)
    assert change_loss(wanted[:, :, :1], wanted[:, :, :1], weight) == mean_change(wanted[:, :, :1], weight) == 0


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_full_rank_lora_is_the_student_and_a_thin_one_is_near(workplace: Path, strength: float) -> None:
    teacher, _ = load_network(workplace / "teacher.safetensors")
    before, generator = teacher.state_dict(), torch.Generator().manual_seed(3)
    after = {name: tensor + 0.05 * torch.randn(tensor.shape, generator=generator) for name, tensor in before.items()}
    lora, facts = lora_of(before, after, rank=10_000)
    assert facts.matrices == 0 and facts.kept == 1 and len(lora) == len(before)
    lora, facts = lora_of(before, after, rank=6)
    assert facts.matrices > 10 and facts.whole > 10 and 0.3 < facts.kept < 1
    result = merged(before, lora, strength)
    for name, tensor in before.items():
        off, change = (result[name] - tensor - strength * (after[name] - tensor)).norm(), (after[name] - tensor).norm()
        assert off < strength * change, name
        if name.endswith("bias") or tensor.ndim == 1:
            assert torch.allclose(result[name], tensor + strength * (after[name] - tensor), atol=1e-6), name


def test_changes_of_small_rank_are_carried_exactly_and_files_are_checked(workplace: Path) -> None:
    teacher, _ = load_network(workplace / "teacher.safetensors")
    generator, after = torch.Generator().manual_seed(4), dict(teacher.state_dict())
    for name in ("blocks.0.space.query.weight", "stem.to_half.weight", "text.join.weight"):
        flat = after[name].flatten(1)
        thin = torch.randn(flat.shape[0], 2, generator=generator) @ torch.randn(2, flat.shape[1], generator=generator)
        after[name] = after[name] + 0.01 * thin.view_as(after[name])
    save_network(workplace / "student.safetensors", replace(teacher.config, one_evaluation=True), after, {}, torch.float32)
    facts = extract_lora(workplace / "teacher.safetensors", workplace / "student.safetensors", 2, workplace / "lora.safetensors")
    assert (facts.matrices, facts.whole) == (3, 0) and facts.kept > 0.9999
    lora = load_lora(workplace / "lora.safetensors")
    result = merged(teacher.state_dict(), lora)
    assert all(torch.allclose(result[name], after[name], atol=1e-4) for name in after)
    with pytest.raises(CheckpointError, match="another network"):
        merged(teacher.state_dict(), {"diffusion_model.elsewhere.diff": torch.zeros(2)})
    save_network(workplace / "other.safetensors", PRESETS["nano"], KMCDiT(PRESETS["nano"]).state_dict(), {}, torch.float16)
    with pytest.raises(CheckpointError, match="other sizes"):
        extract_lora(workplace / "teacher.safetensors", workplace / "other.safetensors", 2, workplace / "never.safetensors")


def test_the_command_lines_do_it_all(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teacher, run = workplace / "teacher.safetensors", run_folder(workplace, "commands", steps=4)
    assert main(["distill", "--run", str(run), "--student-steps", "2", "--steps", "2"]) == 0
    assert main(["export", "--run", str(run), "--out", str(workplace / "distilled.safetensors")]) == 0
    assert main(["lora", "--teacher", str(teacher), "--student", str(workplace / "distilled.safetensors"), "--rank", "2",
                 "--out", str(workplace / "made.safetensors")]) == 0  # fmt: skip
    assert any(name.endswith("lora_A.weight") for name in load_lora(workplace / "made.safetensors"))
    capsys.readouterr()
    assert main(["steps", "--weights", str(teacher), str(workplace / "distilled.safetensors"), "--pairs", str(workplace / "pairs"),
                 "--steps", "1", "2", "--cfg-scale", "0.9", "--clips", "1", "--frames", "2"]) == 0  # fmt: skip
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 2 * 2 + 2 * 2 + 2
    assert main(["distill", "--run", str(workplace / "refused"), "--teacher-steps", "6"]) == 1


def test_noise_and_history_follow_the_settings_of_training() -> None:
    assert DistillConfig().levels == LevelSettings() and DistillConfig().losses.residual == 0
