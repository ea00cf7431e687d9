"""PyTorch that compiles the model before its first run; later processes find the compiled code on disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeenc.bench.engines import torch_eager
from edgeenc.bench.engines.engine import LoadedModel
from edgeenc.bench.settings import Device

if TYPE_CHECKING:
    from pathlib import Path


def hindrance(device: Device, precision: str) -> str:
    """Return why nothing can be compiled, or run on this device here, or ""."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "c++") if name):
        return "PyTorch compiles with a C++ compiler, and none is installed"
    return torch_eager.hindrance(device, precision)


def load(path: Path, device: Device, precision: str, threads: int, opener: str = "") -> LoadedModel:
    """Load the checkpoint whose weights are at `path`, to be compiled at its first run.

    Raises:
        InputError: the checkpoint is damaged.
        HostError: PyTorch does not run on this device here.
    """
    import torch

    return torch_eager.ready(torch.compile(torch_eager.body(path, device, precision, threads)), device)


ENGINE = replace(
    torch_eager.ENGINE,
    name="torch-compiled",
    words="PyTorch, compiled",
    hindrance=hindrance,
    open=load,
    start_that_counts="first",
)
