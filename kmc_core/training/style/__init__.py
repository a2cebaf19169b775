"""Trains the small network that draws pictures as toons and paintings (dit/style.py), and the one that reads which is asked for."""
