"""What is written can be read back: frames, rate, sound to the sample, tags; and nothing half-written stays behind."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_samples import numbered_frame, read_numbers, tone

from kmc_core.errors import MediaError
from kmc_core.media.clip import open_clip
from kmc_core.media.writer import VideoWriter
from kmc_core.types import AudioTrack, Canvas

CANVAS = Canvas(64, 96)


def write(path: Path, count: int, rate: Fraction, audio: AudioTrack | None = None, **settings: object) -> Path:
    with VideoWriter(path, CANVAS, rate, audio, **settings) as writer:
        for number in range(count):
            writer.write(numbered_frame(number))
    assert writer.frame_count == count
    return path


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(5), Fraction(2347, 100), Fraction(12)])
def test_frames_and_rate_survive(tmp_path: Path, rate: Fraction) -> None:
    clip = open_clip(write(tmp_path / "out.mp4", 40, rate))
    assert clip.rate == rate and clip.notes == ()
    assert read_numbers(clip.frames()) == list(range(40))


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30), Fraction(30000, 1001)])
@pytest.mark.parametrize(("sound_rate", "channels"), [(44100, 2), (22050, 1), (48000, 1)])
def test_sound_has_exactly_the_pictures_length(tmp_path: Path, rate: Fraction, sound_rate: int, channels: int) -> None:
    path = write(tmp_path / "out.mp4", 50, rate, AudioTrack(tone(5.0, sound_rate, channels), sound_rate))
    expected = round(50 / rate * sound_rate)
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        assert abs(track.duration * track.time_base - Fraction(expected, sound_rate)) <= Fraction(1, sound_rate)
    sound = open_clip(path).audio()
    assert sound.waveform.shape == (channels, expected)
    assert np.corrcoef(sound.waveform[0], tone(5.0, sound_rate)[0, :expected])[0, 1] > 0.99


def test_short_sound_is_followed_by_silence(tmp_path: Path) -> None:
    clip = open_clip(write(tmp_path / "out.mp4", 48, Fraction(24), AudioTrack(tone(0.5, 16000), 16000)))
    sound = clip.audio().waveform
    assert sound.shape == (1, 32000) and np.abs(sound[:, 12000:]).max() < 0.01 < np.abs(sound[:, :7000]).max()


def test_unusual_sound_rate_and_many_channels_are_converted(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", 24, Fraction(24), AudioTrack(tone(1.0, 37800, 6), 37800))
    sound = open_clip(path).audio()
    assert sound.sample_rate == 48000 and sound.waveform.shape == (2, 48000)
    assert np.corrcoef(sound.waveform[0], tone(1.0, 48000)[0])[0, 1] > 0.99


def test_colours_survive_and_are_tagged(tmp_path: Path) -> None:
    frame = np.zeros((*CANVAS, 3), np.uint8)
    frame[:, :32], frame[:, 32:64], frame[:, 64:] = (200, 30, 40), (20, 180, 60), (30, 60, 210)
    with VideoWriter(tmp_path / "out.mp4", CANVAS, Fraction(24), crf=4) as writer:
        writer.write(frame)
    back = open_clip(tmp_path / "out.mp4").frame(0)
    for column in (16, 48, 80):
        assert np.abs(back[30, column].astype(int) - frame[30, column]).max() <= 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
        assert context.pix_fmt == "yuv420p" and context.name == "h264"


def test_odd_sizes_are_padded_by_the_edge(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", Canvas(51, 77), Fraction(24)) as writer:
        for number in range(3):
            writer.write(numbered_frame(number, 51, 77))
    clip = open_clip(tmp_path / "out.mp4")
    assert clip.canvas == Canvas(52, 78) and read_numbers(clip.frames()) == [0, 1, 2]


def test_metadata_is_stored(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", 2, Fraction(24), metadata={"prompt": {"1": "ü"}, "comment": "text"})
    with av.open(str(path)) as container:
        assert container.metadata["comment"] == "text" and '"1"' in container.metadata["prompt"]


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"earlier result")
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "out.mp4", CANVAS, Fraction(24)) as writer:
        writer.write(numbered_frame(0))
        assert (tmp_path / "out.mp4.part").exists()
        raise RuntimeError("interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier result"


def test_a_wrong_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not fit"), VideoWriter(tmp_path / "out.mp4", CANVAS, Fraction(24)) as writer:
        writer.write(numbered_frame(0, 32, 32))
    assert not list(tmp_path.iterdir())


def test_no_frames_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="No frame"), VideoWriter(tmp_path / "out.mp4", CANVAS, Fraction(24)):
        pass
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MediaError, match="cannot be written"), VideoWriter(tmp_path / "file" / "out.mp4", CANVAS, Fraction(24)):
        pass


def test_odd_names_can_be_written(tmp_path: Path) -> None:
    path = write(tmp_path / "it's 100% \"ünï\" #1.mp4", 3, Fraction(24))
    assert read_numbers(open_clip(path).frames()) == [0, 1, 2]
