"""Which numbers networks compute in on a device. Called by reenact.py, drawing.py and nodes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def fast_arithmetic(device: torch.device) -> AbstractContextManager[object]:
    """A context with bfloat16 inside the network where it is faster; the head and all pictures stay float32."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # older torch cannot tell, and stays with float32
    usable = device.type == "cuda" or (device.type == "cpu" and bool(capabilities.get("avx512_bf16")))
    return torch.autocast(device.type, torch.bfloat16) if usable else nullcontext()
