"""The counter: twelve nodes, one file each, thin. The work is done in kmc_core; host.py is the only door to ComfyUI's internals."""

from comfy_api.v0_0_2 import ComfyExtension, io

from . import host
from .build_subject_library import BuildSubjectLibrary
from .distilled_kmc_sampler import DistilledKMCSampler
from .example_inputs import give_example_inputs
from .extract_holistic_pose import ExtractHolisticPose
from .kmc_sampler import KMCSampler
from .load_model import KMCLoadModel
from .load_motion import KMCLoadMotion
from .load_motion_video import LoadMotionVideo
from .motion_conditioning import KMCMotionConditioning
from .orientation_mode import OrientationMode
from .preflight import KMCPreflight
from .retarget_skeleton import RetargetSkeleton
from .save_motion import KMCSaveMotion


class KMCExtension(ComfyExtension):
    async def on_load(self) -> None:
        host.register_models_folder()
        give_example_inputs(host.input_path(""))

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [
            LoadMotionVideo,
            ExtractHolisticPose,
            BuildSubjectLibrary,
            OrientationMode,
            RetargetSkeleton,
            KMCSampler,
            DistilledKMCSampler,
            KMCPreflight,
            KMCLoadMotion,
            KMCSaveMotion,
            KMCLoadModel,
            KMCMotionConditioning,
        ]


async def comfy_entrypoint() -> KMCExtension:
    return KMCExtension()
