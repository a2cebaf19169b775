"""KMC Retarget Skeleton in process: time, strengths and the report of a motion of the library on a small character."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "core"))


@pytest.fixture(scope="module")
def core(pack: ModuleType) -> dict[str, ModuleType]:
    """The core as the pack has loaded it, by the last part of a module's name."""
    prefix = f"{pack.__name__}.kmc_core."
    return {name.removeprefix(prefix): module for name, module in sys.modules.items() if name.startswith(prefix)}


@pytest.fixture(scope="module")
def subject(core: dict[str, ModuleType]) -> object:
    """A front and a side view of the procedural body, as records of the loaded pack."""
    from procedural_body import HUMAN, picture_keypoints, subject_of

    from kmc_core.types import Canvas

    front = subject_of(picture_keypoints(HUMAN), Canvas(720, 720))
    side = replace(front.views[0], yaw=np.pi / 2, head_yaw=np.pi / 2)
    types = core["types"]

    def view(plain: object) -> object:
        return types.SubjectView(**{**plain.__dict__, "keypoints": types.PictureKeypoints(**plain.keypoints.__dict__)})

    whole = {**front.__dict__, "views": (view(front.views[0]), view(side)), "view_scale": np.ones(2, np.float32)}
    return types.SubjectLibrary(**whole)


@pytest.fixture
def run(node_classes: dict[str, type], subject: object, core: dict[str, ModuleType]):
    node = node_classes["RetargetSkeleton"].PREPARE_CLASS_CLONE(None)

    def execute(name: str, **inputs: object) -> tuple[object, str]:
        motion = core["motion.library"].load_library_motion(name)
        output = node.execute(motion, subject, **{"strength": 1.0, "framing": "fit to picture", **inputs})
        return output[0], output.ui["text"][0]

    return execute


def test_the_report_says_what_happens_and_which_picture_serves(run) -> None:
    motion, report = run("turn")
    assert "What happens: spin (left) 0" in report and "Camera: still." in report
    assert "Shown for the body: picture 1 0.0 to" in report and "picture 2" in report
    assert motion.frame_count == 120


def test_time_inputs_change_count_rate_and_report(run) -> None:
    motion, report = run("wave", speed=2.0, fps=30.0, mirror=True)
    assert motion.fps == 30 and motion.frame_count == round(84 / 24 / 2 * 30)
    assert "2 times the speed" in report and "mirrored" in report and "wave (right)" in report


def test_strengths_reach_the_motion(run) -> None:
    full, _ = run("wave")
    held, _ = run("wave", body_strength=0.0, hands_strength=0.0, face_strength=0.0, head_strength=0.0)
    assert np.ptp(full.character.joints, axis=0).max() > 50 and np.ptp(held.character.joints, axis=0).max() < 1


def test_camera_words_are_reported(run, node_classes: dict[str, type]) -> None:
    orientation = node_classes["OrientationMode"].execute("image", 0.0, 0.0, 1.0, 0.0, "slow zoom in, pan left 8")[0]
    motion, report = run("wave", orientation=orientation)
    assert "Camera: pan 8 degrees left, zoom 1.12, up to 7% beyond the picture" in report and motion.character.camera[-1, 0, 0] > 1.1


def test_a_loop_is_announced(run, core: dict[str, ModuleType]) -> None:
    motion, report = run("wave", loop=True)  # a loop already: nothing is cut
    assert motion.frame_count == 84 and "Loop of" not in report
