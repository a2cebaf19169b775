"""Which backbone a MODEL is, read from the model itself, so that there is no menu to get wrong.

Not here: what the backbones do. A new backbone adds one line to BACKBONES.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import NamedTuple

from ...kmc_core.errors import KMCError
from .protocol import Backbone, BackboneFacts, BackboneJob


class KnownBackbone(NamedTuple):
    """classes: names of the diffusion model's class or its bases; module: the file of this folder that holds
    `FACTS: BackboneFacts` and `build(job: BackboneJob, facts: BackboneFacts) -> Backbone`."""

    name: str
    classes: tuple[str, ...]
    module: str

    @property
    def facts(self) -> BackboneFacts:
        return importlib.import_module(f".{self.module}", __package__).FACTS

    @property
    def build(self) -> Callable[[BackboneJob, BackboneFacts], Backbone]:
        return importlib.import_module(f".{self.module}", __package__).build


BACKBONES = (
    KnownBackbone("Wan2.2-Animate", ("AnimateWanModel",), "wan_animate"),
    KnownBackbone("SCAIL-2", ("SCAIL2WanModel",), "scail2"),
)


def recognise(model: object) -> KnownBackbone:
    """The backbone behind a MODEL, whatever LoRA, quantisation or patches it carries. Raises KMCError for any other model."""
    network = getattr(getattr(model, "model", None), "diffusion_model", None)
    lineage = [entry.__name__ for entry in type(network).__mro__]
    for known in BACKBONES:
        if any(name in lineage for name in known.classes):
            return known
    got = lineage[0] if network is not None else type(model).__name__
    raise KMCError("This model cannot be driven", got=got, expected=" or ".join(known.name for known in BACKBONES),
                   remedy="Link one of the supported models, or disconnect `model` to use the built-in KMC Nano")  # fmt: skip
