"""One file format for everything this pack trains: a safetensors file whose metadata holds one JSON header.

Not here: what the tensors mean (dit/weights_file.py, training/state.py). Writing is atomic: a reader never sees half a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError
from .safe_reading import header_problem

HEADER_KEY = "kmc"
REMEDY = "Reinstall the pack, or choose weights made for this version"


def save_checkpoint(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, object]) -> None:
    """Write tensors and header. The header must name its "format" (str) and "version" (int) and hold JSON values only.

    Goes to `path` + ".part" first and is renamed when complete. Raises CheckpointError for an unusable header.
    """
    path = Path(path)
    if not isinstance(header.get("format"), str) or not isinstance(header.get("version"), int):
        raise CheckpointError("A checkpoint needs a format and a version", got=", ".join(header), expected="format, version, ...")
    try:
        text = json.dumps(dict(header), allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise CheckpointError("The header is not plain JSON", got=str(error), expected="strings, finite numbers, lists, objects")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, part, metadata={HEADER_KEY: text})
    part.chmod(0o644)  # the writer makes files private; weights are shared like any other
    part.replace(path)


def load_checkpoint(path: str | Path, expected_format: str, expected_version: int) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Read tensors (CPU, stored dtype) and header. Raises CheckpointError for a missing, foreign, damaged or other-version file."""
    header = load_header(path, expected_format, expected_version)
    try:
        with safe_open(path, "pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, header
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(Path(path), error) from error


def load_header(path: str | Path, expected_format: str, expected_version: int) -> dict[str, object]:
    """The header alone, checked like `load_checkpoint` checks it."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError("The weights file is missing", got=str(path), expected="a .safetensors file", remedy=REMEDY)
    problem = header_problem(path)
    if problem:
        raise CheckpointError("The checkpoint cannot be read", got=f"{path.name}: {problem}", remedy=REMEDY)
    try:
        with safe_open(path, "pt") as opened:
            text = (opened.metadata() or {}).get(HEADER_KEY)
        header = json.loads(text) if text is not None else None
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(header, dict):
        raise CheckpointError("The file is no KMC checkpoint", got=path.name, expected="a KMC header", remedy=REMEDY)
    if (header.get("format"), header.get("version")) != (expected_format, expected_version):
        raise CheckpointError(
            "The checkpoint is of another kind",
            got=f"{header.get('format')} version {header.get('version')}"[:80],
            expected=f"{expected_format} version {expected_version}",
            remedy=REMEDY,
        )
    return header


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError("The checkpoint cannot be read", got=f"{path.name}: {error}"[:300], remedy=REMEDY)
