"""Where the tests find the pose networks: KMC_POSE_WEIGHTS, else the pack's own cache (filled by install.py)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kmc_core.pose.weights import missing_weights

DEFAULT = Path(__file__).resolve().parents[2] / ".cache" / "models" / "kmc" / "pose"


@pytest.fixture(scope="session")
def pose_weights() -> Path:
    """A folder with every pose network, or a skip that says how to get one."""
    folder = Path(os.environ.get("KMC_POSE_WEIGHTS", DEFAULT))
    if missing_weights(folder):
        pytest.skip(f"no pose networks in {folder}: run install.py once")
    return folder
