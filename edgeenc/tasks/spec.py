"""What a task is asked to be: where its data lies, what is predicted, which figure counts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.types import PydanticCustomError  # pyright: ignore[reportPrivateImportUsage]

from edgeenc.errors import UsageError
from edgeenc.record.former import Former
from edgeenc.tasks.task_kind import metrics, task_kinds

NAME = r"^[a-z0-9-]+$"
"""A name of a task: it is part of the names of folders."""
LONGEST_NAME = 60
"""Letters of a name that is typed."""
_OPTIONS = {"name": "--task", "data": "--data", "text_column": "--text-column", "label_column": "--label-column"}


class TaskSpec(BaseModel):
    """One task of a language; what is empty is guessed from the data, and the guess is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    FORMER: ClassVar[Former] = Former({"text_column": "text", "label_column": "label"})

    name: str = Field(pattern=NAME)
    """What the task is called on the command line and in reports: topic, sentiment, ner, pos, ..."""
    data: str
    """`starter:NAME` for a set of the kit, a file, a folder with a file a part, or `org/name@commit` of the hub."""
    kind: str = ""
    """One label a text, `classify`, or one a word, `tag`."""
    metric: str = ""
    """The figure that counts: macro F1 for texts, span F1 for tags in IOB2, token accuracy for other tags."""
    text_column: str = ""
    """Column of the text, or of the words."""
    label_column: str = ""
    """Column of the label, or of the tags."""

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        return _one_of(kind, (one.name for one in task_kinds()))

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, metric: str) -> str:
        return _one_of(metric, (one.name for one in metrics()))


def require_task_name(typed: str) -> None:
    """Do nothing if a task can be called so.

    Worked example: of `My mood` the message says that `my-mood` would do.

    Raises:
        UsageError: it cannot; the message has a name that can.
    """
    if re.fullmatch(NAME, typed) and len(typed) <= LONGEST_NAME:
        return
    plain = unicodedata.normalize("NFKD", typed).encode("ascii", "ignore").decode().lower()
    safe = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "mood"
    raise UsageError(
        f"--task {typed[:40]!r}: a task is named in at most {LONGEST_NAME} small letters a to z, digits and hyphens,"
        f" since folders are called after it; write --task {safe}"
    )


def asked_spec(fields: Mapping[str, object]) -> TaskSpec:
    """Return what was asked for on the command line.

    Raises:
        UsageError: a value that cannot be read; the message names its option.
    """
    try:
        return TaskSpec.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        raise UsageError(f"{_OPTIONS.get(field, field)} {str(first['input'])[:40]!r}: {first['msg']}") from None


def _one_of(word: str, names: Iterable[str]) -> str:
    """Return a word that is empty or one of `names`.

    Raises:
        PydanticCustomError: it is neither; in the words of the library, which lists what can be.
    """
    known = ["", *names]
    if word not in known:
        *first, last = map(repr, known)
        raise PydanticCustomError(
            "literal_error", "Input should be {expected}", {"expected": f"{', '.join(first)} or {last}"}
        )
    return word
