"""The bodies of the retargeting table: an average adult who performs, six others who receive, as skeletons without pixels.

A figure is a character of the procedural renderer without its skin: bones, head and hands, hence exact landmarks of any pose
seen by any camera. Not here: what they do (retarget_plans.py), measuring (retarget.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..pose.skeleton_layouts import bone_vectors, rig_joints
from ..subject.rig import build_rig
from ..training.synthetic.arm_poses import ARM_POSES, set_arm
from ..training.synthetic.body import BodySolids, body_solids
from ..training.synthetic.camera import Camera, frame_camera
from ..training.synthetic.character import Character, CharacterDesign, head_origin
from ..training.synthetic.head import FaceShape, build_head, deform
from ..training.synthetic.landmarks import FrameTruth, frame_truth, picture_keypoints_of
from ..training.synthetic.posing import PoseGoals, place_face, pose_bones, reach_floor
from ..training.synthetic.renderer import Posed
from ..training.synthetic.skeleton import BONE, BodyShape, rest_joints
from ..types import Canvas, SubjectLibrary, SubjectView

CANVAS = Canvas(1024, 1024)
MARGIN = 1.35
HEAD_DETAIL = 0.6
ADULT = BodyShape()
BODIES: dict[str, tuple[BodyShape, FaceShape]] = {
    "child": (
        BodyShape(leg=0.53, torso=0.37, neck=0.058, head=1.08, shoulder=0.112, hip=0.065, arm=0.365, hand=0.74, foot=0.74, thickness=0.75),
        FaceShape(eye_width=0.0185, eye_gap=0.0338, eye_height=1.2, nose=0.68, chin=0.75, width=1.05),
    ),
    "giant": (
        BodyShape(leg=1.45, torso=0.88, neck=0.12, head=1.35, shoulder=0.32, hip=0.15, arm=1.02, hand=1.75, foot=1.65, thickness=1.7),
        FaceShape(jaw=1.08, chin=1.2),
    ),
    "chibi": (
        BodyShape(leg=0.34, torso=0.30, neck=0.035, head=1.55, shoulder=0.105, hip=0.062, arm=0.30, hand=0.80, foot=0.84, thickness=0.84),
        FaceShape(eye_width=0.0218, eye_height=1.6, eye_gap=0.0360, nose=0.55, mouth_width=0.0195, chin=0.75, width=1.05),
    ),
    "heavy": (
        BodyShape(leg=0.78, torso=0.54, neck=0.070, head=1.14, shoulder=0.182, hip=0.096, arm=0.53, hand=1.05, thickness=1.30, waist=1.18, belly=0.75, hips=1.05),
        FaceShape(width=1.05),
    ),
    "long_limbed": (
        BodyShape(leg=1.05, torso=0.50, neck=0.11, head=1.05, shoulder=0.155, hip=0.080, arm=0.70, hand=1.10, foot=1.05, thickness=0.8),
        FaceShape(),
    ),
    "robot": (
        BodyShape(leg=0.62, torso=0.66, neck=0.045, head=0.92, shoulder=0.235, hip=0.125, arm=0.66, hand=1.45, foot=1.45, thickness=1.15),
        FaceShape(eye_width=0.0205, eye_gap=0.0360),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A body that can be posed and looked at. bare: a Character of the renderer without a surface; solids: what it is made of."""

    bare: Character
    solids: BodySolids

    @property
    def shape(self) -> BodyShape:
        return self.bare.design.shape

    def pose_bones(self, goals: PoseGoals) -> Posed:
        """Bones at one instant, feet lifted out of the floor as the renderer does."""
        rest = self.bare.rest
        turns, places = pose_bones(self.shape, rest, goals)
        places[:, 1] -= min(reach_floor(self.shape, turns, places, rest), 0.0)
        nothing = np.zeros((0, 3))
        return Posed(nothing, nothing, turns, places, goals.face)

    def with_head(self, posed: Posed, goals: PoseGoals) -> Posed:
        """The same with eyes, jaw and the head's surface, on which the face points ride."""
        rest, head = self.bare.rest, BONE["head"]
        place_face(posed.turns, posed.places, rest, self.bare.eye_centres, goals)
        skin = self.bare.head_origin + deform(self.bare.head, goals.face) * self.shape.head
        vertices = (skin - rest[head]) @ posed.turns[head].T + posed.places[head]
        return replace(posed, vertices=vertices)

    def pose(self, goals: PoseGoals) -> Posed:
        """Bones and head at one instant."""
        return self.with_head(self.pose_bones(goals), goals)

    def seen(self, posed: Posed, camera: Camera) -> FrameTruth:
        """Its landmarks as a perfect detector would report them: nothing hides anything."""
        return frame_truth(self.bare, posed, camera, CANVAS, np.zeros(CANVAS, np.float32))

    def camera(self, yaw: float = 0.0, pitch: float = 0.0) -> Camera:
        """A camera that leaves room for every gesture on all sides."""
        return replace(frame_camera(self.shape, CANVAS, "wide", margin=MARGIN), yaw=yaw, pitch=pitch)


def build_figure(shape: BodyShape = ADULT, face: FaceShape = FaceShape()) -> Figure:
    """The figure of a body shape and a face."""
    rest = rest_joints(shape)
    grid = build_head(face, HEAD_DETAIL)
    origin = head_origin(shape, rest)
    design = CharacterDesign(shape=shape, face=face)
    eyes = origin + grid.eye_centres * shape.head
    bare = Character(design, None, grid, slice(0, len(grid.vertices)), origin, rest, eyes, None, np.zeros(0, bool), None, np.zeros(0), np.zeros(0))
    return Figure(bare, body_solids(shape))


def picture_goals() -> PoseGoals:
    """How the characters stand in their pictures: frontal, arms a little away, feet apart."""
    goals = PoseGoals(heading=0.08)
    for side in (0, 1):
        set_arm(goals, side, ARM_POSES["away"])
        goals.ankles[side] += [0.05, 0.0, 0.0]
    return goals


def subject_of(figure: Figure, name: str) -> SubjectLibrary:
    """The library that a picture of the figure gives, from that picture's keypoints and matte (its pixels are blank)."""
    posed, camera = figure.pose(picture_goals()), figure.camera()
    keypoints = picture_keypoints_of(figure.seen(posed, camera))
    rig = build_rig(keypoints, CANVAS)
    blank = np.full((*CANVAS, 3), 128, np.uint8)
    view = SubjectView(
        blank, _silhouette(figure, posed, camera), blank, keypoints, rig.joints, rig.confidence, rig.torso_px, rig.yaw, rig.head_yaw
    )
    return SubjectLibrary(name, (view,), 0, rig.lengths, rig.known, np.ones(1, np.float32))


def _silhouette(figure: Figure, posed: Posed, camera: Camera) -> np.ndarray:
    """Matte of trunk and limbs, float32: the outline of the body's solids seen from the front."""
    solids, rest = figure.solids, figure.bare.rest
    matte, scale = np.zeros(CANVAS, np.uint8), px_per_metre(camera)

    def seen(bone: int, places: np.ndarray) -> np.ndarray:
        return camera.project(posed.places[bone] + (places - rest[bone]) @ posed.turns[bone].T, CANVAS)[0]

    heights, half_widths = solids.trunk.rows[:, 0], solids.trunk.rows[:, 1]
    outline = [np.column_stack([sign * half_widths, heights, np.zeros(len(heights))]) for sign in (1, -1)]
    polygon = seen(BONE["pelvis"], np.concatenate([outline[0], outline[1][::-1]]))
    cv2.fillPoly(matte, [np.round(polygon).astype(np.int32)], 1)
    for limb in solids.limbs.values():
        ways = np.linspace(0, 1, 12)[:, None]
        radii = np.interp(ways[:, 0], np.linspace(0, 1, len(limb.radii)), limb.radii)
        for place, radius in zip(seen(limb.bone, limb.start + ways * (limb.end - limb.start)), radii, strict=True):
            cv2.circle(matte, tuple(np.round(place).astype(int).tolist()), max(1, round(radius * scale)), 1, -1)
    return matte.astype(np.float32)


def bone_lengths_px(figure: Figure) -> np.ndarray:
    """True lengths [18] of the rig's bones in px of its picture, in the picture's stance."""
    camera = figure.camera()
    world = figure.seen(figure.pose(picture_goals()), camera).body_world
    lengths = np.linalg.norm(bone_vectors(rig_joints(world.astype(np.float64))), axis=-1)
    return lengths * px_per_metre(camera)


def px_per_metre(camera: Camera) -> float:
    """Canvas px of a metre at the place the camera looks at."""
    return camera.focal * CANVAS.height / camera.distance
