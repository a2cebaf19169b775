"""KMC Load Motion: a motion of the shipped library, or of a file, instead of a driving clip."""

from __future__ import annotations

from comfy_api.v0_0_2 import io

from ..kmc_core.media.contact_sheet import spread_frames
from ..kmc_core.motion.bvh import read_bvh
from ..kmc_core.motion.library import find_entry, library_entries, load_library_motion, timed_motion
from ..kmc_core.motion.mirror import mirror_motion
from ..kmc_core.motion.pose_keypoint_file import read_pose_keypoint_file
from ..kmc_core.motion.storage import load_motion
from ..kmc_core.pose.drawing import draw_motion_frame
from ..kmc_core.types import HolisticMotion
from . import host, page
from .sockets import PREVIEW_LONG_SIDE, MotionSocket, image_from_bytes

PREVIEW_FRAMES = 24
READERS = {".safetensors": load_motion, ".bvh": read_bvh, ".json": read_pose_keypoint_file}


class KMCLoadMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KMCLoadMotion",
            display_name="KMC Load Motion",
            category="KMC",
            description="A ready motion (walk, dance, wave, talk ...) or a saved one, BVH or POSE_KEYPOINT file. No video is needed.",
            search_aliases=["motion library", "bvh import", "mixamo", "mocap", "preset motion", "load pose", "dance", "walk"],
            inputs=[
                io.Combo.Input(
                    "motion", options=[*(entry.label for entry in library_entries()), *host.motion_files()],
                    tooltip="Type a kind or tag to search. Below the library: files of the input folder and of output/kmc.",
                ),
                io.Float.Input(
                    "seconds", default=0.0, min=0.0, max=120.0, step=0.1, optional=True,
                    tooltip="Length wanted. Loops repeat without a seam, other motions hold their end. 0 = the motion's own length.",
                ),
                io.Float.Input("speed", default=1.0, min=0.1, max=4.0, step=0.05, optional=True, tooltip="2 = twice as fast."),
                io.Boolean.Input("mirror", default=False, optional=True, tooltip="Left and right changed."),
            ],
            outputs=[
                MotionSocket.Output(display_name="motion", tooltip="For KMC Retarget Skeleton, like the motion of a clip."),
                io.Image.Output(display_name="pose", tooltip="Up to 24 pictures of the motion."),
                io.String.Output(display_name="report"),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,  # what its view shows is sent again with every run, also from the cache
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, motion: str | None) -> bool | str:
        if motion is None or find_entry(motion) or host.input_exists(motion):
            return True
        return f"Choose the motion again. {motion} is neither in the library nor in ComfyUI's input folder."

    @classmethod
    def fingerprint_inputs(cls, motion: str | None, **_: object) -> str:
        if not motion or find_entry(motion) or not host.input_exists(motion):
            return motion or ""
        facts = host.input_path(motion).stat()
        return f"{motion}:{facts.st_size}:{facts.st_mtime_ns}"

    @classmethod
    def execute(cls, motion: str, seconds: float = 0.0, speed: float = 1.0, mirror: bool = False) -> io.NodeOutput:
        chosen = timed_motion(_read(motion), seconds, speed)
        chosen = mirror_motion(chosen) if mirror else chosen
        text = f"{chosen.frame_count} frames, {chosen.seconds:.2f} s at {chosen.fps:g} fps, from {chosen.provenance.get('title', motion)}."
        host.say(cls.hidden.unique_id, text)
        long_side = min(PREVIEW_LONG_SIDE, max(chosen.canvas))
        pictures = [draw_motion_frame(chosen, frame, long_side=long_side) for frame in spread_frames(chosen.frame_count, PREVIEW_FRAMES)]
        shown = {"text": (text,), "kmc_pose": page.pose_player(("Motion", chosen, None))}
        return io.NodeOutput(chosen, image_from_bytes(pictures), text, ui=shown)


def _read(name: str) -> HolisticMotion:
    if find_entry(name):
        return load_library_motion(name)
    path = host.motion_path(name)
    return READERS[path.suffix.lower()](path)
