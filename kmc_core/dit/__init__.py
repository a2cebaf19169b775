"""The network room: KMCDiT and its parts. It refines an aligned reference; it never sees files, samplers or ComfyUI.

Read in this order: config, conditions, model, head, blocks. Called by sampling and training.
"""
