"""The shipped library: complete, small, without seams, and usable like any other motion."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from procedural_body import picture_keypoints, subject_of, walking_motion

from kmc_core.errors import MotionError
from kmc_core.motion.library import library_entries, load_library_motion, search_library, timed_motion
from kmc_core.motion.library.catalogue import face_basis, read_compact
from kmc_core.motion.preflight import preflight
from kmc_core.motion.retarget import retarget
from kmc_core.pose.expression import EXPRESSION_NAMES
from kmc_core.pose.skeleton_layouts import rig_joints
from kmc_core.types import Canvas

ROOT = Path(__file__).resolve().parents[2]
KINDS = {
    "walk": 2, "run": 1, "turn": 1, "wave": 1, "point": 1, "clap": 1, "dance": 4, "martial arts": 3, "exercise": 3, "sign": 2,
    "talk": 1, "idle": 2,
}  # fmt: skip


def test_every_kind_is_there_with_tags_and_thumbnails() -> None:
    entries = library_entries()
    assert len(entries) >= 24 and len({entry.name for entry in entries}) == len(entries)
    for kind, least in KINDS.items():
        assert sum(entry.kind == kind for entry in entries) >= least, kind
    for entry in entries:
        assert entry.tags and entry.title and entry.path.stat().st_size < 32_000, entry.name
        thumbnail = cv2.imread(str(entry.thumbnail))
        assert thumbnail is not None and thumbnail.std() > 4, entry.name
    assert {"bow", "laugh", "nod"} <= {entry.name for entry in entries}


@pytest.mark.parametrize("entry", library_entries(), ids=lambda entry: entry.name)
def test_a_motion_is_complete_and_its_loop_has_no_seam(entry) -> None:
    motion = load_library_motion(entry.name)
    assert motion.frame_count == round(entry.seconds * entry.fps)
    for name in ("body", "body_world", "hands", "face", "expression", "head_pose"):
        assert np.isfinite(getattr(motion, name)).all()
    assert motion.expression.shape[1] == len(EXPRESSION_NAMES)
    steps = np.abs(np.diff(motion.body_world, axis=0)).max((1, 2))
    seam = np.abs(motion.body_world[0] - motion.body_world[-1]).max()
    assert seam <= 1.1 * steps.max() + 1e-3
    assert (motion.body > 0).all() and (motion.body < motion.canvas[::-1]).all()


def test_search_finds_by_any_word() -> None:
    assert {entry.kind for entry in search_library("martial")} == {"martial arts"}
    assert search_library("dance retro") and not search_library("juggling chainsaws")


def test_a_library_motion_moves_a_character_like_a_clip_does() -> None:
    subject = subject_of(picture_keypoints(), Canvas(720, 720))
    motion = timed_motion(load_library_motion("wave"), seconds=1.5)
    character = retarget(motion, subject).character
    assert np.ptp(character.joints[:, 5, 1]) > 60  # the left wrist rises
    assert character.face_displacement is not None and np.ptp(character.hands) > 0.5
    pair = preflight(load_library_motion("walk"), subject)
    assert not [finding for finding in pair.findings if finding.severity == "severe"]


def test_loops_repeat_and_speed_changes() -> None:
    walk = load_library_motion("walk")
    twice = timed_motion(walk, seconds=2 * walk.seconds)
    np.testing.assert_allclose(twice.body[walk.frame_count :], walk.body, atol=1e-4)
    quick = timed_motion(walk, speed=2.0)
    assert quick.frame_count == walk.frame_count // 2
    np.testing.assert_allclose(quick.body[10], walk.body[20], atol=1e-4)
    held = timed_motion(walking_motion(frames=10), seconds=1.0)
    np.testing.assert_allclose(held.body[-1], held.body[10], atol=1e-5)
    with pytest.raises(MotionError):
        timed_motion(walk, seconds=4000)


def test_unknown_names_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="Choose one of the list"):
        load_library_motion("moonwalk on ice")
    source = library_entries()[0].path.read_bytes()
    for number, damage in enumerate((source[:200], source[:-40], b"", source.replace(b"kmc.motion.compact", b"kmc.motion.compost"))):
        broken = tmp_path / f"{number}.safetensors"
        broken.write_bytes(damage)
        with pytest.raises(MotionError):
            read_compact(broken, face_basis())


def test_the_library_needs_no_training_room_at_run_time() -> None:
    program = (
        "import sys; from kmc_core.motion.library import load_library_motion as f; f('nod'); "
        "print([m for m in sys.modules if 'training' in m])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_small_file_is_true_to_what_was_performed() -> None:
    from kmc_core.motion.library.compact import compacted, expanded, fit_face_basis
    from kmc_core.pose.expression import canonical_face

    motion = walking_motion(frames=48, walk=1.0)
    motion = replace(motion, body=motion.body_world[..., :2] * 300 + 360)
    basis = fit_face_basis(canonical_face(motion.face).points, 4)
    small = compacted(motion, basis, loop=False)
    again = expanded(small, basis, frame_count=48, fps=24.0, canvas=motion.canvas, px_per_metre=300.0, loop=False)
    torso = np.linalg.norm(rig_joints(motion.body_world)[:, 1], axis=-1).mean()
    assert np.abs(again.body_world - motion.body_world).max() < 0.035 * torso
    assert np.abs(again.body - motion.body).max() < 0.035 * torso * 300
