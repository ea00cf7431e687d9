"""Everything that can go wrong, and the exit code each mistake ends with.

EdgeencError            1   something unexpected
├── UsageError          2   a flag, language tag, target or recipe that cannot be read
│   ├── RecipeError     2   a recipe or language file; all its problems at once
│   └── ShapeError      2   a stage that cannot work on the shape it is given
├── GateError           3   an exported file that does not do what the model does
├── BudgetError         4   a bound that no plan can meet
├── InputError          5   a corpus, teacher or bundle that is missing, empty or damaged
├── HostError           6   this machine: disk full, folder not writable, package missing
└── Interrupted       130   stopped from outside; the next run goes on from here
"""

from __future__ import annotations

from collections.abc import Iterable


def first_three(found: Iterable[object]) -> str:
    """Return the first three of what a message names, and how many more there are."""
    words = [str(one) for one in found]
    return ", ".join(words[:3]) + (f" and {len(words) - 3:,} more" if len(words) > 3 else "")


class EdgeencError(Exception):
    """A failure with a message made for its reader, and an exit code."""

    exit_code = 1


class UsageError(EdgeencError):
    """The request cannot be understood."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe or language file has problems; the message lists every one with its place."""


class ShapeError(UsageError):
    """A stage cannot work on the shape of the model before it."""


class GateError(EdgeencError):
    """A check on an exported file failed, so nothing was published."""

    exit_code = 3


class BudgetError(EdgeencError):
    """A bound on size, time or loss of quality cannot be met."""

    exit_code = 4


class InputError(EdgeencError):
    """Text, a model or a bundle given by the user is missing, empty or damaged."""

    exit_code = 5


class HostError(EdgeencError):
    """This machine cannot do it: no space, no permission, no package."""

    exit_code = 6


class Interrupted(EdgeencError):
    """The run was stopped from outside; finished and half-trained work is kept."""

    exit_code = 130
