"""Ten thousand spoiled files, and some that were made to hurt: a clear refusal, quickly, in little memory, and nothing else is touched."""

from __future__ import annotations

import ast
import json
import os
import pickle
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kmc_core.checkpoints.format import load_checkpoint
from kmc_core.dit.weights_file import load_network
from kmc_core.errors import KMCError
from kmc_core.media.clip import open_clip
from kmc_core.media.picture import read_picture
from kmc_core.media.production_record import read_record
from kmc_core.motion.bvh import read_bvh
from kmc_core.motion.pose_keypoint_file import read_pose_keypoint_file
from kmc_core.motion.storage import load_motion
from kmc_core.subject.storage import load_subject

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SEED = int(os.environ.get("KMC_FUZZ_SEED", "20"))
COUNTS = {
    "motion": 1800, "subject": 1800, "checkpoint": 700, "bvh": 1800, "pose_keypoint": 1000, "keypoint_values": 800, "record": 300,
    "picture": 1200, "clip": 600,
}  # fmt: skip
LONGEST_S, MOST_MB, WHOLE_RUN_S = 5.0, 1024, 600
WEIGHTS_READERS = (load_motion, load_subject, load_network, lambda path: load_checkpoint(path, "kmc-dit", 1))
ALL_READERS = (*WEIGHTS_READERS, read_bvh, read_pose_keypoint_file, read_record, read_picture, open_clip)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a process of its own reports; a crash or a hang there fails every test here, with its traceback."""
    assert sum(COUNTS.values()) == 10_000
    folder = tmp_path_factory.mktemp("spoiled")
    command = [sys.executable, str(HERE / "run_cases.py"), str(folder), json.dumps(COUNTS), str(SEED)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=WHOLE_RUN_S, check=False)
    assert answer.returncode == 0, answer.stderr[-4000:]
    return json.loads(answer.stdout)


@pytest.mark.parametrize("kind", COUNTS)
def test_spoiled_files_are_read_or_refused_in_our_own_words(outcome: dict, kind: str) -> None:
    facts = outcome["formats"][kind]
    assert facts["cases"] == COUNTS[kind] and not facts["failures"], "\n".join(facts["failures"][:5])
    assert facts["slowest_s"] < LONGEST_S and facts["refused"] > 0.3 * facts["cases"]


def test_no_spoiled_file_takes_a_gigabyte(outcome: dict) -> None:
    assert outcome["added_mb"] < MOST_MB


def is_refused(reader: Callable[[Path], object], path: Path) -> str:
    """The refusal's words; within five seconds, in less than a gigabyte more than before."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(KMCError) as refusal:
        reader(path)
    assert time.process_time() - started < LONGEST_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < MOST_MB
    return str(refusal.value)


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_are_never_opened(tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    for ending in (".safetensors", ".bvh", ".json", ".png", ".mp4"):
        path = tmp_path / f"pickled{ending}"
        path.write_bytes(pickle.dumps(Canary(canary), protocol))
        for reader in ALL_READERS:
            is_refused(reader, path)
    assert not canary.exists()


def test_no_code_of_the_pack_can_unpickle() -> None:
    for path in [*(ROOT / "kmc_core").rglob("*.py"), *(ROOT / "nodes").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            assert not {"pickle", "dill", "marshal", "shelve", "joblib"} & set(names), path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load", "numpy.load"):
                options = {key.arg: ast.unparse(key.value) for key in node.keywords}
                assert options.get("allow_pickle", "False") == "False", f"{path}:{node.lineno}"
                assert "torch" not in ast.unparse(node.func) or options.get("weights_only") == "True", f"{path}:{node.lineno}"


def test_headers_that_promise_too_much(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    many = {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(200_000)}
    large = json.dumps(many).encode()
    for content in (
        struct.pack("<Q", len(large)) + large,
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 90 << 20) + b"{" + b" " * 100,
        struct.pack("<Q", 2) + b"{}",
        b"",
        b"PK\x03\x04" + b"\x00" * 100,
    ):
        path.write_bytes(content)
        for reader in WEIGHTS_READERS:
            is_refused(reader, path)
    deep = b'{"__metadata__":{"kmc":"' + b"[" * 200_000 + b'"}}'
    path.write_bytes(struct.pack("<Q", len(deep)) + deep)
    for reader in WEIGHTS_READERS:
        is_refused(reader, path)


def test_a_config_of_a_giant_network_builds_nothing(tmp_path: Path) -> None:
    import torch
    from kmc_core.checkpoints.format import save_checkpoint
    from kmc_core.dit.config import PRESETS

    small = PRESETS["tiny"].to_dict()
    for change in ({"width": 65_536, "depth": 256}, {"depth": 10**9}, {"width": float("1e300")}, {"map_channels": ["a"] * 10**5}, {"heads": 0}):
        save_checkpoint(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {"format": "kmc-dit", "version": 1, "config": small | change})
        is_refused(load_network, tmp_path / "a.safetensors")


def bvh_text(joints: int, frames: int, numbers: int | None = None) -> str:
    """A chain of joints of which the first alone has channels."""
    chain = "".join(f"JOINT j{number} {{ OFFSET 0 1 0 CHANNELS 0 " for number in range(joints))
    values = "0 0 0\n" * (frames if numbers is None else numbers)
    hierarchy = f"HIERARCHY ROOT Hips {{ OFFSET 0 0 0 CHANNELS 3 Xposition Yposition Zposition {chain}{'}' * joints} }}"
    return f"{hierarchy} MOTION Frames: {frames} Frame Time: 0.04\n{values}"


def test_bvh_files_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.bvh"
    for text in (
        bvh_text(1900, 99_000),
        bvh_text(0, 90_000_000, 10),
        bvh_text(3000, 1),
        "HIERARCHY " + "ROOT a { " * 5000,
        "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 99999999 Xposition",
        "MOTION " * 500_000,
        "MOTION Frames: 1 Frame Time: " + "1" * 10_000_000,
    ):
        path.write_text(text)
        is_refused(read_bvh, path)
    with path.open("wb") as file:
        file.truncate(10 << 30)
    for reader in (read_bvh, read_pose_keypoint_file, load_motion, load_subject, read_picture):
        is_refused(reader, path)


def test_json_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("[" * 10_000_000, "[" + "[]," * 12_000_000 + "[]]", '[{"people":[' + "{}," * 3_000_000 + "{}]}]", "[" + "1," * 20_000_000 + "1]"):
        path.write_text(text)
        is_refused(read_pose_keypoint_file, path)
    path.write_text('{"a":' * 100_000)
    is_refused(read_record, path)


def png(width: int, height: int, rows: int) -> bytes:
    """A PNG that promises width x height grey pixels and holds `rows` black rows, a few bytes for each million pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = zlib.compress(bytes((width + 1) * rows), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_pictures_that_unpack_to_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for content in (png(60_000, 60_000, 2000), png(2**31 - 1, 1, 0), png(9000, 9000, 9000)):
        path.write_bytes(content)
        assert "too large" in is_refused(read_picture, path) or content[16:20] == struct.pack(">I", 2**31 - 1)
    Image.new("1", (30_000, 30_000)).save(path, "TIFF", compression="group4")
    assert "too large" in is_refused(read_picture, path)
    text = png(8, 8, 8)
    comment = zlib.compress(bytes(100 << 20), 1)
    data = b"a\x00\x00" + comment
    path.write_bytes(text[:33] + struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data)) + text[33:])
    started = time.process_time()
    try:
        read_picture(path)
    except KMCError:
        pass
    assert time.process_time() - started < LONGEST_S


def test_clips_of_giant_frames_and_endless_times(tmp_path: Path) -> None:
    gif = tmp_path / "a.gif"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(gif)
    raw = bytearray(gif.read_bytes())
    raw[6:10] = struct.pack("<HH", 16_000, 16_000)
    gif.write_bytes(bytes(raw))
    assert "too large" in is_refused(open_clip, gif)


@pytest.mark.parametrize("text", [
    "ffconcat version 1.0\nfile 'secret.mp4'\n", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", '<?xml version="1.0"?><MPD><BaseURL>secret.mp4</BaseURL></MPD>',
    "[playlist]\nFile1=secret.mp4\n", "rtsp://127.0.0.1/a", "secret.mp4",
])  # fmt: skip
def test_a_clip_cannot_name_another_file(tmp_path: Path, text: str) -> None:
    sys.path.append(str(ROOT / "tests" / "core"))
    from media_samples import write_clip

    write_clip(tmp_path / "secret.mp4", 6)
    for ending in (".mp4", ".m3u8", ".txt", ".sdp"):
        path = tmp_path / f"list{ending}"
        path.write_text(text)
        is_refused(open_clip, path)
