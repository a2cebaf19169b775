"""Production models behind the samplers: each one turns windows of a job into ComfyUI's own conditioning, and no more.

The window engine (windows.py) does for all of them what a user would otherwise do by hand: plan, pad, continue, decode, stream.
Files here may use ComfyUI's model code (sampling, VAE, conditioning nodes); nodes/host.py stays the door for everything else.
"""
