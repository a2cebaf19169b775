"""The text a production model is given.

Not here: encoding it (sampling.py).
"""

from __future__ import annotations

from ...kmc_core.types import HolisticMotion


def build_prompt(prompt: str, motion: HolisticMotion, on: bool) -> tuple[str, tuple[str, ...]]:
    """(text, notes for the report): the user's words."""
    return prompt.strip(), ()
