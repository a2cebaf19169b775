"""Every frame: where the vertices of each layer go.

Not here: weights (mesh.py), expressions (face.py), pixels (compositing.py). Called by the aligner.
Limbs by linear blend skinning, the torso as a bilinear quad with an elliptic cross-section, the head as a turned relief.
Depth is the joints' own z; small biases keep arms before and legs behind the torso when both are equally deep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..pose.skeleton_layouts import HEAD, LEFT_ARM, LEFT_LEG, NECK, PELVIS, RIGHT_ARM, RIGHT_LEG
from .capsules import apply_affine, bone_transform, distance_to_segment, smoothstep, unit
from .face import front_triangles
from .forearm import FOREARM, UPPER_ARM, stand_in_share
from .head import turn_head, turn_round_head
from .mesh import LimbWeights
from .part_model import FACE, HEAD_PART, L_ARM, L_LEG, LIMB_JOINTS, R_ARM, R_LEG, TORSO
from .profile import in_profile
from .skirt import following

if TYPE_CHECKING:
    from .prepared_view import PreparedView

ARM_BIAS, HAND_BIAS, LEG_BIAS, HEAD_BIAS, FACE_BIAS = -0.10, -0.11, 0.06, -0.15, -0.17  # torso lengths
HAIR_BIAS = -0.06  # hair that hangs on the torso: before it, behind the arms
BODY_DEPTH = 0.30  # (depth / width)^2 of the torso's elliptic cross-section: a side view keeps 55 % of the width
SIGN_HYSTERESIS = 0.22
WIDEST = 1.25  # times its width in the picture: a limb is never drawn wider
FOLDED_COSINE = 0.4  # between both bones' directions


class TargetPose(NamedTuple):
    """What one view is asked to show.

    joints [19,3] canvas px; confidence [19]; scale: canvas px per px of this view's picture;
    torso_sign: +1 when the subject's left is on the picture's right side of the spine, else -1; head_rotation [3,3].
    """

    joints: np.ndarray
    confidence: np.ndarray
    scale: float
    torso_sign: float
    head_rotation: np.ndarray


@dataclass(frozen=True)
class MovedPart:
    """source [N,2] picture px; target [N,3] canvas px; triangles [M,3]; confidence [N] of the joints that move it."""

    part: int
    source: np.ndarray
    target: np.ndarray
    triangles: np.ndarray
    confidence: np.ndarray
    opacity: float = 1.0
    stand_in: int = -1  # number of the arm's bone whose stand-in gives the texture; -1: the part's own layer does


class TorsoFrame(NamedTuple):
    """A bilinear quad: neck [2], spine [2] (neck to pelvis), half-width vectors at shoulders and hips [2]."""

    neck: np.ndarray
    spine: np.ndarray
    shoulders: np.ndarray
    hips: np.ndarray


def torso_side(joints: np.ndarray) -> np.ndarray:
    """Sine-like side of the torso [T] of joints [T,19,3]: > 0 while the subject's left lies on the picture's right."""
    spine = joints[:, PELVIS, :2] - joints[:, NECK, :2]
    normal = np.stack([spine[:, 1], -spine[:, 0]], -1)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    across = joints[:, LEFT_ARM[0]] - joints[:, RIGHT_ARM[0]] + joints[:, LEFT_LEG[0]] - joints[:, RIGHT_LEG[0]]
    return (across[:, :2] * normal).sum(-1) / np.maximum(np.linalg.norm(across, axis=-1), 1e-6)


def torso_signs(joints: np.ndarray) -> np.ndarray:
    """The side as +-1 per frame [T]; it changes only once the other side is clear (|side| > 0.22), else it would flicker."""
    signs = np.ones(len(joints))
    current = 0.0
    for frame, side in enumerate(torso_side(joints)):
        if current == 0.0 or abs(side) > SIGN_HYSTERESIS:
            current = 1.0 if side >= 0 else -1.0
        signs[frame] = current
    return signs


def torso_frame(joints: np.ndarray, sign: float) -> TorsoFrame:
    """Quad of one pose, joints [19,3]."""
    neck, spine = joints[NECK, :2], joints[PELVIS, :2] - joints[NECK, :2]
    shoulders = _apparent_half_width(joints[LEFT_ARM[0]] - joints[RIGHT_ARM[0]], spine, sign)
    hips = _apparent_half_width(joints[LEFT_LEG[0]] - joints[RIGHT_LEG[0]], spine, sign)
    return TorsoFrame(neck, spine, shoulders, hips)


def _apparent_half_width(across: np.ndarray, spine: np.ndarray, sign: float) -> np.ndarray:
    """Half of the projected width of an elliptic cross-section whose long axis is `across` [3]."""
    length = max(float(np.linalg.norm(across)), 1e-6)
    down = unit(spine)
    normal = np.array([down[1], -down[0]])
    sideways, tilt = float(across[:2] @ normal), float(across[:2] @ down)
    width = np.sqrt(sideways**2 + BODY_DEPTH * max(length**2 - sideways**2, 0.0))
    tilt *= min(1.0, abs(sideways) / (0.5 * length))
    return (sign * width * normal + tilt * down) / 2


def torso_coordinates(frame: TorsoFrame, points: np.ndarray) -> np.ndarray:
    """Inverse of `torso_points`: points [N,2] -> [N,2] (0 neck .. 1 pelvis along the spine, -1 .. 1 across)."""
    offset, along = points - frame.neck, np.zeros(len(points))
    across = along
    for _ in range(6):  # fixed point: the width vector depends on the height along the spine
        share = np.clip(along, 0, 1)[:, None]
        width = frame.shoulders * (1 - share) + frame.hips * share
        determinant = frame.spine[0] * width[:, 1] - frame.spine[1] * width[:, 0]
        determinant = np.where(np.abs(determinant) < 1e-6, 1e-6, determinant)
        along = (offset[:, 0] * width[:, 1] - offset[:, 1] * width[:, 0]) / determinant
        across = (frame.spine[0] * offset[:, 1] - frame.spine[1] * offset[:, 0]) / determinant
    return np.stack([along, across], 1)


def torso_points(frame: TorsoFrame, coordinates: np.ndarray) -> np.ndarray:
    """Quad coordinates [N,2] -> points [N,2]."""
    along, across = coordinates[:, :1], coordinates[:, 1:]
    share = np.clip(along, 0, 1)
    return frame.neck + along * frame.spine + across * (frame.shoulders * (1 - share) + frame.hips * share)


def move_body(view: PreparedView, pose: TargetPose) -> list[MovedPart]:
    """Torso, limbs and hands of a view in the target pose (those the view shows)."""
    sign, own = drawn_side(view, pose)
    frame = torso_frame(pose.joints, sign)
    mirror = np.array([sign * own, 1.0])  # limbs turn over with the torso: what is outside stays outside
    transforms = {part: _bone_transforms(view, pose, part, mirror) for part in LIMB_JOINTS}
    moved = []
    if TORSO in view.meshes:
        trunk = _move_torso(view, pose, frame)
        moved.append(trunk if view.skirt is None else _hang_skirt(view, pose, trunk, transforms, mirror))
    for part, weights in view.limb_weights.items():
        limb = _move_limb(view, pose, frame, part, weights, transforms, mirror)
        if (part, UPPER_ARM) in view.stand_ins:
            moved += [_stand_in(view, pose, part, UPPER_ARM, 1.0), _stand_in(view, pose, part, FOREARM, 1.0)]
        elif (part, FOREARM) in view.stand_ins:
            moved += _with_stand_in(
                view, pose, limb, weights, lambda changed, part=part: _move_limb(view, pose, frame, part, changed, transforms, mirror)
            )
        else:
            moved += _at_the_bend(limb, weights) if part in LIMB_JOINTS and _is_folded(pose.joints, part) else [limb]
    return moved


def drawn_side(view: PreparedView, pose: TargetPose) -> tuple[float, float]:
    """The side (+-1) a view's torso is drawn with, and its own; they differ where it is seen from behind what it shows.

    A view in profile has no clear side: it is never drawn as its mirror image.
    """
    side = float(torso_side(view.joints[None])[0])
    own = 1.0 if side >= 0 else -1.0
    return (own if in_profile(view.subject) or abs(side) <= SIGN_HYSTERESIS else pose.torso_sign), own


def _is_folded(joints: np.ndarray, limb: int) -> bool:
    """Whether a limb's first two bones stand at less than about 115 degrees to each other in the picture."""
    root, bend, end = (joints[joint, :2] for joint in LIMB_JOINTS[limb][:3])
    return float(unit(bend - root) @ unit(end - bend)) < FOLDED_COSINE


def _at_the_bend(limb: MovedPart, weights: LimbWeights) -> list[MovedPart]:
    """A limb in two pieces: folded, one lies over the other, and the clear rim of the nearer one must not punch a hole."""
    below = (weights.bones[:, 1:].sum(1) > 0.5)[limb.triangles].any(1)
    return [replace(limb, triangles=limb.triangles[~below]), replace(limb, triangles=limb.triangles[below])]


def _with_stand_in(
    view: PreparedView, pose: TargetPose, arm: MovedPart, weights: LimbWeights, move: Callable[[LimbWeights], MovedPart]
) -> list[MovedPart]:
    """The picture's arm, or as far as the stand-in takes over: the upper arm alone, moved by its own bone, and a forearm."""
    chain = list(LIMB_JOINTS[arm.part][:3])
    share = stand_in_share(pose.joints[chain], view.joints[chain])
    upper = move(replace(weights, bones=np.broadcast_to([1.0, 0.0, 0.0], weights.bones.shape)))
    return [
        replace(arm, opacity=min(1.0, 2 - 2 * share)),
        replace(upper, opacity=min(1.0, 2 * share), stand_in=UPPER_ARM),
        _stand_in(view, pose, arm.part, FOREARM, share),
    ]


def _stand_in(view: PreparedView, pose: TargetPose, arm: int, bone: int, opacity: float) -> MovedPart:
    """The drawn cylinder of one arm bone in the target pose."""
    model, chain = view.stand_ins[arm, bone], LIMB_JOINTS[arm]
    start, end = pose.joints[chain[bone]], pose.joints[chain[bone + 1]]
    matrix = bone_transform(model.bone, np.stack([start, end])[:, :2], pose.scale, (0.05, 2.5))
    vertices = model.mesh.vertices
    along = np.clip((vertices[:, 0] - model.bone[0, 0]) / (model.bone[1, 0] - model.bone[0, 0]), 0, 1)
    depth = start[2] * (1 - along) + end[2] * along + ARM_BIAS * view.torso_px * pose.scale
    confidence = np.full(len(vertices), min(pose.confidence[chain[bone]], pose.confidence[chain[bone + 1]]))
    target = np.column_stack([apply_affine(matrix, vertices), depth])
    return MovedPart(arm, vertices, target, model.mesh.triangles, confidence, opacity, bone)


def _move_torso(view: PreparedView, pose: TargetPose, frame: TorsoFrame) -> MovedPart:
    mesh, coordinates = view.meshes[TORSO], view.torso_coordinates[TORSO]
    target = torso_points(frame, coordinates)
    neck_bone = view.joints[HEAD, :2] - view.joints[NECK, :2]
    up_neck = ((mesh.vertices - view.joints[NECK, :2]) @ neck_bone) / max(float(neck_bone @ neck_bone), 1e-6)
    with_head = smoothstep(0.25, 0.95, up_neck)[:, None]
    pivot = view.joints[HEAD, :2]
    turned = turn_head(mesh.vertices, np.zeros(len(mesh.vertices)), pivot, pose.head_rotation, pose.scale)
    target = target * (1 - with_head) + (turned[:, :2] + pose.joints[HEAD, :2]) * with_head
    share = np.clip(coordinates[:, 0], 0, 1)
    depth = pose.joints[NECK, 2] * (1 - share) + pose.joints[PELVIS, 2] * share
    confidence = pose.confidence[NECK] * (1 - share) + pose.confidence[PELVIS] * share
    return MovedPart(TORSO, mesh.vertices, np.column_stack([target, depth]), mesh.triangles, confidence)


def _hang_skirt(
    view: PreparedView, pose: TargetPose, trunk: MovedPart, transforms: dict[int, list[np.ndarray]], mirror: np.ndarray
) -> MovedPart:
    """The trunk with its skirt between hips and legs: it swings with the torso and gives way to the thighs, always before them."""
    skirt, vertices = view.skirt, trunk.source * mirror
    bones = np.stack([1 - skirt.below_knee, skirt.below_knee, np.zeros_like(skirt.below_knee)], 1)
    target, depth = np.zeros((len(vertices), 2)), trunk.target[:, 2]
    thighs, lengths = [], []
    for leg, share in ((L_LEG, skirt.left), (R_LEG, 1 - skirt.left)):
        chain = list(LIMB_JOINTS[leg])
        target += share[:, None] * skin(vertices, bones, transforms[leg], view.joints[chain, :2] * mirror)
        along = distance_to_segment(trunk.source, view.joints[chain[0], :2], view.joints[chain[1], :2])[1]
        depth = np.minimum(depth, pose.joints[chain[0], 2] * (1 - along) + pose.joints[chain[1], 2] * along)
        thighs.append(pose.joints[chain[1], :2] - pose.joints[chain[0], :2])
        lengths.append(np.linalg.norm(view.joints[chain[1], :2] - view.joints[chain[0], :2]) * pose.scale)
    share = (skirt.hang * following(np.array(thighs), np.array(lengths)))[:, None]
    mixed = trunk.target[:, :2] * (1 - share) + target * share
    return replace(trunk, target=np.column_stack([mixed, trunk.target[:, 2] * (1 - skirt.hang) + depth * skirt.hang]))


def _bone_transforms(view: PreparedView, pose: TargetPose, part: int, mirror: np.ndarray) -> list[np.ndarray]:
    chain, joints = LIMB_JOINTS[part], view.joints[:, :2] * mirror
    pairs = [[chain[bone], chain[bone + 1]] for bone in range(3)]
    return [bone_transform(joints[pair], pose.joints[pair, :2], pose.scale) for pair in pairs]


def skin(
    vertices: np.ndarray, weights: np.ndarray, transforms: list[np.ndarray], chain: np.ndarray, bend: np.ndarray | float = 0.0
) -> np.ndarray:
    """A chain's skinning: vertices [N,2], weights [N,3], affine maps [2,3] of its three bones, chain [4,2] joints -> [N,2].
    bend [2]: from the first joint that bends to what the cloth turns about there.

    Linear blend skinning (Magnenat-Thalmann et al. 1988), but about a joint shared by two bones angles are blended
    instead of matrices (a plane version of Kavan et al. 2007): a folded elbow keeps its outer curve.
    """
    moved = sum(weights[:, bone : bone + 1] * apply_affine(matrix, vertices) for bone, matrix in enumerate(transforms))
    for joint in (1, 2):
        bent = np.flatnonzero((weights[:, joint - 1] > 0) & (weights[:, joint] > 0))
        share = weights[bent, joint]
        centre = chain[joint] + np.asarray(bend, np.float64) * (joint == 1)
        before, after = transforms[joint - 1], transforms[joint]
        first, second = (np.arctan2(m[1, 0] - m[0, 1], m[0, 0] + m[1, 1]) for m in (before, after))
        angle = first + share * ((second - first + np.pi) % (2 * np.pi) - np.pi)
        offset = vertices[bent] - centre
        sized = (1 - share)[:, None] * (offset @ (_turn(-first) @ before[:, :2]).T)
        sized = sized + share[:, None] * (offset @ (_turn(-second) @ after[:, :2]).T)
        x = np.cos(angle) * sized[:, 0] - np.sin(angle) * sized[:, 1]
        y = np.sin(angle) * sized[:, 0] + np.cos(angle) * sized[:, 1]
        place = (1 - share)[:, None] * apply_affine(before, centre) + share[:, None] * apply_affine(after, centre)
        moved[bent] = place + np.stack([x, y], 1)
    return moved


def bounded_width(
    vertices: np.ndarray, moved: np.ndarray, weights: np.ndarray, chain: np.ndarray, target: np.ndarray, most: float
) -> np.ndarray:
    """Moved vertices [N,2], none farther from the target chain [4,2] than `most` times its distance from its own bones.

    vertices [N,2] and chain [4,2] in the picture, weights [N,3] say which bones are a vertex's own. Where a bone is very
    short or folded back in the picture, the blend about its joint would swing far cloth out like a fan.
    """
    own = [distance_to_segment(vertices, chain[bone], chain[bone + 1])[0] for bone in range(3)]
    reach = most * np.where(weights.T > 0.02, own, np.inf).min(0)
    bones = [distance_to_segment(moved, target[bone], target[bone + 1]) for bone in range(3)]
    nearest = np.argmin([distance for distance, _ in bones], 0)
    distance, along = (np.choose(nearest, column) for column in zip(*bones, strict=True))
    axis = target[nearest] + along[:, None] * (target[nearest + 1] - target[nearest])
    share = np.minimum(1.0, reach / np.maximum(distance, 1e-6))
    return axis + (moved - axis) * share[:, None]


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _move_limb(
    view: PreparedView,
    pose: TargetPose,
    frame: TorsoFrame,
    part: int,
    weights: LimbWeights,
    transforms: dict[int, list[np.ndarray]],
    mirror: np.ndarray,
) -> MovedPart:
    """mirror [2]: (-1, 1) draws the limb as the mirror image of the picture's, (1, 1) as it is."""
    limb = part if part in LIMB_JOINTS else part - 5  # a hand moves with its arm
    mesh, chain = view.meshes[part], LIMB_JOINTS[limb]
    bones, joints, vertices = weights.bones, view.joints[:, :2] * mirror, mesh.vertices * mirror
    if part != limb and (limb, FOREARM) in view.stand_ins:  # beside a forearm seen end-on the hand keeps its shape
        bones = np.broadcast_to([0.0, 0.0, 1.0], bones.shape)
    target = skin(vertices, bones, transforms[limb], joints[list(chain)], weights.bend * mirror)
    if part == limb:
        chains = joints[list(chain)], pose.joints[list(chain), :2]
        target = bounded_width(vertices, target, bones, *chains, WIDEST * pose.scale)
    if weights.other_leg.any():
        other_chain = joints[list(LIMB_JOINTS[L_LEG + R_LEG - limb])]
        other = skin(vertices, weights.other_bones, transforms[L_LEG + R_LEG - limb], other_chain)
        target = target * (1 - weights.other_leg[:, None]) + other * weights.other_leg[:, None]
    torso = torso_points(frame, view.torso_coordinates[part])
    target = target * (1 - weights.torso[:, None]) + torso * weights.torso[:, None]
    depth, confidence = np.zeros(len(target)), np.zeros(len(target))
    for bone in range(3):
        start, end = chain[bone], chain[bone + 1]
        along = view.bone_positions[part][bone]
        depth += bones[:, bone] * (pose.joints[start, 2] * (1 - along) + pose.joints[end, 2] * along)
        confidence += bones[:, bone] * min(pose.confidence[start], pose.confidence[end])
    bias = (ARM_BIAS if part in (L_ARM, R_ARM) else LEG_BIAS if part in (L_LEG, R_LEG) else HAND_BIAS) * view.torso_px
    return MovedPart(part, mesh.vertices, np.column_stack([target, depth + bias * pose.scale]), mesh.triangles, confidence)


def positions_along_bones(joints: np.ndarray, limb: int, vertices: np.ndarray) -> np.ndarray:
    """Place of each vertex along each bone of a limb, 0 .. 1 -> [3,N]."""
    chain = LIMB_JOINTS[limb]
    return np.stack(
        [distance_to_segment(vertices, joints[chain[bone], :2], joints[chain[bone + 1], :2])[1] for bone in range(3)]
    )


def move_head(view: PreparedView, pose: TargetPose, face_points: np.ndarray | None) -> list[MovedPart]:
    """Head and face layers. face_points [478,3]: the expression in picture px (face.express), or None."""
    if HEAD_PART not in view.meshes:
        return []
    mesh, head = view.meshes[HEAD_PART], view.head
    base = np.array([*pose.joints[HEAD, :2], 0.5 * (pose.joints[HEAD, 2] + pose.joints[NECK, 2])])
    reach = view.torso_px * pose.scale
    points, depth = mesh.vertices, head.depth
    if face_points is not None and view.face is not None:
        followed = (face_points - view.face.points)[head.face_index] * head.face_share[..., None]
        points, depth = points + followed.sum(1)[:, :2], depth + followed.sum(1)[:, 2]
    turned = turn_round_head(head, points, depth, pose.head_rotation, pose.scale)
    target = base[:2] + turned[:, :2]
    torso = torso_points(torso_frame(pose.joints, drawn_side(view, pose)[0]), view.torso_coordinates[HEAD_PART])
    target = target * (1 - head.trailing[:, None]) + torso * head.trailing[:, None]
    layered = base[2] + HEAD_BIAS * reach + 0.02 * turned[:, 2]
    hanging = 0.5 * (pose.joints[NECK, 2] + pose.joints[PELVIS, 2]) + HAIR_BIAS * reach
    layered = layered * (1 - head.trailing) + hanging * head.trailing
    confidence = np.full(len(target), pose.confidence[HEAD])
    moved = [MovedPart(HEAD_PART, mesh.vertices, np.column_stack([target, layered]), mesh.triangles, confidence)]
    if face_points is not None and view.face is not None:
        turned = turn_head(face_points[:, :2], face_points[:, 2], head.pivot, pose.head_rotation, pose.scale)
        target = np.column_stack([base[:2] + turned[:, :2], base[2] + FACE_BIAS * reach + 0.001 * turned[:, 2]])
        triangles = front_triangles(view.face, target)
        source = view.face.points[:, :2]
        moved.append(MovedPart(FACE, source, target, triangles, np.full(len(target), pose.confidence[HEAD])))
    return moved

