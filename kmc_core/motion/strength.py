"""Motion strength: anything between the picture's own pose (0) and the retargeted driver (1).

Not here: retargeting itself, which always works at full strength and ends here. Called by retarget.py and by nodes on a
motion that is retargeted already.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from ..errors import MotionError
from ..pose.skeleton_layouts import HEAD, LEFT_ARM, NECK, PELVIS, RIGHT_ARM, bone_vectors, torso_yaw
from ..types import CharacterMotion, HolisticMotion, SubjectLibrary, SubjectView
from .framing import stands
from .ground import lowest_foot, stand_on
from .hand_motion import mix_hands, own_hands
from .on_canvas import ATTACHED_TO
from .orientation import apply_camera, inverse_camera, wrapped
from .posing import forward_kinematics, mix_directions
from .proportions import palm_px


def with_strength(motion: HolisticMotion, subject: SubjectLibrary, strength: float) -> HolisticMotion:
    """Weaken a retargeted motion: 0 holds the picture's own pose, face and hands, 1 returns `motion` as it is.

    Bone directions are mixed on the arc, so limbs keep their lengths; paths, jumps, size changes, head, face and hands
    are scaled. The camera stays. Raises MotionError without a character or for a strength outside 0..1.
    """
    if not 0.0 <= strength <= 1.0:
        raise MotionError(
            "Motion strength is out of range", got=f"{strength}", expected="0 to 1", remedy="Set it to 1"
        )
    if motion.character is None:
        raise MotionError(
            "Strength needs a retargeted motion", got="a motion without a character", expected="the output of a retarget",
            remedy="Retarget the motion onto the subject first",
        )  # fmt: skip
    if strength == 1.0:
        return motion
    before = motion.character
    after = _weakened(before, subject, strength)
    undo = inverse_camera(before.camera)
    body = _moved_body(apply_camera(undo, motion.body), before, after, subject.primary_view, strength)
    face = _moved_face(apply_camera(undo, motion.face), before, after, subject.primary_view, strength)
    wrists = after.joints[:, [LEFT_ARM[2], RIGHT_ARM[2]]] * np.array([1, 1, 0], np.float32)
    hands = wrists[:, :, None] + after.hands * (palm_px(subject) * after.scale)[:, None, None, None]
    own_visible = subject.primary_view.keypoints.body_confidence
    head_pose = motion.head_pose * np.float32(strength)
    head_pose[:, 0] = after.head_yaw
    return replace(
        motion,
        body=apply_camera(after.camera, body.astype(np.float32)),
        body_confidence=(strength * motion.body_confidence + (1 - strength) * own_visible).astype(np.float32),
        hands=apply_camera(after.camera, hands.astype(np.float32)),
        hands_confidence=after.hand_confidence,
        face=apply_camera(after.camera, face.astype(np.float32)),
        expression=motion.expression * np.float32(strength),
        head_pose=head_pose,
        root_yaw=after.body_yaw,
        character=after,
    )


def _weakened(full: CharacterMotion, subject: SubjectLibrary, strength: float) -> CharacterMotion:
    view = subject.primary_view
    scale = full.scale.astype(np.float64) ** strength
    joints = _mixed_joints(full, view, scale, strength)
    rotation = Rotation.from_rotvec(Rotation.from_matrix(full.head_rotation).as_rotvec() * strength).as_matrix()
    hands, hand_confidence = mix_hands(own_hands(subject), (full.hands, full.hand_confidence), strength)
    displacement = full.face_displacement
    confidence = strength * full.joint_confidence + (1 - strength) * view.joint_confidence[None]
    turned = wrapped(full.body_yaw - torso_yaw(full.joints)) * strength
    return replace(
        full,
        joints=joints.astype(np.float32),
        joint_confidence=confidence.astype(np.float32),
        scale=scale.astype(np.float32),
        head_rotation=rotation.astype(np.float32),
        head_yaw=wrapped(view.head_yaw + strength * wrapped(full.head_yaw - view.head_yaw)).astype(np.float32),
        face_displacement=None if displacement is None else displacement * np.float32(strength),
        eye_openness=(1 + (full.eye_openness - 1) * strength).astype(np.float32),
        mouth_gap=full.mouth_gap * np.float32(strength),
        gaze=full.gaze * np.float32(strength),
        hands=hands,
        hand_confidence=hand_confidence,
        body_yaw=wrapped(torso_yaw(joints) + turned).astype(np.float32),
    )


def _mixed_joints(full: CharacterMotion, view: SubjectView, scale: np.ndarray, strength: float) -> np.ndarray:
    """Joints [T,19,3] between picture and full motion; a standing character keeps its feet's ground, others their neck."""
    own = view.joints.astype(np.float64)
    joints = full.joints.astype(np.float64)
    vectors = bone_vectors(joints) / full.scale[:, None, None]
    own_vectors = np.broadcast_to(bone_vectors(own), vectors.shape)
    mixed = mix_directions(own_vectors, vectors, np.full(vectors.shape[:2], strength))
    out = forward_kinematics(mixed, np.ones(vectors.shape[1]), scale)

    def between(start: np.ndarray | float, end: np.ndarray) -> np.ndarray:
        return (1 - strength) * start + strength * end

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
