"""Findings about clip and character together: framing, proportions, facing, room to move, rig.

Not here: retargeting itself; these checks read only the motion's own skeleton, so they are quick. Called by check.py.
"""

from __future__ import annotations

import numpy as np

from ...pose.skeleton_layouts import HEAD, NECK, PELVIS, rig_joints
from ...subject.rig import bone_confidence, bone_lengths, joint_confidence
from ...types import HolisticMotion, Orientation, SubjectLibrary
from ..orientation import apply_camera, camera_zoom, wrapped
from ..retarget import retarget
from .body_checks import FRAMINGS, framing_of
from .findings import Finding, found, moments

SEEN = 0.4
LIMB_GROUPS = {"arms": ((3, 4), (7, 8)), "legs": ((11, 12), (15, 16)), "shoulders": ((2,), (6,))}
OUTSIDE_SHARE = 0.04
CLOSER = 1.05


def pair_findings(
    motion: HolisticMotion, subject: SubjectLibrary, orientation: Orientation, retargeted: HolisticMotion | None = None
) -> list[Finding]:
    """Everything that depends on both; of a motion that is on a character already only what still can be said.

    retargeted: the motion on this subject, if it is at hand; else it is made here to see whether limbs leave the picture.
    """
    findings = _rig(subject)
    if motion.character is None:
        findings += _framing(motion, subject) + _proportions(motion, subject) + _facing(motion, subject, orientation)
        retargeted = retargeted or retarget(motion, subject, orientation)
    return findings + _room(retargeted or motion, subject)


def facing_gap_deg(motion: HolisticMotion, subject: SubjectLibrary) -> tuple[float, int]:
    """Degrees between the driver's facing at the start and the primary view's, and the index of the nearest view."""
    start = motion.root_yaw[: max(3, motion.frame_count // 8)]
    yaw = float(np.angle(np.exp(1j * start.astype(np.float64)).mean()))
    gaps = [abs(float(np.degrees(wrapped(yaw - view.yaw)))) for view in subject.views]
    return gaps[subject.primary], int(np.argmin(gaps))


def _rig(subject: SubjectLibrary) -> list[Finding]:
    view = subject.primary_view
    shown = view.joint_confidence > 0.05
    confidence = float(view.joint_confidence[shown].mean()) if shown.any() else 0.0
    findings = found("rig", confidence, "The character's skeleton is uncertain")
    hint = "Look at the gallery of KMC Build Subject Library"
    notes = [Finding("rig", "note", (), confidence, 0.45, problem.rstrip("."), hint) for problem in view.problems]
    return findings + notes


def _framing(motion: HolisticMotion, subject: SubjectLibrary) -> list[Finding]:
    inside = joint_confidence(motion.body, motion.body_confidence, motion.canvas).mean(0)
    driver, picture = framing_of(inside), framing_of(subject.primary_view.joint_confidence)
    what = f"The clip shows the {FRAMINGS[driver]}, the picture the {FRAMINGS[picture]}"
    effect = "legs of the clip have nothing to move" if driver > picture else "the character's lower body keeps its own pose"
    return found("framing", abs(driver - picture), f"{what}: {effect}")


def _proportions(motion: HolisticMotion, subject: SubjectLibrary) -> list[Finding]:
    world = rig_joints(motion.body_world.astype(np.float64))
    trusted = bone_confidence(joint_confidence(motion.body, motion.body_confidence, motion.canvas).mean(0)) > SEEN
    driver = np.median(bone_lengths(world), axis=0)
    known = np.asarray(subject.bone_known, bool) & trusted
    if not known[0] or driver[0] < 1e-3:
        return []
    findings: list[Finding] = []
    for name, (left, right) in LIMB_GROUPS.items():
        bones = [*left, *right]
        if not known[bones].all():
            continue
        ours = driver[bones].sum() / driver[0]
        theirs = subject.bone_lengths[bones].sum() / max(float(subject.bone_lengths[0]), 1e-6)
        ratio = float(max(ours / theirs, theirs / ours))
        longer = "longer" if theirs > ours else "shorter"
        findings += found("proportions", ratio, f"The character's {name} are {ratio:.1f} times {longer} than the driver's")
    return findings


def _facing(motion: HolisticMotion, subject: SubjectLibrary, orientation: Orientation) -> list[Finding]:
    if orientation.mode == "image":
        return []
    gap, nearest = facing_gap_deg(motion, subject)
    mend = "choose_view" if nearest != subject.primary else None
    findings = found("facing", gap, f"The driver starts {gap:.0f} degrees away from the picture's facing")
    return [Finding(**{**vars(finding), "mend": mend}) for finding in findings]


def _room(motion: HolisticMotion, subject: SubjectLibrary) -> list[Finding]:
    """Frames in which a limb of the character would leave its picture."""
    character = motion.character
    size = np.array([character.canvas.width, character.canvas.height])
    used = [joint for joint in range(19) if subject.primary_view.joint_confidence[joint] > SEEN and joint not in (NECK, PELVIS)]
    if not used:
        return []
    points = character.joints[:, used, :2]
    if camera_zoom(character.camera).max() < CLOSER:  # a camera that was told to come closer cuts limbs on purpose
        points = apply_camera(character.camera, points)
    margin = OUTSIDE_SHARE * size
    outside = ((points < -margin) | (points > size + margin)).any(-1)
    lost = outside.any(1)
    share = float(lost.mean())
    which = "head" if HEAD in used and outside[:, used.index(HEAD)].mean() > 0.5 * share else "limbs"
    what = f"The character's {which} would leave its picture in {share:.0%} of the frames"
    return found("no_room", share, what, moments(lost, motion.fps))


