"""What can be added is one value in one file: a registry lists the folder, and nobody keeps a table beside it.

Loading a registry loads every module of its folder, so that those of a folder that a plan reads load nothing heavy.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Protocol, TypeVar

from edgeenc.errors import EdgeencError

T = TypeVar("T")


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_HasName)

_ADDED: dict[str, tuple[object, ...]] = {}


@cache
def modules_of(package: str) -> tuple[str, ...]:
    """Return the names of the modules of `package`, sorted, without those in folders below it; none is loaded."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return tuple(sorted(one.name for one in found if not one.ispkg))


def values_of(package: str, kind: type[T]) -> tuple[T, ...]:
    """Return every value of type `kind` at the top of a module of `package`, by the modules' names, each once.

    Worked example: with `STEP = StepKind(...)` in each of `steps/bench.py` and `steps/corpus.py`,
    `values_of("edgeenc.steps", StepKind)` gives the two in this order.
    """
    return tuple(value for value in _ADDED.get(package, ()) if isinstance(value, kind)) + _listed(package, kind)


@contextmanager
def added(package: str, value: object) -> Iterator[None]:
    """Let `values_of` and, where it is a class, `types_of` give `value` too, first of all, while the context lasts.

    For tests and plugins.
    """
    before = _ADDED.get(package, ())
    _ADDED[package] = (value, *before)
    try:
        yield
    finally:
        _ADDED[package] = before


def named(what: str, name: object, values: Iterable[N], error: type[EdgeencError]) -> N:
    """Return the value of that name.

    Raises:
        EdgeencError: an `error`, where there is none; it says what is known.
    """
    known = {one.name: one for one in values}
    if isinstance(name, str) and name in known:
        return known[name]
    raise error(f"{what} {name!r} is not known; known are: {', '.join(known)}")


@cache
def _listed(package: str, kind: type[T]) -> tuple[T, ...]:
    found: dict[int, T] = {}  # by identity: a value need not be hashable, and another module may import it
    for module in _loaded(package):
        found |= {id(value): value for value in vars(module).values() if isinstance(value, kind)}
    return tuple(found.values())


def types_of(package: str, base: type[T]) -> tuple[type[T], ...]:
    """Return every subclass of `base` that a module of `package` defines, by the modules' names."""
    more = tuple(one for one in _ADDED.get(package, ()) if isinstance(one, type) and issubclass(one, base))
    return more + _defined(package, base)


@cache
def _defined(package: str, base: type[T]) -> tuple[type[T], ...]:
    return tuple(
        value
        for module in _loaded(package)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value is not base
        if value.__module__ == module.__name__
    )


def _loaded(package: str) -> Iterator[ModuleType]:
    return (importlib.import_module(f"{package}.{name}") for name in modules_of(package))
