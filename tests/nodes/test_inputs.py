"""What nodes make of linked values, in process: clips, masks, pictures, sound, refusals before any work."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch


def part(pack: ModuleType, name: str) -> ModuleType:
    return sys.modules[f"{pack.__name__}.{name}"]


@pytest.fixture
def sockets(pack: ModuleType) -> ModuleType:
    return part(pack, "nodes.sockets")


def counted_frames(count: int) -> torch.Tensor:
    """IMAGE whose frame k is everywhere k / 255."""
    return (torch.arange(count).float() / 255).view(-1, 1, 1, 1).expand(count, 48, 64, 3).contiguous()


def test_images_become_a_clip_of_24_frames_per_second(sockets: ModuleType) -> None:
    clip = sockets.clip_from_link(counted_frames(72), start_s=1.0, duration_s=1.0)
    assert (clip.fps, clip.frame_count, clip.canvas) == (24.0, 24, (48, 64))
    assert [int(frame[0, 0, 0]) for frame in clip.frames(0, 2)] == [24, 25]


def test_a_video_keeps_its_own_trim_window(sockets: ModuleType, pack: ModuleType, tmp_path: Path) -> None:
    from comfy_api.v0_0_2 import InputImpl, Types

    components = Types.VideoComponents(images=counted_frames(40), audio=None, frame_rate=Fraction(10))
    path = tmp_path / "counted.mp4"
    InputImpl.VideoFromComponents(components).save_to(str(path))
    whole = sockets.clip_from_link(InputImpl.VideoFromFile(str(path)))
    assert (whole.frame_count, whole.fps) == (40, 10.0)
    window = InputImpl.VideoFromFile(str(path), start_time=1.0, duration=2.0)
    assert sockets.clip_from_link(window).frame_count == 20
    assert sockets.clip_from_link(window, start_s=0.5).frame_count == 15
    in_memory = sockets.clip_from_link(InputImpl.VideoFromComponents(components), start_s=3.0)
    assert (in_memory.frame_count, in_memory.fps) == (10, 10.0)


def test_anything_else_is_no_clip(sockets: ModuleType) -> None:
    with pytest.raises(ValueError, match="This input is no clip: got str"):
        sockets.clip_from_link("clip.mp4")
    with pytest.raises(ValueError, match="Choose a smaller start_s"):
        sockets.clip_from_link(counted_frames(10), start_s=5.0)


def test_pixels_survive_the_way_to_bytes_and_back(sockets: ModuleType) -> None:
    images = torch.randint(0, 256, (2, 4, 5, 3)).float() / 255
    assert torch.equal(sockets.image_from_bytes(sockets.frames_to_bytes(images)), images)


def test_sound_survives_the_way_there_and_back(sockets: ModuleType) -> None:
    audio = {"waveform": torch.rand(1, 2, 480), "sample_rate": 16000}
    back = sockets.track_to_audio(sockets.audio_to_track(audio))
    assert torch.equal(back["waveform"], audio["waveform"]) and back["sample_rate"] == 16000
    assert sockets.audio_to_track(None) is None and sockets.track_to_audio(None) is None


def test_masks_are_turned_so_that_white_is_the_character(pack: ModuleType) -> None:
    character_mask = part(pack, "nodes.build_subject_library").character_mask
    figure = torch.zeros(40, 30)
    figure[10:30, 8:22] = 1
    shape = (40, 30, 3)
    assert np.array_equal(character_mask(figure, shape), figure.numpy())
    assert np.array_equal(character_mask(1 - figure, shape), figure.numpy())  # as Load Image gives it for transparency
    assert character_mask(torch.zeros(64, 64), shape) is None  # as Load Image gives it for an opaque picture
    with pytest.raises(ValueError, match="got 30 x 20, expected 30 x 40"):
        character_mask(figure[:20], shape)


def test_batches_count_as_single_pictures(pack: ModuleType) -> None:
    collect_views = part(pack, "nodes.build_subject_library").collect_views
    picture = torch.rand(1, 32, 24, 3)
    mask = torch.zeros(1, 32, 24)
    mask[:, 8:24, 8:16] = 1
    views, masks = collect_views({"picture_1": picture, "picture_3": picture.repeat(2, 1, 1, 1)}, {"mask_3": mask})
    assert len(views) == 3 and [entry is not None for entry in masks] == [False, True, True]
    with pytest.raises(ValueError, match="got 9, expected 1 to 7"):
        collect_views({"picture_1": picture.repeat(9, 1, 1, 1)}, {})
    with pytest.raises(ValueError, match="got 8, expected 1 to 7"):
        collect_views({"picture_1": picture.repeat(7, 1, 1, 1)}, {}, extra=1)


def test_missing_backgrounds_are_refused_first(pack: ModuleType) -> None:
    reenactment = part(pack, "nodes.reenactment")
    with pytest.raises(ValueError, match="Link a background image"):
        reenactment.background_picture("image", None)
    assert reenactment.background_picture("picture", torch.rand(1, 4, 4, 3)) is None
    assert reenactment.background_picture("image", torch.rand(2, 4, 6, 4)).shape == (4, 6, 3)


def test_memory_is_asked_for_before_it_is_needed(pack: ModuleType) -> None:
    host = part(pack, "nodes.host")
    assert host.memory_shortage(1) == ""
    assert "GB wanted" in host.memory_shortage(1 << 50)


def test_orientation_refuses_a_camera_that_nobody_would_move(node_classes: dict[str, type]) -> None:
    node = node_classes["OrientationMode"]
    assert node.execute("image", 10.0, 0.0, 1.2, 0.0)[0].camera.zoom == 1.2
    assert node.execute("video", 0.0, 0.0, 1.0, 0.0)[0].max_seconds == 30.0
    with pytest.raises(ValueError, match="Choose mode image"):
        node.execute("video", 10.0, 0.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="Choose mode image"):
        node.execute("video", 0.0, 0.0, 1.0, 0.0, "slow zoom in")
    removed = node.execute("video", 0.0, 0.0, 1.0, 0.0, "zoom in 1.5", "remove")[0]
    assert removed.directs_camera and removed.camera.zoom == 1.5


def test_camera_words_and_numbers_add_up(node_classes: dict[str, type]) -> None:
    node = node_classes["OrientationMode"]
    camera = node.execute("image", 5.0, 0.0, 1.2, 0.0, "pan right 10, zoom in 1.5, orbit left 20")[0].camera
    assert camera == pytest.approx((15.0, 0.0, 1.8, -20.0))
    with pytest.raises(ValueError, match="not understood"):
        node.execute("image", 0.0, 0.0, 1.0, 0.0, "fly through the window")
