"""The character re-posed by geometry: one picture and a retargeted motion become frames, at any size, without a network.

Not here: retargeting (motion/) and the repair of what a warp cannot know (dit/). Called by sampling, training, nodes.
Deterministic and stateless: every frame is a warp of the picture itself, so nothing drifts and frames may be asked for
in any order.
"""

from __future__ import annotations

import logging

import cv2
import numpy as np
import torch
from torch import Tensor

from ..errors import SubjectError
from ..motion.orientation import apply_camera, camera_zoom
from ..pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, PELVIS, RIGHT_ARM, RIGHT_LEG
from ..types import Canvas, CharacterMotion, SubjectLibrary
from .aligned_frame import AlignedFrame
from .capsules import smoothstep
from .compositing import SparsePixels, draw_parts
from .deform import MovedPart, TargetPose, move_body, move_head
from .face import express, mouth_paint
from .hand_overlay import HandTarget, hand_target, has_human_hand, lay_hand_over, own_hand
from .head import limited_rotation, yaw_rotation
from .maps import pose_radii
from .part_model import FACE
from .plate import Plate, background_plate
from .prepared_view import PreparedView, Texture, prepare_view
from .views import MotionTracks, Share, motion_tracks

TAKES_HEAD_ALONG = (np.radians(25.0), np.radians(50.0))

LOGGER = logging.getLogger(__name__)


class Aligner:
    """Draws one character. Work per character is done once, on first use.

    plate_method "patchmatch" | "pushpull": how the background behind the character is filled
    hands        "procedural" (drawn anew from the driver's 21 points), "rigid" (the picture's own, moved with the arm) or
                 "auto": procedural where a human hand was found on the picture or lies beyond its edge, but the picture's own
                 where the driver's hand is like it
    face         "mesh" (expressions), "rigid" (the head turns, the face stays) or "auto": mesh where one is large enough
    Raises SubjectError for unknown choices.
    """

    def __init__(
        self, subject: SubjectLibrary, *, plate_method: str = "patchmatch", hands: str = "auto", face: str = "auto"
    ) -> None:
        _check_choice("hands", hands, ("auto", "procedural", "rigid"))
        _check_choice("face", face, ("auto", "mesh", "rigid"))
        _check_choice("plate method", plate_method, ("patchmatch", "pushpull"))
        self.subject, self.hands, self.face, self.plate_method = subject, hands, face, plate_method
        self._views: dict[int, PreparedView] = {}
        self._tracks: tuple[CharacterMotion, MotionTracks] | None = None
        self._plate: Plate | None = None

    def view(self, number: int) -> PreparedView:
        """The prepared picture `number` of the library."""
        if number not in self._views:
            self._views[number] = prepare_view(self.subject.views[number], with_face=self.face != "rigid")
        return self._views[number]

    def render(self, character: CharacterMotion, frame: int, canvas: Canvas) -> AlignedFrame:
        """The character at one frame of a motion. The canvas shows the whole motion canvas, scaled by their widths."""
        tracks = self._tracks_of(character)
        drawn = []
        for share in tracks.shares[frame]:
            drawn.append((share.weight, self._draw(character, frame, canvas, share, float(tracks.torso_sign[frame]))))
        strongest = max(drawn, key=lambda pair: pair[0])[1]
        if len(drawn) == 1:
            return strongest
        rgb = sum(weight * aligned.rgb for weight, aligned in drawn)
        alpha = sum(weight * aligned.alpha for weight, aligned in drawn)
        return AlignedFrame(**{**strongest.__dict__, "rgb": rgb, "alpha": alpha})

    def plate(self, canvas: Canvas, character: CharacterMotion | None = None, frame: int = 0) -> Plate:
        """The background without the character, resized to the canvas; with a motion, also moved by its camera."""
        if self._plate is None:
            primary = self.subject.primary_view
            self._plate = background_plate(primary.picture, primary.alpha, method=self.plate_method)
        size = (canvas.width, canvas.height)
        shrinks = canvas.width < self._plate.rgb.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        rgb = cv2.resize(self._plate.rgb, size, interpolation=method)
        invented = cv2.resize(self._plate.invented, size, interpolation=method)
        if character is None or np.allclose(character.camera[frame], np.eye(2, 3), atol=1e-5):
            return Plate(rgb, invented)
        camera = character.camera[frame].astype(np.float64)
        factor = np.array([canvas.width / character.canvas.width, canvas.height / character.canvas.height])
        linear = camera[:, :2] * (factor[:, None] / factor)
        shift = camera[:, 2] * factor + (linear.sum(1) - 1) * 0.5  # OpenCV counts pixel centres from 0, we from 0.5
        moved = np.column_stack([linear, shift])
        rgb = cv2.warpAffine(rgb, moved, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        known = cv2.warpAffine(1 - invented, moved, size, flags=cv2.INTER_LINEAR, borderValue=0)
        return Plate(rgb, (1 - known).astype(np.float32))

    def target_joints(self, character: CharacterMotion, frame: int, canvas: Canvas) -> np.ndarray:
        """Rig joints [19,3] in pixels of the canvas, camera included."""
        camera = character.camera[frame : frame + 1]
        joints = apply_camera(camera, character.joints[frame : frame + 1].astype(np.float64))[0]
        return joints * (canvas.width / character.canvas.width)

    def pose_radii(self) -> np.ndarray:
        """How thick this character's bones are drawn for the network: [18] torso lengths, read from its first picture."""
        view = self.view(self.subject.primary)
        return pose_radii(view.model, view.torso_px)

    def _tracks_of(self, character: CharacterMotion) -> MotionTracks:
        if self._tracks is None or self._tracks[0] is not character:
            self._tracks = (character, motion_tracks(self.subject, character))
        return self._tracks[1]

    def _draw(self, character: CharacterMotion, frame: int, canvas: Canvas, share: Share, sign: float) -> AlignedFrame:
        body, head = self.view(share.body_view), self.view(share.head_view)
        pose = self._pose(character, frame, canvas, share.body_view, share.head_view, sign)
        head_pose = self._pose(character, frame, canvas, share.head_view, share.head_view, sign)
        hands = self._hand_targets(body, character, frame, pose)
        parts = [own_hand(part, hands) for part in move_body(body, pose)]
        face_points = express(head.face, character, frame) if head.face is not None else None
        head_parts = move_head(head, head_pose, face_points)
        textures = [_texture_of(body, part) for part in parts] + [head.textures[part.part] for part in head_parts]
        scale = [pose.scale] * len(parts) + [head_pose.scale] * len(head_parts)
        pixels = draw_parts(parts + head_parts, textures, scale, canvas)
        origin = float(pose.joints[PELVIS, 2])
        reach = body.torso_px * pose.scale
        gap = np.cos(character.body_yaw[frame] - body.subject.yaw) if np.isfinite(character.body_yaw[frame]) else 1.0
        views = (body.subject.canvas, head.subject.canvas)
        aligned = _dense(pixels, canvas, views, origin, reach, float(np.clip(gap, -1, 1)))
        self._paint_mouth(aligned, head, head_parts)
        for hand in hands:
            lay_hand_over(aligned, hand, origin, reach)
        return aligned

    def _pose(
        self, character: CharacterMotion, frame: int, canvas: Canvas, view: int, head_view: int, sign: float
    ) -> TargetPose:
        camera = character.camera[frame : frame + 1]
        factor = canvas.width / character.canvas.width * float(camera_zoom(camera)[0])
        scale = float(character.scale[frame] * self.subject.view_scale[view]) * factor
        rotation = character.head_rotation[frame].astype(np.float64)
        shown = self.subject.views[head_view]
        share = 1.0 if head_view != self.subject.primary else _taken_along(character, frame, shown.yaw)
        forward = -rotation[:, 2]
        wanted = character.head_yaw[frame] - shown.head_yaw
        turn = (wanted - np.arctan2(forward[0], -forward[2]) + np.pi) % (2 * np.pi) - np.pi
        rotation = yaw_rotation(share * float(turn)) @ rotation
        rotation = limited_rotation(rotation)
        roll = np.eye(3)
        roll[:2, :2] = camera[0, :, :2] / max(float(camera_zoom(camera)[0]), 1e-6)
        joints = self.target_joints(character, frame, canvas)
        return TargetPose(joints, character.joint_confidence[frame], scale, sign, roll @ rotation)

    def _hand_targets(
        self, body: PreparedView, character: CharacterMotion, frame: int, pose: TargetPose
    ) -> list[HandTarget]:
        """Hands to draw procedurally in this frame."""
        if self.hands == "rigid" or body.hand_colour is None:
            return []
        sides = [side for side in range(2) if self.hands == "procedural" or has_human_hand(body, side)]
        targets = [hand_target(body, character, frame, pose, side, keep_own=self.hands == "auto") for side in sides]
        return [target for target in targets if target is not None]

    def _paint_mouth(self, aligned: AlignedFrame, head: PreparedView, head_parts: list[MovedPart]) -> None:
        moved = [part for part in head_parts if part.part == FACE]
        if not moved or head.face is None:
            return
        lips = head.face.points[[13, 14], :2].astype(int)
        lips = np.clip(lips, 0, [head.subject.canvas.width - 1, head.subject.canvas.height - 1])
        lip_colour = head.subject.foreground[lips[:, 1], lips[:, 0]].mean(0) / 255
        paint = mouth_paint(head.face, moved[0].target, lip_colour, tuple(aligned.alpha.shape))
        if paint is None:
            return
        rows = slice(paint.y0, paint.y0 + paint.alpha.shape[0])
        columns = slice(paint.x0, paint.x0 + paint.alpha.shape[1])
        seen = torch.from_numpy(paint.alpha) * (aligned.part[rows, columns] == FACE)
        colour = torch.from_numpy(paint.rgb).permute(2, 0, 1) * aligned.alpha[rows, columns]
        aligned.rgb[:, rows, columns] += seen * (colour - aligned.rgb[:, rows, columns])
        aligned.real[rows, columns] *= 1 - seen


def _taken_along(character: CharacterMotion, frame: int, own_yaw: float) -> float:
    """How far the head takes the driver's own facing, 0..1: not while the body stands as in the picture, or is not seen.

    Otherwise it turns against the neutral head of its motion, which may itself look aside.
    """
    if not np.isfinite(character.body_yaw[frame]):
        return 0.0
    confidence = character.joint_confidence[frame]
    seen = min(confidence[[LEFT_ARM[0], RIGHT_ARM[0]]].max(), confidence[[LEFT_LEG[0], RIGHT_LEG[0]]].max())
    away = np.arccos(np.cos(character.body_yaw[frame] - own_yaw))
    return float(smoothstep(*TAKES_HEAD_ALONG, away) * smoothstep(0.2, 0.5, seen))


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SubjectError(
            f"Unknown choice for {name}", got=repr(value), expected=" or ".join(allowed), remedy=f"Choose a known {name}"
        )


def _texture_of(view: PreparedView, part: MovedPart) -> Texture:
    return view.textures[part.part] if part.stand_in < 0 else view.stand_in_textures[part.part, part.stand_in]


def _dense(
    pixels: SparsePixels, canvas: Canvas, views: tuple[Canvas, Canvas], origin: float, reach: float, gap: float
) -> AlignedFrame:
    """Spread sparse pixels over the canvas; depth becomes torso lengths from the pelvis."""
    size = canvas.height * canvas.width

    def spread(values: Tensor, empty: float = 0.0) -> Tensor:
        full = torch.full((*values.shape[:-1], size), empty, dtype=values.dtype)
        full[..., pixels.pixel] = values
        return full.view(*values.shape[:-1], canvas.height, canvas.width)

    is_head = (pixels.part == 1) | (pixels.part == FACE)
    width = torch.where(is_head, float(views[1].width), float(views[0].width))
    height = torch.where(is_head, float(views[1].height), float(views[0].height))
    return AlignedFrame(
        rgb=spread(pixels.colour),
        alpha=spread(pixels.alpha),
        part=spread(pixels.part, -1),
        depth=spread((pixels.depth - origin) / max(reach, 1e-6)),
        source_uv=spread((pixels.source / torch.stack([width, height])).clamp(0, 1)),
        stretch=spread(pixels.stretch),
        real=spread(pixels.real * pixels.alpha),
        confidence=spread(pixels.confidence),
        view_gap=gap,
    )
