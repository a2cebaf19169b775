"""Measures results honestly: pictures against truth and controls, motion re-extracted from the output, cost. No training, no nodes."""
