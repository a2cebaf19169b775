"""Give a motion another body: the driver's angles, the subject's bones, the picture's place, facing and camera.

Not here: tracking (pose), drawing (alignment). Called by nodes, sampling, evaluation, training.
Every scene between two cuts is retargeted on its own, so that it starts at the character's place again.
Source: bone directions over another rig's lengths by forward kinematics, as in AnimatedDrawings (Smith et al. 2023), here
with depth from BlazePose's world landmarks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import MotionError
from ..pose.cuts import scene_ranges
from ..pose.face_boxes import face_boxes
from ..pose.skeleton_layouts import NECK, torso_yaw
from ..types import Canvas, CharacterMotion, HolisticMotion, Orientation, SubjectLibrary, SubjectView
from .contacts import keep_touches
from .directed_camera import with_camera
from .face_motion import FaceMotion, face_motion, picture_head
from .facing import calmed_angle, turn_to_picture
from .fitting import fit_into_canvas
from .framing import choose_anchor, displacement, place_as_driver, place_in_picture
from .hand_motion import hand_motion
from .lift import LiftedMotion, Scene, lift_scene, smooth_over_time
from .on_canvas import CanvasKeypoints, keypoints_on_canvas
from .orientation import (
    about_vertical,
    apply_camera,
    camera_on_canvas,
    followed_camera,
    inverse_camera,
    still_camera,
    wrapped,
)
from .perspective import foreshortened
from .planting import hold_feet, standing_feet
from .posing import (
    calibrated_depth,
    driver_directions,
    forward_kinematics,
    lean,
    limb_weights,
    mix_directions,
    own_directions,
)
from .proportions import Proportions, match_proportions, palm_px
from .strength import PartStrengths, with_strength
from .touches import find_touches, listed

SIZE_CHANGE = (0.7, 1.4)  # how much nearer or farther the character may come in its own picture
SIZE_CHANGE_KEEP = (0.4, 2.5)
YAW_SIGMA_FRAMES = 3.0
CALM_SIGMA_S = 0.016  # bends of limbs for feet and touches must not shake more than the driver does
FACING_GAP_DEG = 50.0
BACK_OF_HEAD = -0.3  # cosine of the head's yaw beyond which no face is seen
LARGEST_GAP = 0.08  # torso lengths between two readings of one frame
UNSEEN_SHARE = 0.3
FRAMINGS = ("fit", "keep")


@dataclass(frozen=True)
class RetargetSettings:
    """strength 0 (the picture's own pose) to 1 (the driver's); framing "fit" (stay in the picture) or "keep" (stand where
    the driver stands); direct: joints exactly as tracked on the driver's canvas, for a subject that is the driver itself;
    first_frame: with direct, the subject's picture is the clip's first frame, which then comes out as it is;
    parts: strengths of single parts on top."""

    strength: float = 1.0
    framing: str = "fit"
    keep_proportions_of_driver: bool = False
    direct: bool = False
    first_frame: bool = False
    parts: PartStrengths = PartStrengths()


def retarget(
    motion: HolisticMotion,
    subject: SubjectLibrary,
    orientation: Orientation = Orientation(),
    settings: RetargetSettings = RetargetSettings(),
) -> HolisticMotion:
    """Put `motion` on `subject`: `.character` is set; body, hands and face move to the subject's canvas for drawing.

    Time, sound, source, matte and expression stay the driver's. Raises MotionError for an empty motion, a strength
    outside 0..1, an unknown framing or orientation.
    """
    _check(motion, orientation, settings)
    canvas = motion.canvas if settings.direct else subject.primary_view.canvas
    parts: list[tuple[CharacterMotion, CanvasKeypoints]] = []
    for start, stop in scene_ranges(motion.cuts, motion.frame_count):
        scene, camera = _scene(motion, start, stop, canvas, orientation, settings)
        lifted = lift_scene(scene, near=not settings.direct)
        scene = lifted.scene
        if settings.direct:
            part = _direct(scene, lifted, subject, motion.fps, settings.first_frame and start == 0)
        else:
            around = turn_to_picture(torso_yaw(lifted.joints), subject.primary_view.yaw, orientation, motion.fps)
            part = _on_subject(scene, lifted, subject, around, orientation, settings, motion.fps)
        contacts = tuple(contact._replace(start=contact.start + start, stop=contact.stop + start) for contact in part[0].contacts)
        parts.append((replace(part[0], camera=camera, contacts=contacts), part[1]))
    character = replace(_joined([part for part, _ in parts], canvas), cuts=motion.cuts, fps=motion.fps)
    moved = _moved(motion, character, [keypoints for _, keypoints in parts], orientation)
    moved = with_strength(moved, subject, settings.strength, settings.parts)
    return with_camera(moved, orientation.camera) if orientation.directs_camera and not settings.direct else moved


def _check(motion: HolisticMotion, orientation: Orientation, settings: RetargetSettings) -> None:
    if motion.frame_count < 1:
        raise MotionError("The motion has no frames", got="0 frames", expected="1 or more", remedy="Track a clip first")
    if settings.framing not in FRAMINGS or orientation.mode not in ("video", "image"):
        raise MotionError(
            "Unknown framing or orientation",
            got=f"{settings.framing!r}, {orientation.mode!r}",
            expected='"fit" or "keep", and "video" or "image"',
            remedy="Choose one of the listed words",
        )


def _scene(
    motion: HolisticMotion, start: int, stop: int, canvas: Canvas, orientation: Orientation, settings: RetargetSettings
) -> tuple[Scene, np.ndarray]:
    """The scene's arrays without the driver's camera, and the camera the character's canvas gets instead [t,2,3]."""
    part = slice(start, stop)
    body, hands, face = (np.asarray(points[part], np.float64) for points in (motion.body, motion.hands, motion.face))
    camera = still_camera(stop - start)
    followed = None if settings.direct else followed_camera(motion.camera[part], motion.canvas, body, motion.body_confidence[part])
    if followed is not None:
        undo = inverse_camera(followed)
        body, hands, face = (apply_camera(undo, points) for points in (body, hands, face))
        if not orientation.directs_camera:
            camera = camera_on_canvas(followed, motion.canvas, canvas)
    scene = Scene(
        motion.canvas, body, motion.body_confidence[part], motion.body_world[part], hands, motion.hands_confidence[part],
        face, motion.face_confidence[part],
    )  # fmt: skip
    return scene, camera


def _on_subject(
    scene: Scene, lifted: LiftedMotion, subject: SubjectLibrary, around: np.ndarray, orientation: Orientation,
    settings: RetargetSettings, fps: float,
) -> tuple[CharacterMotion, CanvasKeypoints]:
    """One scene on the subject's bones. around [t]: yaw added to the driver."""
    view = subject.primary_view
    matched = match_proportions(lifted, subject, settings.keep_proportions_of_driver)
    turn = about_vertical(around)
    anchor = choose_anchor(lifted, view)
    notes = _facing_note(lifted, subject, around)
    follow = limb_weights(lifted)
    directions = _directions(lifted, matched, subject, turn, follow, anchor)
    joints, scale, placing = _placed(directions, lifted, matched, subject, around, anchor, scene.canvas, settings)
    notes += placing
    joint_follow = np.concatenate([follow[:, :1], follow], axis=1)  # the root follows as its spine does
    standing = standing_feet(lifted, joint_follow, joints, fps) & (anchor == "feet")
    joints = hold_feet(joints, standing, matched.nearness, view.canvas, fps)
    touches = find_touches(lifted, joint_follow, fps)
    joints = keep_touches(joints, scale, touches, lifted, subject, matched, turn, fps)
    joints = foreshortened(smooth_over_time(joints, CALM_SIGMA_S * fps), matched.nearness, view.canvas)
    if settings.framing == "fit":
        joints, scale, fitting = fit_into_canvas(joints, scale, lifted.confidence, view)
        notes += fitting

    hands, hand_confidence = hand_motion(scene, lifted, turn, fps)
    confidence = joint_follow * lifted.confidence + (1 - joint_follow) * view.joint_confidence[None]
    keypoints = keypoints_on_canvas(
        scene, lifted, subject, joints, scale, joint_follow, hands, matched.px_per_metre, turn
    )
    facing = picture_head(view) if orientation.mode == "video" else None
    face = face_motion(scene, around, lifted.reference, facing)
    character = _character(view.canvas, joints, confidence, scale, face, hands, hand_confidence, notes)
    return replace(character, contacts=listed(touches, standing, fps)), keypoints


def _facing_note(lifted: LiftedMotion, subject: SubjectLibrary, around: np.ndarray) -> tuple[str, ...]:
    """A hint when the driver starts far from the facing of every picture."""
    start = float(np.angle(np.exp(1j * torso_yaw(lifted.joints[lifted.reference])).mean())) + around[0]
    gap_deg = float(np.degrees(min(abs(wrapped(start - view.yaw)) for view in subject.views)))
    if gap_deg < FACING_GAP_DEG:
        return ()
    return (
        f"The driver starts {gap_deg:.0f} degrees away from the picture's facing: orientation \"image\" keeps the picture's "
        "facing, a further picture from that side improves it.",
    )


def _directions(
    lifted: LiftedMotion,
    matched: Proportions,
    subject: SubjectLibrary,
    turn: np.ndarray,
    follow: np.ndarray,
    anchor: str,
) -> np.ndarray:
    """Bone vectors in lengths [t,18,3]: the driver's where seen, the picture's own elsewhere."""
    own = own_directions(matched.own, matched.subject_px)
    driver = calibrated_depth(driver_directions(lifted, turn), own, turn, lifted.reference)
    mixed = mix_directions(np.broadcast_to(own, driver.shape), driver, follow)
    if anchor != "pelvis":
        return mixed
    sway_m = displacement(lifted, 1)[:, 0] / lifted.scale[lifted.reference].mean()
    return lean(mixed, sway_m / lifted.lengths[0] * turn[:, 0, 0], 1 - follow[:, 0])


def _placed(
    directions: np.ndarray,
    lifted: LiftedMotion,
    matched: Proportions,
    subject: SubjectLibrary,
    around: np.ndarray,
    anchor: str,
    source: Canvas,
    settings: RetargetSettings,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Joints on the canvas, scale [t], notes."""
    view, notes = subject.primary_view, ()
    keep = settings.framing == "keep"
    if keep and anchor != "feet":
        keep = False
        notes = ("The driver's framing needs feet on both sides: the character stays where its picture has it.",)
    px_per_driver_px = matched.px_per_metre / lifted.scale[lifted.reference].mean()
    low, high = SIZE_CHANGE_KEEP if keep else SIZE_CHANGE
    scale = np.clip(lifted.relative_scale, low, high)
    if keep:
        same_size = view.canvas.height / source.height / px_per_driver_px
        scale = scale * np.clip(same_size, 0.25, 4.0)
    joints = forward_kinematics(directions, matched.subject_px, scale)
    if keep:
        return place_as_driver(joints, lifted, view, source), scale, notes
    way_ratio = matched.leg_ratio / lifted.scale[lifted.reference].mean() if anchor == "feet" else px_per_driver_px
    placed = place_in_picture(joints, matched.own, lifted, view, anchor, way_ratio, around)
    if anchor in ("neck", "head"):
        notes += (f"Without feet on both sides the {anchor} holds the character in place.",)
    return placed, scale, notes


def _direct(
    scene: Scene, lifted: LiftedMotion, subject: SubjectLibrary, fps: float, first_frame: bool
) -> tuple[CharacterMotion, CanvasKeypoints]:
    """Self-reenactment: the subject is the driver's first frame, targets are the joints as tracked."""
    primary = subject.primary_view.canvas
    scale = lifted.scale / lifted.scale[0] * max(scene.canvas) / max(primary)
    still = np.zeros(scene.frame_count)
    own_palm = palm_px(subject.primary_view) * max(scene.canvas) / max(primary)
    hands, hand_confidence = hand_motion(scene, lifted, about_vertical(still), fps, own_palm)
    face = face_motion(scene, still, slice(0, 1))
    joints = _as_in_picture(lifted.joints, lifted.presence, scale, subject.primary_view) if first_frame else lifted.joints
    character = _character(scene.canvas, joints, lifted.confidence, scale, face, hands, hand_confidence, ())
    keypoints = CanvasKeypoints(scene.body, scene.body_confidence, scene.body_world, scene.hands, scene.face)
    return character, keypoints


def _as_in_picture(joints: np.ndarray, presence: np.ndarray, scale: np.ndarray, view: SubjectView) -> np.ndarray:
    """Tracked joints [t,19,3] such that the first frame is the picture itself.

    A clip and its first frame alone are read a few pixels apart, which would shift the whole figure: each joint keeps the
    gap it has in the first frame, if it is no misreading. Joints out of sight stay where they are from the neck.
    """
    picture = view.joints[:, :2] * scale[0]
    gap = picture - joints[0, :, :2]
    gap[np.linalg.norm(gap, axis=-1) > LARGEST_GAP * view.torso_px * scale[0]] = 0.0
    moved = joints.copy()
    moved[..., :2] += gap
    unseen = presence < UNSEEN_SHARE
    if presence[NECK] >= UNSEEN_SHARE and gap[NECK].any():
        rigid = moved[:, NECK, None, :2] + (picture - picture[NECK])[None] * (scale / scale[0])[:, None, None]
        moved[:, unseen, :2] = rigid[:, unseen]
    return moved


def _character(
    canvas: Canvas,
    joints: np.ndarray,
    confidence: np.ndarray,
    scale: np.ndarray,
    face: FaceMotion,
    hands: np.ndarray,
    hand_confidence: np.ndarray,
    notes: tuple[str, ...],
) -> CharacterMotion:
    yaw = calmed_angle(torso_yaw(joints), YAW_SIGMA_FRAMES)
    return CharacterMotion(
        canvas=canvas,
        joints=joints.astype(np.float32),
        joint_confidence=np.clip(confidence, 0.0, 1.0).astype(np.float32),
        scale=scale.astype(np.float32),
        head_rotation=face.head_rotation,
        head_yaw=face.head_yaw,
        eye_openness=face.eye_openness,
        mouth_gap=face.mouth_gap,
        gaze=face.gaze,
        hands=hands,
        hand_confidence=hand_confidence,
        body_yaw=wrapped(yaw).astype(np.float32),
        camera=still_camera(len(joints)),
        face_displacement=face.displacement,
        notes=notes,
    )


def _joined(parts: list[CharacterMotion], canvas: Canvas) -> CharacterMotion:
    """Scenes one after another; a scene without a face gets a still one when another scene has one."""
    if len(parts) == 1:
        return parts[0]
    with_face = any(part.face_displacement is not None for part in parts)

    def faces(part: CharacterMotion) -> np.ndarray:
        still = np.zeros((len(part.joints), 478, 3), np.float32)
        return still if part.face_displacement is None else part.face_displacement

    names = (
        "joints", "joint_confidence", "scale", "head_rotation", "head_yaw", "eye_openness", "mouth_gap", "gaze", "hands",
        "hand_confidence", "body_yaw", "camera",
    )  # fmt: skip
    return CharacterMotion(
        canvas=canvas,
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
        face_displacement=np.concatenate([faces(part) for part in parts]) if with_face else None,
        notes=_without_repeats(note for part in parts for note in part.notes),
        contacts=tuple(contact for part in parts for contact in part.contacts),
    )


def _without_repeats(notes: Iterable[str]) -> tuple[str, ...]:
    """The first of notes that differ only in their numbers."""
    first: dict[str, str] = {}
    for note in notes:
        first.setdefault(re.sub(r"\d+", "", note), note)
    return tuple(first.values())


def _moved(
    motion: HolisticMotion, character: CharacterMotion, keypoints: list[CanvasKeypoints], orientation: Orientation
) -> HolisticMotion:
    """The motion with keypoints on the canvas as finally seen, camera included."""
    body, confidence, world, hands, face = (np.concatenate(parts) for parts in zip(*keypoints, strict=True))
    away = np.cos(character.head_yaw) < BACK_OF_HEAD
    pose = motion.head_pose.copy()
    pose[:, 0] = np.where(motion.face_confidence > 0, character.head_yaw, pose[:, 0])
    return replace(
        motion,
        canvas=character.canvas,
        body=apply_camera(character.camera, body.astype(np.float32)),
        body_confidence=np.clip(confidence, 0.0, 1.0).astype(np.float32),
        body_world=world.astype(np.float32),
        hands=apply_camera(character.camera, hands.astype(np.float32)),
        hands_confidence=character.hand_confidence,
        face=apply_camera(character.camera, face.astype(np.float32)),
        face_confidence=np.where(away, 0.0, motion.face_confidence).astype(np.float32),
        head_pose=pose.astype(np.float32),
        root_yaw=character.body_yaw,
        camera=character.camera,
        provenance={**motion.provenance, "retargeted": True, "orientation": orientation.mode},
        character=character,
        driver_face_box=face_boxes(motion.face, motion.face_confidence),
    )
