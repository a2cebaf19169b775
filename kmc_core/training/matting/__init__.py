"""Trains the small network that corrects a character's cut-out (pose/matte_network.py) on rendered stills with exact alpha."""
