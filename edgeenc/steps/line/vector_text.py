"""What sentence vectors are measured on besides held-out text: the kit's labelled sets and line-parallel text."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from edgeenc.machine.disk import file_hash
from edgeenc.planned import Request
from edgeenc.recipe import load_language
from edgeenc.sources.parallel import parallel_file
from edgeenc.tasks.parts import STARTER, find_parts
from edgeenc.tasks.spec import TaskSpec

PIVOT = "en"
"""The language whose lines are searched: what a server most often has."""


def labelled_sets(language: str) -> tuple[TaskSpec, ...]:
    """Return the sets of a language that come with the package: they are at hand, and never fetched."""
    known = load_language(language)
    return tuple(spec for spec in (known.tasks if known else ()) if spec.data.startswith(STARTER))


def searched_languages(language: str, request: Request) -> tuple[str, ...]:
    """Return the languages of parallel text whose lines a build searches from `language`, the pivot first.

    Worked example: from Tagalog in a build of Tagalog and Swahili, English and Swahili; from English in that of
    Tagalog and English, Tagalog alone; from a language without parallel text, none.
    """
    built = (text.language.bcp47 for text in request.texts)
    known = [tag for tag in dict.fromkeys((PIVOT, *built)) if parallel_file(tag)]
    return tuple(tag for tag in known if tag != language) if parallel_file(language) else ()


def vector_fields(request: Request) -> Mapping[str, JsonValue]:
    """Return the hashes of what is measured on, by file."""
    tags = [text.language.bcp47 for text in request.texts]
    files = [parallel_file(tag) for tag in dict.fromkeys((PIVOT, *tags))]
    parts = [find_parts(spec.data, offline=True) for tag in tags for spec in labelled_sets(tag)]
    labelled = [path for each in parts for paths in each.values() for path in paths]
    return {
        "parallel": {path.name: file_hash(path) for path in files if path},
        "labelled": {f"{path.parent.name}/{path.name}": file_hash(path) for path in labelled},
    }
