"""Scene cuts on artificial thumbnails."""

from __future__ import annotations

import numpy as np

from kmc_core.pose.cuts import cut_thumbnail, scene_cuts, scene_ranges


def _frame(seed: int, drift: float = 0.0) -> np.ndarray:
    base = np.random.default_rng(seed).integers(0, 255, (9, 16, 3)).astype(np.float32)
    frame = base.repeat(40, 0).repeat(40, 1)
    return np.clip(np.roll(frame, int(drift * 100), 1) + drift * 10, 0, 255).astype(np.uint8)


def test_a_hard_cut_is_found_and_slow_change_is_not():
    thumbnails = [cut_thumbnail(_frame(0, i / 10)) for i in range(10)] + [cut_thumbnail(_frame(1, i / 10)) for i in range(10)]
    assert thumbnails[0].shape == (36, 64, 3)
    assert scene_cuts(thumbnails) == (10,)


def test_one_flashing_frame_is_no_cut():
    thumbnails = [cut_thumbnail(_frame(0)) for _ in range(8)]
    thumbnails[4] = np.full_like(thumbnails[4], 255)
    assert scene_cuts(thumbnails) == ()


def test_a_light_that_flickers_for_a_while_is_no_cut_but_a_cut_amid_it_is():
    bright = [_frame(0) for _ in range(40)]
    dark = [(0.4 * frame).astype(np.uint8) for frame in bright]
    covered = [cut_thumbnail(dark[i] if 10 <= i < 16 or i in (18, 19) else bright[i]) for i in range(40)]
    assert scene_cuts(covered) == ()
    other = [cut_thumbnail(_frame(1)) for _ in range(20)]
    assert scene_cuts(covered[:21] + other) == (21,)


def test_no_frames_and_one_frame_have_no_cut():
    assert scene_cuts([]) == () and scene_cuts([cut_thumbnail(_frame(0))]) == ()


def test_ranges_cover_every_frame_once():
    assert scene_ranges((0, 5, 9, 40), 12) == [(0, 5), (5, 9), (9, 12)]
    assert scene_ranges((), 3) == [(0, 3)]


def test_the_real_cut_clip_is_cut_and_a_dance_is_not(shared_clips):
    import av

    def cuts(name: str) -> tuple[int, ...]:
        with av.open(str(shared_clips / "driving" / name)) as container:
            return scene_cuts([cut_thumbnail(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)])

    assert cuts("d29_cut_synth.mp4") == (63,)
    assert cuts("d22_walk_side_backlit.mp4") == ()
    assert cuts("d05_dance_studio.mp4") == ()
