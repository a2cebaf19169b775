"""KMC Retarget Skeleton: the motion on the character's own body and canvas."""

from __future__ import annotations

import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.media.contact_sheet import spread_frames
from ..kmc_core.motion.preflight import pair_findings, with_quick_findings
from ..kmc_core.motion.retarget import RetargetSettings, retarget
from ..kmc_core.motion.strength import PartStrengths
from ..kmc_core.motion.timing import Timing, timed
from ..kmc_core.motion.trimming import trim_motion
from ..kmc_core.pose.drawing import draw_motion_frame
from ..kmc_core.pose.interchange import to_pose_keypoint
from ..kmc_core.types import HolisticMotion, Orientation, SubjectLibrary
from . import host, page
from .retarget_report import motion_sentences
from .sockets import (
    PREVIEW_FRAMES,
    PREVIEW_LONG_SIDE,
    MotionSocket,
    OrientationSocket,
    PoseKeypointSocket,
    SubjectSocket,
    image_from_bytes,
)

FRAMINGS = {"fit to picture": "fit", "keep framing": "keep"}


class RetargetSkeleton(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="RetargetSkeleton",
            display_name="KMC Retarget Skeleton",
            category="KMC",
            description="Gives the motion the character's bone lengths, place and framing, feet kept on the ground.",
            search_aliases=["pose transfer", "bone length", "proportions", "retargeting"],
            inputs=[
                MotionSocket.Input("motion"),
                SubjectSocket.Input("subject"),
                OrientationSocket.Input(
                    "orientation", optional=True, tooltip="Whose facing and camera to use. Without it: the driving clip's."
                ),
                io.Float.Input(
                    "strength", default=1.0, min=0.0, max=1.0, step=0.05,
                    tooltip="How much of the motion the character takes over: 1 all of it, 0 keeps the picture's own pose.",
                ),
                io.Combo.Input(
                    "framing", options=list(FRAMINGS), default="fit to picture",
                    tooltip="fit to picture: the character stays where its picture shows it. keep framing: as near as the performer.",
                ),
                io.Combo.Input(
                    "pose_frames", options=["preview", "every frame"], default="preview", optional=True, advanced=True,
                    tooltip="preview: up to 48 pose pictures of 512 px. every frame: all, at full size, for other nodes. Needs memory.",
                ),
                io.Boolean.Input(
                    "override_limits", default=False, advanced=True, optional=True,
                    tooltip="Keep clips longer than 30 s (or 10 s with orientation image) whole.",
                ),
                _share("body", "Trunk, arms, legs and path. 1 as the performer, 0 as in the picture."),
                _share("hands", "Shapes of the fingers. 1 as the performer, 0 as in the picture."),
                _share("face", "Eyelids, gaze, lips and cheeks. 1 as the performer, 0 a resting face."),
                _share("head", "Turning and nodding of the head against the body. 1 as the performer, 0 held still."),
                io.Float.Input(
                    "expression_gain", default=1.0, min=0.0, max=2.0, step=0.05, optional=True, advanced=True,
                    tooltip="Livelier or calmer faces: 1 as the performer, 2 twice as much, 0 none.",
                ),
                io.Float.Input(
                    "speed", default=1.0, min=0.1, max=4.0, step=0.05, optional=True, advanced=True,
                    tooltip="2 = twice as fast, 0.5 = slow motion. The clip's sound is left out when the speed is not 1.",
                ),
                io.Float.Input(
                    "fps", default=0.0, min=0.0, max=120.0, step=0.01, optional=True, advanced=True,
                    tooltip="Frames per second of the result; limbs move on arcs between the clip's frames. 0 = the clip's rate.",
                ),
                io.Boolean.Input(
                    "loop", default=False, optional=True, advanced=True,
                    tooltip="Close the motion to a seamless loop, for posters: the best piece is taken and its end flows into its start.",
                ),
                io.Boolean.Input(
                    "mirror", default=False, optional=True, advanced=True, tooltip="Left and right of the performer changed."
                ),
            ],
            outputs=[
                MotionSocket.Output(display_name="motion", tooltip="On the character's body and canvas."),
                io.Image.Output(display_name="pose", tooltip="The skeleton on the character's canvas."),
                PoseKeypointSocket.Output(display_name="pose_keypoint"),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,  # what its view shows is sent again with every run, also from the cache
        )  # fmt: skip

    @classmethod
    def execute(
        cls, motion: HolisticMotion, subject: SubjectLibrary, strength: float, framing: str,
        orientation: Orientation | None = None, pose_frames: str = "preview", override_limits: bool = False,
        body_strength: float = 1.0, hands_strength: float = 1.0, face_strength: float = 1.0, head_strength: float = 1.0,
        expression_gain: float = 1.0, speed: float = 1.0, fps: float = 0.0, loop: bool = False, mirror: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        orientation = orientation or Orientation()
        parts = PartStrengths(body_strength, hands_strength, face_strength, head_strength, expression_gain)
        settings = RetargetSettings(strength=strength, framing=FRAMINGS[framing], parts=parts)
        motion, timing_notes = timed(motion, Timing(fps, speed, loop, mirror))
        trimmed = motion if override_limits else _within_limit(motion, orientation.max_seconds)
        retargeted = retarget(trimmed, subject, orientation, settings)
        retargeted = with_quick_findings(trimmed, subject, orientation, retargeted)
        sentences = _sentences(motion, retargeted, subject, orientation)
        told = [*timing_notes, *motion_sentences(retargeted, subject, orientation)]
        report = "\n".join([*sentences, *told, *_checks(trimmed, retargeted, subject, orientation)])
        host.say(cls.hidden.unique_id, report)
        pictures = _pose_pictures(retargeted, every_frame=pose_frames == "every frame")
        player = page.pose_player(
            ("Performer", trimmed, None if timing_notes else page.clip_under(trimmed)),  # a retimed motion is out of step with its file
            ("Character", retargeted, page.save_picture(subject.primary_view.picture)),
        )
        return io.NodeOutput(retargeted, pictures, to_pose_keypoint(retargeted), ui={"text": (report,), "kmc_pose": player})


def _share(part: str, tooltip: str) -> io.Input:
    """A strength of one part, on top of the strength of the whole."""
    return io.Float.Input(
        f"{part}_strength", default=1.0, min=0.0, max=1.0, step=0.05, optional=True, advanced=True, tooltip=tooltip
    )


def _within_limit(motion: HolisticMotion, longest_s: float) -> HolisticMotion:
    """The motion, or its first `longest_s` seconds; one frame of tolerance as for clips."""
    return motion if motion.seconds <= longest_s + 1.0 / motion.fps else trim_motion(motion, round(longest_s * motion.fps))


def _sentences(
    motion: HolisticMotion, retargeted: HolisticMotion, subject: SubjectLibrary, orientation: Orientation
) -> list[str]:
    lines = [f"{retargeted.frame_count} frames on {subject.name}, orientation {orientation.mode}."]
    if retargeted.frame_count < motion.frame_count:
        lines.append(f"Trimmed from {motion.seconds:.2f} s to {orientation.max_seconds:g} s, the longest for this orientation.")
    return [*lines, *retargeted.character.notes]


def _checks(motion: HolisticMotion, retargeted: HolisticMotion, subject: SubjectLibrary, orientation: Orientation) -> list[str]:
    """What the preflight says of clip and picture together; facing is among the retargeting's own notes."""
    findings = pair_findings(motion, subject, orientation, retargeted)
    return [f"check: {finding.sentence}" for finding in findings if finding.severity != "note" and finding.kind != "facing"]


def _pose_pictures(motion: HolisticMotion, every_frame: bool) -> torch.Tensor:
    frames = range(motion.frame_count) if every_frame else spread_frames(motion.frame_count, PREVIEW_FRAMES)
    long_side = max(motion.canvas) if every_frame else min(PREVIEW_LONG_SIDE, max(motion.canvas))
    pictures = []
    for frame in frames:
        host.stop_if_interrupted()
        pictures.append(draw_motion_frame(motion, frame, long_side=long_side))
    return image_from_bytes(pictures)
