"""Lets CUDA-linked torchvision and torchaudio wheels import beside a CPU-only torch.

PyPI's Linux wheels of both packages are linked to libcudart. Beside a CPU torch their native library cannot be loaded:
torchvision then fails while it registers shape rules for operators that are not there, and torchaudio lets the OSError out.
ComfyUI needs only their Python side. environment.py copies this file into the virtual environment, where a `.pth` line
imports it at interpreter start; it imports nothing heavy, and where the native libraries load it changes nothing.
"""

import importlib.abc
import importlib.util
import sys


def _declare_missing_operators(torchvision_extension):
    if torchvision_extension._has_ops():
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torchvision_extension.declared_operators = library  # the declaration lives as long as this object


def _treat_load_failure_as_absent(torchaudio_extension):
    load_native = torchaudio_extension._load_lib

    def load_or_absent(name):
        try:
            return load_native(name)
        except OSError:
            return False

    torchaudio_extension._load_lib = load_or_absent


AFTER_IMPORT = {
    "torchvision.extension": _declare_missing_operators,
    "torchaudio._extension.utils": _treat_load_failure_as_absent,
}


class _LoaderWithSequel(importlib.abc.Loader):
    """Runs the module's own loader, then the step registered for it."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        AFTER_IMPORT[module.__name__](module)

    def __getattr__(self, name):
        return getattr(self.loader, name)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self):
        self.pending = set(AFTER_IMPORT)

    def find_spec(self, name, path=None, target=None):
        if name not in self.pending:
            return None
        self.pending.discard(name)  # first, or the search below would end here again
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _LoaderWithSequel(spec.loader)
        return spec


sys.meta_path.insert(0, _Finder())
