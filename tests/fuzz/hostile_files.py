"""Good files of every format the pack reads, and seeded ways to spoil them: bytes cut, flipped, moved; values made absurd."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "tests" / "core"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from media_samples import tone, write_clip  # noqa: E402
from procedural_body import picture_keypoints, subject_of, walking_motion  # noqa: E402

from kmc_core.dit.config import PRESETS  # noqa: E402
from kmc_core.dit.model import KMCDiT  # noqa: E402
from kmc_core.dit.weights_file import save_network  # noqa: E402
from kmc_core.motion.bvh import write_bvh  # noqa: E402
from kmc_core.motion.pose_keypoint_file import write_pose_keypoint_file  # noqa: E402
from kmc_core.motion.storage import save_motion  # noqa: E402
from kmc_core.subject.storage import save_subject  # noqa: E402
from kmc_core.types import Canvas  # noqa: E402

Generator = np.random.Generator
ATOMS = (
    None, True, False, 0, 1, -1, 2, 7, 10**9, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"),
    float("-inf"), "", "a", "nan", "../../etc/passwd", "\x00", "\ud800", "x" * 5000, [], {}, [[]], [None], {"": None}, [1e308] * 3,
    [float("nan")] * 54, [0] * 54, list(range(200)), {"people": []}, [[[[[]]]]],
)  # fmt: skip
DTYPES = ("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "F64", "I64", "U64", "F4", "?", "")
WORDS = (
    b"nan", b"inf", b"-inf", b"1e400", b"-1", b"0", b"99999999999999", b"1e308", b"{", b"}", b"JOINT", b"ROOT", b"End", b"Site",
    b"CHANNELS", b"OFFSET", b"MOTION", b"Frames:", b"Frame", b"Time:", b"6", b"Xrotation", b"Xposition", b"", b"\xff\xfe", b"HIERARCHY",
)  # fmt: skip
FLOATS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, -1.0)


def good_files(folder: Path) -> dict[str, list[bytes]]:
    """Format -> contents of small valid files."""
    motion, hands = walking_motion(frames=3), walking_motion(frames=2)
    subject = subject_of(picture_keypoints(), Canvas(96, 96))
    config = PRESETS["tiny"]
    network = KMCDiT(config)
    save_network(folder / "network.safetensors", config, network.state_dict(), {"recommended_strength": 0.5}, torch.float16)
    files = {
        "motion": [save_motion(motion, folder / "motion").read_bytes()],
        "subject": [save_subject(subject, folder / "subject").read_bytes()],
        "checkpoint": [(folder / "network.safetensors").read_bytes()],
        "bvh": [write_bvh(hands, folder / "a.bvh").read_bytes(), write_bvh(hands, folder / "b.bvh", stretch=False).read_bytes()],
        "pose_keypoint": [write_pose_keypoint_file(hands, folder / "a.json").read_bytes()],
        "record": [json.dumps({"format": "kmc.record", "version": 1, "files": [], "prompt": {"1": {"inputs": {}}}}).encode()],
        "picture": _pictures(),
        "clip": _clips(folder),
    }
    return files | {"keypoint_values": files["pose_keypoint"]}


def _pictures() -> list[bytes]:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (24, 32, 4), dtype=np.uint8)
    opaque, clear = Image.fromarray(pixels[..., :3]), Image.fromarray(pixels)
    shapes = (
        (opaque, "PNG", {}), (clear, "PNG", {}), (opaque.convert("P"), "PNG", {"transparency": 3}), (opaque, "JPEG", {}),
        (opaque.convert("CMYK"), "JPEG", {}), (opaque.convert("L"), "JPEG", {"progressive": True}), (clear, "WEBP", {}),
        (opaque, "WEBP", {"lossless": True}), (opaque, "GIF", {"save_all": True, "append_images": [opaque.rotate(90)]}),
        (opaque, "BMP", {}), (opaque, "TIFF", {"compression": "tiff_lzw"}), (opaque.convert("I;16"), "PNG", {}),
    )  # fmt: skip
    made = []
    for picture, kind, options in shapes:
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        made.append(buffer.getvalue())
    return made


def _clips(folder: Path) -> list[bytes]:
    sound = tone(0.5, 22050)
    made = [
        write_clip(folder / "a.mp4", 6, sound=sound),
        write_clip(folder / "b.mkv", 6, sound=sound),
        write_clip(folder / "c.avi", 6, codec="mpeg4"),
        write_clip(folder / "d.mp4", [0, 3, 4, 9], time_base=Fraction(1, 30)),
        write_clip(folder / "e.gif", 4, codec="gif", pixel_format="rgb8"),
    ]
    return [path.read_bytes() for path in made]


def spoiled_bytes(data: bytes, rng: Generator) -> bytes:
    """Cut, flipped, overwritten, doubled, removed or moved bytes, one to three times."""
    for _ in range(int(rng.integers(1, 4))):
        data = _spoiled_once(data, rng)
    return data


def _spoiled_once(data: bytes, rng: Generator) -> bytes:
    raw, size = bytearray(data), max(len(data), 1)
    at = int(rng.integers(size)) if rng.random() < 0.6 else int(rng.integers(min(size, 256)))
    length = int(rng.integers(1, 64))
    kind = rng.integers(7)
    if kind == 0:
        return bytes(raw[:at])
    if kind == 1:
        for place in rng.integers(0, size, int(rng.integers(1, 12))):
            if place < len(raw):
                raw[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        raw[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
    elif kind == 3:
        raw[at:at] = raw[at : at + length]
    elif kind == 4:
        del raw[at : at + length]
    elif kind == 5:
        value = int(rng.choice([0, 1, 2**16, 2**31 - 1, 2**32 - 1, 2**63 - 1]))
        width = int(rng.choice([2, 4, 8]))
        raw[at : at + width] = (value % 2 ** (8 * width)).to_bytes(width, str(rng.choice(["big", "little"])))
    else:
        other = int(rng.integers(size))
        raw[at : at + length], raw[other : other + length] = raw[other : other + length], raw[at : at + length]
    return bytes(raw)


def spoiled_words(data: bytes, rng: Generator) -> bytes:
    """A text of words with some replaced, doubled or left out."""
    words = data.split(b" ")
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(len(words)))
        if rng.random() < 0.2:
            del words[at]
        else:
            words[at] = WORDS[int(rng.integers(len(WORDS)))]
        words = words or [b""]
    return b" ".join(words)


def spoiled_value(value: object, rng: Generator) -> object:
    """A JSON value with something absurd somewhere inside."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = list(value)[int(rng.integers(len(value)))]
        changed = dict(value)
        if rng.random() < 0.1:
            del changed[key]
        else:
            changed[key] = spoiled_value(value[key], rng)
        return changed
    if isinstance(value, list) and value and rng.random() < 0.85:
        changed = list(value)
        at = int(rng.integers(len(value)))
        changed[at] = spoiled_value(value[at], rng)
        return changed[:at] if rng.random() < 0.1 else changed
    return ATOMS[int(rng.integers(len(ATOMS)))]


def spoiled_json(data: bytes, rng: Generator) -> bytes:
    value = json.loads(data)
    for _ in range(int(rng.integers(1, 4))):
        value = spoiled_value(value, rng)
    return json.dumps(value).encode("utf-8", "surrogatepass")


def spoiled_tensors(data: bytes, rng: Generator) -> bytes:
    """A .safetensors file with an absurd header, or absurd numbers, that is otherwise in order."""
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    names = [name for name in header if name != "__metadata__"]
    entry = header[names[int(rng.integers(len(names)))]]
    kind = rng.integers(7)
    if kind == 0:
        entry["dtype"] = str(rng.choice(DTYPES))
    elif kind == 1:
        entry["shape"] = [int(side) for side in rng.choice([0, 1, 2, 3, 33, 2**31, 2**40], int(rng.integers(0, 5)))]
    elif kind == 2:
        entry["data_offsets"] = [int(place) for place in rng.choice([0, 1, 4, len(body), 2**33, 2**63], 2)]
    elif kind == 3 and entry["data_offsets"][1] - entry["data_offsets"][0] >= 4 and entry["dtype"] == "F32":
        start, end = entry["data_offsets"]
        at = start + 4 * int(rng.integers((end - start) // 4))
        body[at : at + 4] = struct.pack("<f", float(np.float32(FLOATS[int(rng.integers(len(FLOATS)))])))
    elif kind == 4:
        header["extra" * int(rng.integers(1, 3))] = header.pop(names[0])
    elif kind == 5:
        header["__metadata__"] = {"kmc": json.dumps(spoiled_value(json.loads(header["__metadata__"]["kmc"]), rng))}
    else:
        header = spoiled_value(header, rng)
    text = json.dumps(header).encode("utf-8", "replace")
    return struct.pack("<Q", len(text)) + text + bytes(body)


def spoilers(kind: str) -> tuple[Callable[[bytes, Generator], bytes], ...]:
    """The ways to spoil a format."""
    special = {
        "motion": spoiled_tensors, "subject": spoiled_tensors, "checkpoint": spoiled_tensors, "bvh": spoiled_words,
        "pose_keypoint": spoiled_json, "record": spoiled_json,
    }  # fmt: skip
    if kind == "keypoint_values":
        return (spoiled_json,)
    return (spoiled_bytes, special[kind], special[kind]) if kind in special else (spoiled_bytes,)
