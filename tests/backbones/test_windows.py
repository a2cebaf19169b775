"""The window engine: every length exactly, memory of one window, stop at any step, go on after a break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

LENGTHS = (1, 4, 5, 76, 77, 78, 81, 154, 155, 300)


@pytest.fixture(scope="module")
def make(backbones: Callable[[str], ModuleType], performance: Callable, tiny_animate: object, tiny_vae: object, prompt_features: list):
    """make(frames, window, history, **job) -> a prepared Wan-Animate backbone without faces (their encoder is the slow part)."""

    def made(frames: int, window: int = 5, history: int = 1, *, size: tuple[int, int] = (32, 48), steps: int = 1, **options):
        protocol, wan = backbones("protocol"), backbones("wan_animate")
        motion, subject = performance(frames, height=size[0], width=size[1])
        facts = wan.FACTS.with_windows(window, history)
        models = protocol.LinkedModels(options.pop("model", tiny_animate), tiny_vae, prompt_features)
        job = protocol.BackboneJob(
            replace(motion, driver_face_box=None), subject, facts.fitted(motion.canvas), models, protocol.SamplingPlan(steps),
            **{"seed": 2, **options},
        )  # fmt: skip
        backbone = wan.build(job, facts)
        backbone.prepare()
        return backbone

    return made


@pytest.mark.parametrize("history", [1, 5])
@pytest.mark.parametrize("window", [77, 81])
@pytest.mark.parametrize("count", LENGTHS)
def test_every_frame_is_planned_once_and_every_window_fits_the_vae(backbones, count: int, window: int, history: int) -> None:
    facts = backbones("wan_animate").FACTS.with_windows(window, history)
    plan = backbones("windows").plan_windows(count, facts.window_length, facts.history)
    new = [frame for part in plan for frame in range(part.first_new, part.stop)]
    assert new == list(range(count))
    for before, after in pairwise(plan):
        assert after.start == before.stop - history and after.history == history
    for part in plan:
        made = facts.frames_of(part)
        assert made % 4 == 1 and part.stop - part.start <= made <= facts.window_length
        drawn = backbones("pictures").padded_frames(part.start, part.stop, made)
        assert drawn[: part.stop - part.start] == list(range(part.start, part.stop)) and len(drawn) == made
        assert all(abs(after - before) <= 1 for before, after in pairwise(drawn)), "padding moves like the clip"


@pytest.mark.parametrize("count", LENGTHS)
def test_frames_out_are_frames_in(make, backbones, count: int) -> None:
    """The real model at its own window of 77 with 5 frames of history, on 16 x 16 pixels."""
    run = backbones("windows").WindowRun(make(count, 77, 5, size=(16, 16)))
    frames = list(run.frames())
    assert len(frames) == count and all(frame.shape == (16, 16, 3) and frame.dtype == np.uint8 for frame in frames)
    assert len(run.windows) == max(1, -(-(count - 5) // 72))


def test_window_lengths_are_rounded_and_checked(backbones) -> None:
    facts = backbones("wan_animate").FACTS
    assert facts.with_windows(30).window_length == 33 and facts.with_windows().window_length == 77
    with pytest.raises(ValueError, match="Set window_length to 0, or to more frames"):
        facts.with_windows(5)
    canvas = type(facts.fitted((1, 1)))(719, 1283)
    assert facts.fitted(canvas) == (720, 1280)


def peak_bytes(work: Callable[[], None]) -> int:
    """Most bytes that tensors held at once during `work`, beyond those before it; exact, from every allocation."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        work()
    changes = [event for event in record.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    return int(np.cumsum([event.nbytes() for event in changes]).max())


def test_memory_does_not_grow_with_the_number_of_windows(make, backbones) -> None:
    def peak(windows: int) -> int:
        run = backbones("windows").WindowRun(make(5 + 4 * windows, 9, 5, size=(48, 80)))
        assert len(run.windows) == windows

        def consume() -> None:
            for _ in run.frames():
                pass

        return peak_bytes(consume)

    peak(2)  # first use of a size allocates workspaces
    two, four, eight = peak(2), peak(4), peak(8)
    assert two > 9 * 48 * 80 * 3 * 4, "at least the frames of a window"
    assert four < two * 1.05 and eight < two * 1.05, (two, four, eight)
    assert eight - two < 4 * 48 * 80 * 3 * 4, "not even the frames of one more window"


def test_an_interrupt_stops_at_the_very_step(make, backbones) -> None:
    import comfy.model_management as management

    stages: list[str] = []

    def progress(done: int, total: int, stage: str) -> None:
        stages.append(stage)
        if "step 2 of" in stage:
            management.interrupt_current_processing(True)

    run = backbones("windows").WindowRun(make(9, steps=6), progress=progress)
    with pytest.raises(management.InterruptProcessingException):
        list(run.frames())
    assert "step 2 of 6" in stages[-1] and not management.processing_interrupted()


def test_progress_runs_over_all_windows(make, backbones) -> None:
    ticks: list[tuple[int, int]] = []
    run = backbones("windows").WindowRun(make(13, steps=2), progress=lambda done, total, stage: ticks.append((done, total)))
    list(run.frames())
    assert [done for done, _ in ticks] == sorted(done for done, _ in ticks)
    assert ticks[0] == (0, 12) and ticks[-1] == (12, 12)


def test_a_broken_job_goes_on_where_it_was(make, backbones, tmp_path: Path) -> None:
    import comfy.model_management as management

    windows = backbones("windows")
    whole = np.stack(list(windows.WindowRun(make(13)).frames()))

    def break_off(done: int, total: int, stage: str) -> None:
        if stage.startswith("frames 10 to 13") and "step" in stage:
            management.interrupt_current_processing(True)

    with pytest.raises(management.InterruptProcessingException):
        list(windows.WindowRun(make(13), tmp_path, break_off).frames())
    assert len(list(tmp_path.rglob("window_*.safetensors"))) == 2

    other = windows.WindowRun(make(13, seed=3), tmp_path)
    list(other.frames())
    assert other.reused == 0, "another seed is another job"

    again = windows.WindowRun(make(13), tmp_path)
    assert np.array_equal(np.stack(list(again.frames())), whole) and again.reused == 2
    assert not list(tmp_path.iterdir()), "nothing is kept of finished jobs"


def test_the_key_knows_everything_that_changes_frames(make, backbones, tiny_animate, tiny_animate_file) -> None:
    job_key = backbones("job_key").job_key
    base = job_key(make(9))
    assert base == job_key(make(9)), "the same job made anew has the same key"
    lora = tiny_animate.clone()
    name = "diffusion_model.blocks.0.self_attn.q.weight"
    lora.add_patches({name: (torch.ones(256, 256),)}, 0.5)
    stronger = tiny_animate.clone()
    stronger.add_patches({name: (torch.ones(256, 256),)}, 0.6)
    others = [make(10), make(9, seed=3), make(9, steps=2), make(9, 9), make(9, model=lora), make(9, model=stronger),
              make(9, colour_anchor=0.5), make(9, size=(32, 64))]  # fmt: skip
    keys = {base, *(job_key(backbone) for backbone in others)}
    assert len(keys) == 1 + len(others)


def test_the_store_keeps_to_its_size_and_survives_damage(backbones, tmp_path: Path) -> None:
    store, latent = backbones("store").WindowStore, torch.ones(1, 16, 4, 8, 8)
    first = store(tmp_path, "first", largest_bytes=3 * latent.nbytes)
    first.save(0, latent)
    assert torch.equal(first.load(0), latent) and first.load(1) is None
    second = store(tmp_path, "second", largest_bytes=3 * latent.nbytes)
    second.save(0, latent * 2)
    second.save(1, latent * 2)
    assert first.load(0) is None, "the older job made room"
    second.save(2, latent * 2)
    assert second.load(2) is None, "one job alone may not grow beyond the limit either"
    (tmp_path / "second" / "window_0000.safetensors").write_bytes(b"broken")
    assert second.load(0) is None
    second.clear()
    assert not (tmp_path / "second").exists()


def test_colours_are_held_when_asked_for(backbones) -> None:
    anchored = backbones("colour").anchored
    frames = torch.rand(9, 16, 16, 3, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    tinted = frames * torch.tensor([1.08, 1.0, 0.95]) + torch.tensor([0.03, -0.02, 0.0])
    assert torch.equal(anchored(tinted[5:], tinted[:5], frames[:5], 0.0), tinted[5:])
    held = anchored(tinted[5:], tinted[:5], frames[:5], 1.0)
    assert (held - frames[5:]).abs().max() < 1e-3 < (tinted - frames).abs().max()
    black = torch.zeros(5, 16, 16, 3)
    assert (anchored(frames, black, frames[:5], 1.0) - frames).abs().max() < 0.4, "a window that broke down is left alone"
