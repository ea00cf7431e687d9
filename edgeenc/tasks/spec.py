"""What a task is asked to be: where its data lies, what is predicted, which figure counts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["macro_f1", "accuracy", "span_f1", "token_accuracy"]


class TaskSpec(BaseModel):
    """One task of a language; what is empty is guessed from the data, and the guess is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """What the task is called on the command line and in reports: topic, sentiment, ner, pos, ..."""
    data: str
    """`starter:NAME` for a set of the kit, a file, a folder with a file a part, or `org/name@commit` of the hub."""
    kind: Literal["", "classify", "tag"] = ""
    """One label a text, or one a word."""
    metric: Literal["", "macro_f1", "accuracy", "span_f1", "token_accuracy"] = ""
    """The figure that counts: macro F1 for texts, span F1 for tags in IOB2, token accuracy for other tags."""
    text: str = ""
    """Column of the text, or of the words."""
    label: str = ""
    """Column of the label, or of the tags."""
