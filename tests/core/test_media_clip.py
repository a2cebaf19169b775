"""Clips of every honest kind: the frame contract, spans, resampling, rotation, odd formats, sound, memory."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from media_samples import numbered_frame, read_number, read_numbers, tone, write_clip

from kmc_core.errors import MediaError
from kmc_core.media.clip import clip_from_images, open_clip
from kmc_core.types import AudioTrack, Canvas


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Path:
    return write_clip(folder / "plain.mp4", 48, sound=tone(2.0, 22050))


def test_every_frame_is_served_once_in_order(plain: Path) -> None:
    clip = open_clip(plain)
    assert (clip.frame_count, clip.rate, clip.canvas, clip.notes) == (48, 24, Canvas(64, 96), ())
    assert read_numbers(clip.frames()) == list(range(48))


def test_random_access_equals_streaming(plain: Path) -> None:
    clip = open_clip(plain)
    streamed = list(clip.frames())
    for index in (0, 11, 12, 13, 30, 47, -1):
        assert np.array_equal(clip.frame(index), streamed[index])
    assert all(np.array_equal(a, b) for a, b in zip(clip.frames(17, 29), streamed[17:29], strict=True))


def test_span_in_seconds_starts_at_the_right_frame(plain: Path) -> None:
    clip = open_clip(plain, start_s=0.5, duration_s=1.0)
    assert read_numbers(clip.frames()) == list(range(12, 36))
    assert clip.start_s == 0.5 and clip.seconds == 1.0


def test_span_of_a_span_adds_up(plain: Path) -> None:
    clip = open_clip(plain, start_s=0.5).span(0.25, 0.5)
    assert read_numbers(clip.frames()) == list(range(18, 30)) and clip.start_s == 0.75


@pytest.mark.parametrize("fps", [6.0, 12.0, 23.976, 30.0, 60.0])
def test_resampling_takes_the_nearest_frame(plain: Path, fps: float) -> None:
    clip = open_clip(plain, fps=fps)
    assert abs(clip.seconds - 2.0) <= 1 / fps
    for index, number in enumerate(read_numbers(clip.frames())):
        time_s = min(index / clip.fps, 47 / 24)
        assert abs(number / 24 - time_s) <= 0.5 / 24 + 1e-6
    assert any("Resampled" in note for note in clip.notes)


def test_frames_shrink_but_never_grow(plain: Path) -> None:
    clip = open_clip(plain)
    assert next(clip.frames(long_side=48)).shape == (32, 48, 3)
    assert next(clip.frames(long_side=4000)).shape == (64, 96, 3)


def test_variable_frame_rate_keeps_duration_and_mean_rate(folder: Path) -> None:
    steps = np.tile([20, 60, 33, 45], 12)
    times = np.concatenate([[0], np.cumsum(steps)])[:-1].tolist()
    clip = open_clip(write_clip(folder / "vfr.mkv", times, time_base=Fraction(1, 1000)))
    assert any("Variable" in note for note in clip.notes)
    assert clip.frame_count == 48 and abs(clip.seconds - sum(steps) / 1000) < 1 / clip.fps
    shown = np.array(times) / 1000
    for index, number in enumerate(read_numbers(clip.frames())):
        assert abs(shown[number] - index / clip.fps) <= np.abs(shown - index / clip.fps).min() + 1e-3


def test_millisecond_clock_is_not_mistaken_for_variable_rate(folder: Path) -> None:
    clip = open_clip(write_clip(folder / "ntsc.mkv", 60, time_base=Fraction(1001, 30000), rate=Fraction(30000, 1001)))
    assert clip.frame_count == 60 and clip.notes == () and abs(clip.fps - 30000 / 1001) < 1e-3


def test_a_missing_frame_is_held_so_that_time_stays(folder: Path) -> None:
    times = [time for time in range(48) if time not in (20, 21)]
    clip = open_clip(write_clip(folder / "gap.mkv", times, time_base=Fraction(1, 24)))
    assert clip.frame_count == 48 and clip.rate == 24
    numbers = read_numbers(clip.frames())
    assert numbers[19:23] == [19, 19, 20, 20] and numbers[-1] == 45


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_rotation_tag_turns_the_picture_upright(folder: Path, rotation: int) -> None:
    path = write_clip(folder / f"turned{rotation}.mp4", 3, picture=lambda n: np.rot90(numbered_frame(n), -rotation // 90), rotation=rotation)
    clip = open_clip(path)
    assert clip.canvas == Canvas(64, 96) and read_numbers(clip.frames()) == [0, 1, 2]
    assert np.abs(clip.frame(2).astype(int) - numbered_frame(2)).mean() < 12
    assert next(clip.frames(long_side=48)).shape == (32, 48, 3)


def test_odd_size_is_kept(folder: Path) -> None:
    path = write_clip(folder / "odd.mkv", 4, codec="ffv1", pixel_format="bgr0", picture=lambda n: numbered_frame(n, 51, 77))
    clip = open_clip(path)
    assert clip.canvas == Canvas(51, 77) and read_numbers(clip.frames()) == [0, 1, 2, 3]


def test_ten_bit_is_read(folder: Path) -> None:
    clip = open_clip(write_clip(folder / "deep.mp4", 4, pixel_format="yuv420p10le"))
    assert read_numbers(clip.frames()) == [0, 1, 2, 3] and clip.frame(1).dtype == np.uint8


def test_4k_is_read_small(folder: Path) -> None:
    path = write_clip(folder / "big.mp4", 2, picture=lambda n: numbered_frame(n, 2160, 3840), options={"preset": "ultrafast"})
    clip = open_clip(path)
    assert clip.canvas == Canvas(2160, 3840)
    assert [frame.shape for frame in clip.frames(long_side=512)] == [(288, 512, 3)] * 2


def test_transparency_is_shown_over_white(folder: Path) -> None:
    def picture(number: int) -> np.ndarray:
        alpha = np.full((64, 96, 1), 255, np.uint8)
        alpha[32:] = 0
        return np.concatenate([numbered_frame(number), alpha], axis=-1)

    path = write_clip(folder / "alpha.mov", 4, codec="qtrle", pixel_format="argb", picture=picture, source_format="rgba")
    frame = open_clip(path).frame(3)
    assert read_number(frame) == 3 and frame[40:].min() == 255


def test_gif_is_a_clip(folder: Path) -> None:
    path = write_clip(folder / "loop.gif", 10, codec="gif", pixel_format="rgb8", time_base=Fraction(1, 10), rate=10)
    clip = open_clip(path)
    assert clip.rate == 10 and read_numbers(clip.frames()) == list(range(10)) and clip.audio() is None
    assert read_number(clip.frame(7)) == 7


def test_container_without_presentation_times_is_counted(folder: Path) -> None:
    path = write_clip(folder / "raw.h264", 30, container="h264")
    clip = open_clip(path, start_s=0.0)
    assert read_numbers(clip.frames()) == list(range(30))
    assert read_number(clip.frame(21)) == 21


@pytest.mark.parametrize("name", ["two words.mp4", "ünïcödé 舞.mp4", "it's \"quoted\".mp4", "100%d [x] #1;&.mp4", "a:b.mp4"])
def test_odd_file_names(plain: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(plain.read_bytes())
    assert read_numbers(open_clip(path).frames(0, 3)) == [0, 1, 2]


def test_sound_is_exactly_as_long_as_the_picture(plain: Path) -> None:
    clip = open_clip(plain)
    track = clip.audio()
    assert track.sample_rate == 22050 and track.waveform.shape == (1, 44100) and track.waveform.dtype == np.float32
    expected = tone(2.0, 22050)
    assert np.corrcoef(track.waveform[0, 2000:40000], expected[0, 2000:40000])[0, 1] > 0.99


def test_sound_of_a_span_starts_in_time(plain: Path) -> None:
    track = open_clip(plain, start_s=1.0, duration_s=0.5).audio()
    assert track.waveform.shape == (1, 11025)
    assert np.corrcoef(track.waveform[0], tone(2.0, 22050)[0, 22050:33075])[0, 1] > 0.99


@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_sound_shorter_or_longer_than_the_picture(folder: Path, seconds: float) -> None:
    path = write_clip(folder / f"sound{seconds}.mp4", 48, sound=tone(seconds, 22050, 2))
    clip = open_clip(path)
    assert clip.frame_count == 48 and clip.audio().waveform.shape == (2, 44100)
    tail = np.abs(clip.audio().waveform[:, -11025:]).max()
    assert tail < 0.01 if seconds < 2 else tail > 0.1


def test_images_in_memory_are_a_clip() -> None:
    images = np.stack([numbered_frame(n) for n in range(10)])
    clip = clip_from_images(images.astype(np.float32) / 255, 5, AudioTrack(tone(9.0, 8000), 8000))
    assert np.array_equal(np.stack(list(clip.frames())), images)
    assert clip.seconds == 2.0 and clip.audio().waveform.shape == (1, 16000)
    later = clip.span(1.0)
    assert read_number(later.frame(0)) == 5
    assert np.array_equal(later.audio().waveform, tone(9.0, 8000)[:, 8000:16000])


def test_reading_does_not_let_a_caller_change_the_clip() -> None:
    clip = clip_from_images(np.zeros((2, 4, 4, 3), np.uint8), 5)
    next(clip.frames())[:] = 9
    assert clip.frame(0).max() == 0


@pytest.mark.parametrize("images", [np.zeros((0, 4, 4, 3)), np.zeros((4, 4, 3)), np.zeros((2, 4, 4, 1))])
def test_images_that_are_no_clip_are_refused(images: np.ndarray) -> None:
    with pytest.raises(MediaError, match="not a clip"):
        clip_from_images(images, 24)


def test_fingerprint_tells_content_and_span(plain: Path, folder: Path) -> None:
    whole = open_clip(plain)
    copy = folder / "copy.mp4"
    copy.write_bytes(plain.read_bytes())
    assert whole.fingerprint() == open_clip(copy).fingerprint()
    others = [open_clip(plain, start_s=0.5), open_clip(plain, fps=12), open_clip(folder / "plain.mp4", duration_s=1)]
    assert len({whole.fingerprint(), *(clip.fingerprint() for clip in others)}) == 4


def test_frame_contract_on_real_clips(shared_clips: Path) -> None:
    listed = json.loads((shared_clips / "manifest.json").read_text())["clips"]
    for entry in listed:
        clip = open_clip(shared_clips / entry["file"])
        assert clip.frame_count == entry["frames"] and abs(clip.fps - entry["fps"]) < 1e-3, entry["id"]
        assert abs(clip.seconds - entry["frames"] / entry["fps"]) <= 1 / clip.fps
        assert clip.canvas == Canvas(entry["height"], entry["width"])
        assert sum(1 for _ in clip.frames(long_side=64)) == entry["frames"] and clip.notes == ()
        track = clip.audio()
        assert (track is not None) == entry["audio"]
        if track is not None:
            assert track.waveform.shape[1] == round(clip.frame_count / clip.fps * track.sample_rate)
