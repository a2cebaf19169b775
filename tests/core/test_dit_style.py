"""The drawing style: any size, nothing at the start, words that ask and words that do not, its file, its place in sampling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from kmc_core.checkpoints.format import save_checkpoint
from kmc_core.dit.style import BUILT_IN_STYLE, FORMAT, STYLES, VERSION, StyleConfig, StyleNetwork, load_style, save_style
from kmc_core.errors import CheckpointError
from kmc_core.sampling.drawing import drawing_of

SMALL = StyleConfig(widths=(8, 8, 8), letters=4, word=8)


def small(seed: int = 0) -> StyleNetwork:
    """Random everywhere, so that it changes pictures."""
    torch.manual_seed(seed)
    network = StyleNetwork(SMALL)
    for parameter in network.pictures.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network.eval().requires_grad_(False)


def test_untrained_it_leaves_every_picture_alone_and_asks_for_nothing() -> None:
    picture = torch.rand(1, 3, 33, 47) * 2 - 1
    network = StyleNetwork(SMALL)
    assert torch.equal(network.pictures(picture), picture[:, None].expand(-1, len(STYLES), -1, -1, -1))
    assert network.asked(["toon"]).max() < 0.15


def test_a_place_is_drawn_alike_whatever_happens_far_from_it() -> None:
    network = small()
    picture = torch.rand(1, 3, 64, 512) * 2 - 1
    other = picture.clone()
    other[..., 400:] = -other[..., 400:]
    first, second = (network.drawn(shown, torch.tensor([1.0, 0.0])) for shown in (picture, other))
    assert (first - picture).abs().mean() > 0.01
    assert torch.allclose(first[..., :200], second[..., :200], atol=1e-6)
    assert not torch.allclose(first[..., 420:], second[..., 420:], atol=1e-2)


def test_amounts_mix_and_none_is_the_picture() -> None:
    network, picture = small(), 0.2 * torch.rand(1, 3, 32, 32) - 0.1
    toon, painting, both, none = (network.drawn(picture, torch.tensor(a)) for a in ([1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.0, 0.0]))
    unclipped = (toon.abs() < 1) & (painting.abs() < 1) & (both.abs() < 1)
    assert unclipped.float().mean() > 0.2 and not torch.allclose(toon, painting, atol=0.1)
    assert torch.allclose(both[unclipped], 0.5 * (toon + painting)[unclipped], atol=1e-6)
    assert torch.equal(none, picture)


def test_its_file_comes_back_and_any_other_is_refused(tmp_path: Path) -> None:
    network, path = small(), tmp_path / "style.safetensors"
    save_style(path, network, {"steps": 3}, torch.float32)
    again, facts = load_style(path)
    assert facts == {"steps": 3}
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())
    weights = dict(network.state_dict())
    header = {"format": FORMAT, "version": VERSION, "config": {"widths": [8, 8, 8], "letters": 4, "word": 8}, "training": {}}
    for changed in (
        {**weights, "pictures.stem.bias": torch.full((8,), float("nan"))},
        {name: value for name, value in weights.items() if name != "pictures.stem.bias"},
        {**weights, "pictures.stem.bias": torch.zeros(9)},
    ):
        save_checkpoint(path, changed, header)
        with pytest.raises(CheckpointError):
            load_style(path)
    save_checkpoint(path, weights, {**header, "config": {"widths": "8"}})
    with pytest.raises(CheckpointError):
        load_style(path)


def test_without_weights_or_words_there_is_no_drawing(tmp_path: Path) -> None:
    assert drawing_of("toon", "", 0.5, 1.0, tmp_path / "missing.safetensors") is None
    assert drawing_of("  ", "", 0.5, 1.0) is None


@pytest.fixture(scope="module")
def shipped() -> StyleNetwork:
    return load_style(BUILT_IN_STYLE)[0]


def test_the_shipped_file_is_small() -> None:
    assert BUILT_IN_STYLE.stat().st_size <= 1.5e6


@pytest.mark.parametrize(
    ("prompt", "toon", "painting"),
    [
        ("toon", 1, 0), ("A cartoon of a dancer", 1, 0), ("anime style, at night", 1, 0), ("cel shaded", 1, 0), ("comic book", 1, 0),
        ("an oil painting", 0, 1), ("oil painting", 0, 1),
            ("watercolour of a woman by the sea", 0, 1), ("painterly, warm evening light", 0, 1),
        ("", 0, 0), ("photo, realistic", 0, 0), ("a woman in a red dress at night", 0, 0), ("a platoon of soldiers under the moon", 0, 0),
        ("she paints a fence", 0, 0), ("The quick brown fox jumps over the lazy dog", 0, 0), ("ein Hund am Fenster, 雨の夜", 0, 0),
    ],
)  # fmt: skip
def test_words_ask_for_what_they_name(shipped: StyleNetwork, prompt: str, toon: int, painting: int) -> None:
    found = shipped.asked([prompt])[0]
    assert found.tolist() == pytest.approx([toon, painting], abs=0.2)


def test_a_prompt_reads_alike_alone_and_beside_longer_ones(shipped: StyleNetwork) -> None:
    prompts = ["oil painting", "toon", "a dancer in the rain, in a very long dress and with a red umbrella, comic book"]
    assert torch.allclose(shipped.asked(prompts), torch.cat([shipped.asked([prompt]) for prompt in prompts]), atol=1e-5)


def test_guidance_and_negative_prompts_follow_the_formula_of_all_words() -> None:
    told = drawing_of("cartoon", "", 0.5, 1.0)
    assert told is not None and told.amounts[0] > 0.8 and told.amounts[1] == 0
    assert drawing_of("cartoon", "", 0.0, 1.0) is None, "cfg_scale 0 follows the motion alone"
    assert drawing_of("cartoon", "", 0.5, 0.0) is None, "at strength 0 the network does nothing"
    assert drawing_of("cartoon", "cartoon", 0.5, 1.0) is None
    assert drawing_of("a dancer", "cartoon, painting", 0.5, 1.0) is None
    half = drawing_of("cartoon", "", 0.25, 1.0)
    assert half is not None and float(half.amounts[0]) == pytest.approx(float(told.amounts[0]) / 2, abs=0.05)


def test_the_shipped_toon_has_lines_and_keeps_still_what_is_still(shipped: StyleNetwork) -> None:
    generator = np.random.default_rng(0)
    height, width = 96, 160
    scene = np.full((height, width, 3), 0.75, np.float32)
    scene[20:80, 40:100] = (0.7, 0.3, 0.2)
    grains = [generator.normal(0, 0.012, scene.shape).astype(np.float32) for _ in range(4)]
    noisy = [torch.from_numpy(scene + grain).permute(2, 0, 1) * 2 - 1 for grain in grains]
    told = drawing_of("toon", "", 0.5, 1.0)
    drawn = torch.stack([told(frame) for frame in noisy])
    frames = torch.stack(noisy)
    edge = drawn[:, :, 40:60, 36:46].mean(1).amin(-1).mean()
    assert edge < frames[:, :, 40:60, 36:46].mean(1).amin(-1).mean() - 0.1, "ink along the edge"
    away = (slice(None), slice(None), slice(30, 70), slice(110, 150))
    assert drawn[away].std(0).mean() < 1.1 * frames[away].std(0).mean(), "no more flicker than the frames had"
    assert torch.equal(told(noisy[0]), told(noisy[0]))
