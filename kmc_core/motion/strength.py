"""Motion strength: anything between the picture's own pose (0) and the retargeted driver (1), whole or part by part.

Not here: retargeting itself, which always works at full strength and ends here. Called by retarget.py and by nodes on a
motion that is retargeted already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import MotionError
from ..pose.cuts import scene_ranges
from ..pose.skeleton_layouts import HEAD, LEFT_ARM, NECK, PELVIS, RIGHT_ARM, bone_vectors, torso_yaw
from ..types import CharacterMotion, HolisticMotion, SubjectLibrary, SubjectView
from .face_motion import LARGEST_TURN, LOOKING_AWAY
from .framing import stands
from .ground import lowest_foot, stand_on
from .hand_motion import mix_hands, own_hands
from .on_canvas import ATTACHED_TO
from .lift import reference_frames
from .orientation import about_vertical, apply_camera, inverse_camera, wrapped
from .posing import forward_kinematics, mix_directions
from .proportions import palm_px

NECK_BONE = 1


class PartStrengths(NamedTuple):
    """How much of the motion each part takes over, on top of the strength of the whole.

    body        0..1 trunk, limbs and the path of the whole figure
    hands       0..1 shapes of the fingers
    face        0..1 lids, lips, cheeks, gaze
    head        0..1 turning and nodding of the head against the torso, and the neck
    expression  0..2 gain on what lids, lips and cheeks do: 1 as the driver, 2 twice as lively
    """

    body: float = 1.0
    hands: float = 1.0
    face: float = 1.0
    head: float = 1.0
    expression: float = 1.0


def with_strength(
    motion: HolisticMotion, subject: SubjectLibrary, strength: float, parts: PartStrengths = PartStrengths()
) -> HolisticMotion:
    """Weaken a retargeted motion: 0 holds the picture's own pose, face and hands, 1 returns `motion` as it is.

    Bone directions are mixed on the arc, so limbs keep their lengths; paths, jumps, size changes, head, face and hands
    are scaled. The camera stays. `parts` weakens single parts further. Raises MotionError without a character, for a
    strength outside 0..1 or an expression gain outside 0..2.
    """
    for name, value in (("motion", strength), *parts._asdict().items()):
        highest = 2.0 if name == "expression" else 1.0
        if not 0.0 <= value <= highest:
            raise MotionError(
                f"The {name} strength is out of range", got=f"{value}", expected=f"0 to {highest:g}", remedy="Set it to 1"
            )
    if motion.character is None:
        raise MotionError(
            "Strength needs a retargeted motion", got="a motion without a character", expected="the output of a retarget",
            remedy="Retarget the motion onto the subject first",
        )  # fmt: skip
    if strength == 1.0 and parts == PartStrengths():
        return motion
    shares = PartStrengths(*(strength * value for value in parts[:4]), parts.expression)
    before = motion.character
    after = _weakened(before, subject, shares)
    undo = inverse_camera(before.camera)
    view = subject.primary_view
    body = _moved_body(apply_camera(undo, motion.body), before, after, view, shares.body)
    face = _moved_face(apply_camera(undo, motion.face), before, after, view, min(shares.head, shares.face))
    wrists = after.joints[:, [LEFT_ARM[2], RIGHT_ARM[2]]] * np.array([1, 1, 0], np.float32)
    hands = wrists[:, :, None] + after.hands * (palm_px(subject.primary_view) * after.scale)[:, None, None, None]
    own_visible = view.keypoints.body_confidence
    head_pose = motion.head_pose * np.float32(shares.head)
    head_pose[:, 0] = after.head_yaw
    return replace(
        motion,
        body=apply_camera(after.camera, body.astype(np.float32)),
        body_confidence=(shares.body * motion.body_confidence + (1 - shares.body) * own_visible).astype(np.float32),
        hands=apply_camera(after.camera, hands.astype(np.float32)),
        hands_confidence=after.hand_confidence,
        face=apply_camera(after.camera, face.astype(np.float32)),
        expression=np.clip(motion.expression * (shares.face * shares.expression), 0, 1).astype(np.float32),
        head_pose=head_pose,
        root_yaw=after.body_yaw,
        character=after,
    )


def _weakened(full: CharacterMotion, subject: SubjectLibrary, shares: PartStrengths) -> CharacterMotion:
    view = subject.primary_view
    scale = full.scale.astype(np.float64) ** shares.body
    joints = _mixed_joints(full, view, scale, shares)
    own_shapes, own_seen = own_hands(subject)
    own_shapes = np.broadcast_to(own_shapes, full.hands.shape)
    own_shapes = _with_forearms(own_shapes, np.broadcast_to(view.joints, joints.shape), joints)
    driver_shapes = _with_forearms(full.hands, full.joints, joints)
    hands, hand_confidence = mix_hands((own_shapes, own_seen), (driver_shapes, full.hand_confidence), shares.hands)
    displacement, lively = full.face_displacement, np.float32(shares.face * shares.expression)
    confidence = shares.body * full.joint_confidence + (1 - shares.body) * view.joint_confidence[None]
    turned = wrapped(full.body_yaw - torso_yaw(full.joints)) * shares.body
    body_yaw = wrapped(torso_yaw(joints) + turned)
    own_twist = wrapped(view.head_yaw - view.yaw)
    twist = own_twist + shares.head * wrapped(full.head_yaw - full.body_yaw - own_twist)
    return replace(
        full,
        joints=joints.astype(np.float32),
        joint_confidence=confidence.astype(np.float32),
        scale=scale.astype(np.float32),
        head_rotation=_weakened_head(full, shares).astype(np.float32),
        head_yaw=wrapped(body_yaw + twist).astype(np.float32),
        face_displacement=None if displacement is None else displacement * lively,
        eye_openness=np.maximum(1 + (full.eye_openness - 1) * lively, 0.0).astype(np.float32),
        mouth_gap=full.mouth_gap * lively,
        gaze=full.gaze * np.float32(shares.face),
        hands=hands,
        hand_confidence=hand_confidence,
        body_yaw=body_yaw.astype(np.float32),
    )


def _with_forearms(shapes: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Hand shapes [T,2,21,3] turned as the forearms turn from joints `before` to `after` [T,19,3]."""
    turned = np.empty(shapes.shape, np.float64)
    for side, arm in enumerate((LEFT_ARM, RIGHT_ARM)):
        old, new = (joints[:, arm[2]].astype(np.float64) - joints[:, arm[1]] for joints in (before, after))
        old, new = (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9) for vectors in (old, new))
        axis = np.cross(old, new)
        sine = np.linalg.norm(axis, axis=-1, keepdims=True)
        angle = np.arctan2(sine, (old * new).sum(-1, keepdims=True))
        rotation = Rotation.from_rotvec(axis * angle / np.maximum(sine, 1e-9)).as_matrix()
        turned[:, side] = np.einsum("tij,tnj->tni", rotation, shapes[:, side])
    return turned


def _weakened_head(full: CharacterMotion, shares: PartStrengths) -> np.ndarray:
    """Head rotations [T,3,3]: what the torso's turn does to the head goes by the body's share, the rest by the head's."""
    turn = np.zeros(len(full.joints))
    for start, stop in scene_ranges(full.cuts, len(turn)):
        yaw = np.unwrap(full.body_yaw[start:stop].astype(np.float64))
        turn[start:stop] = wrapped(yaw - yaw[reference_frames(stop - start)].mean())
    seen = np.clip((np.pi - np.abs(turn)) / (np.pi - LOOKING_AWAY), 0.0, 1.0)
    with_torso = np.clip(turn, -LARGEST_TURN * seen, LARGEST_TURN * seen)
    own = Rotation.from_matrix(np.swapaxes(about_vertical(with_torso), 1, 2) @ full.head_rotation).as_rotvec()
    return about_vertical(with_torso * shares.body) @ Rotation.from_rotvec(own * shares.head).as_matrix()


def _mixed_joints(full: CharacterMotion, view: SubjectView, scale: np.ndarray, shares: PartStrengths) -> np.ndarray:
    """Joints [T,19,3] between picture and full motion; a standing character keeps its feet's ground, others their neck."""
    own = view.joints.astype(np.float64)
    joints = full.joints.astype(np.float64)
    vectors = bone_vectors(joints) / full.scale[:, None, None]
    own_vectors = np.broadcast_to(bone_vectors(own), vectors.shape)
    weight = np.full(vectors.shape[:2], shares.body)
    weight[:, NECK_BONE] = shares.head
    out = forward_kinematics(mix_directions(own_vectors, vectors, weight), np.ones(vectors.shape[1]), scale)

    def between(start: np.ndarray | float, end: np.ndarray) -> np.ndarray:
        return (1 - shares.body) * start + shares.body * end

    out[..., 2] += between(own[PELVIS, 2], joints[:, PELVIS, 2])[:, None]
    if stands(view):
        out[..., 0] += between(own[PELVIS, 0], joints[:, PELVIS, 0])[:, None]
        return stand_on(out, between(lowest_foot(own), lowest_foot(joints)))
    out[..., :2] += (between(own[NECK, :2], joints[:, NECK, :2]) - out[:, NECK, :2])[:, None]
    return out


def _moved_body(
    body: np.ndarray, before: CharacterMotion, after: CharacterMotion, view: SubjectView, strength: float
) -> np.ndarray:
    """BlazePose points [T,33,2]: offsets from their rig joints are mixed, then hung on the new joints."""
    resized = (after.scale / before.scale)[:, None, None]
    offset = (body - before.joints[:, ATTACHED_TO, :2]) * resized
    own_offset = (view.keypoints.body - view.joints[ATTACHED_TO, :2])[None] * after.scale[:, None, None]
    return after.joints[:, ATTACHED_TO, :2] + strength * offset + (1 - strength) * own_offset


def _moved_face(
    face: np.ndarray, before: CharacterMotion, after: CharacterMotion, view: SubjectView, strength: float
) -> np.ndarray:
    """Face [T,478,3] on the new head, between the picture's own face (where there is one) and the driver's."""
    offset = face.astype(np.float64)
    offset[..., :2] -= before.joints[:, None, HEAD, :2]
    offset *= (after.scale / before.scale)[:, None, None]
    if view.keypoints.face_confidence > 0:
        own = view.keypoints.face.astype(np.float64)
        own[:, :2] -= view.joints[HEAD, :2]
        offset = strength * offset + (1 - strength) * own[None] * after.scale[:, None, None]
    offset[..., :2] += after.joints[:, None, HEAD, :2]
    return offset
