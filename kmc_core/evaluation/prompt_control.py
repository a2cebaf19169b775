"""What the detector alone makes of a prompt: the driver's own frames in the colours and style it asks for, and their joints read again.

No joint of these frames moves, so what is off is the detector reading darker, flatter or drawn pictures. Called by prompts.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ..dit.conditions import text_bytes
from ..dit.head import colour_change
from ..dit.model import KMCDiT
from ..pose.extractor import HolisticExtractor
from ..sampling.drawing import drawing_of
from ..sampling.guidance import guidance_weight
from ..sampling.reenact import SamplerSettings
from ..types import Canvas, HolisticMotion
from .case import Case, fitted_canvas
from .frame_store import FrameStore


class PromptControl:
    """plain: the driver's joints as read at the compared size, without words."""

    def __init__(self, case: Case, network: KMCDiT, extractor: HolisticExtractor, folder: Path) -> None:
        self._case, self._network, self._extractor, self._path = case, network, extractor, folder / "control"
        self._canvas = fitted_canvas(case.driver.canvas, max(case.canvas))
        self.plain = self.read(SamplerSettings())

    def read(self, settings: SamplerSettings) -> HolisticMotion:
        """The joints of the driver's frames after what the settings' words ask for."""
        store = FrameStore(self._path, self._canvas)
        for frame in changed_frames(self._case, self._network, settings, self._canvas):
            store.add(frame)
        return self._extractor.track(store.clip(self._case.driver.fps))


def changed_frames(case: Case, network: KMCDiT, settings: SamplerSettings, canvas: Canvas) -> Iterator[np.ndarray]:
    """The driver's frames uint8 [H,W,3] of `canvas` in the colours and the style of the words."""
    colour = word_colour(network, settings)
    words = settings.prompt, settings.negative_prompt, settings.cfg_scale, settings.network_strength
    drawing = drawing_of(*words)
    size = (canvas.width, canvas.height)
    frames = zip(range(case.frame_count), case.clip.frames(long_side=max(canvas)), strict=False)
    for index, frame in frames:
        picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if frame.shape[:2] != tuple(canvas) else frame
        shown = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        if colour.any():
            matte = np.zeros(canvas) if case.driver.matte is None else cv2.resize(case.driver.matte[index], size) / 255
            shown = (shown + colour_change(shown, colour[:, :, None, None], torch.from_numpy(matte)[None, None].float())).clamp(-1, 1)
        shown = shown[0] if drawing is None else drawing(shown[0])
        yield ((shown + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()


@torch.no_grad()
def word_colour(network: KMCDiT, settings: SamplerSettings) -> Tensor:
    """The two colour transforms [1,24] of the words (dit.head.Edits.colour), guided as in sampling; zero without words."""
    if network.text_colour is None or not settings.prompt.strip():
        return torch.zeros(1, 24)
    weight, limit = guidance_weight(settings.cfg_scale), network.config.text_bytes
    told, untold = (network.text_colour(network.text(text_bytes([text], limit))) for text in (settings.prompt, settings.negative_prompt))
    return untold + weight * (told - untold) if settings.negative_prompt.strip() else weight * told
