"""KMC Build Subject Library: one to seven pictures of one character become cut-outs with a rig."""

from __future__ import annotations

import numpy as np
import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.errors import KMCError, SubjectError
from ..kmc_core.media.limits import LIMITS, check_picture, check_picture_count
from ..kmc_core.pose.interchange import keypoints_from_pose_keypoint
from ..kmc_core.subject.corrections import ViewCorrections, assign_corrections, read_corrections
from ..kmc_core.subject.facing import read_facings
from ..kmc_core.subject.gallery import gallery
from ..kmc_core.subject.library import build_subject
from ..kmc_core.types import Canvas, PictureKeypoints, SubjectLibrary
from . import host, page
from .sockets import PoseKeypointSocket, SubjectSocket, frames_to_bytes, image_from_bytes

PICTURE_NAMES = [f"picture_{number}" for number in range(1, LIMITS.max_pictures + 1)]
MASK_NAMES = [f"mask_{number}" for number in range(1, LIMITS.max_pictures + 1)]


class BuildSubjectLibrary(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="BuildSubjectLibrary",
            display_name="KMC Build Subject Library",
            category="KMC",
            description=(
                "Cuts the character out of one to seven pictures and finds its rig and facing. The first picture gives size, "
                "proportions and background; more views (side, back, face) are used when the character turns."
            ),
            search_aliases=["character", "reference image", "identity", "subject", "elements"],
            inputs=[
                io.Autogrow.Input(
                    "pictures", template=io.Autogrow.TemplateNames(io.Image.Input("picture"), names=PICTURE_NAMES, min=1),
                    tooltip="One to seven pictures of the same character, at least 300 px per side, between 2:5 and 5:2.",
                ),
                io.Autogrow.Input(
                    "masks", template=io.Autogrow.TemplateNames(io.Mask.Input("mask", optional=True), names=MASK_NAMES, min=0),
                    tooltip="White where the character is, for the picture of the same number. Without a mask it is found.",
                ),
                PoseKeypointSocket.Input(
                    "pose_keypoint", optional=True, tooltip="Keypoints of another detector, one frame for each picture."
                ),
                io.String.Input("name", default="character", tooltip="Name in reports and files."),
                io.Boolean.Input(
                    "override_limits", default=False, advanced=True, optional=True,
                    tooltip="Accept pictures smaller than 300 px or narrower than 2:5.",
                ),
                io.String.Input(
                    "corrections", default="", optional=True, socketless=True, advanced=True, extra_dict={"hidden": True},
                    tooltip=(
                        "Joints put right by dragging them in the gallery, as JSON: "
                        '{"1": {"joints": {"left_elbow": [0.4, 0.5]}}}, in fractions of picture 1.'
                    ),
                ),
                io.String.Input(
                    "facings", default="", optional=True, advanced=True,
                    tooltip=(
                        "Which way each picture faces, in order: front, left, back, right, front left or degrees, separated by commas. "
                        "Left is the picture's left. Empty: found by itself."
                    ),
                ),
            ],
            outputs=[
                SubjectSocket.Output(display_name="subject"),
                io.Image.Output(display_name="gallery", tooltip="Each view's cut-out with rig and facing: check it before sampling."),
                io.String.Output(display_name="report"),
            ],
            hidden=[io.Hidden.unique_id],
            has_intermediate_output=True,  # what its view shows is sent again with every run, also from the cache
        )  # fmt: skip

    @classmethod
    def execute(
        cls, pictures: dict, name: str, masks: dict | None = None, pose_keypoint: list | None = None,
        override_limits: bool = False, corrections: str = "", facings: str = "", **unexpected: object,
    ) -> io.NodeOutput:  # fmt: skip
        node_id = cls.hidden.unique_id
        corrected = read_corrections(corrections)
        views, view_masks = collect_views(pictures, masks or {}, extra=len(unexpected))
        for view in views:
            check_picture(view.shape, override_limits)
        keypoints, stated = _keypoints_of(pose_keypoint, views), read_facings(facings, len(views))
        used = assign_corrections(corrected, views)
        progress = host.ProgressBar(node_id)
        with host.interruptible():
            extractor = host.pose_extractor(node_id)
            host.stop_if_interrupted()
            try:
                subject = build_subject(
                    views, extractor, masks=view_masks, keypoints=keypoints, name=name.strip() or "character", progress=progress,
                    corrections={view: corrected[number] for view, number in enumerate(used) if number is not None}, facings=stated,
                )  # fmt: skip
            except KMCError:
                host.tell_page("kmc.views", node_id, {"views": page.bare_views(views, used)})
                raise
        report = "\n".join([describe_subject(subject), *describe_corrections(corrected, used)])
        host.say(node_id, report)
        shown = {"text": (report,), "kmc_views": page.subject_views(subject, views, used)}
        return io.NodeOutput(subject, image_from_bytes([gallery(subject)]), report, ui=shown)


def collect_views(pictures: dict, masks: dict, extra: int = 0) -> tuple[list[np.ndarray], list[np.ndarray | None]]:
    """Linked pictures in order, batches spread out, each with its mask or None. Raises LimitError unless there are 1 to 7.

    pictures, masks: Autogrow values, `picture_3` belongs to `mask_3`; extra: links beyond the last socket.
    """
    views: list[np.ndarray] = []
    view_masks: list[np.ndarray | None] = []
    for picture_name, mask_name in zip(PICTURE_NAMES, MASK_NAMES, strict=True):
        batch = pictures.get(picture_name)
        if batch is None:
            continue
        mask = masks.get(mask_name)
        for index, view in enumerate(frames_to_bytes(batch)):
            views.append(view)
            view_masks.append(None if mask is None else character_mask(mask[min(index, len(mask) - 1)], view.shape))
    check_picture_count(len(views) + extra)
    return views, view_masks


def character_mask(mask: torch.Tensor, picture_shape: tuple[int, ...]) -> np.ndarray | None:
    """MASK [H,W] -> float32 [H,W] with 1 on the character, or None for an empty mask.

    Core's Load Image gives an all-black mask for an opaque picture and a white background for a transparent one;
    a mask that is white on most of the picture's border is therefore turned round.
    """
    values = mask.float().clamp(0, 1).cpu().numpy()
    if values.max() < 0.5:
        return None
    if values.shape != tuple(picture_shape[:2]):
        raise SubjectError(
            "A mask does not have its picture's size", got=f"{values.shape[1]} x {values.shape[0]}",
            expected=f"{picture_shape[1]} x {picture_shape[0]}", remedy="Link the mask made for this picture",
        )  # fmt: skip
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return 1 - values if border.mean() > 0.5 else values


def _keypoints_of(frames: list | None, views: list[np.ndarray]) -> list[PictureKeypoints | None]:
    if not frames:
        return []
    if len(frames) != len(views):
        raise SubjectError(
            "The keypoints do not fit the pictures", got=f"{len(frames)} frames for {len(views)} pictures",
            expected="one frame for each picture", remedy="Run the detector on the same pictures, or disconnect pose_keypoint",
        )  # fmt: skip
    return [keypoints_from_pose_keypoint(frame, Canvas(*view.shape[:2])) for frame, view in zip(frames, views, strict=True)]


def describe_subject(subject: SubjectLibrary) -> str:
    """The report: every view's size and facing, and what a user should check."""
    lines = [f"{subject.name}: {len(subject.views)} view{'s' if len(subject.views) > 1 else ''}."]
    for index, view in enumerate(subject.views):
        facing = np.degrees(view.yaw)
        role = "main view" if index == subject.primary else "view"
        lines.append(f"{role} {index + 1}: {view.canvas.width} x {view.canvas.height}, facing {facing:+.0f} degrees.")
        lines += [f"  check: {problem}" for problem in view.problems]
    return "\n".join(lines)


def describe_corrections(corrections: dict[int, ViewCorrections], used: list[int | None]) -> list[str]:
    """What was corrected by hand, and what could not be because its picture is gone."""
    lines = []
    for number, correction in corrections.items():
        joints = ", ".join(name.replace("_", " ") for name in correction.joints)
        if number in used:
            lines.append(f"view {used.index(number) + 1}, put right by hand: {joints}.")
        else:
            lines.append(f"check: corrections of {joints} were made on another picture (number {number}) and were left out.")
    return lines
