"""KMC Save Motion: a performance as a file, for other characters, other days and other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from comfy_api.v0_0_2 import io

from ..kmc_core.motion.bvh import write_bvh
from ..kmc_core.motion.pose_keypoint_file import write_pose_keypoint_file
from ..kmc_core.motion.storage import save_motion
from ..kmc_core.types import HolisticMotion
from . import host
from .sockets import MotionSocket

Writer = Callable[[HolisticMotion, Path], Path]
FORMATS: dict[str, tuple[str, Writer]] = {
    "motion (.safetensors)": (".safetensors", save_motion),
    "BVH": (".bvh", write_bvh),
    "BVH, rotations only": (".bvh", lambda motion, path: write_bvh(motion, path, stretch=False)),
    "POSE_KEYPOINT (.json)": (".json", write_pose_keypoint_file),
}


class KMCSaveMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KMCSaveMotion",
            display_name="KMC Save Motion",
            category="KMC",
            description="Saves a motion without its video: everything (.safetensors), a skeleton for 3-D programs (BVH) or keypoints.",
            search_aliases=["export bvh", "motion capture file", "save pose", "blender", "mocap"],
            inputs=[
                MotionSocket.Input("motion", tooltip="As extracted or loaded. For BVH and keypoints a retargeted motion is fine, too."),
                io.String.Input(
                    "filename_prefix", default="kmc/motion",
                    tooltip="Name in ComfyUI's output folder. Motions in its subfolder kmc are listed by KMC Load Motion.",
                ),
                io.Combo.Input(
                    "format", options=list(FORMATS), default="motion (.safetensors)",
                    tooltip="motion keeps everything. BVH: body, head and hands. POSE_KEYPOINT: what OpenPose draws.",
                ),
            ],
            outputs=[io.String.Output(display_name="file")],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def execute(cls, motion: HolisticMotion, filename_prefix: str, format: str) -> io.NodeOutput:  # noqa: A002 - the socket's name
        ending, write = FORMATS[format]
        path = write(motion, host.new_output_file(filename_prefix, ending))
        text = f"{motion.frame_count} frames ({motion.seconds:.2f} s) saved as {path.name}, {max(path.stat().st_size // 1024, 1)} kB."
        host.say(cls.hidden.unique_id, text)
        return io.NodeOutput(str(path), ui={"text": (text,)})
