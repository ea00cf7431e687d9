"""Rows of JSON: an object a line, one list, an object that holds the list or the columns, on one line or on many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.tasks.files.datafile import WORD_NAMES, DataRow, wrong
from edgeenc.tasks.files.given_file import GivenFile
from edgeenc.tasks.labelled_form import Fit, FormRows, LabelledForm

LINES = "write one object a line (JSONL), e.g. with pandas: frame.to_json(path, orient='records', lines=True)"


def json_rows(path: Path, text: str) -> Iterator[DataRow]:
    """Yield the objects of a file with the lines where they start.

    Raises:
        InputError: JSON that is broken, nested too deeply, or of another form.
    """
    start = text.lstrip()[:1]
    first = text.lstrip().split("\n", 1)[0]
    if start == "[" and (first.rstrip() == "[" or not _is_whole(first) or first.lstrip("[ ").startswith("{")):
        yield from _list(path, text, text.index("["))
    elif start == "{" and not _is_whole(first):
        yield from _from_values(path, text, _objects(path, text))
    else:
        yield from _from_values(path, text, _lines(path, text))


def _lines(path: Path, text: str) -> Iterator[tuple[int, object]]:
    """Yield the value of each line with its number."""
    for line, content in enumerate(text.split("\n"), 1):
        content = content.lstrip()
        if content:
            found, end = _decoded(path, content, 0, line)
            if content[end:].strip():
                raise wrong(path, line, f"broken JSON (Extra data at character {end + 1})")
            yield line, found


def _list(path: Path, text: str, place: int) -> Iterator[DataRow]:
    """Yield the objects of a list that begins at `place`."""
    line, place = text.count("\n", 0, place) + 1, place + 1
    while True:
        place, line = _skipped(text, place, line)
        if place < len(text) and text[place] == "]":
            return
        found, end = _decoded(path, text, place, line)
        yield _row(path, line, found)
        line, place = line + text.count("\n", place, end), end
        place, line = _skipped(text, place, line)
        if place < len(text) and text[place] == ",":
            place += 1
        elif place >= len(text) or text[place] != "]":
            raise wrong(path, line, "broken JSON (Expecting ',' delimiter)")


def _objects(path: Path, text: str) -> Iterator[tuple[int, object]]:
    """Yield objects that stand one after another, each on several lines, with the lines where they start."""
    place, line = _skipped(text, 0, 1)
    while place < len(text):
        found, end = _decoded(path, text, place, line)
        yield line, found
        place, line = _skipped(text, end, line + text.count("\n", place, end))


def _from_values(path: Path, text: str, values: Iterator[tuple[int, object]]) -> Iterator[DataRow]:
    """Yield objects as rows; one alone may hold all of them."""
    opening = list(islice(values, 2))
    if len(opening) == 1 and isinstance(found := opening[0][1], dict) and not _has_spans(found):
        yield from _held(path, text, opening[0][0], found)
    else:
        yield from (_row(path, line, one) for line, one in chain(opening, values))


def _held(path: Path, text: str, line: int, found: Mapping[str, object]) -> Iterator[DataRow]:
    """Yield the rows that one object holds: a list of objects, or a list or object of cells for each column."""
    lists = [key for key, own in found.items() if isinstance(own, list) and own and isinstance(own[0], dict)]
    if len(lists) > 1:
        raise InputError(f"task data {path}: several lists in one file ({_some(lists)}); write each into its own file")
    columns = {key: list(own.values()) if isinstance(own, dict) else own for key, own in found.items()}
    cells = [own for own in columns.values() if isinstance(own, list)]
    if lists:
        place = re.search(rf"{re.escape(json.dumps(lists[0], ensure_ascii=False))}\s*:\s*\[", text)
        yield from _list(path, text, place.end() - 1 if place else text.index("["))
    elif len(cells) < len(columns) or _is_sentence(found):
        if any(isinstance(own, dict) for own in found.values()):
            raise InputError(f"task data {path}: one object ({_some(list(found))}) without a list of examples; {LINES}")
        yield _row(path, line, found)
    elif len({len(own) for own in cells}) > 1 or any(isinstance(own[0], dict) for own in cells if own):
        raise InputError(f"task data {path}: one object ({_some(list(found))}) without a list of examples; {LINES}")
    else:
        for row in zip(*cells, strict=True):
            yield DataRow(line, dict(zip(columns, row, strict=True)))


def _is_sentence(found: Mapping[str, object]) -> bool:
    """Tell whether an object of lists is one tagged sentence: its words are texts, not lists of them."""
    words = next((own for key, own in found.items() if key.lower() in WORD_NAMES), None)
    return isinstance(words, list) and bool(words) and not isinstance(words[0], list)


def _has_spans(found: object) -> bool:
    """Tell whether a value is a text with spans by their characters: of doccano, spaCy or Label Studio."""
    if isinstance(found, list):
        found = found[0] if found and isinstance(found[0], list) else found
        return len(found) == 2 and isinstance(found[0], str) and isinstance(found[1], dict)
    if not isinstance(found, dict):
        return False
    if isinstance(found.get("data"), dict) and "annotations" in found:
        return True
    lists = [own for key, own in found.items() if key.lower() in _SPANS and isinstance(own, list)]
    return any(_is_span(one) for own in lists for one in own[:1])


def _is_span(one: object) -> bool:
    if isinstance(one, dict):
        return not {"start", "start_offset", "begin"}.isdisjoint(one)
    return isinstance(one, list) and len(one) > 2 and all(isinstance(part, int) for part in one[:2])


_SPANS = ("label", "labels", "entities", "spans", "ents", "annotations")
_AS_SPANS = (
    "spans by their characters (as doccano, spaCy and Label Studio write them) are not read; export CoNLL, or write"
    ' {"tokens": [...], "ner_tags": [...]} with a tag a word'
)


def _row(path: Path, line: int, found: object) -> DataRow:
    if _has_spans(found):
        raise wrong(path, line, _AS_SPANS)
    if not isinstance(found, dict):
        raise wrong(path, line, f'an object such as {{"text": ..., "label": ...}} is expected, found {str(found)[:40]}')
    return DataRow(line, found)


def _skipped(text: str, place: int, line: int) -> tuple[int, int]:
    """Return the next place that is no blank, and its line."""
    start = place
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place, line + text.count("\n", start, place)


def _is_whole(text: str) -> bool:
    """Tell whether a text is one value of JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _decoded(path: Path, text: str, place: int, line: int) -> tuple[object, int]:
    """Return the value at a place of a text, which is of this line, and where it ends."""
    try:
        return _DECODER.raw_decode(text, place)
    except json.JSONDecodeError as error:
        at = line + text.count("\n", place, error.pos)
        raise wrong(path, at, f"broken JSON ({error.msg} at character {error.colno})") from None
    except RecursionError:
        raise wrong(path, line, f"JSON that is nested too deeply; {LINES}") from None
    except ValueError as error:
        raise wrong(path, line, f"JSON that cannot be read ({str(error)[:80]})") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object.

    Raises:
        ValueError: a name is there twice, of which one would be lost.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)[:40]!r} is there twice in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in names[:3]) + (", ..." if len(names) > 3 else "")


_BEGINNING = re.compile(r"\s*(\{\s*(\"|$)|\[\s*(\{|$))", re.MULTILINE)


def _looks(given: GivenFile) -> Fit:
    return Fit.CERTAIN if not given.suffix and _BEGINNING.match(given.text) else Fit.NO


def _read(given: GivenFile) -> FormRows:
    return FormRows(json_rows(given.path, given.text))


FORM = LabelledForm("JSON", (".jsonl", ".ndjson", ".json"), _looks, _read)
