"""An export target: in which files a model is shipped, as one value in one file of this folder.

A target has precisions, each a file that is made from the checkpoint or from the file of another precision. The planner
adds a step for each, gates compare them, scores and times are taken of them, the bundle carries them: all from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.kinds import values_of
from edgeenc.model.purpose import Purpose
from edgeenc.model.shape import Shape

if TYPE_CHECKING:
    from edgeenc.targets.sessions.session import Session

FOLDER = "edgeenc.targets"


@dataclass(frozen=True)
class Precision:
    """One file of a target.

    Attributes:
        name: as on the command line and in reports.
        path: where a bundle has it; its last part is the name of the file in the folder of a step.
        step: kind of the step that makes it.
        version: of that step.
        make: write it, from the checkpoint folder or from the file of `source`, and return it.
        predicted_bytes: of the file, from shape, purpose and number of labels.
        open: run it with so many threads; without a purpose, what the file itself tells of it.
        source: name of the precision whose file it is made from; "" for the checkpoint.
        require_fits: refuse a file of so many bytes, naming the step; raises BudgetError.
    """

    name: str
    path: str
    step: str
    version: int
    make: Callable[[Path, Path, Purpose], Path]
    predicted_bytes: Callable[[Shape, Purpose, int], int]
    open: Callable[[Path, int, Purpose | None], Session]
    source: str = ""
    require_fits: Callable[[str, int], None] = lambda step, size: None

    @property
    def file(self) -> str:
        """Name of the file in the folder of a step."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Target:
    """A form in which models are shipped.

    Attributes:
        name: as on the command line.
        description: what runs it, in a few words.
        precisions: each after the one that it is made from, the largest first.
    """

    name: str
    description: str
    precisions: tuple[Precision, ...]

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

    def smallest_in(self, folder: Path) -> tuple[Precision, Path]:
        """Return the last precision that a bundle has, which is the one to ship, and its file.

        Raises:
            InputError: it has none.
        """
        for name, path in reversed(list(self.files_in(folder).items())):
            return self.precision(name), path
        known = " nor ".join(one.path for one in reversed(self.precisions))
        raise InputError(f"bundle {folder}: has neither {known}; build it again")


def targets() -> tuple[Target, ...]:
    """Return every target."""
    return values_of(FOLDER, Target)


def target_named(name: str) -> Target:
    """Return the target of that name.

    Raises:
        InputError: there is none.
    """
    for one in targets():
        if one.name == name:
            return one
    raise InputError(f"target {name!r} is not known; known are: {', '.join(one.name for one in targets())}")


def default_target() -> Target:
    """Return the target of a build that names none: the first that the package has."""
    return targets()[0]


def target_of(folder: Path) -> Target:
    """Return the target whose files a bundle has.

    Raises:
        InputError: it has files of none.
    """
    for one in targets():
        if one.files_in(folder):
            return one
    default_target().smallest_in(folder)
    raise AssertionError("a folder without files was not refused")
