"""What nodes tell the pictures on them: small files in the temp folder, named in the ui output, and nothing else of the disk."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page(pack: ModuleType) -> ModuleType:
    return sys.modules[f"{pack.__name__}.nodes.page"]


@pytest.fixture(scope="module")
def folders(pack: ModuleType) -> dict[str, Path]:
    import folder_paths

    return {kind: Path(folder_paths.get_directory_by_type(kind)) for kind in ("input", "output", "temp")}


def stored(folders: dict[str, Path], address: dict[str, str]) -> Path:
    return folders[address["type"]] / address["subfolder"] / address["filename"]


def test_pictures_are_reduced_and_shown_over_grey(page: ModuleType, folders: dict[str, Path]) -> None:
    picture = np.zeros((1000, 500, 4), np.uint8)
    picture[500:] = (250, 20, 20, 255)
    small = cv2.imread(str(stored(folders, page.save_picture(picture, long_side=200))))[..., ::-1]
    assert small.shape == (200, 100, 3)
    np.testing.assert_allclose(small[50, 50], 128, atol=3)
    np.testing.assert_allclose(small[150, 50], (250, 20, 20), atol=8)
    assert cv2.imread(str(stored(folders, page.save_picture(picture[:40, :30, :3])))).shape == (40, 30, 3)


def test_a_library_motion_reaches_the_player(page: ModuleType, node_classes: dict[str, type], folders: dict[str, Path]) -> None:
    node = node_classes["KMCLoadMotion"]
    name = node.GET_NODE_INFO_V1()["input"]["required"]["motion"][1]["options"][0]
    output = node.PREPARE_CLASS_CLONE({"hidden_inputs": {}}).execute(name)
    sent = json.loads(stored(folders, output.ui["kmc_pose"][0]).read_text())
    (panel,) = sent["panels"]
    assert panel["title"] == "Motion" and panel["under"] is None
    assert panel["track"]["total"] == output.args[0].frame_count and panel["track"]["frames"] <= 480


def test_only_files_of_comfyui_s_own_folders_have_an_address(pack: ModuleType, folders: dict[str, Path], tmp_path: Path) -> None:
    host = sys.modules[f"{pack.__name__}.nodes.host"]
    inside = folders["input"] / "clips" / "dance.mp4"
    assert host.page_address(inside) == {"filename": "dance.mp4", "subfolder": "clips", "type": "input"}
    assert host.page_address(folders["output"] / "a.mp4")["subfolder"] == ""
    assert host.page_address(tmp_path / "a.mp4") is None and host.page_address(None) is None
    assert host.page_address(folders["input"] / ".." / "secret.mp4") is None


def test_without_a_page_nothing_is_told(pack: ModuleType) -> None:
    host = sys.modules[f"{pack.__name__}.nodes.host"]
    host.tell_page("kmc.progress", "1", {"done": 1})
    host.tell_page("kmc.progress", None, {"done": 1})


def test_a_corrected_joint_reaches_the_subject_s_views(page: ModuleType, pack: ModuleType, folders: dict[str, Path]) -> None:
    core = f"{pack.__name__}.kmc_core"
    corrections, node = sys.modules[f"{core}.subject.corrections"], sys.modules[f"{pack.__name__}.nodes.build_subject_library"]
    read = corrections.read_corrections('{"2": {"joints": {"left_elbow": [0.5, 0.5], "head": [0.5, 0.1]}}}')
    assert node.describe_corrections(read, [None, 2]) == ["view 2, put right by hand: left elbow, head."]
    assert "another picture" in node.describe_corrections(read, [None])[0]
    pictures = [np.full((40, 30, 3), 90, np.uint8)] * 2
    bare = page.bare_views(pictures, [None, 2])
    assert [entry["corrections"] for entry in bare] == [None, 2] and bare[0]["points"] is None
    assert stored(folders, bare[0]["picture"]).is_file()
    json.dumps(bare, allow_nan=False)
