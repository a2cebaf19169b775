"""KMC Extract Holistic Pose: body, hands, face, expression, camera and matte of the clip's performer."""

from __future__ import annotations

import torch
from comfy_api.v0_0_2 import Input, io

from ..kmc_core.errors import PoseError
from ..kmc_core.media.clip import Clip
from ..kmc_core.media.contact_sheet import spread_frames
from ..kmc_core.media.limits import check_clip
from ..kmc_core.pose.drawing import draw_motion_frame
from ..kmc_core.pose.extractor import TrackSettings
from ..kmc_core.pose.interchange import to_pose_keypoint
from ..kmc_core.types import HolisticMotion, Orientation
from . import host, page
from .pose_sources import PoseSources, track_with_sources
from .sockets import (
    PREVIEW_FRAMES,
    PREVIEW_LONG_SIDE,
    ClipSocket,
    FaceLandmarksSocket,
    MotionSocket,
    PoseKeypointSocket,
    clip_from_link,
    image_from_bytes,
)


class ExtractHolisticPose(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ExtractHolisticPose",
            display_name="KMC Extract Holistic Pose",
            category="KMC",
            description="Reads body, hands, face, expression, camera and a matte of one person from a clip.",
            search_aliases=["openpose", "dwpose", "holistic", "motion capture", "pose estimation", "skeleton"],
            inputs=[
                io.MultiType.Input(
                    "clip", [ClipSocket, io.Video, io.Image],
                    tooltip="A clip of KMC Load Motion Video, any VIDEO, or a batch of images (24 fps).",
                ),
                io.Combo.Input(
                    "person", options=["largest", "left", "centre", "right"], default="largest",
                    tooltip="Whom to follow when several people are in view, judged in the first frame that shows them.",
                ),
                io.Float.Input(
                    "smoothing", default=1.0, min=0.0, max=2.0, step=0.05,
                    tooltip="0 keeps every jitter of the detector, 1 is made for people, 2 calms noisy footage.",
                ),
                io.Boolean.Input(
                    "subtract_camera", default=False,
                    tooltip="Take the camera's own movement out of the motion, for hand-held and panning clips.",
                ),
                PoseKeypointSocket.Input(
                    "pose_keypoint", optional=True,
                    tooltip="Body, hands and face of another detector, a frame each. They replace ours where they are present.",
                ),
                FaceLandmarksSocket.Input(
                    "face_landmarks", optional=True, tooltip="Face mesh of another detector. Replaces ours where it is present."
                ),
                io.Mask.Input(
                    "mask", optional=True, tooltip="White where the person to follow is; one mask, or one for each frame."
                ),
                io.BoundingBox.Input(
                    "bounding_box", optional=True, socketless=False, force_input=True,
                    tooltip="Box around the person to follow; one, or one for each frame.",
                ),
                io.Boolean.Input(
                    "override_limits", default=False, advanced=True, optional=True,
                    tooltip="Accept a VIDEO or IMAGE shorter than 3 s or longer than 30 s.",
                ),
            ],
            outputs=[
                MotionSocket.Output(display_name="motion"),
                PoseKeypointSocket.Output(display_name="pose_keypoint", tooltip="OpenPose frames: body 18, feet, face 70, hands 21."),
                io.Image.Output(
                    display_name="overlay",
                    tooltip="What was found, drawn over the clip: up to 48 frames, evenly spread, long side 512 px.",
                ),
                io.Mask.Output(display_name="mask", tooltip="The person in every frame, long side up to 256 px."),
                io.String.Output(display_name="report"),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,  # what its view shows is sent again with every run, also from the cache
        )  # fmt: skip

    @classmethod
    def execute(
        cls, clip: Clip | Input.Video | torch.Tensor, person: str, smoothing: float, subtract_camera: bool,
        pose_keypoint: list | None = None, face_landmarks: dict | None = None, mask: torch.Tensor | None = None,
        bounding_box: object = None, override_limits: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        node_id = cls.hidden.unique_id
        clip = check_clip(clip_from_link(clip), Orientation(), override_limits)
        settings = TrackSettings(person=person, smoothing=smoothing, subtract_camera=subtract_camera)
        sources = PoseSources(pose_keypoint, face_landmarks, mask, bounding_box)
        progress = host.ProgressBar(node_id)
        with host.interruptible():
            motion = track_with_sources(host.pose_extractor(node_id), clip, settings, sources, progress)
        _refuse_when_nobody_was_found(motion)
        report = describe_motion(motion)
        host.say(node_id, report)
        shown = {"text": (report,), "kmc_pose": page.pose_player(("Performer", motion, page.clip_under(motion)))}
        return io.NodeOutput(motion, to_pose_keypoint(motion), _overlay(motion, clip), _mask(motion), report, ui=shown)


def _refuse_when_nobody_was_found(motion: HolisticMotion) -> None:
    if not motion.body_confidence.any():
        raise PoseError(
            "Nobody was found in the clip", got=f"{motion.frame_count} frames without a person",
            expected="one person, whole body or half body in view",
            remedy="Choose a clip in which the person is larger and well lit, or link pose_keypoint of another detector",
        )  # fmt: skip


def describe_motion(motion: HolisticMotion) -> str:
    """The report: how much was found, and every note of the clip and the tracker."""
    body, face = motion.body_confidence.max(1) > 0, motion.face_confidence > 0
    hands = motion.hands_confidence > 0
    count = max(motion.frame_count, 1)
    lines = [
        f"{motion.frame_count} frames at {motion.fps:.3f} fps, {motion.seconds:.2f} s.",
        f"Found: body {100 * body.sum() / count:.0f} %, face {100 * face.sum() / count:.0f} %, "
        f"left hand {100 * hands[:, 0].sum() / count:.0f} %, right hand {100 * hands[:, 1].sum() / count:.0f} % of the frames.",
    ]
    if motion.cuts:
        lines.append(f"{len(motion.cuts)} scene cuts, at frames {', '.join(map(str, motion.cuts))}.")
    lines += motion.source.notes if motion.source is not None else ()
    notes = motion.provenance.get("notes", ())
    return "\n".join(dict.fromkeys((*lines, *([notes] if isinstance(notes, str) else notes))))


def _overlay(motion: HolisticMotion, clip: Clip) -> torch.Tensor:
    """Up to PREVIEW_FRAMES frames with the pose drawn over them; frames in between are decoded small and dropped."""
    wanted = set(spread_frames(motion.frame_count, PREVIEW_FRAMES))
    pictures = []
    for index, frame in enumerate(clip.frames(long_side=PREVIEW_LONG_SIDE)):
        host.stop_if_interrupted()
        if index in wanted:
            pictures.append(draw_motion_frame(motion, index, over=frame, long_side=PREVIEW_LONG_SIDE))
    return image_from_bytes(pictures)


def _mask(motion: HolisticMotion) -> torch.Tensor:
    if motion.matte is None:
        return torch.zeros(1, 64, 64)
    return torch.from_numpy(motion.matte).float().div_(255)
