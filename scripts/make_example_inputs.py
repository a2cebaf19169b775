"""Makes example_inputs/: the clip, pictures and music that the example workflows name. Everything is drawn by this project.

python scripts/make_example_inputs.py          takes about two minutes; the same files on every call
"""

from __future__ import annotations

import sys
from fractions import Fraction

from demo_inputs import default_clip
from environment import CACHE, ROOT

import av
import cv2
import numpy as np

from kmc_core.media.clip import open_clip
from kmc_core.media.writer import VideoWriter
from kmc_core.training.synthetic.background import Background, draw_background
from kmc_core.training.synthetic.camera import frame_camera
from kmc_core.training.synthetic.character import CharacterDesign, build_character
from kmc_core.training.synthetic.default_character import default_design, default_goals, draw_default_character
from kmc_core.training.synthetic.designs import random_design
from kmc_core.training.synthetic.renderer import Scene, pose_character, render_frame
from kmc_core.training.synthetic.shading import Light
from kmc_core.types import Canvas

FOLDER = ROOT / "example_inputs"
CLIP_CRF = 27
PORTRAIT, LANDSCAPE = Canvas(960, 640), Canvas(720, 1280)
JPEG_QUALITY = 90
OTHER_CHARACTERS = {"kmc_character_2.jpg": ("heavy_man", 8), "kmc_character_3.jpg": ("girl", 21)}
MUSIC_RATE, MUSIC_SECONDS, MUSIC_BITS_PER_S = 44100, 16.0, 64_000
CHORDS_HZ = ((220.0, 261.63, 329.63), (174.61, 220.0, 261.63), (196.0, 246.94, 293.66), (164.81, 196.0, 246.94))


def write_clip() -> None:
    """The demo's performer, encoded small enough to be shipped."""
    clip = open_clip(default_clip(CACHE / "demo"))
    with VideoWriter(FOLDER / "kmc_performer.mp4", clip.canvas, Fraction(clip.rate), clip.audio(), crf=CLIP_CRF) as writer:
        for frame in clip.frames():
            writer.write(frame)


def character_view(design: CharacterDesign, yaw: float, detail: float = 2.0) -> np.ndarray:
    """uint8 [H,W,3]: a character in front of a plain studio, turned by `yaw` radians (pi = seen from behind)."""
    character = build_character(design, detail)
    camera = frame_camera(design.shape, PORTRAIT, "full", focal=3.2, margin=1.02)
    scene = Scene(camera, Light(direction=(-0.42, 0.60, 0.70), ambient=0.62, strength=0.46), grain=0.0, outline_px=1.4)
    backdrop = draw_background(Background("gradient", ((0.93, 0.95, 0.96), (0.82, 0.87, 0.90)), seed=3), camera, PORTRAIT)
    goals = default_goals()
    goals.heading = yaw
    frame = render_frame(character, pose_character(character, goals), scene, PORTRAIT, backdrop, oversample=2)
    return (np.clip(frame.rgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def backdrop_picture() -> np.ndarray:
    """uint8 [H,W,3]: a meadow under the evening sky, for replaced backgrounds."""
    camera = frame_camera(default_design().shape, LANDSCAPE, "full", focal=2.4)
    picture = draw_background(Background("outdoor", ((0.5, 0.6, 0.5),) * 6, seed=11), camera, LANDSCAPE)
    height = np.linspace(1, 0, LANDSCAPE.height, dtype=np.float32)[:, None, None] ** 0.8
    glow = np.array([1.0, 0.74, 0.52], np.float32) * (1 - height) + np.array([0.33, 0.42, 0.68], np.float32) * height
    is_sky = picture[..., 2:] > picture[..., 1:2] * 1.01
    evening = np.where(is_sky, glow, picture * np.array([1.05, 0.92, 0.86], np.float32))
    evening = cv2.GaussianBlur(evening, (0, 0), 1.5)
    return (np.clip(evening, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_music() -> None:
    """Sixteen seconds of a calm synthesised pad, as MP3."""
    time = np.arange(round(MUSIC_SECONDS * MUSIC_RATE)) / MUSIC_RATE
    span = MUSIC_SECONDS / len(CHORDS_HZ)
    sound = np.zeros_like(time)
    for index, chord in enumerate(CHORDS_HZ):
        swell = np.clip(np.minimum(time - index * span, (index + 1) * span - time) / 0.8 + 0.5, 0, 1)
        sound += swell * sum(np.sin(2 * np.pi * hertz * time) + 0.3 * np.sin(4 * np.pi * hertz * time) for hertz in chord)
    sound = (0.35 * sound / np.abs(sound).max()).astype(np.float32)
    with av.open(str(FOLDER / "kmc_music.mp3"), "w") as container:
        stream = container.add_stream("libmp3lame", rate=MUSIC_RATE, layout="mono", bit_rate=MUSIC_BITS_PER_S)
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate = MUSIC_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def save(name: str, picture: np.ndarray, quality: int = JPEG_QUALITY) -> None:
    cv2.imwrite(str(FOLDER / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    write_clip()
    write_music()
    save("kmc_background.jpg", backdrop_picture())
    save("kmc_character.jpg", draw_default_character(), quality=94)
    design = default_design()
    save("kmc_character_side.jpg", character_view(design, np.pi / 2))
    save("kmc_character_side_2.jpg", character_view(design, -np.pi / 2))
    save("kmc_character_back.jpg", character_view(design, np.pi))
    for name, (build, seed) in OTHER_CHARACTERS.items():
        save(name, character_view(random_design(seed, build=build), 0.0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
