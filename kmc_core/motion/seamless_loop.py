"""A motion whose end runs into its start: for posters, stickers and backgrounds that play for ever.

The best start and end are looked for, then the frames after the end are blended into those after the start, so that places
and speeds agree at the seam (motion graphs, Kovar et al. 2002). Limbs are mixed on arcs, pictures never.
Not here: repeating a loop (library/looping.py). Called by timing.py.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import MotionError
from ..pose.cuts import scene_ranges
from ..pose.skeleton_layouts import NECK, PELVIS, rig_joints
from ..types import HolisticMotion
from .bone_form import ANGLES, DIRECTED, BoneForm, bone_form, lengths_kept, points_of, vector_lengths, with_mixed
from .orientation import apply_camera, followed_camera, inverse_camera, still_camera

BLEND_S = 0.35
FEWEST_FRAMES = 12
SHORTEST_SHARE = 0.5
PRICE_OF_SHORTNESS = 0.15
"""torso lengths of mismatch that losing the whole motion would be worth"""
SPEED_S = 0.12
"""seconds of movement that weigh as much as the pose itself"""
CLEAR_WAY = 0.3  # torso lengths


class Seam(NamedTuple):
    """The loop shows frames start .. stop - 1; the `blend` frames from `stop` on flow into those from `start` on.
    mismatch: mean distance of the joints at the seam before blending, in torso lengths."""

    start: int
    stop: int
    blend: int
    mismatch: float


def loop_motion(motion: HolisticMotion, blend_s: float = BLEND_S) -> tuple[HolisticMotion, tuple[str, ...]]:
    """The motion as a seamless loop of at least half its length, and sentences about it.

    A way that does not lead back is taken out evenly, so that a walker walks on the spot. Of a motion with cuts the longest
    scene is taken. What is a loop already is returned as it is. Raises MotionError below 12 frames.
    """
    if motion.provenance.get("loop"):
        return motion, ()
    start, stop = max(scene_ranges(motion.cuts, motion.frame_count), key=lambda scene: scene[1] - scene[0])
    notes = () if stop - start == motion.frame_count else ("A loop has no cuts: the longest scene was taken.",)
    if stop - start < FEWEST_FRAMES:
        raise MotionError(
            "The motion is too short for a loop", got=f"{stop - start} frames", expected=f"{FEWEST_FRAMES} or more",
            remedy="Use a longer clip, or turn loop off",
        )  # fmt: skip
    scene = _without_camera(_span(motion, start, stop))
    seam = find_seam(scene, blend_s)
    form = bone_form(scene)
    torso_px = float(np.median(np.linalg.norm(_torso(scene.body), axis=-1)))
    way = form.path[seam.stop] - form.path[seam.start]
    level = _level(form, seam)
    mixed = BoneForm(*(_blended(name, values, seam) for name, values in level._asdict().items()))
    kept = slice(seam.start, seam.stop)
    closed = with_mixed(_span(scene, *kept.indices(scene.frame_count)[:2]), points_of(mixed), lambda name, values: values)
    closed = replace(closed, **{name: _blended(name, getattr(scene, name), seam) for name in BLENDED})
    seconds = (seam.stop - seam.start) / motion.fps
    notes += (f"Loop of {seconds:.2f} s from {(start + seam.start) / motion.fps:.2f} s on, seam blended over {seam.blend} frames.",)
    if np.linalg.norm(way) > CLEAR_WAY * torso_px:
        notes += ("The way does not lead back to its start: the character moves on the spot.",)
    if closed.source is not None and closed.source.has_audio:
        notes += ("The clip's sound is kept and has a seam where the loop closes.",)
    return replace(closed, provenance={**motion.provenance, "loop": True}), notes


BLENDED = ("expression", "head_pose", "root_yaw", "body_confidence", "hands_confidence", "face_confidence")


def find_seam(motion: HolisticMotion, blend_s: float = BLEND_S) -> Seam:
    """Where to close a scene [T >= 12]: the pair of frames with the most alike poses and speeds, long loops preferred."""
    frames = motion.frame_count
    blend = int(np.clip(round(blend_s * motion.fps), 2, frames // 4))
    world = rig_joints(motion.body_world.astype(np.float64))
    torso = max(float(np.median(np.linalg.norm(_torso(motion.body_world), axis=-1))), 1e-3)
    weight = rig_joints(motion.body_confidence[..., None])[..., 0].mean(0)
    pose = world / torso
    speed = np.gradient(pose, axis=0) * motion.fps * SPEED_S
    head = np.stack([np.cos(motion.head_pose), np.sin(motion.head_pose)], axis=-1).reshape(frames, -1) * 0.15
    joints = np.concatenate([pose, speed], axis=-1) * np.sqrt(weight / max(float(weight.sum()), 1e-6))[:, None]
    features = np.concatenate([joints.reshape(frames, -1), head], axis=1)
    squares = (features**2).sum(1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * features @ features.T, 0.0))
    length = np.arange(frames)[None] - np.arange(frames)[:, None]
    possible = (length >= max(SHORTEST_SHARE * frames, 8)) & (np.arange(frames)[None] + blend <= frames)
    possible[0, frames - blend] = True
    cost = np.where(possible, distance + PRICE_OF_SHORTNESS * (1 - length / frames), np.inf)
    start, stop = np.unravel_index(int(cost.argmin()), cost.shape)
    return Seam(int(start), int(stop), blend, float(distance[start, stop]))


def _torso(points: np.ndarray) -> np.ndarray:
    joints = rig_joints(points.astype(np.float64))
    return joints[:, NECK] - joints[:, PELVIS]


def _span(motion: HolisticMotion, start: int, stop: int) -> HolisticMotion:
    """Frames start .. stop - 1 with their piece of the source."""
    if (start, stop) == (0, motion.frame_count):
        return replace(motion, cuts=())
    source = motion.source
    if source is not None:
        source = source.retimed(np.arange(start, stop), source.rate, with_sound=True)
    return replace(with_mixed(motion, {}, lambda name, values: values[start:stop]), cuts=(), source=source)


def _without_camera(motion: HolisticMotion) -> HolisticMotion:
    """A loop has a still camera: what is believed of the clip's is taken out of the points."""
    followed = followed_camera(motion.camera, motion.canvas, motion.body, motion.body_confidence)
    still = replace(motion, camera=still_camera(motion.frame_count))
    if followed is None:
        return still
    undo = inverse_camera(followed)
    return replace(still, **{name: apply_camera(undo, getattr(motion, name)) for name in ("body", "hands", "face")})


def _level(form: BoneForm, seam: Seam) -> BoneForm:
    """Paths and sizes without their drift over the loop: where the loop ends, it has come back to its start."""
    share = (np.arange(len(form.path)) - seam.start) / (seam.stop - seam.start)
    way = form.path[seam.stop] - form.path[seam.start]
    size = np.log(_size(form.bones[seam.stop]) / _size(form.bones[seam.start]))
    shrink = np.exp(-size * share)[:, None, None]
    straight = form.path - way * share[:, None]
    face_way = way * share[:, None]
    about = straight + (form.face_path - face_way - straight) * shrink[:, :, 0]
    return form._replace(
        path=straight, bones=form.bones * shrink, wrists=form.wrists * shrink, hands=form.hands * shrink[..., None],
        face_path=about, face=form.face * shrink,
    )  # fmt: skip


def _size(bones: np.ndarray) -> float:
    return max(float(np.linalg.norm(bones, axis=-1).sum()), 1e-6)


def _blended(name: str, values: np.ndarray, seam: Seam) -> np.ndarray:
    """Frames of the loop; the first `blend` of them come out of those that follow the end."""
    loop = values[seam.start : seam.stop].copy()
    after, first = values[seam.stop : seam.stop + seam.blend].astype(np.float64), loop[: seam.blend].astype(np.float64)
    count = len(after)
    line = (np.arange(count) + 0.5) / count
    weight = (line * line * (3 - 2 * line)).reshape(-1, *([1] * (values.ndim - 1)))
    step = first - after
    if name in ANGLES:
        step = (step + math.pi) % (2 * math.pi) - math.pi
    mixed = after + weight * step
    if name in DIRECTED:
        axes = DIRECTED[name]
        mixed = _on_arc(after, first, weight, axes)
    loop[:count] = mixed.astype(values.dtype)
    return loop


def _on_arc(start: np.ndarray, end: np.ndarray, weight: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Spherical interpolation of vectors over `axes`, lengths linearly (Shoemake 1985)."""
    lengths = [vector_lengths(vectors, axes) for vectors in (start, end)]
    one, other = (vectors / np.maximum(length, 1e-9) for vectors, length in zip((start, end), lengths, strict=True))
    angle = np.arccos(np.clip((one * other).sum(axes, keepdims=True), -1.0, 1.0))
    sine = np.maximum(np.sin(angle), 1e-6)
    near = angle < 1e-3
    mixed = np.where(near, 1 - weight, np.sin((1 - weight) * angle) / sine) * one
    mixed = mixed + np.where(near, weight, np.sin(weight * angle) / sine) * other
    return lengths_kept(mixed, lengths[0] + weight * (lengths[1] - lengths[0]), axes)
