"""What the linked model is told: nothing of ours when that is off, and all of it in the report when it is on."""

from __future__ import annotations

from collections.abc import Callable


def test_nothing_is_added_when_it_is_off(backbones: Callable, performance: Callable) -> None:
    motion, _ = performance(12)
    assert backbones("prompt").build_prompt("  a red robot ", motion, on=False) == ("  a red robot ", ())


def test_the_report_shows_what_the_model_was_told(backbones: Callable, performance: Callable) -> None:
    motion, _ = performance(12)
    text, notes = backbones("prompt").build_prompt("a red robot", motion, on=True)
    assert text.startswith("a red robot. ") and "The camera stays still." in text and len(notes) == 1 and text in notes[0]
