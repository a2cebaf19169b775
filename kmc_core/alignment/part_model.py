"""Which pixel of the picture belongs to which body part.

Not here: the matte (pose/picture_matte.py) and the overlapping layers cut from the labels (layers.py).
Called once per view by the aligner.

Method: the part of least signed distance (limb capsules with radii measured on the matte, torso polygon, head and neck
capsules, hand strokes), then a relabel by colour: distance competes with the log likelihood of each part's own
histogram, as in GrabCut's unary term (Rother et al. 2004), only between parts that are nearly as close.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from ..pose.skeleton_layouts import FACE_OVAL, HAND_EDGES, HEAD, LEFT_ARM, LEFT_LEG, NECK, NOSE, PELVIS, RIGHT_ARM, RIGHT_LEG
from ..types import SubjectView
from .capsules import distance_to_segment, pixel_centres, polygon_mask, signed_distance, smoothstep, unit
from .pieces import separate_pieces
from .profile import in_profile, laid_over, side_polygon

PART_NAMES = ("torso", "head", "left arm", "right arm", "left leg", "right leg", "face", "left hand", "right hand")
TORSO, HEAD_PART, L_ARM, R_ARM, L_LEG, R_LEG, FACE, L_HAND, R_HAND = range(9)
BODY_PARTS = (TORSO, HEAD_PART, L_ARM, R_ARM, L_LEG, R_LEG)
LIMB_JOINTS = {L_ARM: LEFT_ARM, R_ARM: RIGHT_ARM, L_LEG: LEFT_LEG, R_LEG: RIGHT_LEG}
SHOULDERS, HIPS = (LEFT_ARM[0], RIGHT_ARM[0]), (LEFT_LEG[0], RIGHT_LEG[0])

# default half-widths of limb segments in torso lengths: upper arm, forearm, hand / thigh, shank, foot
ARM_RADII, LEG_RADII = (0.15, 0.11, 0.12), (0.21, 0.15, 0.13)
LABEL_SIDE_PX = 512  # labels are decided on a copy with this long side
NEVER = 1e4
ARM_ON_TRUNK = 0.85  # usual radii: where it cannot be measured, in profile
TRUNK_REACH, HAIR_REACH = 0.32, 0.5  # wide clothes stand off the trunk; hair hangs over everything
FORBIDDEN = 1e6
NEIGHBOURHOOD_PX = 3.0
POTTS_WEIGHT = 6.0
FAINTEST = 0.05  # less covered pixels belong to nobody


@dataclass(frozen=True)
class PartModel:
    """labels: int8 [H,W] of the view's canvas, -1 outside the matte, else one of BODY_PARTS.

    limb_radii       part -> half-widths (3,) px of its three segments
    torso_polygon    [4,2] px: left shoulder, right shoulder, right hip, left hip (slightly moved to the silhouette)
    head_start, head_end, head_radius  the head's capsule, px; head_start is near the chin
    close_up         the face fills so much of the picture that only head and torso exist
    """

    labels: np.ndarray
    limb_radii: dict[int, np.ndarray]
    torso_polygon: np.ndarray
    head_start: np.ndarray
    head_end: np.ndarray
    head_radius: float
    close_up: bool


@dataclass(frozen=True)
class _Segment:
    """One candidate of the labelling: its part, its colour group and its signed distance in torso lengths.
    For hair only: core, pixels whose colours are surely its own (others take those well inside them); blinds, the zone
    where it may hang over other parts; never, pixels it surely does not cover (the face)."""

    part: int
    colour_group: tuple[int, int]
    distance: np.ndarray
    reach: float = 0.16  # colour may choose it where it is at most this much farther (torso lengths) than the nearest
    core_depth: float = 0.03  # how far inside a pixel counts as surely its own
    core: np.ndarray | None = None
    blinds: np.ndarray | None = None
    never: np.ndarray | None = None


def build_part_model(view: SubjectView) -> PartModel:
    """Label every pixel of the view. Deterministic; about 0.4 s for a 1280 px picture."""
    height, width = view.canvas
    scale = min(1.0, LABEL_SIDE_PX / max(height, width))
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    alpha = cv2.resize(view.alpha, small[::-1], interpolation=cv2.INTER_AREA)
    centres = pixel_centres(*small, step=1.0)
    centres[..., 0] *= width / small[1]
    centres[..., 1] *= height / small[0]
    radii = {part: _limb_radii(view, part) for part in LIMB_JOINTS}
    close_up = _is_close_up(view)
    polygon = side_polygon(view) if in_profile(view) else _torso_polygon(view.joints[:, :2])
    head_start, head_end, head_radius = head_capsule(view)
    segments = [
        *_limb_segments(view, radii, centres, scale, close_up),
        *_trunk_segments(view, polygon, (head_start, head_end, head_radius), centres, scale),
    ]
    if in_profile(view):
        trunk = np.min([segment.distance for segment in segments if segment.part == TORSO], axis=0)
        segments = [replace(s, distance=laid_over(s.distance, trunk)) if s.part in (L_ARM, R_ARM) else s for s in segments]
    inside = alpha > 0.4
    colours = cv2.resize(view.foreground, small[::-1], interpolation=cv2.INTER_AREA)
    chosen = _relabel_by_colour(segments, inside, colours)
    parts = np.array([segment.part for segment in segments], np.int8)[chosen]
    labels = _enlarge(parts, view.canvas)
    labels[view.alpha < FAINTEST] = -1
    _join_islands(labels)
    if has_face(view) and not view.keypoints.user_supplied:  # a drawn figure's arms may be as fat as they like
        _release_loose(labels, segments, radii, view.torso_px)
    if not in_profile(view):  # from the side there is no armpit to see
        _cut_at_armpits(labels, view)
    return PartModel(labels, radii, polygon, head_start, head_end, head_radius, close_up)


def head_capsule(view: SubjectView) -> tuple[np.ndarray, np.ndarray, float]:
    """Start (near the chin), end (near the crown), radius, all in px, from the face mesh or else from ears and nose."""
    joints = view.joints[:, :2]
    torso = view.torso_px
    if has_face(view):
        face = view.keypoints.face[:, :2]
        top, chin = face[10], face[152]
        up = unit(top - chin)
        radius = max(0.62 * float(np.linalg.norm(face[234] - face[454])), 0.33 * float(np.linalg.norm(top - chin)))
        return chin + up * radius * 0.75, top + up * radius * 0.25, radius
    up = unit(joints[HEAD] - joints[NECK])
    body = view.keypoints.body
    ears = float(np.linalg.norm(body[7] - body[8]))
    if view.keypoints.user_supplied and ears < 0.1 * torso:
        radius = 0.35 * torso
        return joints[HEAD], joints[HEAD] + up * radius * 0.5, radius
    radius = max(0.24 * torso, 0.75 * float(np.linalg.norm(joints[HEAD] - body[NOSE])), 0.62 * ears)
    return joints[HEAD] - up * 0.1 * torso, joints[HEAD] + up * radius * 0.6, radius


def has_face(view: SubjectView) -> bool:
    """Whether the view carries a usable 478-point face mesh."""
    return view.keypoints.face_confidence >= 0.5


def _is_close_up(view: SubjectView) -> bool:
    face = view.keypoints.face[:, :2]
    return has_face(view) and float(np.linalg.norm(face[10] - face[152])) > 0.3 * view.canvas.height


def _torso_polygon(joints: np.ndarray) -> np.ndarray:
    shoulders = joints[NECK] + (joints[list(SHOULDERS)] - joints[NECK]) * 0.92
    hips = joints[PELVIS] + (joints[list(HIPS)] - joints[PELVIS]) * 1.35
    return np.array([shoulders[0], shoulders[1], hips[1], hips[0]])


def _limb_radii(view: SubjectView, part: int) -> np.ndarray:
    """Median free half-width of the matte across each bone, within 0.55 .. 1.6 x the usual one."""
    joints = view.joints[list(LIMB_JOINTS[part]), :2]
    usual = np.array(ARM_RADII if part in (L_ARM, R_ARM) else LEG_RADII) * view.torso_px
    measured = usual.copy()
    if in_profile(view) and part in (L_ARM, R_ARM):  # the matte about an arm on the trunk is the trunk's
        return ARM_ON_TRUNK * usual
    for bone in range(2):
        measured[bone] = _half_width(view.alpha, joints[bone], joints[bone + 1], float(usual[bone]))
    return measured


def _half_width(alpha: np.ndarray, start: np.ndarray, end: np.ndarray, usual: float) -> float:
    length = float(np.linalg.norm(end - start))
    if length < 3:
        return usual
    normal = np.array([start[1] - end[1], end[0] - start[0]]) / length
    reach = np.arange(0, max(2.0, 2.2 * usual))
    widths = []
    for position in (0.3, 0.45, 0.6, 0.75):
        centre = start + position * (end - start)
        free = [_covered(alpha, centre + side * normal * reach[:, None]) for side in (1.0, -1.0)]
        if free[0][0]:
            widths.append(min(float(np.argmin(run)) if not run.all() else len(run) for run in free))
    return float(np.clip(np.median(widths), 0.55 * usual, 1.6 * usual)) if widths else usual


def _covered(alpha: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether the matte covers the points [N,2] (outside the picture: no) -> bool [N]."""
    column, row = np.floor(points).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < alpha.shape[1]) & (row < alpha.shape[0])
    covered = np.zeros(len(points), bool)
    covered[inside] = alpha[row[inside], column[inside]] > 0.4
    return covered


def _limb_segments(
    view: SubjectView, radii: dict[int, np.ndarray], centres: np.ndarray, scale: float, close_up: bool
) -> list[_Segment]:
    height, width = view.canvas
    joints, confidence, torso = view.joints[:, :2], view.joint_confidence, view.torso_px
    on_picture = (joints >= 0).all(1) & (joints[:, 0] < width) & (joints[:, 1] < height)
    segments = []
    for part, chain in LIMB_JOINTS.items():
        is_arm = part in (L_ARM, R_ARM)
        for bone in range(3):
            start, end = chain[bone], chain[bone + 1]
            reach = joints[end] + (joints[end] - joints[start]) * (0.6 if bone == 2 else 0.0)
            distance = distance_to_segment(centres, joints[start], reach)[0] - radii[part][bone]
            if bone == 2 and is_arm:
                distance = _with_hand(distance, view, part, centres.shape[:2], scale)
            weakest = min(confidence[start], confidence[end])
            unseen = not (on_picture[start] or on_picture[end]) or (weakest < 0.35 and confidence[end] < 0.35)
            if unseen or (close_up and weakest < 0.6):
                distance = np.full_like(distance, NEVER * torso)
            group = 1 if is_arm and bone == 2 else 2 if not is_arm and bone > 0 else 0
            core_depth = 0.5 * radii[part][bone] / torso  # the axis alone: beside it an arm often touches other cloth
            segments.append(_Segment(part, (part, group), distance / torso, core_depth=core_depth if is_arm else 0.03))
    return segments


def _with_hand(distance: np.ndarray, view: SubjectView, part: int, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Replace the hand's capsule by strokes along the 21 hand points where those were found."""
    side = part - L_ARM
    if view.keypoints.hands_confidence[side] < 0.5:
        return distance
    points = view.keypoints.hands[side, :, :2]
    palm = float(np.linalg.norm(points[0] - points[9]))
    mask = polygon_mask(shape, points[[0, 1, 5, 9, 13, 17]], scale)
    for start, end in HAND_EDGES:
        ends = [tuple(int(v) for v in np.clip(points[i] * scale, -1e4, 1e4)) for i in (start, end)]
        cv2.line(mask, ends[0], ends[1], 1, max(2, round(0.2 * palm * scale)))
    drawn = signed_distance(mask) / scale - 0.02 * view.torso_px
    return np.where(mask > 0, np.minimum(drawn, -view.torso_px), drawn)


def _trunk_segments(
    view: SubjectView, polygon: np.ndarray, head: tuple[np.ndarray, np.ndarray, float], centres: np.ndarray, scale: float
) -> list[_Segment]:
    torso, joints = view.torso_px, view.joints[:, :2]
    head_start, head_end, radius = head
    chin = head_start - unit(head_end - head_start) * 0.75 * radius if has_face(view) else head_start
    trunk = signed_distance(polygon_mask(centres.shape[:2], polygon, scale)) / scale - 0.05 * torso
    skull = distance_to_segment(centres, head_start, head_end)[0] - radius * 1.05
    neck_base = joints[NECK] + (joints[HEAD] - joints[NECK]) * 0.1
    neck = distance_to_segment(centres, neck_base, chin)[0] - 0.13 * torso
    segments = [_Segment(TORSO, (TORSO, 0), trunk / torso, reach=TRUNK_REACH), _Segment(TORSO, (TORSO, 1), neck / torso)]
    if has_face(view):
        oval = signed_distance(polygon_mask(centres.shape[:2], view.keypoints.face[list(FACE_OVAL), :2], scale)) / scale
        # beside and below the jaw there is neck, not head; hair has its own claim
        mouth = 0.5 * (view.keypoints.face[13, :2] + view.keypoints.face[14, :2])
        down = unit(chin - head_end)
        below = smoothstep(0.0, float((chin - mouth) @ down), (centres - mouth) @ down)
        aside = np.abs((centres - mouth) @ np.array([-down[1], down[0]])) / radius
        skull = skull + 0.12 * torso * below * (1 - smoothstep(0.85, 1.1, aside))
        skull = np.minimum(skull, np.where(oval < 0, oval - 0.3 * torso, oval))
        segments.append(_hair(skull, oval, chin, head_end, radius, centres, torso))
    return [*segments, _Segment(HEAD_PART, (HEAD_PART, 0), skull / torso)]


def _hair(
    skull: np.ndarray,
    oval: np.ndarray,
    chin: np.ndarray,
    head_end: np.ndarray,
    radius: float,
    centres: np.ndarray,
    torso: float,
) -> _Segment:
    """Long hair: a wide, weak claim around the head and down to the chest that only the hair's own colour can make good."""
    down = unit(chin - head_end)
    reach = distance_to_segment(centres, head_end, chin + down * 0.6 * torso)[0] - 1.5 * radius
    claim = 0.08 * torso + 0.2 * np.maximum(reach, 0)
    core = (skull < 0) & (oval > 0.08 * radius) & (((centres - chin) @ down) < 0)
    return _Segment(HEAD_PART, (HEAD_PART, 1), claim / torso, HAIR_REACH, 0.0, core, reach < 0, oval < -0.1 * radius)


def _relabel_by_colour(segments: list[_Segment], inside: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Index of the winning segment per pixel: distance / 0.055 torso lengths minus log colour likelihood, then smoothed."""
    distance = np.stack([segment.distance for segment in segments])
    nearest = distance.argmin(0)
    for index, segment in enumerate(segments):
        if segment.core is not None:  # hair lies over parts however deep in them: its handicap counts from the nearest
            distance[index] += np.minimum(distance.min(0), 0)
    reach = np.array([segment.reach for segment in segments])
    forbidden = distance > distance.min(0) + reach[:, None, None]
    energy = distance / 0.055 - _colour_likelihood(segments, inside, colours, nearest)
    energy[forbidden] = FORBIDDEN
    energy = _smoothed(energy.astype(np.float32), inside)
    return np.where(inside, energy.argmin(0), nearest)


def _colour_likelihood(
    segments: list[_Segment], inside: np.ndarray, colours: np.ndarray, nearest: np.ndarray
) -> np.ndarray:
    """Log share of each pixel's colour in the histogram (Lab, 16 bins per axis) of each segment's core -> [S,h,w]."""
    bins = (cv2.cvtColor(colours, cv2.COLOR_RGB2LAB) // 16).astype(np.int64)
    bins = (bins[..., 0] * 16 + bins[..., 1]) * 16 + bins[..., 2]
    likelihood = np.zeros((len(segments), *inside.shape), np.float32)
    blind = _hair_coloured(segments, inside, bins, nearest)
    for group in sorted({segment.colour_group for segment in segments}):
        members = [index for index, segment in enumerate(segments) if segment.colour_group == group]
        given = segments[members[0]].core
        depth = np.min([segments[index].distance + segments[index].core_depth for index in members], axis=0)
        core = inside & (np.isin(nearest, members) & (depth < 0) if given is None else given)
        clear = core & ~blind
        if given is None and clear.sum() > 0.2 * core.sum():
            core = clear
        counts = np.bincount(bins[core], minlength=4096).reshape(16, 16, 16).astype(np.float32)
        counts = gaussian_filter(counts, 0.9 if given is None else 1.4).ravel()  # hair farther down is lit otherwise
        total = max(float(counts.sum()), 1.0)
        log_share = np.log((counts + 0.04 * total / 4096) / total + 1e-7).astype(np.float32)
        likelihood[members] = cv2.blur(log_share[bins], (5, 5))
    return likelihood


def _release_loose(labels: np.ndarray, segments: list[_Segment], radii: dict[int, np.ndarray], torso: float) -> None:
    """What hangs far beside an arm (hair, cape, bag) stays with the trunk when the arm moves (in place)."""
    for arm in (L_ARM, R_ARM):
        bones = [segment for segment in segments if segment.part == arm]
        widen = np.maximum(np.array(ARM_RADII) * 1.8 - radii[arm] / torso, 0.03)
        clearance = np.min([bone.distance - extra for bone, extra in zip(bones, widen, strict=True)], axis=0)
        far = cv2.resize(clearance.astype(np.float32), labels.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
        labels[(labels == arm) & far] = TORSO


def _cut_at_armpits(labels: np.ndarray, view: SubjectView) -> None:
    """Where an arm stands off the body, the line from shoulder to armpit parts them (in place).

    By distance alone the underside of a sleeve near the shoulder belongs to the trunk, and a raised arm leaves it behind
    as a small wing.
    """
    joints = view.joints[:, :2]
    rows, columns = np.indices(labels.shape)
    for arm in (L_ARM, R_ARM):
        shoulder, elbow = joints[LIMB_JOINTS[arm][0]], joints[LIMB_JOINTS[arm][1]]
        along = elbow - shoulder
        x, y = columns + 0.5 - shoulder[0], rows + 0.5 - shoulder[1]
        distance = np.hypot(x, y)
        body_side = np.sign(_cross(along, joints[PELVIS] - shoulder))
        open_gap = (view.alpha < 0.3) & (body_side * _cross(along, (x, y)) > 0) & (distance < 0.9 * np.linalg.norm(along))
        open_gap &= x * along[0] + y * along[1] > 0
        if not open_gap.any():
            continue
        row, column = np.unravel_index(np.where(open_gap, distance, np.inf).argmin(), labels.shape)
        armpit = np.array([column + 0.5, row + 0.5]) - shoulder
        beyond = body_side * _cross(armpit, (x, y)) < 0
        near = (distance < 2.5 * np.linalg.norm(armpit)) & (x * along[0] + y * along[1] > 0)
        near &= np.abs(_cross(along, (x, y))) < 1.05 * abs(_cross(along, armpit))  # farther from the arm lies the flank
        labels[(labels == TORSO) & beyond & near] = arm


def _cross(first: np.ndarray, second: np.ndarray | tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The z part of the cross product of plane vectors."""
    return first[0] * second[1] - first[1] * second[0]


def _hair_coloured(segments: list[_Segment], inside: np.ndarray, bins: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Pixels that look like the hair and unlike face and trunk: where hair hangs over an arm, the arm must not learn it."""
    hair = [segment for segment in segments if segment.core is not None]
    if not hair:
        return np.zeros_like(inside)

    def shares(mask: np.ndarray) -> np.ndarray:
        counts = gaussian_filter(np.bincount(bins[mask], minlength=4096).reshape(16, 16, 16).astype(np.float32), 0.7)
        return counts.ravel() / max(float(counts.sum()), 1.0)

    parts = np.array([segment.part for segment in segments])
    trunk = inside & (parts[nearest] == TORSO) & ~hair[0].blinds
    others = np.maximum(shares(trunk), shares(inside & hair[0].never))
    of_hair = shares(inside & hair[0].core)
    return ((of_hair > 3 * others) & (of_hair > 1e-3))[bins]


def _smoothed(energy: np.ndarray, inside: np.ndarray, rounds: int = 3) -> np.ndarray:
    """A few mean-field steps of a Potts model: a pixel likes what its neighbourhood is, so that borders run smoothly."""
    result = energy
    weight = inside.astype(np.float32)
    around = np.maximum(cv2.GaussianBlur(weight, (0, 0), NEIGHBOURHOOD_PX), 1e-3)
    for _ in range(rounds):
        belief = np.exp(np.minimum(result.min(0) - result, 0)) * weight
        belief /= np.maximum(belief.sum(0), 1e-6)
        support = np.stack([cv2.GaussianBlur(layer, (0, 0), NEIGHBOURHOOD_PX) / around for layer in belief])
        result = energy - POTTS_WEIGHT * support
    return result


def _enlarge(parts: np.ndarray, canvas: tuple[int, int]) -> np.ndarray:
    """Part numbers of the small raster on the full canvas, with smooth borders (argmax of enlarged indicator masks)."""
    height, width = canvas
    best, labels = np.full((height, width), -1.0, np.float32), np.zeros((height, width), np.int8)
    for part in BODY_PARTS:
        share = cv2.resize((parts == part).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        better = share > best
        best[better], labels[better] = share[better], part
    return labels


def _join_islands(labels: np.ndarray) -> None:
    """Give small separate pieces of a part to the part that surrounds them (in place)."""
    for separate in separate_pieces(labels, BODY_PARTS):
        if separate.area >= 0.25 * separate.largest_area:
            continue
        x, y, w, h = separate.box
        window = (slice(max(0, y - 2), y + h + 2), slice(max(0, x - 2), x + w + 2))
        piece = separate.component[window] == separate.index
        ring = cv2.dilate(piece.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~piece
        neighbours = labels[window][ring]
        neighbours = neighbours[neighbours >= 0]
        if len(neighbours):
            labels[window][piece] = np.bincount(neighbours).argmax()
