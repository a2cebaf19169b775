"""KMCDiT: alignment maps, motion, identity and text in; a small edit of the aligned picture out.

    pixels  = maps + bridge state          -> PixelStem   -> video tokens [B,T,N,D] and skip features
    context = joints, hands, face (per frame), references and text (per clip)     -> tokens to look at
    blocks  : space, time at equal places, context, feed-forward                  -> video tokens
    PixelDecoder -> flow, residual, colour grid (+ TextColour) -> edits inside the mask -> x0

`edits` does it all; a sampler calls its four parts: `look` and `listen` once per window, `see` and `answer` once per step.

The network predicts the clean picture x0 of a bridge from the aligned frame (level 1) to the clean frame (level 0).
Layers come from `operations` (default torch.nn), so a host can hand in its own. Called by sampling and training.
"""

from __future__ import annotations

import math
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from .attention import normalised
from .blocks import Context, SpaceTimeBlock
from .conditions import Conditions, Guidance
from .config import KMCDiTConfig
from .head import Edits, apply_edits, edit_mask, read_edits
from .identity import IdentityEncoder
from .motion_encoders import MotionEncoder
from .patches import PixelDecoder, PixelFeatures, PixelStem, halves
from .readings import Look, Seen, Told
from .rope import grid_positions, rotary
from .text import ByteEncoder, TextColour, TextTokens, guided_colour, guided_words

LEVEL_FREQUENCIES = 16


class KMCDiT(nn.Module):
    """The refiner. Untrained (its last layers start at zero) it returns the aligned picture unchanged."""

    def __init__(
        self,
        config: KMCDiTConfig,
        operations: ModuleType = nn,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        place = {"device": device, "dtype": dtype}
        parts = {"operations": operations, **place}
        self.stem = PixelStem(config, **parts)
        self.level_in = operations.Linear(2 * LEVEL_FREQUENCIES, config.condition_width, **place)
        self.level_out = operations.Linear(config.condition_width, config.condition_width, **place)
        self.text_summary = operations.Linear(config.width, config.condition_width, bias=False, **place)
        self.motion = MotionEncoder(config, **parts)
        self.identity = IdentityEncoder(config, **parts)
        self.text = ByteEncoder(config, **parts)
        self.text_colour = TextColour(config, **parts) if config.text_colour else None
        self.nothing = operations.Embedding(1, config.width, **place)  # a token that is always there to look at
        self.context_norm = operations.RMSNorm(config.width, eps=1e-6, **place)
        self.blocks = nn.ModuleList(
            SpaceTimeBlock(config.width, config.heads, config.condition_width, **parts) for _ in range(config.depth)
        )
        self.decoder = PixelDecoder(config, **parts)

    def forward(self, x: Tensor, level: Tensor, conditions: Conditions) -> Tensor:
        """Estimate the clean picture. x [B,3,T,H,W] in -1..1, level [B] or [B,T] in 0..1 -> x0, the shape of x, float32."""
        return apply_edits(*self.aligned(conditions), self.edits(x, level, conditions))

    def aligned(self, conditions: Conditions) -> tuple[Tensor, Tensor]:
        """The picture to edit and its alpha, out of the maps: [B,3,T,H,W] in -1..1 and [B,1,T,H,W]."""
        first, alpha = self.config.channel("red"), self.config.channel("alpha")
        return conditions.maps[:, first : first + 3], conditions.maps[:, alpha : alpha + 1]

    def edits(self, x: Tensor, level: Tensor, conditions: Conditions, guidance: Guidance | None = None) -> Edits:
        """What to change on the aligned picture (head.Edits); arguments as `forward`. H and W may be any size.

        guidance: both branches' answer in this one evaluation; None takes the words as they are said.
        """
        look = self.look(conditions.maps)
        return self.answer(self.see(x, look), level, look, self.listen(conditions, guidance))

    def look(self, maps: Tensor) -> Look:
        """Read the maps [B,C,T,H,W]. Good for every step and branch of the window."""
        batch, _, frames, height, width = maps.shape
        pixels = self._padded(maps)
        theta, head_width = self.config.rope_theta, self.config.width // self.config.heads
        rows, columns = (side // self.config.patch for side in pixels.shape[-2:])
        return Look(
            halves(pixels),
            edit_mask(pixels.float(), self.config),
            batch,
            (height, width),
            rotary(grid_positions(rows, columns, maps.device), head_width, theta),
            rotary(torch.arange(frames, device=maps.device)[:, None], head_width, theta),
        )

    def listen(self, conditions: Conditions, guidance: Guidance | None = None) -> Told:
        """Read motion, references and words. Good for every step of the window."""
        text = self.text(conditions.text)
        untold = None if guidance is None else self.text(guidance.untold_text)
        words = text if guidance is None else guided_words(text, untold, guidance.weight)
        context = self._context(conditions, words, tuple(conditions.maps.shape[-2:]))
        has_text = conditions.has_text if guidance is None else conditions.has_text | guidance.untold_has_text
        remembered = tuple(block.remember(context) for block in self.blocks)
        summary = self.text_summary(words.summary)[:, None] * self.config.text_in_blocks
        return Told(remembered, context.visible, summary, text, untold, guidance, has_text)

    def see(self, x: Tensor, look: Look) -> Seen:
        """The bridge state x [B,3,T,H,W] over the maps, as tokens. Good for both branches of the step."""
        features, tokens = self.stem.from_halves(torch.cat((look.halves, halves(self._padded(x.to(look.mask.dtype)))), dim=1))
        return Seen(features, tokens.unflatten(0, (look.batch, -1)))

    def answer(self, seen: Seen, level: Tensor, look: Look, told: Told, first: int = 0) -> Edits:
        """The edits of the frames from `first` on; those before only inform them."""
        tokens = seen.tokens
        condition = self._level_vector(level, tokens) + told.summary
        for block, context in zip(self.blocks, told.context, strict=True):
            tokens = block(tokens, condition, look.space, look.time, context, told.visible)

        def shown(x: Tensor) -> Tensor:
            return x.unflatten(0, (look.batch, -1))[:, first:].flatten(0, 1)

        raw = self.decoder(tokens[:, first:].flatten(0, 1), PixelFeatures(*map(shown, seen.features)))
        raw = raw._replace(colour=self._colour(raw.colour, told))
        has_text = told.has_text.repeat_interleave(tokens.shape[1] - first)
        flat = read_edits(raw, shown(look.mask), has_text, self.config)
        height, width = look.size
        flow, residual, mask = (part[..., :height, :width] for part in (flat.flow, flat.residual, flat.mask))
        return Edits(*(self._as_clip(part, look.batch) for part in (flow, residual, mask, flat.colour)))

    def _padded(self, x: Tensor) -> Tensor:
        """[B,C,T,H,W] -> [B*T,C,H',W'], the border repeated up to whole patches."""
        border = (0, -x.shape[-1] % self.config.patch, 0, -x.shape[-2] % self.config.patch)
        frames = x.transpose(1, 2).flatten(0, 1)
        return pad(frames, border, mode="replicate") if any(border) else frames

    def _colour(self, own: Tensor, told: Told) -> Tensor:
        """The colour grid [B*T,24,h,w]: the pixels' own and the words', guided if asked for."""
        guidance, frames = told.guidance, len(own) // len(told.text.tokens)

        def said(words: TextTokens) -> Tensor:
            colour = own.new_zeros(len(words.tokens), own.shape[1]) if self.text_colour is None else self.text_colour(words)
            return colour.repeat_interleave(frames, dim=0)

        if guidance is None:
            return own if self.text_colour is None else own + said(told.text)[:, :, None, None]
        weight, untold_has_text = (part.repeat_interleave(frames) for part in (guidance.weight, guidance.untold_has_text))
        return guided_colour(own, said(told.text), said(told.untold), weight, untold_has_text)

    def _context(self, conditions: Conditions, text: TextTokens, size: tuple[int, int]) -> Context:
        """Tokens every frame may look at: nothing, its motion, the references, the text."""
        frames = conditions.joints.shape[1]
        motion, identity = self.motion(conditions), self.identity(conditions.references)
        batch = len(text.tokens)

        def over_frames(x: Tensor) -> Tensor:
            return x[:, None].expand(-1, frames, *(-1 for _ in x.shape[1:]))

        nothing = self.nothing(torch.zeros(batch, 1, dtype=torch.long, device=text.tokens.device))
        tokens = torch.cat([over_frames(nothing), motion.tokens, over_frames(identity.tokens), over_frames(text.tokens)], dim=2)
        in_tokens = torch.tensor(size, device=tokens.device) / self.config.patch
        everywhere = motion.places.new_zeros
        places = torch.cat(
            (
                everywhere(batch, frames, 1, 2),
                motion.places * in_tokens - 0.5,
                identity.places.expand(batch, frames, -1, -1),
                everywhere(batch, frames, text.tokens.shape[1], 2),
            ),
            dim=2,
        )
        always = torch.ones(batch, frames, 1, dtype=torch.bool, device=tokens.device)
        readable = text.visible & self.config.text_in_blocks
        visible = torch.cat((always, motion.visible, over_frames(identity.visible), over_frames(readable)), dim=2)
        table = rotary(places.flatten(0, 1)[:, None], self.config.width // self.config.heads, self.config.rope_theta)
        tokens = normalised(self.context_norm, tokens)
        if text.loudness is not None:  # after the norm: attention normalises keys, so a factor acts on what is read alone
            words = text.loudness.to(tokens.dtype)[:, None, None, None]
            length = text.tokens.shape[1]
            tokens = torch.cat((tokens[:, :, :-length], words * tokens[:, :, -length:]), dim=2)
        return Context(tokens, table, visible)

    def _level_vector(self, level: Tensor, like: Tensor) -> Tensor:
        """level [B] or [B,T] -> condition vectors [B,T,C]."""
        level = (level if level.ndim == 2 else level[:, None].expand(-1, like.shape[1])).float()
        frequencies = torch.exp(torch.arange(LEVEL_FREQUENCIES, device=level.device) * (math.log(100.0) / LEVEL_FREQUENCIES))
        angles = level[..., None] * frequencies
        waves = torch.cat((angles.cos(), angles.sin()), dim=-1).to(like.dtype)
        return self.level_out(silu(self.level_in(waves)))

    @staticmethod
    def _as_clip(part: Tensor, batch: int) -> Tensor:
        """[B*T,C,1,h,w] -> [B,C,T,h,w]."""
        return part.squeeze(2).unflatten(0, (batch, -1)).transpose(1, 2)
