"""Draws the demo's own character picture: python scripts/make_default_character.py [character.png]"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from PIL import Image  # noqa: E402

from kmc_core.training.synthetic.default_character import draw_default_character  # noqa: E402

if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "character.png")
    Image.fromarray(draw_default_character()).save(target)
    print(target)
