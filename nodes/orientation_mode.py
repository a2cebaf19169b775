"""KMC Orientation Mode: whose facing and camera the result has."""

from __future__ import annotations

from comfy_api.v0_0_2 import io

from ..kmc_core.errors import KMCError
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
                    tooltip="With mode image: magnification at the last frame. 1.2 = 20 % closer.",
                ),
                io.Float.Input(
                    "orbit_deg", default=0.0, min=-45.0, max=45.0, step=0.5,
                    tooltip="With mode image: how far the camera has gone round the character at the last frame.",
                ),
            ],
            outputs=[OrientationSocket.Output(display_name="orientation")],
        )  # fmt: skip

    @classmethod
    def execute(cls, mode: str, pan_deg: float, tilt_deg: float, zoom: float, orbit_deg: float) -> io.NodeOutput:
        camera = CameraDirective(pan_deg, tilt_deg, zoom, orbit_deg)
        if mode == "video" and camera != CameraDirective():
            raise KMCError(
                "The camera follows the clip in mode video", got=f"a camera directive ({camera})".replace("CameraDirective", ""),
                expected="no directive", remedy="Choose mode image, or set pan, tilt and orbit to 0 and zoom to 1",
            )  # fmt: skip
        return io.NodeOutput(Orientation(mode, camera))
