"""Clips that are broken, each in its own way: a clear refusal or the frames that can be saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from media_samples import damage_packets, read_numbers, tone, write_clip, write_sound_only

from kmc_core.errors import MediaError
from kmc_core.media.clip import open_clip

FAST_START = {"movflags": "faststart"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "plain.mp4", 48, sound=tone(2.0, 22050))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"This is not a video at all.\n" * 50, "cannot be read"),
        ("zeros.mp4", bytes(5000), "cannot be read"),
        ("list.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.ts\n#EXT-X-ENDLIST\n", "cannot be read"),
        ("concat.mp4", b"ffconcat version 1.0\nfile 'plain.mp4'\n", "cannot be read"),
    ],
)
def test_files_that_are_no_video(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError, match=message) as refusal:
        open_clip(path)
    assert refusal.value.remedy and name in str(refusal.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        open_clip(tmp_path / "nothing.mp4")
    with pytest.raises(MediaError, match="folder"):
        open_clip(tmp_path)


def test_sound_only(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="sound only"):
        open_clip(write_sound_only(tmp_path / "song.mp4"))


def test_truncated_before_its_index_is_refused(plain: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(plain.read_bytes()[: plain.stat().st_size // 2])
    with pytest.raises(MediaError, match="cannot be read"):
        open_clip(path)


def test_broken_tail_keeps_what_is_there(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", 48, container_options=FAST_START)
    path = tmp_path / "tail.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    clip = open_clip(path)
    assert 8 <= clip.frame_count < 48 and any("cut off" in note for note in clip.notes)
    numbers = read_numbers(clip.frames())
    assert len(numbers) == clip.frame_count and numbers[: len(numbers) - 4] == list(range(len(numbers) - 4))


def test_broken_matroska_tail(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", 48)
    path = tmp_path / "tail.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    clip = open_clip(path)
    assert 8 <= clip.frame_count < 48 and len(read_numbers(clip.frames())) == clip.frame_count


def test_damaged_packets_hold_the_last_good_frame(tmp_path: Path) -> None:
    intra = write_clip(tmp_path / "intra.mkv", 24, codec="mjpeg", pixel_format="yuvj420p")
    clip = open_clip(damage_packets(intra, tmp_path / "damaged.mkv", 10, 13))
    numbers = read_numbers(clip.frames())
    assert numbers == [*range(10), 9, 9, 9, *range(13, 24)]
    assert any("3 damaged frames" in note for note in clip.notes)


def test_damaged_key_frame_keeps_the_count(plain: Path, tmp_path: Path) -> None:
    clip = open_clip(damage_packets(plain, tmp_path / "damaged.mp4", 12, 16))
    numbers = read_numbers(clip.frames())
    assert len(numbers) == clip.frame_count == 48
    assert numbers[:9] == list(range(9)) and numbers[-12:] == list(range(36, 48))
    assert read_numbers(clip.frames()) == numbers
    assert any("damaged" in note for note in clip.notes)


def test_damaged_first_frames_show_the_first_good_one(tmp_path: Path) -> None:
    intra = write_clip(tmp_path / "intra.mkv", 12, codec="mjpeg", pixel_format="yuvj420p")
    clip = open_clip(damage_packets(intra, tmp_path / "damaged.mkv", 0, 2))
    assert read_numbers(clip.frames()) == [2, *range(2, 12)][:1] + [2, 2, *range(3, 12)]


def test_nothing_decodable_is_refused(tmp_path: Path) -> None:
    intra = write_clip(tmp_path / "intra.mkv", 6, codec="mjpeg", pixel_format="yuvj420p")
    with pytest.raises(MediaError):
        open_clip(damage_packets(intra, tmp_path / "damaged.mkv", 0, 6))


def test_one_frame_opens(tmp_path: Path) -> None:
    clip = open_clip(write_clip(tmp_path / "one.mp4", 1))
    assert clip.frame_count == 1 and read_numbers(clip.frames()) == [0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_s": 5.0}, "ends before"),
        ({"start_s": -1.0}, "start_s"),
        ({"duration_s": float("nan")}, "duration_s"),
        ({"fps": 1000.0}, "fps"),
    ],
)
def test_impossible_spans(plain: Path, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(MediaError, match=message):
        open_clip(plain, **arguments)


def test_frames_outside_the_clip(plain: Path) -> None:
    with pytest.raises(MediaError, match="not in the clip"):
        next(open_clip(plain).frames(40, 60))
