"""Tables of sentence vectors: the teacher, students and what else could be used, on the same held-out text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeenc.record.form import parse
from edgeenc.record.vectors import TEACHER, Agreement, Found, Interval, LanguageVectors
from edgeenc.report.draw.numbers import correlation, count, interval, megabytes, percent
from edgeenc.report.finding import kept_cell, probed_on

TOPIC = "topic"
Table = Callable[[Sequence[str], Iterable[Sequence[str]]], list[str]]

HEAD = ("model", "MB", "dimensions", "nearest neighbour found", "95 % CI", "among 10", "Spearman", "95 % CI")
MORE = ("probe, macro F1", "95 % CI", "of the teacher's", "searches English: first", "95 % CI", "MRR")


@dataclass(frozen=True, slots=True)
class PeerRow:
    """A model that benchmarks/vectors.py measured."""

    model: str
    precision: str
    bytes: int
    dimensions: int


@dataclass(frozen=True, slots=True)
class PeerFile:
    """What benchmarks/vectors.py writes, as far as it is shown."""

    teacher: str
    peers: tuple[PeerRow, ...]
    language: LanguageVectors


def peer_lines(table: Table, paths: Sequence[Path]) -> list[str]:
    """Return a table for each raw file."""
    lines = list[str]()
    for path in paths:
        found = parse(PeerFile, path.read_bytes())
        one = found.language
        lines += [
            f"`{path.name}`: {one.language}, {count(one.texts)} held-out texts of the kit; teacher {found.teacher}."
            " Found: the text that is nearest by the untouched teacher. Probe: a logistic regression on the topics of"
            f" SIB-200{_way(one)}. The last columns search with a model's vectors among the untouched teacher's vectors"
            f" of the same lines in English; by chance the nearest text is found in {percent(one.chance(1))}.\n",
            *table((*HEAD, *MORE), _rows(found)),
            "",
        ]
    return lines or []


def _way(one: LanguageVectors) -> str:
    """Return how topics were probed: a raw file of before has the set's own parts."""
    probe = one.probe(TOPIC, TEACHER)
    if probe is None:
        return ""
    return f" ({probed_on(probe)}); the teacher's share has the interval of the paired difference where it was kept"


def _rows(found: PeerFile) -> Iterator[tuple[str, ...]]:
    """Yield a row for each model; what was not measured is empty."""
    one = found.language
    known = {f"{peer.model} {peer.precision}": peer for peer in found.peers}
    names = dict.fromkeys((*known, *(agreement.name for agreement in one.agreement)))
    for name in names:
        peer, agreement = known.get(name), one.of(name)
        probe = one.probe(TOPIC, name)
        across = next((across for across in one.across if across.name == name), None)
        yield (
            name,
            "" if peer is None else megabytes(peer.bytes),
            "" if peer is None else count(peer.dimensions),
            *(("",) * 5 if agreement is None else _ranked(agreement)),
            *(("", "") if probe is None else (percent(probe.macro_f1.value), _shares(probe.macro_f1))),
            kept_cell(one, probe),
            *(("", "", "") if across is None else (*_found(across.accuracy[0]), correlation(across.mrr.value))),
        )


def _ranked(agreement: Agreement) -> tuple[str, ...]:
    among = percent(agreement.recall[-1].share)
    ranks = agreement.spearman
    return (*_found(agreement.recall[0]), among, correlation(ranks.value), _bounds(ranks))


def _found(found: Found) -> tuple[str, str]:
    return percent(found.share), interval(found.low, found.high)


def _shares(value: Interval) -> str:
    return interval(value.low, value.high)


def _bounds(value: Interval) -> str:
    return f"{correlation(value.low)} to {correlation(value.high)}"
