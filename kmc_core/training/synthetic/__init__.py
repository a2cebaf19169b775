"""Procedural characters that give exact ground truth: rendered frames with every joint, hand and face point known."""
