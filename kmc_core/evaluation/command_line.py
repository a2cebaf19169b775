"""What the commands of this room have in common: where weights lie, the options about them, the extractor, the JSON file.

Not here: any one command. Called by __main__.py and every file that reads a command line.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path

import cv2
import torch

from ..pose.extractor import HolisticExtractor
from ..pose.weights import WEIGHTS_FOLDER_NAME, ensure_weights
from .identity import FaceIdentity
from .identity_weights import ensure_identity_weights

logger = logging.getLogger(__name__)
BUILT_IN_NETWORK = Path(__file__).resolve().parents[1] / "weights" / "kmc_nano.safetensors"
CACHE = Path(__file__).resolve().parents[2] / ".cache"
MODELS = CACHE / "models" / "kmc"


def pose_folder() -> Path:
    """Where the pose networks lie: KMC_POSE_WEIGHTS, else where install.py puts them for a pack outside ComfyUI."""
    return Path(os.environ.get("KMC_POSE_WEIGHTS", MODELS / WEIGHTS_FOLDER_NAME))


def add_pose_weights(command: argparse.ArgumentParser) -> None:
    """--pose-weights and --threads, which `extractor_of` reads."""
    command.add_argument("--pose-weights", type=Path, default=pose_folder(), help="folder, filled when empty")
    command.add_argument("--threads", type=int, default=0, help="CPU threads; 0: the system's choice")


def add_identity(command: argparse.ArgumentParser) -> None:
    """--identity-weights and --no-identity, which `identity_of` reads."""
    command.add_argument("--identity-weights", type=Path, default=MODELS / "identity", help="folder, filled when empty")
    command.add_argument("--no-identity", action="store_true", help="do not measure identity")


def use_threads(count: int) -> None:
    """Give torch and OpenCV `count` threads; 0 leaves the system's choice."""
    if count:
        torch.set_num_threads(count)
        cv2.setNumThreads(count)


def extractor_of(options: argparse.Namespace) -> HolisticExtractor:
    """The reader of motions. Raises KMCError where its networks are missing and cannot be had."""
    return HolisticExtractor(ensure_weights(options.pose_weights, on_message=logger.info), workers=options.threads or 2)


def identity_of(options: argparse.Namespace) -> FaceIdentity | None:
    """The face descriptor; None if it is not wanted or its weights cannot be had."""
    folder = None if options.no_identity else ensure_identity_weights(options.identity_weights)
    return FaceIdentity(folder) if folder else None


def write_json(path: Path | None, found: object) -> None:
    """Write numbers to a file, its folder made if need be; None writes nothing."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
