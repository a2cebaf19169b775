"""Records that cross the doors between rooms. No behaviour beyond what keeps a record consistent.

Axes   B batch, T frames, J joints, K landmarks, C channels, H, W, N tokens, D width, V views.
Points pixels, origin top-left, x right, y down, of the named canvas; pixel centres lie at integer + 0.5.
3-D    metres (or canvas pixels where said), hip-centred, x right, y down, z away from the camera.
Sides  left and right are the SUBJECT's. Side axis 2 = (left, right).
Angles radians inside, degrees (`_deg`) at the user's edge; yaw 0 = facing the camera, positive = turned to the picture's right.
Absent a value with confidence 0 is absent; every array stays finite (no NaN crosses a door).
Arrays of geometry are numpy float32; pixels are numpy uint8 [T,H,W,3] in streams and torch float32 in networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .media.clip import Clip

Progress = Callable[[int, int, str], None]
"""progress(done, total, stage)"""
ShouldStop = Callable[[], bool]
"""should_stop() -> True when the caller wants the work abandoned; the room then raises errors.Cancelled."""


class Canvas(NamedTuple):
    """Size of a picture in pixels, in the order of array axes."""

    height: int
    width: int


class AudioTrack(NamedTuple):
    """Sound of a clip. waveform: float32 [C,S] in -1..1; sample_rate: Hz."""

    waveform: np.ndarray
    sample_rate: int


class CameraDirective(NamedTuple):
    """A virtual camera over the whole clip. All are totals reached at the last frame; the defaults are a still camera.

    pan_deg > 0 looks to the right (the character moves left), tilt_deg > 0 looks up, zoom 1.2 = 20 % closer.
    """

    pan_deg: float = 0.0
    tilt_deg: float = 0.0
    zoom: float = 1.0
    orbit_deg: float = 0.0


class Orientation(NamedTuple):
    """mode "video": facing and camera follow the driving clip (<= 30 s); "image": facing stays the picture's (<= 10 s).

    keep_camera: with "video", whether the driver's own camera motion is kept. camera: the directed camera, used where the
    driver's is not kept: with "image", and with "video" when keep_camera is False.
    """

    mode: str = "video"
    camera: CameraDirective = CameraDirective()
    keep_camera: bool = True

    @property
    def max_seconds(self) -> float:
        return 30.0 if self.mode == "video" else 10.0

    @property
    def directs_camera(self) -> bool:
        """True where the directed camera is used instead of the driver's."""
        return self.mode == "image" or not self.keep_camera


class Contact(NamedTuple):
    """Something the performer touches for a while, kept on the character. part: "left_hand", "right_hand", "left_foot" or
    "right_foot"; place: "face", "other_hand" (listed once, for the left hand), "hip", "thigh" or "ground"; frames start..stop-1."""

    part: str
    place: str
    start: int
    stop: int


@dataclass(frozen=True)
class CharacterMotion:
    """A motion on a character's body: what `motion.retarget` makes and `alignment` draws.

    Coordinates are pixels of `canvas`, which is the subject's primary picture (or its extension), not the output.
    joints             [T,19,3] rig joints (pose/skeleton_layouts.py RIG_JOINTS); z in canvas px, away from the camera
    joint_confidence   [T,19]
    scale              [T] canvas px per px of the primary picture for body parts (1 = the picture's own size)
    head_rotation      [T,3,3] rotation of the head against the neutral head of the motion, picture axes (x right, y down, z away)
    head_yaw           [T] absolute yaw of the driver's head in the target orientation (chooses the view for the head)
    face_displacement  [T,478,3] or None: driver minus driver-neutral, in the head's own axes, unit = outer-eye distance
    eye_openness       [T,2] eyelid opening relative to neutral, (left, right), 0 closed, 1 neutral, > 1 wide
    mouth_gap          [T] inner-lip gap minus neutral, in outer-eye distances
    gaze               [T,2,2] iris offset from the eye's centre, (left, right) x (x, y), in half eye widths
    hands              [T,2,21,3] relative to the wrist, unit = the driver's unforeshortened palm length (wrist to middle MCP)
    hand_confidence    [T,2] fades to 0 over long gaps
    body_yaw           [T] yaw of the torso in the target orientation (chooses the view)
    camera             [T,2,3] similarity applied to canvas and plate (identity unless the camera moves)
    notes              plain sentences for the report
    cuts               first frames of every scene but the first: nothing is faded or smoothed across them
    contacts           touches of the driver that were kept, in the order of their starts
    fps                frames per second of all of it
    """

    canvas: Canvas
    joints: np.ndarray
    joint_confidence: np.ndarray
    scale: np.ndarray
    head_rotation: np.ndarray
    head_yaw: np.ndarray
    eye_openness: np.ndarray
    mouth_gap: np.ndarray
    gaze: np.ndarray
    hands: np.ndarray
    hand_confidence: np.ndarray
    body_yaw: np.ndarray
    camera: np.ndarray
    face_displacement: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    cuts: tuple[int, ...] = ()
    contacts: tuple[Contact, ...] = ()
    fps: float = 25.0


@dataclass(frozen=True)
class HolisticMotion:
    """Everything known of one performer in one clip, T frames at constant fps.

    body            [T,33,2] BlazePose-33 pixels of `canvas`; body_confidence [T,33] visibility 0..1 (0 = unseen)
    body_world      [T,33,3] metres, hip-centred
    hands           [T,2,21,3] x, y pixels, z in pixels relative to the wrist (negative = nearer); hands_confidence [T,2]
    face            [T,478,3] x, y pixels, z in pixels (negative = nearer); face_confidence [T]
    expression      [T,E] named in pose/expression.py EXPRESSION_NAMES, neutral-relative, about 0..1
    head_pose       [T,3] yaw, pitch (> 0 looks down), roll; root_yaw [T] of the torso
    camera          [T,2,3] similarity taking the scene's first frame's background to frame t (identity = still camera)
    cuts            first frames of every scene but the first
    matte           uint8 [T,h,w], long side <= 256, person = 255, or None
    source          the clip it was read from (frames, sound), or None
    provenance      detector, settings, counts: plain strings and numbers for the report
    character       set once the motion has been retargeted
    driver_face_box [T,4] left, top, right, bottom of the performer's face in pixels of `source` (zeros: unseen), set with
                    `character`, because `face` then lies on the character's canvas
    """

    fps: float
    canvas: Canvas
    body: np.ndarray
    body_confidence: np.ndarray
    body_world: np.ndarray
    hands: np.ndarray
    hands_confidence: np.ndarray
    face: np.ndarray
    face_confidence: np.ndarray
    expression: np.ndarray
    head_pose: np.ndarray
    root_yaw: np.ndarray
    camera: np.ndarray
    cuts: tuple[int, ...] = ()
    matte: np.ndarray | None = None
    source: Clip | None = None
    provenance: Mapping[str, object] = field(default_factory=dict)
    character: CharacterMotion | None = None
    driver_face_box: np.ndarray | None = None

    @property
    def frame_count(self) -> int:
        return len(self.body)

    @property
    def seconds(self) -> float:
        return self.frame_count / self.fps

    def with_character(self, character: CharacterMotion) -> HolisticMotion:
        return replace(self, character=character)


@dataclass(frozen=True)
class PictureKeypoints:
    """One still picture's person, same conventions as HolisticMotion without the frame axis.

    body [33,2] + confidence [33], body_world [33,3], hands [2,21,3] + [2], face [478,3] + float,
    detection: the person detector's score 0..1 (presence alone is no validity test, guides/pose.md section 5).
    user_supplied: keypoints came from the user, so sanity gates do not overrule them.
    """

    body: np.ndarray
    body_confidence: np.ndarray
    body_world: np.ndarray
    hands: np.ndarray
    hands_confidence: np.ndarray
    face: np.ndarray
    face_confidence: float
    detection: float
    user_supplied: bool = False


@dataclass(frozen=True)
class SubjectView:
    """One picture of the character, cut out and rigged.

    picture    uint8 [H,W,3], the working picture (long side <= 1280)
    alpha      float32 [H,W] 0..1
    foreground uint8 [H,W,3] colours of the character alone, extended under soft edges (no old-background rim)
    keypoints  on the working picture
    joints     [19,3] rig joints in px, z px away from the camera; joint_confidence [19]
    torso_px   |neck - pelvis| in px, the unit "S" of guides/alignment.md
    yaw        torso facing; head_yaw: facing of the head
    problems   what a user should check, plain sentences
    """

    picture: np.ndarray
    alpha: np.ndarray
    foreground: np.ndarray
    keypoints: PictureKeypoints
    joints: np.ndarray
    joint_confidence: np.ndarray
    torso_px: float
    yaw: float
    head_yaw: float
    problems: tuple[str, ...] = ()

    @property
    def canvas(self) -> Canvas:
        return Canvas(*self.alpha.shape)


@dataclass(frozen=True)
class SubjectLibrary:
    """1..7 views of one character. views[primary] sets canvas, bone lengths and background.

    bone_lengths   [18] px of the primary picture (pose/skeleton_layouts.py RIG_BONES), 3-D lengths, left/right equal
    bone_known     [18] bool: measured on a picture (False: must be completed from the driver's proportions)
    view_scale     [V] primary px per px of that view's picture
    identity       [I] identity vector or None
    """

    name: str
    views: tuple[SubjectView, ...]
    primary: int
    bone_lengths: np.ndarray
    bone_known: np.ndarray
    view_scale: np.ndarray
    identity: np.ndarray | None = None

    @property
    def primary_view(self) -> SubjectView:
        return self.views[self.primary]
