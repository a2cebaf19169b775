"""What happens in a motion, in words with times: walking, turning, waving, sitting ... read from the skeleton alone.

Rules over joint angles, heights and speeds in torso lengths, so they hold for any body and any clip size; nothing is
learned. Their hits and misses on known motions are measured in tests/core/test_motion_semantics.py.
"""

from .events import EVENT_KINDS, MotionEvent, motion_events
from .sentence import motion_sentence

__all__ = ["EVENT_KINDS", "MotionEvent", "motion_events", "motion_sentence"]
