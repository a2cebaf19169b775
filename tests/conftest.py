"""Paths and real clips for every test room. The pack root is APPENDED so that ComfyUI's own `nodes` module wins in host tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

SHARED_CLIPS = ROOT.parent / "shared" / "clips"


@pytest.fixture(scope="session")
def shared_clips() -> Path:
    """Folder of real clips and pictures beside the checkout; measuring tests skip where it is absent."""
    if not SHARED_CLIPS.is_dir():
        pytest.skip("no folder of real clips beside the checkout (shared/clips)")
    return SHARED_CLIPS
