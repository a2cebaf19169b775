"""KMC Orientation Mode: whose facing and camera the result has."""

from __future__ import annotations

from comfy_api.v0_0_2 import io

from ..kmc_core.errors import KMCError
from ..kmc_core.motion.camera_words import combined, describe_camera, parse_camera_directive
from ..kmc_core.types import CameraDirective, Orientation
from .sockets import OrientationSocket


class OrientationMode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="OrientationMode",
            display_name="KMC Orientation Mode",
            category="KMC",
            description=(
                "video: the character turns as the performer turns, up to 30 s. "
                "image: the character keeps the picture's facing, up to 10 s, and the camera may be directed."
            ),
            search_aliases=["character orientation", "camera control", "facing", "pan", "zoom", "orbit"],
            inputs=[
                io.Combo.Input(
                    "mode", options=["video", "image"], default="video",
                    tooltip="video: facing follows the clip. image: facing stays the picture's.",
                ),
                io.Float.Input(
                    "pan_deg", default=0.0, min=-45.0, max=45.0, step=0.5,
                    tooltip="With mode image: how far the camera has turned at the last frame. Above 0 = to the right.",
                ),
                io.Float.Input(
                    "tilt_deg", default=0.0, min=-45.0, max=45.0, step=0.5,
                    tooltip="With mode image: how far the camera has tilted at the last frame. Above 0 = up.",
                ),
                io.Float.Input(
                    "zoom", default=1.0, min=0.5, max=2.0, step=0.01,
                    tooltip="With mode image: magnification of the last frame against the first, on the face. Below 1 the clip begins closer.",
                ),
                io.Float.Input(
                    "orbit_deg", default=0.0, min=-45.0, max=45.0, step=0.5,
                    tooltip="With mode image: how far the camera has gone round the character at the last frame.",
                ),
                io.String.Input(
                    "camera_words", default="", optional=True,
                    tooltip='The same in words, added to the numbers: "slow zoom in, pan left 10, tilt up, orbit right 20", "static".',
                ),
                io.Combo.Input(
                    "clip_camera", options=["keep", "remove"], default="keep", optional=True, advanced=True,
                    tooltip="With mode video: keep the camera motion of the clip, or remove it; then the camera may be directed here too.",
                ),
            ],
            outputs=[OrientationSocket.Output(display_name="orientation")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, mode: str, pan_deg: float, tilt_deg: float, zoom: float, orbit_deg: float, camera_words: str = "", clip_camera: str = "keep",
    ) -> io.NodeOutput:  # fmt: skip
        camera = combined(CameraDirective(pan_deg, tilt_deg, zoom, orbit_deg), parse_camera_directive(camera_words))
        orientation = Orientation(mode, camera, keep_camera=clip_camera == "keep")
        if camera != CameraDirective() and not orientation.directs_camera:
            raise KMCError(
                "The camera follows the clip in mode video", got=f"a camera directive ({describe_camera(camera)})",
                expected="no directive", remedy="Choose mode image, remove the clip's camera, or direct no camera here",
            )  # fmt: skip
        return io.NodeOutput(orientation)
