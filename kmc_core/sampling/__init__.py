"""From motion, subject and network to frames. Schedule, step, guidance, windows and fusion know nothing of each other.

The door is `reenact.reenact`. Called by nodes and evaluation.
"""
