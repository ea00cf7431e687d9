"""Text of the hub: a dataset's column is streamed until there is enough, normalised, and kept as one text file.

Only the loaders of Parquet, JSON lines and text are used, which come with the `datasets` library; no script is run.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeAlias, cast

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk, seal
from edgeenc.record.form import parse, plain
from edgeenc.sources.datasets import data_files
from edgeenc.sources.hub import Pin, asking, listing, own_folder, pinned, require_online
from edgeenc.text.corpus import normalise
from edgeenc.text.text_form import COLUMNS

if TYPE_CHECKING:
    from datasets import IterableDataset

ENOUGH = 100_000_000
"""Bytes of text that are taken where nothing is said: far more than the shipped recipes read."""

HubRow: TypeAlias = Mapping[str, object]

_LOADERS = {".parquet": "parquet", ".jsonl": "json", ".jsonl.gz": "json", ".txt": "text"}


@dataclass(frozen=True, slots=True)
class TakenText:
    """What was taken from a dataset.

    Attributes:
        source: the dataset, as messages call it.
        documents: texts of the dataset; an empty line stands between two.
        lines: lines in all that are not empty.
        whole: False where the size cap ended it.
        sha256: of the file.
        bytes: of the file.
    """

    source: str
    documents: int
    lines: int
    whole: bool
    sha256: str
    bytes: int


def is_hub_text(spec: str) -> bool:
    """Tell whether `spec` names text of the hub: `org/name@...` and no file."""
    return "@" in spec and "/" in spec and not spec.startswith(("/", ".", "~"))


def hub_text(spec: str, *, most: int = ENOUGH, offline: bool) -> Path:
    """Return a UTF-8 text file with the text of a dataset of the hub, one paragraph per line.

    Args:
        spec: `org/name@commit[:config][#column]`; the column goes without saying where it is called `text` or
            `content`, or is the only one with text.
        most: bytes of text; the download stops there.
        offline: take what was fetched before, or nothing.

    Raises:
        UsageError: `spec` is not pinned to a commit.
        InputError: the text is not in the cache and cannot be fetched; or the dataset holds none.
        HostError: the disk is full or forbidden.
    """
    pin = pinned(spec, "dataset", "corpus")
    if pin is None:
        raise UsageError(f"corpus {spec}: expected a file, or org/name@commit[:config][#column] of the hub")
    words = [pin.config or "all", *([pin.column] if pin.column else []), str(most), "txt"]
    path = own_folder(pin) / ".".join(words)
    if taken(path) is not None:
        return path
    require_online(pin, "its text is", offline=offline)
    with asking(pin, "its text"):
        files = _text_files(pin)
        with _writing(path) as fresh, _rows(pin, files) as rows:
            documents, lines, whole = _write(rows, fresh, most)
    if not lines:
        raise InputError(f"{pin}: holds no text; name another column: org/name@commit:config#column")
    with on_disk(path):
        stamp = seal(fresh)
        kept = TakenText(str(pin), documents, lines, whole, sha256=stamp.sha256, bytes=stamp.bytes)
        _record(path).write_text(json.dumps(plain(kept), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.rename(path)
    return path


def taken(path: Path) -> TakenText | None:
    """Return what is known of a text that was fetched whole, or None."""
    with suppress(OSError, ValueError):  # what cannot be read is fetched again
        found = parse(TakenText, _record(path).read_bytes())
        if path.stat().st_size == found.bytes:
            return found
    return None


def _record(path: Path) -> Path:
    return path.with_suffix(".json")


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Give the name of a new file, which is removed where the work on it fails."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with on_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield fresh
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _text_files(pin: Pin) -> list[str]:
    """Return the files to read: the training part where there is one, of the first format that there is."""
    names = data_files(pin, sorted(listing(pin)))
    training = [name for name in names if "train" in PurePosixPath(name).name or "/train/" in name] or names
    for loader in ("parquet", "json", "text"):
        if found := [name for name in training if _loader(name) == loader]:
            return found
    raise InputError(f"{pin}: expected files of {', '.join(_LOADERS)}, found {', '.join(names[:5])}")


def _loader(name: str) -> str:
    return next((loader for ending, loader in _LOADERS.items() if name.endswith(ending)), "")


@contextmanager
def _rows(pin: Pin, files: Sequence[str]) -> Iterator[Iterator[str]]:
    """Stream the texts of a dataset's files."""
    from datasets import load_dataset
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
    places = [f"hf://datasets/{pin.name}@{pin.commit}/{name}" for name in files]
    loader = _loader(files[0])

    streamed = partial(load_dataset, loader, data_files={"train": places}, split="train", streaming=True)
    read = cast("Callable[..., IterableDataset]", streamed)  # of the four things it can return, one comes of a stream
    column = pin.column or _column(pin, read())
    dataset = read(columns=[column]) if loader == "parquet" else read()
    with _read(dataset) as rows:
        yield (_text_of(pin, row, column) for row in rows)


@contextmanager
def _read(dataset: IterableDataset) -> Iterator[Generator[HubRow, None, None]]:
    """Give the rows of a dataset, and end the threads that read ahead: they would abort the interpreter as it exits."""
    rows = cast("Generator[HubRow, None, None]", iter(dataset))  # declared as an iterator, which cannot be closed
    try:
        yield rows
    finally:
        rows.close()
        del rows
        gc.collect()
        _settle()


def _settle(patience: float = 10.0) -> None:
    """Wait, `patience` seconds at most, until no thread of another library is in Python code, three looks in a row."""
    end, quiet = time.monotonic() + patience, 0
    while quiet < 3 and time.monotonic() < end:
        own = {t.ident for t in threading.enumerate() if not isinstance(t, threading._DummyThread)}
        quiet = quiet + 1 if set(sys._current_frames()) <= own else 0
        time.sleep(0.02)


def _column(pin: Pin, dataset: IterableDataset) -> str:
    """Return the column that holds the text.

    Raises:
        InputError: several might.
    """
    if dataset.features is not None:
        texts = [name for name, kind in dataset.features.items() if str(getattr(kind, "dtype", "")).endswith("string")]
    else:
        with _read(dataset) as rows:
            texts = [name for name, value in next(rows, {}).items() if isinstance(value, str)]
    for name in COLUMNS:
        if name in texts:
            return name
    if len(texts) == 1:
        return texts[0]
    known = ", ".join(texts) or "none with text"
    raise InputError(f"{pin}: which column holds the text? There are {known}; write org/name@commit:config#column")


def _text_of(pin: Pin, row: HubRow, column: str) -> str:
    value = row.get(column)
    if not isinstance(value, str | None):
        raise InputError(f"{pin}: the column {column} holds {type(value).__name__}, expected text")
    return value or ""


def _write(rows: Iterator[str], path: Path, most: int) -> tuple[int, int, bool]:
    """Write normalised lines, an empty one after each document, until `most` bytes; return documents, lines, whole."""
    documents = lines = size = 0
    with on_disk(path), path.open("w", encoding="utf-8", newline="\n") as file:
        for text in rows:
            kept = [line for line in map(normalise, text.split("\n")) if line]
            for line in kept:
                size += len(line.encode()) + 1
                if size > most:
                    return documents, lines, False
                file.write(line + "\n")
                lines += 1
            if kept:
                file.write("\n")
                size, documents = size + 1, documents + 1
    return documents, lines, True
