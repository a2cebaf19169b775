"""What is looked at before a .safetensors file is given to its reader: sizes, so that a hostile header costs no time and memory.

Called by every room that reads such files. Not here: what the tensors mean, and the refusal, which is each room's own.
"""

from __future__ import annotations

import struct
from pathlib import Path

LARGEST_HEADER_BYTES = 8 << 20
"""a hundred times what the largest file of this pack needs"""


def header_problem(path: Path, largest_file_bytes: int | None = None) -> str:
    """Empty for a file worth opening, else what is wrong with it in a few words. The file must exist."""
    size = path.stat().st_size
    if largest_file_bytes is not None and size > largest_file_bytes:
        return f"{size >> 20} MB, more than {largest_file_bytes >> 20} MB"
    with path.open("rb") as file:
        start = file.read(9)
    if len(start) < 9 or start[8:9] != b"{":
        return "no .safetensors file"
    (length,) = struct.unpack("<Q", start[:8])
    if length > min(LARGEST_HEADER_BYTES, size - 8):
        return f"a header of {length} bytes in a file of {size}"
    return ""
