"""The runtimes that models are timed in, one file each: a file of this folder that has an `ENGINE` is one of them.

To list them loads none of their libraries, so that a process holds the one runtime that it measures.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from edgeenc.bench.engines.engine import Engine


@cache
def engines() -> Mapping[str, Engine]:
    """Return every engine by its name, in the order of the names."""
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    every: list[Engine] = [module.ENGINE for module in modules if hasattr(module, "ENGINE")]
    return {engine.name: engine for engine in sorted(every, key=lambda engine: engine.name)}
