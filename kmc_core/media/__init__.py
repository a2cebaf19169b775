"""Files in and out: clips, stills, sound, the published limits, contact sheets. Knows pixels and time, nothing about people."""
