"""Renders the demo's own performer clip: python scripts/make_performer.py [performer.mp4]"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from kmc_core.training.synthetic.performer import write_performer  # noqa: E402

if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "performer.mp4")
    print(write_performer(target, progress=lambda done, total, stage: print(f"\r{stage} {done}/{total}", end="", flush=True)))
