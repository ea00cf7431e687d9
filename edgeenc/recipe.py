"""Recipes and languages: YAML in, typed values out, every problem reported at once with its place.

A recipe says how to compress, a language where its text is; neither knows the other. Reading does no I/O but the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from edgeenc.errors import RecipeError, UsageError
from edgeenc.kinds import modules_of, types_of
from edgeenc.model.purpose import encoder_purposes, purposes
from edgeenc.model.sentence_spec import SentenceSpec
from edgeenc.record.former import Former, spelling_of_today
from edgeenc.sources import ENOUGH, data_folder, is_hub_text
from edgeenc.stages.stage import Stage
from edgeenc.targets.target import targets
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.tuning.fine_tuning import FineTuning

Fields = Mapping[str, object]
"""What YAML gave, before it is known to be right."""
M = TypeVar("M", bound=BaseModel)


class Language(BaseModel):
    """Where a language's text and its tasks are.

    `tag` is the BCP-47 code that all spellings of the language resolve to; `corpus` is `starter` for the kit's text, a
    path, `FILE[#column]`, or `org/name@commit[:config][#column]` of the hub, of which at most `max_corpus_bytes` of
    text are taken;
    `tasks` are those that it is measured on where the user names no other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    FORMER: ClassVar[Former] = Former({"max_corpus_bytes": "corpus_bytes"})

    tag: str
    name: str
    corpus: str = ""
    max_corpus_bytes: int = Field(default=ENOUGH, gt=0)
    tasks: tuple[TaskSpec, ...] = ()


class Bounds(BaseModel):
    """What an exported file must hold to be published; a file that crosses one stops the build."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
    FORMER: ClassVar[Former] = Former({"top1_agreement": "agreement", "label_agreement": "labels"})

    parity: float = Field(default=1e-4, gt=0)
    """Maximum absolute difference of PyTorch and ONNX fp32 outputs at real tokens, in their own unit. A good
    export stays within 1e-5; an ignored mask or a shifted position moves outputs by 1e-1 and more."""
    mean_cosine: float = Field(default=0.98, gt=0, le=1)
    """Mean cosine of int8 and fp32 sentence vectors; for a classifier or tagger, of its labels' probabilities."""
    worst_cosine: float = Field(default=0.90, ge=-1, le=1)
    """Cosine of the worst sentence."""
    top1_agreement: float = Field(default=0.90, ge=0, le=1)
    """For fill-mask: share of masked tokens at which int8 and fp32 put the same token first (top-1)."""
    label_agreement: float = Field(default=0.95, ge=0, le=1)
    """For classifiers: share of texts, or of tokens, to which int8 and fp32 give the same label."""


class Recipe(BaseModel):
    """How a teacher becomes a student: the stages in order, and the bounds that the exported files must keep."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    FORMER: ClassVar[Former] = Former({"fine_tuning": "tuning"})

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """What reports call it: small letters, digits and hyphens."""
    teacher: str
    """`starter`, a folder, or `org/name@commit` of the hub; `--teacher` takes another."""
    purpose: str | None = None
    """What the exported files compute where `--export-task` says nothing: `sentence-embedding`, for one; a build of
    `--task` computes its labels."""
    sentence: SentenceSpec | None = None
    """How sentence vectors are made, where it is not as the teacher's folder says."""
    stages: tuple[Stage, ...] = Field(min_length=1)
    """What is done, one after the other; each is named by its kind, or by a `name` that later stages can read."""
    seed: int = Field(default=0, ge=0)
    """Of every chance in the build: splits, masks, orders."""
    data_fraction: float = Field(default=1.0, gt=0, le=1)
    """Share of the training documents that is read, by a hash of each: a tenth is part of three tenths. Held-out text
    stays as it is."""
    control: Literal["none", "random"] = "none"
    """`random` also trains the student's shape from random weights on as many tokens, to show what copying is worth."""
    bounds: Bounds = Bounds()
    """What the exported files must keep before a bundle appears."""
    fine_tuning: FineTuning = FineTuning()
    """How models are fine-tuned on the task of `--task`; a build of an encoder does not read it."""

    @field_validator("purpose")
    @classmethod
    def _known_purpose(cls, name: str | None) -> str | None:
        """Refuse a purpose that no encoder serves as it is."""
        known = [one.name for one in encoder_purposes()]
        if name is None or name in known:
            return name
        if name in [one.name for one in purposes()]:
            raise ValueError(f"{name} needs labels, so a task: build it with --task; here go {', '.join(known)}")
        raise ValueError(f"no such purpose {name!r}{_meant(name, known)}; there are {', '.join(known)}")

    def to_yaml(self) -> str:
        """Return the recipe with every default written out; reading it back gives an equal recipe."""
        stages = [
            {"kind": s.kind, "name": s.label} | s.model_dump(mode="json", exclude={"kind", "name"}) for s in self.stages
        ]
        unsaid = {name for name in ("purpose", "sentence") if getattr(self, name) is None}
        head = self.model_dump(mode="json", exclude={"stages", "bounds", *unsaid})
        whole = head | {"stages": stages, "bounds": self.bounds.model_dump(mode="json")}
        return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def stage_kinds() -> dict[str, type[Stage]]:
    """Return every stage by its kind: all `Stage` classes in the modules of `edgeenc.stages`."""
    return {stage.model_fields["kind"].default: stage for stage in types_of("edgeenc.stages", Stage)}


def build_steps() -> frozenset[str]:
    """Return the names that no stage can take: those of the steps that every build has, and of those of a target."""
    made = {precision.step for target in targets() for precision in target.precisions}
    return frozenset(modules_of("edgeenc.steps")) - {"stage"} | made


def recipe_names() -> list[str]:
    """Return the names of the recipes that the package carries."""
    return sorted(path.stem for path in data_folder("recipes").glob("*.yaml"))


def find_recipe(name: str) -> Path:
    """Return the file of a recipe given by name or by path.

    Raises:
        RecipeError: there is none of that name.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return Path(name)
    if name in recipe_names():
        return data_folder("recipes") / f"{name}.yaml"
    raise RecipeError(f"no recipe named {name!r}{_meant(name, recipe_names())}; `edgeenc recipes list` shows all")


def load_recipe(name: str) -> Recipe:
    """Read a recipe by name or path.

    Raises:
        RecipeError: there is none, or it has problems; the message lists all of them.
    """
    path = find_recipe(name)
    return parse_recipe(_yaml(path), where=str(path if "/" in name else name))


def named_after(path: Path) -> str:
    """Return the name that a recipe in the file `path` should have: small letters, digits and hyphens.

    Raises:
        UsageError: the file's name has neither letter nor digit of ASCII.
    """
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")
    if not name:
        raise UsageError(f"{path}: a recipe is named after its file; choose one with a letter a-z or a digit")
    return name


def recipe_text(recipe: str, name: str) -> str:
    """Return the YAML of a recipe, comments and all, under another name.

    Raises:
        RecipeError: there is no such recipe.
    """
    text = find_recipe(recipe).read_text(encoding="utf-8")
    return re.sub(r"^name:[^\n#]*?(?=\s*(#[^\n]*)?$)", f"name: '{name}'", text, count=1, flags=re.MULTILINE)


def parse_recipe(fields: Fields, where: str) -> Recipe:
    """Return the recipe that `fields` spell.

    Raises:
        RecipeError: it has problems; the message lists all of them with their places.
    """
    fields, problems = recipe_of_today(fields)
    listed = fields.get("stages")
    if isinstance(listed, list) and listed:
        stages = [_stage(i, item, problems) for i, item in enumerate(listed)]
        problems += _names(stages)
        fields = {**fields, "stages": stages}
    recipe = _validated(Recipe, fields, "", problems)
    if problems or recipe is None:
        raise _error(where, problems)
    return recipe


def recipe_of_today(fields: Fields) -> tuple[Fields, list[str]]:
    """Return the fields of a recipe by their names of today, and a problem for each that has a former one.

    A bundle keeps the recipe that made it, so that one from before a renaming is read like any other; what a user
    builds is refused with the new names.
    """
    problems: list[str] = []
    fields = _of_today(Recipe, fields, "", problems)
    listed = fields.get("stages")
    if isinstance(listed, list):
        kinds = stage_kinds()
        stages = _each_of_today(lambda item: kinds.get(str(item.get("kind")), Stage), listed, "stages.", problems)
        fields = {**fields, "stages": stages}
    return fields, problems


def _of_today(spec: type[BaseModel], fields: Fields, prefix: str, problems: list[str]) -> Fields:
    """Return the fields of a spec, and of specs within it, by their names of today after noting each former one."""
    found, former = spelling_of_today(spec, fields)
    problems += [prefix + line for line in former]
    for name, info in spec.model_fields.items():
        value, place = found.get(name), f"{prefix}{name}."
        for own in _specs_in(info):
            if isinstance(value, dict):
                found[name] = _of_today(own, value, place, problems)
            elif isinstance(value, list):
                found[name] = _each_of_today(lambda _, own=own: own, value, place, problems)
    return found


def _specs_in(info: FieldInfo | None) -> list[type[BaseModel]]:
    """Return the specs that the value of a field can be, or each of its items; none of stages, which are a registry."""
    kinds = () if info is None else (info.annotation, *get_args(info.annotation))
    return [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel) and one is not Stage]


def _each_of_today(
    spec_of: Callable[[Fields], type[BaseModel]], items: list[object], prefix: str, problems: list[str]
) -> list[object]:
    """Return the items of a list, each that is a mapping as `_of_today` does."""
    return [
        _of_today(spec_of(item), item, f"{prefix}{place}.", problems) if isinstance(item, dict) else item
        for place, item in enumerate(items)
    ]


def load_language(tag: str) -> Language | None:
    """Return the language file that the package carries for a resolved tag, or None where it carries none.

    Raises:
        RecipeError: the file has problems.
    """
    path = data_folder("recipes") / "languages" / f"{tag}.yaml"
    return read_language(path) if path.is_file() else None


def read_language(path: Path) -> Language:
    """Read a language file; a corpus and data of tasks that it names by relative paths lie beside it.

    Raises:
        RecipeError: the file is missing or has problems.
    """
    problems: list[str] = []
    fields = _of_today(Language, _yaml(path), "", problems)
    language = _with_tasks(_validated(Language, fields, "", problems), path, problems)
    if problems or language is None:
        raise _error(str(path), problems)
    if language.corpus in ("", "starter") or is_hub_text(language.corpus):
        return language
    return language.model_copy(update={"corpus": str(path.parent / Path(language.corpus).expanduser())})


def _with_tasks(language: Language | None, path: Path, problems: list[str]) -> Language | None:
    """Return a language whose tasks' files lie beside its own, or None after noting names that are given twice."""
    if language is None:
        return None
    names = [task.name for task in language.tasks]
    twice = [f"tasks: two are called {name!r}" for name in sorted(set(names)) if names.count(name) > 1]
    problems += twice
    tasks = tuple(
        task
        if task.data.startswith("starter:") or "@" in task.data
        else task.model_copy(update={"data": str(path.parent / Path(task.data).expanduser())})
        for task in language.tasks
    )
    return None if twice else language.model_copy(update={"tasks": tasks})


def _yaml(path: Path) -> Fields:
    """Read one YAML mapping."""
    try:
        fields = yaml.load(path.read_text(encoding="utf-8"), _Strict)
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(fields, dict):
        raise RecipeError(f"{path}: a mapping of fields is expected, found {type(fields).__name__}")
    return fields


class _Strict(yaml.SafeLoader):
    """YAML that refuses a field given twice, of which the library would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """Build a mapping; its keys are all different."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the field {twice!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _stage(place: int, item: object, problems: list[str]) -> Stage:
    """Return one stage of a recipe; after noting its problems, one that only bears its name."""
    kinds = stage_kinds()
    kind = item.get("kind") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(kind, str):
        problems.append(
            f"stages.{place}: a mapping with a `kind` is expected, e.g. {{kind: trim-vocab, vocab_size: 8000}}"
        )
        return Stage(kind=f"stage {place}")
    if kind not in kinds:
        problems.append(
            f"stages.{place}.kind: no such stage {kind!r}{_meant(kind, kinds)}; there are {', '.join(sorted(kinds))}"
        )
        return Stage(kind=kind)
    name = item.get("name")
    unread = Stage.model_construct(kind=kind, name=name if isinstance(name, str) else "")
    return _validated(kinds[kind], item, f"stages.{place}.", problems) or unread


def _names(stages: list[Stage]) -> list[str]:
    """Return the problems with the names of steps: twice the same, or an earlier step that is not there."""
    problems, seen = [], ["teacher"]
    problems += [
        f"stages.{place}: {stage.label!r} is a step that every build has; give this one another `name`"
        for place, stage in enumerate(stages)
        if stage.label in build_steps()
    ]
    for place, stage in enumerate(stages):
        for name in stage.reads:
            if name not in seen:
                problems.append(
                    f"stages.{place}: no earlier step {name!r}{_meant(name, seen)}; there are {', '.join(seen)}"
                )
        if stage.label in seen:
            problems.append(f"stages.{place}: a second step {stage.label!r}; give it a `name` of its own")
        seen.append(stage.label)
    return problems


def _validated(model: type[M], fields: Fields, prefix: str, problems: list[str]) -> M | None:
    """Return a `model` made from `fields`, or None after noting every problem."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        for item in error.errors():
            place = (prefix + ".".join(map(str, item["loc"]))).rstrip(".")
            if item["type"] == "extra_forbidden":
                name = str(item["loc"][-1])
                problems.append(f"{place}: no such field{_meant(name, _fields_at(model, item['loc'][:-1]))}")
            else:
                problems.append(f"{place}: {item['msg'][0].lower()}{item['msg'][1:]}")
        return None


def _fields_at(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """Return the fields of the spec at a place within another: `bounds`, or `tasks` and a number."""
    specs = [model]
    for part in (one for one in place if isinstance(one, str)):
        specs = [own for spec in specs for own in _specs_in(spec.model_fields.get(part))]
    return [name for spec in specs for name in spec.model_fields]


def _meant(word: str, known: Iterable[str]) -> str:
    """Return the tail of an error message that offers the nearest known word."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _error(where: str, problems: list[str]) -> RecipeError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return RecipeError(f"{where} has {count}:\n" + "\n".join(f"  {problem}" for problem in problems))
