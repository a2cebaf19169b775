"""BVH as other programs write it: names, orders of rotation, units, axes, end sites and line ends; read exactly, and round and round.

The places every file must give are worked out here by plain forward kinematics, joint by joint, with nothing of the reader's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from kmc_core.motion.bvh import read_bvh, write_bvh
from kmc_core.pose.skeleton_layouts import LEFT_ARM, LEFT_LEG, NECK, PELVIS, RIGHT_ARM, RIGHT_LEG, rig_joints

TOLERANCE = 0.005
FRAMES = 12
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True)
class Program:
    """names: part -> name with {S}/{s} for Left/left, {L}/{l} for L/l; order: rotations as channels list them; unit: of a metre;
    up: axis; places: CHANNELS 6 on every joint; newline, tabs: how text is written; root_turns_first: rotations before positions."""

    names: dict[str, str]
    order: str
    unit: float
    up: str = "y"
    places: bool = False
    newline: str = "\n"
    root_turns_first: bool = False


def limb_names(shoulder: str, elbow: str, wrist: str, hip: str, knee: str, ankle: str, toe: str, collar: str) -> dict[str, str]:
    return dict(zip((*LIMBS, "toe", "collar"), (shoulder, elbow, wrist, hip, knee, ankle, toe, collar), strict=True))


def trunk(root: str, *spine: str, head: str) -> dict[str, str]:
    return {"root": root, "spine": " > ".join(spine), "head": head}


PROGRAMS = {
    "Mixamo": Program(
        {key: " > ".join("mixamorig:" + name for name in value.split(" > ")) for key, value in (
            trunk("Hips", "Spine", "Spine1", "Spine2", "Neck", head="Head")
            | limb_names("{S}Arm", "{S}ForeArm", "{S}Hand", "{S}UpLeg", "{S}Leg", "{S}Foot", "{S}ToeBase", "{S}Shoulder")
        ).items()}, "ZYX", 100.0,
    ),
    "CMU": Program(
        trunk("Hips", "LowerBack", "Spine", "Spine1", "Neck", "Neck1", head="Head")
        | limb_names("{S}Arm", "{S}ForeArm", "{S}Hand", "{S}UpLeg", "{S}Leg", "{S}Foot", "{S}ToeBase", "{S}Shoulder")
        | {"before hip": "{L}HipJoint"}, "ZYX", 17.7,
    ),
    "Blender Rigify": Program(
        trunk("spine", "spine.001", "spine.002", "spine.003", "spine.004", "spine.005", head="spine.006")
        | limb_names("upper_arm.{L}", "forearm.{L}", "hand.{L}", "thigh.{L}", "shin.{L}", "foot.{L}", "toe.{L}", "shoulder.{L}"),
        "XYZ", 1.0, up="z",
    ),
    "BioVision": Program(
        trunk("Hips", "Chest", "Neck", head="Head")
        | limb_names("{S}Shoulder", "{S}Elbow", "{S}Wrist", "{S}Hip", "{S}Knee", "{S}Ankle", "{S}Toe", "{S}Collar"),
        "ZXY", 39.37, newline="\r\n",
    ),
    "Poser, Daz": Program(
        trunk("hip", "abdomen", "chest", "neck", head="head")
        | limb_names("{l}Shldr", "{l}ForeArm", "{l}Hand", "{l}Thigh", "{l}Shin", "{l}Foot", "{l}Toe", "{l}Collar"), "XZY", 100.0,
    ),
    "Unreal": Program(
        trunk("pelvis", "spine_01", "spine_02", "spine_03", "neck_01", head="head")
        | limb_names("upperarm_{l}", "lowerarm_{l}", "hand_{l}", "thigh_{l}", "calf_{l}", "foot_{l}", "ball_{l}", "clavicle_{l}"),
        "YZX", 100.0, up="z",
    ),
    "3ds Max Biped": Program(
        trunk("Bip01", "Bip01 Spine", "Bip01 Spine1", "Bip01 Neck", head="Bip01 Head")
        | limb_names("Bip01 {L} UpperArm", "Bip01 {L} Forearm", "Bip01 {L} Hand", "Bip01 {L} Thigh", "Bip01 {L} Calf", "Bip01 {L} Foot",
                     "Bip01 {L} Toe0", "Bip01 {L} Clavicle"), "YXZ", 39.37, up="z",
    ),
    "MotionBuilder with translations": Program(
        trunk("Character1:Hips", "Character1:Spine", "Character1:Neck", head="Character1:Head")
        | limb_names(*(f"Character1:{{S}}{part}" for part in ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase", "Shoulder"))),
        "XYZ", 100.0, places=True, root_turns_first=True,
    ),
}  # fmt: skip


class Skeleton:
    """A tree of joints with offsets in metres (x to the subject's left, y up, z to the front) and Euler angles per frame."""

    def __init__(self, program: Program, seed: int) -> None:
        self.program, self.rng = program, np.random.default_rng(seed)
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[np.ndarray] = []
        self.parts: dict[str, int] = {}
        names = program.names
        root = self.add(names["root"], -1, (0, 0, 0))
        joint, spine = root, names["spine"].split(" > ")
        for number, name in enumerate(spine):
            joint = self.add(name, joint, (0, 0.45 / len(spine), 0.01 * number))
        chest = joint if len(spine) < 3 else self.parents[joint]
        self.parts["head"] = self.add(names["head"], joint, (0, 0.12, 0.02))
        self.add("", self.parts["head"], (0, 0.2, 0))
        for side, sign in (("Left", 1), ("Right", -1)):
            self.arm(side, sign, chest)
            self.leg(side, sign, root)
        waves = self.rng.uniform(-35, 35, (len(self.names), 3)), self.rng.uniform(0, 6, (len(self.names), 3))
        time = np.arange(FRAMES)[:, None, None]
        self.angles = waves[0] * np.sin(0.5 * time + waves[1])
        self.root_places = np.array([0.1, 0.95, 0.2]) + 0.02 * np.arange(FRAMES)[:, None] * np.array([1, 0, 0.5])

    def add(self, name: str, parent: int, offset: tuple[float, float, float], part: str = "") -> int:
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append(np.array(offset, float))
        if part:
            self.parts[part] = len(self.names) - 1
        return len(self.names) - 1

    def named(self, part: str, side: str) -> str:
        return self.program.names[part].format(S=side, s=side.lower(), L=side[0], l=side[0].lower())

    def arm(self, side: str, sign: int, chest: int) -> None:
        joint = self.add(self.named("collar", side), chest, (0.04 * sign, 0.1, 0))
        for part, offset in (("shoulder", (0.14 * sign, 0.02, 0)), ("elbow", (0.29 * sign, 0, 0)), ("wrist", (0.25 * sign, 0, 0.01))):
            joint = self.add(self.named(part, side), joint, offset, f"{side} {part}")
        self.add("", joint, (0.09 * sign, 0, 0))

    def leg(self, side: str, sign: int, root: int) -> None:
        joint = root
        if "before hip" in self.program.names:
            joint = self.add(self.named("before hip", side), root, (0, 0, 0))
        for part, offset in (("hip", (0.09 * sign, -0.05, 0)), ("knee", (0, -0.43, 0)), ("ankle", (0, -0.42, -0.02))):
            joint = self.add(self.named(part, side), joint, offset, f"{side} {part}")
        toe = self.add(self.named("toe", side), joint, (0, -0.05, 0.13))
        self.add("", toe, (0, 0, 0.05))

    def in_file(self, vector: np.ndarray) -> np.ndarray:
        """Our y-up metres in the file's axes and unit; z-up programs look along -y."""
        turned = vector if self.program.up == "y" else np.array([vector[0], -vector[2], vector[1]])
        return turned * self.program.unit

    def places(self) -> np.ndarray:
        """[T,N,3] in the file's axes and unit, by plain forward kinematics."""
        found = np.zeros((FRAMES, len(self.names), 3))
        for frame in range(FRAMES):
            turns: list[np.ndarray] = []
            for joint, parent in enumerate(self.parents):
                own = np.eye(3)
                for axis, degrees in zip(self.program.order, self.angles[frame, joint], strict=True):
                    own = own @ plain_rotation(axis, math.radians(degrees))
                if parent < 0:
                    found[frame, joint] = self.in_file(self.root_places[frame])
                    turns.append(own)
                else:
                    found[frame, joint] = found[frame, parent] + turns[parent] @ self.in_file(self.offsets[joint])
                    turns.append(turns[parent] @ own)
        return found

    def text(self) -> str:
        children = {joint: [other for other, parent in enumerate(self.parents) if parent == joint] for joint in range(len(self.names))}
        lines, order = ["HIERARCHY"], []

        def write(joint: int, depth: int) -> None:
            tabs, name = "\t" * depth, self.names[joint]
            offset = " ".join(f"{value:.6f}" for value in self.in_file(self.offsets[joint]))
            kind = "End Site" if not name else f"{'ROOT' if depth == 0 else 'JOINT'} {name}"
            lines.extend([f"{tabs}{kind}", f"{tabs}{{", f"{tabs}\tOFFSET {offset}"])
            if name:
                order.append(joint)
                lines.append(f"{tabs}\tCHANNELS {self.channels(joint)}")
            for child in children[joint]:
                write(child, depth + 1)
            lines.append(f"{tabs}}}")

        write(0, 0)
        lines += ["MOTION", f"Frames:\t{FRAMES}", "Frame Time:\t0.0333333"]
        lines += [" ".join(self.row(frame, joint) for joint in order) + " " for frame in range(FRAMES)]
        return self.program.newline.join(lines) + self.program.newline

    def channels(self, joint: int) -> str:
        turns = " ".join(f"{axis}rotation" for axis in self.program.order)
        if joint and not self.program.places:
            return f"3 {turns}"
        places = "Xposition Yposition Zposition"
        return f"6 {turns} {places}" if self.program.root_turns_first else f"6 {places} {turns}"

    def row(self, frame: int, joint: int) -> str:
        turns = [f"{value:.6f}" for value in self.angles[frame, joint]]
        if joint and not self.program.places:
            return " ".join(turns)
        place = self.in_file(self.offsets[joint] if joint else self.root_places[frame])
        places = [f"{value:.6f}" for value in place]
        return " ".join(turns + places if self.program.root_turns_first else places + turns)


def plain_rotation(axis: str, angle: float) -> np.ndarray:
    cosine, sine = math.cos(angle), math.sin(angle)
    return {
        "X": np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]),
        "Y": np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]),
        "Z": np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]),
    }[axis]


def expected_joints(skeleton: Skeleton) -> dict[int, np.ndarray]:
    """Rig joint -> [T,3] in our axes (x right, y down, z away) relative to the middle of the hips, in the file's unit."""
    places = skeleton.places()
    if skeleton.program.up == "z":
        places = np.stack([places[..., 0], places[..., 2], -places[..., 1]], -1)
    found = {}
    for side, arm, leg in (("Left", LEFT_ARM, LEFT_LEG), ("Right", RIGHT_ARM, RIGHT_LEG)):
        for part, joint in zip(LIMBS, (*arm[:3], *leg[:3]), strict=True):
            found[joint] = places[:, skeleton.parts[f"{side} {part}"]]
    found[NECK] = (found[LEFT_ARM[0]] + found[RIGHT_ARM[0]]) / 2
    hips = (found[LEFT_LEG[0]] + found[RIGHT_LEG[0]]) / 2
    return {joint: (place - hips) * (1, -1, -1) for joint, place in found.items()}


def largest_error(joints: np.ndarray, wanted: dict[int, np.ndarray]) -> float:
    """Of [T,19,3] against the wanted places, in torso lengths; sizes are compared by the median torso."""
    joints = joints - joints[:, PELVIS, None]
    own, given = (np.median(np.linalg.norm(neck, axis=1)) for neck in (joints[:, NECK], wanted[NECK]))
    return max(float(np.linalg.norm(joints[:, joint] / own - place / given, axis=1).max()) for joint, place in wanted.items())


@pytest.mark.parametrize("name", PROGRAMS)
def test_files_of_other_programs_are_read_exactly(tmp_path: Path, name: str) -> None:
    program = PROGRAMS[name]
    skeleton = Skeleton(program, seed=len(name))
    path = tmp_path / "take.bvh"
    path.write_bytes(skeleton.text().encode())
    motion = read_bvh(path)
    wanted = expected_joints(skeleton)
    assert motion.frame_count == FRAMES and motion.fps == pytest.approx(30, rel=1e-4)
    assert largest_error(rig_joints(motion.body_world.astype(float)), wanted) < TOLERANCE
    torso_m = np.median(np.linalg.norm(rig_joints(motion.body_world)[:, NECK], axis=1))
    assert 0.3 < torso_m < 0.7, "sizes are metres whatever the file's unit"

    again = read_bvh(write_bvh(motion, tmp_path / "again.bvh"))
    assert largest_error(rig_joints(again.body_world.astype(float)), wanted) < TOLERANCE
