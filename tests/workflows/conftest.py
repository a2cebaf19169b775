"""A server for the example workflows, with tiny random models under the names of those that are not shipped, and a browser."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "scripts", ROOT / "tests" / "web"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

_spec = importlib.util.spec_from_file_location("web_fixtures", ROOT / "tests" / "web" / "conftest.py")
_web = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_web)
visit = _web.visit

MODELS = ROOT / ".cache" / "models"
TINY_CHANNELS = 16


def write_tiny_models(folder: Path) -> Path:
    """An upscaler (x2) and a frame interpolation network with random weights, where ComfyUI looks for such models."""
    import torch
    from example_graphs import INTERPOLATOR, UPSCALER
    from safetensors.torch import save_file
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    torch.manual_seed(0)
    networks = {
        folder / "upscale_models" / UPSCALER: SRVGGNetCompact(num_feat=8, num_conv=2, upscale=2),
        folder / "frame_interpolation" / INTERPOLATOR: _interpolation_network(),
    }
    for path, network in networks.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}, str(path))
    return folder


def _interpolation_network() -> object:
    from environment import find_comfyui

    sys.path.insert(0, str(find_comfyui()))
    try:
        from comfy.cli_args import args

        args.cpu = True
        import comfy.ops
        from comfy_extras.frame_interpolation_models.ifnet import IFNet

        network = IFNet(channels=(TINY_CHANNELS,) * 5, operations=comfy.ops.disable_weight_init)
    finally:
        sys.path.remove(str(find_comfyui()))
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.02)
    return network


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A ComfyUIServer that finds the tiny models beside the shared pose weights."""
    from environment import find_comfyui

    comfyui = find_comfyui()
    if comfyui is None:
        pytest.skip("no ComfyUI: run the tests with scripts/test.py, or set COMFYUI_DIR")
    from comfyui_server import ComfyUIServer
    from demo_inputs import fetch_pose_weights

    fetch_pose_weights(MODELS)
    from linked_models import write_linked_models, write_tiny_text_pack

    tiny = write_tiny_models(tmp_path_factory.mktemp("tiny_models"))
    write_linked_models(tiny, comfyui)
    base = tmp_path_factory.mktemp("comfyui")
    write_tiny_text_pack(base / "custom_nodes")
    paths = tmp_path_factory.mktemp("settings") / "paths.yaml"
    folders = "".join(f"  {kind.name}: {kind.name}\n" for kind in sorted(tiny.iterdir()))
    paths.write_text(f"tiny:\n  base_path: {tiny}\n{folders}")
    arguments = ("--extra-model-paths-config", str(paths))
    with ComfyUIServer(comfyui, base, models=MODELS, arguments=arguments) as running:
        yield running
