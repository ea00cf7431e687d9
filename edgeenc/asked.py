"""From what was typed to a plan: names become files, once, before anything runs."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edgeenc.errors import HostError, InputError, UsageError
from edgeenc.language import Tag, joined, resolve, spoken
from edgeenc.machine.disk import on_disk
from edgeenc.machine.runtime import Dtype, Runtime, available_threads, faster_dtype
from edgeenc.model.published import published_name, published_shape
from edgeenc.model.purpose import Purpose, default_purpose, encoder_purposes, purpose_named
from edgeenc.model.shape import Shape
from edgeenc.planned import Plan, Request
from edgeenc.recipe import Language, Recipe, load_language, load_recipe, read_language
from edgeenc.record.ask import Ask
from edgeenc.record.form import parse
from edgeenc.sources import (
    ENOUGH,
    RANDOM,
    STARTER,
    Teacher,
    attempt,
    described,
    exists,
    file_and_column,
    find_teacher,
    given_texts,
    hub_text,
    is_hub_text,
    is_random,
    require_found,
    starter_corpus,
    taken_line,
)
from edgeenc.steps.line.make import make_plan
from edgeenc.store import Store, check_destination, default_root, publish
from edgeenc.targets.target import Target, default_target, target_named
from edgeenc.tasks.spec import asked_spec, require_task_name
from edgeenc.tasks.task import Task, open_task
from edgeenc.text.mixture import Text


def plan_for(ask: Ask, store: Store, threads: int | None = None) -> Plan:
    """Return the plan of a build whose teacher is at hand, or of known shape; nothing is fetched."""
    return make_plan(request_for(ask, offline=True, plan_only=True), runtime_for(store, threads))


def plan(ask: Ask, store: Store | None = None) -> Plan:
    """Return the plan of a build as `edgeenc plan` shows it; nothing is fetched and nothing runs.

    Args:
        ask: what is wanted.
        store: where finished steps are; None is the user's own.

    Raises:
        EdgeencError: as `request_for` and `make_plan`.
    """
    return plan_for(ask, store or Store(default_root()))


def build(
    ask: Ask, folder: Path, store: Store | None = None, *, threads: int | None = None, offline: bool = False
) -> Path:
    """Do what `edgeenc build` does, without a word: make the bundle `folder` and return its absolute path.

    Steps that the store has are not done again; stopped, it goes on from there.

    Args:
        ask: what is wanted.
        folder: the bundle to write; a bundle of ours that is there already is replaced.
        store: where finished steps are kept; None is the user's own.
        threads: of training and exports; None takes all cores that are allowed.
        offline: whether to take from the hub's cache only.

    Raises:
        EdgeencError: whatever `edgeenc build` ends with.
    """
    check_destination(folder)
    store = store or Store(default_root())
    request, runtime = request_for(ask, offline=offline), runtime_for(store, threads)
    planned = make_plan(request, runtime)
    from edgeenc.pipeline import run  # seconds, which a plan does without

    with store.in_use():
        return publish(run(planned, store, runtime), folder)


def request_for(ask: Ask, *, offline: bool, plan_only: bool = False) -> Request:
    """Turn names into files; what comes from the hub is fetched only where `offline` is False.

    Under `plan_only` a teacher that is not here may be one of those whose shape is published.

    Raises:
        UsageError: unknown language, recipe, recipe field or precision.
        InputError: no text for the language, or no teacher; one message lists all that is missing.
    """
    named = _languages(ask.language)
    tags = [one.tag for one in named]
    given = given_texts(ask.corpus, tags)
    recipe = _recipe(ask)
    if ask.teacher is not None and not ask.teacher.strip():
        raise UsageError("--teacher is empty; give a folder, org/name of the hub, or leave the option out")
    source = ask.teacher or recipe.teacher
    source = f"{RANDOM}{source}" if ask.random_teacher and not is_random(source) else source
    target = target_named(ask.target) if ask.target else default_target()
    precisions = target.names if ask.precisions is None else _precisions(ask.precisions, target)
    problems: list[InputError] = []
    texts = [attempt(problems, partial(_text, one, given, offline=offline)) for one in named]
    found = attempt(problems, lambda: _teacher(source, offline=offline, plan_only=plan_only))
    task = attempt(problems, lambda: _task(ask, named, recipe.seed, offline=offline))
    require_found(problems)
    assert found is not None
    teacher, known = found
    purpose = _purpose(ask, recipe, task)
    said = {"purpose": purpose.name} if recipe.purpose is not None and task is None else {}
    return Request(
        recipe=recipe.model_copy(update={"teacher": teacher.name} | said),
        teacher=teacher.folder,
        source=described(teacher.name),
        texts=tuple(text for text in texts if text is not None),
        purpose=purpose,
        target=target,
        precisions=precisions,
        task_data=task,
        known=known,
        taken=teacher.taken,
    )


def folder_name(ask: Ask, request: Request) -> str:
    """Return the folder that a build is written to where none is named: LANG[-TASK]-RECIPE and what is no default.

    Two builds of different things have two names, so that one does not replace the other.
    """
    own, texts = load_recipe(ask.recipe), request.texts
    equal = len({text.weight for text in texts}) == 1
    tags = request.language.bcp47 if equal else "+".join(f"{one.language.bcp47}{one.weight:g}" for one in texts)
    parts = [tags, *([ask.task] if ask.task else []), own.name]
    if ask.random_teacher:
        parts.append("random-teacher")
    if (ask.teacher or own.teacher) != own.teacher:
        parts.append(_short(request.recipe.teacher.removeprefix(RANDOM if ask.random_teacher else "")))
    if request.recipe.data_fraction != own.data_fraction:
        parts.append(f"{request.recipe.data_fraction:g}")
    parts += [_short(one) for one in (*ask.corpus, *([ask.data] if ask.data else [])) if one != STARTER]
    parts += [name for name in ask.columns if name]
    if request.task_data is None and request.purpose.name != (own.purpose or default_purpose().name):
        parts.append(request.purpose.name)
    if request.target is not default_target():
        parts.append(request.target.name)
    if request.precisions != request.target.names:
        parts += request.precisions
    return "-".join(parts).replace("/", "_")


def _short(typed: str) -> str:
    """Return a name for what was typed: it as it is where it is a word, or else its last part and a hash of all."""
    if re.fullmatch(r"[A-Za-z0-9_]+", typed):
        return typed
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(typed.partition("@")[0]).name).strip("-")
    return f"{stem}-{hashlib.sha256(typed.encode()).hexdigest()[:6]}".strip("-")


def _recipe(ask: Ask) -> Recipe:
    """Return the recipe, with the share of the text that was asked for.

    Raises:
        RecipeError: there is no such recipe, or it has problems.
        UsageError: the share is none.
    """
    recipe, fraction = load_recipe(ask.recipe), ask.data_fraction
    if fraction is None:
        return recipe
    if not 0 < fraction <= 1:
        raise UsageError(f"--data-fraction {fraction}: expected a share above 0 and at most 1, e.g. 0.3")
    return recipe.model_copy(update={"data_fraction": fraction})


def _purpose(ask: Ask, recipe: Recipe, task: Task | None) -> Purpose:
    """Return what the exported file computes: what the task needs, or what was asked for, or what the recipe says."""
    if task is not None:
        return task.data.kind.purpose
    typed = ask.export_task or recipe.purpose
    asked = purpose_named(typed) if typed else default_purpose()
    if asked not in encoder_purposes():
        known = ", ".join(one.name for one in encoder_purposes())
        raise UsageError(f"export task {asked.name!r} needs labels, so a task; without one there are: {known}")
    return asked


class _Named(NamedTuple):
    """A language, what the package or its file knows of it, and its share of the text."""

    tag: Tag
    language: Language | None
    weight: float


def _languages(typed: str) -> list[_Named]:
    """Return the languages that were typed.

    Raises:
        UsageError: one of them is unknown or there twice, or a weight cannot be read.
    """
    found = []
    for one in spoken(typed):
        language = read_language(Path(one.language)) if one.language.endswith((".yaml", ".yml")) else None
        tag = resolve(language.tag if language else one.language)
        found.append(_Named(tag, language or load_language(tag.bcp47), one.weight))
    joined([one.tag for one in found])
    return found


def _task(ask: Ask, languages: Sequence[_Named], seed: int, *, offline: bool) -> Task | None:
    """Return the task that was asked for.

    Raises:
        UsageError: data or columns without a task, a task that the language does not have, both kinds of export, or a
            task of several languages without data.
    """
    if ask.task is None:
        if ask.data or any(ask.columns):
            raise UsageError("--data, --text-column and --label-column belong to a task; name it with --task NAME")
        return None
    require_task_name(ask.task)
    if ask.data == "":
        raise UsageError("--data '': no file is named so; leave the option out for the language's own data")
    if ask.export_task is not None:
        raise UsageError("--task and --export-task exclude each other: a task's file computes its labels")
    if ask.data is None and len(languages) > 1:
        raise UsageError(
            f"--task {ask.task}: languages bring tasks each for itself, not together; give labelled data of all of"
            " them with --data FILE"
        )
    language = languages[0].language if len(languages) == 1 else None
    known = {spec.name: spec for spec in (language.tasks if language else ())}
    if ask.data is None and ask.task not in known:
        raise UsageError(
            f"--task {ask.task}: no data comes with this language ({', '.join(known) or 'no task'} does);"
            " give yours with --data FILE"
        )
    spec = known.get(ask.task)
    fields = (
        {"data": ask.data} | dict(zip(("text_column", "label_column"), ask.columns, strict=True)) if ask.data else {}
    )
    own = spec.model_dump() if spec else {"name": ask.task}
    return open_task(asked_spec(own | fields), seed, offline=offline)


def _teacher(source: str, *, offline: bool, plan_only: bool) -> tuple[Teacher, Shape | None]:
    """Return the teacher; where only a plan is wanted, maybe one that is not there and the known shape."""
    try:
        return find_teacher(source, offline=offline), None
    except InputError:
        name = published_name(source)
        shape = published_shape(name) if plan_only else None
        if shape is None:
            raise
        taken = "" if source == name else taken_line("teacher", source, name.rpartition("@")[2])
        return Teacher(name, Path(name), taken), shape


def runtime_for(store: Store, threads: int | None) -> Runtime:
    """Return the runtime of this machine; the dtype is measured once and then remembered in the store.

    Remembered, because the dtype changes the last bits of the weights: the same host must always answer the same.
    """
    path, count = store.root / "dtype.json", threads or available_threads()
    dtype = _stored_dtype(path)
    if dtype is None:
        text = json.dumps({"training": faster_dtype(count)}) + "\n"
        with on_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"dtype.{os.getpid()}")
            fresh.write_text(text, encoding="utf-8")
            with suppress(FileExistsError):  # of two first builds the earlier answer holds
                path.hardlink_to(fresh)
            fresh.unlink()
        dtype = _stored_dtype(path)
        if dtype is None:
            raise HostError(f"{path}: holds no dtype; remove it, and it is measured again")
    return Runtime(dtype=dtype, threads=count)


@dataclass(frozen=True)
class _Measured:
    """What the store remembers of this machine."""

    training: Dtype


def _stored_dtype(path: Path) -> Dtype | None:
    """Return what was measured before, or None where nothing that can be read is there."""
    try:
        return parse(_Measured, path.read_bytes()).training
    except (OSError, ValueError):
        return None


def status(plan: Plan, store: Store) -> dict[str, str]:
    """Return for each step whether it is `done` or `to do`."""
    return {step.name: "done" if store.manifest(step.key, step.name) else "to do" for step in plan.steps}


def _text(one: _Named, given: Mapping[str, str], *, offline: bool) -> Text:
    """Return the text of a language to learn from; text of the hub is fetched only where `offline` is False."""
    tag, language, weight = one
    corpus = given.get(tag.bcp47) or (language.corpus if language else "")
    if not corpus:
        raise InputError(
            f"{tag.name} ({tag.bcp47}): no text comes with edgeenc; give yours with --corpus FILE,"
            " one sentence or paragraph per line"
        )
    if corpus == STARTER:
        return Text(tag, *starter_corpus(tag.bcp47), STARTER, weight)
    path, column = file_and_column(corpus)
    if exists(path):
        return Text(tag, path, weight=weight, column=column)
    if is_hub_text(corpus):
        most = language.max_corpus_bytes if language else ENOUGH
        return Text(tag, hub_text(corpus, most=most, offline=offline), None, corpus, weight)
    raise InputError(f"corpus {path}: no such file; give a UTF-8 text file with one sentence or paragraph per line")


def _precisions(typed: str, target: Target) -> tuple[str, ...]:
    asked = [word.strip() for word in typed.split(",") if word.strip()]
    unknown = [word for word in asked if word not in target.names]
    if unknown or not asked:
        raise UsageError(f"--precision {typed!r}: expected one or more of {', '.join(target.names)}, with commas")
    return tuple(precision for precision in target.names if precision in asked)
