"""Everything about one picture of the character that does not depend on the motion: built once, used every frame.

Not here: the motion (deform.py). Called by the aligner.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from ..motion.proportions import palm_px
from ..types import SubjectView
from .bare_arms import release_from_bare_arms
from .deform import positions_along_bones, torso_coordinates, torso_frame, torso_side
from .extension import extended_below
from .face import FaceModel, build_face
from .forearm import FOREARM, UPPER_ARM, StandIn, build_forearm, build_hidden_arm, draw_bare_elbow
from .head import HeadModel, build_head
from .held import keep_held_whole
from .layers import ALPHA, REAL, Layer, build_layers, face_layer, split_hand, upper_arm_layer
from .lower_body import join_loose_pieces, keep_coat_whole, keep_skirt_whole_in_profile
from .mesh import LimbWeights, Mesh, grid_mesh, limb_weights
from .part_model import FACE, HEAD_PART, L_ARM, L_HAND, LIMB_JOINTS, R_ARM, R_HAND, TORSO, PartModel, build_part_model, has_face
from .profile import hidden_limbs, with_hidden_limbs
from .skirt import Skirt, SkirtWeights, cut_skirt, skirt_weights

MOST_LEVELS = 4


@dataclass
class Texture:
    """A layer's picture in halving sizes. levels[0] is [C,h,w] with h, w multiples of 8; origin (x, y) picture px."""

    origin: tuple[int, int]
    levels: list[Tensor] = field(default_factory=list)

    @classmethod
    def of(cls, layer: Layer) -> Texture:
        """Pad with transparency and halve three times."""
        height, width, _ = layer.texture.shape
        step = 1 << (MOST_LEVELS - 1)
        padded = np.pad(layer.texture, ((0, -height % step), (0, -width % step), (0, 0)))
        levels = []
        for level in range(MOST_LEVELS):
            if level:
                size = (padded.shape[1] // 2, padded.shape[0] // 2)
                padded = cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
            levels.append(torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1))))
        return cls(layer.origin, levels)

    def at_scale(self, scale: float) -> Tensor:
        """The level to sample when one picture pixel becomes `scale` canvas pixels."""
        level = int(np.clip(np.floor(np.log2(1 / max(scale, 1e-6)) + 0.35), 0, MOST_LEVELS - 1))
        return self.levels[level]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the largest level, picture px."""
        return self.levels[0].shape[1], self.levels[0].shape[2]


@dataclass(frozen=True)
class PreparedView:
    """See the classes of the fields. Dictionaries are keyed by part number and hold only the parts that are shown; stand-ins
    are keyed by arm and bone."""

    subject: SubjectView
    model: PartModel
    textures: dict[int, Texture]
    meshes: dict[int, Mesh]
    limb_weights: dict[int, LimbWeights]
    torso_coordinates: dict[int, np.ndarray]
    bone_positions: dict[int, np.ndarray]
    skirt: SkirtWeights | None
    stand_ins: dict[tuple[int, int], StandIn]
    stand_in_textures: dict[tuple[int, int], Texture]
    head: HeadModel | None
    face: FaceModel | None
    hand_colour: np.ndarray | None
    palm_px: float

    @property
    def joints(self) -> np.ndarray:
        return self.subject.joints

    @property
    def torso_px(self) -> float:
        return self.subject.torso_px


def prepare_view(subject: SubjectView, *, with_face: bool = True) -> PreparedView:
    """Part model, layers, meshes, weights and textures of one picture; 1-2 s for 1280 px on one core."""
    subject = with_hidden_limbs(subject)
    view = extended_below(subject)
    model = build_part_model(view)
    below = model.labels[subject.canvas.height :]
    below[(below == L_ARM) | (below == R_ARM)] = -1  # a mirrored hand would be a third one
    copies = hidden_parts(view)
    for far, near in copies.items():
        model.labels[model.labels == far] = near
    keep_skirt_whole_in_profile(view, model)
    keep_held_whole(view, model)
    skirt = None if keep_coat_whole(view, model) else cut_skirt(view, model)
    arms = release_from_bare_arms(view, model)
    join_loose_pieces(view, model)
    layers = _cut_layers(view, model, subject.canvas.height, arms.bare, skirt)
    layers |= {far: replace(layers[near], part=far) for far, near in copies.items() if near in layers}
    slimmest = {part: float(min(radii[:2])) for part, radii in model.limb_radii.items()}
    slimmest |= dict.fromkeys((L_HAND, R_HAND), 0.5 * palm_px(subject))
    meshes = {part: grid_mesh(layer, max(subject.canvas), slimmest.get(part, np.inf)) for part, layer in layers.items()}
    quad = torso_frame(view.joints, 1.0 if torso_side(view.joints[None])[0] >= 0 else -1.0)
    weights, positions = {}, {}
    for part, mesh in meshes.items():
        limb = part - L_HAND + L_ARM if part >= L_HAND else part
        if limb in LIMB_JOINTS:
            weights[part] = limb_weights(view, model, limb, mesh.vertices, skirt is not None)
            positions[part] = positions_along_bones(view.joints, limb, mesh.vertices)
    face = build_face(view) if with_face and HEAD_PART in layers else None
    if face is not None:
        layers[FACE] = face_layer(view, model)
    skin = _hand_colour(subject)
    stand_ins = _stand_ins(view, model, [arm for arm in (L_ARM, R_ARM) if arm in layers], arms.hidden, skin)
    return PreparedView(
        subject=subject,
        model=model,
        textures={part: Texture.of(layer) for part, layer in layers.items()},
        meshes=meshes,
        limb_weights=weights,
        torso_coordinates={part: torso_coordinates(quad, mesh.vertices) for part, mesh in meshes.items()},
        bone_positions=positions,
        skirt=skirt_weights(view, skirt, meshes[TORSO].vertices) if skirt is not None else None,
        stand_ins=stand_ins,
        stand_in_textures=_stand_in_textures(view, model, layers, stand_ins),
        head=build_head(view, model, meshes[HEAD_PART].vertices) if HEAD_PART in meshes else None,
        face=face,
        hand_colour=skin,
        palm_px=palm_px(subject),
    )


def hidden_parts(view: SubjectView) -> dict[int, int]:
    """Limbs and hands behind the body -> the near ones that they are copied from; empty unless in profile."""
    part_of = {chain: part for part, chain in LIMB_JOINTS.items()}
    pairs = {part_of[far]: part_of[near] for far, near in hidden_limbs(view)}
    return pairs | {far - L_ARM + L_HAND: near - L_ARM + L_HAND for far, near in pairs.items() if far in (L_ARM, R_ARM)}


def _cut_layers(
    view: SubjectView, model: PartModel, true_rows: int, bare_arms: frozenset[int], skirt: Skirt | None
) -> dict[int, Layer]:
    """Body layers with the hands cut from the arms; rows below the true picture count as invented."""
    layers = build_layers(view, model, bare_arms, skirt.beneath if skirt is not None else None)
    for arm in (L_ARM, R_ARM):
        if arm in layers:
            layers[arm], hand = split_hand(layers[arm], view)
            if (hand.texture[..., ALPHA] > 0.5).sum() >= 12:
                layers[arm - L_ARM + L_HAND] = hand
    for layer in layers.values():
        layer.texture[max(0, true_rows - layer.origin[1]) :, :, REAL] = 0
    return layers


def _stand_ins(
    view: SubjectView, model: PartModel, arms: list[int], hidden: frozenset[int], skin: np.ndarray | None
) -> dict[tuple[int, int], StandIn]:
    """Drawn arm bones by arm and bone: whole hidden arms, forearms seen end-on."""
    found = {}
    for arm in arms:
        both = None
        if arm in hidden:
            chain = LIMB_JOINTS[arm]
            lengths = tuple(float(np.linalg.norm(view.joints[chain[i + 1]] - view.joints[chain[i]])) for i in range(2))
            both = build_hidden_arm(view, model, arm, lengths, skin)
        if both is not None:
            found[arm, UPPER_ARM], found[arm, FOREARM] = both
        elif (forearm := build_forearm(view, model, arm, skin)) is not None:
            found[arm, FOREARM] = forearm
    return found


def _stand_in_textures(
    view: SubjectView, model: PartModel, layers: dict[int, Layer], stand_ins: dict[tuple[int, int], StandIn]
) -> dict[tuple[int, int], Texture]:
    """Textures of the drawn bones, and of the picture's upper arm where only the forearm is drawn."""
    textures = {key: Texture.of(stand_in.layer) for key, stand_in in stand_ins.items()}
    for arm, _ in stand_ins:
        if (arm, UPPER_ARM) not in stand_ins:
            upper = upper_arm_layer(layers[arm], view, model)
            textures[arm, UPPER_ARM] = Texture.of(draw_bare_elbow(upper, view, stand_ins[arm, FOREARM]))
    return textures


def _hand_colour(subject: SubjectView) -> np.ndarray | None:
    """Skin colour 0..1: median of the hands seen (the brighter one counts more), else of the face, else None.

    Hands in cold or dim light, that are greyer than the face, are tinted halfway to it: flat grey limbs look dead.
    """
    found = []
    for side in range(2):
        if subject.keypoints.hands_confidence[side] < 0.5:
            continue
        mask = np.zeros(subject.canvas, np.uint8)
        outline = subject.keypoints.hands[side, [0, 1, 5, 9, 13, 17], :2]
        cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 1)
        pixels = subject.foreground[(mask > 0) & (subject.alpha > 0.8)]
        if len(pixels) > 20:
            found.append(np.median(pixels, 0) / 255)
    face = _face_colour(subject)
    if not found:
        return face
    hands = np.clip(0.5 * np.max(found, 0) + 0.5 * np.mean(found, 0), 0, 1)
    if face is None:
        return hands
    lab, of_face = (cv2.cvtColor(colour.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0] for colour in (hands, face))
    if np.hypot(*lab[1:]) < np.hypot(*of_face[1:]):
        lab[1:] = (lab[1:] + of_face[1:]) / 2
    return np.clip(cv2.cvtColor(lab.reshape(1, 1, 3), cv2.COLOR_LAB2RGB)[0, 0].astype(np.float64), 0, 1)


def _face_colour(subject: SubjectView) -> np.ndarray | None:
    """Median colour 0..1 of cheeks, chin and brow; None without a face."""
    if not has_face(subject):
        return None
    points = subject.keypoints.face[[50, 280, 205, 425, 151, 9], :2].astype(int)
    points = np.clip(points, 0, [subject.canvas.width - 1, subject.canvas.height - 1])
    return np.median(subject.foreground[points[:, 1], points[:, 0]], 0) / 255
