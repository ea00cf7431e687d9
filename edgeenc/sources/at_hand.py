"""Whether an offline build has what it needs, told in the first second: before the libraries that it will run on load.

What cannot be read here is left to the readers of recipes and languages, which say what is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import yaml

from edgeenc.errors import EdgeencError, InputError
from edgeenc.language import resolve, spoken
from edgeenc.sources.datasets import dataset_folder
from edgeenc.sources.given import exists, file_and_column, given_texts
from edgeenc.sources.kit import data_folder
from edgeenc.sources.missing import attempt, require_found
from edgeenc.sources.models import find_teacher
from edgeenc.sources.texts import ENOUGH, hub_text, is_hub_text

Fields = Mapping[str, object]


def require_at_hand(
    language: str, recipe: str, teacher: str | None, corpora: Sequence[str], *, offline: bool, task: str | None = None
) -> None:
    """Refuse an offline build whose teacher, text or task data would have to come from the hub.

    Args:
        language: tag, or path of a language file, or several, as typed.
        recipe: name or path.
        teacher: as typed; None leaves it to the recipe.
        corpora: texts as typed; what is not there is left to the language.
        task: name of a task of the language, or its data as typed; None where there is no task.
        offline: with this or `HF_HUB_OFFLINE` nothing may be fetched; else nothing is looked at.

    Raises:
        InputError: something is missing; one message lists everything.
    """
    if not offline and os.environ.get("HF_HUB_OFFLINE", "").upper() not in ("1", "ON", "YES", "TRUE"):
        return
    languages = [{"typed": one.language} | _fields(_language_file(one.language)) for one in spoken(language)]
    recipes = data_folder("recipes")
    asked = _fields(Path(recipe) if "/" in recipe or recipe.endswith((".yaml", ".yml")) else recipes / f"{recipe}.yaml")
    problems: list[InputError] = []
    for text, most in _texts(languages, corpora):
        if is_hub_text(text) and isinstance(most, int) and not exists(file_and_column(text)[0]):
            attempt(problems, partial(hub_text, text, most=most, offline=True))
    model = teacher or str(asked.get("teacher", ""))
    if model:
        attempt(problems, lambda: find_teacher(model, offline=True))
    data = _task_data(languages[0]).get(task or "", task or "")
    if is_hub_text(data) and not Path(data).exists():
        attempt(problems, lambda: dataset_folder(data, offline=True))
    require_found(problems)


def _texts(languages: Sequence[Fields], corpora: Sequence[str]) -> list[tuple[str, object]]:
    """Return the text of each language, and how much of it is taken; nothing where it is not clear which is whose."""
    with suppress(EdgeencError):  # the build says what is wrong with tags and texts
        tags = [resolve(str(language.get("tag", language["typed"]))) for language in languages]
        given = given_texts(corpora, tags)
        texts = [
            given.get(tag.bcp47, str(language.get("corpus", ""))) for tag, language in zip(tags, languages, strict=True)
        ]
        return [
            (text, language.get("max_corpus_bytes", ENOUGH)) for text, language in zip(texts, languages, strict=True)
        ]
    return []


def _task_data(language: Fields) -> dict[str, str]:
    """Return the data of each task that a language file names."""
    tasks = language.get("tasks")
    named = [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, Sequence) else []
    return {str(task.get("name")): str(task.get("data")) for task in named}


def _language_file(language: str) -> Path:
    if language.endswith((".yaml", ".yml")):
        return Path(language)
    with suppress(EdgeencError):  # the build says what is wrong with the tag
        language = resolve(language).bcp47
    return data_folder("recipes") / "languages" / f"{language}.yaml"


def _fields(path: Path) -> dict[str, object]:
    with suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
