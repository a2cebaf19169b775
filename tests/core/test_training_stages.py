"""Stages, close crops, what the network is shown, Muon, and the networks that only help to train: at tiny size, few steps."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_training_loop import run_folder
from test_training_parts import pair_clip

from kmc_core.checkpoints.format import load_checkpoint, save_checkpoint
from kmc_core.dit.config import PRESETS
from kmc_core.dit.head import Edits
from kmc_core.dit.model import KMCDiT
from kmc_core.dit.weights_file import load_network, save_network
from kmc_core.errors import CheckpointError
from kmc_core.training.__main__ import main
from kmc_core.training.bridge_levels import Levels, LevelSettings, Shown, draw_levels, shown_state, walked_state
from kmc_core.training.dataset import DataSettings, PairFolder
from kmc_core.training.losses import LossWeights, refinement_loss, region_weight
from kmc_core.training.optimiser import build_optimiser
from kmc_core.training.patch_critic import PatchCritic, critic_loss, critic_opinion
from kmc_core.training.pose_head import LastTokens, PoseHead, pose_loss
from kmc_core.training.resumable import append_row
from kmc_core.training.run_config import read_run_config
from kmc_core.training.shards import save_pair_clip
from kmc_core.training.stage import STAGES, begin_stage, stage_config
from kmc_core.training.state import FORMAT, VERSION
from kmc_core.training.train import Run, train

TINY = PRESETS["tiny"]


def test_every_stage_ships_its_choices() -> None:
    assert all(stage_config(stage).data.edited == stage_config(stage).data.captioned == 0 for stage in STAGES)  # Nano's blocks are deaf
    base, faces, windows, walk = (stage_config(stage) for stage in STAGES)
    assert walk.levels.walked > 0 == base.levels.walked and walk.levels.start == 1  # no level shows the truth
    assert walk.losses.square > 0 and base.losses.square > 0
    assert faces.data.head > 0 and faces.data.hands > 0 and faces.losses.hands > base.losses.hands == 0
    assert max(length for length, _ in windows.data.frames) == 8 and windows.levels.history > base.levels.history
    assert windows.levels.registered_history and not base.levels.registered_history
    with pytest.raises(CheckpointError, match="faces_and_hands"):
        stage_config("face")


def test_a_stage_begins_with_the_weights_of_the_one_before_and_says_what_was_spent(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    for number in (11, 12):
        save_pair_clip(pairs / f"clip_{number:05d}.safetensors", pair_clip(seed=number), {})
    common = ["--pairs", str(pairs), "--preset", "tiny", "--batch", "1"]

    def command(name: str, stage: str, *more: str) -> int:
        return main(["train", "--run", str(tmp_path / name), "--stage", stage, *common, *more])

    assert command("a", "base", "--steps", "2") == 0
    begin_stage(tmp_path / "b", "windows", tmp_path / "a", preset="tiny", pairs=str(pairs))
    started, ended = Run(tmp_path / "b"), load_network(tmp_path / "a" / "weights.safetensors")[0].state_dict()
    for name, value in ended.items():
        assert torch.equal(value, started.network.state_dict()[name]) and torch.equal(value, started.average.weights[name]), name
    assert command("b", "windows", "--from", str(tmp_path / "a"), "--steps", "1") == 0  # the same again goes on
    facts = load_network(tmp_path / "b" / "weights.safetensors")[1]
    assert (facts["stage"], facts["step"]) == ("windows", 1)
    assert [(entry["stage"], entry["step"], entry["windows"]) for entry in facts["earlier"]] == [("base", 2, 2)]
    origin = json.loads((tmp_path / "b" / "origin.json").read_text())
    assert len(origin["sha256"]) == 64 and origin["weights"].endswith("a/weights.safetensors")
    assert command("b", "base") == 1 and command("b", "windows", "--from", str(tmp_path / "b")) == 1  # said, not done
    assert main(["train", "--run", str(tmp_path / "c"), "--from", str(tmp_path / "a")]) == 1


def test_weights_of_another_network_begin_nothing(tmp_path: Path) -> None:
    other = replace(TINY, depth=1)
    save_network(tmp_path / "w.safetensors", other, KMCDiT(other).state_dict(), {}, torch.float16)
    with pytest.raises(CheckpointError, match="another network"):
        begin_stage(tmp_path / "run", "base", tmp_path / "w.safetensors", preset="tiny")
    assert not (tmp_path / "run" / "config.json").exists()


def test_close_crops_look_at_heads_and_hands(tmp_path: Path) -> None:
    clip = pair_clip(frames=3, height=96, width=96)
    clip.joints[:, 2] = torch.tensor([0.3, 0.4, 0.0, 1.0])  # HEAD
    clip.hands[:] = torch.tensor([0.7, 0.6, 0.0, 1.0])
    save_pair_clip(tmp_path / "clip_1.safetensors", clip, {})
    pairs = PairFolder(tmp_path)
    places = pairs.shards[0].region_places
    assert places["head"].tolist() == [[38, 28]] * 3 and set(map(tuple, places["hands"])) == {(57, 67)}
    settings = DataSettings(crop=(32, 32), frames=((1, 1.0),), hands=1.0, close_zoom=(1.5, 1.5), edited=0, captioned=0, dropped=0)
    batch = pairs.batch(np.random.default_rng(0), 4, settings, TINY)
    assert (batch.conditions.hands[..., :2] - 0.5).abs().max() < 0.05  # the hand is in the middle of every crop, mirrored or not
    assert (batch.conditions.joints[:, :, 2, 0] - 0.5).abs().min() > 1  # the head far outside of it


def test_head_and_hands_weigh_more_where_the_maps_say_so() -> None:
    maps = torch.zeros(1, len(TINY.map_channels), 1, 32, 32)
    maps[:, TINY.channel("hands"), :, 10:14, 10:14] = 1
    weight = region_weight(maps, LossWeights(hands=3.0), TINY)
    assert weight[0, 0, 0, 12, 12] == 3 and weight[0, 0, 0, 8, 12] == 3 and weight[0, 0, 0, 6, 12] == 0
    assert region_weight(maps, LossWeights(), TINY) == 0
    truth, error = torch.zeros(1, 3, 1, 32, 32), torch.zeros(1, 3, 1, 32, 32)
    error[..., 11:13, 11:13] = 0.5
    edits = Edits(truth[:, :2], truth, truth[:, :1] + 1, torch.zeros(1, 24, 1, 1, 1))
    losses = [refinement_loss(error, truth, edits, maps[:, :1] + 1, torch.ones(1, 1), LossWeights(), extra) for extra in (0.0, weight)]
    assert losses[1] > 2 * losses[0] > 0


def shown(settings: LevelSettings, level: list[float], registered: bool, flow_px: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, Shown]:
    torch.manual_seed(0)
    truth, aligned = torch.rand(1, 3, len(level), 32, 32) - 0.5, torch.zeros(1, 3, len(level), 32, 32)
    flow = torch.zeros(1, 2, len(level), 32, 32)
    flow[:, 0] = flow_px
    weight = (torch.tensor([level]) > 0).float()
    levels = Levels(torch.tensor([level]), torch.zeros(1), weight)
    noise = torch.zeros(1, 3, 1, 32, 32)
    state = shown_state(np.random.default_rng(1), truth, aligned, flow, torch.tensor([registered]), levels, noise, settings)
    return truth, aligned, state


def test_history_can_be_given_in_the_place_it_is_judged_in() -> None:
    truth, aligned, state = shown(LevelSettings(), [0.0, 0.5], True)
    assert torch.equal(state.x, aligned) and state.level.tolist() == [[1, 1]] and state.frame_weight.tolist() == [[1, 1]]
    truth, aligned, state = shown(LevelSettings(registered_history=True), [0.0, 0.5], True, flow_px=3.0)
    assert state.level.tolist() == [[0, 1]] and state.frame_weight.tolist() == [[0, 1]]
    assert torch.allclose(state.x[:, :, 0, :, 3:], truth[:, :, 0, :, :-3], atol=1e-5)  # truth(p) = aligned(p + flow): moved back
    assert torch.equal(state.x[:, :, 1], aligned[:, :, 1])
    truth, aligned, state = shown(LevelSettings(registered_history=True, history_error=0.5), [0.0, 1.0], False)
    share = (state.x / truth)[:, :, 0]
    assert torch.allclose(share, share.mean(), atol=1e-4) and 0.5 < float(share.mean()) < 1
    given = draw_levels(np.random.default_rng(0), 200, 8, LevelSettings(history=1.0, given=(2, 9)))
    assert ((given.level == 0).sum(1) == 2).all()


def test_blocks_of_tokens_are_given_clean_and_noise_can_be_the_start() -> None:
    truth, _, state = shown(LevelSettings(regions=1.0), [1.0], False)
    clean = (state.x == truth).all(1)[0, 0]
    assert clean.sum() == 256 and clean[::16, ::16].sum() == 1 and (state.x[0, :, 0][:, ~clean] == 0).all()
    _, _, state = shown(LevelSettings(from_noise=True), [1.0], True)
    assert 0.8 < float(state.x.std()) < 1.2


def test_windows_go_on_from_the_network_s_own_answer() -> None:
    _, aligned, state = shown(LevelSettings(), [0.0, 1.0, 1.0], False)
    made = torch.rand_like(aligned)
    walked = walked_state(np.random.default_rng(2), state, made, aligned, 1.0)
    assert torch.equal(walked.x[:, :, 0], state.x[:, :, 0]) and walked.level[0, 0] == 0  # history stays as it was given
    reached = float(walked.level[0, 1])
    assert 0.1 <= reached <= 0.9 and torch.allclose(walked.x[:, :, 1:], (made + reached * (aligned - made))[:, :, 1:], atol=1e-6)
    still = walked_state(np.random.default_rng(2), state, made, aligned, 0.0)
    assert torch.equal(still.x, state.x) and torch.equal(still.level, state.level)


def test_a_run_on_its_own_walk_is_another_and_repeats(tmp_path: Path) -> None:
    walking = {"levels": LevelSettings(start=1.0, walked=1.0)}
    folders = [run_folder(tmp_path, name, steps=3, **options) for name, options in (("a", walking), ("b", walking), ("plain", {}))]
    for folder in folders:
        train(folder)
    first, second, plain = (load_network(folder / "weights.safetensors")[0].state_dict() for folder in folders)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert any(not torch.equal(value, plain[name]) for name, value in first.items())


@pytest.mark.parametrize(
    "options",
    [{"optimiser": "muon"}, {"losses": LossWeights(pose=0.5, adversarial=0.01, features=0.1, critic_after=1)}],
    ids=["muon", "aids"],
)
def test_a_continued_run_equals_an_uninterrupted_one(tmp_path: Path, options: dict[str, object]) -> None:
    whole, parted = (run_folder(tmp_path, name, steps=4, **options) for name in ("whole", "parted"))
    train(whole)
    stops = iter([False, False, True])
    assert train(parted, lambda: next(stops)).step == 2
    train(parted)
    first, second = (load_network(path / "weights.safetensors")[0].state_dict() for path in (whole, parted))
    assert first.keys() == KMCDiT(TINY).state_dict().keys()  # what only helps to train is not in the weights
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=1e-5), name
    other = replace(read_run_config(parted / "config.json"), optimiser="adamw", losses=LossWeights())
    (parted / "config.json").write_text(json.dumps({"pairs": other.pairs, "preset": "tiny"}))
    with pytest.raises(CheckpointError, match=r"another optimiser|other losses"):
        Run(parted)


def test_a_run_begun_before_there_was_a_choice_of_optimiser_goes_on(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "run", steps=2)
    stops = iter([False, True])
    train(folder, lambda: next(stops))
    tensors, header = load_checkpoint(folder / "state.safetensors", FORMAT, VERSION)
    del header["optimiser"]
    save_checkpoint(folder / "state.safetensors", tensors, header)
    (folder / "config.json").write_text(json.dumps({"pairs": str(tmp_path / "pairs"), "preset": "tiny", "steps": 2}))
    run = Run(folder)
    assert run.progress.step == 1 and run.optimiser.state_dict()["state"]
    assert run.aids is None and "stage" not in load_network(folder / "weights.safetensors")[1]


def test_muon_takes_the_blocks_matrices_and_lowers_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = KMCDiT(TINY)
    adamw, muon = build_optimiser(network, 1e-3, 0.01, "muon").members
    by_muon = {id(parameter) for group in muon.param_groups for parameter in group["params"]}
    names = {name for name, parameter in network.named_parameters() if id(parameter) in by_muon}
    assert "blocks.0.space.query.weight" in names and all(name.startswith("blocks.") and "modulation" not in name for name in names)
    assert len(names) + sum(len(group["params"]) for group in adamw.param_groups) == len(list(network.parameters()))
    folder = run_folder(tmp_path, "run", steps=40, optimiser="muon")
    train(folder)
    with (folder / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1]["loss"]) < 0.9 * float(rows[0]["loss"])
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(CheckpointError, match="no Muon"):
        build_optimiser(network, 1e-3, 0.01, "muon")
    with pytest.raises(CheckpointError, match="adamw, muon"):
        build_optimiser(network, 1e-3, 0.01, "sgd")


def test_the_pose_head_reads_places_out_of_tokens_and_its_price_ends(tmp_path: Path) -> None:
    torch.manual_seed(0)
    head, names = PoseHead(32), torch.randn(19, 32)
    optimiser = torch.optim.Adam(head.parameters(), 0.05)
    for _ in range(60):
        cells = torch.randint(0, 20, (8, 19))  # joint j shines in cell (row, column) of a 4 x 5 grid
        tokens = torch.zeros(8, 20, 32).index_put((torch.arange(8)[:, None], cells), names.expand(8, -1, -1), accumulate=True)
        joints = torch.stack(((cells % 5 + 0.5) / 5, (cells // 5 + 0.5) / 4, cells * 0, cells * 0 + 1), dim=-1).float()
        loss = pose_loss(head(tokens, (4, 5)), joints)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.12  # guessing the middle is 0.4 off
    unseen = joints * torch.tensor([1.0, 1.0, 1.0, 0.0])
    assert pose_loss(head(tokens, (4, 5)), unseen) == 0
    run = Run(run_folder(tmp_path, "run", steps=1, losses=LossWeights(pose=0.5)))
    made = torch.rand(2, 3, 32, 32)
    run.aids._last.tokens = torch.rand(2, 4, 32)
    early, late = (run.aids.loss(made, made, made[:, :1], joints[:2], 0, share)[0] for share in (0.0, 0.5))
    assert float(early.detach()) > 0 == float(late.detach())


def test_the_tap_sees_the_decoders_tokens() -> None:
    network = KMCDiT(TINY)
    last = LastTokens(network)
    features = network.stem(torch.rand(2, TINY.in_channels, 32, 48))[0]
    tokens = torch.rand(2, 6, TINY.width)
    network.decoder(tokens, features)
    assert last.tokens is tokens


def test_the_critic_learns_what_is_blurred_and_teaches_nothing_about_itself() -> None:
    torch.manual_seed(0)
    critic = PatchCritic()
    optimiser = torch.optim.Adam(critic.parameters(), 2e-3)
    weight = torch.ones(4, 1, 32, 32)
    for _ in range(30):
        truth = torch.rand(4, 3, 32, 32) * 2 - 1
        made = torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
        loss = critic_loss(critic, truth, made, weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 1.0  # 2 for a critic that cannot tell
    made = made.requires_grad_()
    dislike, unlike = critic_opinion(critic.requires_grad_(False), truth, made, weight)
    assert dislike > critic_opinion(critic, truth, truth, weight)[0] and critic_opinion(critic, truth, truth, weight)[1] == 0
    (dislike + unlike).backward()
    assert made.grad.abs().sum() > 0
    assert critic_loss(critic, truth, made, 0 * weight) == 0


def test_a_log_with_other_columns_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    append_row(path, {"a": 1, "b": 2})
    append_row(path, {"b": 4, "a": 3})
    assert path.read_text().split() == ["a,b", "1,2", "3,4"]
    append_row(path, {"a": 5, "c": 6})
    assert path.read_text().split() == ["a,c", "5,6"] and (tmp_path / "log.before.csv").read_text().split() == ["a,b", "1,2", "3,4"]
