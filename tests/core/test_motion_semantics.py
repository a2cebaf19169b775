"""What happens in a motion is named rightly: the shipped library, hand-made postures and blows, noise, sides, cuts, words."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from procedural_body import HUMAN, blazepose, picture_keypoints, subject_of, walking_motion
from turning_performer import turned_performer

from kmc_core.motion.library import library_entries, load_library_motion
from kmc_core.motion.mirror import mirror_motion
from kmc_core.motion.orientation import about_vertical
from kmc_core.motion.posing import mix_directions
from kmc_core.motion.resampling import moments_of, motion_at
from kmc_core.motion.retarget import retarget
from kmc_core.motion.semantics import EVENT_KINDS, MotionEvent, motion_events, motion_sentence
from kmc_core.motion.semantics.events import EXPLAINED_BY
from kmc_core.motion.semantics.sentence import WORDS
from kmc_core.pose.skeleton_layouts import RIG_BONES
from kmc_core.types import Canvas

library_motion = lru_cache(maxsize=None)(load_library_motion)

# what a person would say of every shipped motion; "" = nothing that has a name here
LIBRARY = {
    "bow": "bow", "breathe": "", "clap": "clap", "clap_high": "clap", "dance_arm_wave": "dance", "dance_bounce": "dance",
    "dance_disco": "dance", "dance_groove": "dance", "dance_twist": "dance", "exercise_jacks": "raise_arm",
    "exercise_side_bends": "raise_arm", "exercise_squats": "crouch", "fight_form": "gesture", "fight_kicks": "kick",
    "fight_punches": "punch", "laugh": "gesture", "look_around": "look", "nod": "nod", "point": "point", "present": "gesture",
    "run": "run", "salute": "touch_face", "shake_head": "shake_head", "shrug": "gesture", "signs_quick": "gesture point",
    "signs_slow": "gesture point", "sway": "", "sway_proud": "", "talk": "gesture", "talk_calm": "", "turn": "spin", "walk": "walk",
    "walk_slow": "walk", "wave": "wave", "wave_both": "wave",
}  # fmt: skip


def longest(events: tuple[MotionEvent, ...]) -> str:
    """The kind that fills most of the time, "" for none."""
    seconds: dict[str, float] = {}
    for event in events:
        seconds[event.kind] = seconds.get(event.kind, 0.0) + event.end_s - event.start_s
    return max(seconds, key=seconds.get) if seconds else ""


def named_rightly(motion, wanted: str) -> bool:
    return longest(motion_events(motion)) in (wanted.split() or [""])


def test_every_motion_of_the_library_is_in_the_list():
    assert set(LIBRARY) == {entry.name for entry in library_entries()}


@pytest.mark.parametrize(("yaw_deg", "noise_m", "at_least"), [(0, 0.0, 34), (35, 0.0, 34), (0, 0.02, 33)])
def test_the_library_is_named_rightly(yaw_deg, noise_m, at_least):
    right = [
        name
        for name, wanted in LIBRARY.items()
        if named_rightly(turned_performer(library_motion(name), np.radians(yaw_deg), noise_m=noise_m), wanted)
    ]
    assert len(right) >= at_least, sorted(set(LIBRARY) - set(right))


# performers made of bone directions: x to their left, y up, z ahead of them
UP, DOWN, AHEAD, LEFT = np.array([0.0, 1, 0]), np.array([0.0, -1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])
STAND = {
    0: UP, 1: UP, 2: LEFT, 6: -LEFT, 10: LEFT, 14: -LEFT, **{bone: DOWN + 0.12 * LEFT for bone in (3, 4, 5)},
    **{bone: DOWN - 0.12 * LEFT for bone in (7, 8, 9)}, **{bone: DOWN for bone in (11, 12, 15, 16)}, 13: AHEAD - 0.3 * UP, 17: AHEAD - 0.3 * UP,
}  # fmt: skip
GUARD = {3: DOWN + 0.4 * AHEAD, 4: UP + 0.8 * AHEAD, 5: UP + AHEAD, 7: DOWN + 0.4 * AHEAD, 8: UP + 0.8 * AHEAD, 9: UP + AHEAD}
SEAT = {11: AHEAD, 12: DOWN, 15: AHEAD, 16: DOWN}
DEEP = {0: UP + 0.45 * AHEAD, 11: AHEAD - 0.25 * UP, 12: DOWN - 0.75 * AHEAD, 15: AHEAD - 0.25 * UP, 16: DOWN - 0.75 * AHEAD}
BENT = {0: AHEAD + 0.7 * UP, 1: AHEAD + 0.5 * UP}
FLAT = {0: LEFT, 1: LEFT, 2: UP, 6: DOWN, 10: UP, 14: DOWN, **{bone: -LEFT for bone in (3, 4, 5, 7, 8, 9, 11, 12, 15, 16)}}
HAND_ON_FACE = {7: DOWN + 0.9 * AHEAD - 0.1 * LEFT, 8: UP + 0.35 * LEFT - 0.22 * AHEAD, 9: UP + 0.2 * LEFT}
KICK_UP = {15: AHEAD + 0.15 * UP, 16: AHEAD + 0.2 * UP}
KNEE_UP = {15: AHEAD - 0.2 * UP, 16: DOWN}
PUNCH_LEFT = {3: AHEAD, 4: AHEAD, 5: AHEAD}
ARM_OUT = {3: LEFT + 0.1 * UP, 4: LEFT + 0.1 * UP, 5: LEFT}


def performance(keys, yaw=0.0, fps=30.0, rise_m=None):
    """Poses over time: keys = [(seconds, changes of STAND)]; feet on the ground unless rise_m [T] lifts them."""
    times = np.array([second for second, _ in keys])
    poses = []
    for _, changes in keys:
        directions = np.array([{**STAND, **changes}[bone] for bone in range(18)], float)
        poses.append(directions / np.linalg.norm(directions, axis=-1, keepdims=True))
    count = round(times[-1] * fps)
    frames = []
    for second in np.arange(count) / fps:
        after = min(int(np.searchsorted(times, second, side="right")), len(times) - 1)
        share = np.clip((second - times[after - 1]) / (times[after] - times[after - 1]), 0, 1)
        share = share * share * (3 - 2 * share)
        frames.append(mix_directions(poses[after - 1][None], poses[after][None], np.full((1, 18), share))[0])
    vectors = np.array(frames) * [1, -1, -1] * (HUMAN.proportions * HUMAN.torso_m)[:, None]
    vectors = np.einsum("ij,tbj->tbi", about_vertical(yaw), vectors)
    joints = np.zeros((count, 19, 3))
    for bone, (child, parent) in enumerate(RIG_BONES):
        joints[:, child] = joints[:, parent] + vectors[:, bone]
    world = blazepose(joints, yaw)
    lowest = joints[..., 1].max(1) - (0 if rise_m is None else -rise_m)
    pixels = world[..., :2] * 250 + [360, 600]
    pixels[..., 1] -= lowest[:, None] * 250
    blank = walking_motion(frames=count)
    return replace(
        blank, fps=fps, body=pixels.astype(np.float32), body_world=world.astype(np.float32), hands_confidence=np.zeros((count, 2), np.float32),
        face_confidence=np.zeros(count, np.float32), head_pose=np.zeros((count, 3), np.float32),
    )  # fmt: skip


def hop(count, start, height=0.25, fps=30.0):
    t = (np.arange(count) / fps - start) / 0.45
    return height * np.where((t > 0) & (t < 1), 4 * t * (1 - t), 0)


PERFORMANCES = {
    "sit": [(0, {}), (0.6, {}), (1.4, SEAT), (4, SEAT)],
    "crouch": [(0, {}), (0.5, {}), (1.0, DEEP), (1.6, DEEP), (2.2, {}), (3, {})],
    "bow": [(0, {}), (0.5, {}), (1.1, BENT), (1.8, BENT), (2.5, {}), (3, {})],
    "lie": [(0, FLAT), (3, FLAT)],
    "kick": [(0, GUARD), (0.6, GUARD), (0.8, {**GUARD, **KNEE_UP}), (0.95, {**GUARD, **KICK_UP}), (1.2, {**GUARD, **KNEE_UP}), (1.5, GUARD), (2.5, GUARD)],
    "punch": [(0, GUARD), (0.6, GUARD), (0.8, {**GUARD, **PUNCH_LEFT}), (1.05, GUARD), (2.2, GUARD)],
    "touch_face": [(0, {}), (0.5, {}), (1.0, HAND_ON_FACE), (2.4, HAND_ON_FACE), (3, {}), (3.5, {})],
    "point": [(0, {}), (0.5, {}), (1.0, ARM_OUT), (2.4, ARM_OUT), (3, {}), (3.5, {})],
}  # fmt: skip


@pytest.mark.parametrize("yaw_deg", [0, 50, -90])
@pytest.mark.parametrize("kind", list(PERFORMANCES))
def test_postures_and_blows_have_their_names_and_times(kind, yaw_deg):
    keys = PERFORMANCES[kind]
    events = motion_events(performance(keys, np.radians(yaw_deg)))
    (event,) = [event for event in events if event.kind == kind]
    assert longest([event for event in events if event.kind in ("sit", "crouch", "bow", "lie", "kick", "punch", kind)]) == kind
    held = keys[2][0] if len(keys) > 2 else 0.0
    assert event.start_s - 0.2 <= held <= event.end_s + 0.2
    assert event.side == {"kick": "right", "punch": "left", "touch_face": "right", "point": "left"}.get(kind, "")


def test_a_jump_is_seen_and_standing_is_not():
    rise = hop(75, 0.8) + hop(75, 1.7)
    keys = [(0, {}), (2.5, {})]
    (event,) = [event for event in motion_events(performance(keys, rise_m=rise)) if event.kind == "jump"]
    assert event.start_s == pytest.approx(0.75, abs=0.2) and event.end_s == pytest.approx(2.2, abs=0.25)
    assert motion_events(performance(keys)) == ()


def test_turns_know_their_side_and_size():
    still = replace(library_motion("breathe"), provenance={})
    line = np.clip((np.arange(still.frame_count) / 24 - 1) / 1.5, 0, 1)
    for degrees, kind, side in ((90, "turn", "left"), (-90, "turn", "right"), (360, "spin", "left"), (-400, "spin", "right")):
        (event,) = motion_events(turned_performer(still, np.radians(degrees) * line))
        assert (event.kind, event.side) == (kind, side)
        assert event.start_s == pytest.approx(1.0, abs=0.3) and event.end_s == pytest.approx(2.5, abs=0.3)


@pytest.mark.parametrize("name", ["wave", "salute", "turn"])
def test_mirrors_change_sides(name):
    motion = library_motion(name)
    sides = [[event.side for event in motion_events(each) if event.kind != "gesture"] for each in (motion, mirror_motion(motion))]
    assert sides[1] == [{"left": "right", "right": "left"}.get(side, side) for side in sides[0]] and sides[0]


def test_other_rates_and_other_bodies_do_not_change_the_names():
    subject = subject_of(picture_keypoints(HUMAN), Canvas(720, 720))
    for name in ("walk", "run", "wave", "clap", "exercise_squats", "fight_kicks"):
        motion = library_motion(name)
        twelve = replace(motion_at(motion, moments_of(np.arange(0, motion.frame_count, 2), motion.frame_count)), fps=12.0)
        assert longest(motion_events(twelve)) == LIBRARY[name], name
        assert longest(motion_events(retarget(motion, subject))) == LIBRARY[name], name


def test_scenes_are_read_on_their_own():
    walk, wave = library_motion("walk"), library_motion("wave")
    both = replace(
        walk, cuts=(walk.frame_count,),
        **{name: np.concatenate([getattr(walk, name), getattr(wave, name)]) for name in (
            "body", "body_confidence", "body_world", "hands", "hands_confidence", "face", "face_confidence", "expression", "head_pose",
            "root_yaw", "camera",
        )},
    )  # fmt: skip
    kinds = [event.kind for event in motion_events(both)]
    assert kinds == ["walk", "wave"] and motion_events(both)[1].start_s >= walk.seconds


@pytest.mark.parametrize(("name", "kind"), [("walk", "walk"), ("run", "run"), ("talk", ""), ("exercise_squats", "")])
def test_with_legs_out_of_sight_the_arms_tell_unsurely(name, kind):
    motion = library_motion(name)
    confidence = motion.body_confidence.copy()
    confidence[:, 25:] = 0
    events = [event for event in motion_events(replace(motion, body_confidence=confidence)) if event.kind in ("walk", "run", "crouch", "sit")]
    assert [event.kind for event in events] == ([kind] if kind else []) and all(event.confidence <= 0.5 for event in events)


def test_sentences_read_well():
    events = (
        MotionEvent("walk", 0, 2.0), MotionEvent("turn", 2.0, 3.0, "left"), MotionEvent("wave", 2.2, 3.4, "right"),
        MotionEvent("raise_arm", 4, 5, "both"), MotionEvent("nod", 5, 6, "", 0.3),
    )  # fmt: skip
    assert motion_sentence(events) == "walking, then turning to the left while waving with the right hand, then raising both arms"
    assert motion_sentence(()) == ""
    assert motion_sentence(motion_events(library_motion("clap"))) == "clapping"


def test_every_kind_has_words():
    assert set(WORDS) == set(EVENT_KINDS) and set(EXPLAINED_BY) <= set(EVENT_KINDS)


def test_short_and_empty_motions_say_nothing():
    assert motion_events(walking_motion(frames=4)) == ()


def test_thirty_seconds_are_read_in_under_a_second():
    motion = walking_motion(frames=900)
    started = time.process_time()
    motion_events(motion)
    assert time.process_time() - started < 1.0
