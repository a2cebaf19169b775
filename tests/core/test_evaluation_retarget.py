"""The retargeting table, scaled down: the bars hold on a few bodies and views, the control is worse, and the measures can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kmc_core.evaluation.detector_noise import with_noise
from kmc_core.evaluation.rescale_2d import rescale_2d
from kmc_core.evaluation.retarget import measure, perform, retarget_command, rows, speed_s, truth_for, with_true_depth
from kmc_core.evaluation.retarget_bodies import BODIES, build_figure, subject_of
from kmc_core.evaluation.retarget_plans import VIEWS, palm, pose_at, touched_place
from kmc_core.motion.retarget import retarget
from kmc_core.pose.skeleton_layouts import bone_vectors

VIEW = {view.name: view for view in VIEWS}
FEW = [VIEW["front"], VIEW["seated"], VIEW["turning_image"]]


@pytest.fixture(scope="module")
def table():
    return list(rows(["chibi", "robot"], FEW))


@pytest.fixture(scope="module")
def chibi():
    figure = build_figure(*BODIES["chibi"])
    subject = subject_of(figure, "chibi")
    return subject, perform(build_figure(), VIEW["front"]).motion, truth_for(figure, VIEW["front"], subject)


def of(table, method):
    return {(row["body"], row["view"]): row for row in table if row["method"] == method}


def test_the_bars_hold(table):
    for place, row in of(table, "kmc").items():
        assert row["joint_error"] <= 0.06, place
        assert row["bone_error"] <= 0.02, place
        assert row["foot_slide"] is None or row["foot_slide"] <= 0.01, place
        assert row["contact_kept"] >= 0.95, place
        assert row["jitter_ratio"] <= 1.05, place
        assert row["yaw_error_deg"] <= 5, place


def test_the_control_is_worse_in_every_row(table):
    ours, control = of(table, "kmc"), of(table, "rescale_2d")
    for place, row in control.items():
        assert row["joint_error"] > ours[place]["joint_error"], place
        assert row["bone_error"] > ours[place]["bone_error"], place
        assert row["contact_kept"] < ours[place]["contact_kept"], place


def test_the_truth_itself_is_faultless_and_every_fault_shows(chibi):
    _, driver, truth = chibi
    view = VIEW["front"]
    perfect = measure(truth.joints, truth, driver, driver, view)
    assert perfect["joint_error"] == 0 and perfect["contact_kept"] == 1 and perfect["yaw_error_deg"] == 0
    assert perfect["bone_error"] < 0.015 and perfect["foot_slide"] < 0.003 and perfect["jitter_ratio"] == pytest.approx(1)
    unit = truth.unit_px
    sliding = truth.joints + np.linspace(0, unit, len(truth.joints))[:, None, None] * [1.0, 0, 0]
    assert measure(sliding, truth, driver, driver, view)["foot_slide"] > 0.05
    short = truth.joints.copy()
    short[:, 8:11] += 0.1 * unit * np.array([1.0, 0, 0])
    assert measure(short, truth, driver, driver, view)["contact_kept"] < 0.8
    larger = (truth.joints - truth.joints[:, :1]) * 1.1 + truth.joints[:, :1]
    assert measure(larger, truth, driver, driver, view)["bone_error"] > 0.08
    rough = truth.joints + np.random.default_rng(0).normal(0, 0.02 * unit, truth.joints.shape)
    assert measure(rough, truth, driver, driver, view)["jitter_ratio"] > 1.5
    turned = truth.joints * [-1.0, 1.0, 1.0]
    assert measure(turned, truth, driver, driver, view)["yaw_error_deg"] > 100


def test_palms_of_every_body_lie_on_the_places_the_plan_touches():
    for body in BODIES:
        figure = build_figure(*BODIES[body])
        for name, time_s in (("front", 0.7), ("seated", 0.7), ("crouched", 1.0), ("front", 2.5)):
            view = VIEW[name]
            posed = pose_at(figure, view, time_s)
            for touch in view.touches:
                if touch.amount(time_s / 3.0) > 0.999:
                    gap = np.linalg.norm(palm(figure, posed, touch.side) - touched_place(figure, posed, touch))
                    assert gap < 0.06 * figure.shape.torso, (body, name, touch)


def test_contacts_are_listed_with_their_times(chibi):
    subject, driver, _ = chibi
    found = {(contact.part, contact.place): contact for contact in retarget(driver, subject).character.contacts}
    face, hands = found["right_hand", "face"], found["left_hand", "other_hand"]
    assert face.start < 12 and 21 < face.stop < 36
    assert 24 < hands.start < 34 and 40 < hands.stop < 50
    assert ("left_hand", "hip") in found and ("left_foot", "ground") in found
    assert not any(place == "other_hand" for part, place in found if part == "right_hand")


def test_noise_shakes_landmarks_by_the_amount_asked_for(chibi):
    _, driver, _ = chibi
    assert with_noise(driver, 0.0) is driver
    once, twice = (np.abs(with_noise(driver, amount).body - driver.body).mean() for amount in (1.0, 2.0))
    assert twice == pytest.approx(2 * once, rel=0.01)


def test_the_control_rescales_every_limb_to_the_picture(chibi):
    subject, driver, truth = chibi
    view = subject.primary_view
    still = replace(driver, **{name: np.repeat(value[:1], 5, 0) for name, value in vars(driver).items() if isinstance(value, np.ndarray)})
    flat = rescale_2d(still, view)
    lengths, own = (np.linalg.norm(bone_vectors(joints), axis=-1) for joints in (flat[0], view.joints[:, :2]))
    for left, right in ((3, 7), (4, 8), (11, 15), (12, 16)):
        assert lengths[left] + lengths[right] == pytest.approx(own[left] + own[right], rel=1e-3)
    placed = with_true_depth(flat, replace(truth, joints=truth.joints[:5]))
    assert placed[0, 0, 0] == pytest.approx(truth.joints[0, 0, 0])


def test_the_command_writes_its_rows(tmp_path):
    status, text = retarget_command(["--json", str(tmp_path / "rows.json"), "--bodies", "child", "--views", "turning"])
    assert status == 0 and "rescale_2d" in text and "30 s" in text
    assert (tmp_path / "rows.json").read_text().count('"joint_error"') == 2


def test_half_a_minute_is_retargeted_in_seconds():
    assert speed_s(6.0, 30.0) < 4.0  # 2 s for 30 s on an idle core, with room for a busy machine
