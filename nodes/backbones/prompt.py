"""The text a production model is given: the user's words, and what the motion does when that is wanted.

Not here: the words for a motion (kmc_core.motion.prompt), encoding them (sampling.py).
"""

from __future__ import annotations

from ...kmc_core.motion.prompt import motion_words, prompt_with_motion
from ...kmc_core.types import HolisticMotion


def build_prompt(prompt: str, motion: HolisticMotion, on: bool) -> tuple[str, tuple[str, ...]]:
    """(text, notes for the report). on False: the user's words exactly as they are, and no note."""
    if not on:
        return prompt, ()
    text = prompt_with_motion(prompt, motion_words(motion))
    return text, (f'Prompt given to the model: "{text}"',)
