"""The streaming generator on a procedural body: exact frame count, alignment when off, same bits, constant state, cancel."""

from __future__ import annotations

import importlib
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from procedural_body import picture_keypoints, subject_of, walking_motion
from test_dit_model import shaken

from kmc_core.alignment.aligner import Aligner
from kmc_core.dit.config import FACE_FEATURE_NAMES
from kmc_core.errors import Cancelled, KMCError, MotionError
from kmc_core.media.clip import clip_from_images
from kmc_core.motion.retarget import retarget
from kmc_core.sampling.conditioning import motion_arrays, reference_tensor
from kmc_core.sampling.frames import FrameRenderer
from kmc_core.sampling.background import plate_source
from kmc_core.sampling.reenact import ReenactedFrame, SamplerSettings, reenact
from kmc_core.types import Canvas, HolisticMotion, SubjectLibrary

reenact_room = importlib.import_module("kmc_core.sampling.reenact")

CANVAS = Canvas(96, 80)
SMALL = SamplerSettings(canvas=CANVAS, window=4, overlap=1, steps=2)


@pytest.fixture(scope="module")
def scene() -> tuple[HolisticMotion, SubjectLibrary, Aligner]:
    keypoints = picture_keypoints()
    subject = subject_of(keypoints, Canvas(720, 720))
    view = subject.primary_view
    picture = np.full((720, 720, 3), 200, np.uint8)
    alpha = np.zeros((720, 720), np.uint8)
    for joint, parent in ((1, 0), (2, 1), (4, 3), (5, 4), (8, 7), (9, 8), (12, 11), (13, 12), (16, 15), (17, 16), (3, 7), (11, 15)):
        ends = [tuple(int(v) for v in view.joints[index, :2]) for index in (joint, parent)]
        cv2.line(picture, *ends, (40 + 12 * joint, 90, 220 - 9 * joint), 46, cv2.LINE_AA)
        cv2.line(alpha, *ends, 255, 46, cv2.LINE_AA)
    drawn = replace(view, picture=picture, foreground=picture, alpha=alpha.astype(np.float32) / 255)
    subject = replace(subject, views=(drawn,))
    motion = retarget(walking_motion(frames=9), subject)
    return motion, subject, Aligner(subject, plate_method="pushpull", face="rigid", hands="rigid")


def frames_of(scene: tuple, settings: SamplerSettings = SMALL, **options: object) -> list[ReenactedFrame]:
    motion, subject, aligner = scene
    return list(reenact(motion, subject, settings, aligner=aligner, **options))


def test_conditions_read_the_motion_in_picture_fractions(scene: tuple) -> None:
    motion, subject, _ = scene
    arrays = motion_arrays(motion, subject)
    assert arrays.joints.shape == (9, 19, 4) and arrays.hands.shape == (9, 2, 21, 4)
    assert arrays.face.shape == (9, len(FACE_FEATURE_NAMES))
    expected = motion.character.joints[:, :, :2] / 720
    assert np.abs(arrays.joints[..., :2] - expected).max() < 1e-5
    with pytest.raises(MotionError):
        motion_arrays(walking_motion(frames=2), subject)


def test_references_are_multiples_of_sixteen_and_transparent_outside(scene: tuple) -> None:
    tensor = reference_tensor(scene[1], 7)
    assert tensor.shape[:3] == (1, 1, 4) and tensor.shape[-2] % 16 == tensor.shape[-1] % 16 == 0
    assert abs(float(tensor[:, :, 3].max()) - 1) < 1e-5 and tensor[:, :, 3].min() == 0


def test_without_a_network_the_frames_are_the_alignment_over_its_plate(scene: tuple) -> None:
    motion, _, aligner = scene
    frames = frames_of(scene)
    assert len(frames) == motion.frame_count
    aligned = aligner.render(motion.character, 5, CANVAS)
    plate = aligner.plate(CANVAS).rgb.astype(np.float32) / 255
    expected = aligned.rgb.permute(1, 2, 0).numpy() + plate * (1 - aligned.alpha.numpy()[..., None])
    assert np.abs(frames[5].rgb - expected.clip(0, 1) * 255).max() <= 0.51
    assert np.array_equal(frames[5].alpha, aligned.alpha.numpy())
    assert frames[0].rgb.shape == (*CANVAS, 3) and frames[0].rgb.dtype == np.uint8


def test_the_network_writes_only_near_the_character_and_strength_blends(scene: tuple) -> None:
    network = shaken()
    off, on = frames_of(scene), frames_of(scene, network=network)
    half = frames_of(scene, replace(SMALL, network_strength=0.5), network=network)
    none = frames_of(scene, replace(SMALL, network_strength=0.0), network=network)
    assert len(on) == 9
    for a, b, middle, zero in zip(off, on, half, none, strict=True):
        assert np.array_equal(a.rgb, zero.rgb)
        assert (a.rgb != b.rgb).any()
        blended = (a.rgb.astype(int) + b.rgb) / 2
        assert np.abs(middle.rgb - blended).max() <= 1.01


def test_same_seed_same_bits_and_the_prompt_counts(scene: tuple) -> None:
    network = shaken()
    settings = replace(SMALL, prompt="warm light", seed=4, noise=0.5)
    first, again = (frames_of(scene, settings, network=network) for _ in range(2))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, again, strict=True))
    other_seed = frames_of(scene, replace(settings, seed=5), network=network)
    other_text = frames_of(scene, replace(settings, prompt="blue background"), network=network)
    no_text = frames_of(scene, replace(settings, cfg_scale=0.0), network=network)
    for changed in (other_seed, other_text, no_text):
        assert any((a.rgb != b.rgb).any() for a, b in zip(first, changed, strict=True))


def test_progress_previews_and_cancel(scene: tuple) -> None:
    seen: list[tuple[int, int, str]] = []
    previews: list[tuple[int, tuple[int, ...]]] = []
    frames_of(
        scene, network=shaken(), progress=lambda *step: seen.append(step),
        on_preview=lambda frame, rgb: previews.append((frame, rgb.shape)),
    )  # fmt: skip
    total = 3 * 2 + 9
    assert [step[0] for step in seen] == list(range(1, total + 1)) and {step[1] for step in seen} == {total}
    assert [frame for frame, _ in previews] == [3, 3, 6, 6, 8, 8] and previews[0][1] == (*CANVAS, 3)
    motion, subject, aligner = scene
    asked = iter([False] * 3 + [True] * 99)
    with pytest.raises(Cancelled):
        list(reenact(motion, subject, SMALL, shaken(), aligner=aligner, should_stop=lambda: next(asked)))


def test_state_does_not_grow_with_the_clip(scene: tuple) -> None:
    from kmc_core.sampling import reenact as room

    kept: list[int] = []
    original = room._Job.solve

    def counting(job: object, *arguments: object) -> object:
        edits = original(job, *arguments)
        kept.append(len(job._kept))
        return edits

    room._Job.solve = counting
    try:
        frames_of(scene, network=shaken())
    finally:
        room._Job.solve = original
    assert kept == [SMALL.overlap] * 3


def test_frames_are_finished_beside_the_network_and_the_bits_do_not_care(scene: tuple) -> None:
    """Under inference mode too, where ComfyUI runs its nodes; a reader that stops early leaves no thread behind."""
    threads: dict[str, set[str]] = {"composite": set(), "maps": set()}
    originals = {name: getattr(FrameRenderer, name) for name in threads}

    def watched(name: str) -> object:
        def call(*arguments: object) -> object:
            threads[name].add(threading.current_thread().name)
            return originals[name](*arguments)

        return call

    network = shaken()
    plain = frames_of(scene, network=network)
    with torch.inference_mode():
        again = frames_of(scene, network=network)
    assert all(np.array_equal(a.rgb, b.rgb) and np.array_equal(a.alpha, b.alpha) for a, b in zip(plain, again, strict=True))
    motion, subject, aligner = scene
    for name in threads:
        setattr(FrameRenderer, name, watched(name))
    try:
        frames = reenact(motion, subject, SMALL, network, aligner=aligner)
        assert np.array_equal(next(frames).rgb, plain[0].rgb)
        frames.close()
    finally:
        for name, original in originals.items():
            setattr(FrameRenderer, name, original)
    assert threads["composite"] == threads["maps"] and all("kmc-drawing" in name for name in threads["maps"])
    assert not any(thread.name.startswith("kmc-drawing") for thread in threading.enumerate())


def test_backgrounds(scene: tuple) -> None:
    motion, _, _ = scene
    picture = np.full((50, 200, 3), (10, 200, 30), np.uint8)
    shown = frames_of(scene, replace(SMALL, background="image", background_image=picture))[0]
    assert tuple(shown.rgb[0, 0]) == (10, 200, 30)
    assert tuple(frames_of(scene, replace(SMALL, background="transparent"))[0].rgb[0, 0]) == (128, 128, 128)
    for background in ("image", "driver", "nowhere"):
        with pytest.raises(KMCError):
            frames_of(scene, replace(SMALL, background=background))
    clip = clip_from_images(np.stack([np.full((72, 72, 3), 20 * frame, np.uint8) for frame in range(9)]), 24)
    matte = np.zeros((9, 72, 72), np.uint8)
    matte[:, 20:40, 20:40] = 255
    driven = replace(motion, source=clip, matte=matte)
    frames = frames_of((driven, *scene[1:]), replace(SMALL, background="driver"))
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [20 * frame for frame in range(9)]


def test_maps_asked_in_any_order_are_the_same(scene: tuple) -> None:
    motion, _, aligner = scene
    renderer = FrameRenderer(aligner, motion.character, plate_source("picture", aligner, motion, None))
    in_order = [renderer.maps(frame, CANVAS) for frame in range(3)]
    fresh = FrameRenderer(aligner, motion.character, plate_source("picture", aligner, motion, None))
    assert torch.equal(fresh.maps(2, CANVAS), in_order[2])


def test_settings_out_of_range_are_refused(scene: tuple) -> None:
    for settings in (replace(SMALL, steps=0), replace(SMALL, cfg_scale=1.5), replace(SMALL, network_strength=-0.1)):
        with pytest.raises(KMCError):
            frames_of(scene, settings)


def test_where_no_edit_would_be_taken_the_network_is_not_asked(scene: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    motion, subject, aligner = scene
    own = np.repeat(subject.primary_view.joints[None], motion.frame_count, axis=0)
    still = replace(motion, character=replace(motion.character, joints=own))
    network, asked = shaken(), []
    answer = network.answer
    monkeypatch.setattr(network, "answer", lambda *given, **named: asked.append(1) or answer(*given, **named))
    told: list[tuple[int, int, str]] = []
    alone = list(reenact(still, subject, SMALL, aligner=aligner))
    made = list(reenact(still, subject, SMALL, network, aligner=aligner, progress=lambda *at: told.append(at)))
    assert not asked and all(np.array_equal(a.rgb, b.rgb) for a, b in zip(alone, made, strict=True))
    assert told[-1][0] == told[-1][1] == len(told)  # every step and frame is counted, asked or not
    list(reenact(still, subject, replace(SMALL, prompt="at night"), network, aligner=aligner))
    assert asked  # words still change the colours


def test_the_next_window_is_given_the_frames_as_they_are_shown(scene: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    """At base size nothing is fused: history and the last frames shown are the same pictures."""
    given: list[torch.Tensor] = []
    sample = reenact_room.sample_window

    def noted(*arguments: object, history: torch.Tensor | None = None, **named: object) -> object:
        given.append(history)
        return sample(*arguments, history=history, **named)

    monkeypatch.setattr(reenact_room, "sample_window", noted)
    frames = frames_of(scene, replace(SMALL, network_strength=0.6), network=shaken())
    windows = [(history, frames[3 * number].rgb) for number, history in enumerate(given) if number]
    assert len(windows) == 2
    for history, shown in windows:
        seen = ((history[0, :, -1].permute(1, 2, 0).float() + 1) * 127.5).numpy()
        assert history.shape[2] == 1 and np.abs(seen - shown).max() < 1.0
