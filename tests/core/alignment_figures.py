"""A drawn figure with exact keypoints for the alignment tests: capsule limbs, textured cloth, a simple face."""

from __future__ import annotations

import cv2
import numpy as np

from kmc_core.pose.skeleton_layouts import rig_joints
from kmc_core.types import Canvas, CharacterMotion, PictureKeypoints, SubjectLibrary, SubjectView

# BlazePose-33 of a standing figure with arms held off the body; fractions of the picture's height from its centre line
STANDING = {
    0: (0.0, 0.17), 7: (0.035, 0.165), 8: (-0.035, 0.165), 11: (0.085, 0.27), 12: (-0.085, 0.27), 13: (0.15, 0.39),
    14: (-0.15, 0.39), 15: (0.19, 0.51), 16: (-0.19, 0.51), 17: (0.205, 0.56), 18: (-0.205, 0.56), 19: (0.205, 0.56),
    20: (-0.205, 0.56), 23: (0.055, 0.52), 24: (-0.055, 0.52), 25: (0.065, 0.7), 26: (-0.065, 0.7), 27: (0.07, 0.87),
    28: (-0.07, 0.87), 29: (0.065, 0.9), 30: (-0.065, 0.9), 31: (0.09, 0.93), 32: (-0.09, 0.93),
}  # fmt: skip
COLOURS = {"torso": (200, 40, 40), "head": (230, 180, 150), "arm": (40, 60, 190), "leg": (40, 140, 60)}


def standing_body(canvas: Canvas) -> np.ndarray:
    """BlazePose points [33,2] px of the figure."""
    body = np.zeros((33, 2), np.float32)
    for index in range(33):
        x, y = STANDING.get(index, STANDING[0])
        body[index] = canvas.width / 2 + x * canvas.height, y * canvas.height
    return body


def standing_view(canvas: Canvas = Canvas(384, 288), seed: int = 0, with_face: bool = False) -> SubjectView:
    """The figure as a SubjectView on a plain grey backdrop."""
    body = standing_body(canvas)
    joints = np.concatenate([rig_joints(body), np.zeros((19, 1), np.float32)], -1)
    torso = float(np.linalg.norm(joints[1] - joints[0]))
    picture, alpha = _drawn(canvas, joints, torso, seed)
    face = np.zeros((478, 3), np.float32)
    if with_face:
        face = drawn_face(joints[2, :2] + [0, 0.02 * canvas.height], 0.07 * canvas.height)
    keypoints = PictureKeypoints(
        body, np.ones(33, np.float32), np.zeros((33, 3), np.float32), np.zeros((2, 21, 3), np.float32), np.zeros(2, np.float32),
        face, float(with_face), 1.0, user_supplied=True,
    )  # fmt: skip
    foreground = picture.copy()
    return SubjectView(picture, alpha, foreground, keypoints, joints, np.ones(19, np.float32), torso, 0.0, 0.0)


def drawn_face(centre: np.ndarray, radius: float) -> np.ndarray:
    """478 points spread over a disc in a fixed order, with the named landmarks the renderer reads at plausible places."""
    generator = np.random.default_rng(3)
    angle, distance = generator.uniform(0, 2 * np.pi, 478), np.sqrt(generator.uniform(0, 0.9, 478)) * radius
    face = np.stack([centre[0] + distance * np.cos(angle), centre[1] + distance * np.sin(angle), -np.sqrt(np.maximum(radius**2 - distance**2, 0)) * 0.5], -1)
    named = {
        10: (0, -1), 152: (0, 1), 234: (-1, 0), 454: (1, 0), 33: (-0.6, -0.2), 133: (-0.2, -0.2), 362: (0.2, -0.2),
        263: (0.6, -0.2), 13: (0, 0.5), 14: (0, 0.51), 78: (-0.3, 0.5), 308: (0.3, 0.5),
    }  # fmt: skip
    for index, (x, y) in named.items():
        face[index, :2] = centre + np.array([x, y]) * radius
    return face.astype(np.float32)


def _drawn(canvas: Canvas, joints: np.ndarray, torso: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    height, width = canvas
    texture = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 60, (height, width, 3)).astype(np.float32), (0, 0), 2) * 3
    colour = np.full((height, width, 3), 128, np.float32)
    alpha = np.zeros((height, width), np.float32)

    def stroke(points: np.ndarray, radius: float, name: str) -> None:
        mask = np.zeros((height, width), np.uint8)
        for a, b in zip(points[:-1], points[1:], strict=True):
            cv2.line(mask, tuple(int(v) for v in a), tuple(int(v) for v in b), 255, max(1, int(2 * radius)), cv2.LINE_AA)
        share = mask.astype(np.float32)[..., None] / 255
        colour[:] = colour * (1 - share) + (np.array(COLOURS[name], np.float32) + texture) * share
        alpha[:] = np.maximum(alpha, share[..., 0])

    flat = joints[:, :2]
    for chain in ((11, 12, 13, 14), (15, 16, 17, 18)):
        stroke(flat[list(chain)], 0.16 * torso, "leg")
    trunk = np.zeros((height, width), np.uint8)
    cv2.fillPoly(trunk, [np.round(flat[[3, 7, 15, 11]]).astype(np.int32)], 255, cv2.LINE_AA)
    trunk = cv2.dilate(trunk, np.ones((9, 9), np.uint8))
    share = trunk.astype(np.float32)[..., None] / 255
    colour[:] = colour * (1 - share) + (np.array(COLOURS["torso"], np.float32) + texture) * share
    alpha[:] = np.maximum(alpha, share[..., 0])
    stroke(flat[[1, 2]], 0.1 * torso, "head")
    stroke(flat[[2, 2]], 0.28 * torso, "head")
    for chain in ((3, 4, 5, 6), (7, 8, 9, 10)):
        stroke(flat[list(chain)], 0.11 * torso, "arm")
    return np.clip(colour, 0, 255).astype(np.uint8), alpha


def library_of(*views: SubjectView) -> SubjectLibrary:
    """A library of given views, all at one scale."""
    count = len(views)
    return SubjectLibrary("figure", views, 0, np.ones(18, np.float32), np.ones(18, bool), np.ones(count, np.float32))


def still_motion(view: SubjectView, frames: int = 1) -> CharacterMotion:
    """A motion that stays in the picture's own pose."""
    def repeat(value: np.ndarray) -> np.ndarray:
        return np.repeat(np.asarray(value, np.float32)[None], frames, 0)

    return CharacterMotion(
        canvas=view.canvas, joints=repeat(view.joints), joint_confidence=np.ones((frames, 19), np.float32),
        scale=np.ones(frames, np.float32), head_rotation=repeat(np.eye(3)), head_yaw=np.full(frames, view.head_yaw, np.float32),
        eye_openness=np.ones((frames, 2), np.float32), mouth_gap=np.zeros(frames, np.float32),
        gaze=np.zeros((frames, 2, 2), np.float32), hands=np.zeros((frames, 2, 21, 3), np.float32),
        hand_confidence=np.zeros((frames, 2), np.float32), body_yaw=np.full(frames, view.yaw, np.float32),
        camera=repeat(np.eye(2, 3)),
    )  # fmt: skip
