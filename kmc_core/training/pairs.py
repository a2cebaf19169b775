"""A training pair: a rendered clip as truth, and the REAL alignment of a damaged reference of the same character as input.

Because truth and alignment share the motion, what differs is what alignment breaks. Truth is also stored registered onto
the alignment (DIS flow, Kroeger et al. 2016): what cannot be predicted would otherwise be learned as a blur.
Not here: the renderer (synthetic/), augmentation (augment.py). Called by `python -m kmc_core.training pairs`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..alignment.aligner import Aligner
from ..sampling.background import PicturePlate
from ..sampling.conditioning import motion_arrays, reference_tensor
from ..sampling.frames import FrameRenderer
from ..subject.library import build_subject
from ..types import Canvas, HolisticMotion, PictureKeypoints, SubjectLibrary
from .damage import damaged_facing, damaged_keypoints, damaged_lengths, damaged_matte, damaged_motion, damaged_picture
from .moving_camera import camera_since, retarget_seen
from .random_scene import random_clip
from .registration import registered
from .shards import PairClip, save_pair_clip
from .synthetic.renderer import SyntheticClip

LOGGER = logging.getLogger(__name__)
CANVASES = (
    Canvas(320, 208), Canvas(288, 240), Canvas(256, 320), Canvas(352, 208),
    Canvas(512, 288), Canvas(288, 512), Canvas(400, 400),  # as large as the network's base canvas
)  # fmt: skip
FRAMES, FPS = 12, 12.0
WORST_ALIGNMENT_PSNR = 8.0
UNDAMAGED = 0.6  # share of pairs whose reference and motion are exact: where nothing is wrong, nothing is to be mended


def build_pairs(folder: Path, count: int, first_seed: int, should_stop: Callable[[], bool] | None = None) -> int:
    """Write `count` shards clip_<seed>.safetensors; those that exist are left. Returns how many were written.

    A seed whose character cannot be aligned (nobody in the picture, alignment far off) is skipped with a warning.
    """
    written = 0
    for seed in range(first_seed, first_seed + count):
        path = folder / f"clip_{seed:06d}.safetensors"
        if path.exists() or (should_stop is not None and should_stop()):
            continue
        started = time.monotonic()
        try:
            pair = pair_clip(seed)
        except (ValueError, ArithmeticError) as error:  # a random scene may be unusable; the next one is not
            LOGGER.warning("seed %d left out: %s", seed, error)
            continue
        save_pair_clip(path, pair, {"seed": seed, "psnr": _psnr(pair)})
        written += 1
        LOGGER.info("%s in %.1f s, alignment %.1f dB", path.name, time.monotonic() - started, _psnr(pair))
    return written


def pair_clip(seed: int) -> PairClip:
    """The pair of one seed; same seed, same pair. Raises ValueError where the reference cannot be used."""
    generator = np.random.default_rng([seed, 41])
    canvas = CANVASES[generator.integers(len(CANVASES))]
    clip = random_clip(seed, canvas, FRAMES, FPS)
    is_damaged = bool(generator.random() >= UNDAMAGED)
    reference = _reference(clip, 0.35 if is_damaged else 0.25, generator)
    subject = damaged_subject(reference, generator) if is_damaged else exact_subject(reference)
    tracked = damaged_motion(clip.motion, subject.primary_view.torso_px, generator) if is_damaged else clip.motion
    motion = retarget_seen(tracked, subject, camera_since(clip.motion.camera, reference.frame))
    aligner = Aligner(
        subject,
        plate_method="patchmatch" if generator.random() < 0.25 else "pushpull",
        hands="procedural" if generator.random() < 0.7 and clip.has_fingers else "rigid",
        face="mesh" if generator.random() < 0.8 else "rigid",
    )
    maps = aligned_maps(aligner, motion, canvas)
    truth = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    pair = PairClip(
        maps=maps,
        truth=truth,
        registered=registered(truth, maps[:, :3]),
        subject=torch.from_numpy(clip.alpha)[:, None].float() / 255,
        **{name: torch.from_numpy(values) for name, values in motion_arrays(motion, subject)._asdict().items()},
        references=reference_tensor(subject, 7)[0],
        caption=clip.caption,
    )
    if _psnr(pair) < WORST_ALIGNMENT_PSNR:
        raise ValueError(f"alignment is at {_psnr(pair):.1f} dB")
    return pair


class Reference(NamedTuple):
    """A picture of a clip's character: uint8 [H,W,3], alpha [H,W], its exact keypoints, and the frame whose camera saw it."""

    picture: np.ndarray
    alpha: np.ndarray
    keypoints: PictureKeypoints
    frame: int


def damaged_subject(reference: Reference, generator: np.random.Generator) -> SubjectLibrary:
    """A library of one imperfect view."""
    picture, alpha, keypoints, _ = reference
    torso_px = float(np.linalg.norm(keypoints.body[[11, 12]].mean(0) - keypoints.body[[23, 24]].mean(0)))
    matte = damaged_matte(alpha.astype(np.float32) / 255, torso_px, generator)
    subject = build_subject(
        [damaged_picture(picture, generator)],
        None,
        masks=[matte],
        keypoints=[damaged_keypoints(keypoints, torso_px, generator)],
    )
    return damaged_facing(damaged_lengths(subject, generator), generator)


def exact_subject(reference: Reference) -> SubjectLibrary:
    """A library of one view without a fault."""
    alpha = reference.alpha.astype(np.float32) / 255
    return build_subject([reference.picture], None, masks=[alpha], keypoints=[reference.keypoints])


def _reference(clip: SyntheticClip, from_frames: float, generator: np.random.Generator) -> Reference:
    """One of the clip's frames with probability `from_frames`, else its quiet still, as pictures of characters are, far from its poses."""
    if generator.random() >= from_frames:
        return Reference(clip.reference, clip.reference_alpha, clip.reference_keypoints, 0)
    frame = int(generator.integers(len(clip.frames)))
    return Reference(clip.frames[frame], clip.alpha[frame], keypoints_at(clip.motion, frame), frame)


def keypoints_at(motion: HolisticMotion, frame: int) -> PictureKeypoints:
    """One frame of a motion as a picture's keypoints."""
    return PictureKeypoints(
        motion.body[frame], motion.body_confidence[frame], motion.body_world[frame], motion.hands[frame],
        motion.hands_confidence[frame], motion.face[frame], float(motion.face_confidence[frame]), 1.0,
    )  # fmt: skip


def aligned_maps(aligner: Aligner, motion: HolisticMotion, canvas: Canvas) -> Tensor:
    """Network maps [T,C,H,W] of a retargeted motion, exactly as the sampler makes them."""
    renderer = FrameRenderer(aligner, motion.character, PicturePlate(aligner, motion.character))
    return torch.stack([renderer.maps(frame, canvas) for frame in range(motion.frame_count)])


def _psnr(pair: PairClip) -> float:
    return float(10 * torch.log10(4 / (pair.maps[:, :3] - pair.truth).square().mean().clamp(min=1e-6)))
