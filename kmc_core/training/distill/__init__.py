"""Distillation: a trained network answers in one evaluation per step and in fewer steps; its change as a LoRA file.

Read in this order: plan (what is chosen, which stages), targets (what the student should say), run, steps_table; lora stands alone.
Called by `python -m kmc_core.training distill | lora | steps` (commands.py). How to use it: docs/distillation.md.
"""
