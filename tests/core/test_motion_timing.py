"""Time: other rates and speeds on arcs, never across cuts; seamless loops; sound and source stay consistent."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from fractions import Fraction

import numpy as np
import pytest
from procedural_body import HUMAN, picture_keypoints, subject_of, walking_motion

from kmc_core.errors import MediaError, MotionError
from kmc_core.media.clip import clip_from_images
from kmc_core.motion.bone_form import BoneForm, bone_form, points_of
from kmc_core.motion.library import load_library_motion
from kmc_core.motion.mirror import mirror_motion
from kmc_core.motion.resampling import moments_of, motion_at
from kmc_core.motion.retarget import retarget
from kmc_core.motion.seamless_loop import find_seam, loop_motion
from kmc_core.motion.timing import Timing, timed
from kmc_core.motion.trimming import trim_motion
from kmc_core.pose.skeleton_layouts import bone_vectors, rig_joints
from kmc_core.types import AudioTrack, Canvas, Contact

library_motion = lru_cache(maxsize=None)(load_library_motion)


def with_clip(motion, sound=True):
    """The motion with a clip whose frame k is everywhere k."""
    images = np.broadcast_to(np.arange(motion.frame_count, dtype=np.uint8)[:, None, None, None], (motion.frame_count, 8, 16, 3))
    audio = AudioTrack(np.linspace(-1, 1, int(motion.seconds * 8000), dtype=np.float32)[None], 8000) if sound else None
    matte = np.arange(motion.frame_count, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(8, 2)
    return replace(motion, source=clip_from_images(np.array(images), Fraction(24), audio), matte=matte)


def test_taking_apart_and_putting_together_is_exact():
    motion = library_motion("dance_disco")
    points = points_of(bone_form(motion))
    for name, values in points.items():
        np.testing.assert_allclose(values, getattr(motion, name), atol=2e-3, err_msg=name)


def test_every_rate_keeps_count_seconds_and_source_consistent():
    motion = with_clip(walking_motion(frames=48))
    for fps, speed in ((60, 1), (12, 1), (29.97, 1), (0, 0.5), (0, 1.7), (30, 0.4), (120, 10), (1, 1)):
        result, notes = timed(motion, Timing(fps=fps, speed=speed))
        assert result.frame_count == max(1, round(48 / 24 / speed * result.fps)), (fps, speed)
        assert result.source.frame_count == result.frame_count == len(result.matte) and float(result.source.rate) == result.fps
        shown = np.array([frame[0, 0, 0] for frame in result.source.frames()])
        np.testing.assert_array_equal(shown, result.matte[:, 0, 0])  # matte and clip show the same frame
        sound = result.source.audio()
        assert (sound is None) == (speed != 1) and any("sound" in note for note in notes) == (speed != 1)
        if sound is not None:
            assert sound.waveform.shape[1] == round(result.frame_count / result.fps * 8000)


def test_limbs_keep_their_length_between_frames():
    """A quarter turn per frame: halfway a straight mix would shorten limbs by 29 %."""
    motion = walking_motion(frames=8)
    angle = np.arange(8) * np.pi / 2
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    middle = motion.body[:1, [23, 24]].mean(1, keepdims=True)
    body = np.einsum("tij,tnj->tni", turned, motion.body[:1] - middle) + middle
    world = motion.body_world[:1] * np.array([1, 1, 0])
    motion = replace(motion, body=body.astype(np.float32), body_world=np.repeat(world, 8, 0).astype(np.float32))
    result, _ = timed(motion, Timing(fps=48))
    lengths = np.linalg.norm(bone_vectors(rig_joints(result.body)), axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[0], lengths.shape), rtol=1e-3, atol=0.1)


@pytest.mark.parametrize("name", ["walk", "dance_disco", "fight_kicks", "turn"])
def test_half_the_frames_still_say_what_the_others_did(name):
    motion = library_motion(name)
    torso = np.median(np.linalg.norm(motion.body[:, 11:13].mean(1) - motion.body[:, 23:25].mean(1), axis=-1))
    every_other = motion_at(motion, moments_of(np.arange(0, motion.frame_count, 2), motion.frame_count))
    back = motion_at(every_other, moments_of(np.arange(motion.frame_count - 1) / 2, every_other.frame_count))
    error = np.linalg.norm(back.body - motion.body[: back.frame_count], axis=-1)
    straight = motion.body.copy()[: back.frame_count]
    straight[1:-1:2] = (motion.body[: back.frame_count][:-2:2] + motion.body[: back.frame_count][2::2]) / 2
    plain = np.linalg.norm(straight - motion.body[: back.frame_count], axis=-1)
    assert error.max() < 0.06 * torso and error.mean() < 0.006 * torso
    assert error.mean() < 0.9 * plain.mean()


def test_standing_feet_stay_where_they_are_in_slow_motion():
    motion = library_motion("exercise_squats")
    slow, _ = timed(motion, Timing(speed=0.3))
    own, ankles = (np.ptp(each.body[:, [27, 28]], axis=0).max() for each in (motion, slow))
    torso = np.linalg.norm(motion.body[0, 11] - motion.body[0, 23])
    assert ankles - own < 0.02 * torso


def test_nothing_is_mixed_across_a_cut():
    motion = walking_motion(frames=24)
    body = motion.body.copy()
    body[12:] += [300, 0]
    cut = replace(motion, body=body, cuts=(12,))
    for timing in (Timing(speed=0.37), Timing(fps=60), Timing(speed=1.6)):
        result, _ = timed(cut, timing)
        (first,) = result.cuts
        hips = result.body[:, 23, 0] - np.where(np.arange(result.frame_count) >= first, 300, 0)
        assert np.ptp(hips) < np.ptp(motion.body[:, 23, 0]) + 1
        assert first == np.searchsorted(np.arange(result.frame_count) * (24 / result.fps) * timing.speed, 12 - 1e-6)


def test_slow_motion_has_no_steps_in_its_speed():
    slow, _ = timed(library_motion("dance_groove"), Timing(speed=0.25))
    wrist = slow.body[4:-4, 15]
    acceleration = np.linalg.norm(np.diff(wrist, 2, axis=0), axis=-1)
    at_frames, between = acceleration[3::4].mean(), np.delete(acceleration, np.s_[3::4]).mean()
    assert at_frames < 1.6 * between  # with straight pieces all of it would sit at the old frames


def test_absent_hands_stay_absent():
    motion = walking_motion(frames=24)
    confidence = motion.hands_confidence.copy()
    confidence[8:12] = 0
    result, _ = timed(replace(motion, hands_confidence=confidence), Timing(speed=0.5))
    assert not result.hands_confidence[15:24].any() and result.hands_confidence[:14].all()
    assert all(np.isfinite(getattr(result, name)).all() for name in ("body", "hands", "face", "camera", "head_pose"))


def test_angles_take_the_short_way_round():
    motion = replace(walking_motion(frames=4), root_yaw=np.array([3.0, -3.1, -2.9, -2.7], np.float32))
    result, _ = timed(motion, Timing(fps=48))
    assert np.abs(np.abs(result.root_yaw[:3])).min() > 2.9


@pytest.mark.parametrize("name", ["wave", "dance_groove", "talk"])
def test_a_loop_runs_into_its_start_at_its_own_speed(name):
    """A piece that is no whole number of periods, so that there is something to blend."""
    source = library_motion(name)
    piece = motion_at(source, moments_of(np.arange(int(source.frame_count * 0.83)) + 3, source.frame_count))
    piece = replace(piece, provenance={})
    loop, notes = loop_motion(piece)
    assert "Loop of" in notes[0] and loop.frame_count >= piece.frame_count / 2
    round_trip = np.concatenate([loop.body[-4:], loop.body[:4]])
    torso = np.linalg.norm(piece.body[0, 11] - piece.body[0, 23])
    step, bend = (np.abs(np.diff(round_trip, order, axis=0)).max() for order in (1, 2))
    inside_step, inside_bend = (np.abs(np.diff(piece.body, order, axis=0)).max() for order in (1, 2))
    assert step < 1.3 * inside_step + 0.01 * torso and bend < 1.5 * inside_bend + 0.02 * torso
    assert loop_motion(loop) == (loop, ())


def test_a_walker_s_loop_stays_on_the_spot_and_says_so():
    motion = with_clip(walking_motion(frames=72, walk_m=0.5))
    loop, notes = timed(motion, Timing(loop=True))
    assert any("on the spot" in note for note in notes) and any("sound" in note for note in notes)
    hips = np.concatenate([loop.body, loop.body[:1]])[:, 23, 0]
    assert np.abs(np.diff(hips)).max() < 12 and loop.source.frame_count == loop.frame_count
    assert loop.source.audio().waveform.shape[1] == round(loop.seconds * 8000)


def test_a_loop_takes_the_longest_scene_and_refuses_what_is_too_short():
    motion = walking_motion(frames=60)
    loop, notes = loop_motion(replace(motion, cuts=(15,)))
    assert "longest scene" in notes[0] and loop.cuts == () and loop.frame_count <= 45
    with pytest.raises(MotionError, match="too short for a loop"):
        loop_motion(walking_motion(frames=8))


def test_the_seam_is_found_where_poses_agree():
    motion = walking_motion(frames=84)  # a period of 24 frames
    seam = find_seam(motion)
    assert (seam.stop - seam.start) % 24 in (0, 1, 23) and seam.mismatch < 0.1


def test_a_mirrored_clip_shows_mirrored_frames():
    motion = with_clip(walking_motion(frames=6))
    images = np.zeros((6, 8, 16, 3), np.uint8)
    images[:, :, :4] = 200
    motion = replace(motion, source=clip_from_images(images, Fraction(24)))
    mirrored, notes = timed(motion, Timing(mirror=True))
    assert notes and mirrored.source.frame(0)[0, -1, 0] == 200 and mirrored.source.frame(0)[0, 0, 0] == 0
    assert mirrored.source.fingerprint() != motion.source.fingerprint()
    assert mirrored.source.flipped().fingerprint() == motion.source.fingerprint()


def test_clips_do_not_run_backwards():
    clip = clip_from_images(np.zeros((4, 8, 8, 3), np.uint8), 24)
    for frames in ([2, 1], [0, 4], []):
        with pytest.raises(MediaError, match="cannot be timed"):
            clip.retimed(np.array(frames, int), Fraction(24), with_sound=True)


def test_impossible_timings_are_refused():
    motion = walking_motion(frames=24)
    for timing in (Timing(speed=0.01), Timing(speed=11), Timing(fps=500)):
        with pytest.raises(MotionError, match="not possible"):
            timed(motion, timing)
    on_character = retarget(motion, subject_of(picture_keypoints(HUMAN), Canvas(720, 720)))
    with pytest.raises(MotionError, match="keeps its timing"):
        timed(on_character, Timing(speed=2))


def test_no_timing_changes_nothing():
    motion = walking_motion(frames=24)
    assert timed(motion, Timing()) == (motion, ()) and timed(motion, Timing(fps=24))[0] is motion


def test_thirty_seconds_take_well_under_a_second():
    motion = walking_motion(frames=900)
    motion_at(motion, moments_of(np.arange(10) + 0.5, 900))
    started = time.process_time()
    result, _ = timed(motion, Timing(fps=30))
    assert result.frame_count == 1125 and time.process_time() - started < 1.0


def test_a_form_has_one_entry_per_bone():
    form = bone_form(walking_motion(frames=3))
    assert BoneForm(*(len(part) for part in form)) == BoneForm(*[3] * 8) and form.bones.shape == (3, 35, 3)


def test_contacts_are_cut_and_change_sides_with_the_motion():
    motion = retarget(walking_motion(frames=24), subject_of(picture_keypoints(HUMAN), Canvas(720, 720)))
    contacts = (Contact("left_hand", "face", 2, 20), Contact("left_hand", "other_hand", 3, 8), Contact("right_foot", "ground", 15, 22))
    motion = replace(motion, character=replace(motion.character, contacts=contacts, cuts=(5, 18)), cuts=(5, 18))
    mirrored = mirror_motion(motion).character.contacts
    assert [contact.part for contact in mirrored] == ["right_hand", "left_hand", "left_foot"]
    assert mirror_motion(mirror_motion(motion)).character.contacts == contacts
    trimmed = trim_motion(motion, 10).character
    assert trimmed.contacts == (Contact("left_hand", "face", 2, 10), contacts[1]) and trimmed.cuts == (5,)
