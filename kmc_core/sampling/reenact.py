"""A retargeted motion and a subject become frames, streamed with memory that does not depend on the clip's length.

Per window: maps at the network's size, the bridge walked once, then every new frame is rendered at output size and the
window's edits are fused onto it. While the network works on a window, one thread finishes the frames of the window before
and draws the maps of the next. Without a network the frames are the alignment alone. Called by nodes and evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..alignment.aligner import Aligner
from ..alignment.maps import MAP_CHANNELS
from ..dit.conditions import Conditions, text_bytes
from ..dit.head import Edits, apply_edits
from ..dit.model import KMCDiT
from ..errors import Cancelled, CheckpointError, KMCError
from ..types import Canvas, HolisticMotion, Progress, ShouldStop, SubjectLibrary
from .arithmetic import fast_arithmetic
from .background import PlateSource, plate_source
from .conditioning import MotionArrays, motion_arrays, reference_tensor
from .drawing import drawing_of
from .frames import FrameRenderer
from .fusion import fuse
from .guidance import GuidedNetwork, guidance_weight
from .output_size import base_canvas, output_canvas
from .sampler import sample_window
from .schedule import bridge_levels
from .step import uncertain_noise
from .trust import edit_share, edit_trust
from .windows import Window, plan_windows


@dataclass(frozen=True)
class SamplerSettings:
    """How to make the frames.

    mode "draft" | "std" | "pro" or an explicit `canvas`; steps of the bridge; cfg_scale 0 follows the motion, 1 the prompt;
    network_strength 0 (alignment alone) to 1; noise 0..1 of the trained bridge noise (0 is best for small networks);
    background "picture" | "driver" | "transparent" | "image" (background_image uint8 [H,W,3]).
    motion_strength belongs to retargeting; it is kept here for the report only. folded_guidance: one evaluation per step
    whatever cfg_scale is (guidance.GuidedNetwork).
    """

    prompt: str = ""
    negative_prompt: str = ""
    mode: str = "std"
    canvas: Canvas | None = None
    steps: int = 1
    cfg_scale: float = 0.5
    motion_strength: float = 1.0
    network_strength: float = 1.0
    noise: float = 0.0
    seed: int = 0
    background: str = "picture"
    background_image: np.ndarray | None = None
    window: int = 8
    overlap: int = 2
    folded_guidance: bool = False

    @property
    def speaks(self) -> bool:
        """Whether there are words, for or against."""
        return bool(self.prompt.strip() or self.negative_prompt.strip())


class ReenactedFrame(NamedTuple):
    """rgb uint8 [H,W,3], alpha float32 [H,W] of the character."""

    rgb: np.ndarray
    alpha: np.ndarray


Preview = Callable[[int, np.ndarray], None]
"""on_preview(frame, rgb uint8 [h,w,3] at the network's size) after a step"""


def reenact(
    motion: HolisticMotion,
    subject: SubjectLibrary,
    settings: SamplerSettings = SamplerSettings(),
    network: KMCDiT | None = None,
    *,
    aligner: Aligner | None = None,
    background: PlateSource | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    on_preview: Preview | None = None,
) -> Iterator[ReenactedFrame]:
    """Yield one frame per frame of the motion, in order. Same inputs and seed give the same bits on the same machine.

    motion: retargeted to this subject. network None or strength 0: alignment alone. background overrides the settings'.
    progress counts steps of windows and frames. Raises Cancelled, MotionError, KMCError, CheckpointError before any frame.
    """
    arrays = motion_arrays(motion, subject)
    _check(settings, network)
    aligner = aligner or Aligner(subject)
    source = background or plate_source(settings.background, aligner, motion, settings.background_image)
    renderer = FrameRenderer(aligner, motion.character, source)
    trust = edit_trust(motion.character, subject.primary_view)
    job = _Job(renderer, arrays, settings, network, reference_tensor(subject, 7), motion.character.canvas, trust)
    return _frames(job, motion.frame_count, progress, should_stop, on_preview)


class _Job:
    """What stays the same over all windows, and the clean history between them."""

    def __init__(
        self,
        renderer: FrameRenderer,
        arrays: MotionArrays,
        settings: SamplerSettings,
        network: KMCDiT | None,
        references: Tensor,
        subject_canvas: Canvas,
        trust: np.ndarray,
    ) -> None:
        self.renderer, self.arrays, self.settings, self.references = renderer, arrays, settings, references
        self.trust = trust
        self.network = network if settings.network_strength > 0 else None
        self.canvas = settings.canvas or output_canvas(subject_canvas, settings.mode)
        self.base = base_canvas(self.canvas)
        words = settings.prompt, settings.negative_prompt, settings.cfg_scale, settings.network_strength
        self.drawing = drawing_of(*words) if self.network is not None else None
        self.device = next(network.parameters()).device if network is not None else torch.device("cpu")
        self._kept: list[Tensor] = []
        self._shown: Tensor | None = None

    @property
    def steps(self) -> int:
        """Steps per window: none without a network."""
        return self.settings.steps if self.network is not None else 0

    def draw(self, window: Window, should_stop: ShouldStop | None) -> list[Tensor]:
        """Maps [C,H,W] of the window's new frames at base size; none without a network."""
        maps = []
        for frame in range(window.first_new, window.stop) if self.network is not None else ():
            _stop_if(should_stop)
            maps.append(self.renderer.maps(frame, self.base))
        return maps

    def solve(
        self, window: Window, new: list[Tensor], on_step: Callable[[int, Tensor], None], should_stop: ShouldStop | None
    ) -> Edits | None:
        """Edits of the window's new frames, of their maps, at base size; None without a network."""
        if self.network is None:
            return None
        maps = [*self._kept, *new]
        self._kept = maps[len(maps) - self.settings.overlap :]
        trust = self.trust[window.first_new : window.stop]
        if not trust.any() and not self.settings.speaks:  # no pixel would take an edit: nothing is asked
            return self._left_alone(torch.stack(new, dim=1)[None], on_step)
        guided = self._guided(window, torch.stack(maps, dim=1)[None])
        history = self._shown[:, :, -window.history :] if window.history else None
        with torch.no_grad(), fast_arithmetic(self.device):
            _, edits = sample_window(
                guided,
                bridge_levels(self.settings.steps).to(self.device),
                noise=self._noise(guided.without_text.maps),
                history=history,
                on_step=on_step,
                should_stop=should_stop,
            )
            taken = edits.scaled(edit_share(trust, torch.stack(new, dim=1).to(self.device), self.network.config.map_channels))
            picture, alpha = (part[:, :, window.history :] for part in self.network.aligned(guided.without_text))
            self._remember(torch.lerp(picture, apply_edits(picture, alpha, taken).clamp(-1, 1), self.settings.network_strength))
        return Edits(*(part.cpu() for part in (taken.flow, taken.residual, taken.mask, taken.colour)))

    def _left_alone(self, maps: Tensor, on_step: Callable[[int, Tensor], None]) -> None:
        """The new frames [1,C,T,H,W] stay as they are aligned."""
        picture = maps[:, :3].to(self.device)
        self._remember(picture)
        for step in range(self.steps):
            on_step(step, picture)

    def _remember(self, shown: Tensor) -> None:
        """What the next window is given as its history: frames as they are shown, not as the network would have them."""
        frames = shown if self._shown is None else torch.cat((self._shown, shown), dim=2)
        self._shown = frames[:, :, max(0, frames.shape[2] - self.settings.overlap) :]

    def finish(self, frame: int, base: Tensor | None, edits: Edits | None, should_stop: ShouldStop | None) -> ReenactedFrame:
        """One frame at output size. base [3,h,w]: its alignment at base size, with `edits` of this frame."""
        _stop_if(should_stop)
        composite = self.renderer.composite(frame, self.canvas)
        rgb = composite.rgb
        if edits is not None:
            rgb = fuse(rgb, composite.alpha, base, edits, self.settings.network_strength)
        rgb = self.drawn(rgb)
        rgb = ((rgb.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0)
        return ReenactedFrame(rgb.contiguous().numpy(), composite.alpha[0].numpy())

    def drawn(self, picture: Tensor) -> Tensor:
        """A picture [3,H,W] in -1..1 in the style the words ask for: itself if they ask for none."""
        return picture if self.drawing is None else self.drawing(picture)

    def _guided(self, window: Window, maps: Tensor) -> GuidedNetwork:
        frames, settings = slice(window.start, window.stop), self.settings
        limit = self.network.config.text_bytes

        def told(prompt: str) -> Conditions:
            joints, hands, face = (torch.from_numpy(array[frames])[None] for array in self.arrays)
            conditions = Conditions(maps, joints, hands, face, self.references, text_bytes([prompt], limit))
            return conditions.mapped(lambda tensor: tensor.to(self.device))

        with_text = told(settings.prompt) if settings.prompt.strip() else None
        weight = guidance_weight(settings.cfg_scale)
        return GuidedNetwork(self.network, told(settings.negative_prompt), with_text, weight, settings.folded_guidance)

    def _noise(self, maps: Tensor) -> Tensor | None:
        if self.settings.noise <= 0:
            return None
        return uncertain_noise(maps, self.network.config, self.settings.noise, self.settings.seed)


def _frames(
    job: _Job, frame_count: int, progress: Progress | None, should_stop: ShouldStop | None, on_preview: Preview | None
) -> Iterator[ReenactedFrame]:
    windows = plan_windows(frame_count, job.settings.window, job.settings.overlap)
    total, done, shown = len(windows) * job.steps + frame_count, 0, 0

    def advance(stage: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total, stage)

    def in_order(frames: list[Future[ReenactedFrame]]) -> Iterator[ReenactedFrame]:
        nonlocal shown
        for frame in frames:
            yield frame.result()
            shown += 1
            advance(f"frame {shown} of {frame_count}")

    drawing = ThreadPoolExecutor(1, "kmc-drawing")  # one thread: what the renderer keeps is touched by nobody else
    try:
        drawn = [drawing.submit(job.draw, window, should_stop) for window in windows[:1]]
        finished: list[Future[ReenactedFrame]] = []
        for number, window in enumerate(windows, 1):
            def on_step(step: int, x0: Tensor, window: Window = window, number: int = number) -> None:
                advance(f"window {number} of {len(windows)}, step {step + 1}")
                if on_preview is not None:
                    on_preview(window.stop - 1, ((job.drawn(x0[0, :, -1]) + 1) * 127.5).byte().permute(1, 2, 0).cpu().numpy())

            maps = drawn.pop().result()
            drawn += [drawing.submit(job.draw, after, should_stop) for after in windows[number : number + 1]]
            edits = job.solve(window, maps, on_step, should_stop)
            yield from in_order(finished)
            finished = []
            for offset, frame in enumerate(range(window.first_new, window.stop)):
                base, own = (maps[offset][:3].clone(), edits.at(slice(offset, offset + 1))) if edits else (None, None)
                finished.append(drawing.submit(job.finish, frame, base, own, should_stop))
        yield from in_order(finished)
    finally:
        drawing.shutdown(cancel_futures=True)


def _check(settings: SamplerSettings, network: KMCDiT | None) -> None:
    for name, value, low, high in (
        ("steps", settings.steps, 1, 1000),
        ("cfg_scale", settings.cfg_scale, 0, 1),
        ("network strength", settings.network_strength, 0, 1),
    ):
        if not low <= value <= high:
            raise KMCError(f"The {name} is out of range", got=str(value), expected=f"{low} to {high}", remedy=f"Change the {name}")
    if network is not None and network.config.map_channels != MAP_CHANNELS:
        raise CheckpointError(
            "The weights expect other alignment maps", got=", ".join(network.config.map_channels),
            expected=", ".join(MAP_CHANNELS), remedy="Use weights made for this version of the pack",
        )  # fmt: skip


def _stop_if(should_stop: ShouldStop | None) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled
