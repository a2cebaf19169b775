"""A rendered clip whose camera moves, put onto its character as a driver's is: the figure without the camera, the camera over figure
and plate alike. Not here: rendered cameras (synthetic/camera_moves.py), following a real clip's (motion/retarget.py). Called by pairs.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion.orientation import apply_camera, inverse_camera, still_camera
from ..motion.retarget import RetargetSettings, retarget
from ..types import HolisticMotion, SubjectLibrary

_SEEN = ("body", "hands", "face")


def camera_since(camera: np.ndarray, frame: int) -> np.ndarray:
    """Similarities [T,2,3] from one frame's background to every frame's, from those of the first frame's."""
    undo = inverse_camera(camera[frame : frame + 1])[0]
    linear = camera[:, :, :2].astype(np.float64)
    return np.concatenate([linear @ undo[:, :2], (linear @ undo[:, 2] + camera[:, :, 2])[..., None]], axis=-1).astype(np.float32)


def retarget_seen(motion: HolisticMotion, subject: SubjectLibrary, camera: np.ndarray) -> HolisticMotion:
    """The motion on a subject that is the driver itself, joints as tracked.

    camera [T,2,3]: similarities from the subject's picture's background to each frame's; the identity leaves all to `retarget`.
    """
    settings = RetargetSettings(direct=True)
    if np.allclose(camera, still_camera(1), atol=1e-5):
        return retarget(motion, subject, settings=settings)
    undo = inverse_camera(camera)
    held = replace(motion, camera=still_camera(motion.frame_count), **{name: apply_camera(undo, getattr(motion, name)) for name in _SEEN})
    moved = retarget(held, subject, settings=settings)
    character = replace(moved.character, camera=camera)
    return replace(moved, camera=camera, character=character, **{name: apply_camera(camera, getattr(moved, name)) for name in _SEEN})
