"""One procedural character: its design (all choices, by seed) and its built, paintable surface.

Not here: motion (motions.py), pixels (renderer.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from . import hair as hair_styles
from .accessories import accessory_surfaces
from .body import BodySolids, body_field, body_solids, body_surface
from .clothes import Outfit, garments
from .folds import WAVE_M, FoldField, build_folds
from .hands import hand_surface
from .head import FaceShape, HeadGrid, build_head, deform
from .head_parts import ear, eyeball, mouth_cave, teeth, tongue
from .implicit import DistanceGrid
from .locks import Chains, LockMesh, build_chains, lock_mesh
from .paint import Palette
from .plush import plush_head, plush_surfaces
from .robot import robot_head, robot_surfaces
from .skeleton import BONE, HEAD_JOINT, BodyShape, rest_joints
from .surface import HAIR, HEAD, MATERIAL, MATERIALS, Surface, among, join, normal_operator, one_bone
from .trailing import looseness


@dataclass(frozen=True)
class CharacterDesign:
    """Everything that makes a character; build_character turns it into surfaces. style: "soft", "toon" or "painterly";
    extras: things worn and held (accessories.py), held in the left (0) or right (1) hand; kind: "person", "robot" or a plush toy
    (plush.KINDS), who wear no clothes."""

    name: str = "adult"
    shape: BodyShape = field(default_factory=BodyShape)
    face: FaceShape = field(default_factory=FaceShape)
    hair: str = "short"
    hair_seed: int = 0
    outfit: Outfit = field(default_factory=Outfit)
    palette: Palette = field(default_factory=Palette)
    style: str = "soft"
    caption: str = "a person"
    extras: tuple[str, ...] = ()
    extras_side: int = 0
    kind: str = "person"


@dataclass
class Character:
    """surface: all parts joined; head_range: its head vertices; rest: bone joints [B,3]; eye_centres [2,3] rest metres;
    folds: how its cloth creases, if it wears any; wave [materials]: width of a crease in metres;
    loose [N]: how freely each vertex hangs; chains: its locks, if any."""

    design: CharacterDesign
    surface: Surface
    head: HeadGrid
    head_range: slice
    head_origin: np.ndarray
    rest: np.ndarray
    eye_centres: np.ndarray
    normals: sparse.csr_matrix
    two_sided: np.ndarray
    folds: FoldField | None
    wave: np.ndarray
    loose: np.ndarray
    chains: Chains | None = None

    @property
    def iris(self) -> float:
        """Radius of the iris in eyeball radii."""
        return 0.0084 * self.design.face.iris / self.head.eye_radius * self.design.face.eye_width / 0.0164


def head_origin(shape: BodyShape, rest: np.ndarray) -> np.ndarray:
    """Place of the head's own origin (between the ears) at rest, metres."""
    return rest[BONE["head"]] - HEAD_JOINT * shape.head


def build_character(design: CharacterDesign, detail: float = 1.0) -> Character:
    """Builds all surfaces. detail 1 = for heads about 100 px tall or more, 0.7 = for small pictures; takes about a second."""
    shape = design.shape
    rest = rest_joints(shape)
    solids = body_solids(shape)
    size = (shape.height / 1.65) ** 0.5
    step = 0.0135 * size / detail
    field_of_body = body_field(solids, step)
    if design.kind == "person":
        parts = _dressed(design, solids, field_of_body, rest, step, detail)
    else:
        parts = robot_surfaces(solids, 1.15 * step, detail) if design.kind == "robot" else plush_surfaces(solids, step, detail)
    for part in parts:
        part.shade = _occlusion(part, field_of_body)
    origin = head_origin(shape, rest)
    grid = build_head(design.face, detail**1.4)
    before = sum(len(p.vertices) for p in parts)
    parts += _head_surfaces(design, grid, origin, detail)
    locks, chains = hair_styles.hair_locks(design.hair, design.hair_seed), None
    if locks:
        mesh = lock_mesh(locks)
        chains = build_chains(mesh, locks, sum(len(p.vertices) for p in parts))
        parts.append(_lock_surface(design, mesh, origin))
    parts += accessory_surfaces(design.extras, shape, design.face, rest, origin, design.extras_side)
    surface = join(parts)
    head_range = slice(before, before + len(grid.vertices))
    rest_eyes = origin + grid.eye_centres * shape.head
    two_sided = among(surface.material, ("teeth", "mouth", "accessory"))
    folds = build_folds(surface, design.outfit.loose, design.hair_seed) if design.kind == "person" else None
    wave = np.array([WAVE_M.get(name, 0.04) * (0.8 + 0.25 * design.outfit.loose) for name in MATERIALS], np.float32)
    loose = looseness(surface, shape, design.outfit.untucked, float(origin[1]))
    normals = normal_operator(surface.triangles, len(surface.vertices))
    if chains is not None:
        loose[chains.vertices] = loose[chains.nodes] = 0.0
    return Character(design, surface, grid, head_range, origin, rest, rest_eyes, normals, two_sided, folds, wave, loose, chains)


def _dressed(design: CharacterDesign, solids: BodySolids, field_of_body: DistanceGrid, rest: np.ndarray, step: float, detail: float) -> list[Surface]:
    """Skin, clothes and hands of a person."""
    cloth = garments(solids, design.outfit, step * 0.95)
    parts = [_hide_under(body_surface(solids, field_of_body), [(g, depth) for _, g, depth in cloth])]
    for k, (surface, _, _) in enumerate(cloth):
        parts.append(_hide_under(surface, [(g, 0.006) for _, g, _ in cloth[k + 1 :] if surface.material[0] != MATERIAL["shoe"]]))
    for side in (0, 1):
        radius = solids.limbs["left_forearm" if side == 0 else "right_forearm"].radii[-1]
        parts.append(hand_surface(design.shape, rest, side, radius, 0.0045 * design.shape.hand / detail**0.8))
    return parts


def _hide_under(surface: Surface, covers: list) -> Surface:
    if not covers:
        return surface
    hidden = np.zeros(len(surface.vertices), bool)
    for grid, depth in covers:
        hidden |= grid.sample(surface.vertices) < -depth
    keep = ~hidden[surface.triangles].all(axis=1)
    return surface.keep_triangles(keep)


def _occlusion(surface: Surface, grid) -> np.ndarray:
    """Ambient light 0.35..1 at rest: how quickly the body's distance grows along the normal (Evans 2006, distance-field occlusion)."""
    from .surface import vertex_normals

    normals = vertex_normals(surface.vertices, surface.triangles, normal_operator(surface.triangles, len(surface.vertices)))
    light = np.ones(len(surface.vertices), np.float32)
    for reach, weight in ((0.03, 0.5), (0.08, 0.5)):
        value = grid.sample(surface.vertices + normals * reach)
        light -= weight * np.clip(1.0 - np.where(value > 100, reach, value) / reach, 0, 1)
    return np.clip(0.35 + 0.65 * light, 0.35, 1.0).astype(np.float32)


def _head_surfaces(design: CharacterDesign, grid: HeadGrid, origin: np.ndarray, detail: float) -> list[Surface]:
    size, head = design.shape.head, BONE["head"]
    place = lambda v: origin + np.asarray(v) * size  # noqa: E731
    opened = deform(grid, np.concatenate([[1.0, 1.0], np.zeros(grid.shapes.shape[0] - 2)]))
    paint = np.column_stack([grid.plain, np.zeros(len(opened)), grid.mouth_side])
    made = [Surface.build(place(opened), grid.triangles, one_bone(len(opened), head), "face", HEAD, paint)]
    for side, name in enumerate(("left_eye", "right_eye")):
        vertices, triangles, direction = eyeball(grid, side)
        made.append(Surface.build(place(vertices), triangles, one_bone(len(vertices), BONE[name]), "eye", HEAD, np.column_stack([direction, np.full(len(vertices), side)])))
    for mesh, bone, material in (
        (teeth(design.face, True), head, "teeth"), (teeth(design.face, False), BONE["jaw"], "teeth"),
        (mouth_cave(design.face), head, "mouth"), (tongue(), BONE["jaw"], "mouth"),
    ):  # fmt: skip
        paint = np.column_stack([mesh[0], np.full(len(mesh[0]), 1.0 if mesh[0][:, 2].max() < 0.072 else 0.0)]) if material == "mouth" else mesh[0]
        made.append(Surface.build(place(mesh[0]), mesh[1], one_bone(len(mesh[0]), bone), material, HEAD, paint))
    if design.kind != "person":
        robotic = design.kind == "robot"
        return made + (robot_head(design.shape, origin, design.hair_seed, detail) if robotic else plush_head(design.shape, origin, design.kind, detail))
    for side in (0, 1):
        vertices, triangles = ear(side, 1.0, 0.0042 / detail)
        vertices = vertices * [design.face.width, 1, 1]
        made.append(Surface.build(place(vertices), triangles, one_bone(len(vertices), head), "skin", HEAD, place(vertices)))
    mesh = hair_styles.hair_mesh(design.hair, design.hair_seed, 0.0054 / detail**0.9)
    if mesh is not None:
        made.append(_hair_surface(design, mesh, place))
    return made


def _hair_surface(design: CharacterDesign, mesh: tuple[np.ndarray, np.ndarray], place) -> Surface:
    vertices, triangles = mesh
    wide = vertices * [design.face.width, 1, 1]
    surface = Surface.build(place(wide), triangles, one_bone(len(vertices), BONE["head"]), "hair", HAIR, vertices)
    surface.shade = np.clip(0.72 + 2.2 * (np.linalg.norm((vertices - [0, 0.02, -0.012]) / [0.0785, 0.0945, 0.0935], axis=1) - 1.05), 0.62, 1.0).astype(np.float32)
    return surface


def _lock_surface(design: CharacterDesign, mesh: LockMesh, origin: np.ndarray) -> Surface:
    loose = np.clip((-0.10 - mesh.vertices[:, 1]) / 0.16, 0, 1)[:, None] * 0.75  # long hair lies on the back
    weights = one_bone(len(mesh.vertices), BONE["head"]) * (1 - loose) + one_bone(len(mesh.vertices), BONE["chest"]) * loose
    places = origin + mesh.vertices * [design.face.width, 1, 1] * design.shape.head
    paint = mesh.vertices + 0.013 * mesh.lock[:, None]  # every lock has strands of its own
    surface = Surface.build(places, mesh.triangles, weights, "hair", HAIR, paint)
    surface.shade = (mesh.tone * (0.80 + 0.20 * mesh.share)).astype(np.float32)
    return surface
