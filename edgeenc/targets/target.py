"""An export target: in which files a model is shipped, as one value in one file of this folder.

A target has precisions, each a file that is made from the checkpoint or from the file of another precision. The planner
adds a step for each, gates compare them, scores and times are taken of them, the bundle carries them: all from here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.errors import InputError, UsageError
from edgeenc.kinds import named, values_of
from edgeenc.model.dense_shape import DenseShape, Maps
from edgeenc.model.purpose import Purpose
from edgeenc.model.shape import Shape

if TYPE_CHECKING:
    from edgeenc.targets.sessions.session import Ids, Session

FOLDER = "edgeenc.targets"


@dataclass(frozen=True)
class Precision:
    """One file of a target.

    Attributes:
        name: as on the command line and in reports.
        path: where a bundle has it; its last part is the name of the file in the folder of a step.
        step: kind of the step that makes it.
        version: of that step.
        make: write it, from the checkpoint folder or from the file of `source`, and return it; the last argument are
            texts of the language, as token ids (B, T) without padding, () where `reads_texts` is not said.
        predicted_bytes: of the file, from shape, purpose and number of labels.
        dense_bytes: of a Dense module of sentence vectors in it; four a parameter where nothing is said.
        open: run it with so many threads, whatever the purpose, or where there is None, what the file tells of it; a
            function of a module, since a measuring process finds it by its name.
        hub_name: what transformers.js calls the precision, where it reads the file.
        source: name of the precision whose file it is made from; "" for the checkpoint.
        numbers: the format of `bench.settings` that it is computed in.
        rounded: whether its numbers are coarser than those that it is made from, so that it is held against these by
            what they mean; any other file must give the same.
        reads_texts: whether the sizes of activations are measured on text to make it.
        require_fits: refuse a file of so many bytes, naming the step; raises BudgetError.
    """

    name: str
    path: str
    step: str
    version: int
    make: Callable[[Path, Path, Purpose, Sequence[Ids]], Path]
    predicted_bytes: Callable[[Shape, Purpose, int], int]
    open: Callable[[Path, int, Purpose | None], Session]
    source: str = ""
    rounded: bool = False
    numbers: str = "fp32"
    hub_name: str = ""
    reads_texts: bool = False
    require_fits: Callable[[str, int], None] = lambda step, size: None
    dense_bytes: Callable[[DenseShape], int] = lambda dense: 4 * dense.parameters

    def bytes_of(self, shape: Shape, maps: Maps, purpose: Purpose, labels: int) -> int:
        """Return the predicted bytes of the file of an encoder with these Dense modules behind it."""
        return self.predicted_bytes(shape, purpose, labels) + sum(map(self.dense_bytes, maps))

    @property
    def file(self) -> str:
        """Name of the file in the folder of a step."""
        return self.path.rpartition("/")[2]

    @property
    def opener(self) -> str:
        """Where `open` lies, `module:name`, for another process."""
        return f"{self.open.__module__}:{self.open.__qualname__}"


@dataclass(frozen=True)
class Usage:
    """What a model card shows: the file with its runtime alone, and in libraries; both as Markdown."""

    alone: str
    libraries: str


def no_usage(precision: Precision, purpose: Purpose, positions: int, output: str) -> Usage:
    """Return nothing but where the file lies."""
    return Usage(f"The model is `{precision.path}`: {output}.", "")


@dataclass(frozen=True)
class Target:
    """A form in which models are shipped.

    Attributes:
        name: as on the command line.
        runtime: what runs it in measurements, in words.
        tags: of the model card, for whoever searches.
        usage: what a model card shows of a precision: for a purpose, a maximal length, an output in words.
        precisions: each after the one that it is made from, the largest first.
        engine: the one of `bench.engines` that its files are timed in.
        others: paths of files that others make in this form and that can be timed too, by precision.
        pattern: of the names of all files of this form, also those that others made; "" for its own alone.
        default: whether it is meant where none is named; one target is.
    """

    name: str
    runtime: str
    precisions: tuple[Precision, ...]
    tags: tuple[str, ...] = ()
    usage: Callable[[Precision, Purpose, int, str], Usage] = no_usage
    pattern: str = ""
    engine: str = "session"
    others: Mapping[str, str] = field(default_factory=dict)
    default: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its precisions."""
        return tuple(one.name for one in self.precisions)

    @property
    def first(self) -> Precision:
        """The precision that is made from the checkpoint, which the others are held against."""
        return self.precisions[0]

    def precision(self, name: str) -> Precision:
        """Return the precision of that name.

        Raises:
            InputError: there is none.
        """
        for one in self.precisions:
            if one.name == name:
                return one
        raise InputError(f"{self.name}: no precision {name!r}; there are {', '.join(self.names)}")

    def made_for(self, asked: Iterable[str]) -> tuple[Precision, ...]:
        """Return the precisions that must be made so that those `asked` for can be, in their order.

        Worked example: where int8 is made from fp32, `["int8"]` gives both.
        """
        needed = set(asked)
        for one in reversed(self.precisions):
            if one.name in needed and one.source:
                needed.add(one.source)
        return tuple(one for one in self.precisions if one.name in needed)

    def files_in(self, folder: Path) -> Mapping[str, Path]:
        """Return the files that a bundle has, by precision."""
        found = {one.name: folder / one.path for one in self.precisions}
        return {name: path for name, path in found.items() if path.is_file()}

    @property
    def paths(self) -> Mapping[str, str]:
        """Where files of this form lie in a bundle, by precision; those that others make come last."""
        return {one.name: one.path for one in self.precisions} | dict(self.others)

    def to_time_in(self, folder: Path) -> Mapping[str, Path]:
        """Return the files of this form that a folder has, by precision, also where they lie in the folder itself."""
        places = {name: (folder / path, folder / path.rpartition("/")[2]) for name, path in self.paths.items()}
        found = {name: next((path for path in pair if path.is_file()), None) for name, pair in places.items()}
        return {name: path.resolve() for name, path in found.items() if path is not None}

    def all_in(self, folder: Path) -> tuple[Path, ...]:
        """Return every file of this form in a folder and those below it, sorted."""
        return tuple(sorted(folder.rglob(self.pattern) if self.pattern else self.files_in(folder).values()))

    def smallest_in(self, folder: Path) -> tuple[Precision, Path]:
        """Return the last precision that a bundle has, which is the one to ship, and its file.

        Raises:
            InputError: it has none.
        """
        found = [one for one in self.precisions if (folder / one.path).is_file()]
        if not found:
            known = " nor ".join(one.path for one in reversed(self.precisions))
            raise InputError(f"bundle {folder}: has neither {known}; build it again")
        return found[-1], folder / found[-1].path


def targets() -> tuple[Target, ...]:
    """Return every target, the default first."""
    return tuple(sorted(values_of(FOLDER, Target), key=lambda one: not one.default))


def target_named(name: str) -> Target:
    """Return the target of that name.

    Raises:
        UsageError: there is none.
    """
    return named("target", name, targets(), UsageError)


def default_target() -> Target:
    """Return the target of a build that names none."""
    return targets()[0]


def target_of(folder: Path) -> Target:
    """Return the target whose files a bundle has.

    Raises:
        InputError: it has files of none.
    """
    for one in targets():
        if one.files_in(folder):
            return one
    known = " nor ".join(one.path for one in reversed(default_target().precisions))
    raise InputError(f"bundle {folder}: has neither {known}; build it again")


def maker_of(file: Path) -> tuple[Target, Precision]:
    """Return the target and the precision that a file is called after; one of another name is taken for the default."""
    made = [(target, precision) for target in targets() for precision in target.precisions]
    first = default_target(), default_target().first
    return next(((target, one) for target, one in made if one.file == file.name), first)


def open_by_name(opener: str, file: Path, threads: int) -> Session:
    """Run a file by what `Precision.opener` names, in a process that knows no registry."""
    module, _, name = opener.partition(":")
    return getattr(importlib.import_module(module), name)(file, threads, None)
