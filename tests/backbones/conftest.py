"""Real ComfyUI in process, tiny random-weight models in files, and one small performer on one small character."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "core"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """As ComfyUI runs every prompt."""
    with torch.inference_mode():
        yield


@pytest.fixture(scope="session")
def backbones(pack: ModuleType) -> Callable[[str], ModuleType]:
    """A module of nodes/backbones by its name, as the pack loads it."""
    import importlib

    return lambda name: importlib.import_module(f"{pack.__name__}.nodes.backbones.{name}")


@pytest.fixture(scope="session")
def core(pack: ModuleType) -> Callable[[str], ModuleType]:
    """A module of kmc_core by its name, under the name it has in ComfyUI."""
    import importlib

    return lambda name: importlib.import_module(f"{pack.__name__}.kmc_core.{name}")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny_models")


@pytest.fixture(scope="session")
def tiny_animate_file(pack: ModuleType, tiny_folder: Path) -> Path:
    from tiny_models import write_animate

    return write_animate(tiny_folder / "tiny_animate.safetensors")


@pytest.fixture(scope="session")
def tiny_scail2_file(pack: ModuleType, tiny_folder: Path) -> Path:
    from tiny_models import write_scail2

    return write_scail2(tiny_folder / "tiny_scail2.safetensors")


@pytest.fixture(scope="session")
def tiny_vae_file(pack: ModuleType, tiny_folder: Path) -> Path:
    from tiny_models import write_wan_vae

    return write_wan_vae(tiny_folder / "tiny_wan_vae.safetensors")


def load_model(path: Path, **options: object) -> object:
    import comfy.sd

    return comfy.sd.load_diffusion_model(str(path), model_options=options)


@pytest.fixture(scope="session")
def tiny_animate(tiny_animate_file: Path) -> object:
    return load_model(tiny_animate_file)


@pytest.fixture(scope="session")
def tiny_scail2(tiny_scail2_file: Path) -> object:
    return load_model(tiny_scail2_file)


@pytest.fixture(scope="session")
def tiny_vae(tiny_vae_file: Path) -> object:
    import comfy.sd
    import comfy.utils

    return comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(tiny_vae_file)))


@pytest.fixture(scope="session")
def prompt_features() -> list:
    """CONDITIONING of a prompt for the tiny models."""
    from tiny_models import TEXT_FEATURES

    return [[torch.randn(1, 12, TEXT_FEATURES, generator=torch.Generator().manual_seed(3)), {}]]


@pytest.fixture(scope="session")
def performance(core: Callable[[str], ModuleType]) -> Callable[..., tuple[object, object]]:
    """performance(frames, canvas) -> (motion retargeted onto a character, its library), with a driving clip of noise and a matte."""
    import procedural_body

    def make(frames: int, height: int = 64, width: int = 96) -> tuple[object, object]:
        canvas = procedural_body.Canvas(height, width)
        size = {"canvas": canvas, "px_per_metre": height / 2.4, "centre": (width / 2, height * 0.45)}
        subject = procedural_body.subject_of(procedural_body.picture_keypoints(**size), canvas)
        generator = np.random.default_rng(1)
        picture = generator.integers(0, 255, (height, width, 3), np.uint8)
        view = replace(subject.views[0], picture=picture, foreground=picture)
        motion = procedural_body.walking_motion(frames=frames, **size)
        clip = core("media.clip").clip_from_images(generator.integers(0, 255, (frames, height, width, 3), np.uint8), 24.0)
        matte = np.zeros((frames, height, width), np.uint8)
        matte[:, height // 6 : -4, width // 3 : -width // 3] = 255
        return as_pack(core, replace(motion, source=clip, matte=matte)), as_pack(core, replace(subject, views=(view,)))

    def retargeted(frames: int, **size: int) -> tuple[object, object]:
        motion, subject = make(frames, **size)
        return core("motion.retarget").retarget(motion, subject), subject

    return retargeted


def as_pack(core: Callable[[str], ModuleType], record: object) -> object:
    """A record of `kmc_core` as the record of the same name under the pack's own name, nested ones too."""
    from dataclasses import fields, is_dataclass

    if isinstance(record, tuple) and not hasattr(record, "_fields"):
        return tuple(as_pack(core, entry) for entry in record)
    twin = getattr(core("types"), type(record).__name__, None)
    if twin is None:
        return record
    if hasattr(record, "_fields"):
        return twin(*record)
    if is_dataclass(record):
        return twin(**{entry.name: as_pack(core, getattr(record, entry.name)) for entry in fields(record)})
    return record
