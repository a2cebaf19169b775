"""`python -m kmc_core.evaluation retarget --json FILE`: retargeting against the truth of six other bodies.

The driver is an average adult of the procedural renderer, seen by a perfect detector (`--noise`: by a shaky one). The
character is known from one picture's keypoints. THE TRUE RETARGETED POSE is what the renderer's own skeleton does with the
character's body for the same plan: the same goals in units of the body, hence the same joint angles; the body's own bone
lengths; its palms on the same places of its own surface whenever the plan touches; its feet on its own floor, lifted out of it
and never sunk; its root path in its own leg lengths. It is seen by the camera of the character's picture, moved to where the
driver's camera stands around the body (`image` orientation: the plan's heading replaced by the picture's), and shifted once, so
that in the first frame, at the pelvis' distance, pelvis and lowest foot are where the picture has them. The control is given
the true place of its first frame.

joint_error   mean distance of 19 rig joints in the picture, in lengths of the character's torso
bone_error    mean deviation of 3-D bone lengths (perspective taken out) from the body's own; the flat control is given true depths
foot_slide    mean speed in the picture of feet that stand in the truth, in body heights per second
contact_kept  share of touching frames in which the palm is within 4 % of the torso of the place it touches on the body as it
              came out, or the standing foot within 4 % of the ground; the worse of palms and feet
jitter_ratio  acceleration of the result over the truth's, divided by that of the driver as tracked over the driver's truth
yaw_error_deg mean deviation of the torso's facing from the driver's ("video") or the picture's ("image"); the control is given
              the true side to which it turns

Not here: the bodies and plans (retarget_bodies.py, retarget_plans.py), the control (rescale_2d.py), noise (detector_noise.py).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..motion.retarget import retarget
from ..pose.skeleton_layouts import HEAD, LEFT_ARM, LEFT_LEG, PELVIS, RIGHT_ARM, RIGHT_LEG, bone_vectors, rig_joints, torso_yaw
from ..training.synthetic.camera import Camera
from ..training.synthetic.landmarks import motion_of
from ..training.synthetic.renderer import Posed
from ..training.synthetic.skeleton import BONE
from ..types import HolisticMotion, SubjectLibrary
from .command_line import write_json
from .detector_noise import with_noise
from .rescale_2d import rescale_2d
from .retarget_bodies import BODIES, CANVAS, Figure, bone_lengths_px, build_figure, picture_goals, px_per_metre, subject_of
from .retarget_plans import FPS, SECONDS, VIEWS, Touch, View, pose_at

METHODS = ("kmc", "rescale_2d")
CONTACT_LIMIT = 0.04
FULLY = 0.999
STANDING_SPEED_M = 0.02
SHORTEST_PLANT_S = 0.2
FEET = [LEFT_LEG[2], LEFT_LEG[3], RIGHT_LEG[2], RIGHT_LEG[3]]
LEGS, ARMS = (LEFT_LEG, RIGHT_LEG), (LEFT_ARM, RIGHT_ARM)
NUMBERS = ("joint_error", "bone_error", "foot_slide", "contact_kept", "jitter_ratio", "yaw_error_deg")
Row = dict[str, object]


@dataclass(frozen=True)
class Performance:
    """One plan on one body. motion: its landmarks; joints [T,19,3] canvas px, z px away from the camera; planted [T,2] feet
    that stand; unit_px: torso; height_px of the body; lengths_px [18]; camera that saw it."""

    motion: HolisticMotion
    joints: np.ndarray
    planted: np.ndarray
    unit_px: float
    height_px: float
    lengths_px: np.ndarray
    camera: Camera


def perform(figure: Figure, view: View, heading: float | None = None) -> Performance:
    """Pose a figure through a view's plan and look at it; heading replaces the plan's."""
    camera = figure.camera(view.yaw, view.pitch)
    truths, feet = [], []
    for k in range(round(SECONDS * FPS)):
        posed = pose_at(figure, view, k / FPS, heading)
        truths.append(figure.seen(posed, camera))
        feet.append([_foot(figure, posed, name) for name in ("left_foot", "right_foot")])
    motion = motion_of(truths, FPS, CANVAS, np.zeros((len(truths), 64, 64), np.float32))
    scale = px_per_metre(camera)
    depth = rig_joints(motion.body_world.astype(np.float64))[..., 2:] * scale
    joints = np.concatenate([rig_joints(motion.body.astype(np.float64)), depth], axis=-1)
    lengths = bone_lengths_px(figure)
    return Performance(motion, joints, _planted(np.array(feet)), lengths[0], figure.shape.height * scale, lengths, camera)


def _foot(figure: Figure, posed: Posed, name: str) -> np.ndarray:
    """Model places [2,3] of ankle and toe."""
    k = BONE[name]
    return posed.places[k] + np.array([[0.0, 0.0, 0.0], [0.0, -0.05, 0.15]]) * figure.shape.foot @ posed.turns[k].T


def _planted(feet: np.ndarray) -> np.ndarray:
    """Frames [T,2] in which a foot [T,2,2,3] stands: ankle and toe still for a while."""
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1).max(-1) * FPS
    still = speed < STANDING_SPEED_M
    for side in (0, 1):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], still[:, side].astype(int), [0]])))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start < SHORTEST_PLANT_S * FPS:
                still[start:stop, side] = False
    return still


def truth_for(figure: Figure, view: View, subject: SubjectLibrary) -> Performance:
    """The true retargeted pose (see the module's text) on the canvas of the character's picture."""
    heading = picture_goals().heading if view.orientation.mode == "image" else None
    truth = perform(figure, view, heading)
    own = subject.primary_view.joints.astype(np.float64)
    own, first = (far_view(joints, figure.camera()) for joints in (own, truth.joints[0]))
    shift = np.array([own[PELVIS, 0] - first[PELVIS, 0], own[FEET, 1].max() - first[FEET, 1].max(), 0.0])
    return replace(truth, joints=truth.joints + shift)


def far_view(joints: np.ndarray, camera: Camera) -> np.ndarray:
    """Joints [...,3] px of a near camera's picture as seen from very far away, at the size they have at the pelvis' distance."""
    middle = np.array([CANVAS.width / 2, CANVAS.height / 2])
    out = joints.copy()
    out[..., :2] = middle + (joints[..., :2] - middle) * (1 + joints[..., 2:] / (camera.focal * CANVAS.height))
    return out


def measure(joints: np.ndarray, truth: Performance, driver: HolisticMotion, exact: HolisticMotion, view: View) -> Row:
    """The numbers of one result. joints [T,19,3] canvas px (z px) on the character; driver as tracked and exact."""
    apart = np.linalg.norm(joints[..., :2] - truth.joints[..., :2], axis=-1)
    lengths = np.linalg.norm(bone_vectors(far_view(joints, truth.camera)), axis=-1)
    shaking = _acceleration(rig_joints(driver.body)) / _acceleration(rig_joints(exact.body))
    return {
        "joint_error": float(apart.mean() / truth.unit_px),
        "bone_error": float(np.abs(lengths / truth.lengths_px - 1).mean()),
        "foot_slide": _slide(joints, truth),
        "contact_kept": _contact_kept(joints, truth, view),
        "jitter_ratio": float(_acceleration(joints[..., :2]) / _acceleration(truth.joints[..., :2]) / shaking),
        "yaw_error_deg": _yaw_error_deg(joints, truth, view),
    }


def _acceleration(joints: np.ndarray) -> float:
    return float(np.sqrt((np.diff(joints.astype(np.float64), 2, axis=0) ** 2).mean()))


def _slide(joints: np.ndarray, truth: Performance) -> float | None:
    """Mean speed of standing feet in heights per second, None when no foot stands."""
    speeds = []
    for side, leg in enumerate(LEGS):
        foot = joints[:, [leg[2], leg[3]], :2].mean(1)
        both = truth.planted[1:, side] & truth.planted[:-1, side]
        speeds.append(np.linalg.norm(np.diff(foot, axis=0), axis=-1)[both])
    speed = np.concatenate(speeds)
    return float(speed.mean() * FPS / truth.height_px) if len(speed) else None


def _contact_kept(joints: np.ndarray, truth: Performance, view: View) -> float | None:
    shares = []
    palms = [_palm_kept(joints, truth, view, touch) for touch in view.touches]
    if palms:
        shares.append(float(np.concatenate(palms).mean()))
    feet = []
    for side, leg in enumerate(LEGS):
        low, ground = (points[:, list(leg[2:]), 1].max(-1) for points in (joints, truth.joints))
        feet.append(np.abs(low - ground)[truth.planted[:, side]] <= CONTACT_LIMIT * truth.unit_px)
    if len(np.concatenate(feet)):
        shares.append(float(np.concatenate(feet).mean()))
    return min(shares) if shares else None


def _palm_kept(joints: np.ndarray, truth: Performance, view: View, touch: Touch) -> np.ndarray:
    """For every frame in which a touch is complete: is the palm where the touched place is on the body as it came out?"""
    times = np.arange(len(joints)) / FPS / SECONDS
    frames = np.array([touch.amount(u) >= FULLY for u in times])

    def from_place(points: np.ndarray) -> np.ndarray:
        arm, other, leg = ARMS[touch.side], ARMS[1 - touch.side], LEGS[touch.side]
        palm = points[frames][:, [arm[2], arm[3]], :2].mean(1)
        if touch.place == "face":
            return palm - points[frames, HEAD, :2]
        if touch.place == "hands":
            return palm - points[frames][:, [other[2], other[3]], :2].mean(1)
        share = touch.at[0] if touch.place == "thigh" else 0.0
        return palm - (1 - share) * points[frames, leg[0], :2] - share * points[frames, leg[1], :2]

    return np.linalg.norm(from_place(joints) - from_place(truth.joints), axis=-1) <= CONTACT_LIMIT * truth.unit_px


def _yaw_error_deg(joints: np.ndarray, truth: Performance, view: View) -> float:
    if view.orientation.mode == "image":
        expected = np.full(len(joints), picture_goals().heading)
    else:
        expected = torso_yaw(far_view(truth.joints, truth.camera))
    gap = torso_yaw(far_view(joints, truth.camera)) - expected
    return float(np.degrees(np.abs((gap + np.pi) % (2 * np.pi) - np.pi)).mean())


def with_true_depth(flat: np.ndarray, truth: Performance) -> np.ndarray:
    """Flat joints [T,19,2] with the depth that the true pose has, where its first frame is."""
    start = np.array([truth.joints[0, PELVIS, 0] - flat[0, PELVIS, 0], (truth.joints[0, FEET, 1].max() - flat[0, FEET, 1].max())])
    return np.concatenate([flat + start, truth.joints[..., 2:]], axis=-1)


def rows(bodies: Sequence[str] = tuple(BODIES), views: Sequence[View] = VIEWS, noise: float = 0.0) -> Iterator[Row]:
    """One row per body, view and method. noise: 1 = a usual detector's errors, 0 = none."""
    adult = build_figure()
    exact = {view.name: perform(adult, view).motion for view in views}
    drivers = {name: with_noise(motion, noise) for name, motion in exact.items()}
    for body in bodies:
        figure = build_figure(*BODIES[body])
        subject = subject_of(figure, body)
        for view in views:
            truth, driver = truth_for(figure, view, subject), drivers[view.name]
            ours = retarget(driver, subject, view.orientation).character.joints.astype(np.float64)
            flat = with_true_depth(rescale_2d(driver, subject.primary_view), truth)
            for method, joints in zip(METHODS, (ours, flat), strict=True):
                numbers = measure(joints, truth, driver, exact[view.name], view)
                yield {"body": body, "view": view.name, "method": method, **numbers}


def speed_s(seconds: float = 30.0, fps: float = 30.0) -> float:
    """Processor seconds that retargeting a clip of this length takes here."""
    view = VIEWS[0]
    motion = perform(build_figure(), view).motion
    count = round(seconds * fps)
    order = np.abs((np.arange(count) + motion.frame_count - 1) % (2 * motion.frame_count - 2) - (motion.frame_count - 1))
    arrays = {name: value[order] for name, value in vars(motion).items() if isinstance(value, np.ndarray)}
    long = replace(motion, fps=fps, **arrays)
    subject = subject_of(build_figure(*BODIES["child"]), "child")
    started = time.process_time()
    retarget(long, subject)
    return time.process_time() - started


def table(found: Sequence[Row]) -> str:
    """Rows as text, the means of both methods below."""
    lines = [f"{'body':12} {'view':14} {'method':11} " + " ".join(f"{name:>13}" for name in NUMBERS)]
    means = [
        {"body": "MEAN", "view": "", "method": method}
        | {name: _mean([row[name] for row in found if row["method"] == method]) for name in NUMBERS}
        for method in METHODS
    ]
    for row in [*found, *means]:
        cells = ["-" if row[name] is None else f"{row[name]:.3f}" for name in NUMBERS]
        lines.append(f"{row['body']:12} {row['view']:14} {row['method']:11} " + " ".join(f"{cell:>13}" for cell in cells))
    return "\n".join(lines)


def _mean(values: Sequence[object]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def parser() -> argparse.ArgumentParser:
    """The command line after the word "retarget"."""
    command = argparse.ArgumentParser(prog="kmc_core.evaluation retarget", description="retargeting against true poses of other bodies")
    command.add_argument("--json", type=Path, help="file for the rows")
    command.add_argument("--bodies", nargs="+", choices=tuple(BODIES), default=list(BODIES))
    command.add_argument("--views", nargs="+", choices=[view.name for view in VIEWS], default=[view.name for view in VIEWS])
    command.add_argument("--noise", type=float, default=0.0, help="errors of the detector: 0 none, 1 usual")
    return command


def retarget_command(arguments: list[str]) -> tuple[int, str]:
    """Run it; returns the exit status and the text to show."""
    options = parser().parse_args(arguments)
    found = list(rows(options.bodies, [view for view in VIEWS if view.name in options.views], options.noise))
    write_json(options.json, found)
    return 0, f"{table(found)}\n\n30 s at 30 frames/s were retargeted in {speed_s():.2f} s of processor time"
