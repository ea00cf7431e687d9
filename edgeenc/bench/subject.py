"""What is measured: a bundle or a checkpoint folder under the name that its rows carry, and the files it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeenc.bench.engines import engines
from edgeenc.errors import InputError, UsageError
from edgeenc.model.config import load_config
from edgeenc.model.encoder import WEIGHTS, load_tokenizer
from edgeenc.model.sentence_head import longest_text
from edgeenc.model.shape import Shape, shape_of
from edgeenc.record.form import parse
from edgeenc.store import MANIFEST
from edgeenc.targets.target import Target, default_target, targets


@dataclass(frozen=True, slots=True)
class SaidLanguage:
    """The field of a bundle's manifest that is read: one language, or several."""

    language: str | tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """A model to be measured.

    Attributes:
        name: what its rows are called.
        folder: where its files are.
        shape: its sizes.
        longest: tokens to which its files cut a text.
        pad: id that batches are filled up with.
        exported: file by precision; empty where there is none.
        language: of a bundle, else "".
        target: in which form the exported files are.
    """

    name: str
    folder: Path
    shape: Shape
    longest: int
    pad: int
    exported: Mapping[str, Path]
    language: str
    target: Target = field(default_factory=default_target)

    @property
    def tokenizer(self) -> Path:
        """The file of its tokenizer."""
        return self.folder / "tokenizer.json"

    @property
    def engine(self) -> str:
        """The runtime that its exported files are timed in."""
        return self.target.engine

    def opener(self, precision: str) -> str:
        """Return where what runs a file of this precision lies; "" of one that its target does not make."""
        return self.target.precision(precision).opener if precision in self.target.names else ""

    def file(self, runtime: str, precision: str) -> Path | None:
        """Return what this runtime loads for this precision, or None where there is no such file."""
        return engines()[runtime].file(self, precision)


def read_subjects(asked: Sequence[str]) -> tuple[Subject, ...]:
    """Read the models of a command line, each `folder` or `name=folder`.

    Raises:
        UsageError: two of them have the same name.
        InputError: a folder or one of its files is missing or damaged.
    """
    subjects = tuple(read_subject(text) for text in asked)
    names = [subject.name for subject in subjects]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"bench: {len(asked)} models, more than one of them called {', '.join(twice)}; give each a name:"
            f" {twice[0]}-1={asked[0]}"
        )
    return subjects


def read_subject(text: str) -> Subject:
    """Read one model, `folder` or `name=folder`; no weights are read.

    Raises:
        InputError: the folder or one of its files is missing or damaged, or it has nothing that can be run.
    """
    name, equals, rest = text.partition("=")
    named = bool(equals) and not Path(text).is_dir()
    folder = Path(rest if named else text)
    config = load_config(folder)
    load_tokenizer(folder)
    target = next((one for one in targets() if one.to_time_in(folder)), default_target())
    exported = target.to_time_in(folder)
    if not exported and not (folder / WEIGHTS).is_file():
        raise InputError(f"bench: {folder} has neither {WEIGHTS} nor {target.first.path}; nothing can be run")
    return Subject(
        name=name if named else folder.resolve().name,
        folder=folder.resolve(),
        shape=shape_of(config),
        longest=longest_text(folder),
        pad=config.pad_token_id or 0,
        exported=exported,
        language=_language(folder),
        target=target,
    )


def stored_bytes(path: Path) -> int:
    """Return the bytes of a model file, with the data that large ONNX files keep beside them."""
    beside = [path.with_name(path.name + suffix) for suffix in ("_data", ".data")]
    return sum(file.stat().st_size for file in (path, *beside) if file.is_file())


def _language(folder: Path) -> str:
    """Return the language that a bundle says it is of, the first of several."""
    try:
        found = parse(SaidLanguage, (folder / MANIFEST).read_bytes()).language
    except (OSError, ValueError):
        return ""
    return found if isinstance(found, str) else next(iter(found), "")
