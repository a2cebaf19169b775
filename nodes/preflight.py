"""KMC Preflight: what in clip, motion and character may go wrong, before any sampling, and its mends."""

from __future__ import annotations

from comfy_api.v0_0_2 import io

from ..kmc_core.motion.preflight import apply_mend, preflight, timeline_picture, with_findings
from ..kmc_core.types import HolisticMotion, Orientation, SubjectLibrary
from . import host
from .sockets import (
    ClipSocket,
    MotionSocket,
    OrientationSocket,
    SubjectSocket,
    clip_from_link,
    image_from_bytes,
)

MENDS = {"mend_shot": "longest_shot", "mend_camera": "stabilise", "mend_hands": "hold_hands", "mend_view": "choose_view"}


class KMCPreflight(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KMCPreflight",
            display_name="KMC Preflight",
            category="KMC",
            description=(
                "Looks for what spoils a result before time is spent on it: cuts, several people, camera moves, blur, fast or "
                "hidden limbs, back light, framing and facing that do not fit the picture. Says where, how bad and what to do."
            ),
            search_aliases=["check clip", "validate", "quality check", "motion check", "stabilise", "trim to shot"],
            inputs=[
                MotionSocket.Input("motion"),
                SubjectSocket.Input("subject", optional=True),
                io.MultiType.Input(
                    "clip", [ClipSocket, io.Video, io.Image], optional=True,
                    tooltip="Only for a motion that does not come with its clip.",
                ),
                OrientationSocket.Input("orientation", optional=True, tooltip="Sets the longest duration and whether facing counts."),
                io.Boolean.Input(
                    "mend_shot", default=False, optional=True, tooltip="Trim to the longest shot when the clip has cuts."
                ),
                io.Boolean.Input(
                    "mend_camera", default=False, optional=True, tooltip="Subtract the camera's motion when it moves or shakes."
                ),
                io.Boolean.Input(
                    "mend_hands", default=False, optional=True, tooltip="Hold the last seen shape of hands that get lost."
                ),
                io.Boolean.Input(
                    "mend_view", default=False, optional=True,
                    tooltip="Make the picture that faces as the driver does the main view of the subject.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="report"),
                io.Image.Output(display_name="timeline", tooltip="Poses over time and a coloured track for every kind of finding."),
                MotionSocket.Output(display_name="motion", tooltip="Mended where asked and needed, else as it came."),
                SubjectSocket.Output(display_name="subject", tooltip="The subject as it came, or with another main view."),
            ],
            hidden=[io.Hidden.unique_id],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, motion: HolisticMotion, subject: SubjectLibrary | None = None, clip: object = None,
        orientation: Orientation | None = None, mend_shot: bool = False, mend_camera: bool = False, mend_hands: bool = False,
        mend_view: bool = False,
    ) -> io.NodeOutput:  # fmt: skip
        chosen = None if clip is None else clip_from_link(clip)
        report = preflight(motion, subject, chosen, orientation or Orientation())
        wanted = dict(zip(MENDS.values(), (mend_shot, mend_camera, mend_hands, mend_view), strict=True))
        lines = [report.text()]
        mended = motion
        for name in report.mends:
            if wanted[name]:
                result = apply_mend(name, mended, subject)
                mended, subject = result.motion, result.subject
                lines.append(f"mended: {result.note}")
        text = "\n".join(lines)
        host.say(cls.hidden.unique_id, text)
        picture = image_from_bytes([timeline_picture(report, motion)])
        missing = host.not_kept("No subject was connected", "Connect a subject to KMC Preflight") if subject is None else subject
        mended = with_findings(mended, report.findings)
        return io.NodeOutput(text, picture, mended, missing, ui={"text": (text,)})
