"""What a user asks for, as typed: one value for the command line and for Python."""

from __future__ import annotations

from dataclasses import dataclass, fields

from edgeenc.errors import UsageError


@dataclass(frozen=True)
class Ask:
    """What a user asks for, as typed.

    Attributes:
        language: any BCP-47 or ISO 639 spelling, or the path of a language file; or several: `tl+en`, `tl:0.8+en:0.2`.
        recipe: name or path.
        teacher: `starter`, a folder, `id@revision`, or `random:` and a published shape; None leaves it to the recipe.
        corpus: text, one sentence or paragraph per line, JSON lines or Parquet, `FILE[#column]`, or a folder; or
            `org/name@commit[:config][#column]` of the hub; of several languages `tl=FILE` for each; what is not
            named is left to the language.
        export_task: what the exported file computes; None means what `task` needs, or the recipe says, or states.
        target: in which form the model is shipped; None means the default one.
        precisions: comma-separated names of its files; None means all.
        task: name of a task of the language, or of `data`.
        data: labelled data of the task; None leaves it to the language.
        columns: columns of text and label in `data`; empty ones are guessed.
        random_teacher: whether the teacher's shape is taken, and its weights are drawn.
        data_fraction: share of the training text that is read; None leaves it to the recipe.

    Raises:
        UsageError: several values are expected and one string is given, or the other way round.
    """

    language: str
    recipe: str = "starter"
    teacher: str | None = None
    corpus: tuple[str, ...] = ()
    export_task: str | None = None
    target: str | None = None
    precisions: str | None = None
    task: str | None = None
    data: str | None = None
    columns: tuple[str, str] = ("", "")
    random_teacher: bool = False
    data_fraction: float | None = None

    def __post_init__(self) -> None:
        """Refuse a string where several are expected, which would be read letter by letter, and several for one."""
        for place in fields(self):
            value = getattr(self, place.name)
            if isinstance(place.default, tuple):
                if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
                    raise UsageError(f"{place.name}={value!r}: expected a tuple of strings, e.g. ({str(value)!r},)")
            elif isinstance(value, tuple | list):
                raise UsageError(f"{place.name}={value!r}: expected one value, not several")
        if len(self.columns) != 2:
            raise UsageError(f"columns={self.columns!r}: expected two names, of the text's column and the label's")
