"""Records of videos: in the file and beside it, read back alike, and compared in words."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kmc_core.errors import MediaError
from kmc_core.media.production_record import (
    FORMAT,
    RESERVED_BYTES,
    TAG,
    VERSION,
    FrameDigest,
    array_sha256,
    complete_record,
    decoded_sha256,
    read_record,
    record_differences,
    reserved_text,
)
from kmc_core.media.writer import VideoWriter
from kmc_core.types import Canvas

EARLY = {"format": FORMAT, "version": VERSION, "run": "abc", "prompt": {"1": {"class_type": "Ü"}}}


def frames(count: int = 6, seed: int = 3) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


def written(path: Path, record: dict, late: dict, pictures: list[np.ndarray]) -> Path:
    """A video with `record` reserved and `record | late` completed."""
    reserved, digest = reserved_text(record), FrameDigest()
    with VideoWriter(path, Canvas(48, 64), Fraction(8), metadata={TAG: reserved, "comment": "kept"}) as writer:
        for picture in pictures:
            writer.write(picture)
            digest.add(picture)
    late = late | {"frames": {"rendered_sha256": digest.hexdigest(), "decoded_sha256": decoded_sha256(path)}}
    return complete_record(path, reserved, record | late)


def test_the_record_is_beside_and_in_the_video_and_the_pictures_are_untouched(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    beside = written(video, EARLY, {"seconds": {"sampling": 1.5}}, frames())
    assert beside == tmp_path / "a.record.json"
    assert read_record(beside) == read_record(video) == json.loads(beside.read_text())
    assert read_record(video)["seconds"] == {"sampling": 1.5}
    assert decoded_sha256(video) == read_record(video)["frames"]["decoded_sha256"]
    assert not list(tmp_path.glob("*.part"))


def test_a_record_that_outgrows_its_room_stays_beside_the_video(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    beside = written(video, EARLY, {"report": ["x" * (RESERVED_BYTES + 1)]}, frames())
    assert len(read_record(beside)["report"][0]) > RESERVED_BYTES
    assert "report" not in read_record(video)


def test_equal_frames_have_equal_hashes_and_only_those(tmp_path: Path) -> None:
    one, same, other = (written(tmp_path / f"{name}.mp4", EARLY, {}, frames(seed=seed)) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    one, same, other = (read_record(path)["frames"] for path in (one, same, other))
    assert one == same
    assert one["rendered_sha256"] != other["rendered_sha256"] and one["decoded_sha256"] != other["decoded_sha256"]


def test_hashes_see_shape_and_type() -> None:
    values = np.arange(12, dtype=np.uint8)
    assert len({array_sha256(values), array_sha256(values.reshape(3, 4)), array_sha256(values.astype(np.int8))}) == 3


def test_differences_are_named_and_what_always_differs_is_left_out() -> None:
    old = {
        "run": "1", "made_at": "a", "seconds": {"x": 1}, "frames": {"rendered_sha256": "1"},
        "versions": {"torch": "2.13"}, "models": [{"name": "nano", "sha256": "11"}, {"name": "pose", "sha256": "7"}],
    }  # fmt: skip
    new = {
        "run": "2", "made_at": "b", "seconds": {"x": 2}, "frames": {"rendered_sha256": "2"},
        "versions": {"torch": "2.14", "av": "1"}, "models": [{"name": "pose", "sha256": "7"}, {"name": "nano", "sha256": "22"}],
    }  # fmt: skip
    assert record_differences(old, old) == []
    assert record_differences(old, new) == [
        "models[nano].sha256: 11 -> 22", "versions.av: absent -> 1", "versions.torch: 2.13 -> 2.14",
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"format": "other"}', '{"format": "kmc.record", "version": 99}', "[" * 100_000])
def test_what_is_no_record_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.record.json"
    path.write_text(content)
    with pytest.raises(MediaError, match="holds no production record"):
        read_record(path)


def test_a_video_without_a_record_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    with VideoWriter(video, Canvas(48, 64), Fraction(8)) as writer:
        writer.write(frames(1)[0])
    for path in (video, tmp_path / "absent.json"):
        with pytest.raises(MediaError):
            read_record(path)
