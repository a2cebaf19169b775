"""What a sampler run notes down about itself: inputs, settings, weights, versions, seeds, findings, rights, and how to run it again.

Not here: hashes and the record's places (kmc_core.media.production_record). Called by reenactment.py.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from comfy_api.v0_0_2 import io

from ..kmc_core.dit.style import BUILT_IN_STYLE
from ..kmc_core.media.production_record import (
    FORMAT,
    TAG,
    VERSION,
    FrameDigest,
    array_sha256,
    complete_record,
    decoded_sha256,
    file_sha256,
    reserved_text,
)
from ..kmc_core.motion.storage import plain
from ..kmc_core.pose.weights import WEIGHTS_FOLDER_NAME
from ..kmc_core.sampling.drawing import drawing_of
from ..kmc_core.sampling.reenact import SamplerSettings
from ..kmc_core.types import Canvas, HolisticMotion, SubjectLibrary
from . import host

if TYPE_CHECKING:
    from .reenactment import Job

logger = logging.getLogger(__name__)

LIBRARIES = ("torch", "numpy", "scipy", "av", "opencv-python-headless", "safetensors", "pillow")
POSE_WEIGHTS_ENDING = ".tflite"


@dataclass(frozen=True)
class Origin:
    """Where a run comes from. prompt: the API prompt it is part of; the sources are the user's own words about rights."""

    prompt: Mapping[str, dict] | None = None
    clip_source: str = ""
    character_source: str = ""


def record_inputs() -> list[io.Input]:
    """The last inputs of both samplers: what the user says about rights. They change no pixel."""
    return [
        io.String.Input(
            "clip_source", default="", optional=True, advanced=True,
            tooltip="For the production record: where the driving clip comes from and who may use it.",
        ),
        io.String.Input(
            "character_source", default="", optional=True, advanced=True,
            tooltip="For the production record: where the character's pictures come from and who may use them.",
        ),
    ]  # fmt: skip


class RunRecord:
    """The record of one run: begun before the first frame, fed every frame, finished with the video.

    `tags` go to the video's writer; `frames` takes every frame; `finish` writes the JSON and returns how the browser finds it.
    """

    def __init__(self, job: Job, canvas: Canvas, weights: Path | None) -> None:
        self.frames = FrameDigest()
        self._canvas, self._fps = canvas, job.motion.fps
        self._record = _known_before(job, weights)
        self._reserved = reserved_text(self._record)
        self.tags = {} if host.hides_metadata() else {TAG: self._reserved}

    def finish(self, video: Path, shown: Mapping[str, str], report: str, seconds: Mapping[str, float]) -> list[dict[str, str]]:
        """Hashes the finished video's frames and writes the record beside and into it; returns how the browser finds the JSON.

        A disk that cannot hold the record does not cost the video: the list is empty then.
        """
        try:
            return [{**shown, "filename": self._completed(video, report, seconds).name}]
        except OSError as error:
            logger.warning("The production record of %s could not be written: %s", video.name, error)
            return []

    def _completed(self, video: Path, report: str, seconds: Mapping[str, float]) -> Path:
        self._record["frames"] = {
            "count": self.frames.count, "width": self._canvas.width, "height": self._canvas.height, "fps": self._fps,
            "rendered_sha256": self.frames.hexdigest(), "decoded_sha256": decoded_sha256(video),
        }  # fmt: skip
        self._record["seconds"] = {name: round(value, 3) for name, value in seconds.items()}
        self._record["report"] = report.splitlines()
        return complete_record(video, self._reserved, self._record)


def _known_before(job: Job, weights: Path | None) -> dict[str, object]:
    origin = job.origin or Origin()
    nodes = dict(_ancestors(origin.prompt or {}, job.node_id))
    return {
        "format": FORMAT, "version": VERSION, "run": uuid.uuid4().hex,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "video": {"fps": job.motion.fps},
        "rights": {"clip_source": origin.clip_source, "character_source": origin.character_source},
        "settings": _settings(job.settings),
        "seeds": list(_seeds(nodes)),
        "files": _named_files(nodes),
        "content": _content(job),
        "models": _models(nodes, [] if weights is None else [weights, *_style_weights(job.settings)]),
        "versions": _versions(),
        "findings": plain(job.motion.provenance.get("findings", [])),
        "tracking": plain({name: value for name, value in job.motion.provenance.items() if name != "findings"}),
        "node": job.node_id,
        "prompt": _as_sent(origin.prompt),
    }  # fmt: skip


def _as_sent(prompt: Mapping[str, dict] | None) -> dict[str, dict] | None:
    """The prompt without what the server notes on its nodes while it runs."""
    return prompt and {
        name: {key: value for key, value in node.items() if key in ("class_type", "inputs", "_meta")} for name, node in prompt.items()
    }


def _settings(settings: object) -> dict[str, object]:
    """A settings record as plain values; arrays are left to the content hashes."""
    values = {entry.name: getattr(settings, entry.name) for entry in fields(settings)}
    return {name: plain(value) for name, value in values.items() if not isinstance(value, (np.ndarray, torch.Tensor))}


def _ancestors(prompt: Mapping[str, dict], node_id: str | None) -> Iterator[tuple[str, dict]]:
    """The nodes that lead to `node_id`, itself last; all nodes when it is not in the prompt (made by another node)."""
    if node_id not in prompt:
        yield from prompt.items()
        return
    seen: set[str] = set()
    waiting = [node_id]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in prompt:
            continue
        seen.add(name)
        waiting += [str(value[0]) for value in prompt[name]["inputs"].values() if isinstance(value, list) and len(value) == 2]
    yield from ((name, node) for name, node in prompt.items() if name in seen)


def _inputs(nodes: Mapping[str, dict]) -> Iterator[tuple[str, object]]:
    """("class.input", value) of all widgets; names of nodes stay out, so that records of equal graphs are equal."""
    for node in nodes.values():
        yield from ((f"{node['class_type']}.{name}", value) for name, value in node["inputs"].items())


def _seeds(nodes: Mapping[str, dict]) -> Iterator[dict[str, object]]:
    for name, value in _inputs(nodes):
        if name.endswith("seed") and isinstance(value, int):
            yield {"name": name, "value": value}


def _named_files(nodes: Mapping[str, dict]) -> list[dict[str, object]]:
    """Every file of ComfyUI's input, output and temp folders that the graph names, with its hash."""
    entries = []
    for name, value in _inputs(nodes):
        path = host.own_file(value) if isinstance(value, str) else None
        if path is not None:
            entries.append({"name": value, "input": name, "bytes": path.stat().st_size, "sha256": file_sha256(path)})
    return entries


def _style_weights(settings: SamplerSettings) -> list[Path]:
    """The network that draws the style the words name, if they name one."""
    words = settings.prompt, settings.negative_prompt, settings.cfg_scale, settings.network_strength
    return [BUILT_IN_STYLE] if drawing_of(*words) is not None else []


def _models(nodes: Mapping[str, dict], built_in: Sequence[Path]) -> list[dict[str, object]]:
    """The built-in weights, the pose networks', and every model file the graph names."""
    paths = [*built_in]
    paths += sorted((host.models_folder() / WEIGHTS_FOLDER_NAME).glob("*" + POSE_WEIGHTS_ENDING))
    paths += [path for _, value in _inputs(nodes) if isinstance(value, str) and (path := host.model_file(value)) is not None]
    return [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": host.model_sha256(path)} for path in dict.fromkeys(paths)
    ]


def _content(job: Job) -> dict[str, object]:
    """Hashes of what actually reached the sampler, whatever nodes made it."""
    source, background = job.motion.source, job.settings.background_image
    return {
        "motion": _motion_sha256(job.motion),
        "subject": _subject_sha256(job.subject),
        "clip": source.fingerprint() if source is not None else None,
        "background": array_sha256(background) if background is not None else None,
        "audio": array_sha256(job.audio["waveform"].cpu().numpy()) if job.audio is not None else None,
    }


def _motion_sha256(motion: HolisticMotion) -> str:
    names = ("body", "body_confidence", "hands", "hands_confidence", "face", "face_confidence", "camera")
    arrays = [getattr(motion, name) for name in names]
    if motion.character is not None:
        arrays += [value for value in vars(motion.character).values() if isinstance(value, np.ndarray)]
    return array_sha256(*arrays)


def _subject_sha256(subject: SubjectLibrary) -> str:
    parts = [(view.picture, view.alpha, view.foreground, view.joints) for view in subject.views]
    return array_sha256(*(array for view in parts for array in view), subject.bone_lengths)


def _versions() -> dict[str, str]:
    return {
        "pack": _pack_version(), "pack_code": _code_sha256(), "comfyui": host.comfyui_version(), "python": platform.python_version(),
        "platform": platform.platform(), "device": host.device_name(), "cpu_threads": str(torch.get_num_threads()),
        **{name: _installed_version(name) for name in LIBRARIES},
    }  # fmt: skip


def _pack_version() -> str:
    for line in (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version"):
            return line.split('"')[1]
    return "unknown"


@lru_cache(maxsize=1)
def _code_sha256() -> str:
    """Of the pack's own Python files, since frames depend on them between two versions, too."""
    digest, root = hashlib.sha256(), Path(__file__).resolve().parents[1]
    for path in sorted(path for folder in ("kmc_core", "nodes") for path in (root / folder).rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _installed_version(name: str) -> str:
    try:
        return torch.__version__ if name == "torch" else version(name)
    except PackageNotFoundError:
        return "absent"
