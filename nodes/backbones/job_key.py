"""One key for everything that goes into a job's frames: same key, same frames.

Models of many gigabytes are not read whole: a sample of their weights, their LoRAs and patches, and the noise schedule
tell them apart. Not here: what the key is for (store.py).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import torch

from ...kmc_core.media.clip import Clip
from .protocol import Backbone, BackboneFacts

FORMAT = "kmc windows 1"
NOT_IN_FRAMES = ("provenance",)
"""Fields of records that change no frame and may differ from run to run, as timings do."""
SAMPLED_WEIGHTS = 48
SAMPLED_VALUES = 64


def job_key(backbone: Backbone) -> str:
    """Hex key of a prepared backbone's job."""
    job, digest = backbone.job, hashlib.sha256(FORMAT.encode())
    without_models = {entry.name: getattr(job, entry.name) for entry in dataclasses.fields(job) if entry.name != "models"}
    _add(digest, [type(backbone).__name__, _facts(backbone.facts), without_models, backbone.fingerprint()])
    _add(digest, model_identity(job.models.model))
    _add(digest, _sampled(job.models.vae.first_stage_model))
    return digest.hexdigest()[:40]


def model_identity(model: object) -> list[object]:
    """What tells one MODEL from another: weights, LoRAs with their strengths, schedule, names of patches."""
    patches = getattr(model, "patches", {})
    loras = [[name, [_plain_patch(patch) for patch in patches[name]]] for name in sorted(patches, key=str)]
    options = getattr(model, "model_options", {}).get("transformer_options", {})
    schedule = model.get_model_object("model_sampling")
    return [
        type(model.model).__name__, _sampled(model.model.diffusion_model), loras, getattr(schedule, "sigmas", None),
        sorted(str(name) for name in options), sorted(str(name) for name in getattr(model, "object_patches", {})),
    ]  # fmt: skip


def _facts(facts: BackboneFacts) -> dict[str, object]:
    return dataclasses.asdict(facts)


def _plain_patch(patch: object) -> list[object]:
    """(strength, weights, ...) of one LoRA on one weight, its tensors sampled."""
    found: list[object] = []
    for part in patch if isinstance(patch, (tuple, list)) else (patch,):
        weights = getattr(part, "weights", part)
        items = weights if isinstance(weights, (tuple, list)) else (weights,)
        found += [_values(item) if isinstance(item, torch.Tensor) else item for item in items]
    return [item for item in found if isinstance(item, (int, float, str, list))]


def _sampled(network: torch.nn.Module) -> list[object]:
    named = list(network.named_parameters())
    step = max(1, len(named) // SAMPLED_WEIGHTS)
    return [len(named), *([name, list(weight.shape), str(weight.dtype), _values(weight)] for name, weight in named[::step])]


def _values(tensor: torch.Tensor) -> list[float]:
    """Some values spread over a tensor; a weight that cannot be read without being loaded counts by its name and shape."""
    try:
        flat = tensor.detach().reshape(-1)
        places = torch.linspace(0, flat.numel() - 1, min(SAMPLED_VALUES, flat.numel())).long().to(flat.device)
        return flat[places].float().cpu().tolist()
    except (RuntimeError, TypeError, ValueError):
        return []


def _add(digest: hashlib._Hash, value: object) -> None:
    """Feed any mixture of records, containers, arrays and plain values into the digest, each with its kind."""
    digest.update(type(value).__name__.encode() + b"\x00")
    if isinstance(value, torch.Tensor):
        _add(digest, value.detach().float().cpu().numpy())
    elif isinstance(value, np.ndarray):
        digest.update(repr((value.shape, value.dtype)).encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Clip):
        digest.update(value.fingerprint().encode())
    elif dataclasses.is_dataclass(value):
        _add(digest, [getattr(value, entry.name) for entry in dataclasses.fields(value) if entry.name not in NOT_IN_FRAMES])
    elif isinstance(value, Mapping):
        _add(digest, [item for pair in sorted(value.items(), key=lambda pair: str(pair[0])) for item in pair])
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for item in value:
            _add(digest, item)
        digest.update(b"\x01")
    elif value is None or isinstance(value, (str, bytes, int, float, bool)):
        digest.update(repr(value).encode())
