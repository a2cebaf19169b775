"""KMC Load Motion, Preflight and Save Motion as graphs in the real server: library and files in, mended motion out, files back in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from comfyui_server import ComfyUIServer, PromptFailed, PromptRefused

PATIENCE_S = 900
FORMATS = {"motion (.safetensors)": ".safetensors", "BVH": ".bvh", "POSE_KEYPOINT (.json)": ".json"}


def graph_of(nodes: dict[str, tuple[str, dict]]) -> dict:
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def load(name: str, **more: object) -> tuple[str, dict]:
    return "KMCLoadMotion", {"motion": name, **more}


@pytest.fixture(scope="module")
def walk() -> str:
    from kmc_core.motion.library import library_entries

    return next(entry.label for entry in library_entries() if entry.label.startswith("walk"))


def test_a_library_motion_is_checked_mended_and_saved_in_every_format(
    server: ComfyUIServer, walk: str, character_picture: Path
) -> None:
    from kmc_core.motion.bvh import read_bvh
    from kmc_core.motion.pose_keypoint_file import read_pose_keypoint_file
    from kmc_core.motion.storage import load_motion
    from kmc_core.pose.skeleton_layouts import rig_joints

    nodes = {
        "load": load(walk, seconds=2.0, speed=1.5, mirror=True),
        "picture": ("LoadImage", {"image": server.upload(character_picture)}),
        "subject": ("BuildSubjectLibrary", {"pictures.picture_1": ["picture", 0], "name": "somebody"}),
        "orientation": ("OrientationMode", {"mode": "video", "pan_deg": 0, "tilt_deg": 0, "zoom": 1, "orbit_deg": 0}),
        "check": (
            "KMCPreflight",
            {"motion": ["load", 0], "subject": ["subject", 0], "orientation": ["orientation", 0], "mend_hands": True, "mend_view": True},
        ),
        "show": ("PreviewImage", {"images": ["check", 1]}),
        "poses": ("PreviewImage", {"images": ["load", 1]}),
    }
    for number, kind in enumerate(FORMATS):
        nodes[f"save_{number}"] = ("KMCSaveMotion", {"motion": ["check", 2], "filename_prefix": "kmc/walk", "format": kind})
    entry = server.run(graph_of(nodes), timeout_s=PATIENCE_S)
    assert entry["outputs"]["check"]["text"][0].startswith("Preflight: ")
    assert len(entry["outputs"]["show"]["images"]) == 1 and entry["outputs"]["poses"]["images"]
    made = {path.suffix: path for path in (server.base / "output" / "kmc").glob("walk_*")}
    assert set(made) == set(FORMATS.values())
    whole, bones, points = load_motion(made[".safetensors"]), read_bvh(made[".bvh"]), read_pose_keypoint_file(made[".json"])
    assert whole.seconds == pytest.approx(2.0, abs=1 / whole.fps)
    assert bones.frame_count == points.frame_count == whole.frame_count
    first, second = (rig_joints(motion.body_world.astype(float)) for motion in (whole, bones))
    torso = np.linalg.norm(first[:, 1] - first[:, 0], axis=-1).mean()
    assert np.abs((first - first[:, :1]) - (second - second[:, :1])).max() < 0.005 * torso
    assert whole.provenance["findings"] is not None

    for path in made.values():
        again = server.run(graph_of({
            "load": load(f"kmc/{path.name} [output]"), "show": ("PreviewImage", {"images": ["load", 1]}),
        }), timeout_s=PATIENCE_S)  # fmt: skip
        assert f"{whole.frame_count} frames" in again["outputs"]["load"]["text"][0]


@pytest.mark.parametrize("name", ["gone.bvh", "../outside.bvh", "linked.bvh", "spoiled.bvh"])
def test_files_outside_and_spoiled_files_are_refused(server: ComfyUIServer, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.bvh"
    outside.write_text("HIERARCHY")
    (server.base / "outside.bvh").write_text("HIERARCHY")
    link = server.base / "input" / "linked.bvh"
    if not link.is_symlink():
        link.symlink_to(outside)
    (server.base / "input" / "spoiled.bvh").write_text("HIERARCHY ROOT a { OFFSET 0 0")
    graph = graph_of({"load": load(name), "show": ("PreviewImage", {"images": ["load", 1]})})
    with pytest.raises((PromptFailed, PromptRefused)) as refused:
        server.run(graph, timeout_s=PATIENCE_S)
    assert "Choose" in str(refused.value) or "not in the list" in str(refused.value).lower(), str(refused.value)


@pytest.mark.parametrize(("kind", "key"), [("LoadMotionVideo", "file"), ("KMCLoadMotion", "motion")])
@pytest.mark.parametrize("name", ["/etc/passwd", "../../../etc/passwd", "link.mp4", "a\x00b.mp4", "x" * 5000])
def test_no_name_leads_out_of_comfyui_s_folders(server: ComfyUIServer, kind: str, key: str, name: str) -> None:
    link = server.base / "input" / "link.mp4"
    if not link.is_symlink():
        link.symlink_to(Path(__file__).resolve())
    graph = graph_of({"load": (kind, {key: name}), "show": ("PreviewAny", {"source": ["load", 0]})})
    with pytest.raises((PromptFailed, PromptRefused), match="Choose"):
        server.run(graph, timeout_s=PATIENCE_S)


@pytest.mark.parametrize("prefix", ["../out", "/etc/kmc", "a/../../out", "folder_link/x"])
def test_no_prefix_writes_outside_the_output_folder(server: ComfyUIServer, walk: str, tmp_path: Path, prefix: str) -> None:
    link = server.base / "output" / "folder_link"
    if link.is_symlink():
        link.unlink()
    link.symlink_to(tmp_path, target_is_directory=True)
    before = {path for path in server.base.rglob("*.safetensors")}
    graph = graph_of({"load": load(walk), "save": ("KMCSaveMotion", {"motion": ["load", 0], "filename_prefix": prefix, "format": "BVH"})})
    with pytest.raises(PromptFailed, match="outside the output folder"):
        server.run(graph, timeout_s=PATIENCE_S)
    assert not list(tmp_path.iterdir()) and {path for path in server.base.rglob("*.safetensors")} == before
